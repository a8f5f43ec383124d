//! What rules do to the candidates of a document. Where they hold is not asked here.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::log_odds::shift;
use super::super::trace::{ByRule, Reason};
use super::{PassContext, Rules, Trace};
use crate::rule::action::Deed;
use crate::rule::entity::{EntityRule, Hit, Rescore};
use crate::rule::prefilter::Places;
use crate::rule::tokens::TokenEdges;
use crate::rule::world::World;
use crate::span::{Candidate, Origin, Span, order};

/// A candidate, and what the rules of the pass have noted about it.
#[derive(Debug, Clone)]
struct Notes {
    /// No rule may drop it.
    kept: bool,
    /// The rules that have moved its score, by their place in the files.
    scored: BTreeSet<usize>,
}

/// The candidates of a document under the rules.
#[derive(Clone)]
pub(super) struct Run<'r> {
    pass: &'r Rules,
    context: &'r PassContext<'r>,
    flat: bool,
    tokens: Rc<Option<TokenEdges>>,
    /// In the order of output.
    candidates: Vec<Candidate>,
    notes: Vec<Notes>,
    /// What rules have made, so that they do not make it again.
    made: BTreeSet<(usize, Span)>,
    /// The rules that were given up, which are not tried again.
    given_up: BTreeMap<usize, String>,
    /// Where the rules about text alone can match.
    places: Rc<Vec<Places>>,
    /// The changes that were tried so far, which tells them apart.
    changes: usize,
}

/// What one rule does at its places.
struct Changes {
    /// Candidates that are changed or gone: a rule does not change them a second time.
    touched: Vec<bool>,
    gone: Vec<bool>,
    new: Vec<(Candidate, Notes)>,
    /// The spans of all that is there, where no two may overlap.
    taken: Option<Taken>,
    any: bool,
}

/// Spans that may not be overlapped.
struct Taken {
    spans: BTreeMap<(usize, usize), usize>,
    longest: usize,
}

impl Taken {
    fn add(&mut self, span: Span) {
        *self.spans.entry((span.start, span.end)).or_default() += 1;
        self.longest = self.longest.max(span.len());
    }

    fn remove(&mut self, span: Span) {
        if let Some(count) = self.spans.get_mut(&(span.start, span.end)) {
            *count -= 1;
            if *count == 0 {
                self.spans.remove(&(span.start, span.end));
            }
        }
    }

    fn overlaps(&self, span: Span) -> bool {
        let first = span.start.saturating_sub(self.longest);
        let near = self.spans.range((first, 0)..(span.end, 0));
        near.into_iter().any(|((_, end), _)| *end > span.start)
    }
}

impl<'r> Run<'r> {
    pub(super) fn new(
        pass: &'r Rules,
        context: &'r PassContext<'r>,
        candidates: Vec<Candidate>,
        flat: bool,
    ) -> Self {
        let tokens = TokenEdges::of(context.document);
        let notes = vec![Notes { kept: false, scored: BTreeSet::new() }; candidates.len()];
        let places = pass.prefilter.places(&context.document.text);
        let mut run = Self {
            pass,
            context,
            flat,
            tokens: tokens.into(),
            candidates,
            notes,
            made: BTreeSet::new(),
            given_up: BTreeMap::new(),
            places: places.into(),
            changes: 0,
        };
        run.sort();
        run
    }

    /// Runs the rules of these numbers once; whether they changed anything.
    pub(super) fn round(&mut self, rules: impl Iterator<Item = usize>, trace: &mut Trace) -> bool {
        rules.fold(false, |any, number| {
            let start = trace.rule_log().start();
            let changed = self.apply(number, trace);
            trace.rule_log().stop_rule(number, start);
            changed | any
        })
    }

