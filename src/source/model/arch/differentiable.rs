//! Operations of training on the processor, each with a backward pass of its own: what candle's
//! differentiable forms do in ten passes over memory and one thread is done here in one or two, on all
//! threads. Sums are made of blocks of fixed size, so that they do not depend on the number of threads.
//!
//! Elsewhere, and for other numbers than `f32`, [`runs_here`] says no and candle's own forms run.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device};
use candle_core::{Layout, Result, Shape, Storage, Tensor, bail};
use rayon::prelude::*;

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
fn with<R>(x: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(f(numbers(storage, layout)?)),
        _ => bail!("expected numbers on the processor"),
    }
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
    let blocks: Vec<Vec<f32>> = (0..rows.div_ceil(ROWS)).into_par_iter().map(block).collect();
    blocks.into_iter().fold(vec![0.0; width], |mut all, sums| {
        all.iter_mut().zip(sums).for_each(|(a, s)| *a += s);
        all
    })
}

/// The linear layer `x W^T + b`: `x` of shape `(…, inputs)`, `weight` of `(outputs, inputs)`.
pub(super) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
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

/// Layer normalisation over the last dimension.
pub(super) fn layer_norm(
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

/// Softmax over the last dimension.
pub(super) fn softmax(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(SoftmaxOp { scale: 1.0, mask: None })
}

/// The shares of attention: softmax of `scale` times the scores, of shape `(rows, heads, length, length)`,
/// and the mask, `(rows, 1, 1, length)`.
pub(super) fn shares(scores: &Tensor, scale: f64, mask: Option<&Tensor>) -> Result<Tensor> {
    let mask = mask.map(|mask| mask.flatten_all()?.to_vec1::<f32>()).transpose()?;
    scores.contiguous()?.apply_op1(SoftmaxOp { scale: scale as f32, mask })
}

struct SoftmaxOp {
    scale: f32,
    mask: Option<Vec<f32>>,
}

impl CustomOp1 for SoftmaxOp {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let width = layout.dims().last().copied().unwrap_or(1).max(1);
        // So many rows of scores share a row of the mask.
        let masks = self.mask.as_ref().map_or(1, |mask| mask.len() / width);
        let sharing = x.len() / width / masks.max(1);
        let mut y = vec![0.0; x.len()];
        let blocks = y.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width)).enumerate();
        blocks.for_each(|(block, (y, x))| {
            let rows = y.chunks_exact_mut(width).zip(x.chunks_exact(width)).enumerate();
            for (row, (y, x)) in rows {
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x * self.scale);
                if let Some(mask) = &self.mask {
                    let at = (block * ROWS + row) / sharing * width;
                    y.iter_mut().zip(&mask[at..at + width]).for_each(|(y, m)| *y += m);
                }
                let most = y.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0;
                for y in y.iter_mut() {
                    *y = (*y - most).exp();
                    sum += *y;
                }
                y.iter_mut().for_each(|y| *y /= sum);
            }
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = x.dims().last().copied().unwrap_or(1).max(1);
        let by_x = with(y, |y| {
            with(gradient, |gradient| {
                let mut by_x = vec![0.0; y.len()];
                let blocks = by_x.par_chunks_mut(ROWS * width).zip(y.par_chunks(ROWS * width));
                blocks.zip(gradient.par_chunks(ROWS * width)).for_each(|((by_x, y), gradient)| {
                    let rows = by_x.chunks_exact_mut(width).zip(y.chunks_exact(width));
                    for ((by_x, y), gradient) in rows.zip(gradient.chunks_exact(width)) {
                        let dot: f32 = y.iter().zip(gradient).map(|(y, g)| y * g).sum();
                        for ((by_x, y), g) in by_x.iter_mut().zip(y).zip(gradient) {
                            *by_x = self.scale * y * (g - dot);
                        }
                    }
                });
                by_x
            })
        })??;
        Ok(Some(tensor(by_x, x.shape())?))
    }
}

