//! An engine that follows its files: what has changed decides whether it is built again, and what is
//! as it was is kept. When to look is `watch`'s business.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::build::{Engine, EngineOptions};
use super::store::SourceKey;
use crate::error::{Error, Result};
use crate::merge::{self, Pass, PassKind, PassScope};
use crate::resource::{Files, Reads, Section};
use crate::source::Source;

/// The sources of a build, with what they were made of, so that the next build can take them over.
#[derive(Default)]
pub(super) struct Parts {
    old: BTreeMap<PartKey, Part>,
    new: BTreeMap<PartKey, Part>,
    kept: Vec<Arc<str>>,
    reads: Reads,
    /// Sources that are taken as they are, whatever is written of them.
    given: BTreeMap<Arc<str>, Arc<dyn Source>>,
    /// Passes by what is written of them, where they are kept for the next build.
    passes: Option<Arc<Mutex<Passes>>>,
}

/// So many tables of passes are kept; then all are built again. A search over settings makes thousands.
const KEPT_TABLES: usize = 256;

/// The passes of a `[[merge]]` table.
type Built = Vec<(&'static PassKind, Arc<dyn Pass>)>;

/// The passes of tables, by what is written in them and whether what comes in may overlap; and whether
/// what comes out may.
pub(super) type Passes = BTreeMap<(String, bool), (Built, bool)>;

/// The name of a source, and what is written of it.
type PartKey = (Arc<str>, String);

/// A source and what it was made of besides.
#[derive(Clone)]
struct Part {
    reads: Reads,
    source: Arc<dyn Source>,
    key: Option<SourceKey>,
}

impl Parts {
    /// The next build may take over what this one and those before it have.
    pub(super) fn begin_next(&mut self) {
        let mut old = std::mem::take(&mut self.old);
        old.append(&mut self.new);
        *self = Self { old, ..Self::default() };
    }

    /// All that has been read for them.
    pub(super) fn reads(&self) -> &Reads {
        &self.reads
    }

    /// These sources as they are, and passes that are kept from build to build.
    pub(super) fn given(sources: &[Arc<dyn Source>], passes: Arc<Mutex<Passes>>) -> Self {
        let given = sources.iter().map(|source| (source.name().clone(), source.clone()));
        Self { given: given.collect(), passes: Some(passes), ..Self::default() }
    }

    /// The source `name` of the section `section` of a `kind`: the one of the build before, where that
    /// was written the same and none of its files has changed, else what `load` makes of `files`. With its
    /// key where `files` keep a list of what is read.
    pub(super) fn source(
        &mut self,
        name: &Arc<str>,
        kind: &str,
        section: Section<'_>,
        files: &Files,
        load: impl FnOnce(Section<'_>, Files) -> Result<Arc<dyn Source>>,
    ) -> Result<(Arc<dyn Source>, Option<SourceKey>)> {
        if let Some(source) = self.given.get(name) {
            return Ok((source.clone(), None));
        }
        let written = format!("{kind}\n{}", section.written());
        let part_key = (name.clone(), written);
        let part = self.old.get(&part_key);
        if let Some(part) = part.filter(|part| part.reads.changed().is_empty()).cloned() {
            let (source, key) = (part.source.clone(), part.key);
            self.reads.extend(part.reads.clone());
            self.new.insert(part_key, part);
            self.kept.push(name.clone());
            return Ok((source, key));
        }
        let files = files.anew();
        let loaded = load(section, files.clone());
        let reads = files.reads();
        self.reads.extend(reads.clone());
        let source = loaded?;
        let names = files.names_read();
        let key = names.map(|names| SourceKey::of(&part_key.1, &files, &names)).transpose()?;
        self.new.insert(part_key, Part { reads, source: source.clone(), key });
        Ok((source, key))
    }

    /// The passes of the `[[merge]]` table `section`, taken over where they are kept.
    pub(super) fn passes(
        &mut self,
        section: Section<'_>,
        scope: &mut PassScope<'_>,
    ) -> Result<Built> {
        let build = |section, scope: &mut PassScope<'_>| -> Result<Built> {
            let built = merge::passes(section, scope)?;
            Ok(built.into_iter().map(|(kind, pass)| (kind, pass.into())).collect())
        };
        let Some(kept) = &self.passes else { return build(section, scope) };
        let kept = || kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (section.values(), scope.flat);
        if let Some((built, flat)) = kept().get(&key) {
            scope.flat = *flat;
            return Ok(built.clone());
        }
        let built = build(section, scope)?;
        let mut kept = kept();
        if kept.len() == KEPT_TABLES {
            kept.clear();
        }
        kept.insert(key, (built.clone(), scope.flat));
        Ok(built)
    }
}

/// What became of a change.
#[derive(Debug)]
pub enum Reload {
    /// The engine was built again and is in use.
    Swapped {
        /// What had changed.
        changed: Vec<PathBuf>,
        /// The sources that were taken over as they were.
        kept: Vec<Arc<str>>,
    },
    /// The engine cannot be built; the one before goes on.
    Failed {
        /// What had changed.
        changed: Vec<PathBuf>,
        /// All that is wrong with it.
        error: Error,
    },
}

/// An engine and the files it was made of.
pub(super) struct Reloader {
    path: PathBuf,
    options: EngineOptions,
    engine: RwLock<Arc<Engine>>,
    state: Mutex<State>,
}

struct State {
    parts: BTreeMap<PartKey, Part>,
    reads: Reads,
}

impl Reloader {
    /// Builds the engine of the file at `path`.
    ///
    /// # Errors
    /// As [`Engine::load_with`].
    pub(super) fn new(path: &Path, options: EngineOptions) -> Result<Self> {
        let mut parts = Parts::default();
        let engine = build(path, &options, &mut parts)?;
        Ok(Self {
            path: path.to_owned(),
            options,
            engine: RwLock::new(Arc::new(engine)),
            state: Mutex::new(State { parts: parts.new, reads: parts.reads }),
        })
    }

    /// The engine of the last build that succeeded.
    pub(super) fn engine(&self) -> Arc<Engine> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files, builds the engine again where one has changed since the last attempt, and
    /// puts it in the place of the old one where that succeeds.
    pub(super) fn refresh(&self) -> Option<Reload> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = state.reads.changed();
        if changed.is_empty() {
            return None;
        }
        let mut parts = Parts { old: state.parts.clone(), ..Parts::default() };
        let built = build(&self.path, &self.options, &mut parts);
        state.reads = parts.reads;
        match built {
            Ok(engine) => {
                state.parts = parts.new;
                let engine = Arc::new(engine);
                *self.engine.write().unwrap_or_else(PoisonError::into_inner) = engine;
                Some(Reload::Swapped { changed, kept: parts.kept })
            }
            Err(error) => {
                // What did load is not loaded again when the rest is mended.
                state.parts.extend(parts.new);
                Some(Reload::Failed { changed, error })
            }
        }
    }

    /// The folders in which a change can be seen, and whether it may be deep in them.
    pub(super) fn folders(&self) -> BTreeMap<PathBuf, bool> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).reads.folders()
    }
}

fn build(path: &Path, options: &EngineOptions, parts: &mut Parts) -> Result<Engine> {
    let files = Files::noted(path.parent().unwrap_or(Path::new("")).to_owned());
    let built = Engine::load_from(path, files.clone(), options, parts);
    parts.reads.extend(files.reads());
    built
}

#[cfg(test)]
mod tests;
