//! `spanloom eval`: gold and predictions in, scores out. The counting is [`crate::eval`]'s business;
//! `systems` says who predicts, `predictions` reads what was predicted elsewhere, `report` is what came
//! out, `ablation` what `parts` of the engine are worth, `details` what only reports tell; `text`, `errors`,
//! `json`, `markdown` and `html` show it.

mod ablation;
mod details;
mod errors;
mod html;
mod json;
mod markdown;
mod parts;
mod predictions;
mod report;
mod report_file;
mod systems;
mod text;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use self::ablation::Ablation;
use self::details::Keeper;
use self::predictions::{Predictions, Reading, TagSequences};
use self::report::{Report, gold_labels};
use self::report_file::ReportFile;
use self::systems::{Answer, Load, SystemChoice, Systems};
use super::corpus::CorpusRun;
use super::engine::EngineArgs;
use super::format::FormatArgs;
use super::gold::{GoldArgs, renaming, warn_of_labels};
use super::print::print;
use super::progress;
use super::read::{ReadArgs, some_files};
use super::verbosity::Verbosity;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::{EntityCounts, Mode, Resampling, StrictScheme, SurfaceCounts};
use crate::io::{DocumentStream, GoldOptions, InputFile, Inputs, LabelNames, ReadOptions};
use crate::pipeline::{Engine, EngineLoader, Proposals};
use crate::source::BatchLimit;
use crate::text::{Annotation, Document};

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
///
/// `--systems` scores several systems on the same documents and compares each with the first.
/// Intervals, of 95 %, are percentiles of the paired bootstrap over documents. `p` says how likely a
/// difference so large is between systems that are equally good: by the bootstrap, and by approximate
/// randomisation (documents' outputs change places). docs/eval.md has the formulas.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom eval dev.conll
  spanloom eval dev.conll -e my-engine.toml --without tagger
  spanloom eval wnut.conll --map person=PER,location=LOC,group=ORG
  spanloom eval gold.jsonl --pred other.jsonl
  spanloom eval gold.conll --pred tagged.conll --all-labels
  spanloom eval dev.conll --systems model,gazetteer,hybrid
  spanloom eval dev.conll --systems old=old.toml,new=new.toml,spacy=pred:spacy.jsonl
  spanloom eval dev.conll --errors=5 --report eval.html --report eval.md
  spanloom eval dev.conll --systems model,hybrid --errors --errors-of model
  spanloom eval dev.conll --ablation --lowercase --train train.conll
  spanloom eval dev.conll --json | jq .systems[0].micro.f1")]
