//! Which examples make which batch: for every epoch a plan, drawn from the seed and the epoch's number
//! alone, so that a place in the data is a pair of numbers.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::data::{Example, Examples};
use super::recipe::BatchRecipe;

/// How many batches are sorted by length together: enough that little is padded, few enough that an epoch
/// stays mixed.
const SORTED_TOGETHER: usize = 50;

/// All examples, and how batches are made of them.
pub struct Batches<'e, E> {
    examples: Vec<&'e E>,
    /// Where the examples of each corpus end, and how often each is seen.
    corpora: Vec<(usize, f64)>,
    recipe: BatchRecipe,
    seed: u64,
}

/// The batches of one epoch, each the numbers of its examples.
pub type Plan = Vec<Vec<usize>>;

impl<'e, E: Example> Batches<'e, E> {
    /// Batches of these corpora.
    pub fn new(corpora: &'e [Examples<E>], recipe: &BatchRecipe, seed: u64) -> Self {
        let examples: Vec<&E> = corpora.iter().flat_map(|c| &c.examples).collect();
        let mut end = 0;
        let ends = corpora.iter().map(|corpus| {
            end += corpus.examples.len();
            (end, corpus.weight)
        });
        Self { corpora: ends.collect(), examples, recipe: recipe.clone(), seed }
    }

    /// An example by its number.
    pub fn example(&self, number: usize) -> &'e E {
        self.examples[number]
    }

    /// The batches of the epoch number `epoch`, from 0.
    pub fn plan(&self, epoch: u64) -> Plan {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(epoch);
        let mut order = self.chosen(&mut random);
        order.shuffle(&mut random);
        if self.recipe.group_by_length {
            let together = self.sorted_together(&order);
            for chunk in order.chunks_mut(together) {
                chunk.sort_by_key(|&number| std::cmp::Reverse(self.examples[number].length()));
            }
        }
        let mut plan = self.cut(&order);
        if self.recipe.group_by_length {
            plan.shuffle(&mut random);
        }
        plan
    }

    /// How many steps an epoch has.
    pub fn steps(&self, epoch: u64) -> u64 {
        self.plan(epoch).len().div_ceil(self.recipe.accumulate) as u64
    }

    /// The numbers of the examples of an epoch: each as often as its corpus's weight says, the rest of a
    /// weight by lot.
    fn chosen(&self, random: &mut impl Rng) -> Vec<usize> {
        let mut chosen = Vec::new();
        let mut start = 0;
        for &(end, weight) in &self.corpora {
            for _ in 0..weight as u64 {
                chosen.extend(start..end);
            }
            let rest = (weight.fract() * (end - start) as f64).round() as usize;
            if rest > 0 {
                let mut some: Vec<usize> = (start..end).collect();
                some.shuffle(random);
                some.truncate(rest);
                some.sort_unstable();
                chosen.extend(some);
            }
            start = end;
        }
        chosen
    }

    fn sorted_together(&self, order: &[usize]) -> usize {
        let per_batch = match self.recipe.tokens {
            Some(tokens) => {
                let all: usize = order.iter().map(|&number| self.examples[number].length()).sum();
                (tokens * order.len()).checked_div(all).unwrap_or(1)
            }
            None => self.recipe.sentences,
        };
        per_batch.max(1) * SORTED_TOGETHER
    }

    /// Cuts an order into batches.
    fn cut(&self, order: &[usize]) -> Plan {
        let Some(tokens) = self.recipe.tokens else {
            return order.chunks(self.recipe.sentences).map(<[usize]>::to_vec).collect();
        };
        let mut plan: Plan = Vec::new();
        let mut longest = 0;
        for &number in order {
            let length = self.examples[number].length();
            longest = longest.max(length);
            match plan.last_mut().filter(|batch| longest * (batch.len() + 1) <= tokens) {
                Some(batch) => batch.push(number),
                None => {
                    plan.push(vec![number]);
                    longest = length;
                }
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::token::TagExample;

    fn corpora(weights: &[f64]) -> Vec<Examples<TagExample>> {
        let corpus = |(number, weight): (usize, &f64)| Examples {
            name: number.to_string(),
            examples: (0..100)
                .map(|i| TagExample {
                    ids: vec![number as u32; 3 + (i * 7) % 40],
                    positions: Vec::new(),
                    targets: Vec::new(),
                })
                .collect(),
            weight: *weight,
            misfits: 0,
            excluded: 0,
        };
        weights.iter().enumerate().map(corpus).collect()
    }

    fn recipe(tokens: Option<usize>) -> BatchRecipe {
        BatchRecipe { sentences: 8, tokens, ..BatchRecipe::default() }
    }

    #[test]
    fn every_example_is_seen_once_an_epoch_and_epochs_differ() {
        let corpora = corpora(&[1.0]);
        for tokens in [None, Some(100)] {
            let batches = Batches::new(&corpora, &recipe(tokens), 3);
            let mut seen = batches.plan(0).concat();
            assert_ne!(batches.plan(0), batches.plan(1));
            assert_eq!(batches.plan(0), Batches::new(&corpora, &recipe(tokens), 3).plan(0));
            assert_ne!(batches.plan(0), Batches::new(&corpora, &recipe(tokens), 4).plan(0));
            seen.sort_unstable();
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
            for batch in batches.plan(0) {
                let longest = batch.iter().map(|&i| batches.example(i).ids.len()).max().unwrap();
                assert!(tokens.map_or(batch.len() <= 8, |most| longest * batch.len() <= most));
            }
        }
    }

    #[test]
    fn a_batch_holds_sentences_of_about_one_length() {
        let corpora = corpora(&[1.0]);
        let padding = |group_by_length| {
            let recipe = BatchRecipe { group_by_length, ..recipe(None) };
            let batches = Batches::new(&corpora, &recipe, 3);
            let waste = |batch: &Vec<usize>| {
                let lengths = batch.iter().map(|&i| batches.example(i).ids.len());
                let longest = lengths.clone().max().unwrap();
                lengths.map(|length| longest - length).sum::<usize>()
            };
            batches.plan(0).iter().map(waste).sum::<usize>()
        };
        assert!(padding(true) * 5 < padding(false), "{} {}", padding(true), padding(false));
    }

    #[test]
    fn weights_say_how_often() {
        let corpora = corpora(&[2.0, 0.25, 1.5]);
        let batches = Batches::new(&corpora, &recipe(None), 3);
        let mut counts = [0; 300];
        batches.plan(5).concat().into_iter().for_each(|number| counts[number] += 1);
        assert!(counts[..100].iter().all(|n| *n == 2));
        assert_eq!(counts[100..200].iter().sum::<usize>(), 25);
        assert_eq!(counts[200..].iter().sum::<usize>(), 150);
        assert!(counts[200..].iter().all(|n| *n == 1 || *n == 2));
    }
}
