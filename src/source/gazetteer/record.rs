//! Entries as they are kept: on their way through the sort, and in a compiled gazetteer.
//!
//! A record is a surface's entries behind the varint of their length in bytes, in the order of
//! `runs::compare`. An entry is a byte of flags, the varint number of its label, its weight where it
//! is not 1 (varint thousandths, or f32), its surface as written unless it is that of the entry before
//! (varint length, UTF-8), and its detail. A detail is a varint length and that many bytes: the id
//! (varint of its length plus one, or 0 for none, then UTF-8) and then attributes (varint number of the
//! key, varint length, UTF-8) up to its end. Where the same detail was written in an earlier record, the
//! varint distance from the beginning of this record back to it stands instead: aliases of one thing
//! share one detail.

use super::casing::{Case, Shape};
use super::varint;

/// The bits of an entry's flags: its case policy.
const CASE: u8 = 0b11;
/// Its shape.
const SHAPE: u8 = 0b11 << 2;
/// Its surface is that of the entry before.
const SAME_SURFACE: u8 = 1 << 4;
/// How its weight is written.
const WEIGHT: u8 = 0b11 << 5;
const WEIGHT_THOUSANDTHS: u8 = 1 << 5;
const WEIGHT_FLOAT: u8 = 2 << 5;
/// Its detail stands further back.
const DETAIL_BEFORE: u8 = 1 << 7;

/// The policies by their number in the file; 0 stands for none.
const CASES: [Option<Case>; 4] = [None, Some(Case::Exact), Some(Case::Smart), Some(Case::Fold)];

/// The shapes by their number in the file.
const SHAPES: [Shape; 3] = [Shape::Lower, Shape::Acronym, Shape::Capitalised];

/// An entry as it lies in a record. Strings are checked to be UTF-8 when they are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Record<'b> {
    /// Where it stands in its section: no other entry has the same.
    pub(super) position: usize,
    pub(super) surface: &'b str,
    pub(super) label: usize,
    pub(super) weight: f32,
    pub(super) case: Option<Case>,
    pub(super) shape: Shape,
    /// Id and attributes.
    pub(super) detail: &'b [u8],
}

/// The number of a policy in the file.
pub(super) fn case_number(case: Option<Case>) -> u8 {
    CASES.iter().position(|known| *known == case).expect("CASES holds every case") as u8
}

/// The policy of a number.
pub(super) fn case_of(number: u8) -> Option<Case> {
    CASES.get(usize::from(number)).copied().flatten()
}

/// An entry to be written.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) surface: &'a str,
    pub(super) is_surface_of_before: bool,
    pub(super) label: usize,
    pub(super) weight: f32,
    pub(super) case: u8,
    pub(super) detail: &'a [u8],
    /// How far before the record the detail was written.
    pub(super) detail_before: Option<u64>,
}

impl Written<'_> {
    /// Appends the entry; gives where in `out` its detail stands, if it stands here.
    pub(super) fn put(&self, out: &mut Vec<u8>) -> Option<usize> {
        let shape = Shape::of(self.surface);
        let shape = SHAPES.iter().position(|s| *s == shape).expect("SHAPES holds every shape");
        let thousandths = (self.weight * 1000.0).round();
        let weight = match self.weight {
            1.0 => 0,
            weight if (thousandths / 1000.0).to_bits() == weight.to_bits() => WEIGHT_THOUSANDTHS,
            _ => WEIGHT_FLOAT,
        };
        let mut flags = self.case | (shape as u8) << SHAPE.trailing_zeros() | weight;
        if self.is_surface_of_before {
            flags |= SAME_SURFACE;
        }
        if self.detail_before.is_some() {
            flags |= DETAIL_BEFORE;
        }
        out.push(flags);
        varint::put(out, self.label as u64);
        match weight {
            WEIGHT_THOUSANDTHS => varint::put(out, thousandths as u64),
            WEIGHT_FLOAT => out.extend_from_slice(&self.weight.to_le_bytes()),
            _ => {}
        }
        if !self.is_surface_of_before {
            varint::put_bytes(out, self.surface.as_bytes());
        }
        if let Some(distance) = self.detail_before {
            varint::put(out, distance);
            return None;
        }
        let place = out.len();
        varint::put_bytes(out, self.detail);
        Some(place)
    }
}

