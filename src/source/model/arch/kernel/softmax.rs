//! Softmax of rows, and the way back.

use super::lanes::{LANES, exponential, largest, sum_of_products, total, vectorised};

/// Below this, an exponential counts as 0.
const LEAST: f32 = -87.0;

vectorised! {
    /// The softmax of each row of `width` scores times `scale`, which is positive. A score that is masked, by a number so
    /// small that nothing near it is left, has a share of 0.
    pub(in super::super) fn softmax<'v>(scores: &'v mut [f32], width: usize, scale: f32) {
        for rows in scores.chunks_mut(width * ROWS) {
            of_rows(rows, width, scale);
        }
    }
}

/// Rows that are worked on in turns, step by step: in each step what one row waits for, another has ready.
const ROWS: usize = 8;

/// The softmax of at most [`ROWS`] rows.
#[inline(always)]
fn of_rows(rows: &mut [f32], width: usize, scale: f32) {
    // The end of each row in as many lanes as the rest of it; what stands in those that are left has no share.
    let mut ends = [[f32::NEG_INFINITY; LANES]; ROWS];
    let mut most = [0.0; ROWS];
    let mut sums = [[0.0; LANES]; ROWS];
    for ((row, end), most) in rows.chunks_exact(width).zip(&mut ends).zip(&mut most) {
        let (chunks, rest) = row.as_chunks::<LANES>();
        end[..rest.len()].copy_from_slice(rest);
        let mut lanes = *end;
        for chunk in chunks {
            for (lane, score) in lanes.iter_mut().zip(chunk) {
                *lane = if *score > *lane { *score } else { *lane };
            }
        }
        *most = largest(&lanes);
    }
    for (((row, end), most), sums) in
        rows.chunks_exact_mut(width).zip(&mut ends).zip(most).zip(&mut sums)
    {
        for chunk in row.as_chunks_mut::<LANES>().0.iter_mut().chain([end]) {
            for (sum, score) in sums.iter_mut().zip(chunk) {
                let below = (*score - most) * scale;
                *score = if below < LEAST { 0.0 } else { exponential(below) };
                *sum += *score;
            }
        }
    }
    for ((row, end), sums) in rows.chunks_exact_mut(width).zip(&mut ends).zip(sums) {
        let share = 1.0 / total(sums);
        let (chunks, rest) = row.as_chunks_mut::<LANES>();
        for chunk in chunks.iter_mut().chain([&mut *end]) {
            for score in chunk {
                *score *= share;
            }
        }
        rest.copy_from_slice(&end[..rest.len()]);
    }
}

vectorised! {
    /// From the gradients by shares, which are the softmax of `scale` times the scores, those by the scores, in their
    /// place.
    pub(in super::super) fn by_scores<'v>(
        gradients: &'v mut [f32],
        shares: &'v [f32],
        width: usize,
        scale: f32,
    ) {
        let rows = gradients.chunks_exact_mut(width).zip(shares.chunks_exact(width));
        for (gradients, shares) in rows {
            let mean = sum_of_products(gradients, shares);
            for (gradient, share) in gradients.iter_mut().zip(shares) {
                *gradient = scale * share * (*gradient - mean);
            }
        }
    }
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
