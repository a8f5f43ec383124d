//! SpanMarker (Aarsen 2023, after PL-Marker, Ye et al. 2022, arXiv:2109.06067): every stretch of a few words
//! is a candidate, marked by a pair of tokens behind the text that have the positions of its first and last
//! sub-word. A folder is one that `span_marker` 1.x saves. Parity: `tests/span_marker.rs`.

mod answers;
mod config;
mod network;
mod sample;
mod sentence;
mod why_not;

use std::sync::Arc;

use candle_core::Device;
use serde::Deserialize;

use super::config::{ModelConfig, WordSource};
use super::system::System;
use super::tagger::ModelFolder;
use super::tokens::SubWords;
use super::weights::Weights;
use super::word_tagger::{stretches, words_of};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;
use crate::source::{BatchLimit, Found, LoadContext, Refusal, Source};
use crate::span::{Label, Origin};
use crate::text::{Document, Span};

pub use config::{Neighbours, OUTSIDE, SpanMarkerConfig};
pub use network::Network;
pub use sample::Sample;
pub use sentence::{MARKERS, Sentence};

use sample::Samples;
use sentence::adapt;

pub(super) const SYSTEM: System = System {
    name: "span-marker",
    doc: "A label for every stretch of a few words, by markers beside the text (Aarsen 2023, after Ye et al. \
          2022, arXiv:2109.06067), as `span_marker` saves it.",
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
    owns: is_folder,
    load: |name, config, context| Ok(Box::new(SpanMarker::load(name, config, context)?)),
};

/// Whether the `config.json` of a folder says that it is SpanMarker's.
fn is_folder(files: &Files, folder: &str) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        model_type: String,
    }
    let path = format!("{folder}/config.json");
    let text = if files.exists(&path) { files.read_text(&path).ok() } else { None };
    let kind = text.and_then(|text| serde_json::from_str::<Kind>(&text).ok());
    kind.is_some_and(|kind| kind.model_type == "span-marker")
}

/// A model of SpanMarker, loaded.
pub struct SpanMarker {
    name: Arc<str>,
    origin: Origin,
    config: ModelConfig,
    settings: SpanMarkerConfig,
    sub_words: SubWords,
    network: Network,
    samples: Samples,
    /// The label of each id by its new name; `None` for the one that is none.
    labels: Vec<Option<Label>>,
    /// The labels by their new names, each once.
    known: Vec<Label>,
    device: Device,
}

impl SpanMarker {
    /// Loads the model that `config` describes.
    ///
    /// # Errors
    /// Where a file of the folder is missing, damaged or does not fit the others, the encoder is none that
    /// takes markers, an option does not fit the model, and where the device that was asked for is not
    /// there.
    pub fn load(name: Arc<str>, config: ModelConfig, context: &LoadContext) -> Result<Self> {
        let device = context.device.open()?;
        let path = config.path.trim_end_matches('/').to_owned();
        let mut folder = ModelFolder::read(&context.files, &path, &device)?;
        folder.weights = folder.weights.with_precision(config.precision.under_others(&device));
        let model = Self::of_folder(name, config, &folder, device)?;
        let (architecture, computed) = (&model.settings.model_type, model.network.precision());
        model.config.check_precision(&model.name, architecture, computed, &model.device)?;
        Ok(model)
    }

    /// The model of a folder that has been read; its weights are on `device`.
    ///
    /// # Errors
    /// Where its parts do not fit each other.
    pub fn of_folder(
        name: Arc<str>,
        config: ModelConfig,
        folder: &ModelFolder,
        device: Device,
    ) -> Result<Self> {
        let place = &folder.config_place;
        let here = |e: Error| if e.location().is_some() { e } else { e.at(Location::file(place)) };
        let settings = SpanMarkerConfig::parse(&folder.config, place)?;
        let labels = renamed(&settings.labels, &config).map_err(here)?;
        let known = in_order_of_ids(&labels);
        config.check_labels(&known)?;
        let tokenizer = folder.tokenizer_config.as_ref();
        let class = tokenizer.and_then(|tokenizer| tokenizer.class());
        // XLM-RoBERTa's classes begin so; what other class reads its sub-words parts no punctuation.
        let parts_punctuation = match class {
            Some(class) => class.starts_with("XLMRobertaTokenizer"),
            None => settings.model_type == "xlm-roberta",
        };
        let (bytes, source) = (&folder.tokenizer, &folder.tokenizer_place);
        let mut sub_words = SubWords::adapted(bytes, tokenizer, source, |tokenizer| {
            adapt(tokenizer, parts_punctuation);
        })?;
        sub_words.add_special(&MARKERS)?;
        let markers = marker_ids(&sub_words);
        let pad = sub_words.pad;
        let network =
            Network::load(&settings, place, &folder.weights, markers, pad).map_err(here)?;
        let usual = tokenizer.map_or(usize::MAX, |tokenizer| tokenizer.longest());
        let usual = settings.model_max_length.min(usual);
        let longest = config.max_length.unwrap_or(usual).min(network.longest());
        let specials = sub_words.before.len() + sub_words.after.len();
        let capacity = longest.saturating_sub(specials);
        if capacity == 0 {
            let message = format!("max-length {longest} leaves no room beside special tokens");
            return Err(here(Error::new(ErrorKind::Model, message)));
        }
        let samples = Samples {
            before: sub_words.before.clone(),
            after: sub_words.after.clone(),
            capacity,
            overlap: config.overlap.min(capacity / 2),
            longest: settings.entity_max_length,
            markers: settings.marker_max_length,
            neighbours: settings.neighbours,
        };
        let origin = config.origin(&name);
        Ok(Self {
            name,
            origin,
            config,
            settings,
            sub_words,
            network,
            samples,
            labels,
            known,
            device,
        })
    }

