//! Attention of several heads (Vaswani et al. 2017, arXiv:1706.03762) over sequences without padding that are sorted by
//! length, longest first: neighbours that are nearly as long as each other are padded to the longest of them and
//! go through it together, by batched products and softmax.

use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};

use super::super::super::Mode;
use super::super::super::layers::softmax;
use super::Dense;
use super::fused::ShortAttention;
use super::varlen::Varlen;
use crate::source::model::batch::MASKED;

/// Sequences of no more sub-words than this are padded to each other whatever their lengths: a launch costs more.
/// By count of operations; no GPU was asked.
const SHORT: usize = 32;

/// How the sequences of a batch attend.
pub(super) enum Attention {
    /// By our kernel for short sequences.
    Short(ShortAttention),
    /// By the kernel for sequences of any length.
    Varlen(Varlen),
    /// By groups.
    Grouped(Grouped),
}

impl Attention {
    /// For sequences of these lengths, with states of `hidden` of these numbers. `heads` numbers the heads of queries, keys
    /// and values, in shape `(3, 1, heads, 1)`.
    pub(super) fn new(
        lengths: &[usize],
        heads: &Tensor,
        hidden: usize,
        numbers: DType,
    ) -> Result<Self> {
        let (count, device) = (heads.dim(2)?, heads.device());
        let shape = [count, hidden / count];
        if let Some(varlen) = Varlen::new(lengths, shape, numbers, device)? {
            return Ok(Self::Varlen(varlen));
        }
        if let Some(short) = ShortAttention::new(lengths, shape, numbers, device)? {
            return Ok(Self::Short(short));
        }
        Ok(Self::Grouped(Grouped::new(lengths, heads, hidden / count, numbers)?))
    }

    /// What each query gathers, of shape `(sub-words, hidden)`: `projections` makes of `x`, of the same shape, queries, keys
    /// and values beside each other. Scores are taken as they are, not divided.
    pub(super) fn context(&self, x: &Tensor, projections: &Dense) -> Result<Tensor> {
        match self {
            Self::Short(short) => short.context(&projections.product(x)?, &projections.bias),
            Self::Varlen(varlen) => varlen.context(&projections.forward(x)?),
            Self::Grouped(grouped) => grouped.context(&projections.forward(x)?),
        }
    }
}

/// Where things stand, in heads of queries, keys and values: rows of their `width`.
pub(super) struct Grouped {
    groups: Vec<Group>,
    /// For each sub-word and head, where among what the groups gather it stands.
    gathered: Tensor,
    width: usize,
}

/// Sequences that are padded to the longest of them.
struct Group {
    /// How many sequences, heads and sub-words of the longest.
    dims: [usize; 3],
    /// Of queries, keys and values in this order: where for each sequence, head and position they stand; what
    /// stands at padding is arbitrary.
    projected: Tensor,
    /// Of shape `(sequences, 1, 1, longest)`, where there is padding.
    mask: Option<Tensor>,
}

impl Grouped {
    fn new(lengths: &[usize], heads: &Tensor, width: usize, numbers: DType) -> Result<Self> {
        let device = heads.device();
        let count = heads.dim(2)?;
        let total: usize = lengths.iter().sum();
        // By sub-word: where the first of its heads stands among what is gathered, and how far apart they are.
        let (mut firsts, mut steps) = (Vec::with_capacity(total), Vec::with_capacity(total));
        let mut groups = Vec::new();
        let (mut first, mut gathered) = (0, 0);
        for range in groups_of(lengths) {
            let lengths = &lengths[range];
            let longest = lengths[0];
            for length in lengths {
                firsts.extend((gathered..gathered + length).map(|at| at as u32));
                steps.resize(firsts.len(), longest as u32);
                gathered += count * longest;
            }
            groups.push(Group::new(lengths, first, heads, numbers)?);
            first += lengths.iter().sum::<usize>();
        }
        let [firsts, steps] = [firsts, steps].map(|x| Tensor::from_vec(x, (total, 1), device));
        let heads = heads.narrow(0, 0, 1)?.reshape((1, count))?;
        let gathered = firsts?.broadcast_add(&steps?.broadcast_mul(&heads)?)?.flatten_all()?;
        Ok(Self { groups, gathered, width })
    }

    fn context(&self, projected: &Tensor) -> Result<Tensor> {
        let (rows, columns) = projected.dims2()?;
        let heads = projected.reshape(((), self.width))?;
        let gather = |group: &Group| group.gather(&heads, self.width);
        let gathered = self.groups.iter().map(gather).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&gathered, 0)?.index_select(&self.gathered, 0)?.reshape((rows, columns / 3))
    }
}

impl Group {
    /// Sequences of these lengths, longest first, the first of which begins at the sub-word `first`.
    fn new(lengths: &[usize], first: usize, heads: &Tensor, numbers: DType) -> Result<Self> {
        let device = heads.device();
        let (count, longest) = (heads.dim(2)?, lengths[0]);
        let mut places = Vec::with_capacity(lengths.len() * longest);
        let mut at = first;
        for length in lengths {
            let last = at + length - 1;
            places.extend((at..at + longest).map(|at| (at.min(last) * 3 * count) as u32));
            at += length;
        }
        let places = Tensor::from_vec(places, (1, lengths.len(), 1, longest), device)?;
        Ok(Self {
            dims: [lengths.len(), count, longest],
            projected: places.broadcast_add(heads)?.flatten_all()?,
            mask: mask(lengths, numbers, device)?,
        })
    }

    /// What each query gathers, by sequence, head and position: shape `(…, width)`.
    fn gather(&self, heads: &Tensor, width: usize) -> Result<Tensor> {
        let [sequences, count, longest] = self.dims;
        let dims = (3, sequences * count, longest, width);
        let padded = heads.index_select(&self.projected, 0)?.reshape(dims)?;
        let [query, key, value] = [0, 1, 2].map(|part| padded.get(part));
        let mut scores = query?.matmul(&key?.t()?)?;
        if let Some(mask) = &self.mask {
            let by_sequence = scores.reshape((sequences, count, longest, longest))?;
            scores = by_sequence.broadcast_add(mask)?.reshape(scores.shape())?;
        }
        softmax(&scores, Mode::Inference)?.matmul(&value?)?.reshape(((), width))
    }
}

/// Added to scores: 0 where a key is of the sequence, else [`MASKED`].
fn mask(lengths: &[usize], numbers: DType, device: &Device) -> Result<Option<Tensor>> {
    let longest = lengths[0];
    if lengths.iter().all(|length| *length == longest) {
        return Ok(None);
    }
    let of = |length: &usize| {
        let length = *length;
        (0..longest).map(move |position| if position < length { 0.0 } else { MASKED })
    };
    let mask: Vec<f32> = lengths.iter().flat_map(of).collect();
    let mask = Tensor::from_vec(mask, (lengths.len(), 1, 1, longest), device)?;
    mask.to_dtype(numbers).map(Some)
}

/// Sequences one after another that go together: none is shorter than three quarters of the longest, or all are
/// [`SHORT`].
fn groups_of(lengths: &[usize]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (sequence, length) in lengths.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if lengths[group.start] <= (length * 4 / 3).max(SHORT) => {
                group.end = sequence + 1;
            }
            _ => groups.push(sequence..sequence + 1),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_go_together_where_they_are_nearly_as_long_as_each_other() {
        assert_eq!(groups_of(&[400, 300, 299, 225, 33, 32, 1]), [0..2, 2..4, 4..6, 6..7]);
        assert_eq!(groups_of(&[33, 32, 5, 1]), [0..2, 2..4]);
        assert!(groups_of(&[]).is_empty());
    }
}
