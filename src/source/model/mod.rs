//! The fine-tuned transformer as a source: a Hugging Face-layout folder of a token classifier, run
//! on candle. Encoders are in [`arch`], what is made of their output in [`head`].

mod answers;
pub mod arch;
pub mod batch;
mod checkpoint;
pub mod config;
mod device;
pub mod folder_options;
pub mod head;
mod tagger;
mod tags;
pub mod tokenizer_config;
pub mod tokens;
mod vocabulary;
pub mod weights;
mod why_not;

use std::sync::Arc;

use super::{LoadContext, Source, SourceKind};
use crate::error::Result;

pub use arch::{ARCHITECTURES, Architecture, Dropout, Mode};
pub use config::ModelConfig;
pub use device::DeviceChoice;
pub use head::HEADS;
pub use tagger::{ModelFolder, Tagger};
pub use tags::TagSet;

pub(super) const KIND: SourceKind = SourceKind {
    name: "model",
    doc: "A fine-tuned transformer: a Hugging Face-layout folder of a token classifier.",
    options: config::OPTIONS,
    load: |name, section, context| {
        let config: ModelConfig = section.clone().read()?;
        let labels_place = section.location_of("labels");
        let tagger = Tagger::load(name, config.clone(), context).map_err(|e| {
            if e.location().is_some() { e } else { e.at(section.location_of("path")) }
        })?;
        tagger.check_label_filter().map_err(|e| e.at(labels_place))?;
        Ok(Box::new(tagger))
    },
};

/// The model in the folder `path` with default options.
///
/// # Errors
/// As [`Tagger::load`].
pub fn load_folder(name: Arc<str>, path: &str, context: &LoadContext) -> Result<Box<dyn Source>> {
    Ok(Box::new(Tagger::load(name, ModelConfig::of_folder(path), context)?))
}
