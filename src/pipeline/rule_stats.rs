//! What is each rule of an engine worth? How often it fired over many documents, what became of that,
//! how long it took and, where the documents have gold, how often it was right. How that is shown is
//! the command line's business.

mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use self::tally::{Counts, Tally};
use super::build::Engine;
use super::run::Tagged;
use crate::error::{Error, Result};
use crate::rule::info::RuleInfo;
use crate::span::{Label, Origin};
use crate::text::Document;

/// Where a rule runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A source of this name.
    Source(Arc<str>),
    /// A pass, by its position in the merge (0-based).
    Step(usize),
}

/// How often something was right, by gold: span and label exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// How often.
    pub right: u64,
    /// How often not.
    pub wrong: u64,
}

impl Judged {
    /// The share that was right, 0..=1; `None` where nothing was judged.
    pub fn precision(self) -> Option<f64> {
        let all = self.right + self.wrong;
        (all > 0).then(|| self.right as f64 / all as f64)
    }
}

/// A rule and what became of what it did.
///
/// What a rule of a source does is to propose a mention. A rule of the merge makes, changes, protects or
/// drops an entity; an entity that it splits counts as its parts, several that it joins as one.
/// `fired` is the sum of `won`, `lost`, `dropped` and `helper`.
#[derive(Debug, Clone)]
pub struct RuleRow<'s> {
    /// Where it runs.
    pub holder: &'s Holder,
    /// What it is.
    pub rule: &'s RuleInfo,
    /// How often it did something.
    pub fired: u64,
    /// How often that became an entity, or a part of one.
    pub won: u64,
    /// How often another beat it.
    pub lost: u64,
    /// How often a pass, or the rule itself, did not want it.
    pub dropped: u64,
    /// How often its label was one that the engine does not give.
    pub helper: u64,
    /// How often it overlapped a proposal of another origin with another span or label. Labels that the
    /// engine does not give conflict with nothing.
    pub conflicted: u64,
    /// In how many documents a limit ended it.
    pub given_up: u64,
    /// The warning of the first of these documents.
    pub warning: Option<&'s Error>,
    /// How long it ran, in all documents together.
    pub time: Duration,
    /// Whether what it did was right: what it proposed, made or protected is in gold, what it dropped or
    /// gave a lower score is not. Labels that gold has nowhere are not judged.
    pub judged: Judged,
    /// Whether the entities were right that came of it.
    pub won_judged: Judged,
}

/// The rules of an engine, counted over documents.
pub struct RuleStats<'e> {
    engine: &'e Engine,
    rules: Vec<(Holder, RuleInfo)>,
    holders: Vec<Holder>,
    numbers: Numbers,
    tally: Tally,
}

/// Which rule is which row.
#[derive(Debug, Default)]
struct Numbers {
    by_origin: BTreeMap<Origin, usize>,
    by_step: BTreeMap<(usize, Arc<str>), usize>,
    /// The first row of each source and of each pass.
    sources: Vec<usize>,
    steps: Vec<usize>,
}

impl<'e> RuleStats<'e> {
    /// Nothing counted yet; every rule of every source and pass of `engine` is there.
    pub fn new(engine: &'e Engine) -> Self {
        let (mut rules, mut holders) = (Vec::new(), Vec::new());
        let mut numbers = Numbers::default();
        for source in engine.sources() {
            numbers.sources.push(rules.len());
            let holder = Holder::Source(source.name().clone());
            for rule in source.rules() {
                let origin = Origin::new(source.name(), rule.id.clone());
                numbers.by_origin.insert(origin, rules.len());
                rules.push((holder.clone(), rule));
            }
            holders.push(holder);
        }
        for (step, pass) in engine.steps.iter().enumerate() {
            numbers.steps.push(rules.len());
            for rule in pass.pass.rules() {
                numbers.by_step.insert((step, rule.id.clone()), rules.len());
                rules.push((Holder::Step(step), rule));
            }
            holders.push(Holder::Step(step));
        }
        let tally = Tally::new(rules.len(), holders.len());
        Self { engine, rules, holders, numbers, tally }
    }

    /// Tags the documents and counts what the rules did in each; [`Document::gold`] is what they are
    /// judged by. Gives what [`Engine::tag_documents`] gives, but that rules which were given up are in
    /// [`RuleRow::given_up`] and not in the warnings. The counts do not depend on threads.
    pub fn add(&mut self, documents: &[Document]) -> Vec<Result<Tagged>> {
        let explained = self.engine.explain_logged(documents);
        let empty = || (Tally::new(self.rules.len(), self.holders.len()), Vec::new());
        let (tally, tagged) = documents
            .par_iter()
            .zip(explained)
            .fold(empty, |(mut tally, mut tagged), (document, explained)| {
                tagged.push(explained.map(|(explanation, logs)| {
                    tally.add(&self.numbers, self.engine, document, &explanation);
                    tally.add_logs(&self.numbers, logs);
                    Tagged { entities: explanation.entities, warnings: explanation.warnings }
                }));
                (tally, tagged)
            })
            .reduce(empty, |(mut tally, mut tagged), (more, others)| {
                tally.merge(more);
                tagged.extend(others);
                (tally, tagged)
            });
        self.tally.merge(tally);
        tagged
    }

    /// A row for every rule: sources, then passes, in their order, and each with its rules as they are
    /// written.
    pub fn rows(&self) -> impl Iterator<Item = RuleRow<'_>> {
        self.rules.iter().zip(&self.tally.rows).map(|((holder, rule), counts)| {
            let Counts { fired, won, lost, dropped, helper, conflicted, .. } = *counts;
            RuleRow {
                holder,
                rule,
                fired,
                won,
                lost,
                dropped,
                helper,
                conflicted,
                given_up: counts.given_up,
                warning: counts.warning.as_ref(),
                time: counts.time,
                judged: self.judged(&counts.judged),
                won_judged: self.judged(&counts.won_judged),
            }
        })
    }

    /// What is judged: the labels that gold has anywhere.
    fn judged(&self, by_label: &BTreeMap<Label, Judged>) -> Judged {
        let known =
            by_label.iter().filter(|(label, _)| self.tally.gold.contains_key(label.as_str()));
        known.fold(Judged::default(), |sum, (_, one)| Judged {
            right: sum.right + one.right,
            wrong: sum.wrong + one.wrong,
        })
    }

    /// The sources and passes that have rules, in their order, and how long each took to find out where
    /// its rules can match, in all documents together.
    pub fn shared_times(&self) -> impl Iterator<Item = (&Holder, Duration)> {
        let has_rules = |holder: &Holder| self.rules.iter().any(|(other, _)| other == holder);
        let times = self.holders.iter().zip(self.tally.shared.iter().copied());
        times.filter(move |(holder, _)| has_rules(holder))
    }

    /// The labels of gold, each with how often it was there.
    pub fn gold_labels(&self) -> &BTreeMap<String, u64> {
        &self.tally.gold
    }
}
