//! DeBERTa of the second and third generation (He et al. 2021, arXiv:2006.03654 and arXiv:2111.09543),
//! as `transformers`' `DebertaV2Model` computes it.

use candle_core::{DType, Result, Tensor};

use super::activation::Activation;
use super::bert::{Defaults, shape};
use super::block::{BERT_NAMES, Block, Names, Shape};
use super::disentangled::{Distances, Projections, Relative};
use super::embeddings::{Embeddings, Sizes};
use super::keys::Keys;
use super::layers::{LayerNorm, Linear};
use super::{Architecture, Encoder, Mode, prefix_in};
use crate::source::model::batch::Batch;
use crate::source::model::weights::Weights;

const PREFIX: &str = "deberta.";

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "deberta-v2",
    doc: "DeBERTa v2 and v3 (He et al. 2021): attention to distances beside positions.",
    prefix: PREFIX,
    token_classifier: "DebertaV2ForTokenClassification",
    load: |config, weights| Ok(Box::new(Deberta::load(&Keys::parse(config)?, weights)?)),
};

const DEFAULTS: Defaults = Defaults {
    vocabulary: 128_100,
    hidden: 1536,
    heads: 24,
    inner: 6144,
    embedding: None,
    padding: None,
};

const NAMES: Names = Names {
    query: "attention.self.query_proj",
    key: "attention.self.key_proj",
    value: "attention.self.value_proj",
    ..BERT_NAMES
};

struct Deberta {
    shape: Shape,
    embeddings: Embeddings,
    /// From the width of the embeddings to that of the hidden states.
    project: Option<Linear>,
    norm: LayerNorm,
    layers: Vec<(Block, Option<Projections>)>,
    relative: Option<Distance>,
    convolution: Option<Convolution>,
    scale_parts: usize,
    positions: usize,
    has_absolute_positions: bool,
}

/// What all layers know of distances.
struct Distance {
    relative: Relative,
    table: Tensor,
    norm: Option<LayerNorm>,
}

/// A convolution over the embeddings, beside the first layer.
struct Convolution {
    weight: Tensor,
    bias: Tensor,
    groups: usize,
    activation: Activation,
    norm: LayerNorm,
}

impl Deberta {
    fn load(keys: &Keys, weights: &Weights) -> crate::Result<Self> {
        keys.check_encoder()?;
        let shape = shape(keys, &DEFAULTS, 1e-7)?;
        let (hidden, epsilon) = (shape.hidden, shape.epsilon);
        keys.only("attention_head_size", &[(hidden / shape.heads).into()])?;
        let positions = keys.size("max_position_embeddings", 512)?;
        let has_absolute_positions = keys.flag("position_biased_input", true)?;
        let sizes = Sizes {
            width: keys.size("embedding_size", hidden)?,
            words: keys.size("vocab_size", DEFAULTS.vocabulary)?,
            positions: if has_absolute_positions { positions } else { 0 },
            types: keys.count("type_vocab_size", 0)?,
        };
        let prefix = prefix_in(weights, PREFIX, "embeddings.word_embeddings.weight");
        let name = format!("{prefix}embeddings");
        let encoder = format!("{prefix}encoder");
        let relative = Relative::read(keys, positions)?;
        let layers = (0..keys.size("num_hidden_layers", 24)?).map(|i| {
            let name = format!("{encoder}.layer.{i}");
            let block = Block::load(weights, &name, &NAMES, &shape)?;
            let attention = format!("{name}.attention.self");
            let projections =
                relative.as_ref().map(|r| Projections::load(weights, &attention, r, hidden));
            Ok((block, projections.transpose()?))
        });
        let layers = layers.collect::<crate::Result<_>>()?;
        let normalises = keys.words("norm_rel_ebd")?.iter().any(|word| word == "layer_norm");
        let norm = |name: &str| LayerNorm::load(weights, name, hidden, epsilon);
        let distance = |relative: Relative| {
            let rows = 2 * relative.span();
            let table = format!("{encoder}.rel_embeddings.weight");
            Ok(Distance {
                table: weights.tensor(&table, &[rows, hidden])?,
                norm: normalises.then(|| norm(&format!("{encoder}.LayerNorm"))).transpose()?,
                relative,
            })
        };
        let project = || {
            let name = format!("{name}.embed_proj");
            Linear::load_with(weights, &name, sizes.width, hidden, false)
        };
        Ok(Self {
            embeddings: Embeddings::load(weights, &name, &sizes)?,
            project: (sizes.width != hidden).then(project).transpose()?,
            norm: norm(&format!("{name}.LayerNorm"))?,
            layers,
            relative: relative.map(distance).transpose()?,
            convolution: Convolution::load(keys, weights, &encoder, &shape)?,
            scale_parts: Relative::scale_parts(keys)?,
            positions,
            has_absolute_positions,
            shape,
        })
    }

    fn layer(
        &self,
        (block, projections): &(Block, Option<Projections>),
        x: &Tensor,
        distances: Option<&Distances>,
        batch: &Batch,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let shape = &self.shape;
        let attention = block.attention(x, shape)?;
        let bias = match (projections, &self.relative, distances) {
            (Some(projections), Some(Distance { relative, .. }), Some(distances)) => {
                projections.bias(&attention, distances, relative, block, shape, mode)?
            }
            _ => None,
        };
        let scale = shape.hidden / shape.heads * self.scale_parts;
        let (bias, mask) = (bias.as_ref(), batch.mask.as_ref());
        let context = attention.context(scale, bias, mask, shape.attention_dropout, mode)?;
        block.finish(x, &context, shape, mode)
    }
}

