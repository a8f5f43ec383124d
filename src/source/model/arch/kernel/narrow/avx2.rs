//! Pairs by AVX2.

use std::arch::x86_64::__m256i;

use pulp::cast;
use pulp::x86::V3;

use super::factor::{Left, Line, ROWS, Right};
use super::{Tile, multiply};

/// `to = left right^T`, run by [`V3::vectorize`].
pub(super) struct Product<'f> {
    pub(super) simd: V3,
    pub(super) left: &'f Left,
    pub(super) right: &'f Right,
    pub(super) to: &'f mut [f32],
}

impl pulp::NullaryFnOnce for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, left, right, to } = self;
        multiply(left, right, to, |tile, sums| add(simd, tile, sums));
    }
}

#[inline(always)]
fn add(simd: V3, tile: &Tile<'_, 1>, sums: &mut [[Line; 1]; ROWS]) {
    let mut registers = [[simd.avx._mm256_setzero_si256(); 2]; ROWS];
    for (registers, [sums]) in registers.iter_mut().zip(&*sums) {
        *registers = cast(sums.0);
    }
    let [panel] = tile.panels;
    for (at, words) in panel.iter().enumerate() {
        let words: [__m256i; 2] = cast(words.0);
        for (registers, row) in registers.iter_mut().zip(tile.rows) {
            let word = simd.avx._mm256_set1_epi32(row[at]);
            for (register, words) in registers.iter_mut().zip(words) {
                let products = simd.avx2._mm256_madd_epi16(word, words);
                *register = simd.avx2._mm256_add_epi32(*register, products);
            }
        }
    }
    for (registers, [sums]) in registers.into_iter().zip(sums) {
        sums.0 = cast(registers);
    }
}
