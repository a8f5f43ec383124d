//! Strict entity scores apart by something that can be counted of each entity: how many words it has,
//! how often its surface is an entity elsewhere.
//!
//! Precision is over the predictions of a group, recall over the entities of gold in it. What is right
//! has the same span in both, and so is in one group.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Score;
use super::entity::LabelCounts;
use crate::text::{Annotation, Span};

/// Groups by length, in words.
pub const LENGTHS: &[u64] = &[1, 2, 3, 4, 5];

/// Groups by rarity: how often a surface is an entity in gold. Nought times are predictions that are wrong
/// everywhere.
pub const RARITIES: &[u64] = &[0, 1, 2, 5, 20];

/// Groups by how often a surface is an entity in training files. Nought times are entities that are new.
pub const TRAINING_RARITIES: &[u64] = &[0, 1, 2, 5, 10];

/// Entities counted in groups of a number.
#[derive(Debug, Clone)]
pub struct Breakdown {
    /// The least number of each group, rising.
    groups: &'static [u64],
    counts: Vec<LabelCounts>,
}

/// A group and its scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BreakdownRow {
    /// The least number of the group.
    pub least: u64,
    /// The greatest; `None` for the last group.
    pub most: Option<u64>,
    /// How many entities gold has.
    pub gold: u64,
    /// How many were predicted.
    pub predicted: u64,
    /// How many of these are right.
    pub right: u64,
    /// The scores of its entities.
    #[serde(flatten)]
    pub score: Score,
}

impl BreakdownRow {
    /// The numbers of the group: `1`, `2–4`, `5+`.
    pub fn name(&self) -> String {
        match self.most {
            Some(most) if most == self.least => most.to_string(),
            Some(most) => format!("{}–{most}", self.least),
            None => format!("{}+", self.least),
        }
    }
}

impl Breakdown {
    /// Nothing counted yet, in groups that begin at the rising numbers `groups`. What is less than the
    /// first is in the first.
    pub fn new(groups: &'static [u64]) -> Self {
        Self { groups, counts: vec![LabelCounts::default(); groups.len()] }
    }

    /// Adds a document, where `number` tells an entity's group. What is twice in a list counts once.
    pub fn add<'a>(
        &mut self,
        gold: &'a [Annotation],
        predicted: impl IntoIterator<Item = &'a Annotation>,
        number: impl Fn(&Annotation) -> u64,
    ) {
        let gold: BTreeMap<(Span, &str), &Annotation> = gold.iter().map(keyed).collect();
        let predicted: BTreeMap<_, _> = predicted.into_iter().map(keyed).collect();
        for one in gold.values() {
            self.of(number(one)).gold += 1;
        }
        for (key, one) in &predicted {
            let counts = self.of(number(one));
            counts.predicted += 1;
            counts.right += u64::from(gold.contains_key(key));
        }
    }

    fn of(&mut self, number: u64) -> &mut LabelCounts {
        let group = self.groups.partition_point(|least| *least <= number).saturating_sub(1);
        &mut self.counts[group]
    }

    /// The groups in their order, empty ones among them.
    pub fn rows(&self) -> Vec<BreakdownRow> {
        let row = |(number, counts): (usize, &LabelCounts)| BreakdownRow {
            least: self.groups[number],
            most: self.groups.get(number + 1).map(|next| next - 1),
            score: counts.row().score,
            gold: counts.gold,
            predicted: counts.predicted,
            right: counts.right,
        };
        self.counts.iter().enumerate().map(row).collect()
    }
}

/// How often each surface is an entity in gold.
#[derive(Debug, Clone, Default)]
pub struct SurfaceCounts(BTreeMap<String, u64>);

impl SurfaceCounts {
    /// Counts the entities of a document of this text.
    pub fn add(&mut self, text: &str, entities: &[Annotation]) {
        for surface in entities.iter().filter_map(|one| one.span.slice(text)) {
            match self.0.get_mut(surface) {
                Some(count) => *count += 1,
                None => {
                    self.0.insert(surface.to_owned(), 1);
                }
            }
        }
    }

    /// How often this is an entity.
    pub fn count(&self, surface: &str) -> u64 {
        self.0.get(surface).copied().unwrap_or(0)
    }
}

/// How many of `words`, which are in text order, a span touches.
pub fn words_in(words: &[Span], span: Span) -> u64 {
    let first = words.partition_point(|word| word.end <= span.start);
    let after = words.partition_point(|word| word.start < span.end);
    after.saturating_sub(first) as u64
}

fn keyed(one: &Annotation) -> ((Span, &str), &Annotation) {
    ((one.span, &one.label), one)
}