    /// The candidates as they are now; warns of rules that were given up.
    pub(super) fn finish(self, trace: &mut Trace) -> Vec<Candidate> {
        for (number, exceeded) in &self.given_up {
            let rule = &self.pass.rules[*number];
            let who = format!("rule '{}' of the merge", rule.id);
            let document = self.context.document;
            let warning = crate::rule::pack::given_up(&who, exceeded, document, &rule.written);
            if let Some(warning) = trace.rule_log().give_up(*number, warning) {
                trace.warn(warning);
            }
        }
        self.candidates
    }

    /// The limits that rules ran into.
    pub(super) fn limits(&self) -> impl Iterator<Item = &str> {
        self.given_up.values().map(String::as_str)
    }

    /// How many candidates are protected from being dropped.
    pub(super) fn kept(&self) -> usize {
        self.notes.iter().filter(|notes| notes.kept).count()
    }

    /// The candidates as they are now.
    pub(super) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    fn apply(&mut self, number: usize, trace: &mut Trace) -> bool {
        let rule = &self.pass.rules[number];
        if self.given_up.contains_key(&number) {
            return false;
        }
        let context = self.context;
        let segments = || context.segments();
        let world = World::new(context.document, &segments, context.proposed, &self.candidates);
        let places = self.places.get(self.pass.texts[number].clone()).unwrap_or(&[]);
        let origin = Origin::new(&self.pass.origin, rule.id.clone());
        let retries = self.pass.retries;
        let (hits, exceeded) = rule.find(&self.candidates, &world, places, retries, &origin);
        if let Some(exceeded) = exceeded {
            self.given_up.insert(number, exceeded.to_string());
        }
        if hits.is_empty() {
            return false;
        }
        let taken = self.flat.then(|| {
            let mut taken = Taken { spans: BTreeMap::new(), longest: 0 };
            self.candidates.iter().for_each(|candidate| taken.add(candidate.span));
            taken
        });
        let count = self.candidates.len();
        let mut changes = Changes {
            touched: vec![false; count],
            gone: vec![false; count],
            new: Vec::new(),
            taken,
            any: false,
        };
        for hit in &hits {
            self.changes += 1;
            self.change(number, rule, hit, &origin, &mut changes, trace);
        }
        self.settle(changes)
    }

    /// Does at one place what the rule says.
    fn change(
        &mut self,
        number: usize,
        rule: &EntityRule,
        hit: &Hit,
        origin: &Origin,
        changes: &mut Changes,
        trace: &mut Trace,
    ) {
        if hit.targets.iter().any(|target| changes.touched[*target]) {
            return;
        }
        let change = self.changes;
        let why = |what: &str| reason(rule, change, what);
        let Some(&target) = hit.targets.first() else {
            self.add(number, rule, hit, origin, changes, trace);
            return;
        };
        match rule.deed {
            Deed::Add => {}
            Deed::Keep => {
                if !std::mem::replace(&mut self.notes[target].kept, true) {
                    trace.kept(&self.candidates[target], || why("keeps it"));
                }
                self.rescore(number, rule, target, changes, trace);
            }
            Deed::Score => self.rescore(number, rule, target, changes, trace),
            Deed::Drop => {
                if !self.notes[target].kept {
                    trace.dropped(&self.candidates[target], None, || why("drops it"));
                    changes.remove(target, self.candidates[target].span);
                }
            }
            Deed::Relabel | Deed::Extend | Deed::Trim => {
                let old = &self.candidates[target];
                let mut new = old.clone();
                match &rule.label {
                    Some(label) if rule.deed == Deed::Relabel => new.label = label.clone(),
                    _ => new.span = hit.spans[0],
                }
                if new.span == old.span && new.label == old.label {
                    return;
                }
                if !self.may_be(&[new.span], &[old.span], changes) {
                    self.leave(rule, &[target], trace);
                    return;
                }
                let what = match rule.deed {
                    Deed::Relabel => "gives it another label",
                    Deed::Extend => "extends it",
                    _ => "trims it",
                };
                self.notes[target].move_score(number, &rule.rescore, &mut new);
                trace.altered(old, &new, || why(what));
                changes.replace(old.span, new.span);
                self.candidates[target] = new;
                (changes.touched[target], changes.any) = (true, true);
            }
            Deed::Join => self.join(number, rule, hit, changes, trace),
            Deed::Split => self.split(number, rule, hit, changes, trace),
        }
    }

