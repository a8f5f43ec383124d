//! Softmax, plain and as attention has it.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::super::kernel::softmax as kernel;
use super::{ROWS, numbers, tensor, with};

/// Softmax over the last dimension.
pub(in super::super) fn softmax(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(SoftmaxOp { scale: 1.0, mask: None })
}

/// The shares of attention: softmax of `scale` times the scores, of shape `(rows, heads, length, length)`,
/// and the mask, `(rows, 1, 1, length)` or `(rows, 1, length, length)`.
pub(in super::super) fn shares(
    scores: &Tensor,
    scale: f64,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let (_, heads, length, _) = scores.dims4()?;
    let mask = mask.map(|mask| Mask::new(mask, heads, length)).transpose()?;
    scores.contiguous()?.apply_op1(SoftmaxOp { scale: scale as f32, mask })
}

struct SoftmaxOp {
    scale: f32,
    mask: Option<Mask>,
}

/// What is added to scores, row by row.
struct Mask {
    numbers: Vec<f32>,
    /// So many rows of scores, one after another, are of one row of the batch.
    rows: usize,
    /// How many rows of the mask a row of the batch has: one, or one for each sub-word that sees.
    own: usize,
}

impl Mask {
    fn new(mask: &Tensor, heads: usize, length: usize) -> Result<Self> {
        let own = mask.dim(2)?;
        Ok(Self { numbers: mask.flatten_all()?.to_vec1()?, rows: heads * length, own })
    }

    /// The row of the mask for row number `row` of the scores, of so many columns.
    fn of(&self, row: usize, width: usize) -> &[f32] {
        let at = row / self.rows * self.own + row % self.own;
        &self.numbers[at * width..][..width]
    }
}

impl CustomOp1 for SoftmaxOp {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let width = layout.dims().last().copied().unwrap_or(1).max(1);
        let mut y = vec![0.0; x.len()];
        let blocks = y.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width)).enumerate();
        blocks.for_each(|(block, (y, x))| {
            let rows = y.chunks_exact_mut(width).zip(x.chunks_exact(width)).enumerate();
            for (row, (y, x)) in rows {
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x * self.scale);
                if let Some(mask) = &self.mask {
                    let mask = mask.of(block * ROWS + row, width);
                    y.iter_mut().zip(mask).for_each(|(y, m)| *y += m);
                }
            }
            kernel::softmax(y, width, 1.0);
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = x.dims().last().copied().unwrap_or(1).max(1);
        let mut by_x = with(gradient, <[f32]>::to_vec)?;
        with(y, |y| {
            let blocks = by_x.par_chunks_mut(ROWS * width).zip(y.par_chunks(ROWS * width));
            blocks.for_each(|(by_x, y)| kernel::by_scores(by_x, y, width, self.scale));
        })?;
        Ok(Some(tensor(by_x, x.shape())?))
    }
}
