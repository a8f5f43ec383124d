//! Which of two candidates is better? A list of criteria, the first that tells them apart decides,
//! and the total order of output where none does.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::PassContext;
use crate::span::{Candidate, Label, order};

/// One way in which a candidate can be better than another.
#[derive(Debug, Clone)]
pub(super) enum Criterion {
    /// A higher score.
    Score,
    /// More characters (code points).
    Longest,
    /// Fewer characters.
    Shortest,
    /// More words.
    MostWords,
    /// Fewer words.
    FewestWords,
    /// An earlier beginning.
    Earliest,
    /// A later beginning.
    Latest,
    /// An earlier end.
    EarliestEnd,
    /// A later end.
    LatestEnd,
    /// A source that stands earlier in the order.
    Source(SourceOrder),
    /// A label that stands earlier in the list.
    Label(Vec<Label>),
    /// A label whose name comes earlier, by code points.
    Alphabetical,
    /// A label whose name comes later.
    ReverseAlphabetical,
}

/// Sources from the most to the least trusted, for some labels in an order of their own.
#[derive(Debug, Clone)]
pub(super) struct SourceOrder {
    /// The order for every other label.
    pub all: Vec<Arc<str>>,
    /// The order for a label.
    pub labels: BTreeMap<Label, Vec<Arc<str>>>,
}

impl SourceOrder {
    /// The best place that one of the candidate's sources has in the order for its label.
    fn place(&self, candidate: &Candidate) -> usize {
        let order = self.labels.get(&candidate.label).unwrap_or(&self.all);
        order.iter().position(|source| candidate.is_from(source)).unwrap_or(order.len())
    }

    /// The name of that source.
    fn name<'c>(&self, candidate: &'c Candidate) -> &'c str {
        let order = self.labels.get(&candidate.label).unwrap_or(&self.all);
        let best = candidate
            .origins
            .iter()
            .min_by_key(|o| order.iter().position(|s| *s == o.source).unwrap_or(order.len()));
        best.map_or("", |origin| &origin.source)
    }
}

impl Criterion {
    /// What is compared: the less the better. Names are compared by [`Criterion::names`] instead.
    fn key(&self, candidate: &Candidate, context: &PassContext<'_>) -> f64 {
        let place = |position: usize| position as f64;
        let text = &context.document.text;
        match self {
            // A difference, because -0.0 would differ from 0.0.
            Self::Score => 0.0 - f64::from(candidate.score),
            Self::Longest => -place(characters(candidate, text)),
            Self::Shortest => place(characters(candidate, text)),
            Self::Earliest => place(candidate.span.start),
            Self::Latest => -place(candidate.span.start),
            Self::EarliestEnd => place(candidate.span.end),
            Self::LatestEnd => -place(candidate.span.end),
            Self::MostWords => -place(words(candidate, context)),
            Self::FewestWords => place(words(candidate, context)),
            Self::Alphabetical | Self::ReverseAlphabetical => 0.0,
            Self::Source(order) => place(order.place(candidate)),
            Self::Label(order) => {
                let position = order.iter().position(|label| *label == candidate.label);
                place(position.unwrap_or(order.len()))
            }
        }
    }

    /// How two candidates compare by the names of their labels, where this criterion asks for that.
    fn names(&self, a: &Candidate, b: &Candidate) -> Ordering {
        match self {
            Self::Alphabetical => a.label.cmp(&b.label),
            Self::ReverseAlphabetical => b.label.cmp(&a.label),
            _ => Ordering::Equal,
        }
    }

    /// `Less` where `a` is better than `b`.
    fn compare(&self, a: &Candidate, b: &Candidate, context: &PassContext<'_>) -> Ordering {
        self.key(a, context).total_cmp(&self.key(b, context)).then_with(|| self.names(a, b))
    }

