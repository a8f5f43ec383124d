//! BERT without padding by operations of candle and kernels of ours, for inference on CUDA, in 32 or 16 bits: the sub-words of all
//! sequences of a batch are the rows of one matrix, so that a linear layer is one product. Short sequences attend in one
//! launch; else [`attention`] pads within groups of sequences that are nearly as long as each other, and what it needs
//! for that is moved once a batch.
//!
//! Every operation is a launch there: queries, keys and values come from one product, the division by the root of their
//! width lies in the weights, and bias and GELU, and bias, sum and norm, are one kernel each ([`fused`]), where it takes them: a layer of short
//! sequences is four products and four launches more. In 16 bits norms, and sums within products and softmax, are in 32;
//! embeddings, with their norm, are in 32 throughout.
//!
//! The processor has [`super`]. There this pass runs in tests, by candle's operations alone, which hold it to the padded one.

mod attention;
#[cfg_attr(not(feature = "cuda"), path = "device/fused_absent.rs")]
mod fused;
#[cfg(test)]
mod tests;
#[cfg_attr(not(feature = "flash-attn"), path = "device/varlen_absent.rs")]
mod varlen;

use candle_core::{D, DType, Device, Result, Tensor, bail};

use super::super::activation::Activation;
use super::super::bert::Bert;
use super::super::block::{Block, Shape};
use super::super::layers::{LayerNorm, Linear, LowRank};
use super::super::{Mode, Precision};
use crate::source::model::batch::Batch;

use attention::Attention;
use fused::{BiasGelu, SumNorm};

/// What [`Tensor::index_select`] gives zeros for.
const NOTHING: u32 = u32::MAX;

/// The layers of a model as this pass multiplies them.
pub(in super::super) struct Layers {
    layers: Vec<Layer>,
    /// What states and weights are made of.
    numbers: DType,
    /// The numbers from 0 on of the heads of queries, keys and values: shape `(3, 1, heads, 1)`.
    heads: Tensor,
}

/// Lays out the weights of a model that nobody trains. In 16 bits the model multiplies by these from now on, so
/// that its matrices of 32 bits need not be kept.
pub(in super::super) fn lay_out(bert: &mut Bert, precision: Precision) -> Result<()> {
    let numbers = precision.half().unwrap_or(DType::F32);
    let layer = |block| Layer::new(block, &bert.shape, numbers);
    let layers = bert.blocks.iter().map(layer).collect::<Result<Vec<_>>>()?;
    if precision.half().is_some() {
        let blocks = bert.blocks.iter_mut().zip(&layers);
        blocks.into_iter().try_for_each(|(block, layer)| layer.lend(block))?;
    }
    let heads = bert.shape.heads;
    let all = Tensor::arange(0, 3 * heads as u32, bert.norm.weight.device())?;
    bert.on_device = Some(Layers { layers, numbers, heads: all.reshape((3, 1, heads, 1))? });
    Ok(())
}

/// The hidden states of a batch that is plain ([`super::is_plain`]), of 32 bits and of shape `(rows, length, hidden)`; 0 at
/// padding.
pub(in super::super) fn encode(bert: &Bert, layers: &Layers, batch: &Batch) -> Result<Tensor> {
    let (rows, length) = batch.ids.dims2()?;
    let hidden = bert.shape.hidden;
    let device = batch.ids.device();
    let order = by_length(&batch.lengths);
    let lengths: Vec<usize> = order.iter().map(|row| batch.lengths[*row]).collect();
    if lengths.is_empty() {
        return Tensor::zeros((rows, length, hidden), DType::F32, device);
    }
    let places = Places::new(&order, &lengths, (rows, length), device)?;
    let packed = |numbers: &Tensor| numbers.flatten_all()?.index_select(&places.of_sub_words, 0);
    let positions = match bert.numbers_of_positions(batch)? {
        Some(positions) => packed(&positions)?,
        None => places.positions.clone(),
    };
    let types = batch.types.as_ref().map(packed).transpose()?;
    let sum = bert.embeddings.select(&packed(&batch.ids)?, &positions, types.as_ref())?;
    let mut x = bert.norm.forward(&sum, Mode::Inference)?;
    if let Some(project) = &bert.project {
        x = project.forward(&x)?;
    }
    let mut x = x.to_dtype(layers.numbers)?;
    let attention = Attention::new(&lengths, &layers.heads, hidden, x.dtype())?;
    for layer in &layers.layers {
        x = layer.forward(&x, &attention)?;
    }
    let padded = x.index_select(&places.in_rows, 0)?;
    padded.to_dtype(DType::F32)?.reshape((rows, length, hidden))
}

