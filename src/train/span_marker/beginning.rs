//! What a run begins with: the folder of a SpanMarker, or that of an encoder of which one is made as the
//! library makes it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::{Map, Value, json};

use super::options::SpanMarkerOptions;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;
use crate::source::model::ModelFolder;
use crate::source::model::folder_options::parse_config;
use crate::source::model::head::{NewWeight, Start};
use crate::source::model::span_marker::{MARKERS, Network, OUTSIDE, SpanMarkerConfig};
use crate::source::model::tokens::SubWords;
use crate::source::model::weights::Weights;
use crate::train::encoder;
use crate::train::recipe::{LastLayer, Recipe};
use crate::train::trainee::{cannot_keep, check_no_adapter, set_dropout};

/// The release of the library whose folders are written.
const VERSION: &str = "1.8.1";

/// What the library takes for the longest text where nothing says one.
const LONGEST: usize = 512;

/// The embeddings of sub-words.
const WORDS: &str = "encoder.embeddings.word_embeddings.weight";

/// A weight of every encoder as wide as its hidden states.
const QUERY: &str = "encoder.encoder.layer.0.attention.self.query.weight";

/// The layer over the spans.
const LAST_LAYER: [&str; 2] = ["classifier.weight", "classifier.bias"];

/// A model before the first step.
pub(super) struct Beginning {
    /// Its `config.json`.
    pub(super) config: Map<String, Value>,
    /// Its weights, with the names of the library.
    pub(super) tensors: BTreeMap<String, Tensor>,
    /// Its `tokenizer.json`.
    pub(super) tokenizer: Vec<u8>,
    /// Whether the layer over the spans is a new one.
    pub(super) has_new_layer: bool,
    /// The embeddings that have rows for markers which the start folder has not.
    pub(super) new_words: Option<&'static str>,
    /// The folder that it comes from, without weights.
    pub(super) folder: ModelFolder,
    /// What to call the file of the weights.
    pub(super) weights_place: String,
}

impl Beginning {
    /// Reads the folder `start` and makes it what the recipe says, for these labels.
    ///
    /// # Errors
    /// Where the folder is missing or damaged, holds no encoder, or does not fit the recipe.
    pub(super) fn read(
        recipe: &Recipe,
        (files, start): (&Files, &Path),
        labels: &[String],
        device: &Device,
    ) -> Result<Self> {
        let options = SpanMarkerOptions::read(recipe)?;
        let name = start.to_string_lossy();
        let mut folder = ModelFolder::read(files, &name, device)?;
        let place = folder.config_place.clone();
        let here = |e: Error| if e.location().is_some() { e } else { e.at(Location::file(&place)) };
        check_no_adapter(files, &name).map_err(here)?;
        let none = Weights::new(BTreeMap::new(), String::new());
        let (tensors, weights_place) = std::mem::replace(&mut folder.weights, none).into_parts();
        let config: Map<String, Value> = parse_config(&folder.config, &place)?;
        let is_own = config.get("model_type").and_then(Value::as_str) == Some("span-marker");
        let mut begun = Self {
            tokenizer: folder.tokenizer.to_vec(),
            has_new_layer: true,
            new_words: None,
            tensors,
            config,
            folder,
            weights_place,
        };
        if !is_own {
            begun.wrap(&name).map_err(here)?;
        }
        options.apply(&mut begun.config);
        let longest = begun.longest(recipe);
        begun.config.insert("model_max_length".to_owned(), json!(longest));
        if let Some(rate) = recipe.model.dropout {
            set_dropout(begun.encoder(), rate);
        }
        begun.label(recipe, labels, is_own, &place).map_err(here)?;
        begun.grow(recipe, device).map_err(here)?;
        Ok(begun)
    }

    /// The text of its `config.json`.
    pub(super) fn config_text(&self) -> String {
        Value::Object(self.config.clone()).to_string()
    }

    /// The folder that it would be, without weights.
    pub(super) fn into_folder(self) -> ModelFolder {
        let tokenizer = Cow::Owned(self.tokenizer.clone());
        ModelFolder { config: self.config_text(), tokenizer, ..self.folder }
    }

    fn encoder(&mut self) -> &mut Map<String, Value> {
        let encoder = self.config.entry("encoder").or_insert_with(|| json!({}));
        if !encoder.is_object() {
            *encoder = json!({});
        }
        encoder.as_object_mut().expect("it is an object")
    }

    /// Makes a SpanMarker of an encoder, or of a model that holds one.
    fn wrap(&mut self, start: &str) -> Result<()> {
        let model_type = self.config.get("model_type").and_then(Value::as_str).unwrap_or_default();
        let architecture = Network::encoder(model_type, &self.folder.config_place)?;
        let mut encoder = encoder::without_stale_keys(std::mem::take(&mut self.config));
        // The library reads the kind of the encoder and its tokenizer from there, and its numbers too where it
        // is not said here that they are as those of its own layer.
        encoder.insert("_name_or_path".to_owned(), json!(start));
        encoder.insert("dtype".to_owned(), json!("float32"));
        for (key, value) in [
            ("architectures", json!(["SpanMarkerModel"])),
            ("model_type", json!("span-marker")),
            ("encoder", Value::Object(encoder)),
            ("model_max_length_default", json!(LONGEST)),
            ("span_marker_version", json!(VERSION)),
        ] {
            self.config.insert(key.to_owned(), value);
        }
        let tensors = encoder::weights(std::mem::take(&mut self.tensors), architecture.prefix);
        let named = tensors.into_iter().map(|(name, tensor)| (format!("encoder.{name}"), tensor));
        self.tensors = named.collect();
        Ok(())
    }

