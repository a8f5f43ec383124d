//! Entries brought into order in bounded memory: sorted runs that go to files when they would exceed
//! it, and their merge. The order is total, so that neither the order in which entries come nor the
//! size of the memory shows in the result.
//!
//! An entry is kept as bytes: its folded surface and its surface as written (varint length, UTF-8
//! each), the number of its label (u32, in the order in which labels came), its policy (u8), its weight
//! (f32), and its detail as in `record`, with keys numbered as they came. Equal entries are equal
//! bytes.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rayon::slice::ParallelSliceMut;

use super::record::{self, DetailAttributes};
use super::varint;
use crate::error::{Error, Result};

/// More runs than this are merged into one before the next is written: each is an open file.
const MOST_RUNS: usize = 64;

/// What is read of a run, or written of one, at a time.
const BUFFER: usize = 1 << 18;

/// Labels and keys of attributes, numbered as they come.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<String>,
    numbers: std::collections::HashMap<String, u32>,
    last: u32,
}

impl Names {
    /// The number of a name.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        // Names come in runs.
        if self.names.get(self.last as usize).is_some_and(|last| last == name) {
            return self.last;
        }
        self.last = match self.numbers.get(name) {
            Some(&number) => number,
            None => {
                let number = self.names.len() as u32;
                self.names.push(name.to_owned());
                self.numbers.insert(name.to_owned(), number);
                number
            }
        };
        self.last
    }

    /// The name of a number that was given.
    pub(super) fn name(&self, number: u64) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }

    /// All names, sorted, and the place of each number among them.
    pub(super) fn sorted(&self) -> (Vec<&str>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_unstable_by_key(|&number| &self.names[number]);
        let mut places = vec![0; order.len()];
        for (place, &number) in order.iter().enumerate() {
            places[number] = place;
        }
        (order.into_iter().map(|number| &*self.names[number]).collect(), places)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

/// The names that entries are kept with.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) labels: Names,
    pub(super) keys: Names,
}

/// An entry on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft<'a> {
    pub(super) key: &'a str,
    pub(super) surface: &'a str,
    pub(super) label: u32,
    pub(super) case: u8,
    pub(super) weight: f32,
    pub(super) detail: &'a [u8],
}

impl<'a> Draft<'a> {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        varint::put_bytes(out, self.key.as_bytes());
        varint::put_bytes(out, self.surface.as_bytes());
        out.extend_from_slice(&self.label.to_le_bytes());
        out.push(self.case);
        out.extend_from_slice(&self.weight.to_le_bytes());
        out.extend_from_slice(self.detail);
    }

    /// What [`Draft::put`] wrote.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut at = 0;
        let key = varint::take_str(bytes, &mut at)?;
        let surface = varint::take_str(bytes, &mut at)?;
        let (label, rest) = bytes.get(at..)?.split_first_chunk()?;
        let (case, rest) = rest.split_first()?;
        let (weight, detail) = rest.split_first_chunk()?;
        let (label, weight) = (u32::from_le_bytes(*label), f32::from_le_bytes(*weight));
        Some(Self { key, surface, label, case: *case, weight, detail })
    }
}

/// The folded surface of an entry's bytes.
fn key(bytes: &[u8]) -> &[u8] {
    varint::take_bytes(bytes, &mut 0).unwrap_or_default()
}

/// The first bytes of a folded surface, as a number that sorts as they do.
fn prefix(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = key.len().min(8);
    first[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(first)
}

/// By folded surface; then label, then what names it (its id, or its surface): mentions of equal score
/// take the first. The rest makes the order total.
fn compare(a: &[u8], b: &[u8], tables: &Tables) -> Ordering {
    key(a).cmp(key(b)).then_with(|| match (Draft::read(a), Draft::read(b)) {
        (Some(a), Some(b)) => compare_of_one_surface(&a, &b, tables),
        _ => a.cmp(b),
    })
}

fn compare_of_one_surface(a: &Draft<'_>, b: &Draft<'_>, tables: &Tables) -> Ordering {
    let label = |draft: &Draft<'_>| tables.labels.name(u64::from(draft.label));
    let (a_id, b_id) = (record::id(a.detail).0, record::id(b.detail).0);
    let attributes = |draft| {
        let pairs = DetailAttributes::new(draft);
        pairs.map(|(key, value)| (tables.keys.name(key), value))
    };
    label(a)
        .cmp(label(b))
        .then_with(|| a_id.unwrap_or(a.surface).cmp(b_id.unwrap_or(b.surface)))
        .then_with(|| a.surface.cmp(b.surface))
        .then_with(|| b.weight.total_cmp(&a.weight))
        .then_with(|| a.case.cmp(&b.case))
        .then_with(|| attributes(a.detail).cmp(attributes(b.detail)))
        .then_with(|| a_id.cmp(&b_id))
}

/// Where a sort may put what exceeds its memory.
#[derive(Debug, Clone)]
pub(super) struct Spill {
    /// How many bytes of entries are kept in memory, about.
    pub(super) memory: usize,
    /// The folder of the files; they have no names, and go when the program ends.
    pub(super) folder: PathBuf,
}

/// Entries that are being gathered.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// The entries, each behind the varint of its length.
    bytes: Vec<u8>,
    /// The prefix of each entry's key, and where it begins.
    index: Vec<(u64, usize)>,
    spill: Option<Spill>,
    written: Vec<File>,
    entry: Vec<u8>,
}

impl Runs {
    /// Without `spill` everything stays in memory.
    pub(super) fn new(spill: Option<Spill>) -> Self {
        Self { spill, ..Self::default() }
    }

