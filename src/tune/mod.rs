//! Which setting of an engine file fits a corpus with gold? Learnt from what the sources proposed, so that
//! none of them runs again, and held to what it gains on documents that it was not learnt from.
//!
//! [`tune`] collects the knobs ([`space`]), begins with convex fits (`fit`), searches on the objective
//! itself (`search`) and does both again for each of some folds of the documents, which tells what is
//! gained where nothing was learnt. [`suggest`] says what no knob can mend: entries and cues that the
//! errors point at.

mod counts;
mod evaluate;
mod fit;
pub mod knob;
pub mod objective;
mod search;
pub mod setting;
pub mod space;
pub mod suggest;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use self::evaluate::Trials;
use self::knob::{Place, Value};
use self::search::Search;
use self::space::Proposed;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::compare::{Difference, PairedCounts, Resampling};
use crate::eval::entity::EntityCounts;
use crate::pipeline::{Engine, EngineOptions, Proposals, Variants};
use crate::span::Entity;
use crate::text::{Annotation, Document};

pub use objective::Objective;
pub use search::Taken;
pub use setting::Setting;
pub use space::Space;

/// A place, and what it is turned to.
pub type Turn = (Place, Value);

/// A document with gold, and what the sources of the engine proposed for it.
#[derive(Debug)]
pub struct Case {
    /// The document.
    pub document: Document,
    /// What the sources proposed.
    pub proposals: Proposals,
}

impl Case {
    fn gold(&self) -> &[Annotation] {
        self.document.gold.as_deref().unwrap_or(&[])
    }
}

/// How to tune.
#[derive(Debug, Clone)]
pub struct TuneOptions {
    /// What is to become as large as possible.
    pub objective: Objective,
    /// What may be turned.
    pub space: Space,
    /// The documents are parted into so many folds; fewer than 2 leave it unknown what is gained elsewhere.
    pub folds: usize,
    /// Parts the documents, and draws for the intervals.
    pub seed: u64,
    /// A single turn is taken where its gain is so many standard errors over nothing.
    pub errors: f64,
}

impl Default for TuneOptions {
    /// Micro-F1, everything, five folds, and gains that one of twenty turns without effect would show.
    fn default() -> Self {
        Self {
            objective: Objective::MicroF1,
            space: Space::default(),
            folds: 5,
            seed: 1,
            errors: 1.645,
        }
    }
}

/// What tuning gave.
#[derive(Debug, Clone)]
pub struct Tuned {
    /// The setting.
    pub setting: Setting,
    /// What was turned, in order.
    pub taken: Vec<Taken>,
    /// The objective before and after, on all documents: those it was learnt from.
    pub learnt: (f64, f64),
    /// The objective before and after on the folds, each in the setting that was learnt from the others.
    pub held_out: Option<(f64, f64)>,
    /// The difference of micro-F1 there, with its interval and p-values.
    pub difference: Option<Difference>,
    /// How many settings were tried.
    pub tried: usize,
    /// Whether it was stopped before its end.
    pub was_stopped: bool,
}

impl Tuned {
    /// Whether the gain where nothing was learnt is more than luck: micro-F1 rises, and p is under 0.05 by
    /// both tests; for another objective also that it rises.
    pub fn is_significant(&self) -> bool {
        let rises = self.held_out.is_some_and(|(before, after)| after > before);
        rises
            && self.difference.is_some_and(|difference| {
                difference.estimate.value > 0.0
                    && difference.p_bootstrap < 0.05
                    && difference.p_randomisation < 0.05
            })
    }
}

/// How far tuning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// 0 while all documents are learnt from, then the number of the fold that is held out.
    pub fold: usize,
    /// The number of the round, counted from 1.
    pub round: usize,
    /// So many settings the round begins by looking at.
    pub size: usize,
}

