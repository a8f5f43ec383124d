//! Is one system better than another, or was it lucky with these documents? Intervals of scores and of
//! differences by the paired bootstrap, and two tests of each difference.
//!
//! **The bootstrap** (Koehn 2004; Berg-Kirkpatrick, Burkett and Klein 2012) draws as many documents as
//! there are, with replacement, scores every system on the same draw, and does so many times. The
//! interval of a score, or of a difference from the first system, is from the 2.5th to the 97.5th
//! percentile of what came out (linear between neighbours, as numpy does). With *δ* the difference on
//! the documents as they are, and *δᵢ* that of draw *i* of *n*,
//!
//! ```text
//! p = (1 + #{ i : |δᵢ − δ| ≥ |δ| }) / (1 + n)
//! ```
//!
//! Drawn differences scatter around *δ*; moved to scatter around 0 they are those of systems that are
//! equally good. This is the two-sided form of Berg-Kirkpatrick's `#{ δᵢ > 2δ } / n`.
//!
//! **Approximate randomisation** (Noreen 1989) asks the same without drawing: if the two systems are
//! equally good, it does not matter whose output is whose. In each of *n* rounds every document's two
//! outputs change places or not, as a coin says; with *δᵢ* the difference then,
//!
//! ```text
//! p = (1 + #{ i : |δᵢ| ≥ |δ| }) / (1 + n)
//! ```
//!
//! Every round has a random stream of its own (ChaCha8), so nothing depends on threads. Scores are
//! those of [`super::entity`], whatever labels a draw happens to hold.

mod counts;
mod draw;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

pub use self::counts::PairedCounts;
use self::counts::Sums;
use super::Score;

/// Differences of scores that are nearer than this are one: what rounding may add.
const ROUNDING: f64 = 1e-12;

/// The edges of an interval, as shares of what lies under them.
const EDGES: [f64; 2] = [0.025, 0.975];

/// How often is drawn, and from where in the random streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resampling {
    /// So many draws of documents, and so many rounds of changing places.
    pub rounds: usize,
    /// Begins the random streams.
    pub seed: u64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self { rounds: 10_000, seed: 1 }
    }
}

/// A number, and between which it would likely be on other documents of the kind: 95 of 100 times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The number on the documents as they are.
    pub value: f64,
    /// The lower edge.
    pub low: f64,
    /// The upper edge.
    pub high: f64,
}

/// A difference from the first system, and how likely one so large is between equally good systems.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The score less that of the first system.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// The two-sided p-value of the paired bootstrap.
    pub p_bootstrap: f64,
    /// The two-sided p-value of approximate randomisation.
    pub p_randomisation: f64,
}

/// Something about each number of a score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct OfScore<T> {
    /// Of precision.
    pub precision: T,
    /// Of recall.
    pub recall: T,
    /// Of F1.
    pub f1: T,
}

/// Something about each score of a system.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfScores<T> {
    /// Of the counts of all labels together.
    pub micro: OfScore<T>,
    /// Of the mean of the labels.
    #[serde(rename = "macro")]
    pub macro_average: OfScore<T>,
    /// By label.
    pub labels: BTreeMap<String, OfScore<T>>,
}

/// A system among others.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Its scores.
    pub scores: OfScores<Estimate>,
    /// How they differ from those of the first system; `None` of the first itself.
    pub differences: Option<OfScores<Difference>>,
}

impl PairedCounts {
    /// The scores of each system with their intervals, and how they differ from those of the first.
    pub fn compare(&self, resampling: Resampling) -> Vec<Compared> {
        let documents = self.documents();
        self.compare_rounds(
            resampling.rounds,
            |round| draw::documents(resampling.seed, round, documents),
            |round| draw::coins(resampling.seed, round, documents),
        )
    }

