//! Layer normalisation.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::super::kernel::norm::Norm;
use super::{ROWS, numbers, tensor, total, with, with_all};

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
        let mut y = numbers(x, x_layout)?.to_vec();
        let (weight, bias) = (numbers(weight, weight_layout)?, numbers(bias, bias_layout)?);
        let norm = Norm { weight, bias, epsilon: self.epsilon };
        y.par_chunks_mut(ROWS * weight.len()).for_each(|rows| norm.apply(rows));
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
        let mut by_x = with(gradient, <[f32]>::to_vec)?;
        let sums = with_all([x, weight, bias], |[x, weight, bias]| {
            backward(Norm { weight, bias, epsilon: self.epsilon }, &mut by_x, x)
        })?;
        let (by_weight, by_bias) = sums.split_at(weight.elem_count());
        Ok((
            Some(tensor(by_x, x.shape())?),
            Some(tensor(by_weight.to_vec(), weight.shape())?),
            Some(tensor(by_bias.to_vec(), bias.shape())?),
        ))
    }
}

/// Makes the gradients by `x` of those by its norm; gives those by weight and bias, one after the other.
fn backward(norm: Norm<'_>, gradients: &mut [f32], x: &[f32]) -> Vec<f32> {
    let width = norm.weight.len();
    let blocks = gradients.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width));
    let of_block = |(gradients, x): (&mut [f32], &[f32])| {
        let mut sums = vec![0.0; 2 * width];
        norm.backward(gradients, x, &mut sums);
        sums
    };
    total(blocks.map(of_block).collect(), 2 * width)
}
