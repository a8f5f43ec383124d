//! An engine file becomes an engine: every source loaded, every pass built, every name checked; all
//! problems are reported together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::builtin;
use super::config::{EngineConfig, PassConfig, SourceConfig};
use super::distinct::Remembered;
use super::reload::Parts;
use super::store::{EvidenceUse, SourceKey, SourceStore};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::merge::{Pass, PassKind, PassScope};
use crate::resource::{Files, Section, TomlFile};
use crate::source::model::{DeviceChoice, ModelConfig, PrecisionChoice};
use crate::source::{self, LoadContext, Source};
use crate::span::Label;

/// What a caller may set for one run without editing the engine file.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Where models run.
    pub device: DeviceChoice,
    /// Sources to switch on although the engine file says `enabled = false`.
    pub with: Vec<String>,
    /// Sources to switch off.
    pub without: Vec<String>,
    /// Whether to switch on all sources, as a check of the engine file wants it.
    pub all: bool,
    /// The folder in which findings of the sources are kept, to be merged again without running them.
    pub evidence: Option<PathBuf>,
    /// What models are computed in, whatever the engine file says.
    pub precision: Option<PrecisionChoice>,
    /// What a model that runs alone is to find; nothing where that is its own business.
    pub labels: Option<Vec<String>>,
}

/// A pass of an engine.
pub struct Step {
    /// What kind of pass it is.
    pub kind: &'static PassKind,
    /// Where it stands in the engine file.
    pub place: Location,
    /// The number of its `[[merge]]` table, counted from 0; a preset's passes share one.
    pub table: usize,
    pub(crate) pass: Arc<dyn Pass>,
}

/// Sources, merge and labels, as built from one engine file. Shared freely between threads.
pub struct Engine {
    pub(super) labels: Vec<Label>,
    pub(super) helper_labels: Vec<Label>,
    pub(super) sources: Vec<Arc<dyn Source>>,
    /// The kind of each of them.
    source_kinds: Vec<&'static str>,
    /// Where each of them stands in the engine file.
    pub(super) source_places: Vec<Location>,
    /// What is kept of each of them, where that is asked for.
    pub(super) stores: Vec<Option<SourceStore>>,
    pub(super) steps: Vec<Step>,
    disabled: Vec<Arc<str>>,
    /// The sources that run only on demand, and the labels that the engine gives only then.
    on_demand: Vec<(Arc<str>, Vec<Label>)>,
    pub(super) remembered: Remembered,
}

