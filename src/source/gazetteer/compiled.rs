//! A compiled gazetteer: opened in a moment whatever its size, for nothing but its header is read, and
//! looked into where it lies. Building one is `compile`'s work, matching `matcher`'s.
//!
//! Bytes are not trusted: a damaged file gives wrong answers or none, never a panic.
//! [`Gazetteer::verify`] reads all of it and says whether it is what was written.

use std::fmt;
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::casing::{Case, Shape};
use super::compile;
use super::entry::Entry;
use super::format::{Header, Section, is_compiled, wrong};
use super::index::{Cursor, Filter, Fst, Hit, Index};
use super::record::{self, DetailAttributes, Record, Records};
use super::sections::SURFACES_PER_OFFSET;
use super::varint;
use crate::error::{Location, Result};
use crate::resource::FileBytes;
use crate::span::Label;
use crate::text::pieces::Piece;

/// Entries, ready to be looked up by what a folded text holds.
pub struct Gazetteer {
    bytes: FileBytes,
    header: Header,
    labels: Vec<Label>,
    keys: Vec<Box<str>>,
}

impl fmt::Debug for Gazetteer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gazetteer").field("header", &self.header).finish_non_exhaustive()
    }
}

impl Gazetteer {
    /// Opens the file at `path`, mapped into memory where that can be done. It must not be changed in
    /// place while it is open; another may be renamed over it.
    ///
    /// # Errors
    /// As [`Gazetteer::from_bytes`], and where it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::from_file(&path.display().to_string(), FileBytes::open(path)?)
    }

    /// Whether a file that begins like this is meant to be a compiled gazetteer.
    pub fn is_compiled(head: &[u8]) -> bool {
        is_compiled(head)
    }

    /// [`Gazetteer::from_bytes`] for a file of the name `file`, which errors then name.
    pub fn from_file(file: &str, bytes: FileBytes) -> Result<Self> {
        Self::from_bytes(bytes).map_err(|e| e.at(Location::file(file)))
    }

    /// The gazetteer of a file's bytes, of which only the header is read.
    ///
    /// # Errors
    /// Where the bytes are not a compiled gazetteer, of another version, or cut off, or where the header
    /// is damaged.
    pub fn from_bytes(bytes: impl Into<FileBytes>) -> Result<Self> {
        let bytes = bytes.into();
        let header = Header::read(&bytes)?;
        let strings = |section: Section| {
            let mut at = 0;
            let section = bytes.get(header.sections[section as usize].clone()).unwrap_or_default();
            let mut strings: Vec<Box<str>> = Vec::new();
            while at < section.len() && strings.len() < compile::MOST_NAMES {
                strings.push(varint::take_str(section, &mut at)?.into());
            }
            Some(strings)
        };
        let damaged = || wrong("the compiled gazetteer is damaged");
        let labels = strings(Section::Labels).ok_or_else(damaged)?;
        let labels = labels.iter().map(|label| Label::new(label)).collect();
        let keys = strings(Section::Keys).ok_or_else(damaged)?;
        let gazetteer = Self { bytes, header, labels, keys };
        if Fst::new(gazetteer.section(Section::Fst)).is_none()
            || Filter::new(gazetteer.section(Section::Filter)).is_none()
        {
            return Err(damaged());
        }
        Ok(gazetteer)
    }

    /// The bytes of its file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The parts of its file, each with its name and how many bytes it has.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, usize)> {
        Section::ALL.iter().map(|s| (s.name(), self.header.sections[*s as usize].len()))
    }

    /// How many entries it has.
    pub fn entry_count(&self) -> u64 {
        self.header.entries
    }

    /// How many surfaces differ after folding.
    pub fn surface_count(&self) -> u64 {
        self.header.surfaces
    }

    /// The labels of the entries, sorted.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The entries of a surface, by its number in sorted order.
    pub fn of_surface(&self, surface: u64) -> Entries<'_> {
        let records = self.record_of(surface).unwrap_or_else(Records::none);
        Entries { gazetteer: self, records }
    }

    /// Where the records begin that the one of a surface is among.
    fn records_near(&self, surface: u64) -> Option<usize> {
        let offset = usize::try_from(surface / SURFACES_PER_OFFSET).ok()?.checked_mul(8)?;
        let start = self.section(Section::Offsets).get(offset..)?.first_chunk::<8>()?;
        usize::try_from(u64::from_le_bytes(*start)).ok()
    }

    fn record_of(&self, surface: u64) -> Option<Records<'_>> {
        let mut at = self.records_near(surface)?;
        let section = self.section(Section::Records);
        for _ in 0..surface % SURFACES_PER_OFFSET {
            let length = usize::try_from(varint::take(section, &mut at)?).ok()?;
            at = at.checked_add(length)?;
        }
        Records::at(section, &mut at)
    }

    /// The number of a folded surface.
    pub fn number(&self, folded: &str) -> Option<u64> {
        self.index().fst.get(folded.as_bytes())
    }

    /// The entries whose surface folds as `name` does.
    pub fn of_name(&self, name: &str) -> Entries<'_> {
        match self.number(&compile::key(name)) {
            Some(number) => self.of_surface(number),
            None => Entries { gazetteer: self, records: Records::none() },
        }
    }

    /// All entries, by folded surface, then label, then id or surface.
    pub fn entries(&self) -> impl Iterator<Item = EntryRef<'_>> {
        let section = self.section(Section::Records);
        let mut at = 0;
        let records = std::iter::from_fn(move || Records::at(section, &mut at));
        records.flat_map(|records| Entries { gazetteer: self, records })
    }

    /// All folded surfaces in order, each with its entries.
    pub fn surfaces(&self) -> impl Iterator<Item = (String, Entries<'_>)> {
        let section = self.section(Section::Records);
        let mut at = 0;
        let mut surfaces = self.index().fst.surfaces();
        let longest = self.header.longest_surface as usize;
        std::iter::from_fn(move || {
            let (surface, _) = surfaces.next(longest)?;
            let records = Records::at(section, &mut at)?;
            Some((surface.to_owned(), Entries { gazetteer: self, records }))
        })
    }

    /// Reads all of it: whether it is what was written.
    ///
    /// # Errors
    /// Where anything in it was changed.
    pub fn verify(&self) -> Result<()> {
        let end = self.header.sections.last().map_or(0, |range| range.end);
        let start = self.header.sections.first().map_or(end, |range| range.start);
        let gap = self.bytes.get(self.header.to_bytes(0).len()..start).unwrap_or_default();
        let body = self.bytes.get(start..end).unwrap_or_default();
        let sha256: [u8; 32] = Sha256::digest(body).into();
        if sha256 != self.header.sha256 || gap.iter().any(|&byte| byte != 0) {
            return Err(wrong("the compiled gazetteer is damaged: its checksum does not fit"));
        }
        let (mut surfaces, mut entries) = (0, 0);
        for (surface, of_surface) in self.surfaces() {
            surfaces += 1;
            for entry in of_surface {
                entries += 1;
                if compile::key(entry.surface()) != surface {
                    let message = format!("the entry '{}' is kept as '{surface}'", entry.surface());
                    return Err(wrong(message));
                }
            }
        }
        let counts = [
            ("surfaces", surfaces, self.surface_count()),
            ("entries", entries, self.entry_count()),
        ];
        for (what, got, expected) in counts {
            if got != expected {
                return Err(wrong(format!(
                    "the compiled gazetteer holds {got} {what} of {expected}"
                )));
            }
        }
        Ok(())
    }

    /// Every occurrence of a surface in a folded text that begins and ends at a word boundary: by
    /// start, and the longest first where several have one start. `pieces` are those of the text.
    pub(super) fn hits(&self, folded: &str, pieces: &[Piece]) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.index().find(folded, pieces, &mut hits);
        // Whoever asks for hits asks for their entries next: here the reads wait together.
        let section = self.section(Section::Records);
        let starts = hits.iter().filter_map(|hit| self.records_near(hit.surface));
        let starts: Vec<usize> = starts.collect();
        black_box(starts.iter().filter_map(|&at| section.get(at)).fold(0, |all, byte| all ^ byte));
        hits
    }

    /// Before the first byte of all folded surfaces, for automata that walk them.
    pub fn start(&self) -> Cursor<'_> {
        self.index().fst.start()
    }

    fn index(&self) -> Index<'_> {
        let fst =
            Fst::new(self.section(Section::Fst)).expect("it was made of the same bytes before");
        let filter = Filter::new(self.section(Section::Filter)).expect("as the transducer");
        Index { fst, filter }
    }

    fn section(&self, section: Section) -> &[u8] {
        let range: Range<usize> = self.header.sections[section as usize].clone();
        self.bytes.get(range).unwrap_or_default()
    }
}

