//! Layer normalisation (Ba et al. 2016, arXiv:1607.06450), with the sum before it.

use pulp::Arch;

use super::lanes::sum;

/// The parameters of a norm.
#[derive(Debug, Clone, Copy)]
pub(super) struct Norm<'w> {
    pub(super) weight: &'w [f32],
    pub(super) bias: &'w [f32],
    pub(super) epsilon: f32,
}

impl Norm<'_> {
    /// Normalises each row of `values`.
    pub(super) fn apply(self, values: &mut [f32]) {
        Arch::new().dispatch(|| {
            for row in values.chunks_exact_mut(self.weight.len()) {
                self.row(row);
            }
        });
    }

    /// For each row, `residual` becomes the norm of `residual + values + bias`.
    pub(super) fn apply_to_sum(self, residual: &mut [f32], values: &[f32], bias: &[f32]) {
        let width = self.weight.len();
        Arch::new().dispatch(|| {
            for (row, values) in residual.chunks_exact_mut(width).zip(values.chunks_exact(width)) {
                for ((row, value), bias) in row.iter_mut().zip(values).zip(bias) {
                    *row += value + bias;
                }
                self.row(row);
            }
        });
    }

    #[inline(always)]
    fn row(self, row: &mut [f32]) {
        let count = row.len() as f32;
        let mean = sum(row, |value| value) / count;
        let variance = sum(row, |value| (value - mean) * (value - mean)) / count;
        let scale = 1.0 / (variance + self.epsilon).sqrt();
        for ((value, weight), bias) in row.iter_mut().zip(self.weight).zip(self.bias) {
            *value = (*value - mean) * scale * weight + bias;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::noise;
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
