//! The file of a compiled gazetteer: its header, which is read and checked when it is opened, and the
//! sections behind it, which are not. What stands in the sections is `index`'s and `record`'s
//! business.
//!
//! The layout, numbers in little-endian order, strings as a varint length and UTF-8:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `MAGIC` |
//! | u32 | `VERSION`, raised whenever this layout or the folding of surfaces changes |
//! | u32 | length of the header |
//! | u64 | length of the file |
//! | u64 | FNV-1a checksum of the header, with 0 in this place |
//! | u64, u64, u32 | counts of entries and surfaces, bytes of the longest surface |
//! | 32 | SHA-256 of the sections and what lies between them |
//! | u64, u64 for each section | where it begins and how long it is |
//! | string | the program that built it |
//! | u32, then for each source | count of sources; name, options (strings), SHA-256 (32), count of entries (u64) |
//!
//! Sections begin at multiples of 64, in the order of [`Section::ALL`]; zeros fill the gaps.

use std::ops::Range;

use super::varint;
use crate::error::{Error, ErrorKind, Result};

/// What a compiled gazetteer begins with.
pub(super) const MAGIC: &[u8; 8] = b"SPANGAZ\n";

/// The layout that this program reads and writes.
pub(super) const VERSION: u32 = 3;

/// What a section begins at a multiple of.
pub(super) const ALIGNMENT: u64 = 64;

/// Where the checksum of the header stands.
const CHECKSUM: Range<usize> = 24..32;

/// A longer header is refused before it is read.
const LONGEST_HEADER: usize = 1 << 24;

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// The labels, sorted.
    Labels,
    /// The keys of attributes, sorted.
    Keys,
    /// The transducer of the surfaces.
    Fst,
    /// The filter of the words that surfaces begin with.
    Filter,
    /// Where every eighth surface's record begins.
    Offsets,
    /// The entries.
    Records,
}

impl Section {
    /// All sections, as they stand in the file.
    pub(super) const ALL: [Section; 6] = [
        Section::Labels,
        Section::Keys,
        Section::Fst,
        Section::Filter,
        Section::Offsets,
        Section::Records,
    ];

    /// Its name, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Section::Labels => "labels",
            Section::Keys => "attribute keys",
            Section::Fst => "surfaces",
            Section::Filter => "filter",
            Section::Offsets => "offsets",
            Section::Records => "entries",
        }
    }
}

/// A file that a gazetteer was built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Its name, without its folder.
    pub name: String,
    /// The format it was read as and the options that were set, as they are typed:
    /// `csv --label LOC`.
    pub options: String,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many entries it gave.
    pub entries: u64,
}

/// What a compiled gazetteer says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The version of its format.
    pub version: u32,
    /// The program that built it.
    pub builder: String,
    /// How many entries it has.
    pub entries: u64,
    /// How many surfaces differ after folding.
    pub surfaces: u64,
    /// The bytes of the longest folded surface.
    pub longest_surface: u32,
    /// The SHA-256 of the sections: equal where the entries are, whatever files they came from.
    pub sha256: [u8; 32],
    /// The files it was built from, sorted.
    pub sources: Vec<SourceFile>,
    /// Where the sections are, in the order of [`Section::ALL`].
    pub(super) sections: [Range<usize>; Section::ALL.len()],
}

pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Gazetteer, message)
}

