//! A bidirectional LSTM over the hidden states, and a linear layer over what it gives.

use candle_core::{Result, Tensor};

use super::lstm::BiLstm;
use super::{Head, HeadKind, HeadOptions, fresh};
use crate::error::{Error, ErrorKind};
use crate::source::model::arch::{Encoder, Linear, Mode};
use crate::source::model::weights::Weights;

pub(super) const KIND: HeadKind = HeadKind {
    name: "bilstm",
    doc: "A bidirectional LSTM over all sub-words (`lstm.`, named as PyTorch's), then a linear layer \
          (`classifier.`).",
    keys: &["hidden_size", "layers", "dropout"],
    load: |options, weights, encoder, tags| {
        Ok(Box::new(BiLstmHead::load(options, weights, encoder, tags)?))
    },
    fresh: |options, encoder, tags| {
        let hidden = options.hidden_size.unwrap_or(0);
        let mut fresh = fresh::classifier(2 * hidden, tags);
        fresh.extend(BiLstm::fresh("lstm", encoder.hidden_size(), hidden, options.layers()));
        fresh
    },
};

/// No LSTM of a tagger has more layers or is wider; larger numbers are mistakes.
const LARGEST: usize = 1 << 20;

/// The LSTM and the classifier.
pub struct BiLstmHead {
    lstm: BiLstm,
    classifier: Linear,
    before: f64,
    dropout: f64,
}

impl BiLstmHead {
    /// Reads the weights called `lstm.` and `classifier.`.
    ///
    /// # Errors
    /// Where `hidden_size` is not given, or a weight is missing or has another shape.
    pub fn load(
        options: &HeadOptions,
        weights: &Weights,
        encoder: &dyn Encoder,
        tags: usize,
    ) -> crate::Result<Self> {
        let size = |key: &str, value: usize| {
            let message = format!("spanloom.head: {key} is {value}, expected 1 to {LARGEST}");
            let fits = (1..=LARGEST).contains(&value);
            if fits { Ok(value) } else { Err(Error::new(ErrorKind::Model, message)) }
        };
        let message = "spanloom.head: a bilstm needs hidden_size, the width of one direction";
        let hidden = options.hidden_size.ok_or_else(|| Error::new(ErrorKind::Model, message))?;
        let hidden = size("hidden_size", hidden)?;
        let layers = size("layers", options.layers())?;
        let before = encoder.head_dropout();
        Ok(Self {
            lstm: BiLstm::load(weights, "lstm", encoder.hidden_size(), hidden, layers)?,
            classifier: Linear::load(weights, "classifier", 2 * hidden, tags)?,
            before,
            dropout: options.dropout.unwrap_or(before),
        })
    }
}

impl Head for BiLstmHead {
    fn logits(&self, hidden: &Tensor, lengths: &[usize], mode: Mode<'_>) -> Result<Tensor> {
        let hidden = mode.dropout(hidden, self.before)?;
        let read = self.lstm.forward(&hidden, lengths, self.dropout, mode)?;
        self.classifier.forward(&mode.dropout(&read, self.dropout)?)
    }

    fn is_local(&self) -> bool {
        false
    }
}
