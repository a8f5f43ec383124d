//! GLiNER as a source: one model for any labels (Zaratiana et al. 2023, arXiv:2311.08526), which reads the
//! labels it is asked for before the text. Folders are read as the library `gliner` saves them: models with one
//! encoder that score spans (`markerV0`, `marker`) or words (`token_level`).
//!
//! `folder` and `settings` read the folder's configuration, `prompts` makes sub-words of labels, `words` cuts text as the
//! library does, `network` and `scorer` compute, `reading` takes documents through it, `decode` chooses
//! entities, `why_not` says why one was not chosen.

mod decode;
mod folder;
mod network;
mod prompts;
mod reading;
mod scorer;
mod settings;
mod why_not;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use candle_core::Device;
use rayon::prelude::*;

use self::decode::{Candidate, choose, of_spans, of_words};
use self::prompts::{Group, Prompts};
use self::reading::Work;
use super::config::{ModelConfig, WordSource};
use super::system::System;
use super::tokens::SubWords;
use super::weights::Weights;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::source::{BatchLimit, Found, LoadContext, Refusal, Source};
use crate::span::{Label, Mention, Origin};
use crate::text::{Document, Span};

pub use decode::Decoding;
pub use folder::GlinerFolder;
pub use network::Network;
pub use reading::Row;
pub use settings::{FILE, Settings, SpanMode};

pub(super) const SYSTEM: System = System {
    name: "gliner",
    doc: "Any labels, read before the text: GLiNER (Zaratiana et al. 2023, arXiv:2311.08526), as `gliner` saves \
          it.",
    options: &[
        "labels",
        "prompts",
        "threshold",
        "thresholds",
        "decoding",
        "words",
        "context",
        "max-length",
        "overlap",
        "batch-tokens",
        "precision",
    ],
    owns: |files, folder| files.exists(&format!("{folder}/{}", FILE)),
    load: |name, config, context| Ok(Box::new(Gliner::load(name, config, context)?)),
};

/// What the library takes for likely where nothing is said.
const THRESHOLD: f64 = 0.5;

/// A model with the labels it is asked for.
pub struct Gliner {
    name: Arc<str>,
    origin: Origin,
    config: ModelConfig,
    settings: Settings,
    sub_words: SubWords,
    network: Network,
    device: Device,
    /// In the order in which they are read.
    labels: Vec<Label>,
    /// What the probability of each must be above.
    thresholds: Vec<f32>,
    decoding: Decoding,
    /// The longest sequence in sub-words.
    longest: usize,
    /// All labels at once, for texts that fit beside them.
    whole: Group,
    /// The labels in as many parts as it takes to leave half of the longest sequence to the text.
    groups: Vec<Group>,
    prompts: Prompts,
}

impl Gliner {
    /// Loads the model that `config` describes.
    ///
    /// # Errors
    /// As [`Gliner::of_folder`], and where the device that was asked for is not there.
    pub fn load(name: Arc<str>, config: ModelConfig, context: &LoadContext) -> Result<Self> {
        asked_for(&config)?;
        let device = context.device.open()?;
        let (files, folder) = (&context.files, config.path.trim_end_matches('/').to_owned());
        let read = GlinerFolder::read(files, &folder)?;
        let precision = config.precision.under_others(&device);
        let weights = || {
            let weights = Weights::load(files, &folder, &device)?.with_precision(precision);
            Network::named(&read.settings, weights)
        };
        let model = Self::of_folder(name, config, &read, weights, &device)?;
        let (architecture, computed) =
            (&read.settings.model_type, model.network.encoder().precision());
        model.config.check_precision(&model.name, architecture, computed, &device)?;
        Ok(model)
    }

