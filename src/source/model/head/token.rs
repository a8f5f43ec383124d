//! Token classification: a linear layer over every hidden state, as in `transformers`'
//! `*ForTokenClassification`.

use candle_core::{Result, Tensor};

use super::fresh::{NewWeight, Start, classifier};
use super::{Head, HeadKind};
use crate::source::model::arch::{Activation, Encoder, HeadTransform, LayerNorm, Linear, Mode};
use crate::source::model::weights::Weights;

pub(super) const KIND: HeadKind = HeadKind {
    name: "linear",
    doc: "A linear layer (`classifier.`) over every hidden state, as in transformers' \
          `*ForTokenClassification`.",
    keys: &["dropout"],
    load: |options, weights, encoder, tags| {
        let mut head = TokenHead::load(weights, encoder, tags)?;
        head.dropout = options.dropout.unwrap_or(head.dropout);
        Ok(Box::new(head))
    },
    fresh: |_, encoder, tags| {
        let hidden = encoder.hidden_size();
        let mut fresh = classifier(hidden, tags);
        if let Some(HeadTransform { dense_has_bias, norm_has_bias, .. }) = encoder.head_transform()
        {
            let mut push = |name: &str, shape: &[usize], start| {
                fresh.push(NewWeight::of_head(name, shape, start));
            };
            push("head.dense.weight", &[hidden, hidden], Start::Normal);
            push("head.norm.weight", &[hidden], Start::Ones);
            if dense_has_bias {
                push("head.dense.bias", &[hidden], Start::Zeros);
            }
            if norm_has_bias {
                push("head.norm.bias", &[hidden], Start::Zeros);
            }
        }
        fresh
    },
};

/// The classifier of a token tagger.
pub struct TokenHead {
    transform: Option<Transform>,
    classifier: Linear,
    dropout: f64,
}

/// A [`HeadTransform`] with its weights.
struct Transform {
    dense: Linear,
    activation: Activation,
    norm: LayerNorm,
}

impl TokenHead {
    /// Reads `classifier.weight` and `classifier.bias`, and `head.dense` and `head.norm` where the
    /// encoder asks for a transform.
    ///
    /// # Errors
    /// Where they are missing or do not fit the encoder and the number of tags.
    pub fn load(weights: &Weights, encoder: &dyn Encoder, tags: usize) -> crate::Result<Self> {
        let hidden = encoder.hidden_size();
        let transform = encoder.head_transform().map(|t| Transform::load(weights, hidden, &t));
        Ok(Self {
            transform: transform.transpose()?,
            classifier: Linear::load(weights, "classifier", hidden, tags)?,
            dropout: encoder.head_dropout(),
        })
    }

    /// The logits of every tag: `(batch, length, hidden)` in, `(batch, length, tags)` out.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(&self, hidden: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        let transformed = match &self.transform {
            Some(Transform { dense, activation, norm }) => {
                &norm.forward(&activation.forward(&dense.forward(hidden)?, mode)?, mode)?
            }
            None => hidden,
        };
        self.classifier.forward_row_by_row(&mode.dropout(transformed, self.dropout)?, mode)
    }
}

impl Head for TokenHead {
    fn logits(&self, hidden: &Tensor, _: &[usize], mode: Mode<'_>) -> Result<Tensor> {
        Self::logits(self, hidden, mode)
    }
}

impl Transform {
    fn load(weights: &Weights, hidden: usize, transform: &HeadTransform) -> crate::Result<Self> {
        let HeadTransform { activation, dense_has_bias, norm_has_bias, epsilon } = *transform;
        Ok(Self {
            dense: Linear::load_with(weights, "head.dense", hidden, hidden, dense_has_bias)?,
            activation,
            norm: LayerNorm::load_with(weights, "head.norm", hidden, epsilon, norm_has_bias)?,
        })
    }
}
