//! From a rule about entities as written to one that can be asked where it holds. What is then done to
//! the entities is the business of the pass `rules`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use onig::{Regex, Region};
use toml::Spanned;

use super::action::{self, Deed};
use super::compile::{ENTITY, contexts, group_names, score};
use super::condition::{Condition, Scope};
use super::context::{Contexts, as_rule_error, compile};
use super::limit::{Budget, Exceeded, capture};
use super::macros::place_in;
use super::owed::{wrong_cases, wrong_keys};
use super::prefilter::{Patterns, Places};
use super::schema::Written;
use super::sequence::{Field, Filled, Matcher};
use super::slots::sequences;
use super::world::World;
use crate::error::{Error, ErrorKind, Location};
use crate::span::{Candidate, Label, Origin};
use crate::text::Span;

/// How a rule moves scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rescore {
    /// The score becomes this.
    pub set: Option<f32>,
    /// Then it is multiplied with this.
    pub scale: Option<f64>,
    /// Then this is added to its log-odds.
    pub add: Option<f64>,
}

/// How far an entity goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// As far as it goes by itself.
    Itself,
    Match,
    Group(String),
    Words,
    Line,
    Sentence,
}

/// A rule about entities that can be asked.
#[derive(Debug)]
pub(crate) struct EntityRule {
    pub id: Arc<str>,
    pub written: Written,
    pub deed: Deed,
    /// The label that the action gives.
    pub label: Option<Label>,
    pub rescore: Rescore,
    /// Where an entity is split.
    at: Option<Regex>,
    matchers: Vec<Matcher>,
    /// The name of the entity that the rule is about; `None` for the only one, or for all.
    on: Option<String>,
    reach: Reach,
    when: Condition,
    slots: Vec<(String, Condition)>,
    contexts: Contexts,
}

/// A place where a rule holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The whole match.
    pub whole: Span,
    /// The candidates that the rule is about, by number, in text order; none where it makes one.
    pub targets: Vec<usize>,
    /// What the action makes of their span; several where it splits.
    pub spans: Vec<Span>,
}

/// Compiles a rule about entities.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn compile_rule(written: Written, scope: &Scope<'_>) -> Result<EntityRule, Vec<Error>> {
    let rule = &written.rule;
    let file = &written.file;
    let mut errors = written.missing();
    errors.extend(wrong_cases(&written));
    let action =
        match rule.action.as_ref().map(|name| (action::action(name.get_ref()), name.span())) {
            None => action::action("add").expect("an action"),
            Some((Ok(action), _)) => action,
            Some((Err(error), place)) => {
                errors.push(as_rule_error(&error).at(file.location(place)));
                return Err(errors);
            }
        };
    errors.extend(wrong_keys(&written, action));
    let label = rule.label.as_ref().and_then(|label| {
        let found = scope.label(label.get_ref());
        found.map_err(|error| errors.push(error.at(file.location(label.span())))).ok()
    });
    let mut keep = |wrong: Vec<Error>| errors.extend(wrong);
    let matchers = matchers(&written, scope).map_err(&mut keep).unwrap_or_default();
    let when = Condition::build(rule.when.as_ref().map(Spanned::get_ref), scope, file);
    let when = when.map_err(&mut keep).ok();
    let mut slots = Vec::new();
    for (name, when) in &rule.slot {
        let built = Condition::build(Some(when.get_ref()), scope, file).map_err(&mut keep);
        slots.extend(built.ok().map(|condition| (name.get_ref().clone(), condition)));
    }
    let contexts = contexts(&written, scope.vocabulary).map_err(&mut keep).unwrap_or_default();
    let at = rule.at.as_ref().and_then(|at| {
        compile(at, scope.vocabulary, file, false).map_err(&mut keep).ok().map(|(_, regex)| regex)
    });
    let rescore = rescore(&written).map_err(&mut keep).ok();
    match (when, rescore) {
        (Some(when), Some(rescore)) if errors.is_empty() => {
            let id = rule.id.get_ref().as_str().into();
            let reach = Reach::Itself;
            let deed = action.deed;
            let mut made = EntityRule {
                id,
                deed,
                label,
                rescore,
                at,
                matchers,
                on: None,
                reach,
                when,
                slots,
                contexts,
                written,
            };
            let errors = made.resolve();
            if errors.is_empty() { Ok(made) } else { Err(errors) }
        }
        _ => Err(errors),
    }
}

