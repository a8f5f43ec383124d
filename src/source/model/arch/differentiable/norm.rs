//! Layer normalisation.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{ROWS, numbers, sum_of_rows, tensor, with};

/// Layer normalisation over the last dimension.
pub(in super::super) fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f32,
) -> Result<Tensor> {
    x.contiguous()?.apply_op3(weight, bias, LayerNormOp { epsilon })
}

struct LayerNormOp {
    epsilon: f32,
}

impl LayerNormOp {
    /// The mean of a row and one over its standard deviation.
    fn moments(&self, row: &[f32]) -> (f32, f32) {
        let count = row.len() as f32;
        let mean = row.iter().sum::<f32>() / count;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
        (mean, 1.0 / (variance + self.epsilon).sqrt())
    }
}

impl CustomOp3 for LayerNormOp {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, x_layout)?;
        let (weight, bias) = (numbers(weight, weight_layout)?, numbers(bias, bias_layout)?);
        let width = weight.len();
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width)).for_each(|(y, x)| {
            for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                let (mean, scale) = self.moments(x);
                for (((y, x), w), b) in y.iter_mut().zip(x).zip(weight).zip(bias) {
                    *y = (x - mean) * scale * w + b;
                }
            }
        });
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let width = weight.elem_count();
        let (by_x, sums) = with(x, |x| {
            with(weight, |weight| with(gradient, |gradient| self.backward(x, weight, gradient)))
        })???;
        let (by_weight, by_bias) = sums.split_at(width);
        Ok((
            Some(tensor(by_x, x.shape())?),
            Some(tensor(by_weight.to_vec(), weight.shape())?),
            Some(tensor(by_bias.to_vec(), bias.shape())?),
        ))
    }
}

impl LayerNormOp {
    /// The gradient by `x`, and those by weight and bias, one after the other.
    fn backward(&self, x: &[f32], weight: &[f32], gradient: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let width = weight.len();
        let rows = x.len() / width;
        let mut by_x = vec![0.0; x.len()];
        let blocks = by_x.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width));
        blocks.zip(gradient.par_chunks(ROWS * width)).for_each(|((by_x, x), gradient)| {
            let rows = by_x.chunks_exact_mut(width).zip(x.chunks_exact(width));
            for ((by_x, x), gradient) in rows.zip(gradient.chunks_exact(width)) {
                let (mean, scale) = self.moments(x);
                let (mut sum, mut dot) = (0.0, 0.0);
                for ((x, g), w) in x.iter().zip(gradient).zip(weight) {
                    sum += g * w;
                    dot += g * w * (x - mean) * scale;
                }
                let (sum, dot) = (sum / width as f32, dot / width as f32);
                for (((by_x, x), g), w) in by_x.iter_mut().zip(x).zip(gradient).zip(weight) {
                    *by_x = scale * (g * w - sum - (x - mean) * scale * dot);
                }
            }
        });
        let sums = sum_of_rows(rows, 2 * width, |i, sums| {
            let (x, gradient) =
                (&x[i * width..(i + 1) * width], &gradient[i * width..(i + 1) * width]);
            let (mean, scale) = self.moments(x);
            let (by_weight, by_bias) = sums.split_at_mut(width);
            for (((w, b), x), g) in by_weight.iter_mut().zip(by_bias).zip(x).zip(gradient) {
                *w += g * (x - mean) * scale;
                *b += g;
            }
        });
        (by_x, sums)
    }
}
