//! How do documents and entities come in and go out? The formats, the registry of them, and the
//! stream of documents over many inputs.
//!
//! A new format is one new file here and one entry in [`FORMATS`]. Reading and writing stream: memory
//! is bounded by the largest single document, and that by [`ReadOptions`].

pub mod compression;
pub mod conll;
pub mod gold;
pub mod input;
pub mod jsonl;
pub mod output;
pub mod stream;
#[cfg(test)]
mod template;
#[cfg(test)]
mod testing;
pub mod text;

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::resource::OptionDoc;
use crate::span::{Entity, TagScheme};
use crate::text::lines::Lines;
use crate::text::{Document, OffsetUnit};

pub use gold::GoldOptions;
pub use input::{Input, InputFile, Inputs};
pub use output::Output;
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
    /// Which of the [`ReadOptions`] and [`WriteOptions`] it heeds.
    pub options: &'static [OptionDoc],
    /// The documents of an input.
    pub read: fn(Input, &ReadOptions) -> Documents,
    /// A writer onto an output.
    pub write: fn(Output, &WriteOptions) -> Box<dyn DocumentWriter>,
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Format").field(&self.name).finish()
    }
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
    /// JSONL: the field that holds the text.
    pub text_field: String,
    /// JSONL: the field that holds the id.
    pub id_field: String,
    /// CoNLL: the column of the tokens, from 1; `None` finds it.
    pub token_column: Option<usize>,
    /// Text and CoNLL: a document of more bytes is cut and goes on as another.
    pub max_document_bytes: usize,
    /// JSONL and CoNLL: a line of more bytes is an error.
    pub max_line_bytes: usize,
    /// Whether the entities that are there are read too, into [`Document::gold`], and how.
    pub gold: Option<GoldOptions>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            text_field: "text".to_owned(),
            id_field: "id".to_owned(),
            token_column: None,
            max_document_bytes: 64 << 20,
            max_line_bytes: 1 << 30,
            gold: None,
        }
    }
}

/// How documents are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteOptions {
    /// JSONL: what `start` and `end` count.
    pub offsets: OffsetUnit,
    /// CoNLL: how the tags mark entities.
    pub scheme: TagScheme,
}

/// All formats.
pub static FORMATS: &[Format] = &[text::FORMAT, jsonl::FORMAT, conll::FORMAT];

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

/// The lines of an input, each of at most `limit` bytes.
fn lines(input: Input, limit: usize) -> Lines<Input> {
    Lines::new(input.name().to_owned(), input, limit, ErrorKind::Document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn formats_have_unique_names_and_suffixes_and_documentation() {
        let names: BTreeSet<_> = FORMATS.iter().map(|f| f.name).collect();
        let suffixes: Vec<_> = FORMATS.iter().flat_map(|f| f.suffixes).collect();
        assert_eq!(names.len(), FORMATS.len());
        assert_eq!(suffixes.iter().collect::<BTreeSet<_>>().len(), suffixes.len());
        for format in FORMATS {
            assert!(format.doc.ends_with('.') && !format.options.is_empty(), "{format:?}");
            assert!(format.options.iter().all(|o| o.doc.ends_with('.')), "{format:?}");
        }
    }

    #[test]
    fn suffixes_name_formats_also_behind_compression() {
        let name = |path: &str| format_of(Path::new(path)).map(|f| f.name);
        assert_eq!(name("a/b.JSONL.gz"), Some("jsonl"));
        assert_eq!(name("a.conllu.zst"), Some("conll"));
        assert_eq!(name("README.md"), Some("text"));
        assert_eq!(name("a.jsonl/b"), None);
        assert_eq!(name("b.gz"), None);
    }

    #[test]
    fn an_unknown_format_is_explained() {
        let error = format("json").unwrap_err();
        assert_eq!(error.to_string(), "unknown format 'json'");
        assert_eq!(error.help_text(), Some("did you mean 'jsonl'? known: text, jsonl, conll"));
    }
}
