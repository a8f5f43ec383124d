//! Tiles by the dot products of Arm's NEON (Cortex-A76, Neoverse N1 and later, Apple's): an instruction multiplies four numbers of 8
//! bits of a row with four of each of four columns, and adds up.
//!
//! Stable Rust has no function for this instruction, so it stands in assembly. It has been run in an emulator only (QEMU),
//! where the results are the twin's; it was never timed.

use std::arch::aarch64::{int32x4_t, vdupq_n_s32};
use std::arch::asm;
use std::mem::transmute;

use super::factor::{Left, Right};
use super::tiles::{self, Factors, Sums, TILE};

/// So many rows of a tile are multiplied at once: their sums are half of the registers.
const ROWS: usize = 4;

/// The words, or columns, of a register.
const LANES: usize = 4;

/// Whether the processor has this instruction.
pub(super) fn is_there() -> bool {
    std::arch::is_aarch64_feature_detected!("dotprod")
}

/// `to = left right^T`.
///
/// # Panics
/// Where [`is_there`] is false.
#[allow(unsafe_code, reason = "instructions that not every processor has; see the argument inside")]
pub(super) fn product(left: &Left, right: &Right, to: &mut [f32]) {
    assert!(is_there(), "a processor without dot products");
    // SAFETY: the function is safe but for the processor's features that it names: every 64-bit processor of Arm that Linux,
    // macOS or Windows runs on has NEON, and `is_there` has found the other.
    unsafe { product_in_tiles(left, right, to) }
}

#[target_feature(enable = "neon,dotprod")]
fn product_in_tiles(left: &Left, right: &Right, to: &mut [f32]) {
    tiles::product(left, right, to, |factors, sums| multiply(factors, sums));
}

/// Adds the products of a word of a row, by its number in the register, with four columns.
macro_rules! add_products {
    ($sums:expr, $row:expr, $columns:expr, $lane:literal) => {
        // SAFETY: the instruction, which the processor has, reads and writes the registers that it names alone.
        unsafe {
            asm!(
                concat!("sdot {sums:v}.4s, {columns:v}.16b, {row:v}.4b[", $lane, "]"),
                sums = inout(vreg) $sums,
                columns = in(vreg) $columns,
                row = in(vreg) $row,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
    };
}

/// The sums of products of some tiles.
#[inline]
#[target_feature(enable = "neon,dotprod")]
#[allow(unsafe_code, reason = "assembly, and registers by another name; see the arguments inside")]
fn multiply(factors: &Factors<'_>, sums: &mut Sums) {
    let words = factors.tiles() * TILE;
    for (which, sums) in sums.iter_mut().enumerate() {
        let (rows, panel) = (factors.rows[which / 2], &factors.panels[which % 2][..words]);
        for (group, sums) in sums.chunks_exact_mut(ROWS).enumerate() {
            let row = |row: usize| &rows[(ROWS * group + row) * factors.stride..][..words];
            let rows: [&[i32]; ROWS] = std::array::from_fn(row);
            let mut registers = [[vdupq_n_s32(0); LANES]; ROWS];
            for (at, lines) in panel.as_chunks::<LANES>().0.iter().enumerate() {
                // SAFETY: as many integers of 32 bits are four registers of four.
                let columns = lines.each_ref().map(|line| unsafe {
                    transmute::<[i32; 4 * LANES], [int32x4_t; LANES]>(line.0)
                });
                for (registers, row) in registers.iter_mut().zip(rows) {
                    // SAFETY: four integers of 32 bits are a register of four.
                    let row = unsafe {
                        transmute::<[i32; LANES], int32x4_t>(row.as_chunks::<LANES>().0[at])
                    };
                    for (quarter, sums) in registers.iter_mut().enumerate() {
                        add_products!(*sums, row, columns[0][quarter], 0);
                        add_products!(*sums, row, columns[1][quarter], 1);
                        add_products!(*sums, row, columns[2][quarter], 2);
                        add_products!(*sums, row, columns[3][quarter], 3);
                    }
                }
            }
            for (sums, registers) in sums.iter_mut().zip(registers) {
                // SAFETY: as above, the other way.
                sums.0 = unsafe { transmute::<[int32x4_t; LANES], [i32; 4 * LANES]>(registers) };
            }
        }
    }
}
