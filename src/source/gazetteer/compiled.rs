//! A gazetteer as a file: read at once, without parsing TSV and building an index.
//!
//! The layout, numbers in little-endian order:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `MAGIC` |
//! | u32 | `VERSION`, raised whenever this layout or the folding of surfaces changes |
//! | u64 | length of what follows the checksum |
//! | u64 | FNV-1a checksum of it |
//! | u32 ×3 | counts of labels, surfaces, entries |
//! | labels | each a string: u32 length, UTF-8 |
//! | u64, bytes | length of the FST (folded surface to number), the FST |
//! | surfaces | each the u32 count of its entries |
//! | entries | by surface: surface string, u32 label number, u8 whether there is an id, id string, f32 weight, u8 case, u32 count of attributes, each two strings |
//!
//! A file that is cut off, damaged or something else altogether gives an error and no panic.

use super::casing::Case;
use super::compile::{Gazetteer, keys};
use super::entry::Entry;
use super::index::FstIndex;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::span::Label;

/// What a compiled gazetteer begins with.
const MAGIC: &[u8; 8] = b"SPANGAZ\n";

/// The layout that this program reads and writes.
const VERSION: u32 = 1;

/// Bytes before the checksummed part.
const HEADER: usize = MAGIC.len() + 4 + 8 + 8;

/// The policies by their number in the file; 0 stands for none.
const CASES: [Option<Case>; 4] = [None, Some(Case::Exact), Some(Case::Smart), Some(Case::Fold)];

/// Whether `bytes` are meant to be a compiled gazetteer.
pub(super) fn is_compiled(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

impl Gazetteer {
    /// The gazetteer as the bytes of a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let labels = self.labels();
        let mut body = Vec::new();
        for count in [labels.len(), self.surface_count(), self.entries().len()] {
            put_u32(&mut body, count);
        }
        for label in &labels {
            put_str(&mut body, label.as_str());
        }
        let built;
        let fst = match self.index().as_fst() {
            Some(fst) => fst,
            None => {
                built = FstIndex::build(&self.keys());
                &built
            }
        };
        body.extend_from_slice(&(fst.bytes().len() as u64).to_le_bytes());
        body.extend_from_slice(fst.bytes());
        for bounds in self.starts().windows(2) {
            put_u32(&mut body, bounds[1] - bounds[0]);
        }
        for entry in self.entries() {
            put_entry(&mut body, entry, &labels);
        }
        let mut file = Vec::with_capacity(HEADER + body.len());
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&VERSION.to_le_bytes());
        file.extend_from_slice(&(body.len() as u64).to_le_bytes());
        file.extend_from_slice(&checksum(&body).to_le_bytes());
        file.extend_from_slice(&body);
        file
    }

    /// [`Gazetteer::from_bytes`] for a file of the name `file`, which errors then name.
    pub(super) fn from_file(file: &str, bytes: &[u8]) -> Result<Self> {
        Self::from_bytes(bytes).map_err(|e| e.at(Location::file(file)))
    }

    /// The gazetteer that [`Gazetteer::to_bytes`] gave.
    ///
    /// # Errors
    /// Where the bytes are not a compiled gazetteer, of another version, cut off or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len()).ok() != Some(MAGIC) {
            let help = "build one: spanloom gazetteer build IN.tsv -o OUT.fst";
            return Err(wrong("not a compiled gazetteer").with_help(help));
        }
        let version = reader.u32()?;
        if version != VERSION {
            let message = format!("compiled gazetteer of version {version}, expected {VERSION}");
            return Err(wrong(message).with_help("build it again: spanloom gazetteer build"));
        }
        let length = reader.u64()?;
        let expected = reader.u64()?;
        let got = reader.0.len() as u64;
        if got != length {
            return Err(wrong(format!("the file holds {got} bytes of data, expected {length}")));
        }
        if checksum(reader.0) != expected {
            return Err(wrong("the file is damaged: its checksum does not fit"));
        }
        reader.body()
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Gazetteer, message)
}

