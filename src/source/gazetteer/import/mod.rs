//! Where do entries come from? The formats that lists of names are published in, each read as a
//! stream into a [`Sink`]. What becomes of the entries is the builder's work.
//!
//! A new format is one new file here and its lines in this one: a `mod` line and an entry of
//! [`IMPORTERS`]. Its options become options of `spanloom gazetteer build` by themselves.

mod csv;
mod geonames;
mod input;
mod jsonl;
mod obo;
mod prior;
mod settings;
mod sink;
mod spacy;
#[cfg(test)]
mod template;
#[cfg(test)]
mod testing;
mod tsv;
mod wikidata;

use std::fmt;

pub use self::input::Input;
pub use self::settings::Settings;
pub use self::sink::{Imported, Sink};
pub(super) use self::tsv::each_numbered;
pub use self::tsv::row as tsv_row;

use crate::error::{Error, Result};
use crate::resource::OptionDoc;
use crate::source::gazetteer::Entry;

/// A format that entries are read from.
pub struct Importer {
    /// Its name, as users type it.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// The options that it has besides [`SHARED_OPTIONS`].
    pub options: &'static [OptionDoc],
    /// Whether its lists are known to hold codes, numbers and the like among the names: decides the
    /// defaults of [`SHARED_OPTIONS`].
    pub is_noisy: bool,
    /// Whether a file is surely of this format, by its name (lower case, without a suffix of
    /// compression) and how it begins.
    pub recognises: fn(name: &str, head: &str) -> bool,
    /// Reads the settings; a name that is no option has been refused before.
    pub open: fn(&Settings) -> Result<Box<dyn Import>>,
    /// Writes an entry as a line without its end, where that can be done; what is written is read back
    /// as the same entry.
    pub write: Option<fn(&Entry, &mut String) -> Result<()>>,
}

impl fmt::Debug for Importer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Importer").field(&self.name).finish()
    }
}

/// Reads entries as its settings say.
pub trait Import {
    /// Hands every entry of an input to `sink`, and everything that is wrong with the input.
    ///
    /// # Errors
    /// Where the input cannot be read on, or the entries cannot be taken on.
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()>;
}

/// All formats.
pub static IMPORTERS: &[Importer] = &[
    tsv::IMPORTER,
    jsonl::IMPORTER,
    csv::IMPORTER,
    geonames::IMPORTER,
    wikidata::IMPORTER,
    obo::IMPORTER,
    spacy::IMPORTER,
];

/// The options of every format.
pub const SHARED_OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        name: "min-length",
        value: "number, 1; geonames and wikidata 3",
        doc: "Names of fewer characters are left out; one of a script without case (Han, Arabic) \
              counts as two.",
    },
    OptionDoc {
        name: "numbers",
        value: "keep | skip, keep; geonames and wikidata skip",
        doc: "Whether names without a letter are left out.",
    },
];

/// The format of this name.
///
/// # Errors
/// Where there is none; the error lists those there are.
pub fn importer(name: &str) -> Result<&'static Importer> {
    IMPORTERS.iter().find(|importer| importer.name == name).ok_or_else(|| {
        let known: Vec<&str> = IMPORTERS.iter().map(|importer| importer.name).collect();
        Error::unknown("gazetteer format", name, &known)
    })
}

/// The format of a file of the name `name` (without a suffix of compression) that begins with `head`,
/// where that is sure.
pub fn recognise(name: &str, head: &[u8]) -> Option<&'static Importer> {
    let valid = head.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let head = valid.strip_prefix('\u{feff}').unwrap_or(valid);
    let name = name.to_lowercase();
    IMPORTERS.iter().find(|importer| (importer.recognises)(&name, head))
}

