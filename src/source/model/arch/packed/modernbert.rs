//! ModernBERT in inference on the processor, without padding ([`super`] says how): norms before each part, rotary positions, local
//! attention, gated linear units.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::super::embeddings::add_rows;
use super::super::kernel::attention::Sight;
use super::super::kernel::gelu;
use super::super::kernel::rotary::Turns;
use super::super::modernbert::{Config, Layer, ModernBert};
use super::attention::Sequence;
use super::linear::{Rows, linear_with_bias};
use super::{Inputs, Memory, by_groups, room, with_norm};
use crate::source::model::batch::Batch;

/// The hidden states of a batch whose sub-words see all of their row but padding, on the processor, of shape `(rows, length,
/// hidden)`; 0 at padding.
pub(in super::super) fn encode(model: &ModernBert, batch: &Batch) -> Result<Tensor> {
    let config = &model.config;
    let inputs = Inputs::of(batch, None)?;
    let longest = batch.lengths.iter().copied().max().unwrap_or(0);
    let turns = |theta| Turns::new(longest, config.hidden / config.heads, theta);
    let positions =
        Positions { of_all: turns(config.global_theta), of_near: turns(config.local_theta) };
    by_groups(batch, config.hidden, |group, memory| {
        encode_group(model, &inputs, &positions, group, memory)
    })
}

/// How far positions turn queries and keys.
struct Positions {
    /// In layers where all see all.
    of_all: Turns,
    /// In those where each sees what is near.
    of_near: Turns,
}

/// Leaves the hidden states of the rows of a group in `memory.states`, one row after the other.
fn encode_group(
    model: &ModernBert,
    inputs: &Inputs,
    positions: &Positions,
    group: Range<usize>,
    memory: &mut Memory,
) -> Result<()> {
    let config = &model.config;
    let rows = &inputs.rows[group.clone()];
    let count: usize = rows.iter().map(|row| row.ids.len()).sum();
    if count == 0 {
        return Ok(());
    }
    let states = room(&mut memory.states, count * config.hidden);
    states.fill(0.0);
    let mut rest = &mut *states;
    for row in rows {
        let (of_row, behind) = rest.split_at_mut(row.ids.len() * config.hidden);
        add_rows(of_row, &model.words, &row.ids)?;
        rest = behind;
    }
    with_norm(&model.norm, |norm| norm.apply(states))?;
    let sights: Vec<Sight> =
        inputs.sights[group].iter().copied().filter(|sight| sight.length() > 0).collect();
    for layer in &model.layers {
        let turns = if layer.is_global { &positions.of_all } else { &positions.of_near };
        of_layer(layer, config, (&sights, turns), memory)?;
    }
    let states = room(&mut memory.states, count * config.hidden);
    with_norm(&model.final_norm, |norm| norm.apply(states))
}

/// One layer over `memory.states`, which has sequences of these sights.
fn of_layer(
    layer: &Layer,
    config: &Config,
    (sights, turns): (&[Sight], &Turns),
    memory: &mut Memory,
) -> Result<()> {
    let Memory { states, query, key, value, context, added, inner, scores, relative, low, narrow } =
        memory;
    let Config { hidden, heads, inner: width, reach, .. } = *config;
    let count: usize = sights.iter().map(|sight| sight.length()).sum();
    let size = count * hidden;
    let states = room(states, size);

    let normal = room(added, size);
    normal.copy_from_slice(states);
    if let Some(norm) = &layer.attention_norm {
        with_norm(norm, |norm| norm.apply(normal))?;
    }
    let stride = 3 * hidden;
    let all = room(inner, count * stride);
    linear_with_bias(&layer.attention, &mut Rows::new(normal, narrow), all, low)?;
    let [queries, keys, values, context] =
        [&mut *query, key, value, context].map(|memory| room(memory, size));
    for (to, from) in values.chunks_exact_mut(hidden).zip(all.chunks_exact(stride)) {
        to.copy_from_slice(&from[2 * hidden..]);
    }
    let mut at = 0;
    for sight in sights {
        let rows = at..at + sight.length();
        at = rows.end;
        let all = &all[rows.start * stride..rows.end * stride];
        let rows = rows.start * hidden..rows.end * hidden;
        turns.turn(&mut queries[rows.clone()], hidden, all, 0, stride);
        turns.turn(&mut keys[rows.clone()], hidden, all, hidden, stride);
        let [query, key, value] = [&*queries, &*keys, &*values].map(|x| &x[rows.clone()]);
        let sequence =
            Sequence { query, key, value, hidden, heads, sight: *sight, distances: None };
        if layer.is_global || sight.length() <= reach + 1 {
            sequence.attend(&mut context[rows], scores, relative);
        } else {
            sequence.attend_near(reach, &mut context[rows], scores);
        }
    }
    let added = room(added, size);
    linear_with_bias(&layer.attended, &mut Rows::new(context, narrow), added, low)?;
    add(states, added);

    let normal = context;
    normal.copy_from_slice(states);
    with_norm(&layer.inner_norm, |norm| norm.apply(normal))?;
    let wide = room(inner, count * 2 * width);
    linear_with_bias(&layer.widen, &mut Rows::new(normal, narrow), wide, low)?;
    let gated = room(query, count * width);
    gelu::gated(gated, wide, width);
    linear_with_bias(&layer.narrow, &mut Rows::new(gated, narrow), added, low)?;
    add(states, added);
    Ok(())
}

