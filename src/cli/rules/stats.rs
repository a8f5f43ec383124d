//! `spanloom rules stats`: a corpus in, a row for every rule out. The counting is
//! [`crate::pipeline::rule_stats`]'s business; `text` and `json` show it.

mod json;
mod text;

use std::cmp::Ordering;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use crate::cli::corpus::CorpusRun;
use crate::cli::engine::EngineArgs;
use crate::cli::format::FormatArgs;
use crate::cli::gold::{GoldArgs, warn_of_labels};
use crate::cli::print::print;
use crate::cli::read::{ReadArgs, some_files};
use crate::cli::verbosity::Verbosity;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{DocumentStream, Inputs, ReadOptions};
use crate::pipeline::rule_stats::{Holder, RuleRow};
use crate::pipeline::{Engine, RuleStats};

/// Count over a corpus what each rule of an engine did, what became of it, how long it took and, with
/// gold, how often it was right.
///
/// Every rule of every source and merge pass of the kind `rules` has a row, also one that never fires.
/// A rule of a source fires where it proposes something; a rule of the merge where it makes, changes,
/// protects or drops an entity (parts that it splits count singly). What it did has `won` (it is an
/// entity, or part of one), `lost` (another beat it) or was `dropped` (a pass, or the rule itself, did
/// not want it); `helper` says that its label is never given. It `conflicted` where another rule or
/// source proposed another span or label over the same text.
///
/// With `--gold`, `right` counts by exact span and label: what a rule proposed, made or protected is
/// right where gold has it; what it dropped, or gave a lower score, where gold has it not. `precision`
/// is the share of all it did that is right, `of won` the share of the entities it won that are right.
/// Labels that the gold has nowhere are not judged.
///
/// The time of a rule is that of its patterns and conditions, on all threads together; `(prefilter)` is
/// the time in which a source or pass found out where its rules can match at all.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("map", |arg| arg.requires("gold")),
    mut_arg("offsets", |arg| arg.requires("gold")),
    mut_arg("tag_column", |arg| arg.requires("gold")),
    after_help = "Examples:
  spanloom rules stats news/ -e my-engine.toml
  spanloom rules stats tweets.jsonl --without tagger --sort time
  spanloom rules stats dev.conll --gold --sort precision
  spanloom rules stats wnut.conll --gold --map person=PER,location=LOC,group=ORG
  spanloom rules stats news/ --format json --no-time | jq 'select(.fired == 0) | .rule'"
)]
pub(super) struct Args {
    /// Files, folders, globs, addresses (`s3://BUCKET/KEY`), or `-` for standard input, which is read too where it is no terminal
    /// and nothing is named.
    #[arg(value_name = "CORPUS")]
    inputs: Vec<PathBuf>,
    /// How rules are ordered; rules that are equal in it stay in the order of `id`.
    #[arg(long, value_name = "BY", default_value = "id", requires_if("precision", "gold"))]
    sort: Sort,
    #[command(flatten)]
    format: FormatArgs<OutputFormat>,
    /// Leave the times out: what is left is the same in every run, with any number of threads.
    #[arg(long)]
    no_time: bool,
    /// Judge the rules by the entities that the corpus holds: tags of CoNLL, or the field `entities` of
    /// JSONL (objects of `start`, `end` and `label`, as `tag` writes them).
    #[arg(long, help_heading = "Gold")]
    gold: bool,
    #[command(flatten)]
    gold_args: GoldArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// Sources, then passes, in the order of the engine file, and each with its rules by id.
    Id,
    /// What fired most often first.
    Fired,
    /// What lost most often first.
    Lost,
    /// What took longest first.
    Time,
    /// The lowest precision first, of equal ones what fired more often; what is not judged last.
    Precision,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputFormat {
    /// An aligned table, and what stands out in it.
    Text,
    /// One JSON object a rule and line.
    Json,
}

impl Args {
    pub(super) fn inputs_mut(&mut self) -> &mut Vec<PathBuf> {
        &mut self.inputs
    }