/// The sequences of all patterns; without a pattern, any entity.
fn matchers(written: &Written, scope: &Scope<'_>) -> Result<Vec<Matcher>, Vec<Error>> {
    let file = &written.file;
    let (mut matchers, mut errors) = (Vec::new(), Vec::new());
    if written.patterns().next().is_none() {
        let any = sequences("<any>").expect("a pattern");
        return Ok(any.into_iter().filter_map(|any| Matcher::build(any).ok()).collect());
    }
    for pattern in written.patterns() {
        let whole = || file.location(pattern.span());
        let text = match scope.vocabulary.expand(pattern, file) {
            Ok(text) => text,
            Err(wrong) => {
                errors.extend(wrong);
                continue;
            }
        };
        let found = match sequences(&text) {
            Ok(found) => found,
            Err((message, part)) => {
                let place =
                    if part.is_empty() { pattern.span() } else { place_in(file, pattern, &part) };
                errors.push(written.error(place, message));
                continue;
            }
        };
        let mut unknown = BTreeSet::new();
        for label in found.iter().flat_map(|s| &s.slots).flat_map(|s| s.labels.iter().flatten()) {
            if let Some(error) = scope.label(label).err().filter(|_| unknown.insert(label.clone()))
            {
                errors.push(error.at(file.location(place_in(file, pattern, label))));
            }
        }
        for sequence in found {
            match Matcher::build(sequence) {
                Ok(matcher) => matchers.push(matcher),
                Err(error) => {
                    errors.push(error.at(whole()));
                    break;
                }
            }
        }
    }
    if errors.is_empty() { Ok(matchers) } else { Err(errors) }
}

/// How the rule moves scores.
fn rescore(written: &Written) -> Result<Rescore, Vec<Error>> {
    let rule = &written.rule;
    let mut errors = Vec::new();
    let set = score(written).map_err(|error| errors.push(error)).unwrap_or_default();
    let mut number =
        |key: &str, value: &Option<Spanned<f64>>, range: std::ops::RangeInclusive<f64>| {
            let value = value.as_ref()?;
            let got = *value.get_ref();
            if !range.contains(&got) {
                let message =
                    format!("'{key}' is {got}, expected {} to {}", range.start(), range.end());
                errors.push(written.error(value.span(), message));
            }
            Some(got)
        };
    let add = number("add", &rule.add, -1000.0..=1000.0);
    let scale = number("scale", &rule.scale, 0.0..=1000.0);
    if errors.is_empty() { Ok(Rescore { set, scale, add }) } else { Err(errors) }
}

impl EntityRule {
    /// Where the rule is written.
    pub(crate) fn place(&self) -> Location {
        self.written.place()
    }

    /// Whether it asks for entities of the label: to change them, or to decide about others.
    pub(crate) fn looks_for(&self, label: &Label) -> bool {
        let slots = self.matchers.iter().flat_map(|matcher| &matcher.slots);
        let asks = |labels: &Vec<String>| labels.iter().any(|known| known == label.as_str());
        let conditions = self.slots.iter().map(|(_, condition)| condition).chain([&self.when]);
        slots.map(|slot| slot.labels.as_ref()).any(|labels| labels.is_none_or(asks))
            || conditions.into_iter().any(|condition| condition.looks_for(label))
    }

    /// Whether it asks what the sources proposed before the first pass.
    pub(crate) fn looks_back(&self) -> bool {
        self.when.looks_back() || self.slots.iter().any(|(_, condition)| condition.looks_back())
    }