/// Sequences one after another, as kernels for attention without padding want to know them.
#[cfg(feature = "cuda")]
struct Sequences {
    /// Where each begins, and where the last ends.
    starts: Tensor,
    longest: usize,
    /// How many heads, and how wide.
    heads: [usize; 2],
}

#[cfg(feature = "cuda")]
impl Sequences {
    /// Of these lengths, longest first.
    fn new(lengths: &[usize], heads: [usize; 2], device: &Device) -> Result<Self> {
        let ends = lengths.iter().scan(0, |end, length| {
            *end += *length as u32;
            Some(*end)
        });
        let starts: Vec<u32> = std::iter::once(0).chain(ends).collect();
        Ok(Self { starts: Tensor::new(starts, device)?, longest: lengths[0], heads })
    }
}

/// The numbers of the rows that are not empty, longest first.
fn by_length(lengths: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lengths.len()).filter(|row| lengths[*row] > 0).collect();
    order.sort_by_key(|row| (std::cmp::Reverse(lengths[*row]), *row));
    order
}

/// Where sub-words stand in a padded batch and without padding, on the device.
struct Places {
    /// The place in the batch of each sub-word.
    of_sub_words: Tensor,
    /// The number of its position, counted from 0.
    positions: Tensor,
    /// The sub-word of each place in the batch, or [`NOTHING`].
    in_rows: Tensor,
}

impl Places {
    fn new(
        order: &[usize],
        lengths: &[usize],
        (rows, length): (usize, usize),
        device: &Device,
    ) -> Result<Self> {
        let count: usize = lengths.iter().sum();
        let mut of_sub_words = Vec::with_capacity(count);
        let mut positions = Vec::with_capacity(count);
        let mut in_rows = vec![NOTHING; rows * length];
        for (row, of_row) in order.iter().zip(lengths) {
            for position in 0..*of_row {
                let place = row * length + position;
                in_rows[place] = of_sub_words.len() as u32;
                of_sub_words.push(place as u32);
                positions.push(position as u32);
            }
        }
        let all = Tensor::new([of_sub_words, positions, in_rows].concat(), device)?;
        Ok(Self {
            of_sub_words: all.narrow(0, 0, count)?,
            positions: all.narrow(0, count, count)?,
            in_rows: all.narrow(0, 2 * count, rows * length)?,
        })
    }
}

/// A layer.
struct Layer {
    /// Queries, keys and values beside each other; queries are divided by the root of their width.
    projections: Dense,
    attended: Added,
    widen: Activated,
    narrow: Added,
}

impl Layer {
    fn new(block: &Block, shape: &Shape, numbers: DType) -> Result<Self> {
        let scale = 1.0 / ((shape.hidden / shape.heads) as f64).sqrt();
        let query = Dense::new(&block.query)?;
        let query = Dense { weight: (query.weight * scale)?, bias: (query.bias * scale)? };
        let parts = [query, Dense::new(&block.key)?, Dense::new(&block.value)?];
        let projections = Dense {
            weight: Tensor::cat(&parts.each_ref().map(|part| &part.weight), 0)?,
            bias: Tensor::cat(&parts.each_ref().map(|part| &part.bias), 0)?,
        };
        Ok(Self {
            projections: projections.of(numbers)?,
            attended: Added::new(&block.attended, &block.attended_norm, numbers)?,
            widen: Activated::new(&block.widen, shape.activation, numbers)?,
            narrow: Added::new(&block.narrow, &block.output_norm, numbers)?,
        })
    }