impl Engine {
    /// The engine of the file at `path`; names in it are relative to its folder.
    ///
    /// # Errors
    /// Everything that is wrong with the file and with all that it names.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path.as_ref(), &EngineOptions::default())
    }

    /// [`Engine::load`] with options.
    ///
    /// # Errors
    /// As [`Engine::load`], and where an option names a source that is not there.
    pub fn load_with(path: &Path, options: &EngineOptions) -> Result<Self> {
        Self::load_from(path, Files::beside(path), options, &mut Parts::default())
    }

    /// [`Engine::load_with`] with the files of its folder as `folder`, taking over what it can of `parts`.
    pub(super) fn load_from(
        path: &Path,
        folder: Files,
        options: &EngineOptions,
        parts: &mut Parts,
    ) -> Result<Self> {
        let name = path.display().to_string();
        let file_name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        let file_name = file_name.ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("'{name}' is not the path of a file"))
        })?;
        let text = folder.read_text(&file_name)?;
        build(&TomlFile::new(&name, &text), folder, options, parts)
    }

    /// The engine of a TOML text; names in it are relative to the current folder.
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn parse(text: &str) -> Result<Self> {
        let file = TomlFile::new("engine", text);
        let (files, options) = (Files::Folder(".".into()), EngineOptions::default());
        build(&file, files, &options, &mut Parts::default())
    }

    /// The default engine: English, labels `PER`, `LOC`, `ORG` and `MISC`.
    ///
    /// # Errors
    /// Where this build carries none.
    pub fn builtin() -> Result<Self> {
        Self::builtin_with(&EngineOptions::default())
    }

    /// [`Engine::builtin`] with options.
    ///
    /// # Errors
    /// As [`Engine::builtin`], and where an option names a source that is not there.
    pub fn builtin_with(options: &EngineOptions) -> Result<Self> {
        let files = builtin::files()?;
        let text = files.read_text("spanloom.toml")?;
        let file = TomlFile::new(&files.display("spanloom.toml"), &text);
        build(&file, files, options, &mut Parts::default())
    }

    /// The model in the folder `path` and nothing else.
    ///
    /// # Errors
    /// Where it cannot be loaded.
    pub fn model_alone(path: &Path, options: &EngineOptions) -> Result<Self> {
        Self::model_alone_from(Files::Folder(".".into()), path, options)
    }

    /// [`Engine::model_alone`] with the files that `path` is relative to.
    pub(super) fn model_alone_from(
        files: Files,
        path: &Path,
        options: &EngineOptions,
    ) -> Result<Self> {
        let name: Arc<str> = "model".into();
        let files = listed(files, options);
        let context = LoadContext { files: files.clone(), device: options.device };
        let config = ModelConfig::of_folder(&path.to_string_lossy());
        let precision = options.precision.unwrap_or(config.precision);
        let config = ModelConfig { labels: options.labels.clone(), precision, ..config };
        let source = source::model::system::load(name.clone(), config, &context)?;
        let labels = options.labels.as_ref().map(|labels| format!("{labels:?}"));
        let written =
            labels.unwrap_or_default() + options.precision.map_or("", PrecisionChoice::name);
        let key =
            files.names_read().map(|names| SourceKey::of(&written, &files, &names)).transpose()?;
        let mut engine = Self::of_sources(source.labels(), vec![source.into()]);
        engine.source_kinds = vec![source::kind("model")?.name];
        engine.source_places = vec![Location::file(path.display().to_string())];
        engine.stores = vec![store(&name, key, options)?];
        Ok(engine)
    }

    /// Sources without a merge, which stand in no file, and of which the kind is not known; nothing is
    /// kept of them.
    pub(super) fn of_sources(labels: Vec<Label>, sources: Vec<Arc<dyn Source>>) -> Self {
        let (helper_labels, source_kinds, source_places) = (Vec::new(), Vec::new(), Vec::new());
        let (steps, disabled) = (Vec::new(), Vec::new());
        let stores = sources.iter().map(|_| None).collect();
        Self {
            labels,
            helper_labels,
            sources,
            source_kinds,
            source_places,
            stores,
            steps,
            disabled,
            on_demand: Vec::new(),
            remembered: Remembered::default(),
        }
    }

    /// The labels it gives, in declared order.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Its sources that run, in order.
    pub fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }

    /// The name of each of its sources that run, and its kind, the value of `kind` in the engine file.
    pub fn source_kinds(&self) -> impl Iterator<Item = (&Arc<str>, &'static str)> {
        self.sources.iter().map(|source| source.name()).zip(self.source_kinds.iter().copied())
    }

    /// The names of the sources that the engine file holds and that do not run.
    pub fn disabled(&self) -> &[Arc<str>] {
        &self.disabled
    }

    /// The sources that its file switches off and nobody switched on by name, and the labels that it gives only with each.
    pub fn on_demand(&self) -> &[(Arc<str>, Vec<Label>)] {
        &self.on_demand
    }

    /// The passes of its merge, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Completes what is kept of the sources' findings ([`EngineOptions::evidence`]) and says how often each
    /// source was spared; to be called after the last document. Empty where nothing is kept.
    ///
    /// # Errors
    /// Where something could not be kept or read; the entities are right all the same.
    pub fn finish_evidence(&self) -> Result<Vec<EvidenceUse>> {
        self.stores.iter().flatten().map(SourceStore::finish).collect()
    }

    /// Runs the cases that sources and passes bring along (rules do) and gives those that fail.
    pub fn check(&self) -> Vec<Error> {
        let sources = self.sources.iter().flat_map(|source| source.check());
        sources.chain(self.steps.iter().flat_map(|step| step.pass.check())).collect()
    }
}