    fn read_options(&self) -> ReadOptions {
        let gold = self.gold.then(|| self.gold_args.options());
        ReadOptions { gold, ..self.read.options() }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    if args.no_time && args.sort == Sort::Time {
        let message = "--sort time asks for what --no-time leaves out";
        return Err(Error::new(ErrorKind::Config, message));
    }
    let Inputs { files, errors } = some_files(args.read.expand(&args.inputs))?;
    let engine = args.engine.load()?;
    let names = args.gold_args.names_in(&[&engine])?;
    let mut stats = RuleStats::new(&engine);
    if stats.rows().next().is_none() {
        let message = "no source and no pass that runs has rules";
        return Err(Error::new(ErrorKind::Config, message).with_help(
            "a rule stands in a [[source]] of kind 'rules' or a [[merge]] pass 'rules'; sources are \
             switched on by --with",
        ));
    }
    let stream = DocumentStream::new(files, args.read_options());
    let mut corpus = CorpusRun::new(&stream, verbosity);
    errors.iter().for_each(|error| corpus.fail(error));
    let mut size = Size::default();
    corpus.each_chunk(stream, engine.batch_limit(), |corpus, mut documents| {
        documents.iter_mut().for_each(|document| names.rename(document));
        for (document, tagged) in documents.iter().zip(stats.add(&documents)) {
            if let Some(tagged) = corpus.count(document, tagged) {
                size.documents += 1;
                size.entities += tagged.entities.len();
            }
        }
        Ok(())
    })?;
    for row in stats.rows() {
        warn_of_given_up(&mut corpus, &row);
    }
    let labels = stats.gold_labels().keys().map(String::as_str);
    warn_of_labels(&mut corpus, labels, &[&engine]);
    let code = corpus.finish();
    let rows = sorted(&stats, args.sort);
    let shown = Shown { engine: &engine, stats: &stats, rows, size, has_gold: args.gold };
    print(&match args.format.chosen() {
        OutputFormat::Text => text::render(&shown, !args.no_time),
        OutputFormat::Json => json::render(&shown, !args.no_time),
    })?;
    Ok(code)
}

/// How much was counted.
#[derive(Debug, Default)]
struct Size {
    documents: usize,
    entities: usize,
}

/// What is to be shown.
struct Shown<'s> {
    engine: &'s Engine,
    stats: &'s RuleStats<'s>,
    rows: Vec<RuleRow<'s>>,
    size: Size,
    has_gold: bool,
}

impl Shown<'_> {
    /// The time of all rules and prefilters, in seconds.
    fn total_seconds(&self) -> f64 {
        let rules = self.rows.iter().map(|row| row.time.as_secs_f64());
        rules.chain(self.stats.shared_times().map(|(_, time)| time.as_secs_f64())).sum()
    }
}

fn warn_of_given_up(corpus: &mut CorpusRun, row: &RuleRow<'_>) {
    let Some(warning) = row.warning else { return };
    let message = match row.given_up {
        1 => warning.to_string(),
        count => format!("{warning} (the first of {count} documents)"),
    };
    corpus.warn(warning, message);
}

fn sorted<'s>(stats: &'s RuleStats<'_>, sort: Sort) -> Vec<RuleRow<'s>> {
    let mut rows: Vec<RuleRow<'s>> = stats.rows().collect();
    // Each sort is stable: what is equal stays in the order of the one before.
    rows.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
    let order: Vec<&Holder> = stats.shared_times().map(|(holder, _)| holder).collect();
    rows.sort_by_key(|row| order.iter().position(|holder| *holder == row.holder));
    rows.sort_by(|a, b| match sort {
        Sort::Id => Ordering::Equal,
        Sort::Fired => b.fired.cmp(&a.fired),
        Sort::Lost => b.lost.cmp(&a.lost),
        Sort::Time => b.time.cmp(&a.time),
        Sort::Precision => by_precision(a, b),
    });
    rows
}

/// The lowest first; of equal ones what fired more often; what is not judged last.
fn by_precision(a: &RuleRow<'_>, b: &RuleRow<'_>) -> Ordering {
    let precision = |row: &RuleRow<'_>| row.judged.precision().unwrap_or(f64::INFINITY);
    precision(a).total_cmp(&precision(b)).then(b.fired.cmp(&a.fired))
}
