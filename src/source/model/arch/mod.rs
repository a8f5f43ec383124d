//! Encoders: sub-word ids in, one vector a sub-word out. A new architecture is one new file here and
//! one entry in [`ARCHITECTURES`].

mod activation;
mod attention;
mod bert;
mod block;
mod deberta_v2;
mod differentiable;
mod disentangled;
mod distilbert;
mod dropout;
mod electra;
mod embeddings;
mod kernel;
mod keys;
mod layers;
mod modernbert;
mod packed;
mod precision;
mod recurrent;
mod roberta;
#[cfg(test)]
mod template;

use candle_core::Tensor;

use super::batch::Batch;
use super::weights::Weights;
use crate::error::{Error, Location, Result};

pub use activation::Activation;
pub use dropout::Dropout;
pub(super) use kernel::narrow::{has_bfloat, is_faster as is_faster_in_fixed_point};
pub(super) use keys::Keys;
pub use layers::{LayerNorm, Linear};
pub use precision::Precision;
pub(super) use recurrent::{Memory, Recurrent, recurrent_states};

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

    /// `x + added`, with dropout of `rate` on what is added where the model is trained with dropout.
    fn residual(self, x: &Tensor, added: &Tensor, rate: f64) -> candle_core::Result<Tensor> {
        match self {
            Self::Training(dropout) if differentiable::runs_here(x) => {
                differentiable::residual(x, added, dropout.draw(added.elem_count(), rate))
            }
            _ => x + self.dropout(added, rate)?,
        }
    }
}

/// An encoder with its weights.
pub trait Encoder: Send + Sync {
    /// The hidden states: shape `(batch, length, hidden)`. What stands at padding is arbitrary.
    ///
    /// # Errors
    /// Where the device fails.
    fn encode(&self, batch: &Batch, mode: Mode<'_>) -> candle_core::Result<Tensor> {
        self.encode_layers(batch, mode, &mut |_| {})
    }

    /// As [`Encoder::encode`], and hands over the embeddings and then what each layer gives, of the same shape,
    /// as `transformers` does with `output_hidden_states`. What it gives in the end may have gone through a norm
    /// that what the last layer gave has not (see [`Encoder::ends_in_norm`]).
    ///
    /// # Errors
    /// Where the device fails.
    fn encode_layers(
        &self,
        batch: &Batch,
        mode: Mode<'_>,
        each: &mut dyn FnMut(&Tensor),
    ) -> candle_core::Result<Tensor>;

    /// Whether [`Encoder::encode`] gives more than the last layer: its states behind a norm.
    fn ends_in_norm(&self) -> bool {
        false
    }

    /// The width of a hidden state.
    fn hidden_size(&self) -> usize;

    /// The longest sequence it takes, special tokens included; `usize::MAX` where nothing in it ends.
    fn max_length(&self) -> usize;

    /// The longest sequence it was made for: what it reads at once where the user says nothing.
    fn usual_length(&self) -> usize {
        self.max_length()
    }

    /// Whether the hidden states of a sequence are the same to the last bit whatever else is in the batch, in
    /// inference.
    fn is_same_in_any_batch(&self) -> bool {
        false
    }

    /// What its matrix products are computed in: of what was asked for, what it can.
    fn precision(&self) -> Precision {
        Precision::F32
    }

    /// How many numbers of positions it knows, where it takes those that a batch says
    /// ([`Batch::positions`]) and pairs of markers ([`Batch::pairs`]).
    fn positions(&self) -> Option<usize> {
        None
    }

    /// The rate of dropout on hidden states before a head, as the reference's own token classifier of
    /// this architecture has it.
    fn head_dropout(&self) -> f64 {
        0.0
    }

    /// What the reference's own classifiers of this architecture do to hidden states first.
    fn head_transform(&self) -> Option<HeadTransform> {
        None
    }
}

/// A linear layer, an activation and a norm before a classifier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadTransform {
    /// Between the two.
    pub activation: Activation,
    /// Whether the linear layer has a bias.
    pub dense_has_bias: bool,
    /// Whether the norm has one.
    pub norm_has_bias: bool,
    /// Of the norm.
    pub epsilon: f64,
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
pub static ARCHITECTURES: &[Architecture] = &[
    bert::ARCHITECTURE,
    roberta::CAMEMBERT,
    deberta_v2::ARCHITECTURE,
    distilbert::ARCHITECTURE,
    electra::ARCHITECTURE,
    modernbert::ARCHITECTURE,
    roberta::ROBERTA,
    roberta::XLM_ROBERTA,
];

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

/// What the names of an encoder's weights begin with here: `prefix`, or nothing where the checkpoint is
/// of the encoder alone. `probe` is the name of one of them without it.
fn prefix_in<'a>(weights: &Weights, prefix: &'a str, probe: &str) -> &'a str {
    if !weights.has(&format!("{prefix}{probe}")) && weights.has(probe) { "" } else { prefix }
}
