//! How good a setting is: the merge of every document in that setting, counted. What was tried once is
//! remembered, as the documents in which it counts otherwise than the engine file as it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::Case;
use super::counts::{DocumentCounts, GoldEntities, JudgedLabels, LabelTotals};
use super::objective::Objective;
use super::setting::Setting;
use crate::error::Result;
use crate::pipeline::Variants;
use crate::span::Entity;

/// The documents, and every setting that was tried on them.
pub(super) struct Trials<'t> {
    variants: Variants<'t>,
    text: &'t str,
    cases: &'t [Case],
    pub(super) labels: JudgedLabels,
    pub(super) gold: Vec<GoldEntities>,
    /// The counts of the engine file as it is.
    base: Vec<DocumentCounts>,
    known: Mutex<BTreeMap<Setting, Option<Changes>>>,
}

/// The documents in which a setting counts otherwise.
type Changes = Arc<Vec<(usize, DocumentCounts)>>;

/// How a setting does on some documents, and how sure that is, compared with another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gain {
    /// How much better the objective is.
    pub(super) value: f64,
    /// Its standard error, over documents.
    pub(super) error: f64,
}

impl Gain {
    /// Whether it is so many standard errors over nothing, and worth writing down.
    pub(super) fn is_clear(self, errors: f64) -> bool {
        self.value > 1e-5 && self.value >= errors * self.error
    }
}

impl<'t> Trials<'t> {
    /// Counts the engine file `text` as it is.
    ///
    /// # Errors
    /// Where it cannot be built.
    pub(super) fn new(variants: Variants<'t>, text: &'t str, cases: &'t [Case]) -> Result<Self> {
        let labels = JudgedLabels::of(cases.iter().flat_map(Case::gold));
        let gold = cases.iter().map(|case| GoldEntities::new(case.gold(), &labels)).collect();
        let known = Mutex::default();
        let mut trials = Self { variants, text, cases, labels, gold, base: Vec::new(), known };
        trials.base = trials.count(&Setting::default())?;
        Ok(trials)
    }

    /// The entities of each document in a setting.
    ///
    /// # Errors
    /// Where no engine can be built with it.
    pub(super) fn predict(&self, setting: &Setting) -> Result<Vec<Vec<Entity>>> {
        let engine = self.variants.build(&setting.merge_of(self.text)?)?;
        let without = setting.without();
        let merge = |case: &Case| engine.merge(&case.document, &case.proposals, &without).entities;
        Ok(self.cases.par_iter().map(merge).collect())
    }

    fn count(&self, setting: &Setting) -> Result<Vec<DocumentCounts>> {
        let predicted = self.predict(setting)?;
        let pairs = predicted.iter().zip(&self.gold);
        Ok(pairs.map(|(found, gold)| DocumentCounts::of(found, gold, &self.labels)).collect())
    }

    /// Where a setting counts otherwise; `None` where no engine can be built with it.
    fn changes(&self, setting: &Setting) -> Option<Changes> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(changes) = known().get(setting) {
            return changes.clone();
        }
        let differing = |counts: Vec<DocumentCounts>| {
            let pairs = counts.into_iter().enumerate().zip(&self.base);
            pairs.filter(|((_, now), base)| now != *base).map(|(now, _)| now).collect()
        };
        let changes = self.count(setting).ok().map(|counts| Arc::new(differing(counts)));
        known().insert(setting.clone(), changes.clone());
        changes
    }

    /// How many settings were tried.
    pub(super) fn tried(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn base_totals(&self, documents: &[bool]) -> Vec<LabelTotals> {
        let mut totals = vec![LabelTotals::default(); self.labels.len()];
        for ((counts, gold), _) in
            self.base.iter().zip(&self.gold).zip(documents).filter(|(_, is_in)| **is_in)
        {
            counts.add_to(&mut totals, 1);
            gold.add_to(&mut totals);
        }
        totals
    }

    /// The objective's value for a setting on the documents that `documents` says; `None` where no engine
    /// can be built with it.
    pub(super) fn value(
        &self,
        setting: &Setting,
        objective: Objective,
        documents: &[bool],
    ) -> Option<f64> {
        let mut totals = self.base_totals(documents);
        for (number, now) in self.changes(setting)?.iter().filter(|(n, _)| documents[*n]) {
            self.base[*number].add_to(&mut totals, -1);
            now.add_to(&mut totals, 1);
        }
        Some(objective.value(&totals))
    }

    /// How much better `to` is than `from` on those documents. The standard error is the jackknife's over
    /// the documents in which they differ: how much the value moves when one of them stays as it was.
    pub(super) fn gain(
        &self,
        (from, to): (&Setting, &Setting),
        objective: Objective,
        documents: &[bool],
    ) -> Option<Gain> {
        let (old, new) = (self.changes(from)?, self.changes(to)?);
        let of = |changes: &Changes| -> BTreeMap<usize, DocumentCounts> {
            changes.iter().filter(|(number, _)| documents[*number]).cloned().collect()
        };
        let (old, new) = (of(&old), of(&new));
        let at = |map: &BTreeMap<usize, DocumentCounts>, number: usize| -> DocumentCounts {
            map.get(&number).unwrap_or(&self.base[number]).clone()
        };
        let numbers: std::collections::BTreeSet<usize> =
            old.keys().chain(new.keys()).copied().collect();
        let differing: Vec<(DocumentCounts, DocumentCounts)> = numbers
            .into_iter()
            .map(|number| (at(&old, number), at(&new, number)))
            .filter(|(old, new)| old != new)
            .collect();
        let mut before = self.base_totals(documents);
        for (number, counts) in &old {
            self.base[*number].add_to(&mut before, -1);
            counts.add_to(&mut before, 1);
        }
        let mut after = before.clone();
        for (old, new) in &differing {
            old.add_to(&mut after, -1);
            new.add_to(&mut after, 1);
        }
        let reached = objective.value(&after);
        let squares: f64 = differing
            .iter()
            .map(|(old, new)| {
                let mut without = after.clone();
                new.add_to(&mut without, -1);
                old.add_to(&mut without, 1);
                let moved = reached - objective.value(&without);
                moved * moved
            })
            .sum();
        Some(Gain { value: reached - objective.value(&before), error: squares.sqrt() })
    }
}
