//! How documents are written: the options that commands share, and where the output comes to be.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::interrupt::remove_unfinished_outputs;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{DocumentWriter, Format, Inputs, Output, WriteOptions};
use crate::span::TagScheme;

/// Reads the name of a tag scheme.
pub(super) fn tag_scheme() -> impl TypedValueParser<Value = TagScheme> {
    PossibleValuesParser::new(TagScheme::NAMES)
        .map(|name| name.parse().expect("a possible value is the name of a scheme"))
}

/// A writer of `format` onto a file, or a folder where the format needs one, or standard output.
///
/// # Errors
/// Where it cannot be written to, or in this format.
pub(super) fn writer(
    output: Option<&Path>,
    format: &Format,
    options: &WriteOptions,
) -> Result<Box<dyn DocumentWriter>> {
    let output = match output {
        Some(path) if format.companion.is_some() => Output::folder(path)?,
        None if format.companion.is_some() => {
            let message =
                format!("'{}' writes two files a document and needs a folder", format.name);
            return Err(
                Error::new(ErrorKind::Io, message).with_help("name a new one with `--output`")
            );
        }
        Some(path) if path != Path::new("-") => {
            remove_unfinished_outputs();
            Output::create(path)?
        }
        _ => Output::stdout()?,
    };
    format.writer(output, options)
}

/// Looks whether a file can be written that a run writes at its end: hours of work should not be lost to a folder that
/// is not there.
///
/// # Errors
/// Where it is a folder, or none can be made in its folder.
pub(super) fn check_writable(path: &Path) -> Result<()> {
    let error = |error| Error::io("write", path.display(), error);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(error(io::ErrorKind::IsADirectory.into())),
        Ok(metadata) if !metadata.is_file() => Ok(()),
        _ => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(drop).map_err(error)
        }
    }
}

fn resolved(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// Takes the output, and what is in it, out of the inputs, where it was not named as one: what a run wrote into
/// its own input folder is no input of the next.
pub(super) fn without_output(
    mut inputs: Inputs,
    named: &[PathBuf],
    output: Option<&Path>,
) -> Inputs {
    if let Some(output) = output.and_then(resolved) {
        inputs.files.retain(|file| {
            let Some(path) = file.path() else { return true };
            named.iter().any(|named| named == path)
                || !resolved(path).is_some_and(|path| path.starts_with(&output))
        });
    }
    inputs
}

/// Refuses an output that is a named input: the result would take the place of its source.
///
/// # Errors
/// Where it is.
pub(super) fn check_output(named: &[PathBuf], output: Option<&Path>) -> Result<()> {
    let Some(output) = output.and_then(resolved) else { return Ok(()) };
    match named.iter().find(|input| resolved(input).as_ref() == Some(&output)) {
        Some(input) if output.is_file() => {
            Err(Error::new(ErrorKind::Io, format!("{} is both input and output", input.display()))
                .with_help("write to another file"))
        }
        _ => Ok(()),
    }
}