/// Whether `bytes` are meant to be a compiled gazetteer.
pub(super) fn is_compiled(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// FNV-1a, 64 bits: finds damage, not malice.
fn checksum(header: &[u8]) -> u64 {
    header.iter().enumerate().fold(0xcbf2_9ce4_8422_2325, |hash, (at, &byte)| {
        let byte = if CHECKSUM.contains(&at) { 0 } else { byte };
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Header {
    /// The header of a file whose sections have these lengths, and how long that file is.
    pub(super) fn place(&mut self, lengths: [u64; Section::ALL.len()]) -> Result<u64> {
        // Ranges have a fixed size in the file: the header is as long with any others.
        let mut end = self.to_bytes(0).len() as u64;
        for (range, length) in self.sections.iter_mut().zip(lengths) {
            let start = end.next_multiple_of(ALIGNMENT);
            end = start + length;
            let too_large = |_| wrong("the gazetteer is too large for this machine");
            *range = usize::try_from(start).map_err(too_large)?
                ..usize::try_from(end).map_err(too_large)?;
        }
        Ok(end)
    }

    /// The header as it stands in a file of `length` bytes.
    pub(super) fn to_bytes(&self, length: u64) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&self.surfaces.to_le_bytes());
        out.extend_from_slice(&self.longest_surface.to_le_bytes());
        out.extend_from_slice(&self.sha256);
        for range in &self.sections {
            out.extend_from_slice(&(range.start as u64).to_le_bytes());
            out.extend_from_slice(&(range.len() as u64).to_le_bytes());
        }
        varint::put_bytes(&mut out, self.builder.as_bytes());
        out.extend_from_slice(&(self.sources.len() as u32).to_le_bytes());
        for source in &self.sources {
            varint::put_bytes(&mut out, source.name.as_bytes());
            varint::put_bytes(&mut out, source.options.as_bytes());
            out.extend_from_slice(&source.sha256);
            out.extend_from_slice(&source.entries.to_le_bytes());
        }
        let header_length = out.len() as u32;
        out[12..16].copy_from_slice(&header_length.to_le_bytes());
        let sum = checksum(&out);
        out[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// The header of a file that is all there; what stands behind it is not looked at.
    pub(super) fn read(file: &[u8]) -> Result<Self> {
        if !is_compiled(file) {
            let help = "build one: spanloom gazetteer build IN.tsv -o OUT.fst";
            return Err(wrong("not a compiled gazetteer").with_help(help));
        }
        let cut = || wrong("the compiled gazetteer is cut off within its header");
        let mut reader = Reader { bytes: file, at: MAGIC.len() };
        let version = reader.u32().ok_or_else(cut)?;
        if version != VERSION {
            let newer = if version > VERSION { ", from a newer program" } else { "" };
            let message =
                format!("compiled gazetteer of version {version}{newer}, expected {VERSION}");
            return Err(wrong(message).with_help("build it again: spanloom gazetteer build"));
        }
        let header_length = reader.u32().ok_or_else(cut)? as usize;
        let length = reader.u64().ok_or_else(cut)?;
        let expected = reader.u64().ok_or_else(cut)?;
        if length != file.len() as u64 {
            let message = format!("the file has {} bytes, its header says {length}", file.len());
            return Err(wrong(message).with_help("it was cut off, or something was added to it"));
        }
        let damaged = || wrong("the header of the compiled gazetteer is damaged");
        let header = Some(header_length)
            .filter(|&length| length <= LONGEST_HEADER)
            .and_then(|length| file.get(..length))
            .ok_or_else(damaged)?;
        if checksum(header) != expected {
            return Err(damaged());
        }
        let mut reader = Reader { bytes: header, at: reader.at };
        let read = reader.rest(version).ok_or_else(damaged)?;
        let mut end = header_length;
        for range in &read.sections {
            if range.start < end || range.end < range.start || range.end > file.len() {
                return Err(damaged());
            }
            end = range.end;
        }
        Ok(read)
    }
}

/// What is left of a header.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = *self.bytes.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn string(&mut self) -> Option<String> {
        varint::take_str(self.bytes, &mut self.at).map(str::to_owned)
    }

    /// What follows the checksum.
    fn rest(&mut self, version: u32) -> Option<Header> {
        let (entries, surfaces, longest_surface) = (self.u64()?, self.u64()?, self.u32()?);
        let sha256 = self.array()?;
        let mut sections: [Range<usize>; Section::ALL.len()] = Default::default();
        for range in &mut sections {
            let start = usize::try_from(self.u64()?).ok()?;
            *range = start..start.checked_add(usize::try_from(self.u64()?).ok()?)?;
        }
        let builder = self.string()?;
        let mut sources = Vec::new();
        for _ in 0..self.u32()? {
            let (name, options) = (self.string()?, self.string()?);
            let (sha256, entries) = (self.array()?, self.u64()?);
            sources.push(SourceFile { name, options, sha256, entries });
        }
        let is_all = self.at == self.bytes.len();
        is_all.then_some(Header {
            version,
            builder,
            entries,
            surfaces,
            longest_surface,
            sha256,
            sources,
            sections,
        })
    }
}