/// Swaps the second and third of four dimensions, `(rows, a, b, width)` to `(rows, b, a, width)`, and gives
/// the shape `to` to what comes out: heads are parted or put together in one pass.
pub(super) fn swapped(x: &Tensor, dims: [usize; 4], to: &[usize]) -> Result<Tensor> {
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

/// GELU in its exact form, x Φ(x) (Hendrycks and Gimpel 2016).
pub(super) fn gelu(x: &Tensor) -> Result<Tensor> {
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
pub(super) fn masked(x: &Tensor, is_kept: Vec<bool>, kept: f32) -> Result<Tensor> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    fn random(shape: &[usize], seed: u64) -> Var {
        let count: usize = shape.iter().product();
        let value = |i: usize| ((i as f32 + 0.3 * seed as f32) * 1.7).sin() * 2.0;
        Var::from_vec((0..count).map(value).collect(), shape, &Device::Cpu).unwrap()
    }

    /// The values of both forms, and the gradients by every argument, agree.
    fn agree(arguments: &[Var], forms: [&dyn Fn(&[Var]) -> Result<Tensor>; 2]) {
        let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let [ours, theirs] = forms.map(|form| {
            let y = form(arguments).unwrap();
            let weights = random(y.dims(), 9);
            let loss = (&y * weights.as_detached_tensor()).unwrap().sum_all().unwrap();
            let gradients = loss.backward().unwrap();
            let of = |argument: &Var| flat(gradients.get(argument).unwrap());
            let mut all: Vec<Vec<f32>> = arguments.iter().map(of).collect();
            all.push(flat(&y));
            all
        });
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.len(), theirs.len());
            for (a, b) in ours.iter().zip(theirs) {
                assert!((a - b).abs() < 2e-5 * (1.0 + b.abs()), "{a} is not {b}");
            }
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_the_plain_forms() {
        let (x, w, b) = (random(&[3, 50, 24], 1), random(&[10, 24], 2), random(&[10], 3));
        let plain = |a: &[Var]| {
            let product = a[0].reshape((150, 24))?.matmul(&a[1].t()?)?;
            product.broadcast_add(&a[2])?.reshape((3, 50, 10))
        };
        agree(&[x.clone(), w.clone(), b], [&|a| linear(&a[0], &a[1], Some(&a[2])), &plain]);
        let plain = |a: &[Var]| a[0].reshape((150, 24))?.matmul(&a[1].t()?)?.reshape((3, 50, 10));
        agree(&[x.clone(), w], [&|a| linear(&a[0], &a[1], None), &plain]);
        let norm = [x.clone(), random(&[24], 4), random(&[24], 5)];
        let plain = |a: &[Var]| candle_nn::ops::layer_norm_slow(&a[0], &a[1], &a[2], 1e-5);
        agree(&norm, [&|a| layer_norm(&a[0], &a[1], &a[2], 1e-5), &plain]);
        let last = candle_core::D::Minus1;
        agree(&[x.clone()], [&|a| softmax(&a[0]), &|a| candle_nn::ops::softmax(&a[0], last)]);
        let scores = random(&[2, 3, 5, 5], 6);
        let mask = Tensor::from_vec(
            [[0.0f32; 5], [0.0, 0.0, 0.0, f32::MIN, f32::MIN]].concat(),
            (2, 1, 1, 5),
            &Device::Cpu,
        );
        let mask = mask.unwrap();
        let plain = |a: &[Var]| {
            candle_nn::ops::softmax(&(a[0].as_tensor() * 0.5)?.broadcast_add(&mask)?, last)
        };
        agree(&[scores], [&|a| shares(&a[0], 0.5, Some(&mask)), &plain]);
        let plain = |a: &[Var]| a[0].reshape((3, 50, 4, 6))?.transpose(1, 2)?.contiguous();
        agree(&[x.clone()], [&|a| swapped(&a[0], [3, 50, 4, 6], &[3, 4, 50, 6]), &plain]);
        agree(&[x.clone()], [&|a| gelu(&a[0]), &|a| a[0].gelu_erf()]);
        let is_kept: Vec<bool> = (0..x.elem_count()).map(|i| i % 3 > 0).collect();
        let mask: Vec<f32> = is_kept.iter().map(|k| if *k { 1.5 } else { 0.0 }).collect();
        let mask = tensor(mask, x.shape()).unwrap();
        agree(&[x], [&|a| masked(&a[0], is_kept.clone(), 1.5), &|a| a[0].mul(&mask)]);
    }

    #[test]
    fn what_is_masked_takes_no_part() {
        let x = Tensor::new(&[[1.0f32, f32::MIN, 2.0]], &Device::Cpu).unwrap();
        let y = softmax(&x).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(y[0][1], 0.0);
        assert!((y[0].iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_weight_that_is_not_trained_costs_no_gradient() {
        let (x, w) = (random(&[2, 4], 1), random(&[3, 4], 2));
        let y = linear(&x, &w.as_detached_tensor(), None).unwrap();
        let gradients = y.sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(&x).is_some() && gradients.get(&w).is_none());
    }
}
