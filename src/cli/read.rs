//! The options that say how documents are read, shared by the commands that read some.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::error::{Error, ErrorKind, Result};
use crate::io::{FORMATS, Format, Inputs, ReadOptions, format, tag_names};

/// A format that was named, or `auto`.
#[derive(Debug, Clone, Copy)]
pub(super) struct FormatChoice(pub(super) Option<&'static Format>);

impl FormatChoice {
    /// Reads a format's name, or `auto`.
    pub(super) fn parser() -> impl TypedValueParser<Value = Self> {
        let names = std::iter::once("auto").chain(FORMATS.iter().map(|format| format.name));
        PossibleValuesParser::new(names).map(|name| Self(format(&name).ok()))
    }
}

/// Inputs that stand for at least one file.
///
/// # Errors
/// Where they stand for none; why, where that is known.
pub(super) fn some_files(inputs: Inputs) -> Result<Inputs> {
    if !inputs.files.is_empty() {
        return Ok(inputs);
    }
    let nothing = || Error::new(ErrorKind::Io, "no file to read in the inputs");
    Err(Error::several(inputs.errors).unwrap_or_else(nothing))
}

/// Reads what parts columns.
fn separator(written: &str) -> std::result::Result<char, String> {
    let mut chars = written.chars();
    match (written, chars.next(), chars.next()) {
        ("tab", ..) => Ok('\t'),
        ("space", ..) => Ok(' '),
        ("comma", ..) => Ok(','),
        (_, Some(one), None) => Ok(one),
        _ => Err("expected tab, space, comma or one character".to_owned()),
    }
}

/// Reads a list of names of tags.
pub(super) fn tag_names(written: &str) -> std::result::Result<Arc<[String]>, String> {
    tag_names::load(written).map_err(|error| match error.help_text() {
        Some(help) => format!("{error}; {help}"),
        None => error.to_string(),
    })
}

/// How documents are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(super) struct ReadArgs {
    /// The format of the inputs; `auto` goes by suffix, and in JSON and on standard input by what is there,
    /// then takes them for text.
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = FormatChoice::parser())]
    input_format: FormatChoice,
    /// JSON and tables: the field or column that holds the text.
    #[arg(long, value_name = "FIELD", default_value = "text")]
    text_field: String,
    /// JSON and tables: the field or column that holds the id.
    #[arg(long, value_name = "FIELD", default_value = "id")]
    id_field: String,
    /// CoNLL: the column of the tokens, from 1; without it found.
    #[arg(long, value_name = "NUMBER")]
    token_column: Option<NonZeroUsize>,
    /// CSV, TSV: the first record is a document, and columns are called 1, 2, 3, … (`--text-field 2`).
    #[arg(long)]
    no_header: bool,
    /// CSV, TSV: quotes are text, and each line is a record.
    #[arg(long)]
    no_quotes: bool,
    /// CoNLL, CSV, TSV: what parts the columns, `tab`, `space`, `comma` or a character; without it the comma,
    /// the tab, or in CoNLL tabs where a line has one, else white space.
    #[arg(long, value_name = "SEPARATOR", value_parser = separator)]
    separator: Option<char>,
    /// Tokens and tags: the names of tags that are numbers: `multinerd`, `wikineural`, names parted by
    /// commas, or a file (a name a line, or JSON).
    #[arg(long, value_name = "NAMES", value_parser = tag_names)]
    tag_names: Option<Arc<[String]>>,
    /// A document of more bytes is cut, best between two sentences, and goes on as another (`ID#2`); one of a table
    /// is an error.
    #[arg(long, value_name = "BYTES", default_value = "4194304")]
    max_document_bytes: NonZeroUsize,
    /// JSON, CoNLL, CSV, TSV: a line, an element of an array or a record of more bytes is an error.
    #[arg(long, value_name = "BYTES", default_value = "268435456")]
    max_line_bytes: NonZeroUsize,
}

impl ReadArgs {
    /// The files that `inputs` stand for.
    pub(super) fn expand(&self, inputs: &[PathBuf]) -> Inputs {
        Inputs::expand(inputs, self.input_format.0)
    }

    /// What is asked for, by the names of the options.
    pub(super) fn told(&self) -> Vec<(String, String)> {
        let Self {
            input_format,
            text_field,
            id_field,
            no_header,
            no_quotes,
            token_column,
            separator,
            tag_names,
            max_document_bytes,
            max_line_bytes,
        } = self;
        let format = input_format.0.map_or("auto", |format| format.name);
        let mut told = vec![
            ("input-format".to_owned(), format.to_owned()),
            ("text-field".to_owned(), text_field.clone()),
            ("id-field".to_owned(), id_field.clone()),
            ("max-document-bytes".to_owned(), max_document_bytes.to_string()),
            ("max-line-bytes".to_owned(), max_line_bytes.to_string()),
        ];
        let flags = [("no-header", no_header), ("no-quotes", no_quotes)].into_iter();
        let flags = flags.filter(|(_, is_set)| **is_set).map(|(name, _)| (name, "yes".to_owned()));
        let token_column = token_column.map(|column| ("token-column", column.to_string()));
        let separator = separator.map(|separator| ("separator", separator.to_string()));
        let tag_names = tag_names.as_ref().map(|names| ("tag-names", names.join(",")));
        let given = [token_column, separator, tag_names].into_iter().flatten().chain(flags);
        told.extend(given.map(|(name, value)| (name.to_owned(), value)));
        told
    }

    /// How to read them.
    pub(super) fn options(&self) -> ReadOptions {
        ReadOptions {
            text_field: self.text_field.clone(),
            id_field: self.id_field.clone(),
            no_header: self.no_header,
            no_quotes: self.no_quotes,
            token_column: self.token_column.map(NonZeroUsize::get),
            separator: self.separator,
            tag_names: self.tag_names.clone(),
            max_document_bytes: self.max_document_bytes.get(),
            max_line_bytes: self.max_line_bytes.get(),
            ..ReadOptions::default()
        }
    }
}
