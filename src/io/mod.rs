//! How do documents and entities come in and go out? The formats, the registry of them, and the
//! stream of documents over many inputs.
//!
//! A new format is one new file here and one entry in [`FORMATS`]. Reading and writing stream: memory
//! is bounded by the largest single document, and that by [`ReadOptions`].

pub mod address;
pub mod arrow;
pub mod brat;
pub mod compression;
pub mod conll;
pub mod csv;
pub mod doccano;
pub mod fit;
pub mod gliner;
pub mod gold;
mod gzip;
pub mod idrisi;
pub mod input;
mod json;
pub mod jsonl;
pub mod label_studio;
mod options;
pub mod output;
pub mod parquet;
pub mod prodigy;
mod recognise;
#[cfg(feature = "remote")]
mod remote;
#[cfg(not(feature = "remote"))]
#[path = "remote_off.rs"]
mod remote;
mod sniff;
pub mod spacy;
pub mod stream;
mod table;
pub mod tag_names;
#[cfg(test)]
mod template;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod text;
mod tokens;
pub mod tokens_jsonl;
pub mod tokens_parquet;
pub mod warc;
mod windows;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::resource::OptionDoc;
use crate::span::scheme::LetterPlace;
use crate::span::{Entity, TagScheme};
use crate::text::lines::Lines;
use crate::text::{Document, OffsetUnit};

pub use gold::{Discontinuous, GoldOptions, LabelNames};
pub use input::{Input, InputFile, InputPlace, Inputs};
pub use output::Output;
pub use remote::RemoteObject;
pub use stream::DocumentStream;

/// The documents of one input. An item that is an error stands for one document, or for the rest of
/// the input; the documents after it still come, where that can be.
pub type Documents = Box<dyn Iterator<Item = Result<Document>> + Send>;

/// A format that documents are read from and written to.
pub struct Format {
    /// Its name, as users type it.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// The file name suffixes that stand for it: lower case, without full stop.
    pub suffixes: &'static [&'static str],
    /// The suffix of a file that is written in it where the user names none.
    pub extension: &'static str,
    /// How it says where entities are.
    pub marking: Marking,
    /// The suffix of a second file, with the same name, that goes with each; such a format is read with
    /// both files at hand and written into a folder.
    pub companion: Option<&'static str>,
    /// Whether a JSON value, the first of a file or an element of its array, can be of no other format.
    pub recognises: fn(&Value) -> bool,
    /// Which of the [`ReadOptions`] and [`WriteOptions`] it heeds.
    pub options: &'static [OptionDoc],
    /// The documents of an input.
    pub read: fn(Input, &ReadOptions) -> Documents,
    /// A writer onto an output; `None` where the format is only read.
    pub write: Option<OpenWriter>,
}

/// Opens a writer onto an output.
pub type OpenWriter = fn(Output, &WriteOptions) -> Box<dyn DocumentWriter>;

impl Format {
    /// A writer onto an output.
    ///
    /// # Errors
    /// Where the format is only read.
    pub fn writer(
        &self,
        output: Output,
        options: &WriteOptions,
    ) -> Result<Box<dyn DocumentWriter>> {
        match self.write {
            Some(open) => Ok(open(output, options)),
            None => {
                let message = format!("the format '{}' is only read", self.name);
                Err(Error::new(ErrorKind::Io, message).with_help("name another with `--format`"))
            }
        }
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Format").field(&self.name).finish()
    }
}

/// How a format says where entities are: what it can say of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// By places in the text: everything.
    Offsets,
    /// By the first and last token: an entity that ends inside a token cannot be said.
    TokenSpans,
    /// By one tag a token: neither can two entities that share one.
    TokenTags,
}

/// Writes documents with their entities, in the order in which they are given.
pub trait DocumentWriter: Send {
    /// Writes one document; `entities` are in the order of [`crate::span::order::compare`].
    ///
    /// # Errors
    /// Where the output cannot be written to; the error names it.
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<()>;

    /// Hands on what is buffered, so that a reader at the other end of a pipe sees it now.
    ///
    /// # Errors
    /// As [`DocumentWriter::write`].
    fn flush(&mut self) -> Result<()>;

