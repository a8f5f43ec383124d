//! Both factors as narrow numbers, in the order in which they are multiplied.

use pulp::bytemuck;

use super::super::lanes::ROUNDER;
use super::tiles::TILE;
use super::{Bits, Numbers, Packing};

/// So many rows of the left factor are multiplied at once.
pub(super) const ROWS: usize = 6;

/// So many rows of the right factor make a panel.
pub(super) const COLUMNS: usize = 16;

/// What is added to numbers of the left factor in quads.
pub(super) const RAISED: i32 = 128;

/// Numbers of each row of a panel, words or sums: a register of AVX-512, and a line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [i32; COLUMNS]);

impl Packing {
    /// How many numbers a word has.
    pub(super) fn numbers(self) -> usize {
        match self {
            Self::Pairs => 2,
            Self::Quads | Self::Tiles => 4,
        }
    }

    /// How many words a row of so many numbers has.
    fn words(self, inputs: usize) -> usize {
        let words = inputs.div_ceil(self.numbers());
        if self == Self::Tiles { words.next_multiple_of(TILE) } else { words }
    }

    /// How many factors of 8 bits one of these numbers becomes.
    fn planes(self, numbers: Numbers) -> usize {
        match numbers {
            Numbers::Whole(bits) if self == Self::Tiles => bits.planes(),
            Numbers::Whole(_) | Numbers::Bfloat => 1,
        }
    }
}

/// The left factor: plane after plane, in these row after row, as words.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Numbers to a row, what they are and their packing.
    pub(super) kind: Option<(usize, Numbers, Packing)>,
    words: Vec<i32>,
    words_of_row: usize,
    /// By which numbers are multiplied to get each row's own.
    pub(super) scales: Vec<f32>,
}

impl Left {
    #[inline(always)]
    pub(super) fn set(&mut self, x: &[f32], inputs: usize, numbers: Numbers, packing: Packing) {
        let Self { kind, words, words_of_row, scales } = self;
        *kind = Some((inputs, numbers, packing));
        *words_of_row = packing.words(inputs);
        let rows = x.len() / inputs.max(1);
        scales.resize(rows, 0.0);
        let bits = match numbers {
            Numbers::Whole(bits) if packing == Packing::Tiles => {
                return self.set_tiles(x, inputs, bits);
            }
            Numbers::Whole(bits) => Some(bits),
            Numbers::Bfloat => None,
        };
        words.resize(rows * *words_of_row, 0);
        let to = words.chunks_exact_mut((*words_of_row).max(1));
        let Some(bits) = bits else {
            scales.fill(1.0);
            for (x, to) in x.chunks_exact(inputs.max(1)).zip(to) {
                let to: &mut [u16] = bytemuck::cast_slice_mut(to);
                to.iter_mut().zip(x).for_each(|(to, x)| *to = bfloat(*x));
                to[x.len()..].fill(0);
            }
            return;
        };
        for ((x, to), scale) in x.chunks_exact(inputs.max(1)).zip(to).zip(scales) {
            let factor;
            (*scale, factor) = scales_of(x, bits);
            match packing {
                Packing::Pairs => {
                    let to: &mut [i16] = bytemuck::cast_slice_mut(to);
                    to.iter_mut().zip(x).for_each(|(to, x)| *to = whole(x * factor) as i16);
                    to[x.len()..].fill(0);
                }
                Packing::Quads => {
                    let to: &mut [u8] = bytemuck::cast_slice_mut(to);
                    to.iter_mut()
                        .zip(x)
                        .for_each(|(to, x)| *to = (whole(x * factor) + RAISED) as u8);
                    to[x.len()..].fill(0);
                }
                Packing::Tiles => unreachable!("set by `set_tiles`"),
            }
        }
    }

