//! The run: everything put together, step after step, from a recipe to a model folder.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use candle_core::Device;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::augment::augment;
use super::average::Average;
use super::batches::Batches;
use super::card::{Summary, card};
use super::checkpoint::{Checkpoint, State, read_tensors, write_file, write_tensors};
use super::data::{Corpus, Examples, Excluded, fingerprint};
use super::evaluation::{Best, Evaluation};
use super::events::Events;
use super::log::Log;
use super::optimiser::Optimiser;
use super::recipe::{Numbers, Recipe};
use super::schedule::{Plateau, Schedule};
use super::setup::{Places, check_class_weights, check_output, labels, resume};
use super::step::{Step, compute};
use super::trainee::{Trainee, device_failed};
use super::trainer;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::in_hex;
use crate::source::model::{DeviceChoice, Dropout};

/// Keeps the random stream of dropout apart from those of the data.
const DROPOUT_SEED: u64 = 0x6472_6f70_6f75_7421;

/// How a recipe is run.
#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    /// Where it runs.
    pub device: DeviceChoice,
    /// Whether an unfinished run is gone on with.
    pub resume: bool,
    /// The run is stopped, with a checkpoint, once so many steps are done in all.
    pub stop_after: Option<u64>,
    /// The folder that the paths of corpora are relative to, where it is not that of the recipe; not
    /// relative to it.
    pub data: Option<PathBuf>,
    /// The model to begin with, where it is not that of the recipe; not relative to it.
    pub start: Option<PathBuf>,
    /// The folder of the model, where it is not that of the recipe; not relative to it.
    pub output: Option<PathBuf>,
}

/// What a run tells while it runs.
#[derive(Debug)]
pub enum Event<'e> {
    /// Everything is read and built.
    Started {
        /// How many steps the run has.
        steps: u64,
        /// How many of them were done before.
        done: u64,
        /// How many sequences there are to learn from.
        sequences: usize,
        /// How many entities of the training data are taught otherwise than gold says.
        misfits: usize,
        /// How many sentences were left out because `[[data.exclude]]` has them.
        excluded: usize,
        /// How many sentences are changed copies of others (see [`super::augment`]).
        copies: usize,
        /// The labels.
        labels: &'e [String],
    },
    /// A step is done.
    Step(StepRecord),
    /// The dev corpora are tagged.
    Evaluating,
    /// They have been.
    Evaluated {
        /// The step.
        step: u64,
        /// The scores.
        evaluation: &'e Evaluation,
        /// Whether it is the best so far.
        is_best: bool,
    },
}

/// What is said of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepRecord {
    /// Its number, from 1.
    pub step: u64,
    /// How many epochs are done, as a fraction.
    pub epoch: f64,
    /// The mean loss of its words.
    pub loss: f64,
    /// The rate of learning.
    pub rate: f64,
    /// The norm of the gradients, before it was cut.
    pub norm: f64,
    /// How many sub-words were learnt from in a second.
    pub tokens_per_second: f64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The folder of the model.
    pub folder: PathBuf,
    /// Whether the model is there; else the run was stopped, and can be resumed.
    pub is_finished: bool,
    /// How many steps are done.
    pub step: u64,
    /// The labels.
    pub labels: Vec<String>,
    /// The best evaluation.
    pub best: Option<Best>,
    /// Its scores, as in the log.
    pub scores: Value,
}

/// What a run begins with: everything that does not depend on the system.
#[derive(Clone)]
pub struct Prepared<'r> {
    pub(super) recipe: &'r Recipe,
    pub(super) options: &'r TrainOptions,
    pub(super) device: Device,
    pub(super) places: Places,
    /// The folder of the model to begin with.
    pub(super) start: PathBuf,
    pub(super) labels: Vec<String>,
    pub(super) train: Vec<Corpus>,
    pub(super) dev: Vec<Corpus>,
    pub(super) excluded: Excluded,
}

/// What hears what happens.
pub type Tell<'t> = &'t mut dyn FnMut(&Event<'_>);

/// All that a run works with.
struct Run<'r, T> {
    recipe: &'r Recipe,
    options: &'r TrainOptions,
    /// The folder of the model that it began with.
    start: PathBuf,
    trainee: T,
    dev: Vec<Corpus>,
    places: Places,
    schedule: Schedule,
    steps: u64,
    optimiser: Optimiser,
    average: Option<Average>,
    dropout: Dropout,
    state: State,
    log: Log,
    events: Events,
}

