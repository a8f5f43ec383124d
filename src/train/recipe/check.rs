//! Reading a recipe, and the checks that need nothing but the recipe.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::{CorpusRecipe, OptimiserName, Recipe, Select};
use crate::error::{Error, Result};
use crate::resource::{Section, TomlFile};
use crate::train::augment::AUGMENTATIONS;

/// The tables of a recipe.
const TABLES: [&str; 12] = [
    "data",
    "model",
    "optimiser",
    "lora",
    "augment",
    "active",
    "schedule",
    "batch",
    "loss",
    "evaluation",
    "checkpoint",
    "output",
];

/// What is wrong so far.
struct Problems(Vec<Error>);

impl Problems {
    /// The value, or `None` and the error kept.
    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// Keeps an error at `key` of a section where `holds` is false.
    fn check(&mut self, section: &Section<'_>, key: &str, holds: bool, message: impl Into<String>) {
        if !holds {
            self.0.push(section.error_at(key, message));
        }
    }
}

/// See [`Recipe::parse`].
pub(super) fn parse(file: &TomlFile) -> Result<Recipe> {
    let mut root = file.parse()?;
    let mut wrong = Problems(Vec::new());
    let mut tables = Vec::new();
    for name in TABLES {
        let table = wrong.keep(root.take_table(name)).flatten();
        tables.push(table);
    }
    let seed = wrong.keep(root.take::<u64>("seed")).flatten().unwrap_or(42);
    for key in root.keys() {
        let mut known = TABLES.to_vec();
        known.push("seed");
        wrong.0.push(Error::unknown("key", &key, &known).at(root.location_of(&key)));
    }
    let mut tables = tables.into_iter();
    let mut next = || tables.next().flatten();
    let data = next();
    let [model, optimiser, lora, augment, active] = [next(), next(), next(), next(), next()];
    let [schedule, batch, loss, evaluation, checkpoint, output] =
        [next(), next(), next(), next(), next(), next()];
    let corpora = wrong.keep(corpora(data, &root));
    let model = required(&mut wrong, model, &root, "model", "start = \"FOLDER\"");
    let output = required(&mut wrong, output, &root, "output", "folder = \"FOLDER\"");
    let optimiser = optional(&mut wrong, optimiser, optimiser_checks);
    let lora = lora.map(|lora| optional(&mut wrong, Some(lora), lora_checks));
    let augment = augment.map(|augment| optional(&mut wrong, Some(augment), augment_checks));
    let active = optional(&mut wrong, active, active_checks);
    let schedule = optional(&mut wrong, schedule, schedule_checks);
    let batch = optional(&mut wrong, batch, batch_checks);
    let loss = optional(&mut wrong, loss, loss_checks);
    let evaluation = optional(&mut wrong, evaluation, evaluation_checks);
    let checkpoint = optional(&mut wrong, checkpoint, checkpoint_checks);
    let found = (corpora, model, output);
    match (found, Error::several(wrong.0)) {
        ((Some((data_folder, [train, dev, exclude])), Some(model), Some(output)), None) => {
            Ok(Recipe {
                file: file.clone(),
                seed,
                data_folder,
                train,
                dev,
                exclude,
                model,
                optimiser,
                lora,
                augment,
                active,
                schedule,
                batch,
                loss,
                evaluation,
                checkpoint,
                output,
            })
        }
        (_, Some(error)) => Err(error),
        (_, None) => Err(root.error("the recipe cannot be read")),
    }
}

/// A table that must be there.
fn required<T: DeserializeOwned>(
    wrong: &mut Problems,
    section: Option<Section<'_>>,
    root: &Section<'_>,
    name: &str,
    example: &str,
) -> Option<T> {
    let Some(section) = section else {
        wrong.0.push(root.error(format!("missing table [{name}]")).with_help(example));
        return None;
    };
    wrong.keep(section.read())
}

