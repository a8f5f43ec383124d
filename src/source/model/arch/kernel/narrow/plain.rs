//! The products one number after another, on any processor.

use super::factor::{Left, Line, ROWS, Right};
use super::{Numbers, Packing, Tile, multiply, tiles};

/// `to = left right^T`.
pub(super) fn product(left: &Left, right: &Right, to: &mut [f32]) {
    let add_products = match right.packing {
        Packing::Pairs if right.numbers == Numbers::Bfloat => add_bfloats,
        Packing::Pairs => |sum: i32, left, right| sum.wrapping_add(of_pairs(left, right)),
        Packing::Quads => |sum: i32, left, right| sum.wrapping_add(of_quads(left, right)),
        Packing::Tiles => return tiles::product(left, right, to, tiles::plain),
    };
    multiply(left, right, to, |tile, sums| add(tile, sums, add_products));
}

/// Adds up by `add_products`, of a sum and two words. Sums of whole numbers that stand for what is none may be larger than
/// others.
fn add(tile: &Tile<'_, 1>, sums: &mut [[Line; 1]; ROWS], add_products: fn(i32, i32, i32) -> i32) {
    let [panel] = tile.panels;
    for ([sums], row) in sums.iter_mut().zip(tile.rows) {
        for (left, right) in row.iter().zip(panel) {
            for (sum, right) in sums.0.iter_mut().zip(right.0) {
                *sum = add_products(*sum, *left, right);
            }
        }
    }
}

/// The products of two words of pairs, added up.
fn of_pairs(left: i32, right: i32) -> i32 {
    let half = |word: i32, shift| i32::from((word >> shift) as i16);
    [0, 16]
        .map(|shift| half(left, shift) * half(right, shift))
        .into_iter()
        .fold(0, i32::wrapping_add)
}

/// A sum, which is a number of 32 bits, and the products of two words of pairs of bfloat16: the upper is added first, each
/// with one rounding.
fn add_bfloats(sum: i32, left: i32, right: i32) -> i32 {
    let number = |word: i32| f32::from_bits(word.cast_unsigned());
    let upper = |word: i32| number(word & !0xffff);
    let sum = upper(left).mul_add(upper(right), number(sum));
    let sum = number(left << 16).mul_add(number(right << 16), sum);
    sum.to_bits().cast_signed()
}

/// The products of two words of quads, added up.
fn of_quads(left: i32, right: i32) -> i32 {
    let (left, right) = (left.to_le_bytes(), right.to_le_bytes());
    let product = |(left, right): (u8, u8)| i32::from(left) * i32::from(right.cast_signed());
    left.into_iter().zip(right).map(product).sum()
}