/// Trains the model of a recipe. `tell` hears what happens; where `stop` becomes true, the run ends after
/// the step at hand, with a checkpoint.
///
/// # Errors
/// Where the recipe, the data, the start folder or a checkpoint is wrong, something cannot be written, the
/// device fails, or the loss is no number any more. The last checkpoint is then still there.
pub fn train(
    recipe: &Recipe,
    options: &TrainOptions,
    stop: &AtomicBool,
    tell: Tell<'_>,
) -> Result<Outcome> {
    let places = Places::new(output(recipe, options));
    check_output(&places, options.resume)?;
    run_prepared(prepare(recipe, options, places)?, stop, tell)
}

/// The folder of the model that a run makes.
pub(super) fn output(recipe: &Recipe, options: &TrainOptions) -> PathBuf {
    let folder = options.output.clone();
    folder.unwrap_or_else(|| recipe.base().join(&recipe.output.folder))
}

/// Runs what is prepared by the trainer of its system.
///
/// # Errors
/// As [`train`].
pub(super) fn run_prepared(
    prepared: Prepared<'_>,
    stop: &AtomicBool,
    tell: Tell<'_>,
) -> Result<Outcome> {
    let trainer = trainer::of(prepared.recipe, &prepared.start)?;
    (trainer.run)(prepared, stop, tell)
}

/// Reads and checks everything that a run needs whatever its system.
///
/// # Errors
/// As [`train`].
pub(super) fn prepare<'r>(
    recipe: &'r Recipe,
    options: &'r TrainOptions,
    places: Places,
) -> Result<Prepared<'r>> {
    let device = options.device.open()?;
    let read = |corpora: &[super::recipe::CorpusRecipe]| -> Result<Vec<Corpus>> {
        let base = options.data.clone().unwrap_or_else(|| recipe.data_base());
        let (mut read, mut wrong) = (Vec::new(), Vec::new());
        for corpus in corpora {
            Corpus::read(corpus, &base).map_or_else(|e| wrong.push(e), |corpus| read.push(corpus));
        }
        Error::several(wrong).map_or(Ok(read), Err)
    };
    let (train, dev) = (read(&recipe.train)?, read(&recipe.dev)?);
    let excluded = Excluded::of(&read(&recipe.exclude)?);
    let labels = labels(recipe, &train)?;
    let named = train.iter().zip(&recipe.train).chain(dev.iter().zip(&recipe.dev));
    let wrong = named.filter_map(|(corpus, recipe)| corpus.check_labels(&labels, recipe).err());
    if let Some(error) = Error::several(wrong.collect()) {
        return Err(error);
    }
    check_class_weights(recipe, &labels)?;
    let start = options.start.clone();
    let start = start.unwrap_or_else(|| recipe.base().join(&recipe.model.start));
    Ok(Prepared { recipe, options, device, places, start, labels, train, dev, excluded })
}

/// Trains a model of one system.
///
/// # Errors
/// As [`train`].
pub fn run<T: Trainee>(
    prepared: Prepared<'_>,
    stop: &AtomicBool,
    tell: Tell<'_>,
) -> Result<Outcome> {
    let Prepared { recipe, options, device, places, start, labels, mut train, dev, excluded } =
        prepared;
    let copies = augment(recipe, &mut train, &recipe.base())?;
    let mut trainee = T::new(recipe, &start, &labels, &device)?;
    let examples: Vec<Examples<T::Example>> =
        train.iter().map(|corpus| trainee.examples(corpus, &excluded)).collect::<Result<_>>()?;
    let data = fingerprint(&examples, &trainee.describe());
    let left_out = examples.iter().map(|corpus| corpus.excluded);
    let summaries = (
        train.iter().zip(left_out).map(|(corpus, n)| Summary::of(corpus, n)).collect(),
        dev.iter().map(|corpus| Summary::of(corpus, 0)).collect(),
    );
    drop(train);
    let batches = Batches::new(&examples, &recipe.batch, recipe.seed);
    let steps = match recipe.schedule.steps {
        Some(steps) => steps,
        None => (0..recipe.schedule.epochs).map(|epoch| batches.steps(epoch)).sum(),
    };
    if batches.steps(0) == 0 || steps == 0 {
        let message = "the weights of the corpora leave no sentence for the first epoch";
        return Err(Error::new(ErrorKind::Config, message)
            .at(recipe.train.first().map_or(Location::file("recipe"), |c| c.place.clone())));
    }
    let begin = State::new(recipe, data);
    let (mut optimiser, mut state) =
        (Optimiser::new(&recipe.optimiser, trainee.variables()).map_err(device_failed)?, begin);
    let average = match recipe.optimiser.average {
        Some(decay) => Some(Average::new(decay, trainee.variables()).map_err(device_failed)?),
        None => None,
    };
    fs::create_dir_all(&places.checkpoints)
        .map_err(|e| Error::io("write", places.checkpoints.display(), e))?;
    if options.resume {
        resume(&places, &device, &trainee, (&mut optimiser, average.as_ref()), &mut state)?;
    }
    let dropped: u128 = state.dropout.parse().unwrap_or(0);
    let mut run = Run {
        schedule: Schedule::new(&recipe.schedule, steps),
        dropout: Dropout::new(recipe.seed ^ DROPOUT_SEED, dropped),
        log: Log::open(&places.log, state.log_bytes)?,
        events: Events::open(&places.events, state.event_bytes)?,
        recipe,
        options,
        start,
        trainee,
        dev,
        places,
        steps,
        optimiser,
        average,
        state,
    };
    tell(&Event::Started {
        steps,
        done: run.state.step,
        sequences: examples.iter().map(|corpus| corpus.examples.len()).sum(),
        misfits: examples.iter().map(|corpus| corpus.misfits).sum(),
        excluded: examples.iter().map(|corpus| corpus.excluded).sum(),
        copies,
        labels: &labels,
    });
    let is_finished = run.steps(&batches, stop, tell)?;
    if is_finished {
        run.finish(&device, &summaries)?;
    }
    Ok(Outcome {
        folder: run.places.model,
        is_finished,
        step: run.state.step,
        labels,
        best: run.state.best,
        scores: run.state.best_scores,
    })
}

