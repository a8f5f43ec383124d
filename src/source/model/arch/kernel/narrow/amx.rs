//! Tiles by AMX, of Intel's processors since Sapphire Rapids: an instruction multiplies 16 rows of 64 numbers of 8 bits with 16
//! columns.
//!
//! Stable Rust has no functions for these instructions, so they stand in assembly. Linux lets a process have the eight
//! registers of 1 KiB when it asks for them. Before they are used, a product of numbers of both signs is compared with its twin: the
//! emulator Bochs 3.0, the only place where this has been run, takes all numbers for positive ones. With such numbers the
//! results there are the twin's.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

use super::avx512;
use super::factor::{COLUMNS, Left, Line, Right};
use super::tiles::{self, Factors, Sums, TILE};

/// Whether the processor has these instructions, the system lets this process use them, and they do what they should.
pub(super) fn is_there() -> bool {
    static IS_THERE: OnceLock<bool> = OnceLock::new();
    *IS_THERE.get_or_init(|| avx512::is_there() && has_tiles() && may_use_tiles() && is_right())
}

/// Whether a product of numbers of both signs is its twin's. Asked where the instructions are there.
#[allow(unsafe_code, reason = "instructions that not every processor has; see the argument inside")]
fn is_right() -> bool {
    let word = |at: usize| (at as u32).wrapping_mul(0x9e37_79b9).cast_signed();
    let rows: Vec<i32> = (0..32 * TILE).map(word).collect();
    let panel: Vec<Line> = (0..TILE)
        .map(|at| Line(std::array::from_fn(|column| word(977 + at * COLUMNS + column))))
        .collect();
    let (first, second) = rows.split_at(16 * TILE);
    let factors = Factors { rows: [first, second], stride: TILE, panels: [&panel, &panel] };
    let sums = || Box::new([[Line([0; COLUMNS]); TILE]; 4]);
    let (mut got, mut expected) = (sums(), sums());
    // SAFETY: as in `product`; `is_there` asks this last.
    unsafe { multiply_in_tiles(&factors, &mut got) };
    tiles::plain(&factors, &mut expected);
    got.iter().flatten().zip(expected.iter().flatten()).all(|(got, expected)| got.0 == expected.0)
}

/// Whether the processor has tiles and multiplies numbers of 8 bits in them.
fn has_tiles() -> bool {
    /// Intel's manual of instructions, CPUID: leaf 7, EDX, AMX-TILE and AMX-INT8.
    const TILES: u32 = 1 << 24 | 1 << 25;
    __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & TILES == TILES
}

/// Asks the system for the registers, for all threads.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the C library's function; see the argument inside")]
fn may_use_tiles() -> bool {
    /// Linux, `arch/x86/include/uapi/asm/prctl.h` and `Documentation/arch/x86/xstate.rst`.
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes numbers and changes nothing but what the process may use. A system that does not know
    // it returns an error.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn may_use_tiles() -> bool {
    false
}

/// `to = left right^T`.
///
/// # Panics
/// Where [`is_there`] is false.
#[allow(unsafe_code, reason = "instructions that not every processor has; see the argument inside")]
pub(super) fn product(left: &Left, right: &Right, to: &mut [f32]) {
    assert!(is_there(), "a processor without AMX");
    // SAFETY: the function wants the processor's features that it names, which `avx512::is_there` has found, and tiles,
    // which `has_tiles` and `may_use_tiles` have.
    unsafe { product_in_tiles(left, right, to) }
}

/// One product of tiles.
///
/// # Safety
/// Tiles are there, and this process may use them.
#[allow(unsafe_code, reason = "see its argument")]
unsafe fn multiply_in_tiles(factors: &Factors<'_>, sums: &mut Sums) {
    // SAFETY: the caller's.
    let registers = unsafe { Registers::new() };
    registers.multiply(factors, sums);
}

/// # Safety
/// As for [`multiply_in_tiles`].
#[allow(unsafe_code, reason = "see its argument")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn product_in_tiles(left: &Left, right: &Right, to: &mut [f32]) {
    // SAFETY: the caller's.
    let registers = unsafe { Registers::new() };
    tiles::product(left, right, to, |factors, sums| registers.multiply(factors, sums));
}

/// The thread's registers, laid out as eight tiles of 16 rows of 64 bytes. Only one is alive in a thread at a time.
struct Registers;

/// How registers are laid out, as `ldtilecfg` reads it.
#[repr(C, align(64))]
struct Layout {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_of_row: [u16; 16],
    rows: [u8; 16],
}

impl Registers {
    /// # Safety
    /// As for [`multiply_in_tiles`].
    #[allow(unsafe_code, reason = "assembly; see the argument inside")]
    unsafe fn new() -> Self {
        let eight = |at: usize| at < 8;
        let layout = Layout {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            bytes_of_row: std::array::from_fn(|at| if eight(at) { 64 } else { 0 }),
            rows: std::array::from_fn(|at| if eight(at) { 16 } else { 0 }),
        };
        // SAFETY: the instruction is there, as the caller says. It reads the 64 bytes of a `Layout`, which is a valid one of palette 1, and changes the tile registers alone, which no
        // compiled code uses.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const layout, options(nostack, preserves_flags, readonly));
        }
        Self
    }

    /// The sums of products of some tiles.
    #[inline(always)]
    #[allow(unsafe_code, reason = "assembly; see the argument inside")]
    fn multiply(&self, factors: &Factors<'_>, sums: &mut Sums) {
        let tiles = factors.tiles();
        if tiles == 0 {
            return *sums = [[Line([0; COLUMNS]); TILE]; 4];
        }
        // SAFETY: `self` stands for registers that are laid out. With each of `tiles` steps a tile of 16 rows of
        // 64 bytes is read from each of the rows, `stride` words apart, and 16 lines of 64 bytes from each of the panels:
        // `Factors::tiles` has checked that the slices have them. The sums are four times 16 lines of 64 bytes, all written.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{rows_0} + {stride}]",
                "tileloadd tmm6, [{panel_0} + {line}]",
                "tileloadd tmm7, [{panel_1} + {line}]",
                "tdpbssd tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{rows_1} + {stride}]",
                "tdpbssd tmm1, tmm4, tmm7",
                "add {rows_0}, 64",
                "add {rows_1}, 64",
                "tdpbssd tmm2, tmm5, tmm6",
                "add {panel_0}, 1024",
                "add {panel_1}, 1024",
                "tdpbssd tmm3, tmm5, tmm7",
                "dec {tiles}",
                "jnz 2b",
                "tilestored [{sums} + {line}], tmm0",
                "tilestored [{sums} + {line} + 1024], tmm1",
                "tilestored [{sums} + {line} + 2048], tmm2",
                "tilestored [{sums} + {line} + 3072], tmm3",
                rows_0 = inout(reg) factors.rows[0].as_ptr() => _,
                rows_1 = inout(reg) factors.rows[1].as_ptr() => _,
                panel_0 = inout(reg) factors.panels[0].as_ptr() => _,
                panel_1 = inout(reg) factors.panels[1].as_ptr() => _,
                tiles = inout(reg) tiles => _,
                stride = in(reg) 4 * factors.stride,
                line = in(reg) 64usize,
                sums = in(reg) sums.as_mut_ptr(),
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

impl Drop for Registers {
    /// Gives the registers back, so that the system does not have to save them when threads change.
    #[allow(unsafe_code, reason = "assembly; see the argument inside")]
    fn drop(&mut self) {
        // SAFETY: the instruction changes the tile registers alone.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) }
    }
}
