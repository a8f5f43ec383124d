//! Products of matrices in fixed point: each row of both factors becomes whole numbers of 12 bits with a scale of its own,
//! products of these are added up as integers of 32 bits without any rounding. A result is the same for any number of rows
//! or threads and on any processor.
//!
//! On x86 with AVX2 one instruction multiplies 16 pairs of such numbers and adds neighbours, twice what a multiplication of
//! floating-point numbers does. Jacob et al. 2018 (arXiv:1712.05877) have the same with 8 bits; four bits more cost nothing
//! there, and leave a model's answers as they were.

use pulp::Arch;

/// So many rows of the left factor are multiplied at once.
const ROWS: usize = 6;

/// So many rows of the right factor: two registers of eight sums.
const COLUMNS: usize = 16;

/// What the largest number of a row becomes.
const LARGEST: f32 = 2047.0;

/// So many products are added up at most: 512 x 2047² is less than 2³¹.
const TERMS: usize = 512;

/// Two neighbouring numbers of each of [`ROWS`] rows: of each pair the first in the low half.
type LeftPairs = [i32; ROWS];

/// Two neighbouring numbers of each of [`COLUMNS`] rows, one row after the other.
type RightPairs = [[i16; COLUMNS]; 2];

/// A factor as whole numbers, in the order in which they are multiplied: blocks of at most [`TERMS`] columns; in these,
/// tiles of rows; in these, pairs of columns.
#[derive(Debug, Clone)]
struct Factor<P> {
    pairs: Vec<P>,
    /// By which whole numbers are multiplied to get each row's own; 0 for rows that only fill a tile.
    scales: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl<P: Copy> Factor<P> {
    /// How many columns the blocks have: an even number.
    fn step(columns: usize) -> usize {
        columns.div_ceil(columns.div_ceil(TERMS).max(1)).next_multiple_of(2)
    }

    /// The tile number `tile` of the block number `block`.
    fn tile(&self, block: usize, tile: usize, rows_of_tile: usize) -> &[P] {
        let tiles = self.scales.len() / rows_of_tile;
        let step = Self::step(self.columns);
        let pairs = (self.columns - block * step).min(step).div_ceil(2);
        let begin = block * (step / 2) * tiles + tile * pairs;
        &self.pairs[begin..begin + pairs]
    }

    /// Makes a factor of rows of `columns` numbers each, `rows_of_tile` to a tile. `put` writes a number of a pair: at the
    /// row of the tile, and the first or second of the pair.
    fn new(
        values: &[f32],
        columns: usize,
        rows_of_tile: usize,
        empty: P,
        put: impl Fn(&mut P, usize, usize, i16),
    ) -> Self {
        let rows = values.len() / columns.max(1);
        let tiles = rows.div_ceil(rows_of_tile);
        let step = Self::step(columns);
        let mut scales = vec![0.0; tiles * rows_of_tile];
        let mut pairs = vec![empty; columns.div_ceil(2) * tiles];
        for (row, values) in values.chunks_exact(columns.max(1)).enumerate() {
            let (tile, within) = (row / rows_of_tile, row % rows_of_tile);
            let most = magnitude(values);
            scales[row] = most / LARGEST;
            let factor = if most > 0.0 { LARGEST / most } else { 0.0 };
            for (block, values) in values.chunks(step).enumerate() {
                let of_tile = values.len().div_ceil(2);
                let begin = block * (step / 2) * tiles + tile * of_tile;
                let pairs = &mut pairs[begin..begin + of_tile];
                for (pair, values) in pairs.iter_mut().zip(values.chunks(2)) {
                    for (half, value) in values.iter().enumerate() {
                        put(pair, within, half, whole(value * factor));
                    }
                }
            }
        }
        Self { pairs, scales, rows, columns }
    }
}

/// The largest magnitude of a row; not a number where one of them is none, or infinite.
#[inline(always)]
fn magnitude(values: &[f32]) -> f32 {
    let (mut most, mut difference) = (0.0f32, 0.0f32);
    for value in values {
        let size = value.abs();
        most = if size > most { size } else { most };
        // 0 for a number, not a number otherwise.
        difference += value * 0.0;
    }
    most + difference
}

/// The nearest whole number of one that has at most 12 bits.
#[inline(always)]
fn whole(value: f32) -> i16 {
    /// Added to a small number, it leaves the nearest whole number in the low bits.
    const ROUNDER: f32 = 12_582_912.0;
    (value + ROUNDER).to_bits() as i16
}

/// The right factor W of `x W^T`, laid out once.
#[derive(Debug, Clone)]
pub(in super::super) struct FixedWeight(Factor<RightPairs>);

impl FixedWeight {
    /// Of numbers of the shape `(outputs, inputs)`.
    pub(in super::super) fn new(weight: &[f32], inputs: usize) -> Self {
        let put = |pair: &mut RightPairs, row: usize, half: usize, value: i16| {
            pair[row / 8][row % 8 * 2 + half] = value;
        };
        Self(Factor::new(weight, inputs, COLUMNS, [[0; COLUMNS]; 2], put))
    }
}

/// The left factor x of `x W^T`.
#[derive(Debug, Clone)]
pub(in super::super) struct FixedRows(Factor<LeftPairs>);

impl FixedRows {
    /// Of numbers of the shape `(rows, inputs)`.
    pub(in super::super) fn new(x: &[f32], inputs: usize) -> Self {
        let put = |pair: &mut LeftPairs, row: usize, half: usize, value: i16| {
            pair[row] |= i32::from(value.cast_unsigned()) << (16 * half);
        };
        Self(Arch::new().dispatch(|| Factor::new(x, inputs, ROWS, [0; ROWS], put)))
    }

