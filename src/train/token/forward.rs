//! The loss of a batch of tagged words, forward.

use super::examples::TagExample;
use super::loss::TagLoss;
use super::trainee::TokenTrainee;
use crate::source::model::batch::Batch;
use crate::source::model::head::Positions;
use crate::source::model::{Dropout, Mode};

/// The sum of the losses of a batch's words, divided by `divisor`.
pub(super) fn forward(
    trainee: &TokenTrainee,
    examples: &[&TagExample],
    divisor: f64,
    dropout: &Dropout,
) -> candle_core::Result<candle_core::Tensor> {
    let loss = &trainee.loss;
    let ids: Vec<Vec<u32>> = examples.iter().map(|example| example.ids.clone()).collect();
    let batch = Batch::new(&ids, trainee.tagger.sub_words().pad, trainee.tagger.device())?;
    if let Some(crf) = trainee.crf() {
        let sequences: Vec<Sequence> =
            examples.iter().map(|example| Sequence::of(example, crf.positions, loss)).collect();
        let places: Vec<&[u32]> = sequences.iter().map(|s| s.places.as_slice()).collect();
        let emissions = trainee.logits(&batch, &places, Mode::Training(dropout))?;
        let lengths = sequences.iter().map(|sequence| sequence.places.len()).collect();
        let right = sequences.into_iter().flat_map(|sequence| sequence.right).collect();
        return crf.negative_log_likelihood(&emissions, lengths, right, divisor);
    }
    let places: Vec<&[u32]> = examples.iter().map(|e| e.positions.as_slice()).collect();
    let targets = examples.iter().flat_map(|example| example.targets.iter().copied());
    let logits = trainee.logits(&batch, &places, Mode::Training(dropout))?;
    loss.sum(&logits, targets.collect(), divisor)
}

/// What a CRF is taught of an example.
struct Sequence {
    /// Where in it the CRF reads.
    places: Vec<u32>,
    /// The tags that are right at each of these places; none where any is.
    right: Vec<Vec<usize>>,
}

impl Sequence {
    fn of(example: &TagExample, positions: Positions, loss: &TagLoss) -> Self {
        let said = example.positions.iter().zip(&example.targets);
        let said = said.map(|(place, target)| (*place, loss.allowed(*target).to_vec()));
        match positions {
            Positions::Words => {
                let (places, right) = said.unzip();
                Self { places, right }
            }
            Positions::Pieces => {
                let mut right = vec![Vec::new(); example.ids.len()];
                said.for_each(|(place, allowed)| right[place as usize] = allowed);
                Self { places: (0..example.ids.len() as u32).collect(), right }
            }
        }
    }
}