    /// The pattern that tells where it can hold, where it is about text alone.
    pub(crate) fn text_patterns(&self) -> Vec<Patterns<'_>> {
        let texts = self.matchers.iter().filter_map(Matcher::text_pattern);
        texts.map(|main| Patterns { main, contexts: self.contexts.required().collect() }).collect()
    }

    /// Looks up the names of entities and groups; what is wrong with them.
    fn resolve(&mut self) -> Vec<Error> {
        let rule = &self.written.rule;
        let mut errors = Vec::new();
        let mut unknown = |what: &str, name: &Spanned<String>, known: &BTreeSet<&str>| {
            let known: Vec<&str> = known.iter().copied().collect();
            let error = as_rule_error(&Error::unknown(what, name.get_ref(), &known));
            errors.push(error.at(self.written.file.location(name.span())));
        };
        let slots: BTreeSet<&str> = self
            .matchers
            .iter()
            .flat_map(|m| &m.slots)
            .filter_map(|slot| slot.name.as_deref())
            .collect();
        for name in rule.on.iter().chain(rule.slot.keys()) {
            if !slots.contains(name.get_ref().as_str()) {
                unknown("entity of the pattern", name, &slots);
            }
        }
        let mut groups = slots.clone();
        groups.extend(self.matchers.iter().flat_map(Matcher::group_names));
        let inside = self.when.inside.as_ref().map(group_names).unwrap_or_default();
        groups.extend(inside.iter().map(|(name, _)| name.as_str()));
        if let Some(group) = rule.group.as_ref().filter(|g| !groups.contains(g.get_ref().as_str()))
        {
            unknown("group", group, &groups);
        }
        let has_entity = groups.contains(ENTITY) && !slots.contains(ENTITY);
        let counts: BTreeSet<usize> = self.matchers.iter().map(|m| m.slots.len()).collect();
        let about_one = !matches!(self.deed, Deed::Add | Deed::Join);
        let named = rule.on.as_ref().map(|on| on.get_ref().clone());
        let on = named.or_else(|| slots.contains(ENTITY).then(|| ENTITY.to_owned()));
        let mut report = |message: String| {
            let error = Error::new(ErrorKind::Rule, message);
            errors.push(error.at(self.written.file.location(rule.id.span())));
        };
        let name = rule.id.get_ref();
        if counts.contains(&0) && self.deed != Deed::Add {
            report(format!(
                "the pattern of rule '{name}' has no entity such as <PER> or <any>, and the rule is about \
                 one; a pattern that looks into it is 'inside' under [rule.when]"
            ));
        } else if about_one && on.is_none() && counts.iter().any(|count| *count > 1) {
            report(format!(
                "rule '{name}' does not say which entity of its pattern it is about, expected 'on', or \
                 one called 'entity'"
            ));
        }
        let reach = match (&rule.group, rule.to.as_ref()) {
            (Some(group), _) => Reach::Group(group.get_ref().clone()),
            (None, Some(to)) => match (to.get_ref().as_str(), self.deed) {
                ("match", Deed::Extend | Deed::Join) => Reach::Match,
                ("words", Deed::Extend) => Reach::Words,
                ("line", Deed::Extend | Deed::Trim) => Reach::Line,
                ("sentence", Deed::Extend | Deed::Trim) => Reach::Sentence,
                (got, deed) => {
                    let known = match deed {
                        Deed::Extend => "match, words, line or sentence",
                        Deed::Join => "match",
                        _ => "line or sentence",
                    };
                    let place = self.written.file.location(to.span());
                    let message = format!("'to' is '{got}', expected {known}");
                    errors.push(Error::new(ErrorKind::Rule, message).at(place));
                    Reach::Itself
                }
            },
            (None, None) if has_entity && self.deed != Deed::Join => {
                Reach::Group(ENTITY.to_owned())
            }
            (None, None) => match self.deed {
                Deed::Add | Deed::Extend => Reach::Match,
                Deed::Trim => {
                    report(format!(
                        "rule '{name}' does not say what to trim to, expected 'group', a group called \
                         'entity', or 'to'"
                    ));
                    Reach::Itself
                }
                _ => Reach::Itself,
            },
        };
        (self.on, self.reach) = (on.filter(|_| about_one), reach);
        errors
    }

    /// Everywhere the rule holds, in text order, a longer match first. `candidates` are in the order of
    /// output; `places` says, for each of [`EntityRule::text_patterns`], where it may match.
    ///
    /// Where a limit is exceeded, it is given besides what was found before.
    pub(crate) fn find(
        &self,
        candidates: &[Candidate],
        world: &World<'_>,
        places: &[Places],
        retries: u32,
        origin: &Origin,
    ) -> (Vec<Hit>, Option<Exceeded>) {
        let text = world.text();
        let budget = Budget::new(retries, text.len());
        let (mut hits, mut exceeded) = (Vec::new(), None);
        let mut places = places.iter();
        for matcher in &self.matchers {
            let places = if matcher.slots.is_empty() { places.next() } else { None };
            let known = RefCell::new(vec![None; matcher.slots.len() * candidates.len()]);
            let fits = |slot: usize, number: usize| {
                let key = slot * candidates.len() + number;
                if let Some(known) = known.borrow()[key] {
                    return Ok(known);
                }
                let fits = self.fits(matcher, slot, &candidates[number], world, &budget)?;
                known.borrow_mut()[key] = Some(fits);
                Ok(fits)
            };
            let field = Field { text, candidates, fits: &fits, budget: &budget };
            let mut filled = Vec::new();
            let nowhere = Places::new();
            let found = matcher.find(&field, places.unwrap_or(&nowhere), &mut filled);
            exceeded = exceeded.or(found.err());
            for one in filled {
                match self.hit(matcher, &one, candidates, world, &budget, origin) {
                    Ok(hit) => hits.extend(hit),
                    Err(limit) => exceeded = exceeded.or(Some(limit)),
                }
            }
        }
        hits.sort_by(|a, b| {
            (a.whole.start, b.whole.end, &a.targets).cmp(&(b.whole.start, a.whole.end, &b.targets))
        });
        hits.dedup();
        (hits, exceeded)
    }

    /// Whether the rule is about the entity in this slot.
    fn is_target(&self, matcher: &Matcher, slot: usize) -> bool {
        match (self.deed, &self.on) {
            (Deed::Add, _) => false,
            (Deed::Join, _) => true,
            (_, None) => matcher.slots.len() == 1,
            (_, Some(on)) => matcher.slots[slot].name.as_ref() == Some(on),
        }
    }

    fn fits(
        &self,
        matcher: &Matcher,
        slot: usize,
        candidate: &Candidate,
        world: &World<'_>,
        budget: &Budget,
    ) -> Result<bool, Exceeded> {
        let asked = &matcher.slots[slot];
        let label = candidate.label.as_str();
        if !asked.labels.as_ref().is_none_or(|labels| labels.iter().any(|known| known == label)) {
            return Ok(false);
        }
        if self.is_target(matcher, slot) && !self.when.holds(candidate, world, budget)? {
            return Ok(false);
        }
        for (name, condition) in &self.slots {
            if asked.name.as_ref() == Some(name) && !condition.holds(candidate, world, budget)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What a match means; `None` where the rule does not hold after all.
    fn hit(
        &self,
        matcher: &Matcher,
        filled: &Filled,
        candidates: &[Candidate],
        world: &World<'_>,
        budget: &Budget,
        origin: &Origin,
    ) -> Result<Option<Hit>, Exceeded> {
        let text = world.text();
        let slots = 0..matcher.slots.len();
        let targets: Vec<usize> =
            slots.filter(|slot| self.is_target(matcher, *slot)).map(|s| filled.slots[s]).collect();
        let spans = || targets.iter().map(|number| candidates[*number].span);
        let hull = spans().reduce(hull);
        if hull.is_none() && self.deed != Deed::Add {
            return Ok(None);
        }
        let named = |name: &str| {
            let slot = matcher.slots.iter().position(|slot| slot.name.as_deref() == Some(name));
            let slot = slot.map(|slot| candidates[filled.slots[slot]].span);
            slot.or_else(|| filled.groups.get(name).copied())
        };
        let reach = match &self.reach {
            Reach::Itself => hull,
            Reach::Match => Some(filled.whole),
            Reach::Group(name) => match (named(name), hull) {
                (Some(span), _) => Some(span),
                (None, Some(hull)) => self.inside_group(name, text, hull, budget)?,
                (None, None) => None,
            },
            Reach::Words => hull.map(|span| world.whole_words(span)),
            Reach::Line => hull.map(|span| line(text, span, self.deed == Deed::Trim)),
            Reach::Sentence => hull.map(|span| world.sentence(span)),
        };
        let Some(reach) = reach else { return Ok(None) };
        let made = match (self.deed, hull) {
            (Deed::Extend | Deed::Join, Some(span)) => vec![self::hull(span, reach)],
            (Deed::Trim, Some(span)) => {
                let (start, end) = (span.start.max(reach.start), span.end.min(reach.end));
                if start >= end { Vec::new() } else { vec![Span::new(start, end).trim(text)] }
            }
            (Deed::Split, Some(span)) => self.parts(text, span, budget)?,
            (Deed::Add, _) => vec![reach],
            (_, span) => span.into_iter().collect(),
        };
        if made.is_empty() || made.iter().any(|span| span.is_empty()) {
            return Ok(None);
        }
        // Contexts are about the entity as it is, or about the one that is made of none or several.
        let about = match self.deed {
            Deed::Add | Deed::Join => made[0],
            _ => hull.unwrap_or(made[0]),
        };
        if self.contexts.objection(text, about, budget)?.is_some() {
            return Ok(None);
        }
        if let (Deed::Add, Some(label)) = (self.deed, &self.label) {
            let candidate = Candidate {
                span: made[0],
                label: label.clone(),
                score: self.rescore.set.unwrap_or(1.0),
                origins: vec![origin.clone()],
                overruled: Vec::new(),
            };
            if !self.when.holds(&candidate, world, budget)? {
                return Ok(None);
            }
        }
        Ok(Some(Hit { whole: filled.whole, targets, spans: made }))
    }

    /// Where the group of `inside` stands in an entity.
    fn inside_group(
        &self,
        name: &str,
        text: &str,
        span: Span,
        budget: &Budget,
    ) -> Result<Option<Span>, Exceeded> {
        let Some(regex) = &self.when.inside else { return Ok(None) };
        let surface = span.slice(text).unwrap_or("");
        let mut region = Region::new();
        if !capture(regex, surface, 0, false, budget, &mut region)? {
            return Ok(None);
        }
        let groups = group_names(regex);
        let numbers = groups.iter().find(|(known, _)| known == name).map(|(_, numbers)| numbers);
        let found = numbers.into_iter().flatten().find_map(|number| region.pos(*number));
        Ok(found.map(|(start, end)| Span::new(span.start + start, span.start + end)))
    }

    /// The parts of an entity between the matches of `at`; none where there are not two.
    fn parts(&self, text: &str, span: Span, budget: &Budget) -> Result<Vec<Span>, Exceeded> {
        let Some(regex) = &self.at else { return Ok(Vec::new()) };
        let surface = span.slice(text).unwrap_or("");
        let mut parts = Vec::new();
        let mut add = |range: Range<usize>| {
            let part = Span::new(span.start + range.start, span.start + range.end).trim(text);
            if !part.is_empty() {
                parts.push(part);
            }
        };
        let (mut begin, mut from) = (0, 0);
        let mut region = Region::new();
        while from < surface.len() && capture(regex, surface, from, false, budget, &mut region)? {
            let Some((start, end)) = region.pos(0) else { break };
            if end > start {
                add(begin..start);
                begin = end;
            }
            from = super::limit::ceil(surface, end.max(start + 1));
        }
        add(begin..surface.len());
        if parts.len() < 2 {
            parts.clear();
        }
        Ok(parts)
    }
}

/// The span from the beginning of the first to the end of the last.
fn hull(a: Span, b: Span) -> Span {
    Span::new(a.start.min(b.start), a.end.max(b.end))
}

/// The line that a span begins in, or from the beginning of its first to the end of its last.
fn line(text: &str, span: Span, first_only: bool) -> Span {
    let start = text.get(..span.start).and_then(|t| t.rfind('\n')).map_or(0, |at| at + 1);
    let from = if first_only { span.start } else { span.end };
    let end = text.get(from..).and_then(|t| t.find('\n')).map_or(text.len(), |at| from + at);
    Span::new(start, end.max(start)).trim(text)
}