    /// Completes the output; without it a file does not come to be (see [`Output`]).
    ///
    /// # Errors
    /// As [`DocumentWriter::write`].
    fn finish(self: Box<Self>) -> Result<()>;
}

/// How documents are read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// JSON and tables: the field or column that holds the text.
    pub text_field: String,
    /// JSON and tables: the field or column that holds the id.
    pub id_field: String,
    /// CSV and TSV: the first record is a document, and columns are called 1, 2, 3, ….
    pub no_header: bool,
    /// CSV and TSV: quotes are text, and each line is a record.
    pub no_quotes: bool,
    /// CoNLL: the column of the tokens, from 1; `None` finds it.
    pub token_column: Option<usize>,
    /// CoNLL, CSV and TSV: what parts the columns; `None` is the comma, the tab, or for CoNLL tabs where a line
    /// has one, else white space.
    pub separator: Option<char>,
    /// Formats of tokens and tags: the names of tags that are numbers, from 0.
    pub tag_names: Option<Arc<[String]>>,
    /// A document of more bytes is cut and goes on as another; one of a table is an error.
    pub max_document_bytes: usize,
    /// A line, an element of an array of JSON, or a record of CSV, of more bytes is an error.
    pub max_line_bytes: usize,
    /// Whether the entities that are there are read too, into [`Document::gold`], and how.
    pub gold: Option<GoldOptions>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            text_field: "text".to_owned(),
            id_field: "id".to_owned(),
            no_header: false,
            no_quotes: false,
            token_column: None,
            separator: None,
            tag_names: None,
            max_document_bytes: 4 << 20,
            max_line_bytes: 256 << 20,
            gold: None,
        }
    }
}

/// How documents are written.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Formats with offsets: what they count, where the format itself does not say it.
    pub offsets: OffsetUnit,
    /// Formats of tokens and tags: how the tags mark entities.
    pub scheme: TagScheme,
    /// CoNLL: which column the tags take.
    pub tag_column: TagColumn,
    /// Formats of tokens and tags: write the numbers of these names, from 0, instead of names.
    pub tag_names: Option<Arc<[String]>>,
    /// Formats of annotation tools: the entities are for an annotator to judge, and nobody has yet.
    pub is_task: bool,
}

/// The column that tags are written into, where a document comes with columns of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TagColumn {
    /// A new one, the last.
    #[default]
    New,
    /// That of the tags that gold is read from, by [`GoldOptions::column`] and [`GoldOptions::letter`]; a new
    /// one where there is none.
    Gold(Option<usize>, LetterPlace),
}

/// All formats.
pub static FORMATS: &[Format] = &[
    text::FORMAT,
    jsonl::FORMAT,
    conll::FORMAT,
    tokens_jsonl::FORMAT,
    gliner::FORMAT,
    idrisi::FORMAT,
    spacy::FORMAT,
    prodigy::FORMAT,
    doccano::FORMAT,
    label_studio::FORMAT,
    brat::FORMAT,
    parquet::FORMAT,
    tokens_parquet::FORMAT,
    arrow::FORMAT,
    csv::FORMAT,
    csv::TSV,
    warc::FORMAT,
];

/// The format of this name.
///
/// # Errors
/// Where there is none; the error lists those there are.
pub fn format(name: &str) -> Result<&'static Format> {
    FORMATS.iter().find(|f| f.name == name).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
        Error::unknown("format", name, &known)
    })
}

/// The format that the suffix of a file name stands for, after a suffix of compression is taken off;
/// `None` for a suffix that no format claims.
pub fn format_of(path: &std::path::Path) -> Option<&'static Format> {
    let (path, _) = compression::Compression::split(path);
    let suffix = path.extension()?.to_str()?.to_lowercase();
    FORMATS.iter().find(|f| f.suffixes.contains(&suffix.as_str()))
}

/// The recogniser of formats that are no JSON, or that only their suffix tells.
fn nothing(_: &Value) -> bool {
    false
}

/// The lines of an input, each of at most `limit` bytes.
fn lines(input: Input, limit: usize) -> Lines<Input> {
    Lines::new(input.name().to_owned(), input, limit, ErrorKind::Document)
}
