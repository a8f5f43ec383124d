//! BERT on the processor, without padding ([`training`] has its own pass, and [`modernbert`]): the sub-words of several sequences are the rows of one
//! matrix, so that linear layers see one product and attention each sequence by itself. The steps between are
//! fused into passes over memory that is used again.
//!
//! The weights of a model in training are read where they are, each time: its layers share them with the variables that
//! training changes. Those that nothing changes any more are laid out once, as products read them.
//!
//! The hidden states of a sequence are the same to the last bit whatever else is in the batch, and for any
//! number of threads.

mod attention;
pub(super) mod device;
mod distances;
mod linear;
pub(super) mod modernbert;
#[cfg(test)]
mod tests;
pub(super) mod training;

use std::cell::RefCell;
use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::activation::Activation;
use super::block::{Block, Shape};
use super::differentiable::{runs_here, with, with_all};
use super::embeddings::{Embeddings, SubWords};
use super::kernel::attention::Sight;
use super::kernel::gelu;
use super::kernel::narrow::NarrowRows;
use super::kernel::norm::Norm;
use super::layers::{LayerNorm, Linear};
use crate::source::model::batch::Batch;

use attention::Sequence;
pub(super) use distances::LaidOutDistances;
use distances::{LayerDistances, Offsets};
pub(super) use linear::add_bias;
use linear::{Rows, linear, linear_with_bias, with_bias};

/// Sequences of at most so many sub-words together go through the layers at once; others side by side with them.
const SUB_WORDS: usize = 512;

/// What these passes compute: embeddings, their norm, perhaps a linear layer to the width of the hidden states, and blocks.
#[derive(Clone, Copy)]
pub(super) struct Stack<'m> {
    pub(super) shape: &'m Shape,
    pub(super) embeddings: &'m Embeddings,
    pub(super) norm: &'m LayerNorm,
    pub(super) project: Option<&'m Linear>,
    pub(super) blocks: &'m [Block],
    /// Distances that attention heeds.
    pub(super) distances: Option<&'m LaidOutDistances>,
}

impl Stack<'_> {
    /// Whether there are fused passes of inference for all that the model does.
    pub(super) fn is_fused(self) -> bool {
        self.shape.activation == Activation::Gelu
    }

    /// Whether the model's device and precision are those of these passes.
    pub(super) fn runs_here(self) -> bool {
        runs_here(&self.norm.weight)
            && self.blocks.iter().all(|block| block.query.precision.half().is_none())
    }

    /// Whether a batch can be encoded here.
    pub(super) fn fits(self, batch: &Batch) -> bool {
        batch.ids.device().is_cpu() && self.runs_here() && sights(batch).is_some()
    }
}

/// Lays the weights of a model out that [`Stack::is_fused`] and [`Stack::runs_here`], for passes of inference.
pub(super) fn lay_out(blocks: &mut [Block]) -> Result<()> {
    blocks.iter_mut().flat_map(Block::linears).try_for_each(Linear::lay_out)
}

/// A linear layer on `x` of shape `(…, inputs)`, in one thread: a row of the result depends on no other row, to the
/// last bit.
pub(super) fn row_by_row(layer: &Linear, x: &Tensor) -> Result<Tensor> {
    let (outputs, inputs) = layer.weight.dims2()?;
    let mut dims = x.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = outputs;
    }
    let mut to = vec![0.0; x.elem_count() / inputs * outputs];
    with(x, |x| {
        let mut narrow = NarrowRows::default();
        linear_with_bias(layer, &mut Rows::new(x, &mut narrow), &mut to, &mut Vec::new())
    })??;
    Tensor::from_vec(to, dims, x.device())
}

/// Whether sub-words see all of their row but padding, and count their positions for themselves.
pub(super) fn is_plain(batch: &Batch) -> bool {
    batch.positions.is_none() && batch.pairs.is_none() && sights(batch).is_some()
}

/// Which sub-words of each row see which; `None` where that is not what a batch says of its rows' lengths.
fn sights(batch: &Batch) -> Option<Vec<Sight>> {
    let (rows, length) = batch.ids.dims2().ok()?;
    let is_padding = |mask: &Tensor| mask.dims() == [rows, 1, 1, length];
    let is_whole = length > 0
        && batch.mask.as_ref().is_none_or(is_padding)
        && batch.lengths.len() == rows
        && batch.lengths.iter().all(|of_row| *of_row <= length);
    let pairs = |row: usize| batch.pairs.as_ref().map_or(Some(0), |pairs| pairs.get(row).copied());
    let sight = |(row, length): (usize, &usize)| Sight::new(*length, pairs(row)?);
    is_whole.then(|| batch.lengths.iter().enumerate().map(sight).collect())?
}

