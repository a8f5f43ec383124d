//! `spanloom explain`: why a text has the entities it has. `fate` follows each mention through the
//! merge, `text` shows it to people, `json` gives it as data.

mod fate;
mod json;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::engine::EngineArgs;
use super::print::print;
use super::read::ReadArgs;
use super::report::{self, Failures};
use super::tag::offset_unit;
use crate::error::{Error, Result};
use crate::io::{DocumentStream, Inputs, format_of};
use crate::pipeline::Engine;
use crate::text::{Document, OffsetUnit};

/// Show why a text has the entities it has: who proposed what, what won, what lost, which step decided.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom explain 'Paris Hilton landed in Paris'
  spanloom explain letter.txt -e my-engine.toml
  spanloom explain tweets.jsonl --json | jq '.mentions[] | select(.state == \"lost\")'")]
pub struct Args {
    /// A text; or a file, each document of which is explained; or `-` for standard input.
    #[arg(value_name = "TEXT|FILE")]
    input: String,
    /// Print one JSON object a document instead.
    #[arg(long)]
    json: bool,
    /// With `--json`: what offsets count: Unicode code points, bytes of UTF-8, UTF-16 code units.
    #[arg(long, value_name = "UNIT", default_value = "char", value_parser = offset_unit())]
    offsets: OffsetUnit,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where the engine cannot be loaded, there is nothing to read, or standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let documents = args.documents()?;
    let engine = args.engine.load()?;
    let mut failures = Failures::default();
    for document in documents {
        match document.and_then(|document| args.explain(&engine, &document)) {
            Ok(text) => print(&text)?,
            Err(error) => {
                report::write(&failures.failed(&error).unwrap_or_default());
            }
        }
    }
    report::write(&failures.summary().unwrap_or_default());
    Ok(if failures.any() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Args {
    fn documents(&self) -> Result<Box<dyn Iterator<Item = Result<Document>>>> {
        let path = Path::new(&self.input);
        // One word with the suffix of a format is a file that is not there, not a text.
        let is_named = !self.input.contains(char::is_whitespace) && format_of(path).is_some();
        if self.input != "-" && !path.exists() && !is_named {
            return Ok(Box::new(std::iter::once(Ok(Document::new("text", self.input.as_str())))));
        }
        let Inputs { files, errors } = self.read.expand(&[PathBuf::from(path)]);
        match Error::several(errors) {
            Some(error) => Err(error),
            None => Ok(Box::new(DocumentStream::new(files, self.read.options()))),
        }
    }

    fn explain(&self, engine: &Engine, document: &Document) -> Result<String> {
        let explanation = engine.explain(document)?;
        let places = fate::places(&explanation, engine.labels());
        Ok(if self.json {
            json::render(engine, document, &explanation, &places, self.offsets)
        } else {
            text::render(engine, document, &explanation, &places)
        })
    }
}