    #[inline(always)]
    fn set_tiles(&mut self, x: &[f32], inputs: usize, bits: Bits) {
        let planes = bits.planes();
        let words_of_plane = self.words_of_plane();
        self.words.resize(planes * words_of_plane, 0);
        let bytes_of_row = 4 * self.words_of_row;
        let bytes: &mut [i8] = bytemuck::cast_slice_mut(&mut self.words);
        for ((row, x), scale) in x.chunks_exact(inputs.max(1)).enumerate().zip(&mut self.scales) {
            let factor;
            (*scale, factor) = scales_of(x, bits);
            for plane in 0..planes {
                let to =
                    &mut bytes[4 * plane * words_of_plane + row * bytes_of_row..][..bytes_of_row];
                to.iter_mut()
                    .zip(x)
                    .for_each(|(to, x)| *to = bits.in_planes(whole(x * factor))[plane]);
                to[x.len()..].fill(0);
            }
        }
    }

    /// The words of all rows of a plane, to whole tiles. What stands in the rows that only fill the last is not seen.
    fn words_of_plane(&self) -> usize {
        self.scales.len().next_multiple_of(TILE) * self.words_of_row
    }

    /// What begins with some word of the first row of a tile.
    #[inline(always)]
    pub(super) fn tile(&self, plane: usize, tile: usize, word: usize) -> &[i32] {
        &self.words[plane * self.words_of_plane() + tile * TILE * self.words_of_row + word..]
    }

    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[i32] {
        &self.words[row * self.words_of_row..][..self.words_of_row]
    }
}

/// The right factor: plane after plane, in these panel after panel, in these word after word. Rows that only fill the last panel are 0.
#[derive(Debug, Clone)]
pub(super) struct Right {
    pub(super) numbers: Numbers,
    pub(super) packing: Packing,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    words: Vec<Line>,
    /// By which numbers are multiplied to get each row's own, panel after panel.
    pub(super) scales: Vec<[f32; COLUMNS]>,
    /// What the sums of each [step](Right::step) of a panel begin with, block after block: what takes [`RAISED`] away again.
    begins: Vec<Line>,
}

impl Right {
    pub(super) fn new(weight: &[f32], inputs: usize, kind: Numbers, packing: Packing) -> Self {
        let outputs = weight.len() / inputs.max(1);
        let panels = outputs.div_ceil(COLUMNS);
        let (planes, words_of_row) = (packing.planes(kind), packing.words(inputs));
        let mut words = vec![Line([0; COLUMNS]); planes * panels * words_of_row];
        let mut scales = vec![[0.0; COLUMNS]; panels];
        let mut begins = vec![Line([0; COLUMNS]); panels * inputs.div_ceil(kind.terms())];
        for (row, weight) in weight.chunks_exact(inputs.max(1)).enumerate() {
            let (panel, column) = (row / COLUMNS, row % COLUMNS);
            let (scale, numbers) = kind.of_row(weight);
            scales[panel][column] = scale;
            for plane in 0..planes {
                let in_plane = |number: &i32| match (packing, kind) {
                    (Packing::Tiles, Numbers::Whole(bits)) => {
                        i32::from(bits.in_planes(*number)[plane])
                    }
                    _ => *number,
                };
                let numbers: Vec<i32> = numbers.iter().map(in_plane).collect();
                let words = words[(plane * panels + panel) * words_of_row..].iter_mut();
                for (word, numbers) in words.zip(numbers.chunks(packing.numbers())) {
                    word.0[column] = packing.word(numbers);
                }
            }
            if packing == Packing::Quads {
                for (block, numbers) in numbers.chunks(kind.terms()).enumerate() {
                    begins[block * panels + panel].0[column] =
                        -RAISED * numbers.iter().sum::<i32>();
                }
            }
        }
        Self { numbers: kind, packing, inputs, outputs, words, scales, begins }
    }

