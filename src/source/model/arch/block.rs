//! One layer of an encoder that normalises after each part, as the Transformer did first (Vaswani et
//! al. 2017, arXiv:1706.03762): attention, sum, norm, two linear layers, sum, norm.

use candle_core::{Result, Tensor};

use super::Mode;
use super::activation::Activation;
use super::attention::{Attention, split_heads};
use super::layers::{LayerNorm, Linear};
use crate::source::model::weights::Weights;

/// What the parts of a layer are called in a checkpoint.
pub(super) struct Names {
    pub(super) query: &'static str,
    pub(super) key: &'static str,
    pub(super) value: &'static str,
    pub(super) attended: &'static str,
    pub(super) attended_norm: &'static str,
    pub(super) widen: &'static str,
    pub(super) narrow: &'static str,
    pub(super) output_norm: &'static str,
}

/// The names that BERT gave them.
pub(super) const BERT_NAMES: Names = Names {
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    attended: "attention.output.dense",
    attended_norm: "attention.output.LayerNorm",
    widen: "intermediate.dense",
    narrow: "output.dense",
    output_norm: "output.LayerNorm",
};

/// What all layers of an encoder have in common.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) hidden: usize,
    pub(super) heads: usize,
    /// The width between the two linear layers.
    pub(super) inner: usize,
    pub(super) activation: Activation,
    /// Of the norms.
    pub(super) epsilon: f64,
    /// The rate of dropout on hidden states.
    pub(super) dropout: f64,
    /// The rate of dropout on the shares of attention.
    pub(super) attention_dropout: f64,
}

/// A layer.
pub(super) struct Block {
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) attended: Linear,
    pub(super) attended_norm: LayerNorm,
    pub(super) widen: Linear,
    pub(super) narrow: Linear,
    pub(super) output_norm: LayerNorm,
}

impl Block {
    /// Reads the layer called `name`.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        names: &Names,
        shape: &Shape,
    ) -> crate::Result<Self> {
        let (hidden, inner) = (shape.hidden, shape.inner);
        let linear = |part: &str, inputs, outputs| {
            Linear::load(weights, &format!("{name}.{part}"), inputs, outputs)
        };
        let norm =
            |part| LayerNorm::load(weights, &format!("{name}.{part}"), hidden, shape.epsilon);
        Ok(Self {
            query: linear(names.query, hidden, hidden)?,
            key: linear(names.key, hidden, hidden)?,
            value: linear(names.value, hidden, hidden)?,
            attended: linear(names.attended, hidden, hidden)?,
            attended_norm: norm(names.attended_norm)?,
            widen: linear(names.widen, hidden, inner)?,
            narrow: linear(names.narrow, inner, hidden)?,
            output_norm: norm(names.output_norm)?,
        })
    }

    /// Its linear layers.
    pub(super) fn linears(&mut self) -> [&mut Linear; 6] {
        let Self { query, key, value, attended, widen, narrow, .. } = self;
        [query, key, value, attended, widen, narrow]
    }

    /// The whole layer with plain attention, on `x` of shape `(rows, length, hidden)`. `mask` is added
    /// to the scores: of the shapes of [`crate::source::model::batch::Batch::attention_mask`].
    pub(super) fn forward(
        &self,
        x: &Tensor,
        mask: Option<&Tensor>,
        shape: &Shape,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let attention = self.attention(x, shape)?;
        let scale = shape.hidden / shape.heads;
        let context = attention.context(scale, None, mask, shape.attention_dropout, mode)?;
        self.finish(x, &context, shape, mode)
    }

    /// Queries, keys and values of `x`.
    pub(super) fn attention(&self, x: &Tensor, shape: &Shape) -> Result<Attention> {
        Ok(Attention {
            query: split_heads(&self.query.forward(x)?, shape.heads)?,
            key: split_heads(&self.key.forward(x)?, shape.heads)?,
            value: split_heads(&self.value.forward(x)?, shape.heads)?,
            precision: self.query.precision,
        })
    }

    /// What follows attention: `x` is what went in, `context` what its queries gathered.
    pub(super) fn finish(
        &self,
        x: &Tensor,
        context: &Tensor,
        shape: &Shape,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let attended = mode.residual(x, &self.attended.forward(context)?, shape.dropout)?;
        let x = self.attended_norm.forward(&attended, mode)?;
        let inner = shape.activation.forward(&self.widen.forward(&x)?, mode)?;
        let output = mode.residual(&x, &self.narrow.forward(&inner)?, shape.dropout)?;
        self.output_norm.forward(&output, mode)
    }
}
