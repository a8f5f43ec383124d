//! What makes entities of a model folder: the systems whose files are read, and which of them a folder is of.

use std::sync::Arc;

use super::config::{ModelConfig, PrecisionChoice};
use super::flair;
use super::gliner;
use super::span_marker;
use super::tagger::Tagger;
use crate::error::{Error, ErrorKind, Result};
use crate::resource::Files;
use crate::source::{LoadContext, Source};

/// A way from a text to entities, by the files that its own library writes.
pub struct System {
    /// What to call it.
    pub name: &'static str,
    /// What it is, with its paper.
    pub doc: &'static str,
    /// The options that it heeds, besides `path`.
    pub options: &'static [&'static str],
    /// Whether a folder is of this system.
    pub owns: fn(&Files, folder: &str) -> bool,
    /// Loads the model of the folder `config.path`.
    pub load: Load,
}

impl System {
    /// Whether its models find whatever labels they are asked for, and must be asked for some.
    pub fn asks_for_labels(&self) -> bool {
        self.options.contains(&"prompts")
    }
}

/// Loads a model as a source of this name.
pub type Load = fn(Arc<str>, ModelConfig, &LoadContext) -> Result<Box<dyn Source>>;

/// All systems. A folder is of the first that owns it; the last owns every folder.
pub static SYSTEMS: &[System] =
    &[flair::SYSTEM, gliner::SYSTEM, span_marker::SYSTEM, TOKEN_CLASSIFIER];

const TOKEN_CLASSIFIER: System = System {
    name: "token-classifier",
    doc: "A tag for every word, by an encoder and a head (Devlin et al. 2019, arXiv:1810.04805), as \
          `transformers` saves it.",
    options: &[
        "words",
        "context",
        "max-length",
        "overlap",
        "batch-tokens",
        "precision",
        "map",
        "labels",
    ],
    owns: |_, _| true,
    load: |name, config, context| {
        let tagger = Tagger::load(name, config, context)?;
        tagger.config().check_labels(tagger.tags().labels())?;
        Ok(Box::new(tagger))
    },
};

/// The system that the folder `folder` is of.
pub fn of(files: &Files, folder: &str) -> &'static System {
    let system = SYSTEMS.iter().find(|system| (system.owns)(files, folder));
    system.expect("the last system owns every folder")
}

/// Loads the model that `config` describes by the system that its folder is of.
///
/// # Errors
/// Where a file of the folder is missing, damaged or does not fit the others, an option does not fit the
/// model, and where the device that was asked for is not there.
pub fn load(name: Arc<str>, config: ModelConfig, context: &LoadContext) -> Result<Box<dyn Source>> {
    let folder = config.path.trim_end_matches('/');
    let system = of(&context.files, folder);
    check_options(system, &config)?;
    (system.load)(name, config, context)
}

/// Checks that the system heeds all options that are written, and the precision that may be asked for besides. Every system
/// computes in 32 bits; what is left to the program is chosen by each.
fn check_options(system: &System, config: &ModelConfig) -> Result<()> {
    let is_usual = matches!(config.precision, PrecisionChoice::F32 | PrecisionChoice::Auto);
    let heeds = |name: &str| {
        name == "path" || system.options.contains(&name) || name == "precision" && is_usual
    };
    let unheeded = |name: &str| {
        let message = format!("a model of the system {} has no option '{name}'", system.name);
        let help = format!("it has path, {}", system.options.join(", "));
        Error::new(ErrorKind::Config, message).with_help(help)
    };
    let written = config.places.iter().filter(|(name, _)| !heeds(name));
    let mut errors: Vec<Error> =
        written.map(|(name, place)| unheeded(name).at(place.clone())).collect();
    if !heeds("precision") && !config.places.contains_key("precision") {
        errors.push(unheeded("precision"));
    }
    Error::several(errors).map_or(Ok(()), Err)
}
