//! `spanloom eval`: gold and predictions in, scores out. The counting is [`crate::eval`]'s business;
//! `predictions` reads what was predicted elsewhere, `text`, `json`, `markdown` and `html` show what came out;
//! `details` has what only reports tell.

mod details;
mod html;
mod json;
mod markdown;
mod predictions;
mod report_file;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use self::details::Keeper;
use self::predictions::Predictions;
use self::report_file::ReportFile;
use super::corpus::CorpusRun;
use super::engine::EngineArgs;
use super::gold::{GoldArgs, warn_of_labels};
use super::print::print;
use super::read::{ReadArgs, some_files};
use super::verbosity::Verbosity;
use crate::error::Result;
use crate::eval::{EntityCounts, EntityReport, Scenario, SemevalCounts, semeval};
use crate::io::{DocumentStream, GoldOptions, Inputs, ReadOptions};
use crate::pipeline::Engine;
use crate::span::Entity;
use crate::text::Annotation;

/// So many predicted documents are compared at once.
const CHUNK_DOCUMENTS: usize = 1024;

/// Score an engine, or the predictions of another program, against gold.
///
/// Gold is read from the tags of CoNLL, or the field `entities` of JSONL (objects of `start`, `end` and
/// `label`, as `tag` writes them). The engine tags its text; with `--pred` the entities of those files are
/// judged instead, document by document in the same order.
///
/// The first table counts an entity as right where gold has its exact span and label, as `conlleval` and
/// seqeval do: precision, recall and F1 of every label, with the number of its entities in gold; then
/// micro (all counts together), macro (the mean of the labels) and weighted (by support). The second
/// has the scenarios of SemEval-2013 as nervaluate counts them: `strict` (span and label), `exact` (the
/// span), `partial` (half a point for some of the span), `ent_type` (the label, and some of the span).
///
/// Predicted labels that the gold has nowhere are not judged.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom eval dev.conll
  spanloom eval dev.conll -e my-engine.toml --without tagger
  spanloom eval wnut.conll --map person=PER,location=LOC,group=ORG
  spanloom eval gold.jsonl --pred other.jsonl
  spanloom eval gold.conll --pred tagged.conll --all-labels
  spanloom eval dev.conll --format json | jq .micro.f1
  spanloom eval dev.conll --report eval.html --report eval.md")]
pub struct Args {
    /// Files, folders, globs, or `-` for standard input, which is read too where it is no terminal
    /// and nothing is named.
    #[arg(value_name = "GOLD")]
    inputs: Vec<PathBuf>,
    /// Judge the entities of this file, folder or glob instead of running an engine; may be given
    /// again. Of CoNLL the last column of tags is taken.
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["engine", "model", "with", "without", "device"])]
    pred: Vec<PathBuf>,
    /// CoNLL: the column of the predicted tags, from 1; without it the last that holds nothing but
    /// tags.
    #[arg(long, value_name = "NUMBER", requires = "pred")]
    pred_column: Option<NonZeroUsize>,
    /// Judge predicted labels that gold has nowhere too: each such entity is wrong.
    #[arg(long)]
    all_labels: bool,
    /// The format to print.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,
    /// Write a report, too: a page (`.html`), Markdown (`.md`) or data (`.json`); may be given again.
    /// It has what is wrong and which step decided, confusion, calibration, length and rarity.
    #[arg(long, value_name = "FILE", value_parser = ReportFile::parse)]
    report: Vec<ReportFile>,
    #[command(flatten)]
    gold: GoldArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputFormat {
    /// Two aligned tables, in percent.
    Text,
    /// One JSON object, with all digits.
    Json,
}

/// Where predictions come from.
enum Predictor {
    Engine(Box<Engine>),
    Files(Box<Predictions>),
}

/// The entities of a document.
struct Pair {
    gold: Vec<Annotation>,
    predicted: Vec<Annotation>,
}

impl Args {
    /// The inputs as they were named.
    pub(super) fn inputs_mut(&mut self) -> &mut Vec<PathBuf> {
        &mut self.inputs
    }

    fn read_options(&self, gold: GoldOptions) -> ReadOptions {
        ReadOptions { gold: Some(gold), ..self.read.options() }
    }

