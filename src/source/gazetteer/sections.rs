//! The sections of a compiled gazetteer, written side by side while sorted entries come, and put one
//! behind the other at the end. Memory is bounded by the filter (about two bytes an entry) and the
//! details that are remembered (at most 50 MB); everything else streams.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::format::{Header, Section, SourceFile, VERSION};
use super::index::{FilterKeys, FstBuilder, build_filter};
use super::record::{self, Written};
use super::runs::{Draft, Merge, Tables};
use super::varint;
use crate::error::Result;

/// What is written or read of a file at a time.
const BUFFER: usize = 1 << 18;

/// So many details are remembered, so that aliases share them; then all are forgotten.
const REMEMBERED_DETAILS: usize = 1 << 20;

/// A shorter detail is written again rather than pointed at.
const SHORTEST_SHARED: usize = 8;

/// Every so many surfaces it is written where the record begins.
pub(super) const SURFACES_PER_OFFSET: u64 = 8;

/// Writes header and sections.
pub(super) fn assemble<F: Write + Seek>(
    file: &mut F,
    mut header: Header,
    mut parts: [Part; Section::ALL.len()],
) -> io::Result<Result<Header>> {
    let length = match header.place(parts.each_ref().map(Part::length)) {
        Ok(length) => length,
        Err(error) => return Ok(Err(error)),
    };
    // The hash must not depend on the length of the header, and so on the names of the sources.
    let start = header.sections.first().map_or(0, |range| range.start);
    file.write_all(&vec![0; start])?;
    header.sha256 = write_parts(file, &header, start, &mut parts)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header.to_bytes(length))?;
    file.flush()?;
    Ok(Ok(header))
}

/// Writes the sections where the header says; gives their hash.
fn write_parts<F: Write>(
    file: &mut F,
    header: &Header,
    start: usize,
    parts: &mut [Part],
) -> io::Result<[u8; 32]> {
    let out = BufWriter::with_capacity(BUFFER, file);
    let mut out = Hashing { hash: Sha256::new(), out };
    let mut end = start;
    for (part, range) in parts.iter_mut().zip(&header.sections) {
        out.write_all(&vec![0; range.start - end])?;
        part.copy_to(&mut out)?;
        end = range.end;
    }
    out.flush()?;
    Ok(out.hash.finalize().into())
}

/// Hashes what passes.
struct Hashing<W> {
    hash: Sha256,
    out: W,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A part of the file that is being written: in memory, or in a file without a name.
pub(super) enum Part {
    Memory(Vec<u8>),
    File(BufWriter<File>, u64),
}

impl Part {
    fn new(folder: Option<&Path>) -> io::Result<Self> {
        Ok(match folder {
            None => Self::Memory(Vec::new()),
            Some(folder) => {
                let file = tempfile::tempfile_in(folder)?;
                Self::File(BufWriter::with_capacity(BUFFER, file), 0)
            }
        })
    }

    fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    fn copy_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => out.write_all(bytes),
            Self::File(writer, _) => {
                writer.flush()?;
                let file = writer.get_mut();
                file.rewind()?;
                io::copy(&mut BufReader::with_capacity(BUFFER, file), out).map(|_| ())
            }
        }
    }

    /// Gives all numbers that were written to it.
    fn numbers(&mut self, give: &mut dyn FnMut(u64)) -> io::Result<()> {
        let mut each = |bytes: &[u8]| {
            for number in bytes.chunks_exact(8) {
                give(u64::from_le_bytes(number.try_into().expect("chunks of eight bytes")));
            }
        };
        match self {
            Self::Memory(bytes) => each(bytes),
            Self::File(writer, length) => {
                writer.flush()?;
                let file = writer.get_mut();
                file.rewind()?;
                let mut left = *length as usize;
                let mut buffer = vec![0; BUFFER];
                while left > 0 {
                    let take = left.min(buffer.len());
                    file.read_exact(&mut buffer[..take])?;
                    each(&buffer[..take]);
                    left -= take;
                }
            }
        }
        Ok(())
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Memory(out) => out.write(bytes),
            Self::File(out, length) => {
                out.write_all(bytes)?;
                *length += bytes.len() as u64;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The sections, while sorted entries come.
pub(super) struct Sections {
    labels: Vec<u8>,
    keys: Vec<u8>,
    label_places: Vec<usize>,
    key_places: Vec<usize>,
    fst: FstBuilder<Part>,
    filter: FilterKeys,
    filter_keys: Part,
    offsets: Part,
    records: Part,
    entries: u64,
    surfaces: u64,
    longest: usize,
    details: Details,
    record: Vec<u8>,
    detail: Vec<u8>,
}

/// Where details were written, by their hash: equal ones are written once as long as they are
/// remembered.
#[derive(Default)]
struct Details {
    written: HashMap<[u8; 16], u64>,
    /// Those of the record at hand, by their place in it.
    pending: Vec<([u8; 16], usize)>,
}

impl Sections {
    /// Sections of entries whose names are in `tables`; what grows with their number goes to files in
    /// `folder`, where there is one.
    pub(super) fn new(tables: &Tables, folder: Option<&Path>) -> io::Result<Self> {
        let (labels, label_places) = tables.labels.sorted();
        let (keys, key_places) = tables.keys.sorted();
        let strings = |names: Vec<&str>| {
            let mut out = Vec::new();
            names.iter().for_each(|name| varint::put_bytes(&mut out, name.as_bytes()));
            out
        };
        Ok(Self {
            labels: strings(labels),
            keys: strings(keys),
            label_places,
            key_places,
            fst: FstBuilder::new(Part::new(folder)?)?,
            filter: FilterKeys::default(),
            filter_keys: Part::new(folder)?,
            offsets: Part::new(folder)?,
            records: Part::new(folder)?,
            entries: 0,
            surfaces: 0,
            longest: 0,
            details: Details::default(),
            record: Vec::new(),
            detail: Vec::new(),
        })
    }

    /// Takes all entries in.
    pub(super) fn add_all(
        &mut self,
        merge: &mut Merge,
        tables: &Tables,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<()> {
        let mut before: Vec<u8> = Vec::new();
        let mut seen = 0;
        while let Some(bytes) = merge.next(tables)? {
            seen += 1;
            if seen % (1 << 14) == 0 {
                progress(seen);
            }
            if bytes == before {
                continue;
            }
            let broken = || io::Error::from(io::ErrorKind::InvalidData);
            let draft = Draft::read(bytes).ok_or_else(broken)?;
            let last = Draft::read(&before).filter(|last| last.key == draft.key);
            if last.is_none() {
                self.end_record()?;
                self.begin_surface(draft.key)?;
            }
            self.add_entry(&draft, last.is_some_and(|last| last.surface == draft.surface));
            before.clear();
            before.extend_from_slice(bytes);
        }
        progress(seen);
        self.end_record()
    }

    fn begin_surface(&mut self, key: &str) -> io::Result<()> {
        if self.surfaces.is_multiple_of(SURFACES_PER_OFFSET) {
            let start = self.records.length();
            self.offsets.write_all(&start.to_le_bytes())?;
        }
        self.surfaces += 1;
        self.longest = self.longest.max(key.len());
        self.fst.insert(key.as_bytes())?;
        let mut written = Ok(());
        let keys = &mut self.filter_keys;
        self.filter.of(key, |key| {
            if written.is_ok() {
                written = keys.write_all(&key.to_le_bytes());
            }
        });
        written
    }

    fn add_entry(&mut self, draft: &Draft<'_>, is_surface_of_before: bool) {
        self.entries += 1;
        self.detail.clear();
        let (id, _) = record::id(draft.detail);
        let places = &self.key_places;
        let attributes = record::DetailAttributes::new(draft.detail);
        let attributes = attributes.map(|(key, value)| (places[key as usize] as u64, value));
        record::put_detail(&mut self.detail, id, attributes);
        let hash = (self.detail.len() >= SHORTEST_SHARED).then(|| {
            let hash: [u8; 32] = Sha256::digest(&self.detail).into();
            *hash.first_chunk::<16>().expect("a hash of 32 bytes")
        });
        let start = self.records.length();
        let before = hash.and_then(|hash| self.details.written.get(&hash));
        let written = Written {
            surface: draft.surface,
            is_surface_of_before,
            label: self.label_places[draft.label as usize],
            weight: draft.weight,
            case: draft.case,
            detail: &self.detail,
            detail_before: before.map(|&place| start - place),
        };
        let place = written.put(&mut self.record);
        self.details.pending.extend(hash.zip(place));
    }

    fn end_record(&mut self) -> io::Result<()> {
        if self.record.is_empty() {
            return Ok(());
        }
        let mut length = Vec::new();
        varint::put(&mut length, self.record.len() as u64);
        self.records.write_all(&length)?;
        let start = self.records.length();
        self.records.write_all(&self.record)?;
        self.record.clear();
        if self.details.written.len() >= REMEMBERED_DETAILS {
            self.details.written.clear();
        }
        for (hash, place) in self.details.pending.drain(..) {
            self.details.written.insert(hash, start + place as u64);
        }
        Ok(())
    }

    /// What the file will say about itself.
    pub(super) fn header(&self, sources: Vec<SourceFile>) -> Header {
        Header {
            version: VERSION,
            builder: concat!("spanloom ", env!("CARGO_PKG_VERSION")).to_owned(),
            entries: self.entries,
            surfaces: self.surfaces,
            longest_surface: self.longest as u32,
            sha256: [0; 32],
            sources,
            sections: Default::default(),
        }
    }

    /// The sections, in the order of [`Section::ALL`].
    pub(super) fn finish(mut self) -> io::Result<[Part; Section::ALL.len()]> {
        let count = self.filter_keys.length() / 8;
        let filter = build_filter(count, |give| self.filter_keys.numbers(give))?;
        let (fst, _) = self.fst.finish()?;
        let memory = Part::Memory;
        Ok([
            memory(self.labels),
            memory(self.keys),
            fst,
            memory(filter),
            self.offsets,
            self.records,
        ])
    }
}