    /// Adds an entry.
    pub(super) fn push(&mut self, draft: &Draft<'_>, tables: &Tables) -> Result<()> {
        self.index.push((prefix(draft.key.as_bytes()), self.bytes.len()));
        self.entry.clear();
        draft.put(&mut self.entry);
        varint::put_bytes(&mut self.bytes, &self.entry);
        let held = self.bytes.len() + self.index.len() * size_of::<(u64, usize)>();
        match &self.spill {
            Some(spill) if held >= spill.memory => {
                let folder = spill.folder.clone();
                self.write_run(&folder, tables).map_err(|e| spilled(&folder, e))
            }
            _ => Ok(()),
        }
    }

    /// All entries in order.
    pub(super) fn into_merge(mut self, tables: &Tables) -> Result<Merge> {
        match self.spill.take() {
            Some(Spill { folder, .. }) if !self.written.is_empty() => {
                let wrong = |e| spilled(&folder, e);
                self.write_run(&folder, tables).map_err(wrong)?;
                Merge::of_files(self.written, tables).map_err(wrong)
            }
            _ => {
                self.sort(tables);
                Ok(Merge::Memory { bytes: self.bytes, index: self.index, next: 0 })
            }
        }
    }

    fn sort(&mut self, tables: &Tables) {
        let bytes = &self.bytes;
        self.index.par_sort_unstable_by(|&(a_prefix, a), &(b_prefix, b)| {
            a_prefix
                .cmp(&b_prefix)
                .then_with(|| compare(entry_at(bytes, a), entry_at(bytes, b), tables))
        });
    }

    fn write_run(&mut self, folder: &Path, tables: &Tables) -> io::Result<()> {
        self.sort(tables);
        let bytes = &self.bytes;
        let run = write_file(folder, |out| {
            self.index.iter().try_for_each(|&(_, start)| put_entry(out, entry_at(bytes, start)))
        })?;
        self.written.push(run);
        self.index.clear();
        self.bytes.clear();
        if self.written.len() == MOST_RUNS {
            let mut merge = Merge::of_files(std::mem::take(&mut self.written), tables)?;
            let run = write_file(folder, |out| {
                while let Some(entry) = merge.next(tables)? {
                    put_entry(out, entry)?;
                }
                Ok(())
            })?;
            self.written.push(run);
        }
        Ok(())
    }
}

fn entry_at(bytes: &[u8], mut start: usize) -> &[u8] {
    varint::take_bytes(bytes, &mut start).unwrap_or_default()
}

fn put_entry(out: &mut impl Write, entry: &[u8]) -> io::Result<()> {
    out.write_all(&(entry.len() as u32).to_le_bytes())?;
    out.write_all(entry)
}

/// A file without a name in `folder`, with what `write` writes, read from its beginning.
fn write_file(
    folder: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<File> {
    let mut out = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(folder)?);
    write(&mut out)?;
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

pub(super) fn spilled(folder: &Path, error: io::Error) -> Error {
    Error::io("sort in", folder.display(), error)
}

/// All entries in order, one by one.
#[derive(Debug)]
pub(super) enum Merge {
    /// They are in memory.
    Memory { bytes: Vec<u8>, index: Vec<(u64, usize)>, next: usize },
    /// They are in sorted runs.
    Files {
        runs: Vec<Run>,
        /// The runs that have an entry, the one with the first entry last.
        order: Vec<usize>,
        /// The run whose entry was given.
        given: Option<usize>,
    },
}

impl Merge {
    fn of_files(files: Vec<File>, tables: &Tables) -> io::Result<Self> {
        let runs = files.into_iter().map(|file| Run {
            reader: BufReader::with_capacity(BUFFER, file),
            entry: Vec::new(),
            prefix: 0,
        });
        let mut runs: Vec<Run> = runs.collect();
        let mut order = Vec::new();
        for number in 0..runs.len() {
            queue(&mut runs, &mut order, number, tables)?;
        }
        Ok(Self::Files { runs, order, given: None })
    }

    /// The next entry.
    pub(super) fn next(&mut self, tables: &Tables) -> io::Result<Option<&[u8]>> {
        match self {
            Self::Memory { bytes, index, next } => {
                let Some(&(_, start)) = index.get(*next) else { return Ok(None) };
                *next += 1;
                Ok(Some(entry_at(bytes, start)))
            }
            Self::Files { runs, order, given } => {
                if let Some(number) = given.take() {
                    queue(runs, order, number, tables)?;
                }
                *given = order.pop();
                Ok(given.map(|number| &*runs[number].entry))
            }
        }
    }
}

/// Reads the next entry of a run and puts the run into its place, if it has one.
fn queue(
    runs: &mut [Run],
    order: &mut Vec<usize>,
    number: usize,
    tables: &Tables,
) -> io::Result<()> {
    if !runs[number].advance()? {
        return Ok(());
    }
    let new = &runs[number];
    let place = order.partition_point(|&other| {
        let other = &runs[other];
        let ordering =
            other.prefix.cmp(&new.prefix).then_with(|| compare(&other.entry, &new.entry, tables));
        ordering.is_gt()
    });
    order.insert(place, number);
    Ok(())
}

/// A sorted run in a file.
#[derive(Debug)]
pub(super) struct Run {
    reader: BufReader<File>,
    entry: Vec<u8>,
    prefix: u64,
}

impl Run {
    /// Reads the next entry; whether there is one.
    fn advance(&mut self) -> io::Result<bool> {
        let mut length = [0; 4];
        match self.reader.read_exact(&mut length) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read?,
        }
        self.entry.resize(u32::from_le_bytes(length) as usize, 0);
        self.reader.read_exact(&mut self.entry)?;
        self.prefix = prefix(key(&self.entry));
        Ok(true)
    }
}