    /// What judges `gold`; where files of predictions are missing, that is in the errors.
    fn predictor(&self, gold: &Inputs) -> Result<Predictor> {
        if self.pred.is_empty() {
            return Ok(Predictor::Engine(Box::new(self.engine.load()?)));
        }
        let Inputs { files, mut errors } = some_files(self.read.expand(&self.pred))?;
        if let Some(error) = errors.pop() {
            return Err(error);
        }
        let column = self.pred_column.map(NonZeroUsize::get);
        let options = self.read_options(GoldOptions { column, ..self.gold.options() });
        Ok(Predictor::Files(Box::new(Predictions::new(&gold.files, files, options))))
    }
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where the engine cannot be loaded, there is nothing to read, the predictions are not those of the
/// gold's documents, or the output cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    let inputs = some_files(args.read.expand(&args.inputs))?;
    let mut predictor = args.predictor(&inputs)?;
    let (names, size) = match &predictor {
        Predictor::Engine(engine) => (args.gold.names_in(engine)?, engine.batch_size()),
        Predictor::Files(_) => (args.gold.names()?, CHUNK_DOCUMENTS),
    };
    let stream = DocumentStream::new(inputs.files, args.read_options(args.gold.options()));
    let mut corpus = CorpusRun::new(&stream, verbosity);
    inputs.errors.iter().for_each(|error| corpus.fail(error));
    let mut pairs = Vec::new();
    let mut keeper = (!args.report.is_empty()).then(Keeper::default);
    corpus.each_chunk(stream, size, |corpus, mut documents| {
        documents.iter_mut().for_each(|document| names.rename(document));
        let tagged = match (&mut predictor, &mut keeper) {
            (Predictor::Engine(engine), None) => engine.tag_documents(&documents),
            (Predictor::Engine(engine), Some(keeper)) => keeper.tag(engine, &documents),
            (Predictor::Files(predictions), keeper) => {
                let tagged = predictions.of(&documents)?;
                keeper.iter_mut().for_each(|keeper| keeper.add(&documents, &tagged));
                tagged
            }
        };
        for (document, tagged) in documents.into_iter().zip(tagged) {
            let Some(tagged) = corpus.count(&document, tagged) else { continue };
            let annotation = |entity: &Entity| Annotation {
                span: entity.span,
                label: entity.label.as_str().to_owned(),
            };
            let predicted = tagged.entities.iter().map(annotation).collect();
            pairs.push(Pair { gold: document.gold.unwrap_or_default(), predicted });
        }
        Ok(())
    })?;
    let report = Report::new(&pairs, args.all_labels);
    match predictor {
        Predictor::Engine(engine) => {
            let labels = report.gold_labels.iter().copied();
            warn_of_labels(&mut corpus, labels, &engine);
        }
        Predictor::Files(mut predictions) => predictions.end()?,
    }
    let code = corpus.finish();
    if let Some(keeper) = keeper {
        let details = keeper.details(|label| report.is_judged(label));
        args.report.iter().try_for_each(|file| file.write(&report, &details))?;
    }
    print(&match args.format {
        OutputFormat::Text => text::render(&report),
        OutputFormat::Json => json::render(&report, None),
    })?;
    Ok(code)
}

/// What came out.
struct Report<'p> {
    documents: usize,
    gold: usize,
    predicted: usize,
    gold_labels: BTreeSet<&'p str>,
    /// Predicted labels that are not judged, and how often each was predicted.
    not_judged: BTreeMap<&'p str, u64>,
    entities: EntityReport,
    scenarios: Vec<(Scenario, SemevalCounts)>,
    /// The scenarios of each label alone.
    label_scenarios: BTreeMap<String, Vec<(Scenario, SemevalCounts)>>,
}

impl<'p> Report<'p> {
    /// How much was counted, in words.
    fn counted(&self) -> String {
        let documents = if self.documents == 1 { "document" } else { "documents" };
        let entities = if self.gold == 1 { "entity" } else { "entities" };
        format!(
            "{} {documents}; {} {entities} in gold, {} predicted",
            self.documents, self.gold, self.predicted
        )
    }

    /// Whether predictions of this label are judged.
    fn is_judged(&self, label: &str) -> bool {
        !self.not_judged.contains_key(label)
    }

    fn new(pairs: &'p [Pair], all_labels: bool) -> Self {
        let gold_labels: BTreeSet<&str> =
            pairs.iter().flat_map(|pair| &pair.gold).map(|one| one.label.as_str()).collect();
        let is_judged = |label: &str| all_labels || gold_labels.contains(label);
        let mut not_judged = BTreeMap::new();
        let mut counts = EntityCounts::default();
        for Pair { gold, predicted } in pairs {
            let (judged, other): (Vec<_>, Vec<_>) =
                predicted.iter().partition(|one| is_judged(&one.label));
            for one in other {
                *not_judged.entry(one.label.as_str()).or_default() += 1;
            }
            let judged: Vec<Annotation> = judged.into_iter().cloned().collect();
            counts.add(gold, &judged);
        }
        let entities = counts.report();
        let of_label = |label: &String| scenarios(pairs, |other| other == label);
        let label_scenarios =
            entities.labels.keys().map(|label| (label.clone(), of_label(label))).collect();
        let sum = |list: fn(&Pair) -> usize| pairs.iter().map(list).sum();
        Self {
            documents: pairs.len(),
            gold: sum(|pair| pair.gold.len()),
            predicted: sum(|pair| pair.predicted.len()),
            scenarios: scenarios(pairs, is_judged),
            gold_labels,
            not_judged,
            entities,
            label_scenarios,
        }
    }
}

/// All scenarios over the labels of which `is_judged` says so.
fn scenarios(pairs: &[Pair], is_judged: impl Fn(&str) -> bool) -> Vec<(Scenario, SemevalCounts)> {
    let count = |scenario| {
        let mut counts = SemevalCounts::default();
        for Pair { gold, predicted } in pairs {
            counts.merge(semeval(scenario, gold, predicted, &is_judged));
        }
        (scenario, counts)
    };
    Scenario::ALL.into_iter().map(count).collect()
}
