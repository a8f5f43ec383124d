//! `spanloom train`: a recipe in, a model folder out. What training is stands in [`crate::train`].

mod active;
mod report;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use serde_json::Value;

use super::allocator::keep_large_blocks;
use super::interrupt::{INTERRUPTED, stop_flag};
use super::print::print;
use super::progress::counter;
use super::report as messages;
use super::table::{Cell, FAINT, STRONG, Table, styled};
use super::verbosity::Verbosity;
use crate::error::{Error, ErrorKind, Result};
use crate::resource::{Files, TomlFile};
use crate::source::model::{DeviceChoice, system};
use crate::train::evaluation::Evaluation;
use crate::train::{Event, Outcome, Recipe, TrainOptions, train};

const BEST: Style = AnsiColor::Green.on_default();

/// Fine-tune a token classifier as a recipe says.
///
/// The recipe is a TOML file: which corpora, which model to begin with, optimiser, schedule, batches, loss and
/// where the model goes; paths in it are relative to it. docs/train.md has every key.
///
/// The folder that is made holds the model in the layout of Hugging Face, which `--model` and the `model`
/// source run and `transformers` loads, MODEL_CARD.md, and in `training` the log (JSON Lines) and
/// checkpoints. Ctrl-C ends the run after the step at hand, with a checkpoint; `--resume` goes on from the last
/// one, and ends with the same weights, bit for bit (on the processor), as a run that was never stopped. The exit code
/// of a run that Ctrl-C or SIGTERM stopped is 130.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom train recipe.toml
  spanloom train recipe.toml --resume
  spanloom train recipe.toml --device cuda:0 -o models/second
  spanloom train recipe.toml --stop-after 100
  spanloom train recipe.toml --active
  spanloom tag --model models/second notes.txt

A small recipe; everything that is not said has a default:
  [[data.train]]
  path = \"train.conll\"
  [[data.dev]]
  path = \"dev.conll\"
  [model]
  start = \"minilm-l6-h384-uncased\"
  [optimiser]
  rate = 5e-5
  [schedule]
  epochs = 5
  [output]
  folder = \"models/mine\"")]
pub struct Args {
    /// The recipe.
    #[arg(value_name = "RECIPE")]
    recipe: PathBuf,
    /// Go on with the run that was stopped; begin where there is none.
    #[arg(long)]
    resume: bool,
    /// Where it runs: `auto`, `cpu`, `cuda` or `cuda:N`; asking for CUDA where there is none is an error.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceChoice,
    /// The folder that the paths of corpora are relative to, in place of the recipe's (`[data] folder`).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The model to begin with, in place of the recipe's (`[model] start`).
    #[arg(long, value_name = "DIR")]
    start: Option<PathBuf>,
    /// Write the model into this folder, not the recipe's.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Active learning: train, choose the sentences that an expert labels next, go on, as `[active]` says; the
    /// gold of the corpora stands for the expert. Prints how good the model is for so much labelling.
    #[arg(long, conflicts_with = "stop_after")]
    active: bool,
    /// Stop, with a checkpoint, once so many steps are done in all.
    #[arg(long, value_name = "STEPS")]
    stop_after: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// Where the recipe, the data or the model to begin with is wrong, something cannot be written, or
/// training fails.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    let name = args.recipe.display().to_string();
    let text = std::fs::read_to_string(&args.recipe).map_err(|e| Error::io("read", &name, e))?;
    let recipe = Recipe::parse(&TomlFile::new(&name, &text))?;
    let options = TrainOptions {
        device: args.device,
        resume: args.resume,
        stop_after: args.stop_after,
        data: args.data.clone(),
        start: args.start.clone(),
        output: args.output.clone(),
    };
    let stop = stop_flag("the steps since the last checkpoint");
    let mut screen = Screen::new(verbosity);
    keep_large_blocks();
    let is_finished = if args.active {
        active::run(&recipe, &options, &stop, &mut screen)?
    } else {
        let outcome = train(&recipe, &options, &stop, &mut |event| screen.show(event))?;
        screen.bar.finish_and_clear();
        report::write(&outcome.folder)?;
        print(&closing(&outcome))?;
        outcome.is_finished
    };
    // A run that --stop-after stopped did what it was asked for.
    let was_interrupted = !is_finished && stop.load(Ordering::Relaxed);
    Ok(if was_interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

/// What is seen while the run runs: a bar on a terminal, and a line for each evaluation.
struct Screen {
    bar: ProgressBar,
    verbosity: Verbosity,
    /// The mean of the last losses.
    loss: Option<f64>,
}

/// How much the last loss counts in the mean that is shown.
const LAST_LOSS: f64 = 0.05;

impl Screen {
    fn new(verbosity: Verbosity) -> Self {
        Self { bar: counter(verbosity.is_interactive(), "reading"), verbosity, loss: None }
    }

    fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { steps, done, sequences, misfits, excluded, copies, labels } => {
                self.bar.set_length(*steps);
                self.bar.set_position(*done);
                self.bar.reset_eta();
                tracing::info!(
                    "{sequences} sequences ({copies} changed copies, {excluded} sentences left out), labels {}, {steps} steps, {done} of \
                     them done",
                    labels.join(", ")
                );
                if *misfits > 0 && self.verbosity.warns() {
                    let message = format!(
                        "{misfits} entities are not taught as gold says: they cut a word, go over the end of a \
                         sentence, or share a word with another"
                    );
                    let warning = Error::new(ErrorKind::Document, message);
                    self.line(&messages::rendered_as_warning(&warning));
                }
            }
            Event::Step(record) => {
                let mean = self.loss.unwrap_or(record.loss);
                let mean = mean + LAST_LOSS * (record.loss - mean);
                self.loss = Some(mean);
                self.bar.set_position(record.step);
                self.bar.set_message(format!(
                    "loss {mean:.4}, rate {:.2e}, {:.0} tokens/s",
                    record.rate, record.tokens_per_second
                ));
            }
            Event::Evaluating => self.bar.set_message("on dev"),
            Event::Evaluated { step, evaluation, is_best } => {
                if self.verbosity.warns() {
                    self.line(&evaluated(*step, self.loss, evaluation, *is_best));
                }
            }
        }
    }