    /// Why `winner` beats `loser`, where this criterion tells them apart.
    fn reason(&self, winner: &Candidate, loser: &Candidate, context: &PassContext<'_>) -> String {
        let text = &context.document.text;
        match self {
            Self::Score => format!("score {} beats {}", winner.score, loser.score),
            Self::Longest | Self::Shortest => {
                let (won, lost) = (characters(winner, text), characters(loser, text));
                format!("{won} characters beat {lost}")
            }
            Self::Earliest => {
                format!("byte {} comes before {}", winner.span.start, loser.span.start)
            }
            Self::Latest => format!("byte {} comes after {}", winner.span.start, loser.span.start),
            Self::EarliestEnd => format!("end {} comes before {}", winner.span.end, loser.span.end),
            Self::LatestEnd => format!("end {} comes after {}", winner.span.end, loser.span.end),
            Self::MostWords | Self::FewestWords => {
                format!("{} words beat {}", words(winner, context), words(loser, context))
            }
            Self::Source(order) => {
                let place = |candidate| {
                    let number = order.place(candidate) + 1;
                    format!(
                        "source {} (number {number} for {})",
                        order.name(candidate),
                        candidate.label
                    )
                };
                format!("{} goes before {}", place(winner), place(loser))
            }
            Self::Label(_) | Self::Alphabetical | Self::ReverseAlphabetical => {
                format!("label {} goes before {}", winner.label, loser.label)
            }
        }
    }
}

fn characters(candidate: &Candidate, text: &str) -> usize {
    candidate.span.slice(text).map_or(candidate.span.len(), |inside| inside.chars().count())
}

fn words(candidate: &Candidate, context: &PassContext<'_>) -> usize {
    context.segments().words_in(candidate.span).len()
}

/// Criteria from the first to the last that decides.
#[derive(Debug, Clone)]
pub(super) struct Ranking {
    criteria: Vec<Criterion>,
}

impl Ranking {
    /// The ranking by these criteria and then by [`order::compare`].
    pub(super) fn new(criteria: Vec<Criterion>) -> Self {
        Self { criteria }
    }

    /// Whether `a` is better than `b`, or as good.
    pub(super) fn is_better(
        &self,
        a: &Candidate,
        b: &Candidate,
        context: &PassContext<'_>,
    ) -> bool {
        let compared = self.criteria.iter().map(|c| c.compare(a, b, context));
        compared.fold(Ordering::Equal, Ordering::then).then_with(|| order::compare(a, b)).is_le()
    }

    /// The numbers of the candidates, best first. Those that compare equal keep their order; a user
    /// cannot tell them apart.
    pub(super) fn sorted(&self, candidates: &[Candidate], context: &PassContext<'_>) -> Vec<usize> {
        let width = self.criteria.len();
        let keys: Vec<f64> = candidates
            .iter()
            .flat_map(|candidate| self.criteria.iter().map(|c| c.key(candidate, context)))
            .collect();
        let keys_of = |i: usize| &keys[i * width..(i + 1) * width];
        let mut numbers: Vec<usize> = (0..candidates.len()).collect();
        numbers.sort_by(|&a, &b| {
            let pairs = keys_of(a).iter().zip(keys_of(b)).zip(&self.criteria);
            let mut compared = pairs.map(|((x, y), criterion)| {
                x.total_cmp(y).then_with(|| criterion.names(&candidates[a], &candidates[b]))
            });
            compared
                .find(|ordering| ordering.is_ne())
                .unwrap_or(Ordering::Equal)
                .then_with(|| order::compare(&candidates[a], &candidates[b]))
        });
        numbers
    }

    /// Why `winner` beats `loser`.
    pub(super) fn reason(
        &self,
        winner: &Candidate,
        loser: &Candidate,
        context: &PassContext<'_>,
    ) -> String {
        let mut criteria = self.criteria.iter();
        match criteria.find(|c| c.compare(winner, loser, context).is_lt()) {
            Some(criterion) => criterion.reason(winner, loser, context),
            None => format!(
                "{} {} comes before {} {} in the order of output",
                winner.label, winner.span, loser.label, loser.span
            ),
        }
    }
}
