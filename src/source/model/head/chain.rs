//! A linear-chain conditional random field (Lafferty et al. 2001) over one sequence, in log space and 64
//! bits: the forward-backward algorithm (Rabiner 1989) and Viterbi's.
//!
//! The score of tags *t* is start[t₁] + Σ emission[i, tᵢ] + Σ transition[tᵢ, tᵢ₊₁] + end[tₙ]; their
//! probability is the softmax over all sequences.

use super::constraint::Constraint;

/// The scores that do not hang on the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// By tag, of being the first.
    pub start: Vec<f64>,
    /// By tag, of being the last.
    pub end: Vec<f64>,
    /// Of a tag followed by another: row after row, a row for each tag that is followed.
    pub transitions: Vec<f64>,
}

/// What is expected over all sequences that are allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// The logarithm of the sum of exp(score).
    pub log_sum: f64,
    /// The probability of each tag at each position, row after row.
    pub tags: Vec<f64>,
    /// The expected number of each transition, as [`Chain::transitions`].
    pub transitions: Vec<f64>,
}

/// How a step of Viterbi's algorithm was reached: the state and tag before, as one number.
type Back = u32;

impl Chain {
    /// How many tags there are.
    pub fn tags(&self) -> usize {
        self.start.len()
    }

    /// The probability of each tag at each position, row after row, from the emissions of a sequence, row
    /// after row.
    pub fn marginals(&self, emissions: &[f64]) -> Vec<f64> {
        let (forward, backward) = (self.forward(emissions), self.backward(emissions));
        let log_sum = self.log_sum(&forward);
        forward.iter().zip(&backward).map(|(a, b)| (a + b - log_sum).exp()).collect()
    }

    /// What is expected where only some tags are allowed: emissions of the others are −∞.
    pub fn expectation(&self, emissions: &[f64]) -> Expectation {
        let width = self.tags();
        let (forward, backward) = (self.forward(emissions), self.backward(emissions));
        let log_sum = self.log_sum(&forward);
        let probability = |score: f64| (score - log_sum).exp();
        let mut transitions = vec![0.0; width * width];
        let pairs = forward.chunks_exact(width).zip(backward.chunks_exact(width).skip(1));
        for ((before, after), emission) in pairs.zip(emissions.chunks_exact(width).skip(1)) {
            for (cell, sum) in transitions.iter_mut().enumerate() {
                let (from, to) = (cell / width, cell % width);
                *sum +=
                    probability(before[from] + self.transitions[cell] + emission[to] + after[to]);
            }
        }
        let tags = forward.iter().zip(&backward).map(|(a, b)| probability(a + b)).collect();
        Expectation { log_sum, tags, transitions }
    }

    /// By position and tag, the log sum over all beginnings that end there, its emission included.
    fn forward(&self, emissions: &[f64]) -> Vec<f64> {
        let width = self.tags();
        let mut sums: Vec<f64> = Vec::with_capacity(emissions.len());
        for (position, row) in emissions.chunks_exact(width).enumerate() {
            for (tag, emission) in row.iter().enumerate() {
                let reached = match position.checked_sub(1) {
                    None => self.start[tag],
                    Some(before) => {
                        let before = &sums[before * width..][..width];
                        log_sum_exp(
                            before
                                .iter()
                                .enumerate()
                                .map(|(from, sum)| sum + self.transitions[from * width + tag]),
                        )
                    }
                };
                sums.push(reached + emission);
            }
        }
        sums
    }

    /// By position and tag, the log sum over all ends that go on from there.
    fn backward(&self, emissions: &[f64]) -> Vec<f64> {
        let width = self.tags();
        let length = emissions.len() / width;
        let mut sums = vec![0.0; length * width];
        for position in (0..length).rev() {
            for tag in 0..width {
                sums[position * width + tag] =
                    if position + 1 == length {
                        self.end[tag]
                    } else {
                        let (after, emission) =
                            (&sums[(position + 1) * width..], &emissions[(position + 1) * width..]);
                        log_sum_exp((0..width).map(|to| {
                            self.transitions[tag * width + to] + emission[to] + after[to]
                        }))
                    };
            }
        }
        sums
    }

    /// The log sum over all sequences; 0 for an empty one.
    fn log_sum(&self, forward: &[f64]) -> f64 {
        match forward.chunks_exact(self.tags()).last() {
            None => 0.0,
            Some(last) => log_sum_exp(last.iter().zip(&self.end).map(|(sum, end)| sum + end)),
        }
    }

