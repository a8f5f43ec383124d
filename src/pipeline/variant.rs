//! An engine whose file is written anew, again and again, and whose sources stay as they are: what is
//! tried out is the merge.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::build::{Engine, EngineOptions, build};
use super::reload::{Parts, Passes};
use crate::error::Result;
use crate::resource::{Files, TomlFile};

/// Makes engines with the sources of one engine. A table of the merge that was built before is not built
/// again; files that passes name are taken not to change.
pub struct Variants<'e> {
    engine: &'e Engine,
    name: String,
    files: Files,
    options: EngineOptions,
    passes: Arc<Mutex<Passes>>,
}

impl<'e> Variants<'e> {
    /// Variants of `engine`, which was made of the file at `path` with `options`.
    pub fn new(engine: &'e Engine, path: &Path, options: &EngineOptions) -> Self {
        Self {
            engine,
            name: path.display().to_string(),
            files: Files::beside(path),
            options: EngineOptions { evidence: None, ..options.clone() },
            passes: Arc::default(),
        }
    }

    /// The engine of `text`, written in the place of the engine's file. What it says of a source decides
    /// whether the source is there, and nothing else about it.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn build(&self, text: &str) -> Result<Engine> {
        let mut parts = Parts::given(self.engine.sources(), self.passes.clone());
        let file = TomlFile::new(&self.name, text);
        build(&file, self.files.clone(), &self.options, &mut parts)
    }
}
