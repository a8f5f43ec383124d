//! The layers that encoders are made of, in a fused form for inference and a differentiable one for
//! training (candle's fused layer norm and softmax have no backward pass).

use candle_core::{D, Result, Tensor};

use super::Mode;
use crate::source::model::weights::Weights;

/// `x W^T + b` over the last dimension.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
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
        Ok(Self {
            weight: weights.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: weights.tensor(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// Applies it to `x` of shape `(…, inputs)`; gives `(…, outputs)`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (outputs, inputs) = self.weight.dims2()?;
        let mut shape = x.dims().to_vec();
        let rows = x.elem_count() / inputs;
        *shape.last_mut().expect("a tensor with a last dimension") = outputs;
        x.reshape((rows, inputs))?
            .matmul(&self.weight.t()?)?
            .broadcast_add(&self.bias)?
            .reshape(shape)
    }
}

/// Layer normalisation over the last dimension.
#[derive(Debug, Clone)]
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl LayerNorm {
    /// Reads `{name}.weight` and `{name}.bias`, or the older names `gamma` and `beta`.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        size: usize,
        epsilon: f64,
    ) -> crate::Result<Self> {
        let old = weights.has(&format!("{name}.gamma"));
        let (weight, bias) = if old { ("gamma", "beta") } else { ("weight", "bias") };
        Ok(Self {
            weight: weights.tensor(&format!("{name}.{weight}"), &[size])?,
            bias: weights.tensor(&format!("{name}.{bias}"), &[size])?,
            epsilon,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        let epsilon = self.epsilon as f32;
        match mode {
            Mode::Inference => {
                candle_nn::ops::layer_norm(&x.contiguous()?, &self.weight, &self.bias, epsilon)
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
        Mode::Training(_) => candle_nn::ops::softmax(x, D::Minus1),
    }
}

/// A feed-forward activation, by its name in `config.json`.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Activation {
    /// The exact (erf) form.
    Gelu,
    /// The tanh approximation.
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    Relu,
}

impl Activation {
    pub(super) fn forward(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Gelu => x.gelu_erf(),
            Self::GeluNew => x.gelu(),
            Self::Relu => x.relu(),
        }
    }
}