/// FNV-1a, 64 bits: finds damage, not malice.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn put_u32(out: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).expect("a gazetteer holds fewer than 2^32 of anything");
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_str(out: &mut Vec<u8>, text: &str) {
    put_u32(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry, labels: &[Label]) {
    put_str(out, &entry.surface);
    let label = labels.binary_search(&entry.label).expect("labels() holds every label");
    put_u32(out, label);
    out.push(u8::from(entry.id.is_some()));
    if let Some(id) = &entry.id {
        put_str(out, id);
    }
    out.extend_from_slice(&entry.weight.to_le_bytes());
    let case = CASES.iter().position(|case| *case == entry.case).expect("CASES holds every case");
    out.push(case as u8);
    put_u32(out, entry.attributes.len());
    for (key, value) in &entry.attributes {
        put_str(out, key);
        put_str(out, value);
    }
}

/// What is left to read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| wrong("the compiled gazetteer ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("take gives what is asked for"))
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn size(&mut self) -> Result<usize> {
        Ok(self.u32()? as usize)
    }

    fn str(&mut self) -> Result<&'b str> {
        let length = self.size()?;
        std::str::from_utf8(self.take(length)?)
            .map_err(|_| wrong("the compiled gazetteer holds a string that is not UTF-8"))
    }

    fn body(mut self) -> Result<Gazetteer> {
        let (label_count, surface_count, entry_count) = (self.size()?, self.size()?, self.size()?);
        let labels: Vec<Label> =
            (0..label_count).map(|_| self.str().map(Label::new)).collect::<Result<_>>()?;
        let fst_length = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        let fst = self.take(fst_length)?.to_vec();
        let mut starts = vec![0];
        let mut end = 0;
        for _ in 0..surface_count {
            end += self.size()?;
            starts.push(end);
        }
        if end != entry_count {
            return Err(wrong("the counts of the compiled gazetteer do not fit its entries"));
        }
        let entries: Vec<Entry> =
            (0..entry_count).map(|_| self.entry(&labels)).collect::<Result<_>>()?;
        if !self.0.is_empty() {
            return Err(wrong("the compiled gazetteer goes on after its last entry"));
        }
        let index = FstIndex::from_bytes(fst, &keys(&entries, &starts))?;
        Ok(Gazetteer::from_parts(entries, starts, Box::new(index)))
    }

    fn entry(&mut self, labels: &[Label]) -> Result<Entry> {
        let surface = self.str()?;
        let number = self.size()?;
        let label = labels.get(number).ok_or_else(|| {
            wrong(format!("the compiled gazetteer names label {number} of {}", labels.len()))
        })?;
        let mut entry = Entry::new(surface, label.clone());
        if self.u8()? != 0 {
            entry.id = Some(self.str()?.into());
        }
        entry.set_weight(f32::from_le_bytes(self.array()?))?;
        let case = self.u8()?;
        entry.case = *CASES
            .get(usize::from(case))
            .ok_or_else(|| wrong(format!("the compiled gazetteer names case {case}")))?;
        for _ in 0..self.size()? {
            entry.attributes.push((self.str()?.to_owned(), self.str()?.to_owned()));
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::super::compile::{Builder, IndexKind};
    use super::*;
    use proptest::prelude::*;

    fn gazetteer(index: IndexKind) -> Gazetteer {
        let mut builder = Builder::new();
        let rows = "Paris\tLOC\tQ90\t0.5\tcase=fold;cc=FR\nparis\tPER\nNew York\tLOC\nÆrø\tLOC\n";
        builder.add_tsv("rows", rows.as_bytes());
        builder.build(index).unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        for kind in [IndexKind::Fst, IndexKind::Aho] {
            let written = gazetteer(kind);
            let read = Gazetteer::from_bytes(&written.to_bytes()).unwrap();
            assert_eq!(read.entries(), written.entries());
            assert_eq!(read.starts(), written.starts());
            assert_eq!(read.keys(), ["aero", "new york", "paris"]);
            let text = "paris new york aero";
            assert_eq!(read.hits(text), written.hits(text));
            assert_eq!(read.to_bytes(), written.to_bytes());
        }
    }

    #[test]
    fn an_empty_gazetteer_is_one_too() {
        let bytes = Builder::new().build(IndexKind::Auto).unwrap().to_bytes();
        assert_eq!(Gazetteer::from_bytes(&bytes).unwrap().surface_count(), 0);
    }

    #[test]
    fn foreign_files_and_versions_are_refused() {
        let message = |bytes: &[u8]| Gazetteer::from_bytes(bytes).err().unwrap().to_string();
        assert_eq!(message(b""), "not a compiled gazetteer");
        assert_eq!(message(b"Paris\tLOC\n"), "not a compiled gazetteer");
        let mut bytes = gazetteer(IndexKind::Fst).to_bytes();
        bytes[8] = 9;
        assert_eq!(message(&bytes), "compiled gazetteer of version 9, expected 1");
    }

    proptest! {
        #[test]
        fn damage_is_an_error(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
            let mut bytes = gazetteer(IndexKind::Fst).to_bytes();
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << bit;
            }
            prop_assert!(Gazetteer::from_bytes(&bytes).is_err());
        }

        #[test]
        fn damage_under_a_right_checksum_does_not_panic(at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = gazetteer(IndexKind::Fst).to_bytes();
            let at = HEADER + at.index(bytes.len() - HEADER);
            bytes[at] = byte;
            let sum = checksum(&bytes[HEADER..]).to_le_bytes();
            bytes[HEADER - 8..HEADER].copy_from_slice(&sum);
            if let Ok(gazetteer) = Gazetteer::from_bytes(&bytes) {
                gazetteer.hits("paris new york aero");
            }
        }

        #[test]
        fn random_bytes_do_not_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Gazetteer::from_bytes(&bytes).is_err());
            let mut file = MAGIC.to_vec();
            file.append(&mut bytes);
            prop_assert!(Gazetteer::from_bytes(&file).is_err());
        }
    }
}
