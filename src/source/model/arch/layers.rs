//! The layers that encoders are made of, in a fused form for inference and a differentiable one for
//! training (candle's fused layer norm and softmax have no backward pass).

use std::sync::Arc;

use candle_core::{D, Result, Tensor, bail};

use super::kernel::narrow::NarrowWeight;
use super::kernel::panels::Panels;
use super::{Mode, Precision, differentiable, packed};
use crate::source::model::device::device_failed;
use crate::source::model::weights::Weights;

/// `x W^T + b` over the last dimension; some have no `b`.
#[derive(Debug, Clone)]
pub struct Linear {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
    pub(super) adapter: Option<LowRank>,
    pub(super) precision: Precision,
    pub(super) laid_out: Option<Arc<LaidOut>>,
}

/// A weight as passes without padding multiply by it.
#[derive(Debug)]
pub(super) enum LaidOut {
    /// In 32 bits.
    Float(Panels),
    /// In narrow numbers.
    Narrow(NarrowWeight),
}

/// What an adapter adds to a linear layer: `scale x A^T B^T` (see [`crate::source::model::adapter`]).
#[derive(Debug, Clone)]
pub(super) struct LowRank {
    /// A, of shape `(rank, inputs)`.
    pub(super) down: Tensor,
    /// B, of shape `(outputs, rank)`.
    pub(super) up: Tensor,
    pub(super) scale: f64,
}

impl LowRank {
    fn load(
        weights: &Weights,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> crate::Result<Option<Self>> {
        let [down, up] = ["A", "B"].map(|part| format!("{name}.lora_{part}.weight"));
        let Some(rank) = weights.rows(&down) else { return Ok(None) };
        Ok(Some(Self {
            down: weights.tensor(&down, &[rank, inputs])?,
            up: weights.tensor(&up, &[outputs, rank])?,
            scale: weights.adapter_scale(),
        }))
    }
}

impl Linear {
    /// Reads `{name}.weight` of shape `(outputs, inputs)` and `{name}.bias`.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn load(
        weights: &Weights,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> crate::Result<Self> {
        Self::load_with(weights, name, inputs, outputs, true)
    }

    /// [`Linear::load`], with a bias or without.
    ///
    /// # Errors
    /// As [`Linear::load`].
    pub fn load_with(
        weights: &Weights,
        name: &str,
        inputs: usize,
        outputs: usize,
        has_bias: bool,
    ) -> crate::Result<Self> {
        let bias = || weights.tensor(&format!("{name}.bias"), &[outputs]);
        Ok(Self {
            weight: weights.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: has_bias.then(bias).transpose()?,
            adapter: LowRank::load(weights, name, inputs, outputs)?,
            precision: weights.precision(),
            laid_out: None,
        })
    }

    /// What its products are computed in, where there is no padding.
    pub(super) fn computes_in(&self) -> Precision {
        match (self.precision, &self.laid_out) {
            (precision, None) if precision.narrow().is_some() => Precision::F32,
            (precision, _) => precision,
        }
    }

    /// Lays its weight out: from now on, passes without padding multiply by that.
    ///
    /// # Errors
    /// Where the weight is not at hand, or may change.
    pub(super) fn lay_out(&mut self) -> Result<()> {
        if self.weight.is_variable() {
            bail!("a weight that is trained cannot be laid out");
        }
        let inputs = self.weight.dim(1)?;
        let laid_out =
            differentiable::with(&self.weight, |weight| match self.precision.narrow() {
                Some(numbers) => LaidOut::Narrow(NarrowWeight::new(weight, inputs, numbers)),
                None => LaidOut::Float(Panels::new(weight, inputs)),
            })?;
        self.laid_out = Some(Arc::new(laid_out));
        Ok(())
    }

    /// [`Linear::forward`]; in inference on the processor a row of the result depends on no other row, to the last bit.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn forward_row_by_row(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        match mode {
            Mode::Inference if differentiable::runs_here(x) && self.precision.half().is_none() => {
                packed::row_by_row(self, x)
            }
            _ => self.forward(x),
        }
    }

    /// Applies it to `x` of shape `(…, inputs)`; gives `(…, outputs)`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let product = |x: &_, weight, bias| product(x, weight, bias, self.precision);
        let of_weight = product(x, &self.weight, self.bias.as_ref())?;
        let Some(LowRank { down, up, scale }) = &self.adapter else { return Ok(of_weight) };
        let added = product(&product(x, down, None)?, up, None)?;
        of_weight + (added * *scale)?
    }
}

/// `x W^T + b` over the last dimension.
fn product(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    precision: Precision,
) -> Result<Tensor> {
    let is_plain = precision.half().is_none() && differentiable::runs_here(x);
    // Where nothing is trained, nothing is tracked either.
    if is_plain && (weight.is_variable() || x.track_op()) {
        return differentiable::linear(x, weight, bias);
    }
    let (outputs, inputs) = weight.dims2()?;
    let mut shape = x.dims().to_vec();
    let rows = x.elem_count() / inputs;
    *shape.last_mut().expect("a tensor with a last dimension") = outputs;
    let factors = [x.reshape((rows, inputs))?, weight.clone()].map(|x| precision.factor(&x));
    let [x, weight] = factors;
    let product = precision.product(&x?.matmul(&weight?.t()?)?)?;
    let sum = match bias {
        Some(bias) => product.broadcast_add(bias)?,
        None => product,
    };
    sum.reshape(shape)
}

/// Layer normalisation over the last dimension (Ba et al. 2016, arXiv:1607.06450).
#[derive(Debug, Clone)]
pub struct LayerNorm {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
    pub(super) epsilon: f64,
}

impl LayerNorm {
    /// Reads `{name}.weight` and `{name}.bias`, or the older names `gamma` and `beta`.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn load(weights: &Weights, name: &str, size: usize, epsilon: f64) -> crate::Result<Self> {
        Self::load_with(weights, name, size, epsilon, true)
    }

    /// [`LayerNorm::load`], with a bias or without.
    ///
    /// # Errors
    /// As [`LayerNorm::load`].
    pub fn load_with(
        weights: &Weights,
        name: &str,
        size: usize,
        epsilon: f64,
        has_bias: bool,
    ) -> crate::Result<Self> {
        let old = weights.has(&format!("{name}.gamma"));
        let (weight, bias) = if old { ("gamma", "beta") } else { ("weight", "bias") };
        let weight = weights.tensor(&format!("{name}.{weight}"), &[size])?;
        let bias = if has_bias {
            weights.tensor(&format!("{name}.{bias}"), &[size])?
        } else {
            let zeros = weight.zeros_like();
            zeros.map_err(device_failed)?
        };
        Ok(Self { weight, bias, epsilon })
    }

    /// Applies it to `x` of shape `(…, size)`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        let epsilon = self.epsilon as f32;
        match mode {
            Mode::Inference => {
                candle_nn::ops::layer_norm(&x.contiguous()?, &self.weight, &self.bias, epsilon)
            }
            Mode::Training(_) if differentiable::runs_here(x) => {
                differentiable::layer_norm(x, &self.weight, &self.bias, epsilon)
            }
            Mode::Training(_) => {
                candle_nn::ops::layer_norm_slow(x, &self.weight, &self.bias, epsilon)
            }
        }
    }
}

/// Softmax over the last dimension.
pub(super) fn softmax(x: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
    match mode {
        Mode::Inference => candle_nn::ops::softmax_last_dim(x),
        Mode::Training(_) if differentiable::runs_here(x) => differentiable::softmax(x),
        Mode::Training(_) => candle_nn::ops::softmax(x, D::Minus1),
    }
}
