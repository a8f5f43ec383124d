//! The four scenarios of SemEval-2013 task 9.1 over the counts of MUC-5, as the Python package
//! nervaluate 1.2.1 gives them (with its least overlap of 1 %): how much of an error is the span, and
//! how much the label?
//!
//! Each predicted entity, in the given order, is paired with at most one entity of gold that none before
//! it took. Gold that is left is *missed*, a prediction that finds no partner *spurious*.
//!
//! | scenario | correct | otherwise, where the spans overlap |
//! |---|---|---|
//! | `strict` | same span and label | incorrect |
//! | `exact` | same span | incorrect |
//! | `partial` | same span | partial |
//! | `ent_type` | overlap and same label, the nearest edges first | incorrect |
//!
//! ```text
//! possible  = correct + incorrect + partial + missed
//! actual    = correct + incorrect + partial + spurious
//! precision = (correct + 0.5 · partial) / actual      recall = (correct + 0.5 · partial) / possible
//! ```
//!
//! Spans overlap here where they share at least 1 % of the span of gold, in bytes.

use super::Score;
use crate::text::{Annotation, Span};

/// What counts as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// The exact span and label.
    Strict,
    /// The exact span.
    Exact,
    /// Some of the span; half of a point where it is not the exact one.
    Partial,
    /// The label, and some of the span.
    EntType,
}

impl Scenario {
    /// All scenarios.
    pub const ALL: [Scenario; 4] = [Self::Strict, Self::Exact, Self::Partial, Self::EntType];

    /// Its name in nervaluate.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Exact => "exact",
            Self::Partial => "partial",
            Self::EntType => "ent_type",
        }
    }
}

/// The counts of MUC-5.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SemevalCounts {
    /// Pairs that are right.
    pub correct: u64,
    /// Pairs that are wrong.
    pub incorrect: u64,
    /// Pairs that are half right.
    pub partial: u64,
    /// Entities of gold without a partner.
    pub missed: u64,
    /// Predicted entities without a partner.
    pub spurious: u64,
}

impl SemevalCounts {
    /// How many entities gold has.
    pub fn possible(&self) -> u64 {
        self.correct + self.incorrect + self.partial + self.missed
    }

    /// How many entities were predicted.
    pub fn actual(&self) -> u64 {
        self.correct + self.incorrect + self.partial + self.spurious
    }

    /// The score; a partial one counts half.
    pub fn score(&self) -> Score {
        let right = self.correct as f64 + 0.5 * self.partial as f64;
        Score::new(right, self.actual(), self.possible())
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: SemevalCounts) {
        self.correct += other.correct;
        self.incorrect += other.incorrect;
        self.partial += other.partial;
        self.missed += other.missed;
        self.spurious += other.spurious;
    }
}

/// Counts a document in a scenario, only entities of which `is_judged` says so by their label. What is
/// twice in a list counts twice; the order of the lists may decide what is paired with what.
pub fn semeval(
    scenario: Scenario,
    gold: &[Annotation],
    predicted: &[Annotation],
    is_judged: impl Fn(&str) -> bool,
) -> SemevalCounts {
    let mut free: Vec<&Annotation> = gold.iter().filter(|one| is_judged(&one.label)).collect();
    let mut counts = SemevalCounts::default();
    for one in predicted.iter().filter(|one| is_judged(&one.label)) {
        let overlapping = |other: &&Annotation| overlap(one.span, other.span);
        let count = if let Some(partner) = correct(scenario, one, &free) {
            free.remove(partner);
            &mut counts.correct
        } else if let Some(partner) = free.iter().position(overlapping) {
            free.remove(partner);
            if scenario == Scenario::Partial { &mut counts.partial } else { &mut counts.incorrect }
        } else {
            &mut counts.spurious
        };
        *count += 1;
    }
    counts.missed = free.len() as u64;
    counts
}

/// Which of `free` makes the prediction `one` correct.
fn correct(scenario: Scenario, one: &Annotation, free: &[&Annotation]) -> Option<usize> {
    match scenario {
        Scenario::Strict => free.iter().position(|other| *other == one),
        Scenario::Exact | Scenario::Partial => free.iter().position(|other| other.span == one.span),
        Scenario::EntType => {
            let fits =
                |other: &Annotation| other.label == one.label && overlap(one.span, other.span);
            let fitting = free.iter().enumerate().filter(|(_, other)| fits(other));
            // Of equally near ones the first.
            fitting.min_by_key(|(_, other)| distance(one.span, other.span)).map(|(at, _)| at)
        }
    }
}

/// Whether the spans share at least 1 % of that of gold.
fn overlap(predicted: Span, gold: Span) -> bool {
    let shared = predicted.end.min(gold.end).saturating_sub(predicted.start.max(gold.start));
    shared > 0 && shared.saturating_mul(100) >= gold.len()
}

/// How far the edges are apart, both together.
fn distance(predicted: Span, gold: Span) -> usize {
    predicted.start.abs_diff(gold.start) + predicted.end.abs_diff(gold.end)
}
