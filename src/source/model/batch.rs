//! Sequences become batches: sorted by length so that little is padded, cut by a token budget.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};

/// Padded sequences on a device.
pub struct Batch {
    /// Sub-word ids, `u32`, shape `(rows, length)`.
    pub ids: Tensor,
    /// Added to attention scores: 0 where a sub-word is, a very negative number at padding; `f32`,
    /// shape `(rows, 1, 1, length)`. `None` where nothing is padded.
    pub mask: Option<Tensor>,
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
        Ok(Self { ids, mask, types: None, lengths })
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
