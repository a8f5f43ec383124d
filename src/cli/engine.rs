//! The options that choose an engine, shared by the commands that run one.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{Engine, EngineFile, EngineLoader, EngineOptions, EngineOrigin, Watched};
use crate::source::model::{DeviceChoice, PrecisionChoice};

/// The engine file that is taken where none is named.
const DEFAULT: &str = "spanloom.toml";

/// Which engine, and how it is changed for this run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Engine")]
pub(super) struct EngineArgs {
    /// The engine file; without it `./spanloom.toml`, where there is one, else the built-in engine.
    #[arg(short, long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// Run the model in this folder alone, without an engine file.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["engine", "with", "without"])]
    model: Option<PathBuf>,
    /// What the model of `--model` is to find, parted by commas: any labels where it is a GLiNER model,
    /// which needs them; else some of its own.
    #[arg(long, value_name = "LABEL", value_delimiter = ',', requires = "model")]
    labels: Option<Vec<String>>,
    /// Switch on sources that the engine file has switched off; names, parted by commas.
    #[arg(long, value_name = "SOURCE", value_delimiter = ',')]
    with: Vec<String>,
    /// Switch off sources; names, parted by commas.
    #[arg(long, value_name = "SOURCE", value_delimiter = ',')]
    without: Vec<String>,
    /// Keep what the sources find in this folder, and run them only for documents that are not in it: the
    /// model above all, which takes most of the time. Made where it is missing; what a change of the engine
    /// file, a model or a gazetteer makes obsolete is found anew.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// Where models run: `auto`, `cpu`, `cuda` or `cuda:N`; asking for CUDA where there is none is an
    /// error.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceChoice,
    /// What models are computed in, whatever the engine file says: `f32`, `int16` (faster, the same entities but for a
    /// sentence in a thousand), `int8` (faster still, at some cost in F1), `bf16` (on CUDA, and on processors that have it), on
    /// CUDA `f16`, or `auto` (`int16` where that is faster).
    #[arg(long, value_name = "PRECISION", value_parser = precision())]
    precision: Option<PrecisionChoice>,
}

/// Reads the name of a precision.
fn precision() -> impl TypedValueParser<Value = PrecisionChoice> {
    PossibleValuesParser::new(PrecisionChoice::ALL.map(PrecisionChoice::name))
        .map(|name| name.parse().expect("a possible value is the name of a precision"))
}

impl EngineArgs {
    /// The engine, which follows its files.
    ///
    /// # Errors
    /// Everything that is wrong with it, and where it has no file.
    pub(super) fn watch(&self) -> Result<Watched> {
        let path = self.path("does not change")?;
        tracing::info!("engine file: {}", path.display());
        Engine::watch(path, self.options())
    }

    /// The engine file, and what it holds.
    ///
    /// # Errors
    /// Where the engine has no file, or it cannot be read.
    pub(super) fn file(&self) -> Result<(&Path, String)> {
        let path = self.path("has no file to change")?;
        let text = std::fs::read_to_string(path);
        Ok((path, text.map_err(|error| Error::io("read", path.display(), error))?))
    }

    /// The path of the engine file; where there is none, an error that says what the built-in engine `is`.
    fn path(&self, is: &str) -> Result<&Path> {
        let found = Some(Path::new(DEFAULT)).filter(|path| path.is_file() && self.model.is_none());
        self.engine.as_deref().or(found).ok_or_else(|| {
            let engine = if self.model.is_some() { "a model alone" } else { "the built-in engine" };
            Error::new(ErrorKind::Config, format!("{engine} {is}"))
                .with_help("name an engine file with `--engine FILE`")
        })
    }

    /// What is changed for this run.
    pub(super) fn options(&self) -> EngineOptions {
        EngineOptions {
            device: self.device,
            precision: self.precision,
            with: self.with.clone(),
            without: self.without.clone(),
            evidence: self.evidence.clone(),
            labels: self.labels.clone(),
            ..EngineOptions::default()
        }
    }

    /// The engine of another `file`, of which nothing is switched on or off, with models where those of
    /// the engine are; `loader` has loaded others before.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn load_other(&self, file: &Path, loader: &mut EngineLoader) -> Result<Engine> {
        let Self { device, precision, evidence, .. } = self;
        let (device, precision, evidence) = (*device, *precision, evidence.clone());
        let options = EngineOptions { device, precision, evidence, ..EngineOptions::default() };
        loader.load(chosen(Some(file)), &options)
    }

    /// The engine.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn load(&self) -> Result<Engine> {
        self.load_by(load)
    }

    /// The engine, and the files that it was made of.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn load_with_files(&self) -> Result<(Engine, Vec<EngineFile>)> {
        let origin = match &self.model {
            Some(folder) => EngineOrigin::Model(folder),
            None => {
                chosen(self.engine.as_deref()).map_or(EngineOrigin::Builtin, EngineOrigin::File)
            }
        };
        Engine::load_with_files(origin, &self.options())
    }

    /// What shows in the output of what is asked for, besides files: names of options and their values.
    pub(super) fn told(&self) -> Vec<(String, String)> {
        let Self { engine: _, model: _, labels, with, without, evidence: _, device, precision } =
            self;
        let mut told = vec![
            ("with".to_owned(), with.join(",")),
            ("without".to_owned(), without.join(",")),
            ("device".to_owned(), device.to_string()),
        ];
        told.extend(
            precision.map(|precision| ("precision".to_owned(), precision.name().to_owned())),
        );
        told.extend(labels.as_ref().map(|labels| ("labels".to_owned(), labels.join(","))));
        told
    }

    /// The engine, where `loader` has loaded others before.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn load_beside(&self, loader: &mut EngineLoader) -> Result<Engine> {
        self.load_by(|file, options| loader.load(chosen(file), options))
    }

    fn load_by(
        &self,
        load: impl FnOnce(Option<&Path>, &EngineOptions) -> Result<Engine>,
    ) -> Result<Engine> {
        let options = self.options();
        match &self.model {
            Some(folder) => {
                tracing::info!("the model {} runs alone", folder.display());
                Engine::model_alone(folder, &options)
            }
            None => load(self.engine.as_deref(), &options),
        }
    }
}

/// The engine of `file`, or the one that is taken where none is named.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn load(file: Option<&Path>, options: &EngineOptions) -> Result<Engine> {
    match chosen(file) {
        Some(path) => Engine::load_with(path, options),
        None => Engine::builtin_with(options),
    }
}

/// `file`, or the engine file that is taken where none is named; `None` is the built-in engine.
fn chosen(file: Option<&Path>) -> Option<&Path> {
    let file = file.or(Some(Path::new(DEFAULT)).filter(|path| path.is_file()));
    match file {
        Some(path) => tracing::info!("engine file: {}", path.display()),
        None => tracing::info!("engine file: the built-in one"),
    }
    file
}
