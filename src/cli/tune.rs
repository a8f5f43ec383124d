//! `spanloom tune`: gold and an engine file in, a better engine file out. The search is [`crate::tune`]'s
//! business; `text` and `json` show what came out.

mod json;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use super::corpus::CorpusRun;
use super::engine::EngineArgs;
use super::format::FormatArgs;
use super::gold::{GoldArgs, warn_of_labels};
use super::interrupt::stop_flag;
use super::print::print;
use super::progress::counter;
use super::read::{ReadArgs, some_files};
use super::verbosity::Verbosity;
use super::write::check_writable;
use crate::error::{Error, Result};
use crate::io::{DocumentStream, Output, ReadOptions};
use crate::pipeline::{Engine, Without};
use crate::tune::suggest::{self, CueSuggestion, EntrySuggestion};
use crate::tune::{Case, Objective, Space, Step, TuneOptions, Tuned, tune};

/// Fit an engine file to gold: thresholds, calibrations, weights, cues, what to switch off.
///
/// The sources run once; what is tried out is the merge. A turn is kept where its gain on the gold is clear,
/// in doubt nothing is turned. The same is then done once for each fold of the documents without that fold,
/// which tells what is gained on documents that nothing was learnt from. Where that gain is not significant
/// (p < 0.05 by paired bootstrap and by approximate randomisation), nothing is written unless `--force` is
/// given.
///
/// Without `-o` or `--in-place` the change is printed as a patch. Comments and layout of the engine file stay.
/// Ctrl-C ends the search; what it reached by then is the result. Tune on development parts, and look at test
/// parts once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom tune --gold dev.conll
  spanloom tune --gold dev.conll -e my-engine.toml --in-place
  spanloom tune --gold dev.conll --objective f-beta=2 -o recall.toml
  spanloom tune --gold dev.conll --evidence kept/ --suggest 20
  spanloom tune --gold a.jsonl b.jsonl > change.patch && patch -p0 < change.patch

A file for --space holds what may be turned, for example:
  numbers = [\"casing\", \"context\", \"evidence.bias\"]
  sources = true
  rules = false
  passes = true
  selector = false
  thresholds = true
  calibration = false")]
pub struct Args {
    /// Files, folders or globs with gold to learn from.
    #[arg(long, value_name = "DEV", num_args = 1.., required = true)]
    gold: Vec<PathBuf>,
    /// What is to become as large as possible: `micro-f1`, `macro-f1`, `f-beta=BETA`, or
    /// `precision@recall=RECALL`.
    #[arg(long, value_name = "NAME", default_value = "micro-f1")]
    objective: Objective,
    /// A TOML file that says what may be turned; everything without it.
    #[arg(long, value_name = "FILE")]
    space: Option<PathBuf>,
    /// Into how many folds the documents are parted; 0 leaves it unknown what is gained elsewhere.
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    folds: usize,
    /// Begins the random streams that part the documents and draw for the intervals.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// A turn is kept where its gain is so many standard errors over nothing; less takes more turns, and
    /// more of them by luck.
    #[arg(long, value_name = "ERRORS", default_value_t = 1.645)]
    caution: f64,
    /// Write the engine file here. What it names is looked for beside it.
    #[arg(short, long, value_name = "FILE", conflicts_with = "in_place", help_heading = "Writing")]
    output: Option<PathBuf>,
    /// Write over the engine file.
    #[arg(long, help_heading = "Writing")]
    in_place: bool,
    /// Write also what is not significantly better.
    #[arg(long, help_heading = "Writing")]
    force: bool,
    /// Say which entries and cue words the errors point at: so many of each, the most telling first.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    suggest: usize,
    #[command(flatten)]
    format: FormatArgs<OutputFormat>,
    #[command(flatten)]
    labels: GoldArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// A table of what was turned, and what it gains; the patch after it.
    Text,
    /// One JSON object, which holds the patch.
    Json,
}

/// What is shown.
struct Report<'r> {
    tuned: &'r Tuned,
    objective: Objective,
    documents: usize,
    patch: String,
    outcome: Outcome,
    entries: Vec<EntrySuggestion>,
    cues: Vec<CueSuggestion>,
}