pub(super) fn build(
    file: &TomlFile,
    files: Files,
    options: &EngineOptions,
    parts: &mut Parts,
) -> Result<Engine> {
    let mut config = EngineConfig::parse(file.parse()?);
    let mut errors = std::mem::take(&mut config.errors);
    // Passes may name every source of the file, also one that is switched off or did not load.
    let names = std::mem::take(&mut config.source_names);
    check_switches(&config.sources, options, &mut errors);
    let context = LoadContext { files: listed(files, options), device: options.device };
    let are_labels_known = config.labels.is_some();
    let mut labels: Vec<Label> = config.labels.iter().flatten().map(|l| Label::new(l)).collect();
    let mut helpers: Vec<Label> = config.helper_labels.iter().map(|l| Label::new(l)).collect();
    let (mut sources, mut stores) = (Vec::new(), Vec::new());
    let (mut disabled, mut on_demand) = (Vec::new(), Vec::new());
    for source in config.sources {
        let is = |list: &[String]| list.iter().any(|n| **n == *source.name);
        if !source.enabled && !is(&options.with) {
            let labels = source.adds_labels.iter().map(|label| Label::new(label)).collect();
            on_demand.push((source.name.clone(), labels));
        }
        if !(source.enabled || options.all || is(&options.with)) || is(&options.without) {
            disabled.push(source.name.clone());
            continue;
        }
        labels.extend(source.adds_labels.iter().map(|l| Label::new(l)));
        let place = source.place.clone();
        let loaded =
            load_source(source, &context, options, parts).and_then(|(loaded, kind, key)| {
                let store = store(loaded.name(), key, options)?;
                Ok((loaded, kind, store))
            });
        match loaded {
            Ok((loaded, kind, store)) => {
                sources.push((loaded, (kind, place)));
                stores.push(store);
            }
            Err(error) => errors.extend(error.into_list()),
        }
    }
    check_labels(&labels, &config.labels_place, &mut errors);
    dedup_keeping_order(&mut labels);
    dedup_keeping_order(&mut helpers);
    let declared: Vec<Label> = labels.iter().chain(&helpers).cloned().collect();
    // A file whose labels cannot be read has said so; every source would repeat it.
    for (source, (_, place)) in sources.iter().filter(|_| are_labels_known) {
        check_source_labels(source.as_ref(), place, &declared, &mut errors);
    }
    let (sources, notes): (Vec<Arc<dyn Source>>, Vec<_>) = sources.into_iter().unzip();
    let (source_kinds, source_places): (Vec<&'static str>, Vec<Location>) =
        notes.into_iter().unzip();
    let mut scope =
        PassScope { sources: &names, labels: &declared, files: &context.files, flat: false };
    let mut steps = Vec::new();
    for (table, PassConfig { enabled, section }) in config.passes.into_iter().enumerate() {
        let place = section.location();
        let flat = scope.flat;
        match parts.passes(section, &mut scope) {
            Ok(_) if !enabled => scope.flat = flat,
            Ok(passes) => {
                let step = |(kind, pass)| Step { kind, place: place.clone(), table, pass };
                steps.extend(passes.into_iter().map(step));
            }
            Err(error) => errors.extend(error.into_list()),
        }
    }
    match Error::several(errors) {
        Some(error) => Err(error),
        None => {
            let helper_labels = helpers;
            Ok(Engine {
                labels,
                helper_labels,
                sources,
                source_kinds,
                source_places,
                stores,
                steps,
                disabled,
                on_demand,
                remembered: Remembered::default(),
            })
        }
    }
}

fn load_source(
    config: SourceConfig<'_>,
    context: &LoadContext,
    options: &EngineOptions,
    parts: &mut Parts,
) -> Result<(Arc<dyn Source>, &'static str, Option<SourceKey>)> {
    let SourceConfig { name, kind, kind_place, place, mut section, .. } = config;
    let kind = source::kind(&kind).map_err(|e| e.at(kind_place))?;
    if let Some(precision) = options.precision.filter(|_| kind.name == "model") {
        section.set_str("precision", precision.name());
    }
    let load = |section: Section<'_>, files| {
        let context = LoadContext { files, ..context.clone() };
        (kind.load)(name.clone(), section, &context).map(Arc::from)
    };
    parts
        .source(&name, kind.name, section, &context.files, load)
        .map(|(source, key)| (source, kind.name, key))
        .map_err(|e| if e.related().is_empty() { e.at(place) } else { e })
}

/// `files`, with a list of what is read where findings are kept: it is part of their key.
fn listed(files: Files, options: &EngineOptions) -> Files {
    if options.evidence.is_some() { files.listed() } else { files }
}

/// What is kept of the source `name`, whose state is `key`.
fn store(
    name: &Arc<str>,
    key: Option<SourceKey>,
    options: &EngineOptions,
) -> Result<Option<SourceStore>> {
    let (Some(folder), Some(key)) = (&options.evidence, key) else { return Ok(None) };
    SourceStore::open(folder, name, key).map(Some)
}

/// `--with` and `--without` must name sources of the engine file.
fn check_switches(sources: &[SourceConfig<'_>], options: &EngineOptions, errors: &mut Vec<Error>) {
    let known: Vec<&str> = sources.iter().map(|s| &*s.name).collect();
    for name in options.with.iter().chain(&options.without) {
        if !known.contains(&name.as_str()) {
            errors.push(Error::unknown("source", name, &known));
        }
    }
}

fn check_labels(labels: &[Label], place: &Location, errors: &mut Vec<Error>) {
    for label in labels {
        let name = label.as_str();
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let message = format!("'{name}' is not a label: a label has no white space");
            errors.push(Error::new(ErrorKind::Config, message).at(place.clone()));
        }
    }
}

fn check_source_labels(
    source: &dyn Source,
    place: &Location,
    declared: &[Label],
    errors: &mut Vec<Error>,
) {
    for label in source.labels() {
        if !declared.contains(&label) {
            let known: Vec<&str> = declared.iter().map(Label::as_str).collect();
            let message = format!(
                "source '{}' proposes label '{label}', which the engine file does not declare",
                source.name()
            );
            let row = source.as_gazetteer().and_then(|gazetteer| gazetteer.first_with(&label));
            let place = row.unwrap_or_else(|| place.clone());
            errors.push(Error::new(ErrorKind::Config, message).at(place).with_help(format!(
                "add it to `labels`, `helper-labels` or the source's `adds-labels`; declared: {}",
                known.join(", ")
            )));
        }
    }
}

fn dedup_keeping_order(labels: &mut Vec<Label>) {
    let mut seen = BTreeSet::new();
    labels.retain(|label| seen.insert(label.clone()));
}
