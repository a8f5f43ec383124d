//! Which entity of gold does a predicted one stand for, and what is wrong with it?
//!
//! Each entity is in one pair. Of all entities of gold and predictions that overlap, the two that share
//! most become a pair, then the two of those left, and so on. How much two share is
//!
//! ```text
//! overlap = bytes in both spans / bytes in either span
//! ```
//!
//! Of equal overlaps, the pair of one label comes first, then the one that begins first. So what is right
//! by [`super::entity`] is always a pair of its own.

use std::cmp::Ordering;

use crate::text::{Annotation, Span};

/// An entity of gold and what was predicted for it. At least one of both is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The entity of gold; `None` where nothing in gold overlaps the prediction, or what does is taken.
    pub gold: Option<&'a Annotation>,
    /// The predicted entity; `None` where none is left for the one of gold.
    pub predicted: Option<&'a Annotation>,
}

/// How a prediction stands to gold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairKind {
    /// The same span and label.
    Right,
    /// The same span, another label.
    Label,
    /// The same label, other edges.
    Boundary,
    /// Other edges and another label.
    Both,
    /// In gold only.
    Missed,
    /// Predicted only.
    Spurious,
}

impl PairKind {
    /// All that are errors.
    pub const ERRORS: [PairKind; 5] =
        [Self::Missed, Self::Spurious, Self::Boundary, Self::Label, Self::Both];

    /// Its name in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Label => "label",
            Self::Boundary => "boundary",
            Self::Both => "both",
            Self::Missed => "missed",
            Self::Spurious => "spurious",
        }
    }
}

impl Pair<'_> {
    /// What is wrong with it, if anything is.
    pub fn kind(&self) -> PairKind {
        match (self.gold, self.predicted) {
            (Some(gold), Some(predicted)) => {
                match (gold.span == predicted.span, gold.label == predicted.label) {
                    (true, true) => PairKind::Right,
                    (true, false) => PairKind::Label,
                    (false, true) => PairKind::Boundary,
                    (false, false) => PairKind::Both,
                }
            }
            (Some(_), None) => PairKind::Missed,
            (None, _) => PairKind::Spurious,
        }
    }

    /// From the first to the last byte of either.
    pub fn span(&self) -> Span {
        let mut spans = [self.gold, self.predicted].into_iter().flatten().map(|one| one.span);
        let first = spans.next().expect("one of both is there");
        spans.fold(first, |all, one| Span::new(all.start.min(one.start), all.end.max(one.end)))
    }
}

/// Two entities that overlap, by their places in the sorted lists.
struct Overlap {
    gold: usize,
    predicted: usize,
    /// Bytes in both.
    shared: usize,
    /// Bytes in either.
    either: usize,
    is_same_label: bool,
}

impl Overlap {
    /// The better first.
    fn compare(&self, other: &Self) -> Ordering {
        let product = |a: usize, b: usize| a as u128 * b as u128;
        let (own, others) =
            (product(self.shared, other.either), product(other.shared, self.either));
        others
            .cmp(&own)
            .then(other.is_same_label.cmp(&self.is_same_label))
            .then((self.gold, self.predicted).cmp(&(other.gold, other.predicted)))
    }
}

/// The pairs of a document, in text order. What is twice in a list counts once.
pub fn align<'a>(gold: &'a [Annotation], predicted: &'a [Annotation]) -> Vec<Pair<'a>> {
    let (gold, predicted) = (sorted(gold), sorted(predicted));
    let mut overlaps = overlaps(&gold, &predicted);
    overlaps.sort_by(Overlap::compare);
    let mut partners = vec![None; gold.len()];
    let mut is_taken = vec![false; predicted.len()];
    for overlap in overlaps {
        if partners[overlap.gold].is_none() && !is_taken[overlap.predicted] {
            partners[overlap.gold] = Some(overlap.predicted);
            is_taken[overlap.predicted] = true;
        }
    }
    let of_gold = gold.iter().zip(partners).map(|(one, partner)| Pair {
        gold: Some(*one),
        predicted: partner.map(|partner| predicted[partner]),
    });
    let free = predicted.iter().zip(&is_taken).filter(|(_, is_taken)| !**is_taken);
    let spurious = free.map(|(one, _)| Pair { gold: None, predicted: Some(*one) });
    let mut pairs: Vec<Pair<'a>> = of_gold.chain(spurious).collect();
    // The sort is stable: of one span, pairs of gold come first.
    pairs.sort_by_key(Pair::span);
    pairs
}

fn sorted(list: &[Annotation]) -> Vec<&Annotation> {
    let mut sorted: Vec<&Annotation> = list.iter().collect();
    sorted.sort_by_key(|one| (one.span, &one.label));
    sorted.dedup();
    sorted
}

/// All that overlap, by a sweep over the text.
fn overlaps(gold: &[&Annotation], predicted: &[&Annotation]) -> Vec<Overlap> {
    let mut found = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut next = 0;
    for (number, one) in predicted.iter().enumerate() {
        let begins_before = |gold: &&Annotation| gold.span.start < one.span.end;
        while gold.get(next).is_some_and(begins_before) {
            open.push(next);
            next += 1;
        }
        // Predictions come by their start: what ends before this one meets none of those that follow.
        open.retain(|place| gold[*place].span.end > one.span.start);
        for place in &open {
            let other = gold[*place];
            if !other.span.overlaps(one.span) {
                continue;
            }
            let shared = one.span.end.min(other.span.end) - one.span.start.max(other.span.start);
            found.push(Overlap {
                gold: *place,
                predicted: number,
                shared,
                either: one.span.len() + other.span.len() - shared,
                is_same_label: one.label == other.label,
            });
        }
    }
    found
}
