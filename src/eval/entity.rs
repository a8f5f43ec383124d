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

use serde::Serialize;

use super::{Score, ratio};
use crate::text::{Annotation, Span};

/// How often entities of a label were predicted, are in gold, and both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// Predicted, and in gold.
    pub right: u64,
    /// Predicted.
    pub predicted: u64,
    /// In gold.
    pub gold: u64,
}

impl std::iter::Sum for LabelCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |all, one| Self {
            right: all.right + one.right,
            predicted: all.predicted + one.predicted,
            gold: all.gold + one.gold,
        })
    }
}

impl LabelCounts {
    /// The scores of these counts.
    pub fn row(self) -> EntityRow {
        let score = Score::new(self.right as f64, self.predicted, self.gold);
        EntityRow { score, support: self.gold }
    }
}

/// Entities counted over documents, by label.
#[derive(Debug, Clone, Default)]
pub struct EntityCounts {
    labels: BTreeMap<String, LabelCounts>,
}

/// A line of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct EntityRow {
    /// The score.
    #[serde(flatten)]
    pub score: Score,
    /// How many entities gold has.
    pub support: u64,
}

/// What came out: a row for every label that gold or the predictions have, and the averages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntityReport {
    /// By label.
    pub labels: BTreeMap<String, EntityRow>,
    /// Of the counts of all labels together.
    pub micro: EntityRow,
    /// The mean of the labels.
    #[serde(rename = "macro")]
    pub macro_average: EntityRow,
    /// The mean of the labels, weighted by support.
    pub weighted: EntityRow,
}

impl EntityCounts {
    /// Adds a document. What is twice in a list counts once.
    pub fn add<'a>(
        &mut self,
        gold: impl IntoIterator<Item = &'a Annotation>,
        predicted: impl IntoIterator<Item = &'a Annotation>,
    ) {
        let gold: BTreeSet<(&str, Span)> = gold.into_iter().map(key).collect();
        let predicted: BTreeSet<(&str, Span)> = predicted.into_iter().map(key).collect();
        for one in &gold {
            let counts = self.counts(one.0);
            counts.gold += 1;
            counts.right += u64::from(predicted.contains(one));
        }
        for (label, _) in &predicted {
            self.counts(label).predicted += 1;
        }
    }

    fn counts(&mut self, label: &str) -> &mut LabelCounts {
        if !self.labels.contains_key(label) {
            self.labels.insert(label.to_owned(), LabelCounts::default());
        }
        self.labels.get_mut(label).expect("it was there or has been put there")
    }

    /// Adds what was counted in other documents.
    pub fn merge(&mut self, other: &EntityCounts) {
        for (label, counts) in other.labels() {
            let all = self.counts(label);
            *all = [*all, counts].into_iter().sum();
        }
    }

    /// The counts of all labels together.
    pub fn total(&self) -> LabelCounts {
        self.labels.values().copied().sum()
    }

    /// The counts of each label, sorted by it.
    pub fn labels(&self) -> impl Iterator<Item = (&str, LabelCounts)> {
        self.labels.iter().map(|(label, counts)| (label.as_str(), *counts))
    }

    /// The scores of what was added.
    pub fn report(&self) -> EntityReport {
        let labels: BTreeMap<String, EntityRow> =
            self.labels.iter().map(|(label, counts)| (label.clone(), counts.row())).collect();
        let Averages { micro, macro_average, weighted } = averages(self.labels.values().copied());
        EntityReport { micro, macro_average, weighted, labels }
    }
}

/// The averages of a report.
pub(super) struct Averages {
    pub(super) micro: EntityRow,
    pub(super) macro_average: EntityRow,
    pub(super) weighted: EntityRow,
}

/// The averages over the labels that these counts are of.
pub(super) fn averages(labels: impl Iterator<Item = LabelCounts>) -> Averages {
    let labels: Vec<LabelCounts> = labels.collect();
    let all: LabelCounts = labels.iter().copied().sum();
    let rows: Vec<EntityRow> = labels.iter().map(|counts| counts.row()).collect();
    let macro_average = average(rows.iter().map(|row| (1.0, row.score)), all.gold);
    let weighted = average(rows.iter().map(|row| (row.support as f64, row.score)), all.gold);
    Averages { micro: all.row(), macro_average, weighted }
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
