//! The options that say how documents are read, shared by the commands that read some.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::error::{Error, ErrorKind, Result};
use crate::io::{FORMATS, Format, Inputs, ReadOptions, format};

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

/// How documents are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(super) struct ReadArgs {
    /// The format of the inputs; `auto` goes by suffix, then takes them for text.
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = FormatChoice::parser())]
    input_format: FormatChoice,
    /// JSONL: the field that holds the text.
    #[arg(long, value_name = "FIELD", default_value = "text")]
    text_field: String,
    /// JSONL: the field that holds the id.
    #[arg(long, value_name = "FIELD", default_value = "id")]
    id_field: String,
    /// CoNLL: the column of the tokens, from 1; without it found.
    #[arg(long, value_name = "NUMBER")]
    token_column: Option<NonZeroUsize>,
    /// Text and CoNLL: a document of more bytes is cut and goes on as another.
    #[arg(long, value_name = "BYTES", default_value = "67108864")]
    max_document_bytes: NonZeroUsize,
}

impl ReadArgs {
    /// The files that `inputs` stand for.
    pub(super) fn expand(&self, inputs: &[PathBuf]) -> Inputs {
        Inputs::expand(inputs, self.input_format.0)
    }

    /// How to read them.
    pub(super) fn options(&self) -> ReadOptions {
        ReadOptions {
            text_field: self.text_field.clone(),
            id_field: self.id_field.clone(),
            token_column: self.token_column.map(NonZeroUsize::get),
            max_document_bytes: self.max_document_bytes.get(),
            ..ReadOptions::default()
        }
    }
}