    /// What the folder's `config.json` says.
    pub fn settings(&self) -> &SpanMarkerConfig {
        &self.settings
    }

    /// The encoder and the classifier.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The same network of other weights, with names as in a file of the library; `place` names the
    /// `config.json`.
    ///
    /// # Errors
    /// Where a weight is missing or does not fit.
    pub fn network_of(&self, weights: &Weights, place: &str) -> Result<Network> {
        let markers = marker_ids(&self.sub_words);
        Network::load(&self.settings, place, weights, markers, self.sub_words.pad)
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The sentences of a document, cut into words; none is empty. Given words are one sentence.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn sentences(&self, document: &Document) -> Result<Vec<Sentence>> {
        let (text, sub_words) = (&document.text, &self.sub_words);
        let words = self.config.words.unwrap_or(WordSource::Tokenizer);
        let sentence = |stretch: Span| match words {
            WordSource::Tokenizer => Sentence::of_text(sub_words, text, stretch),
            WordSource::Text => Sentence::of_words(sub_words, text, &words_of(text, stretch)),
        };
        let sentences: Vec<Result<Sentence>> = match document.token_spans() {
            Some(words) => vec![Sentence::of_words(sub_words, text, &words)],
            None => stretches(text, self.config.context.unwrap_or_default())
                .into_iter()
                .map(sentence)
                .collect(),
        };
        let is_empty = |s: &Result<Sentence>| s.as_ref().is_ok_and(|s| s.words.is_empty());
        sentences.into_iter().filter(|sentence| !is_empty(sentence)).collect()
    }

    /// What the encoder reads of sentence `number` of a document, at once each: every candidate of up to
    /// `entity_max_length` words that fits into the longest sequence is in one of them.
    pub fn samples(&self, sentences: &[Sentence], number: usize) -> Vec<Sample> {
        self.samples.of(sentences, number)
    }
}

/// The ids of the markers.
fn marker_ids(sub_words: &SubWords) -> [u32; 2] {
    MARKERS.map(|marker| sub_words.id(marker).expect("markers were added"))
}

/// The labels by id with their new names; the one that is none has none.
fn renamed(labels: &[String], config: &ModelConfig) -> Result<Vec<Option<Label>>> {
    let known: Vec<&str> = labels.iter().map(String::as_str).filter(|l| *l != OUTSIDE).collect();
    if let Some(label) = config.map.keys().find(|label| !known.contains(&label.as_str())) {
        return Err(config.at("map", Error::unknown("label in 'map'", label, &known)));
    }
    let renamed = |label: &String| {
        let name = config.map.get(label).unwrap_or(label);
        (label != OUTSIDE).then(|| Label::new(name))
    };
    Ok(labels.iter().map(renamed).collect())
}

/// The labels in the order in which they first occur, each once.
fn in_order_of_ids(labels: &[Option<Label>]) -> Vec<Label> {
    let mut known: Vec<Label> = Vec::new();
    for label in labels.iter().flatten() {
        if !known.contains(label) {
            known.push(label.clone());
        }
    }
    known
}

impl Source for SpanMarker {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn labels(&self) -> Vec<Label> {
        self.config.proposed(&self.known)
    }

    fn find(&self, document: &Document) -> Result<Found> {
        self.find_batch(&[document]).pop().expect("one document in, one answer out")
    }

    fn find_batch(&self, documents: &[&Document]) -> Vec<Result<Found>> {
        let work = self.work(documents).into_iter().zip(documents);
        work.map(|(work, document)| Ok(self.found(document, &work?))).collect()
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
        format!(
            "model, span-marker over {}, {} labels for spans of at most {} words, sequences of {} \
             sub-words, on {device}",
            self.settings.model_type,
            self.known.len(),
            self.samples.longest,
            self.samples.capacity
        )
    }

    fn is_off_processor(&self) -> bool {
        !self.device.is_cpu()
    }

    fn batch_limit(&self) -> Option<BatchLimit> {
        Some(BatchLimit::of_model(256))
    }
}
