//! One step: forward and backward over its batches, the gradients added up as if they were one batch.

use super::data::Example;
use super::gradient::Gradients;
use super::trainee::Trainee;
use crate::source::model::Dropout;

/// What a step found.
pub struct Step {
    /// The mean loss of what was learnt (of words, for a token classifier).
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
pub fn compute<T: Trainee>(
    trainee: &T,
    batches: &[Vec<&T::Example>],
    dropout: &Dropout,
) -> candle_core::Result<Step> {
    let examples = || batches.iter().flatten();
    let divisor: f64 = examples().map(|example| trainee.weight(example)).sum();
    let divisor = if divisor > 0.0 { divisor } else { 1.0 };
    let mut step = Step {
        loss: 0.0,
        gradients: Gradients::default(),
        tokens: examples().map(|example| example.length()).sum(),
    };
    for examples in batches {
        let value = trainee.loss(examples, divisor, dropout)?;
        step.loss += f64::from(value.to_dtype(candle_core::DType::F32)?.to_scalar::<f32>()?);
        step.gradients.add(trainee.variables(), value.backward()?)?;
    }
    Ok(step)
}