    /// The likeliest sequence of tags that the constraint allows; the lower tag where two are equal.
    /// `is_word` says at which positions a word has its tag: there the constraint holds, and the tags
    /// between may be any.
    pub fn viterbi(
        &self,
        emissions: &[f64],
        constraint: &Constraint,
        is_word: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let width = self.tags();
        let states = constraint.states();
        let length = emissions.len() / width;
        let mut best = vec![f64::NEG_INFINITY; states * width];
        let mut backs: Vec<Vec<Back>> = Vec::with_capacity(length);
        for (position, emission) in emissions.chunks_exact(width).enumerate() {
            let mut reached = vec![f64::NEG_INFINITY; states * width];
            let mut back = vec![0; states * width];
            let mut step = |from: usize, state: usize, tag: usize, score: f64| {
                let next =
                    if is_word(position) { constraint.after(state, tag) } else { Some(state) };
                if let Some(next) = next {
                    let cell = next * width + tag;
                    if score > reached[cell] {
                        reached[cell] = score;
                        back[cell] = from as Back;
                    }
                }
            };
            for (tag, emission) in emission.iter().enumerate() {
                if position == 0 {
                    step(0, 0, tag, self.start[tag] + emission);
                    continue;
                }
                for (from, score) in
                    best.iter().enumerate().filter(|(_, s)| **s > f64::NEG_INFINITY)
                {
                    let transition = self.transitions[from % width * width + tag];
                    step(from, from / width, tag, score + transition + emission);
                }
            }
            best = reached;
            backs.push(back);
        }
        let mut end = None;
        for (cell, score) in best.iter().enumerate() {
            let total = score + self.end[cell % width];
            if constraint.may_end(cell / width) && end.is_none_or(|(_, most)| total > most) {
                end = Some((cell, total));
            }
        }
        // Where nothing is a number, nothing is found.
        let Some((mut cell, _)) = end.filter(|(_, total)| *total > f64::NEG_INFINITY) else {
            return vec![constraint.outside(); length];
        };
        let mut tags = vec![0; length];
        for (tag, back) in tags.iter_mut().zip(&backs).rev() {
            *tag = cell % width;
            cell = back[cell] as usize;
        }
        tags
    }
}

/// log Σ exp(x), without overflow; −∞ for nothing.
fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + values.map(|value| (value - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn numbers(random: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
        (0..count).map(|_| random.random_range(-3.0..3.0)).collect()
    }

    fn chain(random: &mut ChaCha8Rng, tags: usize) -> Chain {
        Chain {
            start: numbers(random, tags),
            end: numbers(random, tags),
            transitions: numbers(random, tags * tags),
        }
    }

    /// All sequences of so many tags, and the score of each.
    fn scored(chain: &Chain, emissions: &[f64]) -> Vec<(Vec<usize>, f64)> {
        let width = chain.tags();
        let length = emissions.len() / width;
        (0..width.pow(length as u32))
            .map(|number| {
                let tags: Vec<usize> =
                    (0..length).map(|i| number / width.pow(i as u32) % width).collect();
                let mut score = 0.0;
                for (i, tag) in tags.iter().enumerate() {
                    score += emissions[i * width + tag];
                    score += match i {
                        0 => chain.start[*tag],
                        _ => chain.transitions[tags[i - 1] * width + tag],
                    };
                }
                score += tags.last().map_or(0.0, |tag| chain.end[*tag]);
                (tags, score)
            })
            .collect()
    }

    const SCHEMES: [&str; 4] =
        ["O B-A I-A X", "O B-A I-A E-A S-A", "O I-A I-B", "I-A X B-B O B-A I-B"];

    #[test]
    fn all_is_as_it_is_over_all_sequences() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        for case in 0..120 {
            let names: Vec<String> = SCHEMES[case % 4].split(' ').map(str::to_owned).collect();
            let width = names.len();
            let constraint = Constraint::new(&names, &["X".to_owned()]);
            let chain = chain(&mut random, width);
            let length = random.random_range(1..6);
            let mut emissions = numbers(&mut random, length * width);
            if case % 3 == 0 {
                // One tag is not allowed at one place.
                let cell = random.random_range(0..emissions.len());
                emissions[cell] = f64::NEG_INFINITY;
            }
            let all = scored(&chain, &emissions);
            let total: f64 = all.iter().map(|(_, score)| score.exp()).sum();
            let expected = chain.expectation(&emissions);
            assert!((expected.log_sum - total.ln()).abs() < 1e-9);
            let mut tags = vec![0.0; length * width];
            let mut transitions = vec![0.0; width * width];
            for (sequence, score) in &all {
                let p = score.exp() / total;
                sequence.iter().enumerate().for_each(|(i, tag)| tags[i * width + tag] += p);
                sequence.windows(2).for_each(|pair| transitions[pair[0] * width + pair[1]] += p);
            }
            let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
            assert!(near(&tags, &expected.tags) && near(&transitions, &expected.transitions));
            assert_eq!(chain.marginals(&emissions), expected.tags);
            let is_word = |i: usize| (case + i) % 4 != 1 || case % 2 == 0;
            let of_words = |tags: &[usize]| -> Vec<usize> {
                tags.iter().enumerate().filter(|(i, _)| is_word(*i)).map(|(_, t)| *t).collect()
            };
            let (likeliest, _) = all
                .iter()
                .filter(|(tags, _)| constraint.allows(&of_words(tags)))
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .unwrap();
            assert_eq!(&chain.viterbi(&emissions, &constraint, is_word), likeliest, "case {case}");
        }
    }

    #[test]
    fn nothing_and_what_is_no_number_are_no_panic() {
        let names = ["O", "B-A", "I-A"].map(str::to_owned);
        let constraint = Constraint::new(&names, &[]);
        let chain = chain(&mut ChaCha8Rng::seed_from_u64(1), 3);
        assert!(chain.viterbi(&[], &constraint, |_| true).is_empty());
        assert!(chain.marginals(&[]).is_empty());
        assert_eq!(chain.viterbi(&[f64::NAN; 6], &constraint, |_| true), [0, 0]);
        assert_eq!(chain.marginals(&[f64::NAN; 6]).len(), 6);
    }
}
