//! Token classification: a linear layer over every hidden state, as in `transformers`'
//! `*ForTokenClassification`.

use candle_core::{Result, Tensor};

use crate::source::model::arch::{Linear, Mode};
use crate::source::model::weights::Weights;

/// The classifier of a token tagger.
pub struct TokenHead {
    classifier: Linear,
    dropout: f64,
}

impl TokenHead {
    /// Reads `classifier.weight` and `classifier.bias`. `dropout` is the rate on the hidden states where
    /// it is trained.
    ///
    /// # Errors
    /// Where they are missing or do not fit the hidden size and the number of tags.
    pub fn load(
        weights: &Weights,
        hidden: usize,
        tags: usize,
        dropout: f64,
    ) -> crate::Result<Self> {
        Ok(Self { classifier: Linear::load(weights, "classifier", hidden, tags)?, dropout })
    }

    /// The logits of every tag: `(batch, length, hidden)` in, `(batch, length, tags)` out.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(&self, hidden: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        self.classifier.forward(&mode.dropout(hidden, self.dropout)?)
    }
}
