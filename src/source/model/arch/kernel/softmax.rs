//! Softmax of rows, and the way back.

use pulp::Arch;

use super::lanes::{exponential, largest, sum, sum_of_products};

/// Below this, an exponential counts as 0.
const LEAST: f32 = -87.0;

/// The softmax of each row of `width` scores times `scale`, which is positive. A score that is masked, by a number so
/// small that nothing near it is left, has a share of 0.
pub(in super::super) fn softmax(scores: &mut [f32], width: usize, scale: f32) {
    Arch::new().dispatch(|| {
        for row in scores.chunks_exact_mut(width) {
            let most = largest(row);
            for score in row.iter_mut() {
                let below = (*score - most) * scale;
                *score = if below < LEAST { 0.0 } else { exponential(below) };
            }
            let share = 1.0 / sum(row, |score| score);
            for score in row.iter_mut() {
                *score *= share;
            }
        }
    });
}

/// From the gradients by shares, which are the softmax of `scale` times the scores, those by the scores, in their
/// place.
pub(in super::super) fn by_scores(gradients: &mut [f32], shares: &[f32], width: usize, scale: f32) {
    Arch::new().dispatch(|| {
        let rows = gradients.chunks_exact_mut(width).zip(shares.chunks_exact(width));
        for (gradients, shares) in rows {
            let mean = sum_of_products(gradients, shares);
            for (gradient, share) in gradients.iter_mut().zip(shares) {
                *gradient = scale * share * (*gradient - mean);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;

    #[test]
    fn shares_and_their_gradients_equal_the_definition() {
        for width in [1, 2, 15, 16, 17, 40] {
            let (scores, by_shares) = (noise(3 * width, 1), noise(3 * width, 2));
            let mut shares = scores.clone();
            softmax(&mut shares, width, 0.7);
            let mut gradients = by_shares.clone();
            by_scores(&mut gradients, &shares, width, 0.7);
            for row in 0..3 {
                let of = |x: &[f32], j: usize| f64::from(x[row * width + j]);
                let all: f64 = (0..width).map(|j| (0.7 * of(&scores, j)).exp()).sum();
                let share = |j: usize| (0.7 * of(&scores, j)).exp() / all;
                let mean: f64 = (0..width).map(|j| share(j) * of(&by_shares, j)).sum();
                for j in 0..width {
                    assert!((of(&shares, j) - share(j)).abs() < 1e-6);
                    let slope = 0.7 * share(j) * (of(&by_shares, j) - mean);
                    assert!((of(&gradients, j) - slope).abs() < 1e-6);
                }
            }
        }
    }
}
