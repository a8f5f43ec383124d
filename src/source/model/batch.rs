//! Sequences become batches: sorted by length so that little is padded, cut by a token budget.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

/// Padded sequences on a device.
pub struct Batch {
    /// Sub-word ids, `u32`, shape `(rows, length)`.
    pub ids: Tensor,
    /// Added to attention scores: 0 where a sub-word is seen, a very negative number where it is not, as is
    /// padding; `f32`, shape `(rows, 1, 1, length)`. `None` where all see all.
    pub mask: Option<Tensor>,
    /// How many pairs of markers each row ends with, before its padding: the first of every pair, then the second of every
    /// pair. What stands before them, which is something, does not see them, and each marker sees that and its
    /// own pair. For encoders with [`super::arch::Encoder::positions`]; `None` where there are no markers.
    pub pairs: Option<Vec<usize>>,
    /// The number of each sub-word's position, `u32`, shape `(rows, length)`, for encoders with
    /// [`super::arch::Encoder::positions`]; `None` where they count for themselves.
    pub positions: Option<Tensor>,
    /// Which of two texts a sub-word belongs to, `u32`, shape `(rows, length)`; `None` where there is
    /// only one.
    pub types: Option<Tensor>,
    /// How many sub-words each row has before its padding.
    pub lengths: Vec<usize>,
}

/// What stands in a mask at padding; its softmax is exactly 0.
pub(super) const MASKED: f32 = f32::MIN;

impl Batch {
    /// Pads sequences to the longest of them with `pad`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(sequences: &[Vec<u32>], pad: u32, device: &Device) -> Result<Self> {
        let rows = sequences.len();
        let length = sequences.iter().map(Vec::len).max().unwrap_or(0);
        let padded = sequences.iter().any(|s| s.len() < length);
        let mut ids = Vec::with_capacity(rows * length);
        let mut mask = Vec::with_capacity(if padded { rows * length } else { 0 });
        for sequence in sequences {
            ids.extend_from_slice(sequence);
            ids.resize(ids.len() + length - sequence.len(), pad);
            if padded {
                mask.resize(mask.len() + sequence.len(), 0.0);
                mask.resize(mask.len() + length - sequence.len(), MASKED);
            }
        }
        let ids = Tensor::from_vec(ids, (rows, length), device)?;
        let mask =
            if padded { Some(Tensor::from_vec(mask, (rows, 1, 1, length), device)?) } else { None };
        let lengths = sequences.iter().map(Vec::len).collect();
        Ok(Self { ids, mask, pairs: None, positions: None, types: None, lengths })
    }

    /// What is added to attention scores: [`Batch::mask`], or where there are pairs of markers, one of shape
    /// `(rows, 1, length, length)`, a row for each that sees.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn attention_mask(&self) -> Result<Option<Tensor>> {
        let Some(pairs) = &self.pairs else { return Ok(self.mask.clone()) };
        let (rows, length) = self.ids.dims2()?;
        let mut mask = vec![MASKED; rows * length * length];
        let of_rows = mask.chunks_exact_mut((length * length).max(1)).zip(&self.lengths).zip(pairs);
        for ((mask, of_row), pairs) in of_rows {
            let text = of_row - 2 * pairs;
            for (seer, seen) in mask.chunks_exact_mut(length).take(*of_row).enumerate() {
                seen[..text].fill(0.0);
                if seer >= text {
                    let first = text + (seer - text) % pairs;
                    (seen[first], seen[first + pairs]) = (0.0, 0.0);
                }
            }
        }
        Tensor::from_vec(mask, (rows, 1, length, length), self.ids.device()).map(Some)
    }
}

/// Which sequences go together: the numbers of the sequences sorted by length, and ranges into that
/// list of at most `budget` padded sub-words each (at least one sequence).
pub fn plan(lengths: &[usize], budget: usize) -> (Vec<usize>, Vec<Range<usize>>) {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| (lengths[i], i));
    let mut batches = Vec::new();
    let mut start = 0;
    for i in 0..order.len() {
        // Sorted: the sequence at hand is the longest of its batch.
        if i > start && lengths[order[i]] * (i - start + 1) > budget {
            batches.push(start..i);
            start = i;
        }
    }
    if start < order.len() {
        batches.push(start..order.len());
    }
    (order, batches)
}

/// What `run` makes of each batch: side by side on the processor, one after another on a device that does one thing at a time.
pub(super) fn each_batch<B: Sync, T: Send>(
    device: &Device,
    batches: &[B],
    run: impl Fn(&B) -> T + Sync,
) -> Vec<T> {
    if device.is_cpu() {
        batches.par_iter().map(&run).collect()
    } else {
        batches.iter().map(run).collect()
    }
}

/// What `answer` makes of each of several sequences of these lengths, in their order: it is asked about
/// batches of them by number (see [`plan`] and [`each_batch`]). Where a batch failed, each of its sequences has the reason.
pub(super) fn answers<T: Send>(
    lengths: &[usize],
    budget: usize,
    device: &Device,
    answer: impl Fn(&[usize]) -> Result<Vec<T>> + Sync,
) -> Vec<std::result::Result<T, String>> {
    let (order, batches) = plan(lengths, budget);
    let run = |batch: &Range<usize>| answer(&order[batch.clone()]);
    let results = each_batch(device, &batches, run);
    let mut all: Vec<_> = lengths.iter().map(|_| Err("no answer".to_owned())).collect();
    for (batch, result) in batches.into_iter().zip(results) {
        let members = order[batch].iter();
        match result {
            Ok(answers) => members.zip(answers).for_each(|(i, answer)| all[*i] = Ok(answer)),
            Err(error) => members.for_each(|i| all[*i] = Err(error.to_string())),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn padding_is_masked_and_full_batches_have_no_mask() {
        let batch = Batch::new(&[vec![1, 2, 3], vec![4]], 9, &Device::Cpu).unwrap();
        assert_eq!(batch.ids.to_vec2::<u32>().unwrap(), [[1, 2, 3], [4, 9, 9]]);
        let mask = batch.mask.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(mask, [0.0, 0.0, 0.0, 0.0, MASKED, MASKED]);
        assert!(Batch::new(&[vec![1], vec![2]], 9, &Device::Cpu).unwrap().mask.is_none());
    }

    #[test]
    fn answers_come_in_the_order_of_the_sequences() {
        let answer = |members: &[usize]| match members {
            members if members.contains(&1) => candle_core::bail!("too long"),
            members => Ok(members.iter().map(|i| i * 10).collect()),
        };
        let answers = answers(&[5, 40, 3, 7], 12, &Device::Cpu, answer);
        let ok: Vec<Option<usize>> = answers.iter().map(|a| a.as_ref().ok().copied()).collect();
        assert_eq!(ok, [Some(0), None, Some(20), Some(30)]);
        assert!(answers[1].as_ref().unwrap_err().contains("too long"));
    }

    proptest! {
        #[test]
        fn every_sequence_is_in_one_batch_within_the_budget(
            lengths in proptest::collection::vec(1usize..50, 0..40),
            budget in 1usize..200,
        ) {
            let (order, batches) = plan(&lengths, budget);
            let mut seen: Vec<usize> = Vec::new();
            for batch in batches {
                let members = &order[batch];
                let longest = members.iter().map(|&i| lengths[i]).max().unwrap();
                prop_assert!(members.len() == 1 || longest * members.len() <= budget);
                seen.extend(members);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
        }
    }
}