impl Encoder for Deberta {
    fn encode_layers(
        &self,
        batch: &Batch,
        mode: Mode<'_>,
        each: &mut dyn FnMut(&Tensor),
    ) -> Result<Tensor> {
        let (rows, length) = batch.ids.dims2()?;
        let mut x = self.embeddings.forward(batch, None)?;
        if let Some(project) = &self.project {
            x = project.forward(&x)?;
        }
        x = self.norm.forward(&x, mode)?;
        let kept = match &batch.mask {
            Some(mask) => {
                let kept = mask.ge(0f32)?.to_dtype(DType::F32)?.reshape((rows, length, 1))?;
                // The convolution would see what stands at padding.
                x = x.broadcast_mul(&kept)?;
                Some(kept)
            }
            None => None,
        };
        let embedded = mode.dropout(&x, self.shape.dropout)?;
        let distances = self.relative.as_ref().map(|distance| {
            let Distance { relative, table, norm } = distance;
            Distances::new(relative, table, norm.as_ref(), length, mode)
        });
        let distances = distances.transpose()?;
        let mut x = embedded.clone();
        each(&x);
        for (number, layer) in self.layers.iter().enumerate() {
            x = self.layer(layer, &x, distances.as_ref(), batch, mode)?;
            if let Some(convolution) = self.convolution.as_ref().filter(|_| number == 0) {
                x = convolution.forward(&embedded, &x, kept.as_ref(), &self.shape, mode)?;
            }
            each(&x);
        }
        Ok(x)
    }

    fn hidden_size(&self) -> usize {
        self.shape.hidden
    }

    fn max_length(&self) -> usize {
        if self.has_absolute_positions { self.positions } else { usize::MAX }
    }

    fn usual_length(&self) -> usize {
        self.positions
    }

    fn head_dropout(&self) -> f64 {
        self.shape.dropout
    }
}

impl Convolution {
    /// `None` where the keys say that there is none.
    fn load(
        keys: &Keys,
        weights: &Weights,
        encoder: &str,
        shape: &Shape,
    ) -> crate::Result<Option<Self>> {
        let kernel = keys.count("conv_kernel_size", 0)?;
        if kernel == 0 {
            return Ok(None);
        }
        if kernel.is_multiple_of(2) {
            return Err(keys.wrong("conv_kernel_size", "an odd number, or 0"));
        }
        let hidden = shape.hidden;
        let groups = keys.size("conv_groups", 1)?;
        if !hidden.is_multiple_of(groups) {
            return Err(keys.wrong("conv_groups", &format!("a divisor of hidden_size, {hidden}")));
        }
        let name = format!("{encoder}.conv");
        let dimensions = [hidden, hidden / groups, kernel];
        Ok(Some(Self {
            weight: weights.tensor(&format!("{name}.conv.weight"), &dimensions)?,
            bias: weights.tensor(&format!("{name}.conv.bias"), &[hidden])?,
            groups,
            activation: keys.activation("conv_act", Activation::Tanh)?,
            norm: LayerNorm::load(weights, &format!("{name}.LayerNorm"), hidden, shape.epsilon)?,
        }))
    }

    /// Adds the convolution of `embedded` to `x`, the output of the first layer. `kept` is 0 at padding,
    /// else 1: shape `(rows, length, 1)`.
    fn forward(
        &self,
        embedded: &Tensor,
        x: &Tensor,
        kept: Option<&Tensor>,
        shape: &Shape,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let mut convolved = self.convolve(embedded)?.broadcast_add(&self.bias)?;
        if let Some(kept) = kept {
            convolved = convolved.broadcast_mul(kept)?;
        }
        let added = self.activation.forward(&mode.dropout(&convolved, shape.dropout)?, mode)?;
        self.norm.forward(&(x + added)?, mode)
    }

    /// The convolution over positions of `x` of shape `(rows, length, hidden)`, with zeros beyond the
    /// ends. Written as matrix products: candle's `conv1d` gives its kernel a wrong gradient.
    fn convolve(&self, x: &Tensor) -> Result<Tensor> {
        let (rows, length, hidden) = x.dims3()?;
        let (_, inputs, kernel) = self.weight.dims3()?;
        let padded = x.pad_with_zeros(1, kernel / 2, kernel / 2)?;
        let outputs = hidden / self.groups;
        let group = |group: usize| {
            let part = padded.narrow(2, group * inputs, inputs)?;
            let weight = self.weight.narrow(0, group * outputs, outputs)?;
            let at = |offset: usize| {
                let seen = part.narrow(1, offset, length)?.contiguous()?;
                let weight = weight.narrow(2, offset, 1)?.squeeze(2)?.t()?.contiguous()?;
                seen.reshape((rows * length, inputs))?.matmul(&weight)
            };
            (1..kernel).try_fold(at(0)?, |sum, offset| sum + at(offset)?)
        };
        let groups = (0..self.groups).map(group).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&groups, 1)?.reshape((rows, length, hidden))
    }
}
