//! BERT (Devlin et al. 2019, arXiv:1810.04805), as `transformers`' `BertModel` computes it without
//! its pooler, and what its near relatives share with it.

use candle_core::{Result, Tensor};

use super::activation::Activation;
use super::block::{BERT_NAMES, Block, Shape};
use super::embeddings::{Embeddings, Sizes};
use super::keys::Keys;
use super::layers::{LayerNorm, Linear};
use super::packed::device::{self, Layers};
use super::packed::{self, Stack};
use super::{Architecture, Encoder, Mode, Precision, prefix_in};
use crate::source::model::batch::Batch;
use crate::source::model::device::device_failed;
use crate::source::model::weights::Weights;

const PREFIX: &str = "bert.";

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "bert",
    doc: "BERT and its small relatives with absolute positions (Devlin et al. 2019), \
          cased or uncased.",
    prefix: PREFIX,
    token_classifier: "BertForTokenClassification",
    load: |config, weights| {
        Ok(Box::new(Bert::load(&Keys::parse(config)?, weights, PREFIX, &DEFAULTS)?))
    },
};

/// The sizes that a `config.json` need not say.
pub(super) struct Defaults {
    pub(super) vocabulary: usize,
    pub(super) hidden: usize,
    pub(super) heads: usize,
    pub(super) inner: usize,
    /// The width of the embeddings, where that may be another than that of the hidden states.
    pub(super) embedding: Option<usize>,
    /// The id of padding, where the number of its position is kept for it: the first sub-word of a text
    /// then has the position after it.
    pub(super) padding: Option<usize>,
}

const DEFAULTS: Defaults = Defaults {
    vocabulary: 30522,
    hidden: 768,
    heads: 12,
    inner: 3072,
    embedding: None,
    padding: None,
};

/// BERT with its weights, or a relative that differs by [`Defaults`] or by names alone.
pub(super) struct Bert {
    pub(super) shape: Shape,
    pub(super) embeddings: Embeddings,
    pub(super) norm: LayerNorm,
    /// From the width of the embeddings to that of the hidden states.
    pub(super) project: Option<Linear>,
    pub(super) blocks: Vec<Block>,
    /// The layers as another device than the processor computes them without padding.
    pub(super) on_device: Option<Layers>,
    pub(super) positions: usize,
    pub(super) padding: Option<usize>,
    pub(super) head_dropout: f64,
}

impl Bert {
    pub(super) fn load(
        keys: &Keys,
        weights: &Weights,
        prefix: &str,
        defaults: &Defaults,
    ) -> crate::Result<Self> {
        keys.check_encoder()?;
        keys.only("position_embedding_type", &["absolute".into()])?;
        let shape = shape(keys, defaults, 1e-12)?;
        let width = match defaults.embedding {
            Some(width) => keys.size("embedding_size", width)?,
            None => shape.hidden,
        };
        let sizes = Sizes {
            width,
            words: keys.size("vocab_size", defaults.vocabulary)?,
            positions: keys.size("max_position_embeddings", 512)?,
            types: keys.count("type_vocab_size", 2)?,
        };
        let padding = match defaults.padding {
            Some(id) => Some(keys.count("pad_token_id", id)?),
            None => None,
        };
        let prefix = prefix_in(weights, prefix, "embeddings.word_embeddings.weight");
        let name = format!("{prefix}embeddings");
        let project = (width != shape.hidden)
            .then(|| Linear::load(weights, &format!("{name}_project"), width, shape.hidden));
        let layers = keys.size("num_hidden_layers", 12)?;
        let bert = Self {
            embeddings: Embeddings::load(weights, &name, &sizes)?,
            norm: LayerNorm::load(weights, &format!("{name}.LayerNorm"), width, shape.epsilon)?,
            project: project.transpose()?,
            blocks: (0..layers)
                .map(|i| {
                    let name = format!("{prefix}encoder.layer.{i}");
                    Block::load(weights, &name, &BERT_NAMES, &shape)
                })
                .collect::<crate::Result<_>>()?,
            on_device: None,
            positions: sizes.positions,
            padding,
            head_dropout: keys.rate("classifier_dropout", shape.dropout)?,
            shape,
        };
        bert.laid_out(weights)
    }
}

/// The shape of a layer by the keys that BERT gave it.
pub(super) fn shape(keys: &Keys, defaults: &Defaults, epsilon: f64) -> crate::Result<Shape> {
    let shape = Shape {
        hidden: keys.size("hidden_size", defaults.hidden)?,
        heads: keys.size("num_attention_heads", defaults.heads)?,
        inner: keys.size("intermediate_size", defaults.inner)?,
        activation: keys.activation("hidden_act", Activation::Gelu)?,
        epsilon: keys.number("layer_norm_eps", epsilon)?,
        dropout: keys.rate("hidden_dropout_prob", 0.1)?,
        attention_dropout: keys.rate("attention_probs_dropout_prob", 0.1)?,
    };
    keys.head_width(("hidden_size", shape.hidden), ("num_attention_heads", shape.heads))?;
    Ok(shape)
}

