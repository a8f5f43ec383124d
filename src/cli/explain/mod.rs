//! `spanloom explain`: why a text has the entities it has, and why not others. `text` and `why_not`
//! show it to people, `json` gives it as data, `html` as a page.

pub(super) mod because;
mod html;
mod json;
mod question;
pub(super) mod step;
pub(super) mod text;
mod why_not;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::question::Question;
use super::engine::EngineArgs;
use super::print::print;
use super::read::ReadArgs;
use super::report::{self, Failures};
use super::tag::offset_unit;
use crate::error::{Error, Result};
use crate::io::address::{Address, Service};
use crate::io::{DocumentStream, Inputs, format_of};
use crate::pipeline::Engine;
use crate::text::{Document, OffsetUnit};

/// Show why a text has the entities it has: who proposed what, what won, what lost, which step and
/// line decided; or why it does not have another.
///
/// Places of the text are listed one by one. Under each proposal stand the steps of the merge that
/// changed it: step, line of TOML, score before and after, reason. States: `won` (it is an entity, or
/// part of one), `lost` (another beat it), `dropped` (a step did not want it), `helper` (its label is
/// never given). docs/explain.md describes the JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom explain 'Paris Hilton landed in Paris'
  spanloom explain 'Paris Hilton landed in Paris' --why-not 'Paris#1/LOC'
  spanloom explain letter.txt --why-not Washington --why-not 10..15/ORG
  spanloom explain letter.txt -e my-engine.toml --html letter.html
  spanloom explain tweets.jsonl --json | jq '.mentions[] | select(.state == \"lost\")'")]
pub struct Args {
    /// A text; or a file, each document of which is explained; or `-` for standard input.
    #[arg(value_name = "TEXT|FILE")]
    input: String,
    /// Tell instead why this is no entity: a surface (`Paris`), a surface as a label (`Paris/LOC`), its
    /// second occurrence (`Paris#2/LOC`), or code points (`10..15/LOC`); may be repeated.
    #[arg(long, value_name = "WHAT")]
    why_not: Vec<String>,
    /// Print one JSON object a document instead, or one an answer with `--why-not`.
    #[arg(long)]
    json: bool,
    /// Write one page of HTML that needs nothing else to FILE, or to standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-",
          conflicts_with_all = ["json", "why_not"])]
    html: Option<PathBuf>,
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
/// Where the engine cannot be loaded, there is nothing to read, a question cannot be asked, or the
/// output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let documents = args.documents()?;
    let engine = args.engine.load()?;
    let mut failures = Failures::default();
    let mut fail = |error: &Error| report::write(&failures.failed(error).unwrap_or_default());
    if !args.why_not.is_empty() {
        args.answer(&engine, documents, &mut fail)?;
    } else if let Some(path) = &args.html {
        html::write(path, &engine, documents, &mut fail)?;
    } else {
        for document in documents {
            match document.and_then(|document| args.explain(&engine, &document)) {
                Ok(text) => print(&text)?,
                Err(error) => fail(&error),
            }
        }
    }
    report::write(&failures.summary().unwrap_or_default());
    Ok(if failures.any() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The documents to explain.
type Documents = Box<dyn Iterator<Item = Result<Document>>>;

impl Args {
    fn documents(&self) -> Result<Documents> {
        let path = Path::new(&self.input);
        // One word with the suffix of a format is a file that is not there, not a text; an address on the web may be
        // a text, one of another service hardly.
        let is_object = match Address::parse(path) {
            Some(address) => address.is_ok_and(|address| address.service() != Service::Http),
            None => false,
        };
        let is_word = !self.input.contains(char::is_whitespace);
        let is_named = is_object || (is_word && format_of(path).is_some());
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
        Ok(if self.json {
            json::render(engine, document, &explanation, self.offsets)
        } else {
            text::render(engine, document, &explanation)
        })
    }

    /// Answers every `--why-not` for every document that holds what it asks about.
    fn answer(
        &self,
        engine: &Engine,
        documents: Documents,
        fail: &mut dyn FnMut(&Error),
    ) -> Result<()> {
        let mut read = Vec::new();
        for document in documents {
            match document {
                Ok(document) => read.push(document),
                Err(error) => fail(&error),
            }
        }
        let texts: Vec<&str> = read.iter().map(|document| document.text.as_str()).collect();
        let known = engine.known_labels();
        for written in &self.why_not {
            let question =
                Question::parse(written, (&known, &|name| engine.unknown_label(name)), &texts)?;
            let mut is_anywhere = false;
            for document in &read {
                for span in question.spans(document)? {
                    is_anywhere = true;
                    let answer = engine.why_not(document, span, question.label.as_ref())?;
                    print(&if self.json {
                        json::render_why_not(engine, document, &answer, self.offsets)
                    } else {
                        why_not::render(engine, document, &answer)
                    })?;
                }
            }
            if !is_anywhere {
                return Err(question.nowhere(&texts));
            }
        }
        Ok(())
    }
}
