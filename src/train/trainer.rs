//! Which systems can be trained: the registry of trainers.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::flair::FlairTrainee;
use super::gliner::{self, GlinerTrainee};
use super::recipe::Recipe;
use super::run::{Outcome, Prepared, Tell, run};
use super::span_marker::SpanMarkerTrainee;
use super::token::TokenTrainee;
use crate::error::{Error, Result};
use crate::resource::Files;
use crate::source::model::{ModelConfig, system};

/// How models of one system are trained.
pub struct Trainer {
    /// The system, by its name (see [`system::SYSTEMS`]).
    pub system: &'static str,
    /// Runs a recipe.
    pub run: fn(Prepared<'_>, &AtomicBool, Tell<'_>) -> Result<Outcome>,
    /// How the model in a folder, trained by the recipe on these labels, is loaded.
    pub config: fn(&Recipe, &str, &[String]) -> Result<ModelConfig>,
    /// Whether its models say how likely each word is of each label.
    pub gives_evidence: bool,
    /// Whether adapters are kept apart from the model that they change, where a recipe does not say otherwise.
    pub keeps_adapters: bool,
}

/// A model that knows its labels.
fn of_folder(_: &Recipe, folder: &str, _: &[String]) -> Result<ModelConfig> {
    Ok(ModelConfig::of_folder(folder))
}

/// All trainers.
pub static TRAINERS: &[Trainer] = &[
    Trainer {
        system: "flair",
        run: run::<FlairTrainee>,
        config: of_folder,
        gives_evidence: true,
        keeps_adapters: false,
    },
    Trainer {
        system: "gliner",
        run: run::<GlinerTrainee>,
        config: gliner::model_config,
        gives_evidence: false,
        keeps_adapters: false,
    },
    Trainer {
        system: "span-marker",
        run: run::<SpanMarkerTrainee>,
        config: of_folder,
        gives_evidence: false,
        keeps_adapters: false,
    },
    Trainer {
        system: "token-classifier",
        run: run::<TokenTrainee>,
        config: of_folder,
        gives_evidence: true,
        keeps_adapters: true,
    },
];

/// The trainer of a recipe that begins with the folder `start`.
///
/// # Errors
/// Where the system cannot be trained.
pub(super) fn of(recipe: &Recipe, start: &Path) -> Result<&'static Trainer> {
    let name = match &recipe.model.system {
        Some(name) => name,
        None => system::of(&Files::Folder(PathBuf::new()), &start.to_string_lossy()).name,
    };
    TRAINERS.iter().find(|trainer| trainer.system == name).ok_or_else(|| {
        let known: Vec<&str> = TRAINERS.iter().map(|trainer| trainer.system).collect();
        Error::unknown("system to train", name, &known).at(recipe.place("model.system"))
    })
}
