//! Strict entity precision, recall and F1: an entity is right where gold has its exact span and label.
//!
//! This is the measure of CoNLL-2003 (`conlleval`), which most papers call entity-level or span F1. With
//! *tp* the entities that are right,
//!
//! ```text
//! precision = tp / predicted      recall = tp / gold      F1 = 2 · precision · recall / (precision + recall)
//! ```
//!
//! *Micro* takes the counts of all labels together. *Macro* is the plain mean of the labels' scores,
//! *weighted* their mean weighted by support, the number of entities of the label in gold. The means are
//! over labels that gold or the predictions have, and F1 is averaged, not computed of averages (as in
//! seqeval and scikit-learn).

use std::collections::{BTreeMap, BTreeSet};

use super::{Score, ratio};
use crate::text::{Annotation, Span};

/// How often a label was predicted, is in gold, and both.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) right: u64,
    pub(super) predicted: u64,
    pub(super) gold: u64,
}

impl Counts {
    pub(super) fn row(self) -> EntityRow {
        let score = Score::new(self.right as f64, self.predicted, self.gold);
        EntityRow { score, support: self.gold }
    }
}

/// Entities counted over documents, by label.
#[derive(Debug, Clone, Default)]
pub struct EntityCounts {
    labels: BTreeMap<String, Counts>,
}

/// A line of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EntityRow {
    /// The score.
    pub score: Score,
    /// How many entities gold has.
    pub support: u64,
}

/// What came out: a row for every label that gold or the predictions have, and the averages.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityReport {
    /// By label.
    pub labels: BTreeMap<String, EntityRow>,
    /// Of the counts of all labels together.
    pub micro: EntityRow,
    /// The mean of the labels.
    pub macro_average: EntityRow,
    /// The mean of the labels, weighted by support.
    pub weighted: EntityRow,
}

impl EntityCounts {
    /// Adds a document. What is twice in a list counts once.
    pub fn add(&mut self, gold: &[Annotation], predicted: &[Annotation]) {
        let gold: BTreeSet<(&str, Span)> = gold.iter().map(key).collect();
        let predicted: BTreeSet<(&str, Span)> = predicted.iter().map(key).collect();
        for one in &gold {
            let counts = self.counts(one.0);
            counts.gold += 1;
            counts.right += u64::from(predicted.contains(one));
        }
        for (label, _) in &predicted {
            self.counts(label).predicted += 1;
        }
    }

    fn counts(&mut self, label: &str) -> &mut Counts {
        if !self.labels.contains_key(label) {
            self.labels.insert(label.to_owned(), Counts::default());
        }
        self.labels.get_mut(label).expect("it was there or has been put there")
    }

    /// The scores of what was added.
    pub fn report(&self) -> EntityReport {
        let mut all = Counts::default();
        for counts in self.labels.values() {
            all.right += counts.right;
            all.predicted += counts.predicted;
            all.gold += counts.gold;
        }
        let labels: BTreeMap<String, EntityRow> =
            self.labels.iter().map(|(label, counts)| (label.clone(), counts.row())).collect();
        let rows = || labels.values();
        let macro_average = average(rows().map(|row| (1.0, row.score)), all.gold);
        let weighted = average(rows().map(|row| (row.support as f64, row.score)), all.gold);
        EntityReport { micro: all.row(), macro_average, weighted, labels }
    }
}

fn key(one: &Annotation) -> (&str, Span) {
    (&one.label, one.span)
}

/// The mean of scores, each with its weight.
fn average(scores: impl Iterator<Item = (f64, Score)>, support: u64) -> EntityRow {
    let mut sum = Score::default();
    let mut weights = 0.0;
    for (weight, score) in scores {
        sum.precision += weight * score.precision;
        sum.recall += weight * score.recall;
        sum.f1 += weight * score.f1;
        weights += weight;
    }
    let score = Score {
        precision: ratio(sum.precision, weights),
        recall: ratio(sum.recall, weights),
        f1: ratio(sum.f1, weights),
    };
    EntityRow { score, support }
}