/// Reads the rows of a TSV file of the name `file` that is at hand.
///
/// # Errors
/// Where an entry cannot be taken on, see [`Import::import`].
pub(super) fn read_tsv(
    file: &str,
    bytes: &[u8],
    accept: &mut dyn FnMut(Entry) -> Result<()>,
) -> Result<Imported> {
    let settings = Settings::default();
    let mut sink = Sink::new(&tsv::IMPORTER, &settings, accept)?;
    let mut reader = bytes;
    tsv::IMPORTER.open(&settings)?.import(Input { name: file, reader: &mut reader }, &mut sink)?;
    Ok(sink.finish())
}

impl Importer {
    /// Whether it has an option of this name.
    pub fn has_option(&self, name: &str) -> bool {
        self.options.iter().chain(SHARED_OPTIONS).any(|option| option.name == name)
    }

    /// Reads `settings`, and gives what imports as they say.
    ///
    /// # Errors
    /// Where an option is unknown to this format or has a wrong value.
    pub fn open(&self, settings: &Settings) -> Result<Box<dyn Import>> {
        let known: Vec<&str> =
            self.options.iter().chain(SHARED_OPTIONS).map(|option| option.name).collect();
        if let Some(name) = settings.names().find(|name| !known.contains(name)) {
            return Err(Error::unknown(
                &format!("option of the format {}", self.name),
                name,
                &known,
            ));
        }
        (self.open)(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_name_and_content() {
        let cases: [(&str, &str, Option<&str>); 13] = [
            ("a.tsv", "Paris\tLOC\n", Some("tsv")),
            ("a.jsonl", "{\"surface\": \"Paris\", \"label\": \"LOC\"}\n", Some("jsonl")),
            ("a.jsonl", "\u{feff}{\"label\":\"LOC\",\"pattern\":\"Paris\"}\n", Some("spacy")),
            ("a.jsonl", "{\"text\": \"Paris\"}\n", None),
            ("a.CSV", "name,code\n", Some("csv")),
            ("a.obo", "format-version: 1.2\n", Some("obo")),
            ("a.json", "[\n{\"type\":\"item\",\"id\":\"Q1\"},\n", Some("wikidata")),
            ("a.json", "{\"a\": 1}", None),
            ("FR.txt", testing::GEONAMES, Some("geonames")),
            ("notes.txt", "Paris\n", None),
            ("notes", "", None),
            ("cities.tsv", testing::GEONAMES, Some("geonames")),
            ("a.bin", "\u{0}", None),
        ];
        for (name, head, expected) in cases {
            let found = recognise(name, head.as_bytes()).map(|importer| importer.name);
            assert_eq!(found, expected, "{name}: {head}");
        }
    }

    #[test]
    fn a_file_is_recognised_by_one_format_only() {
        for (name, head) in
            [("a.tsv", testing::GEONAMES), ("a.jsonl", "{\"pattern\":\"x\",\"surface\":\"x\"}")]
        {
            let count = IMPORTERS.iter().filter(|i| (i.recognises)(name, head)).count();
            assert_eq!(count, 1, "{name}: {head}");
        }
    }

    #[test]
    fn formats_and_their_options_are_named_and_documented() {
        let mut names: Vec<&str> = IMPORTERS.iter().map(|importer| importer.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), IMPORTERS.len());
        for importer in IMPORTERS {
            let mut docs = vec![(importer.name, importer.doc)];
            docs.extend(importer.options.iter().chain(SHARED_OPTIONS).map(|o| (o.name, o.doc)));
            for (name, doc) in docs {
                let is_typed = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
                assert!(is_typed && doc.ends_with('.') && !doc.contains("  "), "{name}: {doc}");
            }
        }
    }

    #[test]
    fn an_option_of_another_format_is_refused() {
        let mut settings = Settings::default();
        settings.set("class", "Q515=LOC");
        let error = importer("tsv").unwrap().open(&settings).err().unwrap();
        assert_eq!(error.to_string(), "unknown option of the format tsv 'class'");
        assert_eq!(error.help_text(), Some("known: min-length, numbers"));
        assert_eq!(importer("tvs").unwrap_err().to_string(), "unknown gazetteer format 'tvs'");
    }
}
