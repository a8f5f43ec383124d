//! One step: forward and backward over its batches, the gradients added up as if they were one batch.

use std::sync::Arc;

use super::data::Example;
use super::gradient::Gradients;
use super::loss::TagLoss;
use super::trainee::Trainee;
use crate::source::model::batch::Batch;
use crate::source::model::head::Positions;
use crate::source::model::{Dropout, Mode};

/// What a step found.
pub struct Step {
    /// The mean loss of its words.
    pub loss: f64,
    /// The gradients of that mean.
    pub gradients: Gradients,
    /// How many sub-words were computed, padding not counted.
    pub tokens: usize,
}

/// Computes the loss and gradients of one step, whose words count alike in whichever batch they are.
///
/// # Errors
/// Where the device fails.
pub fn compute(
    trainee: &Trainee,
    loss: &Arc<TagLoss>,
    batches: &[Vec<&Example>],
    dropout: &Dropout,
) -> candle_core::Result<Step> {
    let examples = || batches.iter().flatten();
    let divisor: f64 = examples().map(|example| loss.weight(&example.targets)).sum();
    let divisor = if divisor > 0.0 { divisor } else { 1.0 };
    let mut step = Step {
        loss: 0.0,
        gradients: Gradients::default(),
        tokens: examples().map(|example| example.ids.len()).sum(),
    };
    for examples in batches {
        let value = forward(trainee, loss, examples, divisor, dropout)?;
        step.loss += f64::from(value.to_dtype(candle_core::DType::F32)?.to_scalar::<f32>()?);
        step.gradients.add(&trainee.variables, value.backward()?)?;
    }
    Ok(step)
}

/// The sum of the losses of a batch's words, divided by `divisor`.
fn forward(
    trainee: &Trainee,
    loss: &Arc<TagLoss>,
    examples: &[&Example],
    divisor: f64,
    dropout: &Dropout,
) -> candle_core::Result<candle_core::Tensor> {
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
    fn of(example: &Example, positions: Positions, loss: &TagLoss) -> Self {
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
