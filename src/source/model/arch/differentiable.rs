//! Operations of training on the processor, each with a backward pass of its own: what candle's
//! differentiable forms do in ten passes over memory and one thread is done here in one or two, on all
//! threads. Sums are made of blocks of fixed size, so that they do not depend on the number of threads.
//!
//! Elsewhere, and for other numbers than `f32`, [`runs_here`] says no and candle's own forms run.

mod attention;
mod elementwise;
mod heads;
mod linear;
mod lstm;
mod norm;
mod rows;
mod softmax;
#[cfg(test)]
mod tests;

use candle_core::{CpuStorage, DType, Device, Layout, Result, Shape, Storage, Tensor, bail};
use rayon::prelude::*;

pub(super) use attention::{Sequences, attend};
pub(super) use elementwise::{gelu, masked, residual};
pub(super) use heads::swapped;
pub(super) use linear::linear;
pub(super) use lstm::lstm;
pub(super) use norm::layer_norm;
pub(super) use rows::{look_up, padded};
pub(super) use softmax::{shares, softmax};

/// So many rows make a block.
const ROWS: usize = 32;

/// So many elements make a block, where there are no rows.
const ELEMENTS: usize = 1 << 14;

/// Whether the operations of this file can run on a tensor.
pub(super) fn runs_here(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// The numbers of an argument, which must be contiguous.
fn numbers<'s>(storage: &'s CpuStorage, layout: &Layout) -> Result<&'s [f32]> {
    let CpuStorage::F32(values) = storage else { bail!("expected numbers of 32 bits") };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("expected contiguous numbers"),
    }
}

/// Calls `f` with the numbers of a tensor.
pub(super) fn with<R>(x: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    with_all([x], |[x]| f(x))
}

/// Calls `f` with the numbers of several tensors.
pub(super) fn with_all<const N: usize, R>(
    tensors: [&Tensor; N],
    f: impl FnOnce([&[f32]; N]) -> R,
) -> Result<R> {
    let tensors = tensors.into_iter().map(Tensor::contiguous).collect::<Result<Vec<_>>>()?;
    let held: Vec<_> = tensors.iter().map(Tensor::storage_and_layout).collect();
    let mut all: [&[f32]; N] = [&[]; N];
    for (values, (storage, layout)) in all.iter_mut().zip(&held) {
        *values = match &**storage {
            Storage::Cpu(storage) => numbers(storage, layout)?,
            _ => bail!("expected numbers on the processor"),
        };
    }
    Ok(f(all))
}

fn tensor(values: Vec<f32>, shape: &Shape) -> Result<Tensor> {
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// The sum of the rows of `width` columns that `row` adds up, block by block.
fn sum_of_rows(rows: usize, width: usize, row: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let block = |block: usize| {
        let mut sums = vec![0.0; width];
        (block * ROWS..rows.min((block + 1) * ROWS)).for_each(|i| row(i, &mut sums));
        sums
    };
    total((0..rows.div_ceil(ROWS)).into_par_iter().map(block).collect(), width)
}

/// The sum of the sums of blocks, of `width` numbers each, in their order.
fn total(blocks: Vec<Vec<f32>>, width: usize) -> Vec<f32> {
    blocks.into_iter().fold(vec![0.0; width], |mut all, sums| {
        all.iter_mut().zip(sums).for_each(|(a, s)| *a += s);
        all
    })
}

/// A slice as one part after another, of these sizes.
fn parted(mut values: &mut [f32], sizes: impl Iterator<Item = usize>) -> Vec<&mut [f32]> {
    let mut parts = Vec::new();
    for size in sizes {
        let (part, rest) = values.split_at_mut(size);
        parts.push(part);
        values = rest;
    }
    parts
}
