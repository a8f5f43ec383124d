//! BERT (Devlin et al. 2019, arXiv:1810.04805), as `transformers`' `BertModel` computes it without
//! its pooler.

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::layers::{Activation, LayerNorm, Linear, softmax};
use super::{Architecture, Encoder, Mode};
use crate::error::{Error, ErrorKind};
use crate::source::model::batch::Batch;
use crate::source::model::weights::Weights;

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "bert",
    doc: "BERT and its small relatives with absolute positions (Devlin et al. 2019), \
          cased or uncased.",
    prefix: "bert.",
    token_classifier: "BertForTokenClassification",
    load: |config, weights| Ok(Box::new(Bert::load(config, weights)?)),
};

/// The keys of `config.json` that change the computation.
#[derive(Debug, Clone, Deserialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: Activation,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    #[serde(default = "default_dropout")]
    hidden_dropout_prob: f64,
    #[serde(default = "default_dropout")]
    attention_probs_dropout_prob: f64,
    #[serde(default)]
    classifier_dropout: Option<f64>,
    #[serde(default)]
    position_embedding_type: Option<String>,
}

/// `transformers` trains with this where `config.json` says nothing.
fn default_dropout() -> f64 {
    0.1
}

struct Bert {
    config: Config,
    words: Tensor,
    positions: Tensor,
    types: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    widen: Linear,
    activation: Activation,
    narrow: Linear,
    output_norm: LayerNorm,
}

impl Bert {
    fn load(config: &str, weights: &Weights) -> crate::Result<Self> {
        let config: Config = serde_json::from_str(config)
            .map_err(|e| Error::new(ErrorKind::Model, format!("config.json: {e}")))?;
        config.check()?;
        let prefix = ["bert.", ""]
            .into_iter()
            .find(|p| weights.has(&format!("{p}embeddings.word_embeddings.weight")))
            .unwrap_or("bert.");
        let hidden = config.hidden_size;
        let embedding = |name: &str, rows: usize| {
            weights.tensor(&format!("{prefix}embeddings.{name}.weight"), &[rows, hidden])
        };
        let norm_name = format!("{prefix}embeddings.LayerNorm");
        Ok(Self {
            words: embedding("word_embeddings", config.vocab_size)?,
            positions: embedding("position_embeddings", config.max_position_embeddings)?,
            types: embedding("token_type_embeddings", config.type_vocab_size)?,
            norm: LayerNorm::load(weights, &norm_name, hidden, config.layer_norm_eps)?,
            layers: (0..config.num_hidden_layers)
                .map(|i| Layer::load(weights, &format!("{prefix}encoder.layer.{i}"), &config))
                .collect::<crate::Result<_>>()?,
            config,
        })
    }
}

impl Config {
    fn check(&self) -> crate::Result<()> {
        let wrong =
            |message: String| Err(Error::new(ErrorKind::Model, format!("config.json: {message}")));
        if self.num_attention_heads == 0
            || !self.hidden_size.is_multiple_of(self.num_attention_heads)
        {
            return wrong(format!(
                "hidden_size {} is not a multiple of num_attention_heads {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        let rates = [
            ("hidden_dropout_prob", Some(self.hidden_dropout_prob)),
            ("attention_probs_dropout_prob", Some(self.attention_probs_dropout_prob)),
            ("classifier_dropout", self.classifier_dropout),
        ];
        for (name, rate) in rates {
            if let Some(rate) = rate.filter(|rate| !(0.0..=1.0).contains(rate)) {
                return wrong(format!("{name} is {rate}, expected 0 to 1"));
            }
        }
        match self.position_embedding_type.as_deref() {
            None | Some("absolute") => Ok(()),
            Some(other) => wrong(format!(
                "position_embedding_type '{other}' is not supported, expected 'absolute'"
            )),
        }
    }
}

impl Encoder for Bert {
    fn encode(&self, batch: &Batch, mode: Mode<'_>) -> Result<Tensor> {
        let (rows, length) = batch.ids.dims2()?;
        let hidden = self.config.hidden_size;
        let flat = batch.ids.flatten_all()?;
        let words = self.words.index_select(&flat, 0)?.reshape((rows, length, hidden))?;
        let positions = self.positions.narrow(0, 0, length)?;
        let types = match &batch.types {
            Some(types) => self
                .types
                .index_select(&types.flatten_all()?, 0)?
                .reshape((rows, length, hidden))?,
            None => self.types.narrow(0, 0, 1)?.unsqueeze(0)?,
        };
        let sum = words.broadcast_add(&positions.unsqueeze(0)?.broadcast_add(&types)?)?;
        let mut x =
            mode.dropout(&self.norm.forward(&sum, mode)?, self.config.hidden_dropout_prob)?;
        for layer in &self.layers {
            x = layer.forward(&x, batch.mask.as_ref(), &self.config, mode)?;
        }
        Ok(x)
    }

    fn hidden_size(&self) -> usize {
        self.config.hidden_size
    }

    fn max_length(&self) -> usize {
        self.config.max_position_embeddings
    }

    fn head_dropout(&self) -> f64 {
        self.config.classifier_dropout.unwrap_or(self.config.hidden_dropout_prob)
    }
}

impl Layer {
    fn load(weights: &Weights, name: &str, config: &Config) -> crate::Result<Self> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let linear = |part: &str, inputs, outputs| {
            Linear::load(weights, &format!("{name}.{part}"), inputs, outputs)
        };
        let norm = |part: &str| {
            LayerNorm::load(weights, &format!("{name}.{part}"), hidden, config.layer_norm_eps)
        };
        Ok(Self {
            query: linear("attention.self.query", hidden, hidden)?,
            key: linear("attention.self.key", hidden, hidden)?,
            value: linear("attention.self.value", hidden, hidden)?,
            attended: linear("attention.output.dense", hidden, hidden)?,
            attended_norm: norm("attention.output.LayerNorm")?,
            widen: linear("intermediate.dense", hidden, inner)?,
            activation: config.hidden_act,
            narrow: linear("output.dense", inner, hidden)?,
            output_norm: norm("output.LayerNorm")?,
        })
    }

    /// `mask` is added to the attention scores: shape `(rows, 1, 1, length)`.
    fn forward(
        &self,
        x: &Tensor,
        mask: Option<&Tensor>,
        config: &Config,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let (rows, length, hidden) = x.dims3()?;
        let heads = config.num_attention_heads;
        let width = hidden / heads;
        let split = |t: Tensor| t.reshape((rows, length, heads, width))?.transpose(1, 2);
        let query = split(self.query.forward(x)?)?.contiguous()?;
        let key = split(self.key.forward(x)?)?.contiguous()?;
        let value = split(self.value.forward(x)?)?.contiguous()?;
        let scale = 1.0 / (width as f64).sqrt();
        let mut scores = (query.matmul(&key.t()?)? * scale)?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(mask)?;
        }
        let shares = mode.dropout(&softmax(&scores, mode)?, config.attention_probs_dropout_prob)?;
        let context = shares.matmul(&value)?;
        let context = context.transpose(1, 2)?.contiguous()?.reshape((rows, length, hidden))?;
        let attended =
            mode.dropout(&self.attended.forward(&context)?, config.hidden_dropout_prob)?;
        let x = self.attended_norm.forward(&(attended + x)?, mode)?;
        let inner = self.activation.forward(&self.widen.forward(&x)?)?;
        let output = mode.dropout(&self.narrow.forward(&inner)?, config.hidden_dropout_prob)?;
        self.output_norm.forward(&(output + &x)?, mode)
    }
}
