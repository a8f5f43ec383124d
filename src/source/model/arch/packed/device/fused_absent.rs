//! Steps in one launch, in a program built without CUDA: candle's operations take them instead.

use candle_core::{DType, Device, Result, Tensor};

use super::super::super::activation::Activation;
use super::super::super::layers::LayerNorm;

/// There is none.
pub(super) enum BiasGelu {}

impl BiasGelu {
    /// None, for whatever bias.
    pub(super) fn new(_: &Tensor, _: Activation) -> Option<Self> {
        None
    }

    /// Cannot be called.
    pub(super) fn apply(&self, _: Tensor) -> Result<Tensor> {
        match *self {}
    }
}

/// There is none.
pub(super) enum SumNorm {}

impl SumNorm {
    /// None, for whatever norm.
    pub(super) fn new(_: &Tensor, _: &LayerNorm) -> Result<Option<Self>> {
        Ok(None)
    }

    /// Cannot be called.
    pub(super) fn apply(&self, _: Tensor, _: &Tensor) -> Result<Tensor> {
        match *self {}
    }
}

/// There is none.
pub(super) enum ShortAttention {}

impl ShortAttention {
    /// None, for whatever sequences.
    pub(super) fn new(_: &[usize], _: [usize; 2], _: DType, _: &Device) -> Result<Option<Self>> {
        Ok(None)
    }

    /// Cannot be called.
    pub(super) fn context(&self, _: &Tensor, _: &Tensor) -> Result<Tensor> {
        match *self {}
    }
}