    /// Writes a line to standard error, around the bar.
    fn line(&self, text: &str) {
        self.bar.suspend(|| messages::write(text));
    }
}

/// One evaluation on one line.
fn evaluated(step: u64, loss: Option<f64>, evaluation: &Evaluation, is_best: bool) -> String {
    let mut line = format!("step {step:>6}");
    if let Some(loss) = loss {
        let _ = write!(line, "  loss {loss:.4}");
    }
    for corpus in &evaluation.corpora {
        let score = &corpus.report.micro.score;
        let _ = write!(
            line,
            "  {} {} P {:.2} R {:.2}",
            styled(&corpus.corpus, FAINT),
            styled(&format!("F1 {:.2}", 100.0 * score.f1), STRONG),
            100.0 * score.precision,
            100.0 * score.recall,
        );
    }
    if is_best {
        let _ = write!(line, "  {}", styled("best", BEST));
    }
    line.push('\n');
    line
}

/// What came out.
fn closing(outcome: &Outcome) -> String {
    let mut text = String::new();
    let folder = outcome.folder.display();
    let corpora = outcome.scores["corpora"].as_array();
    if let Some(corpora) = corpora.filter(|_| outcome.is_finished) {
        let mut table = Table::new(["corpus", "label", "precision", "recall", "F1", "entities"]);
        for corpus in corpora {
            let report = &corpus["report"];
            let name = corpus["corpus"].as_str().unwrap_or_default();
            let labels = report["labels"].as_object().into_iter().flatten();
            for (label, row) in labels {
                table.row(cells(name, label, row, Style::new()));
            }
            for average in ["micro", "macro"] {
                table.row(cells(name, average, &report[average], STRONG));
            }
        }
        text.push_str(&table.render(0));
        text.push('\n');
    }
    let mut facts = Table::default();
    let mut fact = |what: &str, told: String| facts.row([Cell::new(what, FAINT), told.into()]);
    fact("steps", outcome.step.to_string());
    if let Some(best) = outcome.best {
        fact("best", format!("step {}, score {:.2} on dev", best.step, 100.0 * best.score));
    }
    if outcome.is_finished {
        fact("curves", format!("{folder}/training/report.html"));
        let system = system::of(&Files::Folder("".into()), &folder.to_string());
        let labels = match system.asks_for_labels() {
            true => format!(" --labels {}", outcome.labels.join(",")),
            false => String::new(),
        };
        fact("model", format!("{folder} (spanloom tag --model {folder}{labels} FILE)"));
    } else {
        fact("stopped", format!("{folder} holds a checkpoint; --resume goes on"));
    }
    text + &facts.render(0)
}

fn cells(corpus: &str, label: &str, row: &Value, style: Style) -> [Cell; 6] {
    let percent = |key: &str| {
        let share = row[key].as_f64().unwrap_or_default();
        Cell::right(format!("{:.2}", 100.0 * share), style)
    };
    [
        Cell::new(corpus, FAINT),
        Cell::new(label, style),
        percent("precision"),
        percent("recall"),
        percent("f1"),
        Cell::right(row["support"].to_string(), style),
    ]
}