/// Appends the detail of an id and of attributes, whose keys are numbers.
pub(super) fn put_detail<'a>(
    out: &mut Vec<u8>,
    id: Option<&str>,
    attributes: impl Iterator<Item = (u64, &'a str)>,
) {
    let mut attributes = attributes.peekable();
    if id.is_none() && attributes.peek().is_none() {
        return;
    }
    match id {
        None => out.push(0),
        Some(id) => {
            varint::put(out, id.len() as u64 + 1);
            out.extend_from_slice(id.as_bytes());
        }
    }
    for (key, value) in attributes {
        varint::put(out, key);
        varint::put_bytes(out, value.as_bytes());
    }
}

/// The entries of one record; ends early where bytes are not what they should be.
#[derive(Debug, Clone)]
pub(super) struct Records<'b> {
    section: &'b [u8],
    /// Where the record begins.
    start: usize,
    at: usize,
    end: usize,
    surface: &'b str,
}

impl<'b> Records<'b> {
    /// No entries.
    pub(super) fn none() -> Self {
        Self { section: &[], start: 0, at: 0, end: 0, surface: "" }
    }

    /// The record at `at`, which moves behind it.
    #[inline]
    pub(super) fn at(section: &'b [u8], at: &mut usize) -> Option<Self> {
        let start = *at;
        let length = usize::try_from(varint::take(section, at)?).ok()?;
        let first = *at;
        let end = first.checked_add(length).filter(|&end| end <= section.len())?;
        *at = end;
        Some(Self { section, start, at: first, end, surface: "" })
    }

    #[inline]
    fn read(&mut self) -> Option<Record<'b>> {
        let bytes = self.section.get(..self.end)?;
        let position = self.at;
        let at = &mut self.at;
        let flags = *bytes.get(*at)?;
        *at += 1;
        let label = usize::try_from(varint::take(bytes, at)?).ok()?;
        let weight = match flags & WEIGHT {
            0 => 1.0,
            WEIGHT_THOUSANDTHS => varint::take(bytes, at)? as f32 / 1000.0,
            WEIGHT_FLOAT => {
                let weight = f32::from_le_bytes(*bytes.get(*at..)?.first_chunk()?);
                *at += 4;
                weight
            }
            _ => return None,
        };
        if !(0.0..=1.0).contains(&weight) {
            return None;
        }
        if flags & SAME_SURFACE == 0 {
            self.surface = varint::take_str(bytes, at)?;
        }
        let detail = if flags & DETAIL_BEFORE != 0 {
            let distance = usize::try_from(varint::take(bytes, at)?).ok()?;
            let mut there = self.start.checked_sub(distance)?;
            varint::take_bytes(self.section, &mut there)?
        } else {
            varint::take_bytes(bytes, at)?
        };
        Some(Record {
            position,
            surface: self.surface,
            label,
            weight,
            case: case_of(flags & CASE),
            shape: *SHAPES.get(usize::from((flags & SHAPE) >> SHAPE.trailing_zeros()))?,
            detail,
        })
    }
}

impl<'b> Iterator for Records<'b> {
    type Item = Record<'b>;

    #[inline]
    fn next(&mut self) -> Option<Record<'b>> {
        if self.at >= self.end {
            return None;
        }
        let record = self.read();
        if record.is_none() {
            self.at = self.end;
        }
        record
    }
}

/// The id of a detail, and where its attributes begin.
pub(super) fn id(detail: &[u8]) -> (Option<&str>, usize) {
    let mut at = 0;
    let id = match varint::take(detail, &mut at) {
        None | Some(0) => None,
        Some(length) => usize::try_from(length - 1)
            .ok()
            .and_then(|length| detail.get(at..at.checked_add(length)?))
            .and_then(|id| std::str::from_utf8(id).ok()),
    };
    at += id.map_or(0, str::len);
    (id, at)
}

/// The attributes of a detail: number of the key, and value.
#[derive(Debug, Clone)]
pub(super) struct DetailAttributes<'b> {
    detail: &'b [u8],
    at: usize,
}

impl<'b> DetailAttributes<'b> {
    /// Those of `detail`.
    pub(super) fn new(detail: &'b [u8]) -> Self {
        Self { detail, at: id(detail).1 }
    }
}

impl<'b> Iterator for DetailAttributes<'b> {
    type Item = (u64, &'b str);

    fn next(&mut self) -> Option<(u64, &'b str)> {
        let key = varint::take(self.detail, &mut self.at)?;
        let value = varint::take_str(self.detail, &mut self.at)?;
        Some((key, value))
    }
}