    fn add(
        &mut self,
        number: usize,
        rule: &EntityRule,
        hit: &Hit,
        origin: &Origin,
        changes: &mut Changes,
        trace: &mut Trace,
    ) {
        let (Some(&span), Some(label)) = (hit.spans.first(), &rule.label) else { return };
        if self.made.contains(&(number, span)) || !self.may_be(&[span], &[], changes) {
            return;
        }
        let candidate = Candidate {
            span,
            label: label.clone(),
            score: rule.rescore.set.unwrap_or(1.0),
            origins: vec![origin.clone()],
            overruled: Vec::new(),
        };
        trace.added(&candidate, || reason(rule, self.changes, "adds it"));
        self.made.insert((number, span));
        changes.push(candidate, Notes { kept: false, scored: BTreeSet::from([number]) });
    }

    fn join(
        &mut self,
        number: usize,
        rule: &EntityRule,
        hit: &Hit,
        changes: &mut Changes,
        trace: &mut Trace,
    ) {
        let targets: BTreeSet<usize> = hit.targets.iter().copied().collect();
        let parts: Vec<&Candidate> =
            targets.iter().map(|target| &self.candidates[*target]).collect();
        let spans: Vec<Span> = parts.iter().map(|part| part.span).collect();
        if parts.len() < 2 {
            return;
        }
        if !self.may_be(&hit.spans[..1], &spans, changes) {
            self.leave(rule, &hit.targets, trace);
            return;
        }
        let mut joined = parts[0].clone();
        joined.span = hit.spans[0];
        if let Some(label) = &rule.label {
            joined.label = label.clone();
        }
        for part in &parts[1..] {
            joined.score = joined.score.max(part.score);
            joined.add_origins(part.origins.iter().cloned());
            joined.inherit_overruled(part.overruled.clone());
        }
        let notes = targets.iter().map(|target| &self.notes[*target]);
        let mut notes = Notes {
            kept: notes.clone().any(|note| note.kept),
            scored: notes.flat_map(|note| note.scored.iter().copied()).collect(),
        };
        notes.move_score(number, &rule.rescore, &mut joined);
        for part in &parts {
            trace.merged(part, &joined, || {
                reason(rule, self.changes, &format!("joins {} entities", parts.len()))
            });
        }
        for target in targets {
            changes.remove(target, self.candidates[target].span);
        }
        changes.push(joined, notes);
    }

    fn split(
        &mut self,
        number: usize,
        rule: &EntityRule,
        hit: &Hit,
        changes: &mut Changes,
        trace: &mut Trace,
    ) {
        let target = hit.targets[0];
        let whole = &self.candidates[target];
        if !self.may_be(&hit.spans, &[whole.span], changes) {
            self.leave(rule, &hit.targets, trace);
            return;
        }
        let mut parts = Vec::new();
        for span in &hit.spans {
            let mut part = whole.clone();
            part.span = *span;
            if let Some(label) = &rule.label {
                part.label = label.clone();
            }
            let mut notes = self.notes[target].clone();
            notes.move_score(number, &rule.rescore, &mut part);
            trace.altered(whole, &part, || {
                reason(rule, self.changes, &format!("splits it into {} parts", hit.spans.len()))
            });
            parts.push((part, notes));
        }
        changes.remove(target, whole.span);
        parts.into_iter().for_each(|(part, notes)| changes.push(part, notes));
    }