pub struct Args {
    /// Files, folders, globs, addresses (`s3://BUCKET/KEY`), or `-` for standard input, which is read too where it is no terminal
    /// and nothing is named.
    #[arg(value_name = "GOLD")]
    inputs: Vec<PathBuf>,
    /// Judge the entities of this file, folder or glob instead of running an engine; may be given
    /// again. Of CoNLL the last column of tags is taken.
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["systems", "engine", "model", "with", "without", "device"])]
    pred: Vec<PathBuf>,
    /// CoNLL: the column of the predicted tags, from 1; without it the last that holds nothing but
    /// tags.
    #[arg(long, value_name = "NUMBER")]
    pred_column: Option<NonZeroUsize>,
    /// What predictions in files call otherwise: their label, and that of gold after `--map`; parted by
    /// commas.
    #[arg(long, value_name = "PREDICTED=LABEL", value_delimiter = ',', value_parser = renaming)]
    map_pred: Vec<(String, String)>,
    /// CoNLL, predictions in files: score the tags as they are written, too, as seqeval does: `default`
    /// repairs what is malformed; `iob1`, `iob2`, `ioe1`, `ioe2`, `iobes` and `bilou` are its strict mode
    /// in that scheme; `--tag-suffix` is its `suffix`. Labels are not renamed.
    #[arg(long, value_name = "MODE", value_parser = tag_mode)]
    tags: Option<Mode>,
    /// Systems to score, parted by commas; the others are compared with the first. `hybrid` is the
    /// engine as it is; `model`, `gazetteer` and `rules` are its sources of that kind alone, with the
    /// same merge; `NAME=ENGINE.toml` is another engine, `NAME=pred:FILE` what another program
    /// predicted.
    #[arg(long, value_name = "SYSTEM", value_delimiter = ',', value_parser = SystemChoice::parse,
          help_heading = "Comparison")]
    systems: Vec<SystemChoice>,
    /// Score entities apart whose surface is an entity of this file, folder or glob, which is read as
    /// gold is, and those that are new, and all by how often it is one; may be given again. Precision
    /// goes by the predicted surface, recall by that of gold.
    #[arg(long, value_name = "FILE", help_heading = "Parts")]
    train: Vec<PathBuf>,
    /// Score entities apart whose surface carries two labels or more in gold.
    #[arg(long, help_heading = "Parts")]
    ambiguous: bool,
    /// Make texts lower case first, to see what capitals are worth.
    #[arg(long, help_heading = "Parts")]
    lowercase: bool,
    /// Say what each source, rule and pass of the engine is worth: micro F1 without it, of an engine that
    /// grows, and of one from which is taken away what harms. The sources run once.
    #[arg(long, help_heading = "Comparison")]
    ablation: bool,
    /// How often documents are drawn for intervals and p-values; 0 leaves them out.
    #[arg(long, value_name = "NUMBER", default_value_t = Resampling::default().rounds,
          help_heading = "Comparison")]
    rounds: usize,
    /// Begins the random streams of the draws: the same seed gives the same numbers.
    #[arg(long, value_name = "NUMBER", default_value_t = Resampling::default().seed,
          help_heading = "Comparison")]
    seed: u64,
    /// Judge predicted labels that gold has nowhere too: each such entity is wrong.
    #[arg(long)]
    all_labels: bool,
    #[command(flatten)]
    format: FormatArgs<OutputFormat>,
    /// Write a report, too: a page (`.html`), Markdown (`.md`) or data (`.json`); may be given again.
    /// It has what is wrong and which step decided, confusion, calibration, length and rarity; of several
    /// systems those of the last, or of `--errors-of`.
    #[arg(long, value_name = "FILE", value_parser = ReportFile::parse)]
    report: Vec<ReportFile>,
    /// List what is wrong, in groups by the step that decided, with at most so many of each; of several
    /// systems what the last has wrong, or that of `--errors-of`.
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, require_equals = true,
          default_missing_value = "20")]
    errors: Option<usize>,
    /// Of several systems, the one whose errors `--errors` and `--report` tell.
    #[arg(long, value_name = "SYSTEM")]
    errors_of: Option<String>,
    #[command(flatten)]
    gold: GoldArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    read: ReadArgs,
}

