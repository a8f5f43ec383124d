use super::super::noise;
use super::*;
use proptest::prelude::*;

const BITS: [Bits; 2] = [Bits::Eight, Bits::Twelve];

fn product(x: &[f32], weight: &[f32], inputs: usize, bits: Bits) -> Vec<f32> {
    product_of(x, weight, inputs, Numbers::Whole(bits))
}

fn product_of(x: &[f32], weight: &[f32], inputs: usize, numbers: Numbers) -> Vec<f32> {
    let mut to = vec![9.0; x.len() / inputs * (weight.len() / inputs)];
    let mut rows = NarrowRows::default();
    // What stood there before is not seen.
    rows.set(&[1.0; 30], 5, Numbers::Whole(Bits::Eight));
    rows.set(x, inputs, numbers);
    rows.multiply(&NarrowWeight::new(weight, inputs, numbers), &mut to);
    to
}

fn factors(
    x: &[f32],
    weight: &[f32],
    inputs: usize,
    numbers: Numbers,
    packing: Packing,
) -> (Left, Right) {
    let mut left = Left::default();
    left.set(x, inputs, numbers, packing);
    (left, Right::new(weight, inputs, numbers, packing))
}

fn twin(x: &[f32], weight: &[f32], inputs: usize, bits: Bits, packing: Packing) -> Vec<f32> {
    twin_of(x, weight, inputs, Numbers::Whole(bits), packing)
}

fn twin_of(
    x: &[f32],
    weight: &[f32],
    inputs: usize,
    numbers: Numbers,
    packing: Packing,
) -> Vec<f32> {
    let (left, right) = factors(x, weight, inputs, numbers, packing);
    let mut to = vec![0.0; x.len() / inputs * (weight.len() / inputs)];
    plain::product(&left, &right, &mut to);
    to
}

proptest! {
    #[test]
    fn equals_the_twin_in_any_packing_and_nearly_the_definition(
        [rows, inputs, outputs] in [1usize..20, 1usize..1300, 1usize..80],
        size in 0.01f32..100.0,
        bits in prop::sample::select(&BITS),
    ) {
        let x: Vec<f32> = noise(rows * inputs, 1).into_iter().map(|v| size * v).collect();
        let weight = noise(outputs * inputs, 2);
        let got = product(&x, &weight, inputs, bits);
        prop_assert_eq!(&got, &twin(&x, &weight, inputs, bits, Packing::Pairs));
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            let numbers = Numbers::Whole(bits);
            let (left, right) = factors(&x, &weight, inputs, numbers, Packing::Pairs);
            let mut to = vec![0.0; rows * outputs];
            simd.vectorize(avx2::Product { simd, left: &left, right: &right, to: &mut to });
            prop_assert_eq!(&got, &to);
        }
        if bits == Bits::Eight {
            prop_assert_eq!(&got, &twin(&x, &weight, inputs, bits, Packing::Quads));
        }
        prop_assert_eq!(&got, &twin(&x, &weight, inputs, bits, Packing::Tiles));
        // The error of a number is at most half of what the largest is divided by, that of a sum of products grows as its root.
        let bound = size * (inputs as f32).sqrt() * 4.0 / bits.largest();
        for (at, got) in got.iter().enumerate() {
            let (x, weight) = (&x[at / outputs * inputs..], &weight[at % outputs * inputs..]);
            let products = x.iter().zip(weight).take(inputs);
            let expected: f64 = products.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
            let error = (f64::from(*got) - expected).abs();
            prop_assert!(error < f64::from(bound), "{} is not {}", got, expected);
        }
    }
}

proptest! {
    #[test]
    fn bfloats_equal_the_twin_and_nearly_the_definition(
        [rows, inputs, outputs] in [1usize..20, 1usize..1300, 1usize..80],
        size in 0.01f32..100.0,
    ) {
        let x: Vec<f32> = noise(rows * inputs, 1).into_iter().map(|v| size * v).collect();
        let weight = noise(outputs * inputs, 2);
        let got = product_of(&x, &weight, inputs, Numbers::Bfloat);
        let twin = twin_of(&x, &weight, inputs, Numbers::Bfloat, Packing::Pairs);
        let root = size * (inputs as f32).sqrt();
        for (at, (got, twin)) in got.iter().zip(&twin).enumerate() {
            // A processor may round a sum otherwise than its twin.
            prop_assert!((got - twin).abs() < root * 1e-5, "{} is not the twin's {}", got, twin);
            let (x, weight) = (&x[at / outputs * inputs..], &weight[at % outputs * inputs..]);
            let products = x.iter().zip(weight).take(inputs);
            let expected: f64 = products.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
            // Of both factors eight bits are kept.
            let error = (f64::from(*got) - expected).abs();
            prop_assert!(error < f64::from(root / 64.0), "{} is not {}", got, expected);
        }
    }
}

#[test]
fn bfloats_are_rounded_to_the_nearest_and_the_even_one() {
    let one = |x: f32| product_of(&[x], &[1.0], 1, Numbers::Bfloat)[0];
    let step = 1.0 / 128.0;
    for (x, expected) in [
        (1.0 + step / 2.0, 1.0),
        (1.0 + 0.51 * step, 1.0 + step),
        (1.0 + 1.5 * step, 1.0 + 2.0 * step),
        (-1.0 - step, -1.0 - step),
        (f32::INFINITY, f32::INFINITY),
    ] {
        assert_eq!(one(x), expected, "{x}");
    }
    assert!(one(f32::NAN).is_nan());
    assert!(product_of(&[f32::NAN, 1.0], &[1.0], 1, Numbers::Bfloat)[1] == 1.0);
}

#[test]
fn a_row_is_the_same_whatever_rows_stand_beside_it() {
    let kinds = [Numbers::Bfloat, Numbers::Whole(Bits::Eight), Numbers::Whole(Bits::Twelve)];
    for (kind, inputs, outputs) in [(1, 1), (3, 17), (384, 20), (1536, 33)]
        .into_iter()
        .flat_map(|(inputs, outputs)| kinds.map(|kind| (kind, inputs, outputs)))
    {
        let (x, weight) = (noise(50 * inputs, 1), noise(outputs * inputs, 2));
        let all = product_of(&x, &weight, inputs, kind);
        for rows in [0..1, 49..50, 3..5, 7..20] {
            let x = &x[rows.start * inputs..rows.end * inputs];
            let some = product_of(x, &weight, inputs, kind);
            assert_eq!(some, &all[rows.start * outputs..rows.end * outputs]);
        }
    }
}

#[test]
fn the_largest_sums_do_not_overflow() {
    for bits in BITS {
        for [x, weight] in [[-3.0, 0.5], [3.0, 0.5], [-3.0, -0.5]] {
            let got = product(&[x; 1536], &[weight; 1536], 1536, bits)[0];
            assert!((got - x * weight * 1536.0).abs() < 1e-2, "{got}");
        }
    }
}

#[test]
fn what_is_no_number_stays_none_in_its_row_alone() {
    for bits in BITS {
        let mut x = vec![1.0; 14];
        x[3] = f32::NAN;
        let weight = [1.0; 7];
        assert!(product(&x, &weight, 7, bits)[0].is_nan());
        assert!((product(&x, &weight, 7, bits)[1] - 7.0).abs() < 1e-2);
        x[3] = f32::INFINITY;
        assert!(product(&x, &weight, 7, bits)[0].is_nan());
        assert_eq!(product(&[0.0; 7], &weight, 7, bits), [0.0]);
    }
}
