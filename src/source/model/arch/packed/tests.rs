use std::collections::BTreeMap;

use candle_core::{Device, Var};
use proptest::prelude::*;

use super::super::kernel::noise;
use super::super::{Dropout, Encoder, Mode, Precision, architecture};
use super::*;
use crate::source::model::weights::Weights;

const CONFIG: &str = r#"{"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40,
    "num_hidden_layers": 2, "vocab_size": 50, "max_position_embeddings": 70"#;
pub(super) const HIDDEN: usize = 24;
const INNER: usize = 40;

/// A small model with random weights, of embeddings of this width; with an adapter of rank 3 on every linear
/// layer where `has_adapter`.
fn model(name: &str, width: usize, has_adapter: bool) -> Box<dyn Encoder> {
    load(name, width, &weights(width, has_adapter))
}

fn load(name: &str, width: usize, weights: &Weights) -> Box<dyn Encoder> {
    (architecture(name, "memory").unwrap().load)(&config(width), weights).unwrap()
}

pub(super) fn config(width: usize) -> String {
    format!(r#"{CONFIG}, "embedding_size": {width}, "pad_token_id": 1}}"#)
}

pub(super) fn weights(width: usize, has_adapter: bool) -> Weights {
    let mut tensors = BTreeMap::new();
    let mut add = |name: String, shape: &[usize], around: f32| {
        let values = noise(shape.iter().product(), tensors.len() as u32 + 1);
        let values: Vec<f32> = values.into_iter().map(|value| around + 0.3 * value).collect();
        tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
    };
    for (table, rows) in [("word", 50), ("position", 70), ("token_type", 2)] {
        add(format!("embeddings.{table}_embeddings.weight"), &[rows, width], 0.0);
    }
    let mut linears = Vec::new();
    let mut norms = vec![("embeddings.LayerNorm".to_owned(), width)];
    if width != HIDDEN {
        linears.push(("embeddings_project".to_owned(), width, HIDDEN));
    }
    for layer in ["encoder.layer.0", "encoder.layer.1"] {
        for part in ["attention.self.query", "attention.self.key", "attention.self.value"] {
            linears.push((format!("{layer}.{part}"), HIDDEN, HIDDEN));
        }
        linears.push((format!("{layer}.attention.output.dense"), HIDDEN, HIDDEN));
        linears.push((format!("{layer}.intermediate.dense"), HIDDEN, INNER));
        linears.push((format!("{layer}.output.dense"), INNER, HIDDEN));
        norms.push((format!("{layer}.attention.output.LayerNorm"), HIDDEN));
        norms.push((format!("{layer}.output.LayerNorm"), HIDDEN));
    }
    for (name, inputs, outputs) in linears {
        add(format!("{name}.weight"), &[outputs, inputs], 0.0);
        add(format!("{name}.bias"), &[outputs], 0.0);
        if has_adapter {
            add(format!("{name}.lora_A.weight"), &[3, inputs], 0.0);
            add(format!("{name}.lora_B.weight"), &[outputs, 3], 0.0);
        }
    }
    for (name, width) in norms {
        add(format!("{name}.weight"), &[width], 1.0);
        add(format!("{name}.bias"), &[width], 0.0);
    }
    Weights::new(BTreeMap::new(), "memory".to_owned()).with_adapter(tensors, 0.5)
}

/// The hidden states of each row, padding left out.
pub(super) fn rows(states: &Tensor, lengths: &[usize]) -> Vec<Vec<f32>> {
    let states = states.to_vec3::<f32>().unwrap();
    states.iter().zip(lengths).map(|(row, length)| row[..*length].concat()).collect()
}

pub(super) fn batch(sequences: &[Vec<u32>]) -> Batch {
    Batch::new(sequences, 1, &Device::Cpu).unwrap()
}

/// What becomes of sequences if each ends with as many pairs of markers as a text can have that is left so short: with
/// positions of their own.
fn with_pairs(batch: &Batch) -> Batch {
    let (rows, length) = batch.ids.dims2().unwrap();
    let positions: Vec<u32> = (0..rows * length).map(|at| (at % length * 7 % 64) as u32).collect();
    Batch {
        ids: batch.ids.clone(),
        mask: batch.mask.clone(),
        pairs: Some(batch.lengths.iter().map(|length| length.saturating_sub(3) / 2).collect()),
        positions: Some(Tensor::from_vec(positions, (rows, length), &Device::Cpu).unwrap()),
        types: batch.types.clone(),
        lengths: batch.lengths.clone(),
    }
}

pub(super) fn sequences() -> impl Strategy<Value = Vec<Vec<u32>>> {
    proptest::collection::vec(proptest::collection::vec(0u32..50, 1..60), 1..12)
}

/// Models of weights that may change, and the same of weights that are laid out.
fn cases() -> Vec<Box<dyn Encoder>> {
    let of = |name, width, adapter| {
        let weights = weights(width, adapter);
        [load(name, width, &weights), load(name, width, &weights.finished())]
    };
    [("bert", HIDDEN), ("roberta", HIDDEN), ("electra", 16)]
        .into_iter()
        .flat_map(|(name, width)| [false, true].map(|adapter| of(name, width, adapter)))
        .flatten()
        .collect()
}

#[test]
fn equals_the_padded_pass() {
    let cases = cases();
    proptest!(ProptestConfig::with_cases(20), |(sequences in sequences())| {
        let mut batch = batch(&sequences);
        let ids = batch.ids.to_vec2::<u32>().unwrap();
        let types: Vec<Vec<u32>> = ids.iter().map(|r| r.iter().map(|id| id % 2).collect()).collect();
        for (has_types, has_pairs) in [(false, false), (true, false), (true, true)] {
            batch.types = has_types.then(|| Tensor::new(types.clone(), &Device::Cpu).unwrap());
            let marked = with_pairs(&batch);
            let batch = if has_pairs { &marked } else { &batch };
            for encoder in &cases {
                let padded = encoder.encode_layers(batch, Mode::Inference, &mut |_| {}).unwrap();
                let packed = encoder.encode(batch, Mode::Inference).unwrap();
                prop_assert_eq!(padded.dims(), packed.dims());
                let [packed, padded] = [packed, padded].map(|x| rows(&x, &batch.lengths).concat());
                for (got, expected) in packed.iter().zip(&padded) {
                    prop_assert!((got - expected).abs() < 1e-5, "{} is not {}", got, expected);
                }
            }
        }
    });
}

#[test]
fn training_equals_the_padded_pass() {
    let weights = weights(HIDDEN, true).into_trainable(|_| true).unwrap();
    let encoder = load("bert", HIDDEN, &weights);
    let variables = weights.variables();
    let off = Dropout::off();
    proptest!(ProptestConfig::with_cases(10), |(sequences in sequences())| {
        let plain = batch(&sequences);
        for batch in [&plain, &with_pairs(&plain)] {
            let seen = |states: Tensor| {
                let values = rows(&states, &batch.lengths).concat();
                let mut weighted = Vec::new();
                for (row, length) in batch.lengths.iter().enumerate() {
                    let states = states.get(row).unwrap().narrow(0, 0, *length).unwrap();
                    let factors = noise(length * HIDDEN, row as u32 + 7);
                    let factors = Tensor::from_vec(factors, (*length, HIDDEN), &Device::Cpu).unwrap();
                    weighted.push(states.mul(&factors).unwrap().sum_all().unwrap());
                }
                let gradients = Tensor::stack(&weighted, 0).unwrap().sum_all().unwrap().backward();
                let gradients = gradients.unwrap();
                let of = |variable: &Var| {
                    gradients.get(variable).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
                };
                (values, variables.values().map(of).collect::<Vec<_>>())
            };
            let mode = Mode::Training(&off);
            let (padded, by_padded) = seen(encoder.encode_layers(batch, mode, &mut |_| {}).unwrap());
            let (packed, by_packed) = seen(encoder.encode(batch, mode).unwrap());
            for (got, expected) in packed.iter().zip(&padded) {
                prop_assert!((got - expected).abs() < 1e-5, "{} is not {}", got, expected);
            }
            for ((got, expected), name) in by_packed.iter().zip(&by_padded).zip(variables.keys()) {
                let largest = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
                for (got, expected) in got.iter().zip(expected) {
                    let error = (got - expected).abs();
                    prop_assert!(error < 1e-4 * largest, "{}: {} is not {}", name, got, expected);
                }
            }
        }
    });
}

/// The same models, their linear layers in narrow numbers.
fn narrow_cases(precision: Precision) -> Vec<Box<dyn Encoder>> {
    let narrow = |(name, width)| {
        let weights = weights(width, false).with_precision(precision).finished();
        load(name, width, &weights)
    };
    [("bert", HIDDEN), ("roberta", HIDDEN), ("electra", 16)].map(narrow).into()
}

#[test]
fn narrow_numbers_are_near() {
    let cases = [("bert", HIDDEN), ("roberta", HIDDEN), ("electra", 16)];
    let cases = cases.map(|(name, width)| model(name, width, false));
    let bounds = [(Precision::Int16, 2e-2), (Precision::Bf16Pairs, 1e-1), (Precision::Int8, 2e-1)];
    let narrow = bounds.map(|(precision, bound)| (precision, bound, narrow_cases(precision)));
    proptest!(ProptestConfig::with_cases(20), |(sequences in sequences())| {
        let batch = batch(&sequences);
        for (precision, bound, narrow) in &narrow {
            for (exact, narrow) in cases.iter().zip(narrow) {
                prop_assert_eq!(exact.precision(), Precision::F32);
                prop_assert_eq!(narrow.precision(), *precision);
                let [exact, narrow] = [exact, narrow].map(|encoder| {
                    let states = encoder.encode(&batch, Mode::Inference).unwrap();
                    rows(&states, &batch.lengths).concat()
                });
                prop_assert_ne!(&exact, &narrow);
                for (got, expected) in narrow.iter().zip(&exact) {
                    prop_assert!((got - expected).abs() < *bound, "{} is not {}", got, expected);
                }
            }
        }
    });
}

#[test]
fn a_sequence_has_the_same_states_in_any_batch() {
    let narrow = [Precision::Int16, Precision::Bf16Pairs, Precision::Int8];
    let cases: Vec<_> =
        cases().into_iter().chain(narrow.into_iter().flat_map(narrow_cases)).collect();
    proptest!(ProptestConfig::with_cases(20), |(sequences in sequences())| {
        let marked = |sequences: &[Vec<u32>]| with_pairs(&batch(sequences));
        for (encoder, of) in cases.iter().flat_map(|e| [(e, &batch as &dyn Fn(&_) -> _), (e, &marked)]) {
            let together = of(&sequences);
            let states = encoder.encode(&together, Mode::Inference).unwrap();
            for (sequence, row) in sequences.iter().zip(rows(&states, &together.lengths)) {
                let alone = of(std::slice::from_ref(sequence));
                let states = encoder.encode(&alone, Mode::Inference).unwrap();
                prop_assert_eq!(states.flatten_all().unwrap().to_vec1::<f32>().unwrap(), row);
            }
        }
    });
}

#[test]
fn padding_and_empty_rows_are_zero() {
    let encoder = model("bert", HIDDEN, false);
    let batch = batch(&[vec![], vec![3, 4, 5], vec![6]]);
    let states = encoder.encode(&batch, Mode::Inference).unwrap().to_vec3::<f32>().unwrap();
    assert!(states[0].iter().chain(&states[2][1..]).flatten().all(|value| *value == 0.0));
    assert!(states[1].iter().chain(&states[2][..1]).flatten().all(|value| *value != 0.0));
}

#[test]
fn ids_that_no_table_has_are_errors() {
    let error = model("bert", HIDDEN, false).encode(&batch(&[vec![3, 50]]), Mode::Inference);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("number 50 in a table of 50 embeddings"), "{error}");
}

#[test]
fn groups_are_of_rows_one_after_another_within_the_limit() {
    assert_eq!(groups_of(&[300, 200, 12, 1, 600, 5, 0]), [0..3, 3..4, 4..5, 5..7]);
    assert!(groups_of(&[]).is_empty());
}
