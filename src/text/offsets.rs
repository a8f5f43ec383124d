//! From bytes to the offsets that other programs count in, and back. Inside the library offsets are
//! always bytes ([`Span`](super::Span)); only formats and the command line convert.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// What an external offset counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OffsetUnit {
    /// Unicode code points: Python, spaCy, GLiNER.
    #[default]
    Char,
    /// Bytes of UTF-8: Rust, Go, grep.
    Byte,
    /// UTF-16 code units: JavaScript, Java, C#.
    Utf16,
}

impl OffsetUnit {
    /// The names of all units, as users type them.
    pub const NAMES: &[&str] = &["char", "byte", "utf16"];

    /// The units of a char, counted at its first byte; 0 for the bytes that continue one.
    fn at(self, byte: u8) -> usize {
        match self {
            Self::Byte => 1,
            Self::Char => usize::from(byte & 0xC0 != 0x80),
            Self::Utf16 => usize::from(byte & 0xC0 != 0x80) + usize::from(byte >= 0xF0),
        }
    }

    fn count(self, bytes: &[u8]) -> usize {
        bytes.iter().map(|&byte| self.at(byte)).sum()
    }
}

impl fmt::Display for OffsetUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Char => "char",
            Self::Byte => "byte",
            Self::Utf16 => "utf16",
        })
    }
}

impl FromStr for OffsetUnit {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "char" => Ok(Self::Char),
            "byte" => Ok(Self::Byte),
            "utf16" => Ok(Self::Utf16),
            _ => Err(Error::unknown("offset unit", name, Self::NAMES)),
        }
    }
}

/// Bytes between two counts that the table keeps: a conversion reads at most so many bytes, and the
/// table takes 1/64 of the text.
const BLOCK: usize = 512;

/// Converts between bytes and units of one text: [`OffsetTable::from_byte`] in constant time,
/// [`OffsetTable::to_byte`] in O(log n). Where the unit is the byte, or the text is ASCII, nothing
/// is kept.
#[derive(Debug, Clone)]
pub struct OffsetTable<'t> {
    text: &'t str,
    unit: OffsetUnit,
    /// The units that begin before each multiple of [`BLOCK`]; empty where units are bytes.
    counts: Vec<usize>,
}

impl<'t> OffsetTable<'t> {
    /// The table of `text`.
    pub fn new(text: &'t str, unit: OffsetUnit) -> Self {
        let mut counts = Vec::new();
        if unit != OffsetUnit::Byte && !text.is_ascii() {
            let mut total = 0;
            for block in text.as_bytes().chunks(BLOCK) {
                counts.push(total);
                total += unit.count(block);
            }
        }
        Self { text, unit, counts }
    }

    /// The units before the byte offset `byte`. An offset past the end counts as the end, one inside
    /// a char as the end of that char.
    pub fn from_byte(&self, byte: usize) -> usize {
        let byte = byte.min(self.text.len());
        if self.counts.is_empty() {
            return byte;
        }
        let block = (byte / BLOCK).min(self.counts.len() - 1);
        self.counts[block] + self.unit.count(&self.text.as_bytes()[block * BLOCK..byte])
    }

    /// The byte offset of unit `offset`; `None` past the end of the text and between the two halves
    /// of a surrogate pair.
    pub fn to_byte(&self, offset: usize) -> Option<usize> {
        if self.counts.is_empty() {
            return self.text.is_char_boundary(offset).then_some(offset);
        }
        let block = self.counts.partition_point(|&count| count <= offset) - 1;
        let mut count = self.counts[block];
        let mut byte = block * BLOCK;
        while count < offset || !self.text.is_char_boundary(byte) {
            count += self.unit.at(*self.text.as_bytes().get(byte)?);
            byte += 1;
        }
        (count == offset).then_some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Span;
    use proptest::prelude::*;

    const UNITS: [OffsetUnit; 3] = [OffsetUnit::Char, OffsetUnit::Byte, OffsetUnit::Utf16];

    fn naive(text: &str, unit: OffsetUnit) -> usize {
        match unit {
            OffsetUnit::Char => text.chars().count(),
            OffsetUnit::Byte => text.len(),
            OffsetUnit::Utf16 => text.encode_utf16().count(),
        }
    }

    /// Every boundary against naive counting, and back; every offset that is no boundary gives none.
    fn check(text: &str, unit: OffsetUnit) {
        let table = OffsetTable::new(text, unit);
        let mut boundaries = vec![None; naive(text, unit) + 2];
        for byte in (0..=text.len()).filter(|&b| text.is_char_boundary(b)) {
            let offset = naive(text.get(..byte).unwrap(), unit);
            assert_eq!(table.from_byte(byte), offset, "{unit} at byte {byte}");
            boundaries[offset] = Some(byte);
        }
        for (offset, byte) in boundaries.into_iter().enumerate() {
            assert_eq!(table.to_byte(offset), byte, "{unit} at offset {offset}");
        }
    }

    #[test]
    fn names_round_trip_and_a_wrong_one_is_explained() {
        for (unit, name) in UNITS.iter().zip(OffsetUnit::NAMES) {
            assert_eq!(unit.to_string(), *name);
            assert_eq!(name.parse::<OffsetUnit>().unwrap(), *unit);
        }
        let error = "utf-16".parse::<OffsetUnit>().unwrap_err();
        assert_eq!(error.to_string(), "unknown offset unit 'utf-16'");
        assert_eq!(error.help_text(), Some("did you mean 'utf16'? known: char, byte, utf16"));
    }

    #[test]
    fn units_differ_outside_ascii() {
        let text = "né 😀 Łódź";
        let span = Span::new(text.find('Ł').unwrap(), text.len());
        let of = |unit| {
            let table = OffsetTable::new(text, unit);
            (table.from_byte(span.start), table.from_byte(span.end))
        };
        assert_eq!(of(OffsetUnit::Char), (5, 9));
        assert_eq!(of(OffsetUnit::Utf16), (6, 10));
        assert_eq!(of(OffsetUnit::Byte), (9, 16));
    }

    #[test]
    fn the_middle_of_a_surrogate_pair_is_no_place() {
        let table = OffsetTable::new("a😀b", OffsetUnit::Utf16);
        assert_eq!(
            [1, 2, 3, 4, 5].map(|o| table.to_byte(o)),
            [Some(1), None, Some(5), Some(6), None]
        );
    }

    #[test]
    fn chars_may_lie_across_the_blocks() {
        for shift in 0..5 {
            let text = format!("{}{}", "a".repeat(shift), "😀é文".repeat(2 * BLOCK / 9));
            UNITS.iter().for_each(|&unit| check(&text, unit));
        }
    }

    #[test]
    fn offsets_past_the_end_are_safe() {
        for text in ["", "abc", "é"] {
            for unit in UNITS {
                let table = OffsetTable::new(text, unit);
                assert_eq!(table.from_byte(99), naive(text, unit));
                assert_eq!(table.to_byte(99), None);
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_naive_counting(text in "\\PC{0,60}|[aé文😀\n]{0,700}") {
            UNITS.iter().for_each(|&unit| check(&text, unit));
        }
    }
}