/// The entries of a surface.
#[derive(Clone)]
pub struct Entries<'g> {
    gazetteer: &'g Gazetteer,
    records: Records<'g>,
}

impl<'g> Iterator for Entries<'g> {
    type Item = EntryRef<'g>;

    fn next(&mut self) -> Option<EntryRef<'g>> {
        let record = self.records.next()?;
        let label = self.gazetteer.labels.get(record.label)?;
        Some(EntryRef { gazetteer: self.gazetteer, record, label })
    }
}

/// An entry where it lies in a gazetteer: nothing of it is copied.
#[derive(Clone, Copy)]
pub struct EntryRef<'g> {
    gazetteer: &'g Gazetteer,
    record: Record<'g>,
    label: &'g Label,
}

impl<'g> EntryRef<'g> {
    /// The name as it is properly written.
    pub fn surface(&self) -> &'g str {
        self.record.surface
    }

    /// What it is.
    pub fn label(&self) -> &'g Label {
        self.label
    }

    /// What it stands for, in the terms of whoever made the gazetteer.
    pub fn id(&self) -> Option<&'g str> {
        record::id(self.record.detail).0
    }

    /// How an origin names it: by its id, or by its surface where it has none.
    pub fn detail(&self) -> &'g str {
        self.id().unwrap_or(self.record.surface)
    }

    /// How sure one may be of it, 0..=1.
    pub fn weight(&self) -> f32 {
        self.record.weight
    }

    /// Which casing of a text matches it, where it has a say of its own.
    pub fn case(&self) -> Option<Case> {
        self.record.case
    }

    /// How its surface is cased.
    pub(super) fn shape(&self) -> Shape {
        self.record.shape
    }

    /// Where it stands in its gazetteer: no other entry of it has the same number.
    pub fn position(&self) -> usize {
        self.record.position
    }

    /// All its attributes, `case` first, the others in the order written.
    pub fn attributes(&self) -> impl Iterator<Item = (&'g str, &'g str)> + use<'g> {
        let case = self.case().map(|case| ("case", case.name()));
        case.into_iter().chain(self.attributes_but_case())
    }

    /// [`EntryRef::attributes`] as they are written: `key=value;key=value`.
    pub fn attributes_text(&self) -> String {
        let parts: Vec<String> = self.attributes().map(|(k, v)| format!("{k}={v}")).collect();
        parts.join(";")
    }

    fn attributes_but_case(&self) -> impl Iterator<Item = (&'g str, &'g str)> + use<'g> {
        let keys = &self.gazetteer.keys;
        DetailAttributes::new(self.record.detail).map_while(|(key, value)| {
            let key = keys.get(usize::try_from(key).ok()?)?;
            Some((&**key, value))
        })
    }

    /// The value of the attribute `key`.
    pub fn attribute(&self, key: &str) -> Option<&'g str> {
        self.attributes().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// A copy that stands by itself.
    pub fn to_entry(&self) -> Entry {
        Entry {
            surface: self.surface().to_owned(),
            label: self.label.clone(),
            id: self.id().map(str::to_owned),
            weight: self.weight(),
            case: self.case(),
            attributes: self
                .attributes_but_case()
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
        }
    }
}

