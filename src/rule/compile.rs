//! From a rule about text as written to one that matches: patterns compiled, names looked up,
//! everything that is wrong with it reported at its place.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use onig::Regex;
use toml::Spanned;

use super::context::{Contexts, Objection, WrittenContexts, as_rule_error, bad_pattern};
use super::limit::{Budget, Exceeded, Search, ceil};
use super::macros::Vocabulary;
use super::prefilter::Patterns;
use super::schema::{Rule, Written};
use super::tokens::TokenEdges;
use crate::error::{Error, Location};
use crate::span::Label;
use crate::text::Span;

/// The group that is the entity where a rule names none.
pub(super) const ENTITY: &str = "entity";

/// A rule about text that can be run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub id: Arc<str>,
    pub label: Label,
    pub score: f32,
    pub written: Written,
    /// All its patterns as one, with all names replaced.
    pattern: String,
    regex: Regex,
    /// The numbers of the groups that may be the entity; empty for the whole match.
    groups: Vec<usize>,
    contexts: Contexts,
}

/// Rules of an id that another has, each at its place.
pub(crate) fn duplicates(rules: &[Written]) -> Vec<Error> {
    let mut seen: HashMap<&str, Location> = HashMap::new();
    let mut errors = Vec::new();
    for written in rules {
        let id = &written.rule.id;
        if let Some(first) = seen.get(id.get_ref().as_str()) {
            let message = format!("the rule id '{}' is taken by {first}", id.get_ref());
            errors.push(written.error(id.span(), message));
        } else {
            seen.insert(id.get_ref(), written.file.location(id.span()));
        }
    }
    errors
}

/// Compiles all rules of a source.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(crate) fn compile_all(
    rules: Vec<Written>,
    vocabulary: &Vocabulary,
) -> Result<Vec<Compiled>, Vec<Error>> {
    let (mut compiled, mut errors) = (Vec::with_capacity(rules.len()), duplicates(&rules));
    for written in rules {
        match compile(written, vocabulary) {
            Ok(rule) => compiled.push(rule),
            Err(wrong) => errors.extend(wrong),
        }
    }
    if errors.is_empty() { Ok(compiled) } else { Err(errors) }
}

/// Compiles a rule about text.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn compile(written: Written, vocabulary: &Vocabulary) -> Result<Compiled, Vec<Error>> {
    let rule = &written.rule;
    let mut errors = written.missing();
    errors.extend(missing(&written));
    let pattern = pattern(&written, vocabulary).map_err(|wrong| errors.extend(wrong)).ok();
    let contexts = contexts(&written, vocabulary).map_err(|wrong| errors.extend(wrong)).ok();
    let groups = match pattern.as_ref().map(|(_, regex)| groups(regex, rule.group.as_ref())) {
        Some(Err(error)) => {
            let place = rule.group.as_ref().map_or(rule.id.span(), Spanned::span);
            errors.push(as_rule_error(&error).at(written.file.location(place)));
            Vec::new()
        }
        found => found.and_then(Result::ok).unwrap_or_default(),
    };
    let score = score(&written).map_err(|error| errors.push(error)).unwrap_or_default();
    match (pattern, contexts, &rule.label) {
        (Some((pattern, regex)), Some(contexts), Some(label)) if errors.is_empty() => {
            Ok(Compiled {
                id: rule.id.get_ref().as_str().into(),
                label: Label::new(label.get_ref()),
                score: score.unwrap_or(1.0),
                pattern,
                regex,
                groups,
                contexts,
                written,
            })
        }
        _ => Err(errors),
    }
}

/// What every rule about text must have and this one has not, and what it may not have.
fn missing(written: &Written) -> Vec<Error> {
    let Rule { id, cases, .. } = &written.rule;
    let name = id.get_ref();
    let mut errors = Vec::new();
    let mut add = |place: Range<usize>, message: String| errors.push(written.error(place, message));
    if written.rule.label.is_none() {
        add(id.span(), format!("rule '{name}' has no 'label'"));
    }
    if written.patterns().next().is_none() && written.rule.patterns.is_none() {
        add(id.span(), format!("rule '{name}' has no 'pattern'"));
    }
    for (key, place) in written.rule.entity_keys() {
        add(
            place,
            format!(
                "rule '{name}' has '{key}', which only a rule about entities has, in a merge pass \
                 'rules'"
            ),
        );
    }
    for case in cases.iter().filter(|case| case.get_ref().finds.is_none()) {
        add(case.span(), format!("a case of rule '{name}' has no 'finds'"));
    }
    for case in cases.iter().filter(|case| case.get_ref().gives.is_some()) {
        add(case.span(), format!("a case of rule '{name}' has 'gives', expected 'finds'"));
    }
    errors
}

/// All patterns of the rule as one, with all names replaced, each tried where those before it do not
/// match.
fn pattern(written: &Written, vocabulary: &Vocabulary) -> Result<(String, Regex), Vec<Error>> {
    let mut texts = Vec::new();
    let mut errors = Vec::new();
    for pattern in written.patterns() {
        let place = || written.file.location(pattern.span());
        match vocabulary.expand(pattern, &written.file) {
            Ok(text) => match Regex::new(&text) {
                Ok(_) => texts.push((text, place())),
                Err(error) => errors.push(bad_pattern(&error).at(place())),
            },
            Err(wrong) => errors.extend(wrong),
        }
    }
    let Some((_, place)) = texts.first().cloned() else { return Err(errors) };
    let texts: Vec<String> = texts.into_iter().map(|(text, _)| text).collect();
    let whole =
        if texts.len() == 1 { texts.concat() } else { format!("(?:{})", texts.join(")|(?:")) };
    match Regex::new(&whole) {
        Ok(regex) if errors.is_empty() => Ok((whole, regex)),
        Ok(_) => Err(errors),
        Err(error) => {
            errors.push(bad_pattern(&error).at(place));
            Err(errors)
        }
    }
}

