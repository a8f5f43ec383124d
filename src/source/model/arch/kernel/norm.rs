//! Layer normalisation (Ba et al. 2016, arXiv:1607.06450), with the sum before it.

use super::lanes::{sum, sum_of_products, vectorised};

/// The parameters of a norm.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Norm<'w> {
    pub(in super::super) weight: &'w [f32],
    pub(in super::super) bias: &'w [f32],
    pub(in super::super) epsilon: f32,
}

impl Norm<'_> {
    /// Normalises each row of `values`.
    pub(in super::super) fn apply(self, values: &mut [f32]) {
        apply(self, values);
    }

    /// For each row, `residual` becomes the norm of `residual + values + bias`.
    pub(in super::super) fn apply_to_sum(self, residual: &mut [f32], values: &[f32], bias: &[f32]) {
        apply_to_sum(self, residual, values, bias);
    }

    /// From the gradients by the norm of the rows `x`, those by `x`, in their place. What they add to the gradients by
    /// weight and bias is added to `sums`, one after the other.
    pub(in super::super) fn backward(self, gradients: &mut [f32], x: &[f32], sums: &mut [f32]) {
        backward(self, gradients, x, sums);
    }

    #[inline(always)]
    fn row(self, row: &mut [f32]) {
        let (mean, scale) = self.moments(row);
        for ((value, weight), bias) in row.iter_mut().zip(self.weight).zip(self.bias) {
            *value = (*value - mean) * scale * weight + bias;
        }
    }

    /// The mean of a row and one over its standard deviation.
    #[inline(always)]
    fn moments(self, row: &[f32]) -> (f32, f32) {
        let count = row.len() as f32;
        let mean = sum(row, |value| value) / count;
        let variance = sum(row, |value| (value - mean) * (value - mean)) / count;
        (mean, 1.0 / (variance + self.epsilon).sqrt())
    }
}

vectorised! {
    fn apply<'v>(norm: Norm<'v>, values: &'v mut [f32]) {
        for row in values.chunks_exact_mut(norm.weight.len()) {
            norm.row(row);
        }
    }
}

vectorised! {
    fn apply_to_sum<'v>(
        norm: Norm<'v>,
        residual: &'v mut [f32],
        values: &'v [f32],
        added: &'v [f32],
    ) {
        let width = norm.weight.len();
        for (row, values) in residual.chunks_exact_mut(width).zip(values.chunks_exact(width)) {
            for ((row, value), added) in row.iter_mut().zip(values).zip(added) {
                *row += value + added;
            }
            norm.row(row);
        }
    }
}

vectorised! {
    fn backward<'v>(norm: Norm<'v>, gradients: &'v mut [f32], x: &'v [f32], sums: &'v mut [f32]) {
        let width = norm.weight.len();
        let (by_weight, by_bias) = sums.split_at_mut(width);
        let mut weighted = vec![0.0; width];
        let mut normal = vec![0.0; width];
        for (gradient, x) in gradients.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            let (mean, scale) = norm.moments(x);
            normal.iter_mut().zip(x).for_each(|(n, x)| *n = (x - mean) * scale);
            let factors = weighted.iter_mut().zip(norm.weight);
            factors.zip(&*gradient).for_each(|((product, w), g)| *product = g * w);
            let of_row = by_weight.iter_mut().zip(by_bias.iter_mut());
            for ((by_weight, by_bias), (g, n)) in of_row.zip(gradient.iter().zip(&normal)) {
                *by_weight += g * n;
                *by_bias += g;
            }
            let sum = sum(&weighted, |value| value) / width as f32;
            let dot = sum_of_products(&weighted, &normal) / width as f32;
            for ((g, w), n) in gradient.iter_mut().zip(&weighted).zip(&normal) {
                *g = scale * (w - sum - n * dot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;
    use proptest::prelude::*;

    /// The definition, in `f64`.
    fn plain(row: &[f32], norm: Norm<'_>) -> Vec<f32> {
        let row: Vec<f64> = row.iter().map(|&value| value.into()).collect();
        let count = row.len() as f64;
        let mean = row.iter().sum::<f64>() / count;
        let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let root = (variance + f64::from(norm.epsilon)).sqrt();
        let one = |(i, value): (usize, &f64)| {
            let normal = (value - mean) / root;
            (normal * f64::from(norm.weight[i]) + f64::from(norm.bias[i])) as f32
        };
        row.iter().enumerate().map(one).collect()
    }

    proptest! {
        #[test]
        fn equals_the_definition(rows in 1usize..4, width in 2usize..100, shift in -3f32..3.0) {
            let noise = |count, seed| -> Vec<f32> {
                noise(count, seed).into_iter().map(|value| value + shift).collect()
            };
            let (weight, bias) = (noise(width, 1), noise(width, 2));
            let norm = Norm { weight: &weight, bias: &bias, epsilon: 1e-5 };
            let (values, added) = (noise(rows * width, 3), noise(width, 4));
            let mut got = noise(rows * width, 5);
            let sums: Vec<f32> =
                (0..rows * width).map(|i| got[i] + (values[i] + added[i % width])).collect();
            norm.apply_to_sum(&mut got, &values, &added);
            let mut alone = sums.clone();
            norm.apply(&mut alone);
            prop_assert_eq!(&got, &alone);
            let expected = sums.chunks_exact(width).flat_map(|row| plain(row, norm));
            for (got, expected) in got.iter().zip(expected) {
                prop_assert!((got - expected).abs() < 1e-4, "{} is not {}", got, expected);
            }
        }
    }
}
