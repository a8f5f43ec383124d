//! `spanloom corpus stats`: what is in a corpus, and what its parts share. The counting is
//! [`crate::eval::corpus`]'s business; `text` and `json` show it.

mod json;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use crate::cli::convert::entities_of;
use crate::cli::corpus::CorpusRun;
use crate::cli::format::FormatArgs;
use crate::cli::gold::GoldArgs;
use crate::cli::print::print;
use crate::cli::read::{ReadArgs, some_files};
use crate::cli::verbosity::Verbosity;
use crate::error::Result;
use crate::eval::corpus::{Leak, PartStats, leaks};
use crate::io::{DocumentStream, GoldOptions, Inputs, ReadOptions};
use crate::pipeline::Tagged;
use crate::source::BatchLimit;

/// Count what is in a corpus: documents, tokens, entities, duplicates, leaks.
///
/// Each input that is named is a part, such as train, dev and test, in this order; a folder or glob is one
/// part. Entities are those that the inputs say are there (gold); what has none still has a text to count.
/// Words are the given tokens, or those of Unicode's rules.
///
/// Documents are duplicates where their text is the same, and leak where a later part has one of an
/// earlier part again. An entity is `seen` where its surface is an entity in the earlier part, and `seen
/// alike` where it has the same label there. A surface with several labels is a conflict: some words are
/// truly ambiguous, others were labelled carelessly.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom corpus stats train.conll dev.conll test.conll
  spanloom corpus stats corpus/ --input-format brat
  spanloom corpus stats train.conll --map corporation=ORG --top 50
  spanloom corpus stats train.conll --format json | jq .all.entities")]
pub(super) struct Args {
    /// Files, folders, globs, addresses (`s3://BUCKET/KEY`), or `-` for standard input, which is read too where it is no terminal
    /// and nothing is named.
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    format: FormatArgs<OutputFormat>,
    /// How many conflicts and frequent surfaces to print; JSON has all.
    #[arg(long, value_name = "NUMBER", default_value = "10")]
    top: usize,
    #[command(flatten)]
    gold: GoldArgs,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputFormat {
    /// Aligned tables, and the long tail as bars.
    Text,
    /// One JSON object, with all surfaces and digits.
    Json,
}

impl Args {
    /// The inputs as they were named.
    pub(super) fn inputs_mut(&mut self) -> &mut Vec<PathBuf> {
        &mut self.inputs
    }
}

/// What was counted.
struct Report {
    parts: Vec<PartStats>,
    all: PartStats,
    leaks: Vec<Leak>,
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where there is nothing to read, or the output cannot be written.
pub(super) fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    let Inputs { files, errors } = some_files(args.read.expand(&args.inputs))?;
    let names = args.gold.names()?;
    let gold = GoldOptions { is_optional: true, ..args.gold.options() };
    let options = ReadOptions { gold: Some(gold), ..args.read.options() };
    let whole = DocumentStream::new(files, options);
    let mut corpus = CorpusRun::new(&whole, verbosity);
    errors.iter().for_each(|error| corpus.fail(error));
    let mut parts = Vec::with_capacity(args.inputs.len());
    for input in &args.inputs {
        // What stands for nothing was reported above.
        let files = args.read.expand(std::slice::from_ref(input)).files;
        let mut part = PartStats::new(input.display().to_string());
        corpus.each_chunk(whole.of(files), BatchLimit::WITHOUT_MODEL, |corpus, documents| {
            for mut document in documents {
                names.rename(&mut document);
                part.add(&document);
                let entities = entities_of(document.gold.clone().unwrap_or_default());
                corpus.count(&document, Ok(Tagged { entities, ..Tagged::default() }));
            }
            Ok(())
        })?;
        parts.push(part);
    }
    let mut all = PartStats::new("all");
    parts.iter().for_each(|part| all.merge(part));
    let report = Report { leaks: leaks(&parts), parts, all };
    let code = corpus.finish();
    print(&match args.format.chosen() {
        OutputFormat::Text => text::render(&report, args.top),
        OutputFormat::Json => json::render(&report),
    })?;
    Ok(code)
}