/// A table that may be missing, with what is asked of its values.
fn optional<T: DeserializeOwned + Default>(
    wrong: &mut Problems,
    section: Option<Section<'_>>,
    checks: fn(&mut Problems, &Section<'_>, &T),
) -> T {
    let Some(section) = section else { return T::default() };
    match wrong.keep(section.clone().read::<T>()) {
        Some(read) => {
            checks(wrong, &section, &read);
            read
        }
        None => T::default(),
    }
}

/// The lists of corpora under `[data]`.
const PARTS: [&str; 3] = ["train", "dev", "exclude"];

/// The folder of the corpora, and those of each of [`PARTS`].
type Data = (Option<PathBuf>, [Vec<CorpusRecipe>; 3]);

fn corpora(data: Option<Section<'_>>, root: &Section<'_>) -> Result<Data> {
    const EXAMPLE: &str = "[[data.train]]\npath = \"train.conll\"";
    let Some(mut data) = data else {
        return Err(root.error("missing [[data.train]]").with_help(EXAMPLE));
    };
    let mut wrong = Problems(Vec::new());
    let read = PARTS.map(|part| {
        let sections = wrong.keep(data.take_tables(part)).unwrap_or_default();
        let one = |section: Section<'_>| corpus(&mut wrong, &section);
        sections.into_iter().filter_map(one).collect::<Vec<CorpusRecipe>>()
    });
    let folder = wrong.keep(data.take::<PathBuf>("folder")).flatten();
    for key in data.keys() {
        let error = Error::unknown("key", &key, &[&PARTS[..], &["folder"]].concat());
        wrong.0.push(error.at(data.location_of(&key)));
    }
    if read[0].is_empty() && wrong.0.is_empty() {
        wrong.0.push(data.error("missing [[data.train]]").with_help(EXAMPLE));
    }
    Error::several(wrong.0).map_or(Ok((folder, read)), Err)
}

fn corpus(wrong: &mut Problems, section: &Section<'_>) -> Option<CorpusRecipe> {
    let mut corpus: CorpusRecipe = wrong.keep(section.clone().read())?;
    corpus.place = section.location_of("path");
    wrong.check(section, "path", !corpus.path.all().is_empty(), "'path' names nothing");
    let weight = corpus.weight;
    let is_weight = weight > 0.0 && weight <= 1000.0;
    wrong.check(
        section,
        "weight",
        is_weight,
        format!("'weight' is {weight}, expected more than 0, at most 1000"),
    );
    for key in ["token-column", "tag-column"] {
        let column = if key == "token-column" { corpus.token_column } else { corpus.tag_column };
        wrong.check(section, key, column != Some(0), format!("'{key}' counts from 1"));
    }
    Some(corpus)
}

fn optimiser_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::OptimiserRecipe) {
    let mut number = |key: &str, value: f64, holds: bool, expected: &str| {
        let message = format!("'{key}' is {value}, expected {expected}");
        wrong.check(at, key, value.is_finite() && holds, message);
    };
    number("rate", read.rate, read.rate >= 0.0, "0 or more");
    let head_rate = read.head_rate.unwrap_or(0.0);
    number("head-rate", head_rate, head_rate >= 0.0, "0 or more");
    for beta in [read.betas.0, read.betas.1] {
        number("betas", beta, (0.0..1.0).contains(&beta), "0 to less than 1");
    }
    number("epsilon", read.epsilon, read.epsilon >= 0.0, "0 or more");
    number("momentum", read.momentum, read.momentum >= 0.0, "0 or more");
    number("weight-decay", read.weight_decay, read.weight_decay >= 0.0, "0 or more");
    let decay = read.layer_decay;
    number("layer-decay", decay, decay > 0.0 && decay <= 1.0, "more than 0, at most 1");
    number("clip", read.clip, read.clip >= 0.0, "0 or more");
    let average = read.average.unwrap_or(0.0);
    number("average", average, (0.0..1.0).contains(&average), "0 to less than 1");
    let is_sgd = read.name == OptimiserName::Sgd;
    let message = "'momentum' is of the optimiser sgd";
    wrong.check(at, "momentum", is_sgd || !at.has("momentum"), message);
    let message = "'nesterov' needs the optimiser sgd with a momentum";
    wrong.check(at, "nesterov", !read.nesterov || (is_sgd && read.momentum > 0.0), message);
    for key in ["betas", "epsilon"] {
        let message = format!("'{key}' is of the optimisers adam and adamw");
        wrong.check(at, key, !(is_sgd && at.has(key)), message);
    }
}

