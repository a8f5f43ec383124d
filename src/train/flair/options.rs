//! What a recipe may say of the layers over the embeddings, in `[model.options]`.

use serde::Deserialize;

use crate::source::model::flair::{Description, Recurrent};

/// How wide the LSTM is where there is to be one, and nothing says how wide, as in flair.
const HIDDEN_SIZE: usize = 256;

/// `[model.options]`; what is not given is as the start folder has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FlairOptions {
    /// Whether there is a CRF.
    pub crf: Option<bool>,
    /// Whether a linear layer is over the embeddings.
    pub reproject: Option<bool>,
    /// Whether there is an LSTM.
    pub rnn: Option<bool>,
    /// The width of one of its directions.
    pub hidden_size: Option<usize>,
    /// How many layers it has.
    pub rnn_layers: Option<usize>,
    /// The rate at which whole words are dropped.
    pub word_dropout: Option<f64>,
    /// The rate at which the same numbers of all words of a sentence are dropped.
    pub locked_dropout: Option<f64>,
}

impl FlairOptions {
    /// Changes a description as it says.
    pub fn apply(&self, description: &mut Description) {
        let wants_rnn = self.rnn.unwrap_or(description.rnn.is_some());
        let before = description.rnn.take();
        description.rnn = wants_rnn.then(|| Recurrent {
            hidden_size: self
                .hidden_size
                .or(before.as_ref().map(|rnn| rnn.hidden_size))
                .unwrap_or(HIDDEN_SIZE),
            layers: self.rnn_layers.or(before.as_ref().map(|rnn| rnn.layers)).unwrap_or(1),
        });
        description.crf = self.crf.unwrap_or(description.crf);
        description.reproject = self.reproject.unwrap_or(description.reproject);
        description.word_dropout = self.word_dropout.unwrap_or(description.word_dropout);
        description.locked_dropout = self.locked_dropout.unwrap_or(description.locked_dropout);
    }
}