    /// What sums of products with the rows of a panel stand for, where `scale` is that of the other factor.
    #[inline(always)]
    pub(super) fn products(&self, Line(sums): &Line, panel: usize, scale: f32) -> [f32; COLUMNS] {
        let mut products = [0.0; COLUMNS];
        if self.numbers == Numbers::Bfloat {
            for (product, sum) in products.iter_mut().zip(sums) {
                *product = f32::from_bits(sum.cast_unsigned());
            }
            return products;
        }
        for ((product, sum), of_column) in products.iter_mut().zip(sums).zip(&self.scales[panel]) {
            *product = *sum as f32 * (scale * of_column);
        }
        products
    }

    /// How many words of a row are multiplied before the result is written.
    pub(super) fn step(&self) -> usize {
        self.numbers.terms() / self.packing.numbers()
    }

    /// The words of a row.
    pub(super) fn words(&self) -> usize {
        self.packing.words(self.inputs)
    }

    #[inline(always)]
    pub(super) fn panel(&self, panel: usize) -> &[Line] {
        self.plane(0, panel)
    }

    /// A panel in a plane.
    #[inline(always)]
    pub(super) fn plane(&self, plane: usize, panel: usize) -> &[Line] {
        let words = self.words();
        &self.words[(plane * self.scales.len() + panel) * words..][..words]
    }

    #[inline(always)]
    pub(super) fn begin(&self, block: usize, panel: usize) -> &Line {
        &self.begins[block * self.scales.len() + panel]
    }
}

impl Packing {
    /// Numbers in one word, the first in the lowest bits.
    fn word(self, numbers: &[i32]) -> i32 {
        let bits = 32 / self.numbers() as u32;
        let mask = u32::MAX >> (32 - bits);
        let place =
            |(at, number): (usize, &i32)| (number.cast_unsigned() & mask) << (bits * at as u32);
        numbers.iter().enumerate().map(place).sum::<u32>().cast_signed()
    }
}

impl Numbers {
    /// So many products are added up at most before the result is written. 384 x 2047² and 1536 x 127 x 255 are less than 2³¹.
    /// Four panels of so many are 96 KiB at most, which fit in a processor's second cache.
    fn terms(self) -> usize {
        match self {
            Self::Whole(Bits::Eight) => 1536,
            Self::Whole(Bits::Twelve) | Self::Bfloat => 384,
        }
    }

    /// What the numbers of a row become, of which a word takes the lowest bits, and by what they are multiplied to get the
    /// row's own.
    fn of_row(self, values: &[f32]) -> (f32, Vec<i32>) {
        match self {
            Self::Whole(bits) => {
                let (scale, factor) = scales_of(values, bits);
                (scale, values.iter().map(|value| whole(value * factor)).collect())
            }
            Self::Bfloat => (1.0, values.iter().map(|value| bfloat(*value).into()).collect()),
        }
    }
}

/// The nearest number of bfloat16, by its bits; the even one where two are as near, and none where it is none.
#[inline(always)]
fn bfloat(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = ((bits.wrapping_add(0x7fff + (bits >> 16 & 1))) >> 16) as u16;
    if value.is_nan() { 0x7fff } else { rounded }
}

/// By what the whole numbers of a row are multiplied to get its own, and its own to get whole numbers. The first is not a number
/// where one of the row is none, or infinite.
#[inline(always)]
fn scales_of(values: &[f32], bits: Bits) -> (f32, f32) {
    let most = magnitude(values);
    let factor = if most > 0.0 { bits.largest() / most } else { 0.0 };
    (most / bits.largest(), factor)
}

/// The largest magnitude of a row; not a number where one of them is none.
#[inline(always)]
fn magnitude(values: &[f32]) -> f32 {
    // Without their signs, the bits of numbers are in the order of the numbers; what is no number comes last.
    let bits = |value: &f32| value.abs().to_bits();
    f32::from_bits(values.iter().fold(0, |most, value| bits(value).max(most)))
}

/// The nearest whole number of one that has at most 12 bits.
#[inline(always)]
fn whole(value: f32) -> i32 {
    (value + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()).cast_signed()
}
