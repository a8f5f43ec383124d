//! Encoders: sub-word ids in, one vector a sub-word out. A new architecture is one new file here and
//! one entry in [`ARCHITECTURES`].

mod bert;
mod layers;
#[cfg(test)]
mod template;

use candle_core::Tensor;

use super::batch::Batch;
use super::weights::Weights;
use crate::error::{Error, Location, Result};

pub use layers::Linear;

/// Whether a forward pass must be differentiable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Fused operations without a backward pass.
    Inference,
    /// Operations that a gradient flows through.
    Training,
}

/// An encoder with its weights.
pub trait Encoder: Send + Sync {
    /// The hidden states: shape `(batch, length, hidden)`. What stands at padding is arbitrary.
    ///
    /// # Errors
    /// Where the device fails.
    fn encode(&self, batch: &Batch, mode: Mode) -> candle_core::Result<Tensor>;

    /// The width of a hidden state.
    fn hidden_size(&self) -> usize;

    /// The longest sequence it takes, special tokens included.
    fn max_length(&self) -> usize;
}

/// An architecture that a `config.json` can name.
pub struct Architecture {
    /// The value of `model_type`.
    pub name: &'static str,
    /// What it is, with its paper.
    pub doc: &'static str,
    /// Builds the encoder from the text of `config.json` and the weights.
    pub load: fn(&str, &Weights) -> Result<Box<dyn Encoder>>,
}

/// All architectures.
pub static ARCHITECTURES: &[Architecture] = &[bert::ARCHITECTURE];

/// The architecture of this `model_type`; `place` is the `config.json` that names it.
///
/// # Errors
/// Where there is none; the error lists those there are.
pub fn architecture(name: &str, place: &str) -> Result<&'static Architecture> {
    ARCHITECTURES.iter().find(|a| a.name == name).ok_or_else(|| {
        let known: Vec<&str> = ARCHITECTURES.iter().map(|a| a.name).collect();
        Error::unknown("model type", name, &known).at(Location::file(place))
    })
}
