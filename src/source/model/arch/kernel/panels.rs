//! Products with a matrix that is laid out once: its columns in panels as wide as the sums that a processor's registers
//! hold. A general product, such as `gemm`'s, lays both factors out anew each time, which for the few hundred rows that go
//! through a model at once is a good part of the work.
//!
//! A row of the result depends on no other row, to the last bit: terms are added up in the same order for any number
//! of rows.

use pulp::bytemuck::cast_slice;
use pulp::{Arch, Simd, WithSimd};

/// So many rows are multiplied at once.
const ROWS: usize = 6;

/// So many terms of a sum are added up before the result is written. Of these, the rows that are multiplied at once fit in a
/// processor's first cache, and a panel, 96 KiB at most, in its second, which is fast enough: with fewer, results would come
/// and go more often, which costs more.
const TERMS: usize = 384;

/// Bytes of a line of a processor's cache, where panels begin.
const LINE: usize = 64;

/// The right factor W of `x W^T`, laid out once.
#[derive(Debug)]
pub(in super::super) struct Panels {
    inputs: usize,
    outputs: usize,
    /// How many outputs a panel has.
    width: usize,
    /// Panel after panel, in these input after input. Outputs that only fill the last panel are 0.
    numbers: Vec<f32>,
    /// Where the first panel begins.
    first: usize,
}

impl Panels {
    /// Of numbers of the shape `(outputs, inputs)`.
    pub(in super::super) fn new(weight: &[f32], inputs: usize) -> Self {
        let outputs = weight.len() / inputs.max(1);
        let width = Arch::new().dispatch(Width);
        let mut numbers = vec![0.0; outputs.div_ceil(width) * inputs * width + LINE];
        let first = numbers.as_ptr().align_offset(LINE).min(LINE);
        for (output, weight) in weight.chunks_exact(inputs.max(1)).enumerate() {
            let (panel, column) = (output / width, output % width);
            let panel = &mut numbers[first + panel * inputs * width..][..inputs * width];
            for (numbers, weight) in panel.chunks_exact_mut(width).zip(weight) {
                numbers[column] = *weight;
            }
        }
        Self { inputs, outputs, width, numbers, first }
    }

    /// `to = x W^T`, where `x` has the shape `(rows, inputs)` and `to` `(rows, outputs)`.
    ///
    /// # Panics
    /// Where the shapes do not fit.
    pub(in super::super) fn multiply(&self, x: &[f32], to: &mut [f32]) {
        let rows = x.len() / self.inputs.max(1);
        assert_eq!(to.len(), rows * self.outputs, "the shape of a product");
        Arch::new().dispatch(Product { panels: self, rows, x, to });
    }

    /// The numbers of a panel that belong to some inputs.
    #[inline(always)]
    fn panel(&self, panel: usize, from: usize, until: usize) -> &[f32] {
        let begin = self.first + panel * self.inputs * self.width;
        &self.numbers[begin + from * self.width..begin + until * self.width]
    }
}

/// So many registers make a row of a panel: with [`ROWS`] rows of sums, most of those that there are.
#[inline(always)]
fn registers<S: Simd>() -> usize {
    if S::REGISTER_COUNT < 32 { 2 } else { 4 }
}

/// The width of a panel.
struct Width;

impl WithSimd for Width {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        registers::<S>() * S::F32_LANES
    }
}

/// `to = x W^T`.
struct Product<'v> {
    panels: &'v Panels,
    rows: usize,
    x: &'v [f32],
    to: &'v mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match registers::<S>() {
            2 => self.run::<S, 2>(simd),
            _ => self.run::<S, 4>(simd),
        }
    }
}

impl Product<'_> {
    /// Loops stand where arrays could be mapped, as in `narrow`: what the compiler has for that is not always inlined.
    #[inline(always)]
    fn run<S: Simd, const REGISTERS: usize>(self, simd: S) {
        let Self { panels, rows, x, to } = self;
        let Panels { inputs, outputs, width, .. } = *panels;
        assert_eq!(width, REGISTERS * S::F32_LANES, "laid out for these registers");
        for from in (0..inputs).step_by(TERMS) {
            let until = inputs.min(from + TERMS);
            for (panel, first) in (0..outputs).step_by(width).enumerate() {
                let weights = S::as_simd_f32s(panels.panel(panel, from, until)).0;
                let weights = weights.as_chunks::<REGISTERS>().0;
                for first_row in (0..rows).step_by(ROWS) {
                    // Where fewer are left, the last is computed again, and not written.
                    let row = |at: usize| (first_row + at).min(rows - 1);
                    let mut tile: [&[f32]; ROWS] = [&[]; ROWS];
                    for (at, tile) in tile.iter_mut().enumerate() {
                        *tile = &x[row(at) * inputs + from..row(at) * inputs + until];
                    }
                    let sums = sums(simd, &tile, weights);
                    let to = &mut to[first_row * outputs..];
                    if rows - first_row >= ROWS && outputs - first >= width {
                        write(simd, to, (first, outputs), &sums, from > 0);
                    } else {
                        write_some::<S, REGISTERS>(to, (first, outputs), sums, from > 0);
                    }
                }
            }
        }
    }
}

