//! What the kernels share: sums over a row in a fixed order that vectorises, and the exponential.
//!
//! Kernels are written so that the compiler vectorises them, and run by `pulp` ([`vectorised`]), which has them compiled
//! for several sets of instructions and takes the widest that the processor knows. None of these fuses a product
//! with a sum, so that all of them give the same bits.

/// Defines a function that is compiled for several sets of instructions, of which the widest runs that the processor
/// knows. What it calls is compiled with it where it is inlined without fail.
///
/// A closure given to `pulp` would not do: the compiler inlines small ones alone, and runs the others as they are
/// compiled for any processor.
macro_rules! vectorised {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident<$life:lifetime>($($argument:ident: $type:ty),+ $(,)?) $body:block
    ) => {
        $(#[$attribute])*
        $visibility fn $name<$life>($($argument: $type),+) {
            struct Run<$life> {
                $($argument: $type),+
            }
            impl pulp::NullaryFnOnce for Run<'_> {
                type Output = ();

                #[inline(always)]
                fn call(self) {
                    let Self { $($argument),+ } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Run { $($argument),+ });
        }
    };
}

pub(super) use vectorised;

/// Added to a small number, it leaves the nearest whole number in the low bits.
pub(super) const ROUNDER: f32 = 12_582_912.0;

/// So many sums run side by side.
pub(super) const LANES: usize = 16;

/// The sum of `f` over a row.
#[inline(always)]
pub(in super::super) fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += f(*value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += f(*value);
    }
    total(lanes)
}

/// The sum of the products of two rows.
#[inline(always)]
pub(in super::super) fn sum_of_products(a: &[f32], b: &[f32]) -> f32 {
    let ((a_chunks, a_rest), (b_chunks, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += a * b;
    }
    total(lanes)
}

/// The largest number of a row.
#[inline(always)]
pub(in super::super) fn largest(values: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = larger(*lane, *value);
    }
    halved(lanes, larger)
}

/// The sum of lanes.
#[inline(always)]
pub(super) fn total(lanes: [f32; LANES]) -> f32 {
    halved(lanes, |a, b| a + b)
}

/// Lanes made one: one half with the other, until one is left, which takes fewer steps than one after the other.
#[inline(always)]
fn halved(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        let (low, high) = lanes.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low = f(*low, *high);
        }
    }
    lanes[0]
}

/// The exponential of a number that is not positive, to within 2 in the last place; what is below -87, where
/// the result nears the smallest normal number, counts as -87.
///
/// e^x = 2^n e^r with n the whole number nearest to x / ln 2; |r| is at most ln 2 / 2, where the Taylor series
/// to the seventh power is exact in `f32`.
#[inline(always)]
pub(in super::super) fn exponential(x: f32) -> f32 {
    /// ln 2 in two parts: products of the first with a small whole number are exact.
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let mut series = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * r + coefficient;
    }
    series * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_the_last_places() {
        for i in 0..=870_000 {
            let x = -(i as f32) / 10_000.0;
            let expected = f64::from(x).exp();
            let error = (f64::from(exponential(x)) - expected).abs() / expected;
            assert!(error < 2.5e-7, "e^{x}: {error}");
        }
        assert_eq!(exponential(0.0), 1.0);
        assert!(exponential(-1000.0) < 1e-37);
        assert!(exponential(f32::NAN).is_nan());
    }

    #[test]
    fn sums_and_maxima_equal_those_of_one_number_after_another() {
        for count in 1..70 {
            let values: Vec<f32> = (0..count).map(|i| (i as f32 * 1.7).sin()).collect();
            let expected: f32 = values.iter().map(|v| v * v).sum();
            assert!((sum(&values, |v| v * v) - expected).abs() < 1e-5);
            assert!((sum_of_products(&values, &values) - expected).abs() < 1e-5);
            assert_eq!(largest(&values), values.iter().copied().fold(f32::MIN, f32::max));
        }
    }
}
