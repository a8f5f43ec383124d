//! Products of matrices of narrow numbers, of which a word of 32 bits has several.
//!
//! In fixed point each row of both factors becomes whole numbers of 12 or of 8 bits with a scale of its own; products of these are added up as
//! integers of 32 bits without any rounding. A result is the same for any number of rows or threads and on any processor.
//! On x86 with AVX2 one instruction multiplies 16 pairs of such numbers and adds neighbours, twice what a multiplication of
//! floating-point numbers does; with AVX-512 VNNI one multiplies and adds up 16 pairs, or 16 times four of 8 bits; with AMX
//! 16,384 of 8 bits. On Arm one instruction of NEON multiplies and adds up four times four of 8 bits. Jacob et al. 2018 (arXiv:1712.05877) have the same with 8 bits; the four bits more leave a model's answers as they were.
//!
//! In bfloat16 numbers keep the eight highest of their 24 bits; with AVX-512 BF16 one instruction multiplies and adds up 16 pairs, in 32 bits. A result is
//! the same for any number of rows or threads; on a processor of another make its last bits may be others.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod factor;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(test)]
mod tests;
mod tiles;

use super::lanes::vectorised;
use factor::{COLUMNS, Left, Line, ROWS, Right};

/// What the numbers of a factor become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Numbers {
    /// Whole numbers, with a scale for each row.
    Whole(Bits),
    /// The same numbers, rounded to bfloat16.
    Bfloat,
}

/// How large whole numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Bits {
    /// From -127 to 127.
    Eight,
    /// From -2047 to 2047.
    Twelve,
}

/// How whole numbers stand in words of 32 bits, which is how processors multiply them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    /// Two of 16 bits, whole or bfloat16.
    Pairs,
    /// Four of 8 bits. Those of the left factor are not negative: they have [`factor::RAISED`] added.
    Quads,
    /// Four of 8 bits, in whole [tiles](tiles::TILE), a plane for each part of a number.
    Tiles,
}

impl Bits {
    /// What the largest number of a row becomes.
    fn largest(self) -> f32 {
        match self {
            Self::Eight => 127.0,
            Self::Twelve => 2047.0,
        }
    }
}

impl Numbers {
    /// What the processor multiplies fastest.
    fn packing(self) -> Packing {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Whole(_) if amx::is_there() => Packing::Tiles,
            #[cfg(target_arch = "x86_64")]
            Self::Whole(Bits::Eight) if avx512::is_there() => Packing::Quads,
            #[cfg(target_arch = "aarch64")]
            Self::Whole(_) if neon::is_there() => Packing::Tiles,
            Self::Whole(Bits::Eight | Bits::Twelve) | Self::Bfloat => Packing::Pairs,
        }
    }
}

/// The right factor W of `x W^T`, laid out once.
#[derive(Debug, Clone)]
pub(in super::super) struct NarrowWeight(Right);

impl NarrowWeight {
    /// Of numbers of the shape `(outputs, inputs)`.
    pub(in super::super) fn new(weight: &[f32], inputs: usize, numbers: Numbers) -> Self {
        Self(Right::new(weight, inputs, numbers, numbers.packing()))
    }

    /// What its numbers are.
    pub(in super::super) fn numbers(&self) -> Numbers {
        self.0.numbers
    }
}

/// The left factor x of `x W^T`. Its memory is used again.
#[derive(Debug, Default)]
pub(in super::super) struct NarrowRows(Left);

impl NarrowRows {
    /// Makes it those of numbers of the shape `(rows, inputs)`.
    pub(in super::super) fn set(&mut self, x: &[f32], inputs: usize, numbers: Numbers) {
        set(&mut self.0, x, inputs, numbers);
    }

    /// `to = x W^T`, of shape `(rows, outputs)`.
    ///
    /// # Panics
    /// Where the shapes do not fit, or the numbers are of another kind.
    pub(in super::super) fn multiply(&self, weight: &NarrowWeight, to: &mut [f32]) {
        let (left, right) = (&self.0, &weight.0);
        assert_eq!(
            left.kind,
            Some((right.inputs, right.numbers, right.packing)),
            "the inner size of a product"
        );
        assert_eq!(to.len(), left.scales.len() * right.outputs, "the shape of a product");
        #[cfg(target_arch = "x86_64")]
        if right.numbers == Numbers::Bfloat {
            if avx512::has_bfloat() {
                return avx512::product(left, right, to);
            }
        } else if right.packing == Packing::Tiles {
            return amx::product(left, right, to);
        } else if avx512::is_there() {
            return avx512::product(left, right, to);
        } else if right.packing == Packing::Pairs
            && let Some(simd) = pulp::x86::V3::try_new()
        {
            return simd.vectorize(avx2::Product { simd, left, right, to });
        }
        #[cfg(target_arch = "aarch64")]
        if right.packing == Packing::Tiles {
            return neon::product(left, right, to);
        }
        plain::product(left, right, to);
    }
}