/// Tunes the engine file `text` at `path`, of which `engine` was made with `engine_options`. `stop` ends it
/// early; `step` is told when a round begins, `looked` of every setting that is looked at.
///
/// # Errors
/// Where there is no gold, or the engine file is not of a form that can be tuned.
pub fn tune(
    (engine, engine_options): (&Engine, &EngineOptions),
    (path, text): (&Path, &str),
    cases: &[Case],
    options: &TuneOptions,
    stop: &AtomicBool,
    (step, looked): (&dyn Fn(Step), &(dyn Fn() + Sync)),
) -> Result<Tuned> {
    if cases.iter().all(|case| case.gold().is_empty()) {
        return Err(Error::new(
            ErrorKind::Document,
            "no entity in gold: there is nothing to learn",
        ));
    }
    let variants = Variants::new(engine, path, engine_options);
    let trials = Trials::new(variants, text, cases)?;
    let knobs = options.space.knobs(text, engine, &proposed(engine, cases, &trials))?;
    let learn = |fold: usize, documents: &[bool]| {
        let learnt: Vec<_> = cases
            .iter()
            .zip(&trials.gold)
            .zip(documents)
            .filter_map(|(case, is_in)| is_in.then_some(case))
            .collect();
        let fits = fit::fits(text, &learnt, &trials.labels, options.space.calibration);
        let search = Search {
            trials: &trials,
            knobs: &knobs,
            fits: &fits,
            objective: options.objective,
            documents,
            errors: options.errors,
            stop,
            begins: &|round, size| step(Step { fold, round, size }),
            looked,
        };
        search.run()
    };
    let all = vec![true; cases.len()];
    let value = |setting: &Setting| trials.value(setting, options.objective, &all).unwrap_or(0.0);
    let (setting, taken) = learn(0, &all);
    let learnt = (value(&Setting::default()), value(&setting));
    let (mut held_out, mut difference) = (None, None);
    if options.folds > 1 && cases.len() >= options.folds {
        let folds = folds(cases.len(), options.folds, options.seed);
        let mut tuned: Vec<Vec<Entity>> = vec![Vec::new(); cases.len()];
        for fold in 0..options.folds {
            let documents: Vec<bool> = folds.iter().map(|of| *of != fold).collect();
            let (setting, _) = learn(fold + 1, &documents);
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let predicted = trials.predict(&setting)?;
            for ((place, predicted), of) in tuned.iter_mut().zip(predicted).zip(&folds) {
                if *of == fold {
                    *place = predicted;
                }
            }
        }
        // What was stopped knows nothing about documents it was not learnt from.
        if !stop.load(Ordering::Relaxed) {
            let before = trials.predict(&Setting::default())?;
            held_out = Some((learnt.0, of_predictions(&trials, &tuned, options.objective)));
            difference = compared(cases, &trials, [&before, &tuned], options.seed);
        }
    }
    let was_stopped = stop.load(Ordering::Relaxed);
    let tried = trials.tried();
    Ok(Tuned { setting, taken, learnt, held_out, difference, tried, was_stopped })
}

/// The number of the fold of each document.
fn folds(documents: usize, folds: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..documents).map(|number| number % folds).collect();
    numbers.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    numbers
}

fn of_predictions(trials: &Trials<'_>, predicted: &[Vec<Entity>], objective: Objective) -> f64 {
    let mut totals = vec![counts::LabelTotals::default(); trials.labels.len()];
    for (entities, gold) in predicted.iter().zip(&trials.gold) {
        gold.add_to(&mut totals);
        counts::DocumentCounts::of(entities, gold, &trials.labels).add_to(&mut totals, 1);
    }
    objective.value(&totals)
}

/// How the second predictions differ from the first in micro-F1.
fn compared(
    cases: &[Case],
    trials: &Trials<'_>,
    predicted: [&Vec<Vec<Entity>>; 2],
    seed: u64,
) -> Option<Difference> {
    let documents = cases.iter().enumerate().map(|(number, case)| {
        let counts = |system: &Vec<Vec<Entity>>| {
            let mut counts = EntityCounts::default();
            let predicted: Vec<Annotation> = system[number].iter().map(Annotation::from).collect();
            counts.add(case.gold(), &predicted);
            counts
        };
        predicted.map(counts).into()
    });
    let labels = trials.labels.names().iter().map(String::as_str);
    let counts = PairedCounts::new(2, labels, documents);
    let compared = counts.compare(Resampling { seed, ..Resampling::default() });
    Some(compared.into_iter().nth(1)?.differences?.micro.f1)
}

/// Who proposed anything of a label that gold has.
fn proposed(engine: &Engine, cases: &[Case], trials: &Trials<'_>) -> Proposed {
    let mut proposed = Proposed::default();
    for mention in cases.iter().flat_map(|case| &case.proposals.mentions) {
        let label = mention.label.as_str();
        if trials.labels.number(label).is_none() {
            continue;
        }
        let source = &mention.origin.source;
        *proposed.pairs.entry((source.clone(), label.to_owned())).or_default() += 1;
        let is_rules =
            engine.sources().iter().any(|s| s.name() == source && s.as_rules().is_some());
        if is_rules {
            proposed.rules.insert((source.clone(), mention.origin.detail.clone()));
        }
    }
    proposed
}
