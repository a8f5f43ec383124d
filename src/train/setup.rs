//! What is looked at before a run: where it writes, which labels it has, and where an earlier run stopped.

use std::collections::BTreeSet;
use std::path::PathBuf;

use candle_core::Device;

use super::average::Average;
use super::checkpoint::{Checkpoint, State};
use super::data::Corpus;
use super::optimiser::Optimiser;
use super::recipe::Recipe;
use super::trainee::Trainee;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::source::model::flair::DESCRIPTION;
use crate::source::model::gliner;

/// The files that say that a folder holds a model.
const CONFIGURATIONS: [&str; 3] = ["config.json", DESCRIPTION, gliner::FILE];

/// Where things are written.
#[derive(Clone)]
pub(super) struct Places {
    pub(super) model: PathBuf,
    pub(super) checkpoints: PathBuf,
    pub(super) best: PathBuf,
    pub(super) log: PathBuf,
    pub(super) events: PathBuf,
}

impl Places {
    pub(super) fn new(model: PathBuf) -> Self {
        let training = model.join("training");
        Self {
            checkpoints: training.join("checkpoints"),
            best: training.join("best.safetensors"),
            log: training.join("log.jsonl"),
            // TensorBoard knows its files by this part of their names.
            events: training.join("events.out.tfevents.spanloom"),
            model,
        }
    }
}

/// Looks whether the output folder may be written.
pub(super) fn check_output(places: &Places, resumes: bool) -> Result<()> {
    let shown = places.model.display();
    match Checkpoint::last_place(&places.checkpoints)? {
        Some(place) if !resumes => {
            let message = format!("{shown} holds a run already: {}", place.display());
            let help = "`--resume` goes on with it; else name another folder, or remove this one";
            Err(Error::new(ErrorKind::Config, message).with_help(help))
        }
        None if CONFIGURATIONS.iter().any(|file| places.model.join(file).exists()) => {
            let message = format!("{shown} holds a model that is of no run");
            Err(Error::new(ErrorKind::Config, message).with_help("name another folder"))
        }
        _ => Ok(()),
    }
}

/// The labels of the run: those of the recipe, or of the training data, sorted.
pub(super) fn labels(recipe: &Recipe, train: &[Corpus]) -> Result<Vec<String>> {
    if !recipe.model.labels.is_empty() {
        let mut seen = BTreeSet::new();
        return match recipe.model.labels.iter().find(|label| !seen.insert(label.as_str())) {
            Some(label) => {
                let message = format!("the label '{label}' is twice in 'labels' of [model]");
                Err(recipe.wrong("model.labels", message))
            }
            None => Ok(recipe.model.labels.clone()),
        };
    }
    let found: BTreeSet<&str> = train.iter().flat_map(|c| c.entities().into_keys()).collect();
    if found.is_empty() {
        let place = recipe.train.first().map_or(Location::file("recipe"), |c| c.place.clone());
        let message = "the training data has no entity, and 'labels' of [model] names no label";
        return Err(Error::new(ErrorKind::Document, message).at(place));
    }
    Ok(found.into_iter().map(str::to_owned).collect())
}

pub(super) fn check_class_weights(recipe: &Recipe, labels: &[String]) -> Result<()> {
    let mut known: Vec<&str> = labels.iter().map(String::as_str).collect();
    known.push("O");
    match recipe.loss.class_weights.keys().find(|label| !known.contains(&label.as_str())) {
        Some(label) => Err(Error::unknown("label in 'class-weights'", label, &known)
            .at(recipe.place("loss.class-weights"))),
        None => Ok(()),
    }
}

/// Takes up the last checkpoint, where there is one.
pub(super) fn resume(
    places: &Places,
    device: &Device,
    trainee: &impl Trainee,
    (optimiser, average): (&mut Optimiser, Option<&Average>),
    state: &mut State,
) -> Result<()> {
    let Some(checkpoint) = Checkpoint::last(&places.checkpoints, device)? else { return Ok(()) };
    let shown = places.checkpoints.display().to_string();
    let same = [
        ("recipe", &checkpoint.state.recipe, &state.recipe),
        ("data", &checkpoint.state.data, &state.data),
    ];
    for (what, then, now) in same {
        if then != now {
            let message = format!("the {what} has changed since the run was stopped");
            let help = "undo the change, or begin anew in another folder";
            return Err(Error::new(ErrorKind::Config, message)
                .with_help(help)
                .at(Location::file(shown)));
        }
    }
    let taken = trainee
        .set_weights(&checkpoint.weights)
        .and_then(|()| optimiser.restore(checkpoint.optimiser_steps, &checkpoint.moments))
        .and_then(|()| average.map_or(Ok(()), |average| average.restore(&checkpoint.moments)));
    taken.map_err(|e| {
        Error::new(ErrorKind::Model, format!("the checkpoint does not fit the model: {e}"))
            .at(Location::file(shown))
    })?;
    *state = checkpoint.state;
    Ok(())
}