    /// `to = x W^T`, of shape `(rows, outputs)`.
    ///
    /// # Panics
    /// Where the shapes do not fit.
    pub(in super::super) fn multiply(&self, weight: &FixedWeight, to: &mut [f32]) {
        assert_eq!(self.0.columns, weight.0.columns, "the inner size of a product");
        assert_eq!(to.len(), self.0.rows * weight.0.rows, "the shape of a product");
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            return simd.vectorize(wide::Multiply { simd, left: &self.0, right: &weight.0, to });
        }
        multiply(&self.0, &weight.0, to, plain_sums);
    }
}

/// Whether the processor multiplies whole numbers faster than others.
pub(in super::super::super) fn is_faster() -> bool {
    #[cfg(target_arch = "x86_64")]
    return pulp::x86::V3::try_new().is_some();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Every tile of the left factor with every one of the right; `sums` multiplies two tiles of a block.
#[inline(always)]
fn multiply(
    left: &Factor<LeftPairs>,
    right: &Factor<RightPairs>,
    to: &mut [f32],
    sums: impl Fn(&[LeftPairs], &[RightPairs]) -> [[i32; COLUMNS]; ROWS],
) {
    let blocks = left.columns.div_ceil(Factor::<LeftPairs>::step(left.columns).max(1));
    for block in 0..blocks {
        for panel in 0..right.rows.div_ceil(COLUMNS) {
            let first = panel * COLUMNS;
            let width = COLUMNS.min(right.rows - first);
            let of_right = right.tile(block, panel, COLUMNS);
            let right_scales = &right.scales[first..][..COLUMNS];
            for tile in 0..left.rows.div_ceil(ROWS) {
                let sums = sums(left.tile(block, tile, ROWS), of_right);
                let count = ROWS.min(left.rows - tile * ROWS);
                for (within, sums) in sums.iter().enumerate().take(count) {
                    let row = tile * ROWS + within;
                    let left_scale = left.scales[row];
                    let to = &mut to[row * right.rows + first..][..width];
                    for ((to, sum), scale) in to.iter_mut().zip(sums).zip(right_scales) {
                        let product = *sum as f32 * (left_scale * scale);
                        *to = if block == 0 { product } else { *to + product };
                    }
                }
            }
        }
    }
}

/// The products of two tiles, added up.
#[inline(always)]
fn plain_sums(left: &[LeftPairs], right: &[RightPairs]) -> [[i32; COLUMNS]; ROWS] {
    let mut sums = [[0; COLUMNS]; ROWS];
    for (left, right) in left.iter().zip(right) {
        for (sums, pair) in sums.iter_mut().zip(left) {
            let (low, high) = (i32::from(*pair as i16), pair >> 16);
            for (column, sum) in sums.iter_mut().enumerate() {
                let right = &right[column / 8][column % 8 * 2..][..2];
                *sum += low * i32::from(right[0]) + high * i32::from(right[1]);
            }
        }
    }
    sums
}

/// The same by AVX2.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::__m256i;

    use pulp::cast;
    use pulp::x86::V3;

    use super::{COLUMNS, Factor, LeftPairs, ROWS, RightPairs, multiply};

    pub(super) struct Multiply<'f> {
        pub(super) simd: V3,
        pub(super) left: &'f Factor<LeftPairs>,
        pub(super) right: &'f Factor<RightPairs>,
        pub(super) to: &'f mut [f32],
    }

    impl pulp::NullaryFnOnce for Multiply<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self { simd, left, right, to } = self;
            multiply(left, right, to, |left, right| sums(simd, left, right));
        }
    }

    #[inline(always)]
    fn sums(simd: V3, left: &[LeftPairs], right: &[RightPairs]) -> [[i32; COLUMNS]; ROWS] {
        let mut sums = [[simd.avx._mm256_setzero_si256(); 2]; ROWS];
        for (left, right) in left.iter().zip(right) {
            let right: [__m256i; 2] = [cast(right[0]), cast(right[1])];
            for (sums, pair) in sums.iter_mut().zip(left) {
                let pair = simd.avx._mm256_set1_epi32(*pair);
                for (sum, right) in sums.iter_mut().zip(right) {
                    let products = simd.avx2._mm256_madd_epi16(pair, right);
                    *sum = simd.avx2._mm256_add_epi32(*sum, products);
                }
            }
        }
        sums.map(cast)
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;
    use proptest::prelude::*;

    fn product(x: &[f32], weight: &[f32], inputs: usize) -> Vec<f32> {
        let mut to = vec![9.0; x.len() / inputs * (weight.len() / inputs)];
        FixedRows::new(x, inputs).multiply(&FixedWeight::new(weight, inputs), &mut to);
        to
    }

    proptest! {
        #[test]
        fn equals_the_twin_and_nearly_the_definition(
            [rows, inputs, outputs] in [1usize..20, 1usize..1300, 1usize..40],
            size in 0.01f32..100.0,
        ) {
            let x: Vec<f32> = noise(rows * inputs, 1).into_iter().map(|v| size * v).collect();
            let weight = noise(outputs * inputs, 2);
            let got = product(&x, &weight, inputs);
            let (left, right) = (FixedRows::new(&x, inputs), FixedWeight::new(&weight, inputs));
            let mut twin = vec![0.0; rows * outputs];
            multiply(&left.0, &right.0, &mut twin, plain_sums);
            prop_assert_eq!(&got, &twin);
            // The error of a number is at most half a 2047th of the largest, that of a sum of products grows as its root.
            let bound = size * (inputs as f32).sqrt() * 4.0 / LARGEST;
            for (at, got) in got.iter().enumerate() {
                let (x, weight) = (&x[at / outputs * inputs..], &weight[at % outputs * inputs..]);
                let products = x.iter().zip(weight).take(inputs);
                let expected: f64 = products.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                let error = (f64::from(*got) - expected).abs();
                prop_assert!(error < f64::from(bound), "{} is not {}", got, expected);
            }
        }
    }

    #[test]
    fn a_row_is_the_same_whatever_rows_stand_beside_it() {
        for (inputs, outputs) in [(1, 1), (3, 17), (384, 20), (1536, 33)] {
            let (x, weight) = (noise(50 * inputs, 1), noise(outputs * inputs, 2));
            let all = product(&x, &weight, inputs);
            for rows in [0..1, 49..50, 3..5, 7..20] {
                let some = product(&x[rows.start * inputs..rows.end * inputs], &weight, inputs);
                assert_eq!(some, &all[rows.start * outputs..rows.end * outputs]);
            }
        }
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let (x, weight) = (vec![-3.0; 512], vec![0.5; 512]);
        assert!((product(&x, &weight, 512)[0] + 768.0).abs() < 1e-2);
    }

    #[test]
    fn what_is_no_number_stays_none_in_its_row_alone() {
        let mut x = vec![1.0; 14];
        x[3] = f32::NAN;
        let weight = [1.0; 7];
        assert!(product(&x, &weight, 7)[0].is_nan());
        assert!((product(&x, &weight, 7)[1] - 7.0).abs() < 1e-2);
        x[3] = f32::INFINITY;
        assert!(product(&x, &weight, 7)[0].is_nan());
        assert_eq!(product(&[0.0; 7], &weight, 7), [0.0]);
    }
}
