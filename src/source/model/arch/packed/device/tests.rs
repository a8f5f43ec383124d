use proptest::prelude::*;

use super::super::super::Encoder;
use super::super::super::bert::Defaults;
use super::super::super::keys::Keys;
use super::super::tests::{HIDDEN, batch, config, rows, sequences, weights};
use super::*;

/// A small model with random weights, laid out; `padding` is the id of padding where that has a position of its own.
fn bert(
    width: usize,
    padding: Option<usize>,
    has_adapter: bool,
    precision: Option<Precision>,
) -> Bert {
    let defaults = Defaults {
        vocabulary: 50,
        hidden: HIDDEN,
        heads: 3,
        inner: 40,
        embedding: Some(width),
        padding,
    };
    let weights = weights(width, has_adapter).with_precision(precision.unwrap_or(Precision::F32));
    let mut bert =
        Bert::load(&Keys::parse(&config(width)).unwrap(), &weights, "", &defaults).unwrap();
    if let Some(precision) = precision {
        lay_out(&mut bert, precision).unwrap();
    }
    bert
}

/// The same model by the padded pass in 32 bits and by this one in `precision`.
fn cases(precision: Precision) -> Vec<[Bert; 2]> {
    let kinds = [(HIDDEN, None), (HIDDEN, Some(1)), (16, None)];
    let pair = |(width, padding), adapter| {
        [None, Some(precision)].map(|precision| bert(width, padding, adapter, precision))
    };
    kinds.into_iter().flat_map(|kind| [false, true].map(|adapter| pair(kind, adapter))).collect()
}

fn encoded(bert: &Bert, batch: &Batch) -> Vec<Vec<f32>> {
    rows(&bert.encode(batch, Mode::Inference).unwrap(), &batch.lengths)
}

fn padded(bert: &Bert, batch: &Batch) -> Vec<Vec<f32>> {
    let states = bert.encode_layers(batch, Mode::Inference, &mut |_| {}).unwrap();
    rows(&states, &batch.lengths)
}

/// The largest difference of two lists of states.
fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert!(a.iter().map(Vec::len).eq(b.iter().map(Vec::len)));
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

#[test]
fn equals_the_padded_pass() {
    let cases = cases(Precision::F32);
    proptest!(ProptestConfig::with_cases(20), |(sequences in sequences())| {
        let mut batch = batch(&sequences);
        let types = (batch.ids.to_dtype(DType::F32).unwrap() / 50.0).unwrap();
        let types = types.round().unwrap().to_dtype(DType::U32).unwrap();
        for has_types in [false, true] {
            batch.types = has_types.then(|| types.clone());
            for [reference, bert] in &cases {
                let most = difference(&encoded(bert, &batch), &padded(reference, &batch));
                prop_assert!(most < 1e-5, "{}", most);
            }
        }
    });
}

#[test]
fn rows_may_stand_in_any_order() {
    let bert = bert(HIDDEN, None, false, Some(Precision::F32));
    proptest!(ProptestConfig::with_cases(20), |(sequences in sequences().prop_shuffle(), by in 0usize..12)| {
        let states = encoded(&bert, &batch(&sequences));
        let mut turned = sequences.clone();
        turned.rotate_left(by % sequences.len());
        let mut back = encoded(&bert, &batch(&turned));
        back.rotate_right(by % sequences.len());
        prop_assert!(difference(&states, &back) < 1e-5);
    });
}

#[test]
fn padding_and_empty_rows_are_zero() {
    let [reference, bert] = &cases(Precision::F32)[0];
    let batch = batch(&[vec![], vec![7], (0..50).collect(), vec![8, 9], vec![]]);
    let states = bert.encode(&batch, Mode::Inference).unwrap().to_vec3::<f32>().unwrap();
    for (row, length) in states.iter().zip(&batch.lengths) {
        assert!(row[..*length].iter().flatten().all(|value| *value != 0.0));
        assert!(row[*length..].iter().flatten().all(|value| *value == 0.0));
    }
    assert!(difference(&encoded(bert, &batch), &padded(reference, &batch)) < 1e-5);
}

#[test]
fn sequences_of_many_lengths_and_of_one_equal_the_padded_pass() {
    let of_lengths = |lengths: Vec<u32>| -> Vec<Vec<u32>> {
        lengths.iter().map(|length| (0..*length).map(|k| (length + 3 * k) % 50).collect()).collect()
    };
    for lengths in [(1..60).collect(), vec![60; 5], vec![1], vec![1; 9], vec![33, 1, 60, 44, 45]] {
        let batch = batch(&of_lengths(lengths));
        for [reference, bert] in &cases(Precision::F32) {
            assert!(difference(&encoded(bert, &batch), &padded(reference, &batch)) < 1e-5);
        }
    }
}

#[test]
fn in_16_bits_it_is_near() {
    let cases = [(Precision::Bf16, DType::BF16, 0.2), (Precision::F16, DType::F16, 0.03)]
        .map(|(precision, numbers, bound)| (cases(precision), precision, numbers, bound));
    proptest!(ProptestConfig::with_cases(10), |(sequences in sequences())| {
        let batch = batch(&sequences);
        for (cases, precision, numbers, bound) in &cases {
            for [reference, bert] in cases {
                prop_assert_eq!(bert.precision(), *precision);
                let exact = padded(reference, &batch);
                let of_bert = encoded(bert, &batch);
                let most = difference(&of_bert, &exact);
                prop_assert!(of_bert != exact && most < *bound, "{:?}: {}", precision, most);
                // What the pass does not take multiplies by the same weights.
                let block = &bert.blocks[0];
                for linear in [&block.query, &block.key, &block.narrow] {
                    prop_assert_eq!(linear.weight.dtype(), *numbers);
                    prop_assert!(linear.adapter.is_none());
                }
                let most = difference(&padded(bert, &batch), &exact);
                prop_assert!(most < *bound, "{:?}, padded: {}", precision, most);
            }
        }
    });
}
