//! The systems that are scored: an engine as it is, its sources of one kind alone, other engines, the
//! predictions of other programs. Sources that several systems share run once.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::predictions::Predictions;
use crate::cli::read::some_files;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::EntityReport;
use crate::io::{InputFile, Inputs};
use crate::pipeline::{
    Engine, EngineGroup, EngineLoader, EvidenceUse, Explanation, Proposals, Tagged, Without,
};
use crate::source::{BatchLimit, SOURCES};
use crate::text::Document;

/// The name of the engine as it is, among systems.
pub(super) const HYBRID: &str = "hybrid";

/// What begins the value of a system that is predictions from a file.
const PREDICTIONS: &str = "pred:";

/// A system as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SystemChoice {
    name: String,
    what: Choice,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    Hybrid,
    /// The sources of this kind alone.
    Kind(&'static str),
    Engine(PathBuf),
    Predictions(Vec<PathBuf>),
}

impl SystemChoice {
    /// The engine as it is.
    pub(super) fn hybrid() -> Self {
        Self { name: HYBRID.to_owned(), what: Choice::Hybrid }
    }

    /// The predictions in `files`.
    pub(super) fn predictions(files: &[PathBuf]) -> Self {
        Self { name: "predictions".to_owned(), what: Choice::Predictions(files.to_owned()) }
    }

    /// Reads `hybrid`, a kind of source, `NAME=ENGINE.toml` or `NAME=pred:FILE`.
    pub(super) fn parse(written: &str) -> std::result::Result<Self, String> {
        let (name, what) = match written.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                let what = match value.strip_prefix(PREDICTIONS) {
                    Some("") => return Err("expected a file after 'pred:'".to_owned()),
                    Some(file) => Choice::Predictions(vec![file.into()]),
                    None => Choice::Engine(value.into()),
                };
                (name, what)
            }
            None if written == HYBRID => (written, Choice::Hybrid),
            _ => match SOURCES.iter().find(|kind| kind.name == written) {
                Some(kind) => (written, Choice::Kind(kind.name)),
                None => {
                    let kinds: Vec<&str> = SOURCES.iter().map(|kind| kind.name).collect();
                    return Err(format!(
                        "expected {HYBRID}, {}, NAME=ENGINE.toml or NAME=pred:FILE",
                        kinds.join(", ")
                    ));
                }
            },
        };
        Ok(Self { name: name.to_owned(), what })
    }
}

/// How systems are made: what the command line says besides their names.
pub(super) trait Load {
    /// The engine of the command line.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn engine(&self, loader: &mut EngineLoader) -> Result<Engine>;

    /// The engine of another file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn other_engine(&self, file: &Path, loader: &mut EngineLoader) -> Result<Engine>;

    /// The files that were named as `files`.
    fn expand(&self, files: &[PathBuf]) -> Inputs;

    /// The predictions in `files` for the documents of the files of `gold`.
    fn predictions(&self, gold: &[InputFile], files: Vec<InputFile>) -> Predictions;
}

/// Systems, ready to run.
pub(super) struct Systems {
    engines: EngineGroup,
    /// The number of the engine of the command line, where it is one of them.
    own: Option<usize>,
    systems: Vec<System>,
    /// The number of the system that details are told of.
    told: usize,
}

/// What was said of a document.
pub(super) struct Answer {
    /// By each system.
    pub(super) tagged: Vec<Tagged>,
    /// What the sources of each engine proposed.
    proposals: Vec<Proposals>,
}

/// Tells why an engine, or a part of it, says what it says.
pub(super) struct Explainer<'s> {
    /// The engine.
    pub(super) engine: &'s Engine,
    number: usize,
    without: &'s Without,
}

impl Explainer<'_> {
    /// The story of a document for which this is the answer.
    pub(super) fn explain(&self, document: &Document, answer: &Answer) -> Explanation {
        self.engine.explain_without(document, &answer.proposals[self.number], self.without)
    }
}

struct System {
    name: String,
    predictor: Predictor,
}

enum Predictor {
    /// The engine of this number, with parts of it left out.
    Engine(usize, Without),
    Files(Box<Predictions>),
}

impl Systems {
    /// The systems that were asked for, for the documents of the files of `gold`.
    ///
    /// # Errors
    /// Where two have one name, an engine cannot be loaded or has no source of a kind that was asked
    /// for, and where files of predictions are missing.
    pub(super) fn load(
        choices: &[SystemChoice],
        load: &impl Load,
        gold: &[InputFile],
    ) -> Result<Self> {
        let mut loader = EngineLoader::default();
        let mut engines: Vec<Engine> = Vec::new();
        let mut systems: Vec<System> = Vec::new();
        let mut own = None;
        for SystemChoice { name, what } in choices {
            if systems.iter().any(|system| system.name == *name) {
                let message = format!("two systems are called '{name}'");
                return Err(Error::new(ErrorKind::Config, message)
                    .with_help("`NAME=ENGINE.toml` and `NAME=pred:FILE` give them names"));
            }
            let predictor = match what {
                Choice::Hybrid | Choice::Kind(_) => {
                    if own.is_none() {
                        engines.push(load.engine(&mut loader)?);
                        own = Some(engines.len() - 1);
                    }
                    let number = own.expect("loaded just now");
                    let without = match what {
                        Choice::Kind(kind) => all_but(&engines[number], kind)?,
                        _ => Without::NOTHING,
                    };
                    Predictor::Engine(number, without)
                }
                Choice::Engine(file) => {
                    engines.push(load.other_engine(file, &mut loader)?);
                    Predictor::Engine(engines.len() - 1, Without::NOTHING)
                }
                Choice::Predictions(files) => {
                    let Inputs { files, mut errors } = some_files(load.expand(files))?;
                    if let Some(error) = errors.pop() {
                        return Err(error);
                    }
                    Predictor::Files(Box::new(load.predictions(gold, files)))
                }
            };
            systems.push(System { name: name.clone(), predictor });
        }
        let engines = EngineGroup::new(engines);
        if let shared @ [_, ..] = &*engines.shared() {
            tracing::info!("run once for several engines: {}", shared.join(", "));
        }
        let told = systems.len().saturating_sub(1);
        Ok(Self { engines, own, systems, told })
    }

