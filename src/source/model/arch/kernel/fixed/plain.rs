//! The products one number after another, on any processor.

use super::factor::{Left, Line, ROWS, Right};
use super::{Packing, Tile, multiply, tiles};

/// `to = left right^T`.
pub(super) fn product(left: &Left, right: &Right, to: &mut [f32]) {
    let add_products = match right.packing {
        Packing::Pairs => of_pairs,
        Packing::Quads => of_quads,
        Packing::Tiles => return tiles::product(left, right, to, tiles::plain),
    };
    multiply(left, right, to, |tile, sums| add(tile, sums, add_products));
}

fn add(tile: &Tile<'_, 1>, sums: &mut [[Line; 1]; ROWS], products: fn(i32, i32) -> i32) {
    let [panel] = tile.panels;
    for ([sums], row) in sums.iter_mut().zip(tile.rows) {
        for (left, right) in row.iter().zip(panel) {
            for (sum, right) in sums.0.iter_mut().zip(right.0) {
                // Numbers that stand for what is none may be larger than others.
                *sum = sum.wrapping_add(products(*left, right));
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

/// The products of two words of quads, added up.
fn of_quads(left: i32, right: i32) -> i32 {
    let (left, right) = (left.to_le_bytes(), right.to_le_bytes());
    let product = |(left, right): (u8, u8)| i32::from(left) * i32::from(right.cast_signed());
    left.into_iter().zip(right).map(product).sum()
}