/// Reads `default` or the name of a strict scheme.
fn tag_mode(written: &str) -> std::result::Result<Mode, String> {
    match written {
        "default" => Ok(Mode::Default),
        scheme => scheme
            .parse()
            .map(Mode::Strict)
            .map_err(|_| format!("expected default, {}", StrictScheme::NAMES.join(", "))),
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputFormat {
    /// Two aligned tables, in percent.
    Text,
    /// One JSON object, with all digits.
    Json,
}

/// A document that was scored.
#[derive(Debug)]
struct Case {
    /// Without its gold.
    document: Document,
    gold: Vec<Annotation>,
    /// Of each system.
    predicted: Vec<Predicted>,
    /// What the sources of the engine proposed, where its parts are to be left out.
    proposals: Option<Proposals>,
}

/// What a system predicts for a document.
#[derive(Debug)]
struct Predicted {
    annotations: Vec<Annotation>,
}

impl Case {
    fn new(mut document: Document, answer: &Answer, proposals: Option<Proposals>) -> Self {
        let gold = document.gold.take().unwrap_or_default();
        let predicted = answer.tagged.iter();
        let predicted = predicted.map(|tagged| Predicted {
            annotations: tagged.entities.iter().map(Annotation::from).collect(),
        });
        Self { gold, predicted: predicted.collect(), proposals, document }
    }

    /// What `predicted` gets right, of the labels of which `is_judged` says so.
    fn counts_of(
        &self,
        predicted: &[Annotation],
        is_judged: impl Fn(&str) -> bool,
    ) -> EntityCounts {
        let judged = predicted.iter().filter(|one| is_judged(&one.label));
        let mut counts = EntityCounts::default();
        counts.add(&self.gold, judged);
        counts
    }

    /// [`Case::counts_of`] of the system of this number.
    fn counts(&self, system: usize, is_judged: impl Fn(&str) -> bool) -> EntityCounts {
        self.counts_of(&self.predicted[system].annotations, is_judged)
    }
}

impl Args {
    /// The inputs as they were named.
    pub(super) fn inputs_mut(&mut self) -> &mut Vec<PathBuf> {
        &mut self.inputs
    }

    fn read_options(&self, gold: GoldOptions) -> ReadOptions {
        ReadOptions { gold: Some(gold), ..self.read.options() }
    }

    fn choices(&self) -> Vec<SystemChoice> {
        match (self.pred.as_slice(), self.systems.as_slice()) {
            ([], []) => vec![SystemChoice::hybrid()],
            ([], systems) => systems.to_owned(),
            (files, _) => vec![SystemChoice::predictions(files)],
        }
    }

    fn resampling(&self) -> Resampling {
        Resampling { rounds: self.rounds, seed: self.seed }
    }

    /// The entities of the training files, read as gold is; `None` where none is named.
    ///
    /// # Errors
    /// What cannot be read.
    fn training(&self, reading: &Reading) -> Result<Option<SurfaceCounts>> {
        if self.train.is_empty() {
            return Ok(None);
        }
        let Inputs { files, mut errors } = some_files(self.read.expand(&self.train))?;
        if let Some(error) = errors.pop() {
            return Err(error);
        }
        let mut surfaces = SurfaceCounts::default();
        for document in DocumentStream::new(files, self.read_options(self.gold.options())) {
            let mut document = document?;
            reading.apply(&mut document);
            surfaces.add(&document.text, document.gold.as_deref().unwrap_or_default());
        }
        Ok(Some(surfaces))
    }
}

impl Load for Args {
    fn engine(&self, loader: &mut EngineLoader) -> Result<Engine> {
        self.engine.load_beside(loader)
    }

    fn other_engine(&self, file: &Path, loader: &mut EngineLoader) -> Result<Engine> {
        self.engine.load_other(file, loader)
    }

    fn expand(&self, files: &[PathBuf]) -> Inputs {
        self.read.expand(files)
    }

    fn predictions(&self, gold: &[InputFile], files: Vec<InputFile>) -> Predictions {
        let column = self.pred_column.map(NonZeroUsize::get);
        let options = self.read_options(GoldOptions { column, ..self.gold.options() });
        let names = LabelNames::from_iter(self.map_pred.iter().cloned());
        let GoldOptions { column: of_gold, letter, .. } = self.gold.options();
        let sequences = self.tags.map(|mode| TagSequences::new(mode, letter, [of_gold, column]));
        let reading = Reading { names, lowercase: self.lowercase };
        Predictions::new(gold, files, options, reading, sequences)
    }
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where an engine cannot be loaded, there is nothing to read, predictions are not those of the gold's
/// documents, or the output cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    args.report.iter().try_for_each(ReportFile::check)?;
    let inputs = some_files(args.read.expand(&args.inputs))?;
    let mut systems = Systems::load(&args.choices(), args, &inputs.files)?;
    if args.ablation && systems.own_engine().is_none() {
        let message = "no system is made of the engine, whose parts `--ablation` leaves out";
        return Err(Error::new(ErrorKind::Config, message).with_help("`--systems hybrid` is one"));
    }
    if args.tags.is_some() && systems.sequences().flatten().next().is_none() {
        let message = "`--tags` is about predictions in files, and no system is such";
        return Err(Error::new(ErrorKind::Config, message).with_help("`--pred FILE` names some"));
    }
    let tells_more = !args.report.is_empty() || args.errors.is_some();
    if let Some(name) = &args.errors_of {
        systems.tell_of(name)?;
        if !tells_more {
            let message = "`--errors-of` says whose errors are told, and nothing tells any";
            return Err(Error::new(ErrorKind::Config, message)
                .with_help("`--errors` lists them, `--report FILE` writes them"));
        }
    }
    let names = match systems.engines() {
        [] => args.gold.names()?,
        engines => args.gold.names_in(&engines.iter().collect::<Vec<_>>())?,
    };
    let reading = Reading { names, lowercase: args.lowercase };
    let training = args.training(&reading)?;
    let limit = systems.batch_limit().unwrap_or(BatchLimit::WITHOUT_MODEL);
    let stream = DocumentStream::new(inputs.files, args.read_options(args.gold.options()));
    let mut corpus = CorpusRun::new(&stream, verbosity);
    inputs.errors.iter().for_each(|error| corpus.fail(error));
    let mut cases = Vec::new();
    let mut keeper = tells_more.then(Keeper::default);
    corpus.each_chunk(stream, limit, |corpus, mut documents| {
        documents.iter_mut().for_each(|document| reading.apply(document));
        let answers = systems.predict(&documents)?;
        keeper.iter_mut().for_each(|keeper| keeper.add(&systems, &documents, &answers));
        for (document, answer) in documents.into_iter().zip(answers) {
            if let Some(mut answer) = count(corpus, &document, answer) {
                let proposals = systems.own_proposals(&mut answer).filter(|_| args.ablation);
                cases.push(Case::new(document, &answer, proposals));
            }
        }
        Ok(())
    })?;
    systems.end()?;
    if !systems.engines().is_empty() {
        let engines: Vec<&Engine> = systems.engines().iter().collect();
        warn_of_labels(&mut corpus, gold_labels(&cases).into_iter(), &engines);
    }
    corpus.keep_evidence(systems.finish_evidence());
    let code = corpus.finish();
    let gold_labels = gold_labels(&cases);
    let is_judged = |label: &str| args.all_labels || gold_labels.contains(label);
    let mut report = Report::new(&cases, systems.names(), &is_judged, args.resampling());
    for (system, sequences) in report.systems.iter_mut().zip(systems.sequences()) {
        system.sequences = sequences;
    }
    report.told = systems.told();
    report.add_surfaces(&cases, &is_judged, training.as_ref(), args.ambiguous);
    if let Some(engine) = systems.own_engine().filter(|_| args.ablation) {
        let bar = progress::counter(verbosity.is_interactive(), "variants of the engine");
        report.ablation = Some(Ablation::new(engine, &cases, &is_judged, args.resampling(), &bar));
        bar.finish_and_clear();
    }
    let details = keeper.map(|keeper| keeper.details(is_judged));
    if let Some(details) = &details {
        args.report.iter().try_for_each(|file| file.write(&report, details))?;
    }
    let listed = details.as_ref().zip(args.errors);
    print(&match args.format.chosen() {
        OutputFormat::Text => {
            let errors =
                listed.map(|(details, most)| errors::render(&report, &details.errors, most));
            format!("{}{}", errors.unwrap_or_default(), text::render(&report))
        }
        OutputFormat::Json => json::render(&report, listed.map(|(details, _)| details)),
    })?;
    Ok(code)
}

/// Counts a document and reports the warnings of all systems, or that it failed.
fn count(corpus: &mut CorpusRun, document: &Document, answer: Result<Answer>) -> Option<Answer> {
    match answer {
        Ok(mut answer) => {
            answer.tagged = corpus.count_systems(document, answer.tagged)?;
            Some(answer)
        }
        Err(error) => {
            corpus.fail(&error);
            None
        }
    }
}