vectorised! {
    fn set<'v>(left: &'v mut Left, x: &'v [f32], inputs: usize, numbers: Numbers) {
        left.set(x, inputs, numbers, numbers.packing());
    }
}

/// Whether the processor is known to multiply whole numbers of 12 bits faster than others. Of Arm's it is not known: nobody has timed it.
pub(in super::super::super) fn is_faster() -> bool {
    #[cfg(target_arch = "x86_64")]
    return pulp::x86::V3::try_new().is_some();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether the processor has instructions for bfloat16.
pub(in super::super::super) fn has_bfloat() -> bool {
    #[cfg(target_arch = "x86_64")]
    return avx512::has_bfloat();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// [`ROWS`] rows of the left factor with some panels of the right one, as far as they are multiplied at once.
struct Tile<'f, const PANELS: usize> {
    rows: [&'f [i32]; ROWS],
    panels: [&'f [Line]; PANELS],
}

/// Every [`ROWS`] rows of the left factor with every `PANELS` panels of the right one, a [step](Right::step) of words at a time. `add` adds
/// the products of a tile to the sums that it is given.
///
/// Loops stand where arrays could be mapped: the compiler has a function for that, which it does not always inline, and
/// which knows nothing of a processor's instructions.
#[inline(always)]
fn multiply<const PANELS: usize>(
    left: &Left,
    right: &Right,
    to: &mut [f32],
    add: impl Fn(&Tile<'_, PANELS>, &mut [[Line; PANELS]; ROWS]),
) {
    let (words, outputs, rows) = (right.words(), right.outputs, left.scales.len());
    let step = right.step();
    let panels = outputs.div_ceil(COLUMNS);
    let mut sums = [[Line([0; COLUMNS]); PANELS]; ROWS];
    let mut tile = Tile { rows: [&[]; ROWS], panels: [&[]; PANELS] };
    for (block, from) in (0..words).step_by(step).enumerate() {
        let until = words.min(from + step);
        for first in (0..panels).step_by(PANELS) {
            // Where fewer are left, the last is computed again, and not written.
            let panel = |at: usize| (first + at).min(panels - 1);
            for (at, words) in tile.panels.iter_mut().enumerate() {
                *words = &right.panel(panel(at))[from..until];
            }
            for first_row in (0..rows).step_by(ROWS) {
                let row = |at: usize| (first_row + at).min(rows - 1);
                for (at, (words, sums)) in tile.rows.iter_mut().zip(&mut sums).enumerate() {
                    *words = &left.row(row(at))[from..until];
                    for (at, sums) in sums.iter_mut().enumerate() {
                        *sums = *right.begin(block, panel(at));
                    }
                }
                add(&tile, &mut sums);
                let to = &mut to[first_row * outputs..];
                let scales = &left.scales[first_row..];
                if rows - first_row >= ROWS && outputs - first * COLUMNS >= PANELS * COLUMNS {
                    write_tile(right, (first, scales), &sums, to, block > 0);
                } else {
                    write_some(right, (first, scales), sums, to, block > 0);
                }
            }
        }
    }
}

/// Writes the numbers that sums of [`ROWS`] rows of these scales with panels from `first` on stand for, or adds them. Without a branch
/// for each, so that sums go from registers to their place.
#[inline(always)]
fn write_tile<const PANELS: usize>(
    right: &Right,
    (first, scales): (usize, &[f32]),
    sums: &[[Line; PANELS]; ROWS],
    to: &mut [f32],
    is_added: bool,
) {
    let mut rows = to.chunks_exact_mut(right.outputs).zip(scales);
    for sums in sums {
        let Some((to, scale)) = rows.next() else { return };
        let (to, _) = to[first * COLUMNS..].as_chunks_mut::<COLUMNS>();
        let Some(to) = to.first_chunk_mut::<PANELS>() else { return };
        for (at, (sums, to)) in sums.iter().zip(to).enumerate() {
            write(to, &right.products(sums, first + at, *scale), is_added);
        }
    }
}

/// The same for as many rows and panels as there are. It takes a copy: sums that are looked at one by one lie in memory.
#[inline(always)]
fn write_some<const PANELS: usize>(
    right: &Right,
    (first, scales): (usize, &[f32]),
    sums: [[Line; PANELS]; ROWS],
    to: &mut [f32],
    is_added: bool,
) {
    for ((to, scale), sums) in to.chunks_exact_mut(right.outputs).zip(scales).zip(&sums) {
        let to = to[first * COLUMNS..].chunks_mut(COLUMNS);
        for (at, (sums, to)) in sums.iter().zip(to).enumerate() {
            write(to, &right.products(sums, first + at, *scale), is_added);
        }
    }
}

/// Writes numbers, or adds them.
#[inline(always)]
fn write(to: &mut [f32], products: &[f32; COLUMNS], is_added: bool) {
    for (to, product) in to.iter_mut().zip(products) {
        *to = if is_added { *to + product } else { *product };
    }
}
