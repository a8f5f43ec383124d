use candle_core::Var;

use super::super::Dropout;
use super::super::dropout::Kept;
use super::super::kernel::attention::Sight;
use super::*;

fn random(shape: &[usize], seed: u64) -> Var {
    let count: usize = shape.iter().product();
    let value = |i: usize| ((i as f32 + 0.3 * seed as f32) * 1.7).sin() * 2.0;
    Var::from_vec((0..count).map(value).collect(), shape, &Device::Cpu).unwrap()
}

/// An operation, of one form or the other.
type Form<'f> = &'f dyn Fn(&[Var]) -> Result<Tensor>;

/// The values of both forms, and the gradients by every argument, agree.
fn agree(arguments: &[Var], forms: [Form<'_>; 2]) {
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let [ours, theirs] = forms.map(|form| {
        let y = form(arguments).unwrap();
        let weights = random(y.dims(), 9);
        let loss = (&y * weights.as_detached_tensor()).unwrap().sum_all().unwrap();
        let gradients = loss.backward().unwrap();
        let of = |argument: &Var| flat(gradients.get(argument).unwrap());
        let mut all: Vec<Vec<f32>> = arguments.iter().map(of).collect();
        all.push(flat(&y));
        all
    });
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - b).abs() < 2e-5 * (1.0 + b.abs()), "{a} is not {b}");
        }
    }
}

#[test]
fn values_and_gradients_are_those_of_the_plain_forms() {
    let (x, w, b) = (random(&[3, 50, 24], 1), random(&[10, 24], 2), random(&[10], 3));
    let plain = |a: &[Var]| {
        let product = a[0].reshape((150, 24))?.matmul(&a[1].t()?)?;
        product.broadcast_add(&a[2])?.reshape((3, 50, 10))
    };
    agree(&[x.clone(), w.clone(), b], [&|a| linear(&a[0], &a[1], Some(&a[2])), &plain]);
    let plain = |a: &[Var]| a[0].reshape((150, 24))?.matmul(&a[1].t()?)?.reshape((3, 50, 10));
    agree(&[x.clone(), w], [&|a| linear(&a[0], &a[1], None), &plain]);
    let norm = [x.clone(), random(&[24], 4), random(&[24], 5)];
    let plain = |a: &[Var]| candle_nn::ops::layer_norm_slow(&a[0], &a[1], &a[2], 1e-5);
    agree(&norm, [&|a| layer_norm(&a[0], &a[1], &a[2], 1e-5), &plain]);
    let last = candle_core::D::Minus1;
    let one = [x.clone()];
    agree(&one, [&|a| softmax(&a[0]), &|a| candle_nn::ops::softmax(&a[0], last)]);
    let scores = random(&[2, 3, 5, 5], 6);
    let mask = Tensor::from_vec(
        [[0.0f32; 5], [0.0, 0.0, 0.0, f32::MIN, f32::MIN]].concat(),
        (2, 1, 1, 5),
        &Device::Cpu,
    );
    let mask = mask.unwrap();
    let plain =
        |a: &[Var]| candle_nn::ops::softmax(&(a[0].as_tensor() * 0.5)?.broadcast_add(&mask)?, last);
    agree(&[scores], [&|a| shares(&a[0], 0.5, Some(&mask)), &plain]);
    let plain = |a: &[Var]| a[0].reshape((3, 50, 4, 6))?.transpose(1, 2)?.contiguous();
    agree(&one, [&|a| swapped(&a[0], [3, 50, 4, 6], &[3, 4, 50, 6]), &plain]);
    agree(&one, [&|a| gelu(&a[0]), &|a| a[0].gelu_erf()]);
    let draw = |count| Dropout::new(5, 0).draw(count, 0.3).unwrap();
    let mask = tensor(draw(x.elem_count()).of(&vec![1.0; x.elem_count()]), x.shape()).unwrap();
    let masks = |a: &Tensor| a.mul(&mask);
    agree(&one, [&|a| masked(&a[0], draw(a[0].elem_count())), &|a| masks(&a[0])]);
    let two = [x.clone(), random(&[3, 50, 24], 7)];
    let ours = |a: &[Var]| residual(&a[0], &a[1], Some(draw(a[0].elem_count())));
    agree(&two, [&ours, &|a| a[0].add(&masks(&a[1])?)]);
    agree(&two, [&|a| residual(&a[0], &a[1], None), &|a| a[0].add(&a[1])]);
    let ids = [3, 0, 3, 5];
    let plain = |a: &[Var]| a[0].index_select(&Tensor::new(&ids, &Device::Cpu)?, 0);
    agree(&[random(&[6, 7], 8)], [&|a| look_up(&a[0], &ids), &plain]);
    let plain = |a: &[Var]| {
        let row = |begin, count: usize| {
            a[0].narrow(0, begin, count)?.pad_with_zeros(0, 0, 4 - count)?.unsqueeze(0)
        };
        let empty = Tensor::zeros((1, 4, 7), DType::F32, &Device::Cpu)?;
        Tensor::cat(&[row(0, 2)?, empty, row(2, 4)?], 0)
    };
    agree(&[random(&[6, 7], 8)], [&|a| padded(&a[0], &[2, 0, 4], 4), &plain]);
}

