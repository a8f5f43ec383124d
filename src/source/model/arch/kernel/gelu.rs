//! The exact (erf) form of GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415), with the bias before it.

use super::lanes::{exponential, vectorised};

/// How fast the argument of [`TAIL`] falls.
const SLOPE: f32 = 0.25;

/// The coefficients of t, t², … in P, where the upper tail of the normal distribution at z ≥ 0 is
/// P(t) exp(-z²/2) with t = 1 / (1 + [`SLOPE`] z): the form that Hastings (1955) gave it. Fitted over 0..9 so
/// that the largest error of GELU is smallest (3e-9 before rounding).
const TAIL: [f32; 7] = [
    0.099_082_99,
    0.110_727_05,
    0.027_742_1,
    0.279_018_64,
    -0.267_479_65,
    0.343_035_3,
    -0.092_126_45,
];

vectorised! {
    /// `GELU(x + bias)` for each row of `values`.
    pub(in super::super) fn gelu<'v>(values: &'v mut [f32], bias: &'v [f32]) {
        for row in values.chunks_exact_mut(bias.len()) {
            for (value, bias) in row.iter_mut().zip(bias) {
                *value = of_one(*value + bias);
            }
        }
    }
}

vectorised! {
    /// The GELU of each number of `x`, into `to`.
    pub(in super::super) fn of_each<'v>(to: &'v mut [f32], x: &'v [f32]) {
        for (to, x) in to.iter_mut().zip(x) {
            *to = of_one(*x);
        }
    }
}

vectorised! {
    /// For each row of twice as many numbers as a row of `to` has, `width`: the GELU of its first half times its second
    /// (gated linear units: Shazeer 2020, arXiv:2002.05202).
    pub(in super::super) fn gated<'v>(to: &'v mut [f32], values: &'v [f32], width: usize) {
        for (to, row) in to.chunks_exact_mut(width).zip(values.chunks_exact(2 * width)) {
            let (first, second) = row.split_at(width);
            for ((to, first), second) in to.iter_mut().zip(first).zip(second) {
                *to = of_one(*first) * second;
            }
        }
    }
}

vectorised! {
    /// From the gradients by GELU, those by `x`, in their place.
    pub(in super::super) fn backward<'v>(gradients: &'v mut [f32], x: &'v [f32]) {
        for (gradient, x) in gradients.iter_mut().zip(x) {
            *gradient *= slope(*x);
        }
    }
}

/// Φ(-|x|), the tail of the normal distribution, and exp(-x²/2).
#[inline(always)]
fn tail(x: f32) -> (f32, f32) {
    let z = x.abs();
    let t = 1.0 / (1.0 + SLOPE * z);
    let mut p = 0.0;
    for coefficient in TAIL.into_iter().rev() {
        p = p * t + coefficient;
    }
    let bell = exponential(-0.5 * z * z);
    (p * t * bell, bell)
}

/// x Φ(x) = max(x, 0) - |x| Φ(-|x|): the second term is small wherever it is inexact.
#[inline(always)]
fn of_one(x: f32) -> f32 {
    let (tail, _) = tail(x);
    let positive = if x > 0.0 { x } else { 0.0 };
    positive - x.abs() * tail
}

/// The derivative, Φ(x) + x φ(x).
#[inline(always)]
fn slope(x: f32) -> f32 {
    /// 1 / √(2π)
    const DENSITY: f32 = 0.398_942_3;
    let (tail, bell) = tail(x);
    let share = if x > 0.0 { 1.0 - tail } else { tail };
    share + x * DENSITY * bell
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error function by a series whose terms are all positive: erf x = 2/√π exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!
    fn erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..400 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
    }

    #[test]
    fn equals_the_error_function() {
        let mut worst: f64 = 0.0;
        for i in -120_000..=120_000 {
            let x = i as f32 / 10_000.0;
            let mut got = [x - 0.25];
            gelu(&mut got, &[0.25]);
            let x = f64::from(x - 0.25 + 0.25);
            let expected = x / 2.0 * (1.0 + erf(x / std::f64::consts::SQRT_2));
            let error = (f64::from(got[0]) - expected).abs();
            worst = if error > worst || error.is_nan() { error } else { worst };
        }
        assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn the_slope_is_that_of_the_definition() {
        for i in -1_200..=1_200 {
            let x = i as f32 / 100.0;
            let (mut value, mut gradient) = ([0.0], [2.0]);
            of_each(&mut value, &[x]);
            backward(&mut gradient, &[x]);
            let x = f64::from(x);
            let share = 0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2));
            let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            assert!((f64::from(value[0]) - x * share).abs() < 1e-6, "{x}");
            assert!((f64::from(gradient[0]) - 2.0 * (share + x * density)).abs() < 2e-6, "{x}");
        }
    }

    #[test]
    fn each_row_gets_its_bias_and_what_is_no_number_stays_none() {
        let bias: Vec<f32> = (0..37).map(|i| (i as f32).cos()).collect();
        let mut values: Vec<f32> = (0..3 * 37).map(|i| 4.0 * (i as f32 * 0.9).sin()).collect();
        let one = |(i, value): (usize, &f32)| of_one(value + bias[i % 37]);
        let expected: Vec<f32> = values.iter().enumerate().map(one).collect();
        gelu(&mut values, &bias);
        assert_eq!(values, expected);
        let mut halves = [0.0; 36];
        gated(&mut halves, &values[..72], 12);
        for (place, got) in halves.iter().enumerate() {
            let at = place / 12 * 24 + place % 12;
            assert_eq!(*got, of_one(values[at]) * values[at + 12]);
        }
        assert!(of_one(f32::NAN).is_nan() && of_one(1e30) == 1e30 && of_one(-1e30) == 0.0);
    }
}