    /// The model of a folder that has been read, with these weights (see [`Network::named`]), which are on
    /// `device`.
    ///
    /// # Errors
    /// Where what was read or the weights do not fit each other, and where no labels are given or an option of
    /// them is wrong.
    pub fn of_folder(
        name: Arc<str>,
        config: ModelConfig,
        folder: &GlinerFolder,
        weights: impl FnOnce() -> Result<Weights>,
        device: &Device,
    ) -> Result<Self> {
        let (labels, texts) = asked_for(&config)?;
        let thresholds = thresholds(&config, &labels)?;
        let GlinerFolder { settings, tokenizer, tokenizer_place, tokenizer_config } = folder;
        check_words(&config, settings)?;
        let tokenizer_config = tokenizer_config.as_ref();
        let mut sub_words = SubWords::load(tokenizer, tokenizer_config, tokenizer_place)?;
        let prompts = Prompts::new(&mut sub_words, settings, &texts)?;
        let network = Network::load(settings, &weights()?)?;
        let longest = config
            .max_length
            .unwrap_or(usize::MAX)
            .min(network.encoder().max_length())
            .min(tokenizer_config.map_or(usize::MAX, |config| config.longest()));
        let mut model = Self {
            origin: config.origin(&name),
            name,
            decoding: config.decoding.unwrap_or_default(),
            whole: prompts.whole(),
            config,
            settings: settings.clone(),
            sub_words,
            network,
            device: device.clone(),
            labels,
            thresholds,
            longest,
            groups: Vec::new(),
            prompts,
        };
        let groups = model.prompts.groups(&model.prompts.all(), model.room_for_labels());
        model.groups = groups.ok_or_else(|| {
            let message = format!(
                "a label takes more than half of the {longest} sub-words that the model reads at once"
            );
            model.config.at("labels", Error::new(ErrorKind::Config, message))
        })?;
        Ok(model)
    }

    /// How many sub-words labels may take where not all fits at once.
    fn room_for_labels(&self) -> usize {
        let specials = self.sub_words.before.len() + self.sub_words.after.len();
        self.longest.saturating_sub(specials) / 2
    }

    /// The labels that it is asked for, in the order of their numbers.
    pub fn asked(&self) -> &[Label] {
        &self.labels
    }

    /// What padding is made of.
    pub fn pad(&self) -> u32 {
        self.sub_words.pad
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the folder says of the model.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The likely spans of a unit of so many words with these logits.
    fn candidates(&self, logits: &[f32]) -> Vec<Candidate> {
        match self.settings.span_mode {
            SpanMode::TokenLevel => of_words(logits, &self.thresholds),
            _ => of_spans(logits, self.network.parts(), &self.thresholds),
        }
    }

    fn found(&self, work: &Work) -> Found {
        let mut mentions = Vec::new();
        for (unit, logits) in work.units.iter().zip(&work.logits) {
            for chosen in choose(self.candidates(logits), self.decoding) {
                let (first, last) = (unit.words[chosen.start], unit.words[chosen.end - 1]);
                mentions.push(Mention {
                    span: Span::new(first.start, last.end),
                    label: self.labels[chosen.label].clone(),
                    score: chosen.score,
                    origin: self.origin.clone(),
                });
            }
        }
        Found { mentions, ..Found::default() }
    }
}

/// Checks that running text can be cut into words as the options and the folder say.
fn check_words(config: &ModelConfig, settings: &Settings) -> Result<()> {
    if config.words == Some(WordSource::Tokenizer) {
        let message = "a GLiNER model labels words, expected words = \"text\" or none";
        return Err(config.at("words", Error::new(ErrorKind::Config, message)));
    }
    let splitter = &settings.words_splitter;
    if splitter == "whitespace" || config.words.is_some() {
        return Ok(());
    }
    let message = format!("words_splitter_type is '{splitter}', expected 'whitespace'");
    let help = "set words = \"text\" for another segmentation";
    let error = Error::new(ErrorKind::Model, message).with_help(help);
    Err(error.at(Location::file(&settings.place)))
}

/// The labels of the options, and what the model is asked for each.
fn asked_for(config: &ModelConfig) -> Result<(Vec<Label>, Vec<&str>)> {
    let wrong = |option: &str, message: String, help: &str| {
        Err(config.at(option, Error::new(ErrorKind::Config, message).with_help(help)))
    };
    let names: Vec<&str> = match &config.labels {
        Some(labels) => labels.iter().map(String::as_str).collect(),
        None => config.prompts.keys().map(String::as_str).collect(),
    };
    let help = "say what it is to find: labels = [\"person\", \"city\"] in an engine file, `--labels \
                person,city` beside `--model`";
    if names.is_empty() {
        return wrong("labels", "a GLiNER model needs labels".to_owned(), help);
    }
    if let Some(prompted) = config.prompts.keys().find(|label| !names.contains(&label.as_str())) {
        let error = Error::unknown("label in 'prompts'", prompted, &names);
        return Err(config.at("prompts", error));
    }
    let asked = names.iter().map(|name| config.prompts.get(*name).map_or(*name, String::as_str));
    let texts: Vec<&str> = asked.collect();
    let mut seen = BTreeSet::new();
    for (name, text) in names.iter().zip(&texts) {
        if name.trim().is_empty() || text.trim().is_empty() {
            return wrong("labels", format!("label '{name}' is asked for by '{text}'"), help);
        }
        if !seen.insert(*text) {
            let help = "each label stands once, and is asked for by a text of its own";
            return wrong("labels", format!("'{text}' is asked for twice"), help);
        }
    }
    if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
        return wrong("labels", "a label stands there twice".to_owned(), "each label stands once");
    }
    Ok((names.into_iter().map(Label::new).collect(), texts))
}

