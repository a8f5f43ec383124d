//! Pairs and quads by AVX-512 VNNI, and pairs of bfloat16 by AVX-512 BF16, whose instructions multiply and add up.

use std::arch::x86_64::{
    __m512bh, __m512i, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_dpbf16_ps,
    _mm512_dpbusd_epi32, _mm512_dpwssd_epi32, _mm512_set1_epi32, _mm512_setzero_si512,
};
use std::mem::transmute;

use pulp::cast;

use super::factor::{Left, Line, ROWS, Right};
use super::{Numbers, Packing, Tile, multiply};

/// Whether the processor has these instructions.
pub(super) fn is_there() -> bool {
    // The standard library asks the processor once.
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

/// Whether the processor multiplies bfloat16 too.
pub(super) fn has_bfloat() -> bool {
    is_there() && is_x86_feature_detected!("avx512bf16")
}

/// `to = left right^T`.
///
/// # Panics
/// Where the processor has not these instructions.
#[allow(unsafe_code, reason = "instructions that not every processor has; see the argument inside")]
pub(super) fn product(left: &Left, right: &Right, to: &mut [f32]) {
    let is_bfloat = right.numbers == Numbers::Bfloat;
    assert!(is_there() && (!is_bfloat || has_bfloat()), "a processor without these instructions");
    // SAFETY: the functions are safe but for the processor's features that they name, which are those that
    // `is_there` and `has_bfloat` have found.
    unsafe {
        match right.packing {
            Packing::Pairs if is_bfloat => bfloats(left, right, to),
            Packing::Pairs => pairs(left, right, to),
            Packing::Quads => quads(left, right, to),
            Packing::Tiles => unreachable!("multiplied by AMX"),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn pairs(left: &Left, right: &Right, to: &mut [f32]) {
    multiply::<4>(left, right, to, |tile, sums| {
        add(tile, sums, |sum, left, right| _mm512_dpwssd_epi32(sum, left, right));
    });
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
#[allow(unsafe_code, reason = "registers by another name; see the argument inside")]
fn bfloats(left: &Left, right: &Right, to: &mut [f32]) {
    multiply::<4>(left, right, to, |tile, sums| {
        add(tile, sums, |sum, left, right| {
            // SAFETY: both types are a register of 512 bits, and any bits are numbers of bfloat16.
            let [left, right] = [left, right].map(|x| unsafe { transmute::<__m512i, __m512bh>(x) });
            _mm512_castps_si512(_mm512_dpbf16_ps(_mm512_castsi512_ps(sum), left, right))
        });
    });
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn quads(left: &Left, right: &Right, to: &mut [f32]) {
    multiply::<4>(left, right, to, |tile, sums| {
        add(tile, sums, |sum, left, right| _mm512_dpbusd_epi32(sum, left, right));
    });
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn add<const PANELS: usize>(
    tile: &Tile<'_, PANELS>,
    sums: &mut [[Line; PANELS]; ROWS],
    add_products: impl Fn(__m512i, __m512i, __m512i) -> __m512i,
) {
    let mut registers = [[_mm512_setzero_si512(); PANELS]; ROWS];
    for (registers, sums) in registers.iter_mut().zip(&*sums) {
        for (register, sums) in registers.iter_mut().zip(sums) {
            *register = cast(sums.0);
        }
    }
    let mut words = [_mm512_setzero_si512(); PANELS];
    for at in 0..tile.panels[0].len() {
        for (words, panel) in words.iter_mut().zip(tile.panels) {
            *words = cast(panel[at].0);
        }
        for (registers, row) in registers.iter_mut().zip(tile.rows) {
            let word = _mm512_set1_epi32(row[at]);
            for (register, words) in registers.iter_mut().zip(words) {
                *register = add_products(*register, word, words);
            }
        }
    }
    for (registers, sums) in registers.into_iter().zip(sums) {
        for (register, sums) in registers.into_iter().zip(sums) {
            sums.0 = cast(register);
        }
    }
}