    /// Gives a block these weights for its own. Only its queries, which are not divided, are made anew.
    fn lend(&self, block: &mut Block) -> Result<()> {
        let projections = &self.projections.weight;
        let hidden = projections.dim(D::Minus1)?;
        block.query.weight = whole(&block.query)?.to_dtype(projections.dtype())?;
        block.key.weight = projections.narrow(0, hidden, hidden)?;
        block.value.weight = projections.narrow(0, 2 * hidden, hidden)?;
        block.attended.weight = self.attended.dense.weight.clone();
        block.widen.weight = self.widen.dense.weight.clone();
        block.narrow.weight = self.narrow.dense.weight.clone();
        block.linears().into_iter().for_each(|linear| linear.adapter = None);
        Ok(())
    }

    fn forward(&self, x: &Tensor, attention: &Attention) -> Result<Tensor> {
        let context = attention.context(x, &self.projections)?;
        let x = self.attended.forward(&context, x)?;
        self.narrow.forward(&self.widen.forward(&x)?, &x)
    }
}

/// A linear layer, and the norm of the sum of what it gives and what went in before.
struct Added {
    dense: Dense,
    norm: LayerNorm,
    in_one: Option<SumNorm>,
}

impl Added {
    fn new(layer: &Linear, norm: &LayerNorm, numbers: DType) -> Result<Self> {
        let dense = Dense::new(layer)?.of(numbers)?;
        let [weight, bias] = [&norm.weight, &norm.bias].map(|x| x.to_dtype(numbers));
        let norm = LayerNorm { weight: weight?, bias: bias?, epsilon: norm.epsilon };
        let in_one = SumNorm::new(&dense.bias, &norm)?;
        Ok(Self { dense, norm, in_one })
    }

    /// Of what goes into the layer and what is added.
    fn forward(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match &self.in_one {
            Some(in_one) => in_one.apply(self.dense.product(x)?, residual),
            None => {
                let sum = (residual + self.dense.forward(x)?)?;
                self.norm.forward(&sum, Mode::Inference)
            }
        }
    }
}

/// A linear layer and the activation of what it gives.
struct Activated {
    dense: Dense,
    activation: Activation,
    in_one: Option<BiasGelu>,
}

impl Activated {
    fn new(layer: &Linear, activation: Activation, numbers: DType) -> Result<Self> {
        let dense = Dense::new(layer)?.of(numbers)?;
        let in_one = BiasGelu::new(&dense.bias, activation);
        Ok(Self { dense, activation, in_one })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.in_one {
            Some(in_one) => in_one.apply(self.dense.product(x)?),
            None => self.activation.forward(&self.dense.forward(x)?, Mode::Inference),
        }
    }
}

/// A linear layer with a bias, its adapter in the weight.
struct Dense {
    weight: Tensor,
    bias: Tensor,
}

impl Dense {
    fn new(layer: &Linear) -> Result<Self> {
        let Some(bias) = &layer.bias else { bail!("expected a linear layer with a bias") };
        Ok(Self { weight: whole(layer)?, bias: bias.clone() })
    }

    fn of(self, numbers: DType) -> Result<Self> {
        Ok(Self { weight: self.weight.to_dtype(numbers)?, bias: self.bias.to_dtype(numbers)? })
    }

    /// Applies it to `x` of shape `(rows, inputs)`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.product(x)?.broadcast_add(&self.bias)
    }

    /// [`Dense::forward`] without the bias.
    fn product(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight.t()?)
    }
}

/// The weight of a linear layer and what its adapter adds to it.
fn whole(layer: &Linear) -> Result<Tensor> {
    match &layer.adapter {
        None => Ok(layer.weight.clone()),
        Some(LowRank { down, up, scale }) => &layer.weight + (up.matmul(down)? * *scale)?,
    }
}