impl PartialEq for EntryRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label
            && self.record == Record { position: self.record.position, ..other.record }
            && self.attributes().eq(other.attributes())
    }
}

impl fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_entry().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::compile::Builder;
    use super::*;
    use crate::text::pieces::pieces;
    use proptest::prelude::*;

    fn gazetteer() -> Gazetteer {
        let mut builder = Builder::new();
        let rows = "Paris\tLOC\tQ90\t0.5\tcase=fold;cc=FR\nparis\tPER\nNew York\tLOC\nÆrø\tLOC\n";
        builder.add_tsv("folder/rows.tsv", rows.as_bytes());
        builder.build().unwrap()
    }

    /// Everything that can be asked of a gazetteer.
    fn use_up(gazetteer: &Gazetteer) {
        gazetteer.hits("paris new york aero", &pieces("paris new york aero"));
        for number in 0..6 {
            for entry in gazetteer.of_surface(number) {
                entry.to_entry();
            }
        }
        gazetteer.of_surface(u64::MAX);
        assert!(gazetteer.entries().count() < 1000);
        assert!(gazetteer.surfaces().count() < 1000);
        gazetteer.verify().ok();
    }

    #[test]
    fn what_was_written_is_read() {
        let gazetteer = gazetteer();
        let surfaces: Vec<String> = gazetteer.surfaces().map(|(surface, _)| surface).collect();
        assert_eq!(surfaces, ["aero", "new york", "paris"]);
        let entries: Vec<EntryRef<'_>> = gazetteer.of_name("PARIS").collect();
        assert_eq!(entries, gazetteer.of_surface(2).collect::<Vec<_>>());
        assert_eq!((entries[0].surface(), entries[0].detail()), ("Paris", "Q90"));
        assert_eq!((entries[0].weight(), entries[0].case()), (0.5, Some(Case::Fold)));
        assert_eq!(entries[0].attributes().collect::<Vec<_>>(), [("case", "fold"), ("cc", "FR")]);
        assert_eq!(entries[0].attributes_text(), "case=fold;cc=FR");
        assert_eq!(entries[0].attribute("cc"), Some("FR"));
        assert_eq!(
            (entries[1].surface(), entries[1].detail(), entries[1].id()),
            ("paris", "paris", None)
        );
        assert_eq!(gazetteer.entries().count() as u64, gazetteer.entry_count());
        assert_eq!(gazetteer.header().sources[0].name, "rows.tsv");
        assert_eq!(gazetteer.header().sources[0].entries, 4);
        gazetteer.verify().unwrap();
        let again = Gazetteer::from_bytes(gazetteer.as_bytes().to_vec()).unwrap();
        assert!(again.entries().eq(gazetteer.entries()));
    }

    #[test]
    fn an_empty_gazetteer_is_one_too() {
        let gazetteer = Builder::new().build().unwrap();
        assert_eq!(
            (gazetteer.surface_count(), gazetteer.hits("a b", &pieces("a b")).len()),
            (0, 0)
        );
        gazetteer.verify().unwrap();
    }

    #[test]
    fn foreign_files_and_versions_are_refused() {
        let message =
            |bytes: &[u8]| Gazetteer::from_bytes(bytes.to_vec()).err().unwrap().to_string();
        assert_eq!(message(b""), "not a compiled gazetteer");
        assert_eq!(message(b"Paris\tLOC\n"), "not a compiled gazetteer");
        let whole = gazetteer().as_bytes().to_vec();
        let mut bytes = whole.clone();
        bytes[8] = 9;
        assert_eq!(
            message(&bytes),
            "compiled gazetteer of version 9, from a newer program, expected 3"
        );
        bytes[8] = 1;
        assert_eq!(message(&bytes), "compiled gazetteer of version 1, expected 3");
        let cut = &whole[..whole.len() - 1];
        let expected = format!("the file has {} bytes, its header says {}", cut.len(), whole.len());
        assert_eq!(message(cut), expected);
        assert_eq!(message(&whole[..20]), "the compiled gazetteer is cut off within its header");
        let mut bytes = whole.clone();
        bytes[40] ^= 1;
        assert_eq!(message(&bytes), "the header of the compiled gazetteer is damaged");
    }

    proptest! {
        #[test]
        fn damage_is_found(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
            let mut bytes = gazetteer().as_bytes().to_vec();
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << bit;
            }
            let found = match Gazetteer::from_bytes(bytes) {
                Ok(gazetteer) => {
                    use_up(&gazetteer);
                    gazetteer.verify().is_err()
                }
                Err(_) => true,
            };
            prop_assert!(found);
        }

        #[test]
        fn damage_under_a_right_checksum_does_not_panic(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let gazetteer = gazetteer();
            let mut bytes = gazetteer.as_bytes().to_vec();
            let start = gazetteer.header.to_bytes(0).len();
            for (at, byte) in changes {
                let at = start + at.index(bytes.len() - start);
                bytes[at] = byte;
            }
            let mut header = gazetteer.header.clone();
            header.sha256 = Sha256::digest(&bytes[start..]).into();
            let header = header.to_bytes(bytes.len() as u64);
            bytes[..start].copy_from_slice(&header);
            if let Ok(gazetteer) = Gazetteer::from_bytes(bytes) {
                use_up(&gazetteer);
            }
        }

        #[test]
        fn random_bytes_do_not_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Gazetteer::from_bytes(bytes.clone()).is_err());
            let mut file = super::super::format::MAGIC.to_vec();
            file.append(&mut bytes);
            prop_assert!(Gazetteer::from_bytes(file).is_err());
        }
    }
}
