//! Does a score of 0.8 mean that eight of ten are right? Predictions by their score, and how many of
//! each bin are right.
//!
//! ```text
//! expected calibration error = Σ over bins of (count / all) · |mean score − share right|
//! Brier score                = mean over predictions of (score − 1 if right else 0)²
//! ```
//!
//! The first is that of Guo et al., *On Calibration of Modern Neural Networks* (2017), with bins of equal
//! width; a score on an edge belongs to the upper bin, 1.0 to the last.

use super::ratio;

/// Predictions counted by score.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    bins: Vec<Sums>,
    squares: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums {
    count: u64,
    right: u64,
    scores: f64,
}

/// The predictions whose scores lie between two edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationBin {
    /// The least score.
    pub from: f64,
    /// The edge above.
    pub to: f64,
    /// How many there are.
    pub count: u64,
    /// How many of them are right.
    pub right: u64,
    /// Their mean score; 0.0 where there is none.
    pub mean_score: f64,
    /// The share that is right; 0.0 where there is none.
    pub accuracy: f64,
}

impl Calibration {
    /// Nothing counted yet, in so many bins of equal width, at least one.
    pub fn new(bins: usize) -> Self {
        Self { bins: vec![Sums::default(); bins.max(1)], squares: 0.0 }
    }

    /// Counts a prediction with a score of 0..=1.
    pub fn add(&mut self, score: f64, is_right: bool) {
        let score = score.clamp(0.0, 1.0);
        let last = self.bins.len() - 1;
        // Truncation is the point: the bin that the score falls into.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bin = ((score * self.bins.len() as f64) as usize).min(last);
        let sums = &mut self.bins[bin];
        sums.count += 1;
        sums.right += u64::from(is_right);
        sums.scores += score;
        self.squares += (score - f64::from(u8::from(is_right))).powi(2);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|sums| sums.count).sum()
    }

    /// The bins from the lowest, empty ones among them.
    pub fn bins(&self) -> Vec<CalibrationBin> {
        let width = 1.0 / self.bins.len() as f64;
        let bin = |(number, sums): (usize, &Sums)| CalibrationBin {
            from: number as f64 * width,
            to: (number + 1) as f64 * width,
            count: sums.count,
            right: sums.right,
            mean_score: ratio(sums.scores, sums.count as f64),
            accuracy: ratio(sums.right as f64, sums.count as f64),
        };
        self.bins.iter().enumerate().map(bin).collect()
    }

    /// How far scores are from what they promise, 0..=1.
    pub fn expected_error(&self) -> f64 {
        let off = |sums: &Sums| (sums.scores - sums.right as f64).abs();
        ratio(self.bins.iter().map(off).sum(), self.count() as f64)
    }

    /// The mean square of how far each score is from the truth, 0..=1.
    pub fn brier(&self) -> f64 {
        ratio(self.squares, self.count() as f64)
    }
}