/// The sums of the products of some rows with a panel.
#[inline(always)]
fn sums<S: Simd, const REGISTERS: usize>(
    simd: S,
    rows: &[&[f32]; ROWS],
    weights: &[[S::f32s; REGISTERS]],
) -> [[S::f32s; REGISTERS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; ROWS];
    for (at, weights) in weights.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(rows) {
            let x = simd.splat_f32s(row[at]);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_e_f32s(x, *weight, *sum);
            }
        }
    }
    sums
}

/// Writes the sums of [`ROWS`] rows of `outputs` numbers, from their number `first` on, or adds them. Without a branch for each,
/// so that sums go from registers to their place.
#[inline(always)]
fn write<S: Simd, const REGISTERS: usize>(
    simd: S,
    to: &mut [f32],
    (first, outputs): (usize, usize),
    sums: &[[S::f32s; REGISTERS]; ROWS],
    is_added: bool,
) {
    let mut rows = to.chunks_exact_mut(outputs);
    for sums in sums {
        let registers = rows.next().map(|row| S::as_mut_simd_f32s(&mut row[first..]).0);
        if let Some(to) = registers.and_then(|registers| registers.first_chunk_mut::<REGISTERS>()) {
            for (to, sum) in to.iter_mut().zip(sums) {
                *to = if is_added { simd.add_f32s(*to, *sum) } else { *sum };
            }
        }
    }
}

/// The same for as many rows and numbers of each as there are. It takes a copy: sums that are looked at one by one lie in memory.
#[inline(always)]
fn write_some<S: Simd, const REGISTERS: usize>(
    to: &mut [f32],
    (first, outputs): (usize, usize),
    sums: [[S::f32s; REGISTERS]; ROWS],
    is_added: bool,
) {
    for (to, sums) in to.chunks_exact_mut(outputs).zip(&sums) {
        for (to, sum) in to[first..].iter_mut().zip(cast_slice::<S::f32s, f32>(sums)) {
            *to = if is_added { *to + sum } else { *sum };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;
    use proptest::prelude::*;

    fn product(x: &[f32], weight: &[f32], inputs: usize) -> Vec<f32> {
        let mut to = vec![9.0; x.len() / inputs * (weight.len() / inputs)];
        Panels::new(weight, inputs).multiply(x, &mut to);
        to
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            [rows, inputs, outputs] in [0usize..20, 1usize..500, 1usize..150],
        ) {
            let (x, weight) = (noise(rows * inputs, 1), noise(outputs * inputs, 2));
            let got = product(&x, &weight, inputs);
            prop_assert_eq!(got.len(), rows * outputs);
            for (at, got) in got.iter().enumerate() {
                let (x, weight) = (&x[at / outputs * inputs..], &weight[at % outputs * inputs..]);
                let products = x.iter().zip(weight).take(inputs);
                let expected: f64 = products.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                prop_assert!((f64::from(*got) - expected).abs() < 1e-4, "{} is not {}", got, expected);
            }
        }
    }

    #[test]
    fn a_row_is_the_same_whatever_rows_stand_beside_it() {
        for (inputs, outputs) in [(1, 1), (3, 17), (384, 64), (384, 20), (1536, 129)] {
            let (x, weight) = (noise(50 * inputs, 1), noise(outputs * inputs, 2));
            let all = product(&x, &weight, inputs);
            for rows in [0..1, 49..50, 3..5, 7..20] {
                let some = product(&x[rows.start * inputs..rows.end * inputs], &weight, inputs);
                assert_eq!(some, &all[rows.start * outputs..rows.end * outputs]);
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_none_in_its_row_alone() {
        let mut x = vec![1.0; 14];
        x[3] = f32::NAN;
        let products = product(&x, &[1.0; 7], 7);
        assert!(products[0].is_nan());
        assert_eq!(products[1], 7.0);
    }
}
