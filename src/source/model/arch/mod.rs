//! Encoders: sub-word ids in, one vector a sub-word out. A new architecture is one new file here and
//! one entry in [`ARCHITECTURES`].

mod bert;
mod dropout;
mod layers;
#[cfg(test)]
mod template;

use candle_core::Tensor;

use super::batch::Batch;
use super::weights::Weights;
use crate::error::{Error, Location, Result};

pub use dropout::Dropout;
pub use layers::Linear;

/// What a forward pass is for.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'d> {
    /// Fused operations without a backward pass, and no dropout.
    Inference,
    /// Operations that a gradient flows through, with dropout from this stream.
    Training(&'d Dropout),
}

impl Mode<'_> {
    /// `x` with a share of `rate` of its elements dropped where the model is trained with dropout, else
    /// `x` as it is.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn dropout(self, x: &Tensor, rate: f64) -> candle_core::Result<Tensor> {
        match self {
            Self::Inference => Ok(x.clone()),
            Self::Training(dropout) => dropout.apply(x, rate),
        }
    }
}

/// An encoder with its weights.
pub trait Encoder: Send + Sync {
    /// The hidden states: shape `(batch, length, hidden)`. What stands at padding is arbitrary.
    ///
    /// # Errors
    /// Where the device fails.
    fn encode(&self, batch: &Batch, mode: Mode<'_>) -> candle_core::Result<Tensor>;

    /// The width of a hidden state.
    fn hidden_size(&self) -> usize;

    /// The longest sequence it takes, special tokens included.
    fn max_length(&self) -> usize;

    /// The rate of dropout on hidden states before a head, as the reference's own token classifier of
    /// this architecture has it.
    fn head_dropout(&self) -> f64 {
        0.0
    }
}

/// An architecture that a `config.json` can name.
pub struct Architecture {
    /// The value of `model_type`.
    pub name: &'static str,
    /// What it is, with its paper.
    pub doc: &'static str,
    /// What the names of the encoder's weights begin with in a checkpoint that has a head too.
    pub prefix: &'static str,
    /// The class of `transformers` that classifies tokens with it.
    pub token_classifier: &'static str,
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