    /// Moves the score of a candidate where the rule has not done so before.
    fn rescore(
        &mut self,
        number: usize,
        rule: &EntityRule,
        target: usize,
        changes: &mut Changes,
        trace: &mut Trace,
    ) {
        let mut new = self.candidates[target].clone();
        self.notes[target].move_score(number, &rule.rescore, &mut new);
        if new.score == self.candidates[target].score {
            return;
        }
        trace.rescored(&self.candidates[target], new.score, || {
            reason(rule, self.changes, "moves its score")
        });
        self.candidates[target] = new;
        (changes.touched[target], changes.any) = (true, true);
    }

    /// Tells that the rule holds and leaves the candidates as they are, because of what they would become.
    fn leave(&self, rule: &EntityRule, targets: &[usize], trace: &mut Trace) {
        for target in targets {
            trace.kept(&self.candidates[*target], || {
                let why = "leaves it: it would overlap another entity or cut a given token";
                Reason::from(format!("rule '{}' {why}", rule.id)).at(rule.place())
            });
        }
    }

    /// Whether all of `spans` may be there when `instead` of them is gone: they cut no given token and,
    /// where that is asked for, overlap nothing.
    fn may_be(&self, spans: &[Span], instead: &[Span], changes: &mut Changes) -> bool {
        if self.tokens.as_ref().as_ref().is_some_and(|edges| spans.iter().any(|s| !edges.fit(*s))) {
            return false;
        }
        let Some(taken) = &mut changes.taken else { return true };
        instead.iter().for_each(|span| taken.remove(*span));
        let free = spans.iter().all(|span| !taken.overlaps(*span));
        instead.iter().for_each(|span| taken.add(*span));
        free
    }

    /// Puts new candidates in and takes those out that are gone; whether anything changed.
    fn settle(&mut self, changes: Changes) -> bool {
        if !changes.any {
            return false;
        }
        let mut gone = changes.gone.iter();
        self.candidates.retain(|_| !gone.next().copied().unwrap_or(false));
        let mut gone = changes.gone.iter();
        self.notes.retain(|_| !gone.next().copied().unwrap_or(false));
        for (candidate, notes) in changes.new {
            self.candidates.push(candidate);
            self.notes.push(notes);
        }
        self.sort();
        true
    }

    fn sort(&mut self) {
        let candidates = std::mem::take(&mut self.candidates);
        let notes = std::mem::take(&mut self.notes);
        let mut both: Vec<(Candidate, Notes)> = candidates.into_iter().zip(notes).collect();
        both.sort_by(|(a, _), (b, _)| order::compare(a, b));
        (self.candidates, self.notes) = both.into_iter().unzip();
    }
}

/// That `rule` did `what`, and which change it was.
fn reason(rule: &EntityRule, change: usize, what: &str) -> Reason {
    let by = ByRule { id: rule.id.clone(), change };
    Reason::from(format!("rule '{}' {what}", rule.id)).at(rule.place()).by(by)
}

impl Changes {
    fn remove(&mut self, target: usize, span: Span) {
        (self.touched[target], self.gone[target], self.any) = (true, true, true);
        if let Some(taken) = &mut self.taken {
            taken.remove(span);
        }
    }

    fn replace(&mut self, old: Span, new: Span) {
        if let Some(taken) = &mut self.taken {
            taken.remove(old);
            taken.add(new);
        }
    }

    fn push(&mut self, candidate: Candidate, notes: Notes) {
        if let Some(taken) = &mut self.taken {
            taken.add(candidate.span);
        }
        self.new.push((candidate, notes));
        self.any = true;
    }
}

impl Notes {
    /// Moves the score of `candidate` as rule `number` says, once.
    fn move_score(&mut self, number: usize, rescore: &Rescore, candidate: &mut Candidate) {
        if self.scored.insert(number) {
            let mut score = rescore.set.unwrap_or(candidate.score);
            if let Some(scale) = rescore.scale {
                score = (f64::from(score) * scale).clamp(0.0, 1.0) as f32;
            }
            candidate.score = rescore.add.map_or(score, |add| shift(score, add));
        }
    }
}