fn add(states: &mut [f32], added: &[f32]) {
    states.iter_mut().zip(added).for_each(|(state, added)| *state += added);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::Device;
    use proptest::prelude::*;

    use super::super::super::kernel::noise;
    use super::super::super::{Encoder, Mode, Precision, architecture};
    use super::super::tests::{batch, rows, sequences};
    use super::*;
    use crate::source::model::weights::Weights;

    const HIDDEN: usize = 24;
    const INNER: usize = 20;

    /// A small model with random weights whose local layers see 5 sub-words to each side, with biases or without.
    fn load(has_bias: bool, change: impl FnOnce(Weights) -> Weights) -> Box<dyn Encoder> {
        let config = format!(
            r#"{{"hidden_size": {HIDDEN}, "num_attention_heads": 3, "intermediate_size": {INNER},
                "num_hidden_layers": 4, "vocab_size": 50, "local_attention": 10,
                "attention_bias": {has_bias}, "mlp_bias": {has_bias}, "norm_bias": {has_bias}}}"#
        );
        let mut tensors = BTreeMap::new();
        let mut add = |name: String, shape: &[usize], around: f32| {
            let values = noise(shape.iter().product(), tensors.len() as u32 + 1);
            let values: Vec<f32> = values.into_iter().map(|value| around + 0.3 * value).collect();
            tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
        };
        add("embeddings.tok_embeddings.weight".to_owned(), &[50, HIDDEN], 0.0);
        let mut norms = vec!["embeddings.norm".to_owned(), "final_norm".to_owned()];
        for layer in 0..4 {
            let parts = [
                ("attn.Wqkv", HIDDEN, 3 * HIDDEN),
                ("attn.Wo", HIDDEN, HIDDEN),
                ("mlp.Wi", HIDDEN, 2 * INNER),
                ("mlp.Wo", INNER, HIDDEN),
            ];
            for (part, inputs, outputs) in parts {
                add(format!("layers.{layer}.{part}.weight"), &[outputs, inputs], 0.0);
                add(format!("layers.{layer}.{part}.bias"), &[outputs], 0.0);
            }
            norms.extend(["attn_norm", "mlp_norm"].map(|norm| format!("layers.{layer}.{norm}")));
        }
        for norm in norms {
            add(format!("{norm}.weight"), &[HIDDEN], 1.0);
            add(format!("{norm}.bias"), &[HIDDEN], 0.0);
        }
        let weights = change(Weights::new(tensors, "memory".to_owned()));
        (architecture("modernbert", "memory").unwrap().load)(&config, &weights).unwrap()
    }

    fn states(encoder: &dyn Encoder, batch: &Batch) -> Vec<Vec<f32>> {
        rows(&encoder.encode(batch, Mode::Inference).unwrap(), &batch.lengths)
    }

    #[test]
    fn equals_the_padded_pass() {
        let cases = [
            load(false, |weights| weights),
            load(false, Weights::finished),
            load(true, |weights| weights),
            load(true, Weights::finished),
        ];
        proptest!(ProptestConfig::with_cases(20), |(sequences in sequences())| {
            let batch = batch(&sequences);
            for encoder in &cases {
                prop_assert!(encoder.is_same_in_any_batch());
                let padded = encoder.encode_layers(&batch, Mode::Inference, &mut |_| {}).unwrap();
                let padded = rows(&padded, &batch.lengths).concat();
                for (got, expected) in states(&**encoder, &batch).concat().iter().zip(&padded) {
                    prop_assert!((got - expected).abs() < 3e-5, "{} is not {}", got, expected);
                }
            }
        });
    }

    #[test]
    fn a_sequence_has_the_same_states_in_any_batch_and_in_narrow_numbers_near_ones() {
        let exact = load(true, Weights::finished);
        let bounds = [(Precision::Int16, 2e-2), (Precision::Int8, 3e-1)];
        let narrow = bounds.map(|(precision, bound)| {
            let encoder = load(true, |weights| weights.with_precision(precision).finished());
            assert_eq!(encoder.precision(), precision);
            (encoder, bound)
        });
        proptest!(ProptestConfig::with_cases(20), |(sequences in sequences())| {
            let together = batch(&sequences);
            let expected = states(&*exact, &together);
            let all = narrow.iter().map(|(encoder, bound)| (encoder, *bound));
            for (encoder, bound) in all.chain([(&exact, 0.0)]) {
                let all = states(&**encoder, &together);
                for (sequence, row) in sequences.iter().zip(&all) {
                    let alone = states(&**encoder, &batch(std::slice::from_ref(sequence)));
                    prop_assert_eq!(&alone[0], row);
                }
                for (got, expected) in all.concat().iter().zip(expected.concat()) {
                    prop_assert!((got - expected).abs() <= bound, "{} is not {}", got, expected);
                }
            }
        });
    }
}
