//! `spanloom select`: the documents of a corpus that are most worth annotating, as a file of tasks for an
//! annotation tool. `text` shows the first ones.

mod text;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::corpus::CorpusRun;
use super::engine::EngineArgs;
use super::print::print;
use super::read::{ReadArgs, some_files};
use super::report;
use super::tag::offset_unit;
use super::verbosity::Verbosity;
use super::write::{check_output, without_output, writer};
use crate::error::{Error, ErrorKind, Result};
use crate::io::{DocumentStream, Format, Inputs, WriteOptions, format};
use crate::pipeline::{
    Aggregate, Engine, Informativeness, Measure, Proposals, Shortlist, Tagged, Without,
};
use crate::span::Entity;
use crate::text::{Document, OffsetUnit};

/// The formats that annotation tools read.
const TASK_FORMATS: [&str; 5] = ["jsonl", "doccano", "label-studio", "prodigy", "brat"];

/// The field of a task that says why it was chosen: Prodigy shows it, the others keep it.
const META: &str = "meta";

/// Choose the documents that are most worth annotating.
///
/// Documents are ranked by how unsure the models of the engine are of their words, and by how much its
/// sources contradict each other. The best are written as tasks, best first, with the entities of the engine
/// for the annotator to correct; the field `meta` of each says what is in doubt. Texts that are the same are
/// taken once. Gold that the corpus holds is not looked at.
///
/// docs/select.md has the formulas.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom select corpus/ --n 200 --format doccano -o tasks.jsonl
  spanloom select tweets.jsonl --n 50 --diverse --exclude train.conll -o tasks.jsonl
  spanloom select 'news/*.txt' --by disagreement --aggregate max --format label-studio -o tasks.json
  spanloom select corpus/ -e my-engine.toml --evidence kept/ --format prodigy -o tasks.jsonl")]
pub struct Args {
    /// Files, folders, globs, addresses (`s3://BUCKET/KEY`), or `-` for standard input, which is read too where it is no terminal
    /// and nothing is named.
    #[arg(value_name = "CORPUS")]
    inputs: Vec<PathBuf>,
    /// How many documents are chosen.
    #[arg(short, long, value_name = "NUMBER", default_value = "100")]
    n: NonZeroUsize,
    /// What makes a document worth annotating.
    #[arg(long, value_name = "MEASURE", default_value = "both")]
    by: By,
    /// With `--by both`: the share of disagreement, 0 to 1; the rest is uncertainty.
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = share)]
    weight: f64,
    /// How words become a document.
    #[arg(long, value_name = "HOW", default_value = "mean")]
    aggregate: AggregateChoice,
    /// Pass over documents too near to a better one: those that share so much of their words (Jaccard's
    /// coefficient, 0 to 1).
    #[arg(long, value_name = "SIMILARITY", value_parser = share, num_args = 0..=1,
          require_equals = true, default_missing_value = "0.5")]
    diverse: Option<f64>,
    /// Pass over the texts of this file or folder, such as what is annotated already; may be given several
    /// times.
    #[arg(long, value_name = "FILE")]
    exclude: Vec<PathBuf>,
    /// How many of the chosen are shown; 0 shows none.
    #[arg(long, value_name = "NUMBER", default_value = "10")]
    examples: usize,
    /// The file to write, compressed if it ends in `.gz`, `.bz2` or `.zst`; without it standard output.
    #[arg(short, long, value_name = "FILE", help_heading = "Writing")]
    output: Option<PathBuf>,
    /// The format of the tasks.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl", help_heading = "Writing",
          value_parser = task_format())]
    format: &'static Format,
    /// What offsets count, where the format does not say it: Unicode code points, bytes of UTF-8, UTF-16 code
    /// units.
    #[arg(long, value_name = "UNIT", default_value = "char", help_heading = "Writing",
          value_parser = offset_unit())]
    offsets: OffsetUnit,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// How much the sources contradict each other.
    Disagreement,
    /// How unsure the models are.
    Uncertainty,
    /// Both, mixed.
    Both,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AggregateChoice {
    /// The mean over all words: short documents come first.
    Mean,
    /// The greatest of all words: one doubt is enough.
    Max,
    /// The sum over all words: long documents come first.
    Sum,
}

fn task_format() -> impl TypedValueParser<Value = &'static Format> {
    PossibleValuesParser::new(TASK_FORMATS)
        .map(|name| format(&name).expect("every task format is a format"))
}