/// The hidden states of a batch that [`Stack::fits`] a model that [`Stack::is_fused`], of shape `(rows, length, hidden)`; 0 at
/// padding. `positions` are the numbers of positions, of the shape of the ids, where they do not count from 0 in every
/// row.
pub(super) fn encode(
    stack: Stack<'_>,
    batch: &Batch,
    positions: Option<&Tensor>,
) -> Result<Tensor> {
    let inputs = Inputs::of(batch, positions)?;
    by_groups(batch, stack.shape.hidden, |group, memory| {
        encode_group(stack, &inputs, group, memory)
    })
}

/// The hidden states of a batch, of shape `(rows, length, hidden)`; 0 at padding. Groups of rows are worked on side by side: `encode_group` leaves in
/// `memory.states` those of the rows of a group, one row after the other.
fn by_groups(
    batch: &Batch,
    hidden: usize,
    encode_group: impl Fn(Range<usize>, &mut Memory) -> Result<()> + Sync,
) -> Result<Tensor> {
    let (rows, length) = batch.ids.dims2()?;
    let mut states = vec![0.0; rows * length * hidden];
    let mut rest = &mut states[..];
    let mut groups = Vec::new();
    for group in groups_of(&batch.lengths) {
        let (states, behind) = rest.split_at_mut(group.len() * length * hidden);
        groups.push((group, states));
        rest = behind;
    }
    groups.into_par_iter().try_for_each(|(group, states)| {
        // Another pass on this thread, should one begin inside, finds no memory and takes its own.
        let mut memory = MEMORY.take();
        let result = encode_group(group.clone(), &mut memory);
        if result.is_ok() {
            let packed = batch.lengths[group].iter().zip(states.chunks_exact_mut(length * hidden));
            let mut at = 0;
            for (of_row, states) in packed {
                let size = of_row * hidden;
                states[..size].copy_from_slice(&memory.states[at..at + size]);
                at += size;
            }
        }
        MEMORY.set(memory);
        result
    })?;
    Tensor::from_vec(states, (rows, length, hidden), batch.ids.device())
}

/// Rows one after another that go through the layers at once.
fn groups_of(lengths: &[usize]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut count = 0;
    for (row, length) in lengths.iter().enumerate() {
        count += length;
        match groups.last_mut() {
            Some(group) if count <= SUB_WORDS => group.end = row + 1,
            _ => {
                groups.push(row..row + 1);
                count = *length;
            }
        }
    }
    groups
}

/// What a batch says of each sub-word, row by row, without its padding.
struct Inputs {
    rows: Vec<SubWords>,
    sights: Vec<Sight>,
}

impl Inputs {
    /// `positions` are as for [`encode`].
    fn of(batch: &Batch, positions: Option<&Tensor>) -> Result<Self> {
        let Some(sights) = sights(batch) else {
            bail!("rows that are not as long as a batch says")
        };
        let ids = batch.ids.to_vec2::<u32>()?;
        let positions = positions.map(Tensor::to_vec2::<u32>).transpose()?;
        let types = batch.types.as_ref().map(Tensor::to_vec2::<u32>).transpose()?;
        let row = |(row, mut ids): (usize, Vec<u32>)| {
            let length = batch.lengths[row];
            let until = |numbers: &[Vec<u32>]| numbers[row][..length].to_vec();
            ids.truncate(length);
            SubWords {
                ids,
                positions: match &positions {
                    Some(positions) => until(positions),
                    None => (0..length as u32).collect(),
                },
                types: types.as_ref().map_or_else(|| vec![0; length], |types| until(types)),
            }
        };
        Ok(Self { rows: ids.into_iter().enumerate().map(row).collect(), sights })
    }
}

