//! What is done to each element by itself: GELU and the mask of dropout.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{ELEMENTS, numbers, tensor, with};

/// GELU in its exact form, x Φ(x) (Hendrycks and Gimpel 2016).
pub(in super::super) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(GeluOp)
}

struct GeluOp;

/// Φ(x), the normal distribution, and φ(x), its density. The error function is formula 7.1.26 of
/// Abramowitz and Stegun (1964), off by 1.5e-7 at most; its exponential is that of the density.
fn normal(x: f32) -> (f32, f32) {
    let e = (-0.5 * x * x).exp();
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t
        + 0.254_829_6)
        * t;
    let tail = 0.5 * series * e;
    // 1 / √(2π)
    let density = 0.398_942_3 * e;
    (if x < 0.0 { tail } else { 1.0 - tail }, density)
}

impl CustomOp1 for GeluOp {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(ELEMENTS).zip(x.par_chunks(ELEMENTS)).for_each(|(y, x)| {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x * normal(*x).0);
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let by_x = with(x, |x| {
            with(gradient, |gradient| {
                let mut by_x = vec![0.0; x.len()];
                let blocks = by_x.par_chunks_mut(ELEMENTS).zip(x.par_chunks(ELEMENTS));
                blocks.zip(gradient.par_chunks(ELEMENTS)).for_each(|((by_x, x), gradient)| {
                    for ((by_x, x), g) in by_x.iter_mut().zip(x).zip(gradient) {
                        let (share, density) = normal(*x);
                        *by_x = g * (share + x * density);
                    }
                });
                by_x
            })
        })??;
        Ok(Some(tensor(by_x, x.shape())?))
    }
}

/// `x` times a mask of 0 and `kept`, as dropout multiplies it.
pub(in super::super) fn masked(x: &Tensor, is_kept: Vec<bool>, kept: f32) -> Result<Tensor> {
    x.contiguous()?.apply_op1(MaskOp { is_kept, kept })
}

struct MaskOp {
    is_kept: Vec<bool>,
    kept: f32,
}

impl MaskOp {
    fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        let blocks = y.par_chunks_mut(ELEMENTS).zip(x.par_chunks(ELEMENTS));
        blocks.zip(self.is_kept.par_chunks(ELEMENTS)).for_each(|((y, x), is_kept)| {
            for ((y, x), is_kept) in y.iter_mut().zip(x).zip(is_kept) {
                *y = if *is_kept { x * self.kept } else { 0.0 };
            }
        });
        y
    }
}

impl CustomOp1 for MaskOp {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(self.apply(numbers(x, layout)?)), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let by_x = with(gradient, |gradient| self.apply(gradient))?;
        Ok(Some(tensor(by_x, x.shape())?))
    }
}