impl State {
    /// The beginning of a run.
    fn new(recipe: &Recipe, data: String) -> Self {
        let values = recipe.file.parse().map_or_else(|_| String::new(), |file| file.values());
        Self {
            recipe: in_hex(&Sha256::digest(values)),
            data,
            step: 0,
            epoch: 0,
            batch: 0,
            dropout: "0".to_owned(),
            best: None,
            best_scores: Value::Null,
            without_gain: 0,
            plateau: Plateau::new(),
            ended_early: false,
            log_bytes: 0,
            event_bytes: 0,
        }
    }
}

impl<T: Trainee> Run<'_, T> {
    /// Runs the steps that are left; false where the run was stopped before its end.
    fn steps(
        &mut self,
        batches: &Batches<'_, T::Example>,
        stop: &AtomicBool,
        tell: Tell<'_>,
    ) -> Result<bool> {
        let mut plan = batches.plan(self.state.epoch);
        while self.state.step < self.steps && !self.state.ended_early {
            if self.state.batch >= plan.len() {
                self.state.epoch += 1;
                self.state.batch = 0;
                plan = batches.plan(self.state.epoch);
            }
            let end = (self.state.batch + self.recipe.batch.accumulate).min(plan.len());
            let chosen: Vec<Vec<_>> = plan[self.state.batch..end]
                .iter()
                .map(|batch| batch.iter().map(|&number| batches.example(number)).collect())
                .collect();
            let record = self.step(&chosen, end as f64 / plan.len() as f64)?;
            self.state.batch = end;
            tell(&Event::Step(record));
            let is_last = self.state.step == self.steps;
            let is_evaluated = !self.dev.is_empty()
                && match self.recipe.evaluation.every_steps {
                    Some(steps) => self.state.step.is_multiple_of(steps) || is_last,
                    None => end == plan.len() || is_last,
                };
            if is_evaluated {
                self.evaluate(tell)?;
            }
            let is_stopped = stop.load(Ordering::Relaxed)
                || self.options.stop_after.is_some_and(|steps| self.state.step >= steps);
            let is_due = self.state.step.is_multiple_of(self.recipe.checkpoint.every_steps);
            if is_evaluated || is_due || is_stopped || is_last {
                self.checkpoint()?;
            }
            if is_stopped && !is_last && !self.state.ended_early {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One step over these batches; `done` is the share of the epoch that is done after it.
    fn step(&mut self, batches: &[Vec<&T::Example>], done: f64) -> Result<StepRecord> {
        let start = Instant::now();
        let share = self.schedule.factor(self.state.step) * self.state.plateau.share;
        let rate = self.recipe.optimiser.rate * share;
        let Step { loss, gradients, tokens } =
            compute(&self.trainee, batches, &self.dropout).map_err(device_failed)?;
        let norm = gradients.norm().map_err(device_failed)?;
        if !loss.is_finite() || !norm.is_finite() {
            return Err(self.diverged(loss, norm));
        }
        let clip = self.recipe.optimiser.clip;
        // As torch.nn.utils.clip_grad_norm_.
        let scale = if clip > 0.0 { (clip / (norm + 1e-6)).min(1.0) } else { 1.0 };
        self.optimiser.step(&gradients, rate, scale).map_err(device_failed)?;
        self.state.step += 1;
        if let Some(average) = &self.average {
            average.note(self.trainee.variables(), self.state.step).map_err(device_failed)?;
        }
        let seconds = start.elapsed().as_secs_f64().max(1e-9);
        let record = StepRecord {
            step: self.state.step,
            epoch: self.state.epoch as f64 + done,
            loss,
            rate,
            norm,
            tokens_per_second: tokens as f64 / seconds,
        };
        self.log.write(&record.json())?;
        for (tag, value) in [("train/loss", loss), ("train/rate", rate), ("train/norm", norm)] {
            self.events.scalar(tag, self.state.step, value)?;
        }
        Ok(record)
    }

    fn diverged(&self, loss: f64, norm: f64) -> Error {
        let step = self.state.step + 1;
        let message = format!(
            "training diverged: at step {step} the loss is {loss}, the gradient's norm {norm}"
        );
        let last = match Checkpoint::last_place(&self.places.checkpoints) {
            Ok(Some(place)) => format!("the last good checkpoint is {}", place.display()),
            _ => "there is no checkpoint before it".to_owned(),
        };
        let help =
            format!("{last}; a smaller 'rate', a longer 'warm-up' or a smaller 'clip' may help");
        Error::new(ErrorKind::Model, message)
            .with_help(help)
            .at(Location::file(&*self.recipe.file.name))
    }

    fn evaluate(&mut self, tell: Tell<'_>) -> Result<()> {
        tell(&Event::Evaluating);
        let metric = self.recipe.evaluation.metric;
        self.exchange()?;
        let evaluation = Evaluation::of(self.trainee.source(), &self.dev, metric)?;
        let step = self.state.step;
        let is_best = self.state.best.is_none_or(|best| evaluation.score > best.score);
        if is_best {
            let path = &self.places.best;
            write_tensors(path, &self.trainee.weights(), Numbers::F32)
                .map_err(|e| Error::io("write", path.display(), e))?;
            self.state.best = Some(Best { score: evaluation.score, step });
            self.state.best_scores = evaluation.json();
            self.state.without_gain = 0;
        }
        self.exchange()?;
        if !is_best {
            self.state.without_gain += 1;
            let patience = self.recipe.evaluation.patience;
            self.state.ended_early = patience.is_some_and(|most| self.state.without_gain >= most);
        }
        let rate = self.recipe.optimiser.rate;
        if self.state.plateau.note(&self.recipe.schedule, rate, is_best) {
            self.state.ended_early = true;
        }
        self.log.write(&json!({ "step": step, "dev": evaluation.json(), "best": is_best }))?;
        self.events.scalar("dev/score", step, evaluation.score)?;
        for corpus in &evaluation.corpora {
            let score = corpus.report.micro.score;
            for (name, value) in
                [("micro-f1", score.f1), ("precision", score.precision), ("recall", score.recall)]
            {
                self.events.scalar(&format!("dev/{}/{name}", corpus.corpus), step, value)?;
            }
        }
        tell(&Event::Evaluated { step, evaluation: &evaluation, is_best });
        Ok(())
    }

    /// Puts the average of the weights in their place, where there is one, or back.
    fn exchange(&self) -> Result<()> {
        let Some(average) = &self.average else { return Ok(()) };
        average.exchange(self.trainee.variables()).map_err(device_failed)
    }

    fn checkpoint(&mut self) -> Result<()> {
        self.state.dropout = self.dropout.position().to_string();
        self.state.log_bytes = self.log.bytes();
        self.state.event_bytes = self.events.bytes();
        let (optimiser_steps, mut moments) = self.optimiser.state().map_err(device_failed)?;
        moments.extend(self.average.iter().flat_map(Average::state));
        let variables = self.trainee.variables().iter();
        let weights = variables.map(|(name, v)| (name.clone(), v.as_detached_tensor())).collect();
        let checkpoint =
            Checkpoint { state: self.state.clone(), weights, moments, optimiser_steps };
        checkpoint.save(&self.places.checkpoints, self.recipe.checkpoint.keep).map(drop)
    }

    /// Writes the model: the best weights where there is dev data, else the last ones.
    fn finish(&self, device: &Device, (train, dev): &(Vec<Summary>, Vec<Summary>)) -> Result<()> {
        let weights = match self.state.best {
            Some(_) => read_tensors(&self.places.best, device)?,
            None => {
                self.exchange()?;
                self.trainee.weights()
            }
        };
        let card = card(self.recipe, &self.start, &self.trainee, &self.state, train, dev);
        let path = self.places.model.join("MODEL_CARD.md");
        write_file(&path, card.as_bytes()).map_err(|e| Error::io("write", path.display(), e))?;
        self.trainee.save(&self.places.model, &weights, self.recipe.output.numbers)
    }
}

impl StepRecord {
    /// It as a line of the log.
    pub fn json(&self) -> Value {
        json!({
            "step": self.step,
            "epoch": self.epoch,
            "loss": self.loss,
            "rate": self.rate,
            "norm": self.norm,
            "tokens-per-second": self.tokens_per_second.round(),
        })
    }
}
