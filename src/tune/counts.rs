//! What is right in each document, counted; small, because every setting that is tried has such counts.

use std::collections::BTreeSet;

use crate::span::Entity;
use crate::text::{Annotation, Span};

/// Entities of a label over some documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabelTotals {
    /// Predicted, and in gold.
    pub right: i64,
    /// Predicted.
    pub predicted: i64,
    /// In gold.
    pub gold: i64,
}

impl LabelTotals {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            predicted: self.predicted + other.predicted,
            gold: self.gold + other.gold,
        }
    }
}

/// The labels that gold has; predicted entities of other labels are not judged.
#[derive(Debug, Clone)]
pub(super) struct JudgedLabels(Vec<String>);

impl JudgedLabels {
    pub(super) fn of<'d>(gold: impl IntoIterator<Item = &'d Annotation>) -> Self {
        let labels: BTreeSet<&str> = gold.into_iter().map(|one| one.label.as_str()).collect();
        Self(labels.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn number(&self, label: &str) -> Option<usize> {
        self.0.binary_search_by(|known| known.as_str().cmp(label)).ok()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0
    }
}

/// The counts of one document: of labels that were predicted there, how often and how often rightly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DocumentCounts(Vec<Cell>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    label: u16,
    right: u16,
    predicted: u16,
}

/// The entities of a document that are in gold, by label and place; sorted.
#[derive(Debug, Clone, Default)]
pub(super) struct GoldEntities(Vec<(usize, Span)>);

impl GoldEntities {
    pub(super) fn new(gold: &[Annotation], labels: &JudgedLabels) -> Self {
        let mut all: Vec<(usize, Span)> =
            gold.iter().filter_map(|one| Some((labels.number(&one.label)?, one.span))).collect();
        all.sort();
        all.dedup();
        Self(all)
    }

    pub(super) fn contains(&self, label: usize, span: Span) -> bool {
        self.0.binary_search(&(label, span)).is_ok()
    }

    /// Adds them to the totals of the labels.
    pub(super) fn add_to(&self, totals: &mut [LabelTotals]) {
        self.0.iter().for_each(|(label, _)| totals[*label].gold += 1);
    }
}

impl DocumentCounts {
    pub(super) fn of(entities: &[Entity], gold: &GoldEntities, labels: &JudgedLabels) -> Self {
        let mut found: Vec<(usize, Span)> = entities
            .iter()
            .filter_map(|entity| Some((labels.number(entity.label.as_str())?, entity.span)))
            .collect();
        found.sort();
        found.dedup();
        let cell = |one: &[(usize, Span)]| Cell {
            label: one[0].0 as u16,
            right: one.iter().filter(|(label, span)| gold.contains(*label, *span)).count() as u16,
            predicted: one.len() as u16,
        };
        Self(found.chunk_by(|a, b| a.0 == b.0).map(cell).collect())
    }

    /// Adds them to the totals of the labels, `times` times: once, or -1 times.
    pub(super) fn add_to(&self, totals: &mut [LabelTotals], times: i64) {
        for Cell { label, right, predicted } in &self.0 {
            let total = &mut totals[usize::from(*label)];
            total.right += times * i64::from(*right);
            total.predicted += times * i64::from(*predicted);
        }
    }
}
