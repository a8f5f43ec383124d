//! The same without padding for training: operations that a gradient flows through, on all threads.

use candle_core::{Result, Tensor};

use super::super::differentiable::{Sequences, attend, padded};
use super::super::embeddings::SubWords;
use super::super::{Dropout, Mode};
use super::{Inputs, Stack};
use crate::source::model::batch::Batch;

/// The hidden states of a batch that [`Stack::fits`] a model whose attention heeds no distances, of shape `(rows, length,
/// hidden)`; 0 at padding. Dropout draws for sub-words alone, not for padding. `positions` are as in inference.
pub(in super::super) fn encode(
    stack: Stack<'_>,
    batch: &Batch,
    positions: Option<&Tensor>,
    dropout: &Dropout,
) -> Result<Tensor> {
    let mode = Mode::Training(dropout);
    let shape = stack.shape;
    let (_, length) = batch.ids.dims2()?;
    let mut sub_words = SubWords::default();
    let inputs = Inputs::of(batch, positions)?;
    for row in inputs.rows {
        sub_words.ids.extend(row.ids);
        sub_words.positions.extend(row.positions);
        sub_words.types.extend(row.types);
    }
    let sequences = Sequences::new(&inputs.sights, shape.heads);
    let sum = stack.embeddings.look_up(&sub_words)?;
    let mut x = mode.dropout(&stack.norm.forward(&sum, mode)?, shape.dropout)?;
    if let Some(project) = stack.project {
        x = project.forward(&x)?;
    }
    for block in stack.blocks {
        let [query, key, value] =
            [&block.query, &block.key, &block.value].map(|layer| layer.forward(&x));
        let kept = dropout.draw(sequences.shares(), shape.attention_dropout);
        let context = attend(&query?, &key?, &value?, sequences.clone(), kept)?;
        x = block.finish(&x, &context, shape, mode)?;
    }
    padded(&x, &batch.lengths, length)
}
