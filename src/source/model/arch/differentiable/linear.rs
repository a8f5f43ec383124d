//! The linear layer.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{ROWS, numbers, sum_of_rows, tensor, with};

/// The linear layer `x W^T + b`: `x` of shape `(…, inputs)`, `weight` of `(outputs, inputs)`.
pub(in super::super) fn linear(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let x = x.contiguous()?;
    match bias {
        Some(bias) => x.apply_op3(weight, bias, LinearOp),
        None => x.apply_op2(weight, LinearOp),
    }
}

struct LinearOp;

impl LinearOp {
    fn product(
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (outputs, inputs) = weight_layout.shape().dims2()?;
        let mut dims = x_layout.dims().to_vec();
        let rows = x_layout.shape().elem_count() / inputs;
        if let Some(last) = dims.last_mut() {
            *last = outputs;
        }
        let flat = Layout::contiguous_with_offset((rows, inputs), x_layout.start_offset());
        let turned = weight_layout.transpose(0, 1)?;
        let product = x.matmul(weight, (1, rows, outputs, inputs), &flat, &turned)?;
        Ok((product, Shape::from(dims)))
    }

    /// The gradients by `x` and the weight.
    fn backward(
        x: &Tensor,
        weight: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let (outputs, inputs) = weight.dims2()?;
        let rows = x.elem_count() / inputs;
        let gradient = gradient.detach().reshape((rows, outputs))?;
        let by_x = gradient.matmul(&weight.detach())?.reshape(x.shape())?;
        if !weight.is_variable() {
            return Ok((by_x, None));
        }
        let x = x.detach().reshape((rows, inputs))?;
        Ok((by_x, Some(gradient.t()?.matmul(&x)?)))
    }
}

impl CustomOp2 for LinearOp {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Self::product(x, x_layout, weight, weight_layout)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (by_x, by_weight) = Self::backward(x, weight, gradient)?;
        Ok((Some(by_x), by_weight))
    }
}

impl CustomOp3 for LinearOp {
    fn name(&self) -> &'static str {
        "linear-with-bias"
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
        let (mut product, shape) = Self::product(x, x_layout, weight, weight_layout)?;
        let bias = numbers(bias, bias_layout)?;
        if let CpuStorage::F32(values) = &mut product {
            values.par_chunks_mut(ROWS * bias.len()).for_each(|block| {
                for row in block.chunks_exact_mut(bias.len()) {
                    row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
                }
            });
        }
        Ok((product, shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (by_x, by_weight) = Self::backward(x, weight, gradient)?;
        let width = bias.elem_count();
        let sums = with(gradient, |gradient| {
            sum_of_rows(gradient.len() / width, width, |i, sums| {
                let row = &gradient[i * width..(i + 1) * width];
                sums.iter_mut().zip(row).for_each(|(s, g)| *s += g);
            })
        })?;
        Ok((Some(by_x), by_weight, Some(tensor(sums, bias.shape())?)))
    }
}
