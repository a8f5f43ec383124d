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
use super::packed::{self, LaidOutDistances, Stack};
use super::{Architecture, Encoder, Mode, Precision, prefix_in};
use crate::source::model::batch::Batch;
use crate::source::model::device::device_failed;
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
    blocks: Vec<Block>,
    /// Those of each block; none where attention heeds no distances.
    projections: Vec<Projections>,
    relative: Option<Distance>,
    /// What passes without padding need, where they can compute the model: weights that nobody trains, on the processor.
    laid_out: Option<LaidOutDistances>,
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
        let (mut blocks, mut projections) = (Vec::new(), Vec::new());
        for number in 0..keys.size("num_hidden_layers", 24)? {
            let name = format!("{encoder}.layer.{number}");
            blocks.push(Block::load(weights, &name, &NAMES, &shape)?);
            if let Some(relative) = &relative {
                let attention = format!("{name}.attention.self");
                projections.push(Projections::load(weights, &attention, relative, hidden)?);
            }
        }
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
        let deberta = Self {
            embeddings: Embeddings::load(weights, &name, &sizes)?,
            project: (sizes.width != hidden).then(project).transpose()?,
            norm: norm(&format!("{name}.LayerNorm"))?,
            blocks,
            projections,
            relative: relative.map(distance).transpose()?,
            laid_out: None,
            convolution: Convolution::load(keys, weights, &encoder, &shape)?,
            scale_parts: Relative::scale_parts(keys)?,
            positions,
            has_absolute_positions,
            shape,
        };
        deberta.laid_out(weights)
    }

    /// The same with weights laid out for inference, where nothing changes them any more and passes without padding can
    /// compute the model.
    fn laid_out(mut self, weights: &Weights) -> crate::Result<Self> {
        let is_plain = self.project.is_none() && self.convolution.is_none();
        let is_fit = is_plain && self.stack().is_fused() && self.stack().runs_here();
        if let Some(Distance { relative, table, norm }) =
            self.relative.as_ref().filter(|_| is_fit && weights.are_final())
        {
            let layers = self.blocks.iter().zip(&self.projections);
            let distances = LaidOutDistances::new(relative, (table, norm.as_ref()), layers);
            let laid_out = distances.and_then(|distances| {
                self.laid_out = Some(distances);
                packed::lay_out(&mut self.blocks)
            });
            laid_out.map_err(device_failed)?;
        }
        Ok(self)
    }

    /// What passes without padding compute.
    fn stack(&self) -> Stack<'_> {
        Stack {
            shape: &self.shape,
            embeddings: &self.embeddings,
            norm: &self.norm,
            project: None,
            blocks: &self.blocks,
            distances: self.laid_out.as_ref(),
        }
    }

    fn layer(
        &self,
        number: usize,
        x: &Tensor,
        distances: Option<&Distances>,
        batch: &Batch,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let (block, shape) = (&self.blocks[number], &self.shape);
        let attention = block.attention(x, shape)?;
        let bias = match (self.projections.get(number), &self.relative, distances) {
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
    fn encode(&self, batch: &Batch, mode: Mode<'_>) -> Result<Tensor> {
        match mode {
            Mode::Inference if self.laid_out.is_some() && packed::is_plain(batch) => {
                packed::encode(self.stack(), batch, None)
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
        for number in 0..self.blocks.len() {
            x = self.layer(number, &x, distances.as_ref(), batch, mode)?;
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

    fn is_same_in_any_batch(&self) -> bool {
        self.laid_out.is_some()
    }

    fn precision(&self) -> Precision {
        let laid_out = self.blocks.first().filter(|_| self.laid_out.is_some());
        laid_out.map_or(Precision::F32, |block| block.query.computes_in())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Files;
    use candle_core::Device;
    use std::path::Path;

    fn load(name: &str, precision: Precision) -> Deberta {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/architectures");
        let files = Files::Folder(data);
        let weights = Weights::load(&files, name, &Device::Cpu).unwrap().with_precision(precision);
        let config = files.read_text(&format!("{name}/config.json")).unwrap();
        // Without its convolution, the folder that has one has projections of distances.
        let config = config.replace("\"conv_kernel_size\": 3", "\"conv_kernel_size\": 0");
        Deberta::load(&Keys::parse(&config).unwrap(), &weights).unwrap()
    }

    /// Sequences of these lengths, and what both passes make of them, padding left out.
    fn states(deberta: &Deberta, lengths: &[usize]) -> [Vec<Vec<f32>>; 2] {
        let ids = |length: &usize| (0..*length).map(|at| (at * at % 90 + 5) as u32).collect();
        let rows: Vec<Vec<u32>> = lengths.iter().map(ids).collect();
        let batch = Batch::new(&rows, 0, &Device::Cpu).unwrap();
        let packed = deberta.encode(&batch, Mode::Inference).unwrap();
        let padded = deberta.encode_layers(&batch, Mode::Inference, &mut |_| {}).unwrap();
        [packed, padded].map(|states| {
            let rows = states.to_vec3::<f32>().unwrap().into_iter().zip(lengths);
            rows.map(|(row, length)| row[..*length].concat()).collect()
        })
    }

    #[test]
    fn the_pass_without_padding_equals_the_padded_one_and_heeds_no_other_row() {
        // The last row is longer than all buckets reach.
        let lengths = [1, 30, 2, 0, 200];
        for name in ["deberta-v3", "deberta-v2-convolution"] {
            let deberta = load(name, Precision::F32);
            assert!(deberta.laid_out.is_some(), "{name}");
            let [packed, padded] = states(&deberta, &lengths);
            for (row, length) in lengths.iter().enumerate() {
                for (got, expected) in packed[row].iter().zip(&padded[row]) {
                    assert!(
                        (got - expected).abs() < 1e-5,
                        "{name}, row {row}: {got} is not {expected}"
                    );
                }
                let alone = Some(*length).filter(|length| *length > 0);
                let alone = alone.map(|length| states(&deberta, &[length])[0][0].clone());
                assert!(alone.is_none_or(|alone| alone == packed[row]), "{name}, row {row}");
            }
        }
        assert!(load("deberta-v2-absolute", Precision::F32).laid_out.is_none());
    }

    #[test]
    fn fixed_point_is_near() {
        for (precision, bound) in [(Precision::Int16, 2e-2), (Precision::Int8, 2e-1)] {
            let deberta = load("deberta-v3", precision);
            assert_eq!(deberta.precision(), precision);
            let [fixed, exact] = states(&deberta, &[40]);
            assert_ne!(fixed, exact);
            for (got, expected) in fixed[0].iter().zip(&exact[0]) {
                assert!((got - expected).abs() < bound, "{got} is not {expected}");
            }
        }
    }
}
