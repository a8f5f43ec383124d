//! What is done to each element by itself: GELU, the mask of dropout, and the sum around a layer.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::super::dropout::Kept;
use super::super::kernel::gelu;
use super::{ELEMENTS, numbers, tensor, with};

/// GELU in its exact form, x Φ(x) (Hendrycks and Gimpel 2016).
pub(in super::super) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(GeluOp)
}

struct GeluOp;

impl CustomOp1 for GeluOp {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let mut y = vec![0.0; x.len()];
        let blocks = y.par_chunks_mut(ELEMENTS).zip(x.par_chunks(ELEMENTS));
        blocks.for_each(|(y, x)| gelu::of_each(y, x));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut by_x = with(gradient, <[f32]>::to_vec)?;
        with(x, |x| {
            let blocks = by_x.par_chunks_mut(ELEMENTS).zip(x.par_chunks(ELEMENTS));
            blocks.for_each(|(by_x, x)| gelu::backward(by_x, x));
        })?;
        Ok(Some(tensor(by_x, x.shape())?))
    }
}

/// `x` with what is not kept set to 0, as dropout does it.
pub(in super::super) fn masked(x: &Tensor, kept: Kept) -> Result<Tensor> {
    x.contiguous()?.apply_op1(MaskOp { kept })
}

struct MaskOp {
    kept: Kept,
}

impl CustomOp1 for MaskOp {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = self.kept.of(numbers(x, layout)?);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(tensor(with(gradient, |gradient| self.kept.of(gradient))?, x.shape())?))
    }
}

/// `x + added`, of `added` only what is kept.
pub(in super::super) fn residual(x: &Tensor, added: &Tensor, kept: Option<Kept>) -> Result<Tensor> {
    x.contiguous()?.apply_op2(&added.contiguous()?, ResidualOp { kept })
}

struct ResidualOp {
    kept: Option<Kept>,
}

impl CustomOp2 for ResidualOp {
    fn name(&self) -> &'static str {
        "residual"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        added: &CpuStorage,
        added_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let added = numbers(added, added_layout)?;
        let mut y = match &self.kept {
            Some(kept) => kept.of(added),
            None => added.to_vec(),
        };
        let x = numbers(x, x_layout)?;
        y.par_chunks_mut(ELEMENTS).zip(x.par_chunks(ELEMENTS)).for_each(|(y, x)| {
            y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
        });
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        added: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let by_added = match &self.kept {
            Some(kept) => tensor(with(gradient, |gradient| kept.of(gradient))?, added.shape())?,
            None => gradient.clone(),
        };
        Ok((Some(gradient.clone()), Some(by_added)))
    }
}
