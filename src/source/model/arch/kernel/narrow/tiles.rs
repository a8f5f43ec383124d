//! Products tile by tile: 16 rows of the left factor, of 64 numbers of 8 bits, with 16 columns of the right one.
//!
//! Numbers of 12 bits are taken apart: v = 64 h + l, both of 7 bits. The sum of the products of v and w = 64 m + n is made of three
//! such sums instead of four (Karatsuba and Ofman 1962): Σ vw = 4096 Σ hm + 64 (Σ (h + l)(m + n) - Σ hm - Σ ln) + Σ ln. So h, h + l
//! and l, each of 8 bits, make one [plane](Bits::planes) of a factor.

use super::factor::{COLUMNS, Left, Line, Right};
use super::{Bits, Numbers, write};

/// Rows of a tile, of either factor and of sums.
pub(super) const TILE: usize = 16;

/// Sums of two tiles of rows with two panels.
pub(super) type Sums = [[Line; TILE]; 4];

/// Factors of [`Sums`]: rows that begin `stride` words after each other, and panels.
pub(super) struct Factors<'f> {
    pub(super) rows: [&'f [i32]; 2],
    pub(super) stride: usize,
    pub(super) panels: [&'f [Line]; 2],
}

impl Factors<'_> {
    /// How many tiles of either factor are multiplied for one of sums.
    ///
    /// # Panics
    /// Where a slice is shorter than its tiles.
    #[inline(always)]
    pub(super) fn tiles(&self) -> usize {
        let tiles = self.panels[0].len() / TILE;
        assert!(
            self.panels.iter().all(|panel| panel.len() >= tiles * TILE),
            "whole tiles of panels"
        );
        let words = (TILE - 1) * self.stride + tiles * TILE;
        assert!(self.rows.iter().all(|rows| rows.len() >= words), "whole tiles of rows");
        tiles
    }
}

impl Bits {
    /// Of how many factors of 8 bits one of these numbers is made, where tiles are multiplied.
    pub(super) fn planes(self) -> usize {
        match self {
            Self::Eight => 1,
            Self::Twelve => 3,
        }
    }

    /// A number in each plane. The ones of numbers of 8 bits have but the first.
    #[inline(always)]
    pub(super) fn in_planes(self, number: i32) -> [i8; 3] {
        match self {
            Self::Eight => [number as i8, 0, 0],
            Self::Twelve => {
                let high = (number + 32) >> 6;
                let low = number - (high << 6);
                [high as i8, (high + low) as i8, low as i8]
            }
        }
    }

    /// Sums of products of numbers from those of their planes.
    #[inline(always)]
    fn joined(self, [high, both, low]: [i32; 3]) -> i32 {
        match self {
            Self::Eight => high,
            // Numbers that stand for what is none may be larger than others.
            Self::Twelve => (high.wrapping_mul(4096 - 64))
                .wrapping_add(both.wrapping_mul(64))
                .wrapping_sub(low.wrapping_mul(63)),
        }
    }
}

/// `to = left right^T`, where `multiply` makes the sums of products of some tiles.
#[inline(always)]
pub(super) fn product(
    left: &Left,
    right: &Right,
    to: &mut [f32],
    multiply: impl Fn(&Factors<'_>, &mut Sums),
) {
    let (words, outputs, rows) = (right.words(), right.outputs, left.scales.len());
    let Numbers::Whole(bits) = right.numbers else { unreachable!("bfloat16 stands in pairs") };
    let (panels, row_tiles) = (outputs.div_ceil(COLUMNS), rows.div_ceil(TILE));
    let mut sums = [[[Line([0; COLUMNS]); TILE]; 4]; 3];
    let step = right.step();
    for (block, from) in (0..words).step_by(step).enumerate() {
        let until = words.min(from + step);
        for first in (0..panels).step_by(2) {
            // Where one is left, it is computed twice, and written once.
            let pair = [first, (first + 1).min(panels - 1)];
            for first_tile in (0..row_tiles).step_by(2) {
                let tiles = [first_tile, (first_tile + 1).min(row_tiles - 1)];
                for (plane, sums) in sums.iter_mut().enumerate().take(bits.planes()) {
                    let factors = Factors {
                        rows: [left.tile(plane, tiles[0], from), left.tile(plane, tiles[1], from)],
                        stride: words,
                        panels: [
                            &right.plane(plane, pair[0])[from..until],
                            &right.plane(plane, pair[1])[from..until],
                        ],
                    };
                    multiply(&factors, sums);
                }
                for row in first_tile * TILE..rows.min((first_tile + 2) * TILE) {
                    let (tile, at) = (row / TILE - first_tile, row % TILE);
                    let to = &mut to[row * outputs..][..outputs];
                    for panel in first..panels.min(first + 2) {
                        let which = 2 * tile + panel - first;
                        let of_planes =
                            [&sums[0][which][at], &sums[1][which][at], &sums[2][which][at]];
                        let sums = joined(bits, of_planes);
                        let products = right.products(&sums, panel, left.scales[row]);
                        let to = &mut to[panel * COLUMNS..];
                        match to.first_chunk_mut::<COLUMNS>() {
                            Some(to) => write(to, &products, block > 0),
                            None => write(to, &products, block > 0),
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn joined(bits: Bits, [high, both, low]: [&Line; 3]) -> Line {
    let mut sums = Line([0; COLUMNS]);
    for (at, sum) in sums.0.iter_mut().enumerate() {
        *sum = bits.joined([high.0[at], both.0[at], low.0[at]]);
    }
    sums
}

/// The sums of products on any processor.
pub(super) fn plain(factors: &Factors<'_>, sums: &mut Sums) {
    let words = factors.tiles() * TILE;
    for (which, sums) in sums.iter_mut().enumerate() {
        let (rows, panel) = (factors.rows[which / 2], factors.panels[which % 2]);
        for (row, sums) in sums.iter_mut().enumerate() {
            let row = &rows[row * factors.stride..][..words];
            for (column, sum) in sums.0.iter_mut().enumerate() {
                *sum = row
                    .iter()
                    .zip(panel)
                    .map(|(left, right)| of_quads(*left, right.0[column]))
                    .sum();
            }
        }
    }
}

/// The products of two words of four numbers, added up.
fn of_quads(left: i32, right: i32) -> i32 {
    let numbers = |word: i32| word.to_le_bytes().map(|byte| i32::from(byte.cast_signed()));
    numbers(left).into_iter().zip(numbers(right)).map(|(left, right)| left * right).sum()
}
