//! Activations, by the names that a `config.json` calls them.

use candle_core::{Result, Tensor};

use super::{Mode, differentiable};

/// A function of each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Hendrycks and Gimpel 2016 (arXiv:1606.08415), the exact (erf) form.
    Gelu,
    /// The same by its tanh approximation.
    GeluTanh,
    /// The same by its sigmoid approximation, x σ(1.702 x).
    GeluSigmoid,
    /// max(x, 0).
    Relu,
    /// max(x, 0)².
    ReluSquared,
    /// max(x, 0), at most 6.
    Relu6,
    /// x σ(x).
    Silu,
    /// The hyperbolic tangent.
    Tanh,
    /// σ(x).
    Sigmoid,
    /// x itself.
    Linear,
}

const NAMES: &[(&str, Activation)] = &[
    ("gelu", Activation::Gelu),
    ("gelu_accurate", Activation::GeluTanh),
    ("gelu_fast", Activation::GeluTanh),
    ("gelu_new", Activation::GeluTanh),
    ("gelu_python", Activation::Gelu),
    ("gelu_python_tanh", Activation::GeluTanh),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("linear", Activation::Linear),
    ("quick_gelu", Activation::GeluSigmoid),
    ("relu", Activation::Relu),
    ("relu2", Activation::ReluSquared),
    ("relu6", Activation::Relu6),
    ("sigmoid", Activation::Sigmoid),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("tanh", Activation::Tanh),
];

impl Activation {
    /// The names it can be called by.
    pub(super) fn names() -> Vec<&'static str> {
        NAMES.iter().map(|(name, _)| *name).collect()
    }

    /// The activation that `config.json` calls `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, activation)| *activation)
    }

    /// Applies it to each element; a gradient flows through in either mode.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn forward(self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        match self {
            Self::Gelu if matches!(mode, Mode::Training(_)) && differentiable::runs_here(x) => {
                differentiable::gelu(x)
            }
            Self::Gelu => x.gelu_erf(),
            Self::GeluTanh => x.gelu(),
            Self::GeluSigmoid => x * candle_nn::ops::sigmoid(&(x * 1.702)?)?,
            Self::Relu => x.relu(),
            Self::ReluSquared => x.relu()?.sqr(),
            Self::Relu6 => x.clamp(0f32, 6f32),
            Self::Silu => x.silu(),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => candle_nn::ops::sigmoid(x),
            Self::Linear => Ok(x.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// Values of `torch.nn.functional` and `transformers.activations` at -1.5, -0.1, 0, 0.7 and 8.
    const VALUES: &[(&str, [f32; 5])] = &[
        ("gelu", [-0.100_210_86, -0.046_017_21, 0.0, 0.530_625_5, 8.0]),
        ("gelu_new", [-0.100_428_43, -0.046_017_25, 0.0, 0.530_570_15, 8.0]),
        ("quick_gelu", [-0.108_337_805, -0.045_755_237, 0.0, 0.536_893_96, 7.999_990_5]),
        ("relu2", [0.0, 0.0, 0.0, 0.49, 64.0]),
        ("relu6", [0.0, 0.0, 0.0, 0.7, 6.0]),
        ("silu", [-0.273_638_28, -0.047_502_08, 0.0, 0.467_731_42, 7.997_317]),
        ("tanh", [-0.905_148_27, -0.099_668, 0.0, 0.604_367_8, 0.999_999_76]),
        ("linear", [-1.5, -0.1, 0.0, 0.7, 8.0]),
    ];

    #[test]
    fn values_equal_the_reference() {
        let x = Tensor::new(&[-1.5f32, -0.1, 0.0, 0.7, 8.0], &Device::Cpu).unwrap();
        for (name, expected) in VALUES {
            let y = Activation::named(name).unwrap().forward(&x, Mode::Inference).unwrap();
            for (got, expected) in y.to_vec1::<f32>().unwrap().iter().zip(expected) {
                assert!((got - expected).abs() < 2e-6, "{name}: {got} is not {expected}");
            }
        }
    }

    #[test]
    fn names_are_sorted_and_unknown_ones_are_none() {
        assert!(Activation::names().is_sorted());
        assert_eq!(Activation::named("gelu2"), None);
    }
}
