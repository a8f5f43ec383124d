//! Batches of sequences of sub-words, as a tagger makes them.

use candle_core::Device;
use spanloom::source::model::batch::{Batch, plan};

/// The batches of the sequences, of at most so many sub-words with their padding, which is 0.
pub(crate) fn batches(sequences: &[Vec<u32>], tokens: usize, device: &Device) -> Vec<Batch> {
    let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
    let (order, ranges) = plan(&lengths, tokens);
    let batch = |range: std::ops::Range<usize>| {
        let members: Vec<Vec<u32>> = order[range].iter().map(|&i| sequences[i].clone()).collect();
        Batch::new(&members, 0, device).expect("a batch")
    };
    ranges.into_iter().map(batch).collect()
}
