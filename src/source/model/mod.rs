//! The fine-tuned model as a source: a folder as a library of the field saves it, run on candle. The
//! libraries' systems are listed in [`system`]; encoders are in [`arch`], what a token classifier makes of
//! their output in [`head`].

pub mod adapter;
mod answers;
pub mod arch;
pub mod batch;
mod checkpoint;
pub mod config;
mod device;
pub mod flair;
pub mod folder_options;
pub mod gliner;
pub mod head;
mod known_words;
pub mod span_marker;
pub mod system;
mod tagger;
mod tags;
pub mod tokenizer_config;
pub mod tokens;
mod vocabulary;
pub mod weights;
mod why_not;
mod word_tagger;

use std::sync::Arc;

use super::{LoadContext, Source, SourceKind};
use crate::error::{Error, Result};

pub use arch::{ARCHITECTURES, Architecture, Dropout, Mode, Precision};
pub use config::{ModelConfig, PrecisionChoice};
pub use device::DeviceChoice;
pub use head::HEADS;
pub use system::{SYSTEMS, System};
pub use tagger::{ModelFolder, Tagger};
pub use tags::TagSet;

pub(super) const KIND: SourceKind = SourceKind {
    name: "model",
    doc: "A fine-tuned transformer: a folder as a library of the field saves it (see Systems below).",
    options: config::OPTIONS,
    load: |name, section, context| {
        let mut config: ModelConfig = section.clone().read()?;
        let places = section.keys().into_iter().map(|key| {
            let place = section.location_of(&key);
            (key, place)
        });
        config.places = places.collect();
        let at_path = |e: Error| {
            if e.location().is_some() { e } else { e.at(section.location_of("path")) }
        };
        system::load(name, config, context).map_err(at_path)
    },
};

/// The model in the folder `path` with default options.
///
/// # Errors
/// As [`system::load`].
pub fn load_folder(name: Arc<str>, path: &str, context: &LoadContext) -> Result<Box<dyn Source>> {
    system::load(name, ModelConfig::of_folder(path), context)
}
