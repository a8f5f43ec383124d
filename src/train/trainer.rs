//! Which systems can be trained: the registry of trainers.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::flair::FlairTrainee;
use super::gliner::GlinerTrainee;
use super::recipe::Recipe;
use super::run::{Outcome, Prepared, Tell, run};
use super::span_marker::SpanMarkerTrainee;
use super::token::TokenTrainee;
use crate::error::{Error, Result};
use crate::resource::Files;
use crate::source::model::system;

/// How models of one system are trained.
pub struct Trainer {
    /// The system, by its name (see [`system::SYSTEMS`]).
    pub system: &'static str,
    /// Runs a recipe.
    pub run: fn(Prepared<'_>, &AtomicBool, Tell<'_>) -> Result<Outcome>,
}

/// All trainers.
pub static TRAINERS: &[Trainer] = &[
    Trainer { system: "flair", run: run::<FlairTrainee> },
    Trainer { system: "gliner", run: run::<GlinerTrainee> },
    Trainer { system: "span-marker", run: run::<SpanMarkerTrainee> },
    Trainer { system: "token-classifier", run: run::<TokenTrainee> },
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
        Error::unknown("system to train", name, &known)
    })
}