/// The contexts that the rule's own keys say.
pub(super) fn contexts(written: &Written, vocabulary: &Vocabulary) -> Result<Contexts, Vec<Error>> {
    let rule = &written.rule;
    let keys = WrittenContexts {
        left: rule.left.as_ref(),
        not_left: rule.not_left.as_ref(),
        right: rule.right.as_ref(),
        not_right: rule.not_right.as_ref(),
        check: rule.check.as_ref(),
    };
    Contexts::build(&keys, vocabulary, &written.file)
}

/// The score that the rule says.
pub(super) fn score(written: &Written) -> Result<Option<f32>, Error> {
    let Some(score) = &written.rule.score else { return Ok(None) };
    let value = *score.get_ref();
    if (0.0..=1.0).contains(&value) {
        Ok(Some(value as f32))
    } else {
        Err(written.error(score.span(), format!("the score is {value}, expected 0 to 1")))
    }
}

/// The numbers of the groups that are the entity.
fn groups(pattern: &Regex, wanted: Option<&Spanned<String>>) -> Result<Vec<usize>, Error> {
    let names = group_names(pattern);
    let name = wanted.map_or(ENTITY, |w| w.get_ref());
    match names.iter().find(|(known, _)| known == name) {
        Some((_, numbers)) => Ok(numbers.clone()),
        None if wanted.is_none() => Ok(Vec::new()),
        None => {
            let known: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
            Err(Error::unknown("group", name, &known))
        }
    }
}

/// The named groups of a pattern and their numbers, by name.
pub(super) fn group_names(pattern: &Regex) -> Vec<(String, Vec<usize>)> {
    let mut names: Vec<(String, Vec<usize>)> = Vec::new();
    pattern.foreach_name(|name, numbers| {
        names.push((name.to_owned(), numbers.iter().map(|n| *n as usize).collect()));
        true
    });
    names.sort();
    names
}

/// What became of something that a pattern matched.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict<'r> {
    /// The rule finds it.
    Found,
    /// It does not begin and end at the edges of tokens.
    CutsToken,
    /// A context or the validator refuses it.
    Refused(Objection<'r>),
}

impl Compiled {
    /// All that decides what the rule finds, with all names replaced: two rules of which this is the same
    /// find the same, whatever they call it and however they score it.
    pub(crate) fn matching(&self) -> String {
        let group = self.written.rule.group.as_ref().map(Spanned::get_ref);
        format!("{:?} {group:?} {:?}", self.pattern, self.contexts.conditions())
    }

    /// The patterns that tell where the rule can find something.
    pub(crate) fn patterns(&self) -> Patterns<'_> {
        Patterns { main: &self.pattern, contexts: self.contexts.required().collect() }
    }

    /// Adds what the rule finds in `text` to `out`, in order, without overlaps: its matches begin at
    /// `places`. Entities that do not begin and end at the edges of tokens, where there are tokens, are
    /// left out.
    ///
    /// # Errors
    /// Where a limit is exceeded; what was found before stays in `out`.
    pub(crate) fn find(
        &self,
        text: &str,
        places: &[Range<usize>],
        tokens: Option<&TokenEdges>,
        retries: u32,
        out: &mut Vec<Span>,
    ) -> Result<(), Exceeded> {
        self.each(text, places, tokens, retries, |span, verdict| {
            if matches!(verdict, Verdict::Found) {
                out.push(span);
            }
        })
    }

    /// [`Compiled::find`], which also tells what was refused and why.
    pub(crate) fn each(
        &self,
        text: &str,
        places: &[Range<usize>],
        tokens: Option<&TokenEdges>,
        retries: u32,
        mut tell: impl FnMut(Span, Verdict<'_>),
    ) -> Result<(), Exceeded> {
        let budget = Budget::new(retries, text.len());
        let mut search = Search::new(&self.regex, text, places, &budget);
        let mut at = 0;
        let mut taken = 0;
        while let Some(whole) = search.next(at)? {
            let entity = if self.groups.is_empty() {
                Some(whole)
            } else {
                self.groups.iter().find_map(|number| search.group(*number))
            };
            at = after(text, whole, entity);
            let Some(entity) = entity.filter(|e| !e.is_empty() && e.start >= taken) else {
                continue;
            };
            if tokens.is_some_and(|tokens| !tokens.fit(entity)) {
                tell(entity, Verdict::CutsToken);
            } else if let Some(objection) = self.contexts.objection(text, entity, &budget)? {
                tell(entity, Verdict::Refused(objection));
            } else {
                taken = entity.end;
                tell(entity, Verdict::Found);
            }
        }
        Ok(())
    }
}

/// Where the search goes on: after the entity, so that what follows it can also precede the next
/// one, and in any case past the beginning of the match.
fn after(text: &str, whole: Span, entity: Option<Span>) -> usize {
    let end = entity.filter(|e| !e.is_empty()).map_or(whole.end, |e| e.end);
    end.max(ceil(text, whole.start + 1))
}