/// What the probability of each label must be above.
fn thresholds(config: &ModelConfig, labels: &[Label]) -> Result<Vec<f32>> {
    let known: Vec<&str> = labels.iter().map(Label::as_str).collect();
    let checked = |option: &str, threshold: f64| {
        if (0.0..=1.0).contains(&threshold) {
            return Ok(threshold as f32);
        }
        let message = format!("{option} is {threshold}, expected 0 to 1");
        Err(config.at(option, Error::new(ErrorKind::Config, message)))
    };
    if let Some(label) = config.thresholds.keys().find(|label| !known.contains(&label.as_str())) {
        let error = Error::unknown("label in 'thresholds'", label, &known);
        return Err(config.at("thresholds", error));
    }
    let common = checked("threshold", config.threshold.unwrap_or(THRESHOLD))?;
    let of_label = |label: &&str| match config.thresholds.get(*label) {
        Some(threshold) => checked("thresholds", *threshold),
        None => Ok(common),
    };
    known.iter().map(of_label).collect()
}

impl Source for Gliner {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn labels(&self) -> Vec<Label> {
        let mut labels = self.labels.clone();
        labels.sort();
        labels
    }

    fn find(&self, document: &Document) -> Result<Found> {
        self.find_batch(&[document]).pop().expect("one document in, one answer out")
    }

    fn find_batch(&self, documents: &[&Document]) -> Vec<Result<Found>> {
        let work = self.work(documents);
        work.into_par_iter().map(|work| Ok(self.found(&work?))).collect()
    }

    fn why_not(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Result<Vec<Refusal>> {
        self.refusals(document, span, label)
    }

    fn describe(&self) -> String {
        let device = if self.device.is_cpu() { "the processor" } else { "a CUDA device" };
        let words = self.settings.max_words;
        let passes = match self.groups.len() {
            1 => String::new(),
            passes => format!(" (in {passes} passes where a text is long)"),
        };
        format!(
            "model, GLiNER {} on {}, {} labels{passes}, texts of {words} words, on {device}",
            self.settings.span_mode.name(),
            self.settings.model_type,
            self.labels.len(),
        )
    }

    fn is_off_processor(&self) -> bool {
        !self.device.is_cpu()
    }

    fn batch_limit(&self) -> Option<BatchLimit> {
        Some(BatchLimit::of_model(64))
    }
}