/// What became of the new engine file.
enum Outcome {
    Unchanged,
    /// It is not significantly better, and nobody asked for it all the same.
    Refused,
    Printed,
    Written(PathBuf),
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where the engine cannot be loaded or has no file, there is no gold, or the result cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    args.output.as_deref().map_or(Ok(()), check_writable)?;
    let (path, text) = args.engine.file()?;
    let space = match &args.space {
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", &name, e))?;
            Space::parse(&name, &text)?
        }
        None => Space::default(),
    };
    let engine = args.engine.load()?;
    let (cases, code) = cases(args, &engine, verbosity)?;
    let options = TuneOptions {
        objective: args.objective,
        space,
        folds: args.folds,
        seed: args.seed,
        errors: args.caution,
    };
    let tuned = search(args, (&engine, (path, &text)), &cases, &options, verbosity)?;
    let new = tuned.setting.applied_to(&text)?;
    let patch = similar::TextDiff::from_lines(&text, &new)
        .unified_diff()
        .header(&path.display().to_string(), &path.display().to_string())
        .to_string();
    let outcome = args.write(path, &text, &new, &tuned)?;
    let (entries, cues) = args.suggestions(&engine, &cases);
    let documents = cases.len();
    let objective = args.objective;
    let report = Report { tuned: &tuned, objective, documents, patch, outcome, entries, cues };
    print(&match args.format.chosen() {
        OutputFormat::Text => text::render(&report),
        OutputFormat::Json => json::render(&report),
    })?;
    Ok(code)
}

/// The documents with what the sources propose for them.
fn cases(args: &Args, engine: &Engine, verbosity: Verbosity) -> Result<(Vec<Case>, ExitCode)> {
    let inputs = some_files(args.read.expand(&args.gold))?;
    let names = args.labels.names_in(&[engine])?;
    let options = ReadOptions { gold: Some(args.labels.options()), ..args.read.options() };
    let stream = DocumentStream::new(inputs.files, options);
    let mut corpus = CorpusRun::new(&stream, verbosity);
    inputs.errors.iter().for_each(|error| corpus.fail(error));
    let mut cases = Vec::new();
    corpus.each_chunk(stream, engine.batch_limit(), |corpus, mut documents| {
        documents.iter_mut().for_each(|document| names.rename(document));
        let all = engine.propose(&documents);
        for (document, proposals) in documents.into_iter().zip(all) {
            match proposals {
                Ok(mut proposals) => {
                    let mut tagged = engine.merge(&document, &proposals, &Without::NOTHING);
                    tagged.warnings.append(&mut proposals.warnings);
                    corpus.count(&document, Ok(tagged));
                    cases.push(Case { document, proposals });
                }
                Err(error) => corpus.fail(&error),
            }
        }
        Ok(())
    })?;
    let gold = cases.iter().flat_map(|case| case.document.gold.iter().flatten());
    let labels: std::collections::BTreeSet<&str> = gold.map(|one| one.label.as_str()).collect();
    warn_of_labels(&mut corpus, labels.into_iter(), &[engine]);
    corpus.keep_evidence(engine.finish_evidence());
    Ok((cases, corpus.finish()))
}

fn search(
    args: &Args,
    (engine, file): (&Engine, (&Path, &str)),
    cases: &[Case],
    options: &TuneOptions,
    verbosity: Verbosity,
) -> Result<Tuned> {
    let stop = stop_flag("what was found so far");
    let bar = counter(verbosity.is_interactive(), "settings");
    let step = |Step { fold, round, size }: Step| {
        bar.set_position(0);
        bar.set_length(size as u64);
        bar.set_message(match fold {
            0 => format!("all documents, round {round}"),
            fold => format!("without fold {fold} of {}, round {round}", options.folds),
        });
    };
    let looked = || bar.inc(1);
    let engine_options = args.engine.options();
    let tuned = tune((engine, &engine_options), file, cases, options, &stop, (&step, &looked));
    bar.finish_and_clear();
    tuned
}

impl Args {
    fn write(&self, path: &Path, old: &str, new: &str, tuned: &Tuned) -> Result<Outcome> {
        if old == new {
            return Ok(Outcome::Unchanged);
        }
        let target = match (&self.output, self.in_place) {
            (Some(output), _) => output.as_path(),
            (None, true) => path,
            (None, false) => return Ok(Outcome::Printed),
        };
        // Who stops the search wants what it has found.
        if !(tuned.is_significant() || tuned.was_stopped || self.force) {
            return Ok(Outcome::Refused);
        }
        let mut output = Output::create(target)?;
        output.put(new.as_bytes())?;
        output.finish()?;
        Ok(Outcome::Written(target.to_owned()))
    }

    fn suggestions(
        &self,
        engine: &Engine,
        cases: &[Case],
    ) -> (Vec<EntrySuggestion>, Vec<CueSuggestion>) {
        if self.suggest == 0 {
            return (Vec::new(), Vec::new());
        }
        let merged =
            |case: &Case| engine.merge(&case.document, &case.proposals, &Without::NOTHING).entities;
        let predicted: Vec<_> = cases.iter().map(merged).collect();
        let mut entries = suggest::entries(cases, &predicted);
        let mut cues = suggest::cues(cases, &predicted);
        entries.truncate(self.suggest);
        cues.truncate(self.suggest);
        (entries, cues)
    }
}