impl Bert {
    /// The same with weights laid out for inference, where nothing changes them any more.
    pub(super) fn laid_out(mut self, weights: &Weights) -> crate::Result<Self> {
        if !weights.are_final() {
            return Ok(self);
        }
        let laid_out = if !self.norm.weight.device().is_cpu() {
            device::lay_out(&mut self, weights.precision())
        } else if self.stack().is_fused() && self.stack().runs_here() {
            packed::lay_out(&mut self.blocks)
        } else {
            Ok(())
        };
        laid_out.map_err(device_failed)?;
        Ok(self)
    }

    /// What passes without padding compute.
    fn stack(&self) -> Stack<'_> {
        Stack {
            shape: &self.shape,
            embeddings: &self.embeddings,
            norm: &self.norm,
            project: self.project.as_ref(),
            blocks: &self.blocks,
            distances: None,
        }
    }

    /// The numbers of the positions of a batch, where they do not count from 0 in every row.
    pub(super) fn numbers_of_positions(&self, batch: &Batch) -> Result<Option<Tensor>> {
        match (&batch.positions, self.padding) {
            (Some(positions), _) => Ok(Some(positions.clone())),
            (None, Some(padding)) => after_padding(&batch.ids, padding).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl Encoder for Bert {
    fn encode(&self, batch: &Batch, mode: Mode<'_>) -> Result<Tensor> {
        match (mode, &self.on_device) {
            (Mode::Inference, Some(layers)) if packed::is_plain(batch) => {
                device::encode(self, layers, batch)
            }
            (Mode::Inference, None) if self.stack().is_fused() && self.stack().fits(batch) => {
                packed::encode(self.stack(), batch, self.numbers_of_positions(batch)?.as_ref())
            }
            (Mode::Training(dropout), _) if self.stack().fits(batch) => {
                let positions = self.numbers_of_positions(batch)?;
                packed::training::encode(self.stack(), batch, positions.as_ref(), dropout)
            }
            _ => self.encode_layers(batch, mode, &mut |_| {}),
        }
    }

    fn encode_layers(
        &self,
        batch: &Batch,
        mode: Mode<'_>,
        each: &mut dyn FnMut(&Tensor),
    ) -> Result<Tensor> {
        let (positions, mask) = (self.numbers_of_positions(batch)?, batch.attention_mask()?);
        let sum = self.embeddings.forward(batch, positions.as_ref())?;
        let mut x = mode.dropout(&self.norm.forward(&sum, mode)?, self.shape.dropout)?;
        if let Some(project) = &self.project {
            x = project.forward(&x)?;
        }
        each(&x);
        for block in &self.blocks {
            x = block.forward(&x, mask.as_ref(), &self.shape, mode)?;
            each(&x);
        }
        Ok(x)
    }

    fn hidden_size(&self) -> usize {
        self.shape.hidden
    }

    fn max_length(&self) -> usize {
        self.positions.saturating_sub(self.padding.map_or(0, |padding| padding + 1))
    }

    fn is_same_in_any_batch(&self) -> bool {
        self.stack().is_fused() && self.stack().runs_here()
    }

    fn precision(&self) -> Precision {
        self.blocks.first().map_or(Precision::F32, |block| block.query.computes_in())
    }

    fn positions(&self) -> Option<usize> {
        Some(self.positions)
    }

    fn head_dropout(&self) -> f64 {
        self.head_dropout
    }
}

/// The numbers of the positions where `padding` keeps its own: sub-words are counted from the number
/// after it on, and the id of padding, wherever it stands, has its number and is not counted.
fn after_padding(ids: &Tensor, padding: usize) -> Result<Tensor> {
    let mut numbers = ids.to_vec2::<u32>()?;
    let padding = padding as u32;
    for row in &mut numbers {
        let mut count = padding;
        for id in row {
            *id = if *id == padding {
                padding
            } else {
                count += 1;
                count
            };
        }
    }
    Tensor::new(numbers, ids.device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn positions_are_counted_after_that_of_padding() {
        let ids = Tensor::new(&[[0u32, 7, 1, 8, 2], [0, 2, 1, 1, 1]], &Device::Cpu).unwrap();
        let positions = after_padding(&ids, 1).unwrap().to_vec2::<u32>().unwrap();
        assert_eq!(positions, [[2, 3, 1, 4, 5], [2, 3, 1, 1, 1]]);
    }
}
