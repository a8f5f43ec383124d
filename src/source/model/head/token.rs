//! Token classification: a linear layer over every hidden state, as in `transformers`'
//! `*ForTokenClassification`.

use candle_core::{Result, Tensor};

use crate::source::model::arch::Linear;
use crate::source::model::weights::Weights;

/// The classifier of a token tagger.
pub struct TokenHead {
    classifier: Linear,
}

impl TokenHead {
    /// Reads `classifier.weight` and `classifier.bias`.
    ///
    /// # Errors
    /// Where they are missing or do not fit the hidden size and the number of tags.
    pub fn load(weights: &Weights, hidden: usize, tags: usize) -> crate::Result<Self> {
        Ok(Self { classifier: Linear::load(weights, "classifier", hidden, tags)? })
    }

    /// The logits of every tag: `(batch, length, hidden)` in, `(batch, length, tags)` out.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        self.classifier.forward(hidden)
    }
}
