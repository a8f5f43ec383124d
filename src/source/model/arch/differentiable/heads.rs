//! The heads of attention, parted and put together.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{numbers, tensor, with};

/// Swaps the second and third of four dimensions, `(rows, a, b, width)` to `(rows, b, a, width)`, and gives
/// the shape `to` to what comes out: heads are parted or put together in one pass.
pub(in super::super) fn swapped(x: &Tensor, dims: [usize; 4], to: &[usize]) -> Result<Tensor> {
    x.contiguous()?.apply_op1(SwapOp { dims, to: Shape::from(to) })
}

struct SwapOp {
    dims: [usize; 4],
    to: Shape,
}

/// `x` of the shape `dims` with the second and third dimension swapped.
fn swap(x: &[f32], dims: [usize; 4]) -> Vec<f32> {
    let [_, a, b, width] = dims;
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(a * width).enumerate().for_each(|(block, y)| {
        let (row, j) = (block / b, block % b);
        for (i, y) in y.chunks_exact_mut(width).enumerate() {
            let from = ((row * a + i) * b + j) * width;
            y.copy_from_slice(&x[from..from + width]);
        }
    });
    y
}

impl CustomOp1 for SwapOp {
    fn name(&self) -> &'static str {
        "swap"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(swap(numbers(x, layout)?, self.dims)), self.to.clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let [rows, a, b, width] = self.dims;
        let by_x = with(gradient, |gradient| swap(gradient, [rows, b, a, width]))?;
        Ok(Some(tensor(by_x, x.shape())?))
    }
}