/// Room that passes on one thread use one after another.
#[derive(Default)]
struct Memory {
    /// What goes through the layers: `(sub-words, hidden)`.
    states: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    context: Vec<f32>,
    /// What each half of a layer adds to the states.
    added: Vec<f32>,
    /// Between the two linear layers: `(sub-words, inner)`.
    inner: Vec<f32>,
    /// Of one head: what each sub-word says of those that it sees.
    scores: Vec<f32>,
    /// Of one head: what each sub-word says of distances.
    relative: Vec<f32>,
    /// Between the two matrices of an adapter: `(sub-words, rank)`.
    low: Vec<f32>,
    /// What goes into a linear layer in narrow numbers.
    narrow: NarrowRows,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// The first `size` numbers of `memory`, which grows where it must. What stands there is arbitrary.
fn room(memory: &mut Vec<f32>, size: usize) -> &mut [f32] {
    if memory.len() < size {
        memory.resize(size, 0.0);
    }
    &mut memory[..size]
}

/// Leaves the hidden states of the rows of a group in `memory.states`, one row after the other.
fn encode_group(
    stack: Stack<'_>,
    inputs: &Inputs,
    group: Range<usize>,
    memory: &mut Memory,
) -> Result<()> {
    let (rows, sights) = (&inputs.rows[group.clone()], &inputs.sights[group]);
    let count: usize = sights.iter().map(|sight| sight.length()).sum();
    if count == 0 {
        return Ok(());
    }
    let (hidden, width) = (stack.shape.hidden, stack.embeddings.width()?);
    let embedded = room(&mut memory.context, count * width);
    embedded.fill(0.0);
    let mut rest = &mut *embedded;
    for row in rows {
        let (of_row, behind) = rest.split_at_mut(row.ids.len() * width);
        stack.embeddings.add(row, of_row)?;
        rest = behind;
    }
    with_norm(stack.norm, |norm| norm.apply(embedded))?;
    match stack.project {
        None => std::mem::swap(&mut memory.states, &mut memory.context),
        Some(project) => {
            let states = room(&mut memory.states, count * hidden);
            let rows = &mut Rows::new(embedded, &mut memory.narrow);
            linear_with_bias(project, rows, states, &mut memory.low)?;
        }
    }
    let places: Vec<Place> = sights
        .iter()
        .filter(|sight| sight.length() > 0)
        .map(|sight| Place {
            sight: *sight,
            offsets: stack.distances.map(|distances| distances.offsets(sight.length())),
        })
        .collect();
    stack.blocks.iter().enumerate().try_for_each(|(number, block)| {
        let distances = stack.distances.map(|distances| distances.layer(number));
        layer((block, distances), stack.shape, &places, memory)
    })
}

/// A sequence of a group.
struct Place {
    sight: Sight,
    /// How far its sub-words are from each other, where that counts.
    offsets: Option<Offsets>,
}

/// One layer over `memory.states`, which has these sequences.
fn layer(
    (block, distances): (&Block, Option<&LayerDistances>),
    shape: &Shape,
    places: &[Place],
    memory: &mut Memory,
) -> Result<()> {
    let Memory { states, query, key, value, context, added, inner, scores, relative, low, narrow } =
        memory;
    let count: usize = places.iter().map(|place| place.sight.length()).sum();
    let size = count * shape.hidden;
    let states = room(states, size);
    let mut rows = Rows::new(states, narrow);
    let [query, key, value] = [(&block.query, query), (&block.key, key), (&block.value, value)]
        .map(|(layer, memory)| {
            let to = room(memory, size);
            linear_with_bias(layer, &mut rows, to, low)?;
            Result::Ok(&*to)
        });
    let (query, key, value) = (query?, key?, value?);
    let context = room(context, size);
    let mut at = 0;
    let Shape { hidden, heads, .. } = *shape;
    for Place { sight, offsets } in places {
        let rows = at..at + sight.length() * hidden;
        at = rows.end;
        let [query, key, value] = [query, key, value].map(|x| &x[rows.clone()]);
        let distances = distances.zip(offsets.as_ref());
        let sequence = Sequence { query, key, value, hidden, heads, sight: *sight, distances };
        sequence.attend(&mut context[rows], scores, relative);
    }
    let added = room(added, size);
    linear(&block.attended, &mut Rows::new(context, narrow), added, low)?;
    let norm = |norm: &LayerNorm, layer, states: &mut [f32], added: &[f32]| {
        with_bias(layer, |bias| with_norm(norm, |norm| norm.apply_to_sum(states, added, bias)))?
    };
    norm(&block.attended_norm, &block.attended, states, added)?;
    let inner = room(inner, count * shape.inner);
    linear(&block.widen, &mut Rows::new(states, narrow), inner, low)?;
    with_bias(&block.widen, |bias| gelu::gelu(inner, bias))?;
    linear(&block.narrow, &mut Rows::new(inner, narrow), added, low)?;
    norm(&block.output_norm, &block.narrow, states, added)
}

/// Calls `f` with a norm.
fn with_norm(norm: &LayerNorm, f: impl FnOnce(Norm<'_>)) -> Result<()> {
    let epsilon = norm.epsilon as f32;
    with_all([&norm.weight, &norm.bias], |[weight, bias]| f(Norm { weight, bias, epsilon }))
}