/// Reads a number from 0 to 1.
fn share(written: &str) -> std::result::Result<f64, String> {
    let is_share = |share: &f64| (0.0..=1.0).contains(share);
    let read = written.parse().ok().filter(is_share);
    read.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

impl Args {
    /// The inputs as they were named.
    pub(super) fn inputs_mut(&mut self) -> &mut Vec<PathBuf> {
        &mut self.inputs
    }

    fn measure(&self) -> Measure {
        let disagreement = match self.by {
            By::Disagreement => 1.0,
            By::Uncertainty => 0.0,
            By::Both => self.weight,
        };
        let aggregate = match self.aggregate {
            AggregateChoice::Mean => Aggregate::Mean,
            AggregateChoice::Max => Aggregate::Max,
            AggregateChoice::Sum => Aggregate::Sum,
        };
        Measure { disagreement, aggregate }
    }

    /// An empty list that knows what is excluded.
    fn shortlist(&self) -> Result<Shortlist<Task>> {
        let mut list = Shortlist::new(self.n.get(), self.diverse.unwrap_or(1.0));
        if self.exclude.is_empty() {
            return Ok(list);
        }
        let Inputs { files, errors } = some_files(self.read.expand(&self.exclude))?;
        if let Some(error) = Error::several(errors) {
            return Err(error);
        }
        for document in DocumentStream::new(files, self.read.options()) {
            list.exclude(&document?.text);
        }
        Ok(list)
    }
}

/// A document that may be chosen.
struct Task {
    document: Document,
    entities: Vec<Entity>,
    informativeness: Informativeness,
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where the engine cannot be loaded, there is nothing to read, or the output cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    let output = args.output.as_deref();
    check_output(&args.inputs, output)?;
    let inputs = without_output(args.read.expand(&args.inputs), &args.inputs, output);
    let Inputs { files, errors } = some_files(inputs)?;
    let mut list = args.shortlist()?;
    let options = WriteOptions { offsets: args.offsets, is_task: true, ..WriteOptions::default() };
    let mut writer = writer(output, args.format, &options)?;
    let engine = args.engine.load()?;
    let measure = args.measure();
    let stream = DocumentStream::new(files, args.read.options());
    let mut corpus = CorpusRun::new(&stream, verbosity);
    errors.iter().for_each(|error| corpus.fail(error));
    let mut has_evidence = false;
    corpus.each_chunk(stream, engine.batch_limit(), |corpus, documents| {
        let proposals = engine.propose(&documents);
        let seen = |proposals: &Result<Proposals>| {
            proposals.as_ref().is_ok_and(|proposals| !proposals.evidence.is_empty())
        };
        has_evidence |= proposals.iter().any(seen);
        let judged: Vec<Result<(Tagged, Informativeness)>> = documents
            .par_iter()
            .zip(proposals)
            .map(|(document, proposals)| Ok(judge(&engine, document, proposals?, measure)))
            .collect();
        for (document, judged) in documents.into_iter().zip(judged) {
            let (tagged, informativeness) = match judged {
                Ok((tagged, informativeness)) => (Ok(tagged), Some(informativeness)),
                Err(error) => (Err(error), None),
            };
            let tagged = corpus.count(&document, tagged);
            let Some((tagged, informativeness)) = tagged.zip(informativeness) else { continue };
            let (text, score) = (document.text.clone(), informativeness.score);
            list.offer(&text, score, || Task {
                document,
                entities: tagged.entities,
                informativeness,
            });
        }
        Ok(())
    })?;
    if !has_evidence && measure.disagreement < 1.0 && list.offered() > 0 {
        let message = "no source of the engine says how unsure it is: uncertainty is 0";
        let warning = Error::new(ErrorKind::Config, message)
            .with_help("a source of the kind `model` does; `--by disagreement` needs none");
        corpus.warn(&warning, message.to_owned());
    }
    corpus.keep_evidence(engine.finish_evidence());
    let code = corpus.finish();
    let counts = text::counts(&list);
    let tasks = list.into_ranked();
    let shown = text::render(&tasks, args.examples, &counts);
    for (number, mut task) in tasks.into_iter().enumerate() {
        task.note(number + 1);
        writer.write(&task.document, &task.entities)?;
    }
    writer.finish()?;
    // What is written to standard output must not be mixed with what is said about it.
    match output {
        Some(path) if path.as_os_str() != "-" => print(&shown)?,
        _ if verbosity.is_interactive() => report::write(&shown),
        _ => {}
    }
    Ok(code)
}

fn judge(
    engine: &Engine,
    document: &Document,
    mut proposals: Proposals,
    measure: Measure,
) -> (Tagged, Informativeness) {
    let mut tagged = engine.merge(document, &proposals, &Without::NOTHING);
    let mut warnings = std::mem::take(&mut proposals.warnings);
    warnings.append(&mut tagged.warnings);
    let informativeness = engine.informativeness(document, &proposals, measure);
    (Tagged { warnings, ..tagged }, informativeness)
}

impl Task {
    /// Writes into the document why it was chosen, beside what its input says there. A field of the name that
    /// is no object stays as it is.
    fn note(&mut self, rank: usize) {
        let Informativeness { score, uncertainty, disagreement, .. } = self.informativeness;
        let round = |value: f64| json!((value * 1e4).round() / 1e4);
        let doubt = text::doubt(self).map_or(Value::Null, Value::from);
        let fields = [
            ("rank", json!(rank)),
            ("score", round(score)),
            ("uncertainty", round(uncertainty)),
            ("disagreement", round(disagreement)),
            ("doubt", doubt),
        ];
        let meta = self.document.fields.entry(META).or_insert_with(|| Map::new().into());
        if let Value::Object(meta) = meta {
            meta.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        }
    }
}