fn lora_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::LoraRecipe) {
    wrong.check(at, "rank", read.rank > 0, "'rank' is 0, expected 1 or more");
    let message = format!("'alpha' is {}, expected more than 0", read.alpha);
    wrong.check(at, "alpha", read.alpha > 0.0 && read.alpha.is_finite(), message);
    wrong.check(at, "targets", !read.targets.is_empty(), "'targets' names no layer");
}

fn augment_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::AugmentRecipe) {
    for augmentation in AUGMENTATIONS {
        let share = (augmentation.share)(read);
        let message = format!("'{}' is {share}, expected a share, 0 to 1", augmentation.name);
        wrong.check(at, augmentation.name, (0.0..=1.0).contains(&share), message);
    }
}

fn active_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::ActiveRecipe) {
    wrong.check(at, "sentences", read.sentences > 0, "'sentences' is 0, expected 1 or more");
    let has_any = read.begin_with > 0 || read.machine.is_some();
    let message = "'begin-with' is 0 and there is no 'machine': there is nothing to begin with";
    wrong.check(at, "begin-with", has_any, message);
    let can = read.select != Select::Disagreement || read.machine.is_some();
    wrong.check(at, "select", can, "disagreement is that with a 'machine', and there is none");
}

fn schedule_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::ScheduleRecipe) {
    let message = format!("'warm-up' is {}, expected a share, 0 to 1", read.warm_up);
    wrong.check(at, "warm-up", (0.0..=1.0).contains(&read.warm_up), message);
    let factor = read.plateau_factor;
    let message = format!("'plateau-factor' is {factor}, expected more than 0 and less than 1");
    wrong.check(at, "plateau-factor", factor > 0.0 && factor < 1.0, message);
    let message = format!("'least-rate' is {}, expected 0 or more", read.least_rate);
    wrong.check(at, "least-rate", read.least_rate >= 0.0, message);
    wrong.check(at, "epochs", read.epochs > 0, "'epochs' is 0, expected 1 or more");
    wrong.check(at, "steps", read.steps != Some(0), "'steps' is 0, expected 1 or more");
    for (key, other) in [("warm-up-steps", "warm-up"), ("steps", "epochs")] {
        let both = at.has(key) && at.has(other);
        wrong.check(at, other, !both, format!("expected '{other}' or '{key}', got both"));
    }
}

fn batch_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::BatchRecipe) {
    let numbers = [
        ("sentences", read.sentences),
        ("tokens", read.tokens.unwrap_or(1)),
        ("accumulate", read.accumulate),
    ];
    for (key, value) in numbers {
        wrong.check(at, key, value > 0, format!("'{key}' is 0, expected 1 or more"));
    }
    let both = at.has("sentences") && at.has("tokens");
    wrong.check(at, "sentences", !both, "expected 'sentences' or 'tokens', got both");
}

fn loss_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::LossRecipe) {
    let smoothing = read.label_smoothing;
    let message = format!("'label-smoothing' is {smoothing}, expected 0 to less than 1");
    wrong.check(at, "label-smoothing", (0.0..1.0).contains(&smoothing), message);
    let message = format!("'focal' is {}, expected 0 or more", read.focal);
    wrong.check(at, "focal", read.focal >= 0.0 && read.focal.is_finite(), message);
    for (label, weight) in &read.class_weights {
        let message = format!("the weight of {label} is {weight}, expected 0 or more");
        wrong.check(at, "class-weights", *weight >= 0.0 && weight.is_finite(), message);
    }
}

fn evaluation_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::EvaluationRecipe) {
    let numbers = [("every-steps", read.every_steps), ("patience", read.patience)];
    for (key, value) in numbers {
        wrong.check(at, key, value != Some(0), format!("'{key}' is 0, expected 1 or more"));
    }
}

fn checkpoint_checks(wrong: &mut Problems, at: &Section<'_>, read: &super::CheckpointRecipe) {
    let numbers = [("every-steps", read.every_steps), ("keep", read.keep as u64)];
    for (key, value) in numbers {
        wrong.check(at, key, value > 0, format!("'{key}' is 0, expected 1 or more"));
    }
}