    /// The names of the systems, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.systems.iter().map(|system| system.name.as_str())
    }

    /// The number of the system that details are told of: the last, unless another was
    /// [chosen](Self::tell_of).
    pub(super) fn told(&self) -> usize {
        self.told
    }

    /// Details are to be told of the system of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub(super) fn tell_of(&mut self, name: &str) -> Result<()> {
        let known: Vec<&str> = self.names().collect();
        let told = known.iter().position(|system| *system == name);
        self.told = told.ok_or_else(|| Error::unknown("system", name, &known))?;
        Ok(())
    }

    /// The engines that run.
    pub(super) fn engines(&self) -> &[Engine] {
        self.engines.engines()
    }

    fn engine(&self, number: usize) -> &Engine {
        &self.engines.engines()[number]
    }

    /// [`Engine::finish_evidence`] of all engines.
    ///
    /// # Errors
    /// As there.
    pub(super) fn finish_evidence(&self) -> Result<Vec<EvidenceUse>> {
        self.engines.finish_evidence()
    }

    /// The engine of the command line, where one of the systems is made of it.
    pub(super) fn own_engine(&self) -> Option<&Engine> {
        self.own.map(|number| self.engine(number))
    }

    /// How much the engines like to get at once; `None` where there is none.
    pub(super) fn batch_limit(&self) -> Option<BatchLimit> {
        self.engines.batch_limit()
    }

    /// What each system says of each document. A document that failed in one system has failed.
    /// Warnings are those of the first system that has them.
    ///
    /// # Errors
    /// Where predictions in files are not those of the documents.
    pub(super) fn predict(&mut self, documents: &[Document]) -> Result<Vec<Result<Answer>>> {
        let mut proposed = self.engines.propose(documents);
        let engines = self.engines.engines();
        let mut predicted = Vec::new();
        for System { predictor, .. } in &mut self.systems {
            predicted.push(match predictor {
                Predictor::Files(files) => files.of(documents)?,
                Predictor::Engine(number, without) => {
                    let number = *number;
                    let merge = |(document, all): (&Document, &mut Result<Vec<Proposals>>)| {
                        // Why it failed is told below, once for all systems.
                        let Ok(all) = all else { return Ok(Tagged::default()) };
                        let mut tagged = engines[number].merge(document, &all[number], without);
                        tagged.warnings.append(&mut all[number].warnings);
                        Ok(tagged)
                    };
                    documents.par_iter().zip(&mut proposed).map(merge).collect()
                }
            });
        }
        let mut predicted: Vec<_> = predicted.into_iter().map(Vec::into_iter).collect();
        let answer = |proposals: Result<Vec<Proposals>>| {
            let tagged: Vec<Result<Tagged>> =
                predicted.iter_mut().filter_map(Iterator::next).collect();
            let proposals = proposals?;
            let tagged = tagged.into_iter().collect::<Result<Vec<_>>>()?;
            Ok(Answer { tagged, proposals })
        };
        Ok(proposed.into_iter().map(answer).collect())
    }

    /// What tells why the system that details are told of says what it says; `None` where it is made of no
    /// engine.
    pub(super) fn explainer(&self) -> Option<Explainer<'_>> {
        match &self.systems.get(self.told)?.predictor {
            Predictor::Engine(number, without) => {
                Some(Explainer { engine: self.engine(*number), number: *number, without })
            }
            Predictor::Files(_) => None,
        }
    }

    /// What the sources of the engine of the command line proposed for a document.
    pub(super) fn own_proposals(&self, answer: &mut Answer) -> Option<Proposals> {
        self.own.map(|number| std::mem::take(&mut answer.proposals[number]))
    }

    /// The scores of the tags of each system, where they are asked for and it is predictions in files.
    pub(super) fn sequences(&self) -> impl Iterator<Item = Option<EntityReport>> {
        self.systems.iter().map(|system| match &system.predictor {
            Predictor::Files(files) => files.sequences(),
            Predictor::Engine(..) => None,
        })
    }

    /// Looks whether all predictions in files were taken.
    ///
    /// # Errors
    /// Where one is left, or cannot be read.
    pub(super) fn end(&mut self) -> Result<()> {
        self.systems.iter_mut().try_for_each(|system| match &mut system.predictor {
            Predictor::Files(files) => files.end(),
            Predictor::Engine(..) => Ok(()),
        })
    }
}

/// All sources but those of a kind.
///
/// # Errors
/// Where the engine has none of that kind.
fn all_but(engine: &Engine, kind: &str) -> Result<Without> {
    let (own, others): (Vec<_>, Vec<_>) =
        engine.source_kinds().partition(|(_, other)| *other == kind);
    if own.is_empty() {
        let names: Vec<String> =
            others.iter().map(|(name, kind)| format!("{name} ({kind})")).collect();
        let message = format!("the engine has no source of the kind '{kind}'");
        let help = format!("sources that run: {}", names.join(", "));
        return Err(Error::new(ErrorKind::Config, message).with_help(help));
    }
    let sources = others.into_iter().map(|(name, _)| name.clone()).collect();
    Ok(Without { sources, ..Without::NOTHING })
}