    /// How many sub-words a text may have: as the recipe says, else the folder or the tokenizer; the library
    /// takes what it is told, even where the encoder knows fewer positions.
    fn longest(&mut self, recipe: &Recipe) -> usize {
        let own = self.config.get("model_max_length").and_then(Value::as_u64);
        let of_tokenizer = self.folder.tokenizer_config.as_ref().map(|config| config.longest());
        let usual = own.map_or(LONGEST, |own| own as usize);
        let usual = usual.min(of_tokenizer.unwrap_or(usize::MAX));
        let positions = self.encoder().get("max_position_embeddings").and_then(Value::as_u64);
        let positions = positions.map_or(LONGEST, |positions| positions as usize);
        recipe.model.max_length.unwrap_or(usual).min(positions.saturating_sub(2))
    }

    /// Gives it the labels of the run, or leaves it its own where they are the same.
    fn label(
        &mut self,
        recipe: &Recipe,
        labels: &[String],
        is_own: bool,
        place: &str,
    ) -> Result<()> {
        let sorted = |labels: &[String]| {
            let mut labels: Vec<String> =
                labels.iter().filter(|label| *label != OUTSIDE).cloned().collect();
            labels.sort();
            labels
        };
        let own = match is_own {
            true => Some(SpanMarkerConfig::parse(&self.config_text(), place)?.labels),
            false => None,
        };
        let has_layer = LAST_LAYER.iter().all(|name| self.tensors.contains_key(*name));
        let is_same = has_layer && own.as_ref().is_some_and(|own| sorted(own) == sorted(labels));
        if recipe.model.last_layer == LastLayer::Keep && !is_same {
            let had = own.filter(|_| has_layer);
            return Err(cannot_keep("labels", had.as_deref(), labels));
        }
        self.has_new_layer = !is_same || recipe.model.last_layer == LastLayer::New;
        if !self.has_new_layer {
            return Ok(());
        }
        let names =
            || std::iter::once(OUTSIDE).chain(labels.iter().map(String::as_str)).enumerate();
        let id2label: Map<String, Value> =
            names().map(|(id, name)| (id.to_string(), json!(name))).collect();
        let label2id: Map<String, Value> =
            names().map(|(id, name)| (name.to_owned(), json!(id))).collect();
        for stale in ["id2label", "label2id", "id2reduced_id"] {
            self.config.shift_remove(stale);
        }
        self.encoder().insert("id2label".to_owned(), Value::Object(id2label));
        self.encoder().insert("label2id".to_owned(), Value::Object(label2id));
        Ok(())
    }

    /// Adds the markers to the tokenizer and the embeddings where they are not there, and the layer over the
    /// spans where it is new.
    fn grow(&mut self, recipe: &Recipe, device: &Device) -> Result<()> {
        let labels =
            SpanMarkerConfig::parse(&self.config_text(), &self.folder.config_place)?.labels;
        let no_encoder = |name: &str| {
            let message = format!("the start folder holds no encoder: there is no weight '{name}'");
            Error::new(ErrorKind::Model, message).at(Location::file(&self.weights_place))
        };
        let size = |name: &str| match self.tensors.get(name).map(Tensor::dims) {
            Some([rows, columns]) => Ok((*rows, *columns)),
            _ => Err(no_encoder(name)),
        };
        let ((rows, width), (hidden, _)) = (size(WORDS)?, size(QUERY)?);
        let settings = self.folder.tokenizer_config.as_ref();
        let mut sub_words =
            SubWords::load(&self.tokenizer, settings, &self.folder.tokenizer_place)?;
        sub_words.add_special(&MARKERS)?;
        self.tokenizer = encoder::with_special_sub_words(&self.tokenizer, &sub_words, &MARKERS)?;
        // A multiple of 8, as the library has it.
        let needed = rows.max(sub_words.count().next_multiple_of(8));
        let new = |name: &str, shape: &[usize], start| NewWeight {
            name: name.to_owned(),
            shape: shape.to_vec(),
            start,
            is_of_tags: true,
        };
        let mut fresh = Vec::new();
        if needed > rows {
            fresh.push(new(WORDS, &[needed - rows, width], Start::Normal));
        }
        if self.has_new_layer {
            fresh.push(new(LAST_LAYER[0], &[labels.len(), 2 * hidden], Start::Normal));
            fresh.push(new(LAST_LAYER[1], &[labels.len()], Start::Zeros));
        }
        self.new_words = (needed > rows).then_some(WORDS);
        self.config.insert("vocab_size".to_owned(), json!(needed));
        self.encoder().insert("vocab_size".to_owned(), json!(needed));
        if self.has_new_layer {
            LAST_LAYER.iter().for_each(|name| drop(self.tensors.remove(*name)));
        }
        let spread = encoder::spread(self.encoder());
        encoder::add_new(&mut self.tensors, &fresh, (recipe, spread), device)
    }
}
