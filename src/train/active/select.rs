//! Which sentences an expert is asked about next.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Candidate, words};
use crate::error::Result;
use crate::source::{Found, Source};
use crate::span::Evidence;
use crate::text::Document;
use crate::train::recipe::{ActiveRecipe, Select};

/// The random stream of what is drawn by lot before the first round; each round has one of its own below it.
const STREAM: u64 = u64::MAX - 3;

/// So many sentences are tagged at once.
const CHUNK: usize = 512;

/// Chooses sentences as a recipe says.
pub(super) struct Chooser<'r> {
    recipe: &'r ActiveRecipe,
    seed: u64,
}

impl<'r> Chooser<'r> {
    pub(super) fn new(recipe: &'r ActiveRecipe, seed: u64) -> Self {
        Self { recipe, seed }
    }

    /// So many sentences of the pool, drawn by lot.
    pub(super) fn by_lot(&self, pool: &[Candidate], count: usize) -> Vec<usize> {
        self.drawn((0..pool.len()).collect(), STREAM, count)
    }

    fn drawn(&self, mut numbers: Vec<usize>, stream: u64, count: usize) -> Vec<usize> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(stream);
        numbers.shuffle(&mut random);
        numbers.truncate(count);
        numbers
    }

    /// The sentences to label after round number `round`, by what `model` finds in those that are not
    /// labelled. Of equal ones the first come first.
    ///
    /// # Errors
    /// Where the device fails.
    pub(super) fn choose(
        &self,
        model: &dyn Source,
        pool: &[Candidate],
        round: usize,
    ) -> Result<Vec<usize>> {
        let open: Vec<usize> = (0..pool.len()).filter(|&i| !pool[i].is_labelled).collect();
        let count = self.recipe.sentences;
        if self.recipe.select == Select::Random {
            return Ok(self.drawn(open, STREAM - 1 - round as u64, count));
        }
        let mut scored: Vec<(f64, usize)> = Vec::with_capacity(open.len());
        for numbers in open.chunks(CHUNK) {
            let documents: Vec<&Document> = numbers.iter().map(|&i| &pool[i].gold).collect();
            for (&number, found) in numbers.iter().zip(model.find_batch(&documents)) {
                scored.push((self.doubt(&pool[number], &found?), number));
            }
        }
        scored.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1)));
        Ok(scored.into_iter().take(count).map(|(_, number)| number).collect())
    }

    /// How much is to be learnt from a sentence; more is better.
    fn doubt(&self, candidate: &Candidate, found: &Found) -> f64 {
        let evidence = found.evidence.as_ref();
        match self.recipe.select {
            Select::Entropy => evidence.map_or(0.0, |evidence| {
                let count = evidence.words().len();
                let sum: f64 = (0..count).map(|word| entropy(&shares(evidence, word))).sum();
                sum / count.max(1) as f64
            }),
            Select::LeastConfidence => evidence.map_or(0.0, |evidence| {
                let surest = |word| shares(evidence, word).into_iter().fold(0.0, f64::max);
                (0..evidence.words().len()).map(|word| 1.0 - surest(word)).fold(0.0, f64::max)
            }),
            Select::Disagreement => {
                let of_machine = candidate.machine.iter().flatten();
                let machine: BTreeSet<_> =
                    of_machine.map(|a| (a.span.start, a.span.end, a.label.as_str())).collect();
                let mentions = found.mentions.iter();
                let model: BTreeSet<_> =
                    mentions.map(|m| (m.span.start, m.span.end, m.label.as_str())).collect();
                let differ = machine.symmetric_difference(&model).count();
                differ as f64 / words(&candidate.gold).max(1) as f64
            }
            Select::Random => 0.0,
        }
    }
}

/// How likely a word is outside every entity, and of each label.
fn shares(evidence: &Evidence, word: usize) -> Vec<f64> {
    let labels = 0..evidence.labels().len();
    let of_labels = labels.map(|label| f64::from(evidence.label_probability(word, label)));
    std::iter::once(f64::from(evidence.outside_probability(word))).chain(of_labels).collect()
}

/// The entropy of shares, in nats.
fn entropy(shares: &[f64]) -> f64 {
    shares.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}