    /// [`PairedCounts::compare`] with the documents that `draw` gives for each round, and the coins
    /// of `toss`, one a document.
    fn compare_rounds(
        &self,
        rounds: usize,
        draw: impl Fn(usize) -> Vec<usize> + Sync,
        toss: impl Fn(usize) -> Vec<bool> + Sync,
    ) -> Vec<Compared> {
        let observed = self.numbers(&self.total());
        let drawn: Vec<Vec<f64>> = (0..rounds)
            .into_par_iter()
            .map(|round| self.numbers(&self.sum(draw(round).into_iter())))
            .collect();
        let swapped: Vec<Vec<f64>> = if self.systems() > 1 {
            let total = self.total();
            let differences = |round| self.swapped_differences(&total, &toss(round));
            (0..rounds).into_par_iter().map(differences).collect()
        } else {
            Vec::new()
        };
        let width = self.numbers_of_a_system();
        (0..self.systems())
            .map(|system| {
                let at = |number: usize| system * width + number;
                let scores = self.arrange(|number| {
                    let values = drawn.iter().map(|row| row[at(number)]).collect();
                    estimate(observed[at(number)], values)
                });
                let difference = |number: usize| {
                    let of = |row: &[f64]| row[at(number)] - row[number];
                    let observed = of(&observed);
                    let values: Vec<f64> = drawn.iter().map(|row| of(row)).collect();
                    let is_far =
                        |value: &&f64| (**value - observed).abs() >= observed.abs() - ROUNDING;
                    let p_bootstrap = p_value(values.iter().filter(is_far).count(), rounds);
                    let swapped = swapped.iter().map(|row| row[at(number) - width]);
                    let far = swapped.filter(|d| d.abs() >= observed.abs() - ROUNDING).count();
                    Difference {
                        estimate: estimate(observed, values),
                        p_bootstrap,
                        p_randomisation: p_value(far, rounds),
                    }
                };
                let differences = (system > 0).then(|| self.arrange(difference));
                Compared { scores, differences }
            })
            .collect()
    }

    /// All numbers of all systems, one system after the other: micro, macro, then each label, and of
    /// each precision, recall and F1.
    fn numbers(&self, sums: &Sums) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(self.systems() * self.numbers_of_a_system());
        for system in 0..self.systems() {
            push_numbers(&mut numbers, &self.report(sums, system));
        }
        numbers
    }

    /// The difference of every number of every system but the first, after it and the first have
    /// changed places where the coins say so.
    fn swapped_differences(&self, total: &Sums, coins: &[bool]) -> Vec<f64> {
        let moved = self.sum((0..coins.len()).filter(|document| coins[*document]));
        let width = self.numbers_of_a_system();
        let mut differences = Vec::with_capacity((self.systems() - 1) * width);
        for system in 1..self.systems() {
            let (one, other) = self.reports_swapped(total, &moved, system);
            let (mut first, mut second) = (Vec::with_capacity(width), Vec::with_capacity(width));
            push_numbers(&mut first, &one);
            push_numbers(&mut second, &other);
            differences.extend(second.iter().zip(&first).map(|(b, a)| b - a));
        }
        differences
    }

    /// How many numbers a system has.
    fn numbers_of_a_system(&self) -> usize {
        3 * (2 + self.labels().len())
    }

    /// What `of` says of each number of a system, under its name.
    fn arrange<T>(&self, mut of: impl FnMut(usize) -> T) -> OfScores<T> {
        let mut next = 0;
        let mut score = || {
            next += 3;
            OfScore { precision: of(next - 3), recall: of(next - 2), f1: of(next - 1) }
        };
        let (micro, macro_average) = (score(), score());
        let labels = self.labels().iter().map(|label| (label.clone(), score())).collect();
        OfScores { micro, macro_average, labels }
    }
}

fn push_numbers(numbers: &mut Vec<f64>, scores: &[Score]) {
    numbers.extend(scores.iter().flat_map(|score| [score.precision, score.recall, score.f1]));
}

/// The interval of what came out; without rounds the number itself.
fn estimate(value: f64, mut drawn: Vec<f64>) -> Estimate {
    drawn.sort_unstable_by(f64::total_cmp);
    let [low, high] = EDGES.map(|share| percentile(&drawn, share).unwrap_or(value));
    Estimate { value, low, high }
}

/// The number under which the share of the sorted numbers lies, linear between neighbours.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (place - place.floor()) * (above - below))
}

fn p_value(far: usize, rounds: usize) -> f64 {
    (1 + far) as f64 / (1 + rounds) as f64
}