/// Each sequence and head by itself, with what dropout keeps of the shares as `mask`.
fn plain_attention(a: &[Var], lengths: &[usize], heads: usize, mask: &[f32]) -> Result<Tensor> {
    let width = a[0].dim(1)? / heads;
    let (mut row, mut share) = (0, 0);
    let mut sequences = Vec::new();
    for &length in lengths.iter().filter(|length| **length > 0) {
        let mut of_heads = Vec::new();
        for head in 0..heads {
            let part = |x: &Var| x.narrow(0, row, length)?.narrow(1, head * width, width);
            let scores = (part(&a[0])?.matmul(&part(&a[1])?.t()?)? / (width as f64).sqrt())?;
            let shares = candle_nn::ops::softmax(&scores, candle_core::D::Minus1)?;
            let mask = Tensor::new(&mask[share..share + length * length], &Device::Cpu)?;
            let shares = shares.mul(&mask.reshape((length, length))?)?;
            of_heads.push(shares.matmul(&part(&a[2])?)?);
            share += length * length;
        }
        sequences.push(Tensor::cat(&of_heads, 1)?);
        row += length;
    }
    Tensor::cat(&sequences, 0)
}

#[test]
fn attention_is_that_of_each_sequence_by_itself() {
    let (lengths, heads) = ([3, 0, 1, 17], 2);
    let arguments = [1, 2, 3].map(|seed| random(&[21, 10], seed));
    let sight = |length: &usize| Sight::new(*length, 0).unwrap();
    let sequences = Sequences::new(&lengths.iter().map(sight).collect::<Vec<_>>(), heads);
    let count = sequences.shares();
    assert_eq!(count, 2 * (9 + 1 + 289));
    let draw = || Dropout::new(5, 0).draw(count, 0.3);
    for kept in [&(|| None) as &dyn Fn() -> Option<Kept>, &draw] {
        let ones = vec![1.0; count];
        let mask = kept().map_or(ones.clone(), |kept| kept.of(&ones));
        agree(
            &arguments,
            [&|a| attend(&a[0], &a[1], &a[2], sequences.clone(), kept()), &|a| {
                plain_attention(a, &lengths, heads, &mask)
            }],
        );
    }
    let [query, key, value] = &arguments;
    let error =
        attend(query, key, value, Sequences::new(&[sight(&3), sight(&4)], 2), None).unwrap_err();
    assert!(error.to_string().contains("21 sub-words in sequences of [3, 4]"), "{error}");
}

/// Step by step, with candle's operations; 0 behind the end of a row.
fn plain_lstm(a: &[Var], lengths: &[usize]) -> Result<Tensor> {
    let (rows, length, width) = a[0].dims3()?;
    let size = width / 4;
    let zeros = Tensor::zeros((rows, size), DType::F32, &Device::Cpu)?;
    let (mut hidden, mut cell) = (zeros.clone(), zeros);
    let mut states = Vec::new();
    for at in 0..length {
        let gates = (a[0].narrow(1, at, 1)?.squeeze(1)? + hidden.matmul(&a[1].t()?)?)?;
        let gate = |number: usize| gates.narrow(1, number * size, size);
        let [input, forget, output] = [0, 1, 3].map(|n| candle_nn::ops::sigmoid(&gate(n)?));
        cell = ((forget? * &cell)? + (input? * gate(2)?.tanh()?)?)?;
        hidden = (output? * cell.tanh()?)?;
        let is_read = lengths.iter().map(|length| f32::from(u8::from(at < *length))).collect();
        states.push(hidden.broadcast_mul(&Tensor::from_vec(is_read, (rows, 1), &Device::Cpu)?)?);
    }
    Tensor::stack(&states, 1)
}

#[test]
fn an_lstm_is_that_of_each_row_by_itself() {
    for (lengths, size) in [([5, 2, 7, 0].as_slice(), 3), (&[40], 17), (&[1, 1], 64)] {
        let longest = *lengths.iter().max().unwrap();
        let arguments =
            [random(&[lengths.len(), longest, 4 * size], 1), random(&[4 * size, size], 2)];
        agree(&arguments, [&|a| lstm(&a[0], &a[1], lengths), &|a| plain_lstm(a, lengths)]);
    }
    let [projected, recurrent] = [random(&[1, 2, 8], 1), random(&[12, 3], 2)];
    let error = lstm(&projected, &recurrent, &[2]).unwrap_err().to_string();
    assert!(error.contains("gates of 8 and weights of shape (12, 3) do not fit"), "{error}");
}

#[test]
fn what_is_masked_takes_no_part() {
    let x = Tensor::new(&[[1.0f32, f32::MIN, 2.0]], &Device::Cpu).unwrap();
    let y = softmax(&x).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(y[0][1], 0.0);
    assert!((y[0].iter().sum::<f32>() - 1.0).abs() < 1e-6);
}

#[test]
fn a_weight_that_is_not_trained_costs_no_gradient() {
    let (x, w) = (random(&[2, 4], 1), random(&[3, 4], 2));
    let y = linear(&x, &w.as_detached_tensor(), None).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert!(gradients.get(&x).is_some() && gradients.get(&w).is_none());
}
