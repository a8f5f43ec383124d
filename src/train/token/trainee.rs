//! The token classifier that is trained: the start folder with the labels of the run, its weights as
//! variables, and the same weights as a tagger that judges it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use serde_json::{Map, Value, json};

use super::examples::{TagExample, Targets, Teaching, examples, tag_names};
use super::forward::forward;
use super::loss::TagLoss;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;
use crate::source::Source;
use crate::source::model::arch::{self, Architecture, Encoder};
use crate::source::model::batch::Batch;
use crate::source::model::folder_options::{FolderOptions, parse_config};
use crate::source::model::head::{self, Crf, Head, NewWeight, Positions};
use crate::source::model::weights::Weights;
use crate::source::model::{Dropout, HEADS, Mode, ModelConfig, ModelFolder, Tagger};
use crate::train::data::{Corpus, Examples, Excluded};
use crate::train::lora;
use crate::train::recipe::{LastLayer, LoraRecipe, LossRecipe, ModelRecipe, Numbers, Recipe};
use crate::train::save;
use crate::train::trainee::{
    NEW_LAYER_STREAM, Trainee, cannot_keep, check_no_adapter, check_variables, current_name,
    device_failed, draw, set_dropout,
};

/// The names of the last layer's weights.
const LAST_LAYER: [&str; 2] = ["classifier.weight", "classifier.bias"];

/// A token classifier in training.
pub struct TokenTrainee {
    /// The same weights, as a tagger.
    pub tagger: Tagger,
    /// What is trained, by name.
    pub variables: BTreeMap<String, Var>,
    /// The `config.json` of the model that it becomes.
    pub config: Map<String, Value>,
    /// The names of the tags, in the order of their ids.
    pub tags: Vec<String>,
    /// Whether the last layer is a new one.
    pub has_new_layer: bool,
    /// The folder that it began as.
    pub start: PathBuf,
    /// What words may be.
    pub targets: Targets,
    /// What is made small.
    pub loss: Arc<TagLoss>,
    loss_recipe: LossRecipe,
    /// How its adapters are made, where such are trained.
    lora: Option<LoraRecipe>,
    teaching: Teaching,
    encoder: Box<dyn Encoder>,
    head: Box<dyn Head>,
    weights: Weights,
}

impl TokenTrainee {
    /// The model that a run of a recipe begins with, from the folder `start`, for these labels, on a
    /// device.
    ///
    /// # Errors
    /// Where the start folder is missing or damaged, or does not fit the recipe.
    fn begin(recipe: &Recipe, start: &Path, labels: &[String], device: &Device) -> Result<Self> {
        let files = Files::Folder(PathBuf::new());
        let place = start.to_path_buf();
        let start = start.to_string_lossy().into_owned();
        let folder = ModelFolder::read(&files, &start, device)?;
        let here = |error: Error| error.at(Location::file(&folder.config_place));
        let mut config: Map<String, Value> = parse_config(&folder.config, &folder.config_place)?;
        let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
        let architecture = arch::architecture(model_type, &folder.config_place)?;
        check_no_adapter(&files, &start).map_err(here)?;
        let (tensors, weights_place) = folder.weights.into_parts();
        let mut tensors = named_as_in_a_classifier(tensors, architecture.prefix);
        if !recipe.model.head.is_empty() {
            let section = config.entry("spanloom").or_insert_with(|| json!({}));
            section["head"] = Value::Object(recipe.model.head.clone());
        }
        let options = folder_options(&mut config).map_err(here)?;
        let (kind, head_options) = head::kind(&options.head).map_err(here)?;
        let ignored = &options.ignored_tags;
        let (tags, has_new_layer) =
            tags(&recipe.model, labels, &config, ignored, &tensors).map_err(here)?;
        if has_new_layer && let Some(section) = config.get_mut("spanloom") {
            section.as_object_mut().map(|section| section.shift_remove("ignored_tags"));
        }
        configure(&mut config, architecture, &tags, recipe.model.dropout);
        if kind.name != HEADS[0].name {
            // No class of transformers has this head.
            config.shift_remove("architectures");
        }
        let config_text = Value::Object(config.clone()).to_string();
        let fresh = {
            let weights = Weights::new(tensors.clone(), weights_place.clone());
            let encoder = (architecture.load)(&config_text, &weights).map_err(here)?;
            (kind.fresh)(&head_options, encoder.as_ref(), tags.len())
        };
        let of_head: Vec<String> = fresh.iter().map(|weight| weight.name.clone()).collect();
        let spread = config.get("initializer_range").and_then(Value::as_f64).unwrap_or(0.02);
        if has_new_layer {
            let drawn = draw(&fresh, (recipe.seed, NEW_LAYER_STREAM), spread, device)
                .map_err(device_failed)?;
            for ((name, tensor), NewWeight { is_of_tags, .. }) in drawn.into_iter().zip(fresh) {
                if is_of_tags || !tensors.contains_key(&name) {
                    tensors.insert(name, tensor);
                }
            }
        }
        let known: Vec<String> = tensors.keys().cloned().collect();
        let weights = Weights::new(tensors, weights_place);
        let is_learnt =
            |name: &str| recipe.lora.is_none() || of_head.iter().any(|of_head| of_head == name);
        let weights = lora::trainable(recipe, weights, is_learnt, device).map_err(here)?;
        let encoder = (architecture.load)(&config_text, &weights).map_err(here)?;
        let head = (kind.load)(&head_options, &weights, encoder.as_ref(), tags.len());
        let head = head.map_err(here)?;
        check_head(recipe, head.as_ref())?;
        let variables = weights.variables();
        check_variables(recipe, &known, &variables)?;
        let folder = ModelFolder {
            config: config_text,
            ..ModelFolder::with_weights(&files, &start, weights.detached())?
        };
        let options =
            ModelConfig { max_length: recipe.model.max_length, ..ModelConfig::of_folder(&start) };
        let tagger = Tagger::of_folder("model".into(), options, &folder, device.clone())?;
        let targets = Targets::new(tags.clone());
        Ok(Self {
            tagger,
            variables,
            config,
            tags,
            has_new_layer,
            start: place,
            loss: Arc::new(TagLoss::new(&recipe.loss, &targets)),
            targets,
            loss_recipe: recipe.loss.clone(),
            lora: recipe.lora.clone(),
            teaching: Teaching { scheme: recipe.model.scheme, label_all: recipe.model.label_all },
            encoder,
            head,
            weights,
        })
    }

    /// What judges whole sequences of tags; `None` where each word is judged by itself.
    pub fn crf(&self) -> Option<&Crf> {
        self.head.crf()
    }

    /// How its adapters are made, where they are saved by themselves.
    fn adapter(&self) -> Option<&LoraRecipe> {
        self.lora.as_ref().filter(|lora| lora.merge != Some(true))
    }

    /// The logits at some places of each row of a batch: as [`head::logits_at`].
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(
        &self,
        batch: &Batch,
        places: &[&[u32]],
        mode: Mode<'_>,
    ) -> candle_core::Result<Tensor> {
        head::logits_at((self.encoder.as_ref(), self.head.as_ref()), batch, places, mode)
    }
}

impl Trainee for TokenTrainee {
    type Example = TagExample;

    fn new(recipe: &Recipe, start: &Path, labels: &[String], device: &Device) -> Result<Self> {
        Self::begin(recipe, start, labels, device)
    }

    fn examples(&mut self, corpus: &Corpus, excluded: &Excluded) -> Result<Examples<TagExample>> {
        let made = examples(corpus, &self.tagger, &mut self.targets, self.teaching, excluded)?;
        self.loss = Arc::new(TagLoss::new(&self.loss_recipe, &self.targets));
        Ok(made)
    }

    fn weight(&self, example: &TagExample) -> f64 {
        self.loss.weight(&example.targets)
    }

    fn loss(
        &self,
        examples: &[&TagExample],
        divisor: f64,
        dropout: &Dropout,
    ) -> candle_core::Result<Tensor> {
        forward(self, examples, divisor, dropout)
    }

    fn variables(&self) -> &BTreeMap<String, Var> {
        &self.variables
    }

    fn weights(&self) -> BTreeMap<String, Tensor> {
        let mut weights = self.weights.taken();
        if self.adapter().is_some() {
            weights.retain(|name, _| self.variables.contains_key(name));
        }
        weights
    }

    fn source(&self) -> &dyn Source {
        &self.tagger
    }

    fn describe(&self) -> String {
        let model_type = self.config.get("model_type").and_then(Value::as_str).unwrap_or("unknown");
        let layer = if self.has_new_layer { "a new last layer" } else { "its own last layer" };
        format!("a token classifier (`{model_type}`) with {layer}, tags {}", self.tags.join(" "))
    }

    fn save(
        &self,
        folder: &Path,
        weights: &BTreeMap<String, Tensor>,
        numbers: Numbers,
    ) -> Result<()> {
        if let Some(recipe) = self.adapter() {
            return lora::save(folder, &self.start, recipe, &self.config, weights, numbers);
        }
        let weights = lora::merged(self.lora.as_ref(), weights)?;
        save::model(folder, &self.start, &self.config, &weights, numbers)
    }
}

/// The names as a token classifier's checkpoint has them: an encoder alone is saved without the prefix.
fn named_as_in_a_classifier(
    tensors: BTreeMap<String, Tensor>,
    prefix: &str,
) -> BTreeMap<String, Tensor> {
    let has_prefix = tensors.keys().any(|name| name.starts_with(prefix));
    let renamed = |name: String| {
        let name = current_name(&name);
        let of_head = ["head.", "lstm.", "crf."].iter().any(|part| name.starts_with(part));
        if has_prefix || of_head || LAST_LAYER.contains(&name.as_str()) {
            name
        } else {
            prefix.to_owned() + &name
        }
    };
    tensors.into_iter().map(|(name, tensor)| (renamed(name), tensor)).collect()
}

/// What the section `spanloom` says. Of what is saved, it says all but the names of weights, which are
/// written as they are called here.
fn folder_options(config: &mut Map<String, Value>) -> Result<FolderOptions> {
    let Some(section) = config.get_mut("spanloom") else { return Ok(FolderOptions::default()) };
    let options = serde_json::from_value(section.clone())
        .map_err(|e| Error::new(ErrorKind::Model, format!("spanloom: {e}")));
    section.as_object_mut().map(|section| section.shift_remove("weights"));
    options
}

/// Looks whether the head can be trained as the recipe says.
fn check_head(recipe: &Recipe, head: &dyn Head) -> Result<()> {
    let Some(crf) = head.crf() else { return Ok(()) };
    recipe.check_for_crf()?;
    if recipe.model.label_all && crf.positions == Positions::Words {
        let message =
            "'label-all' teaches every sub-word, but the CRF reads only the first of each word";
        return Err(recipe.wrong("model.label-all", message));
    }
    Ok(())
}

/// The tags of the model, and whether its last layer is to be a new one. Where the start folder has the
/// same tags in another order, or besides them some that are no labels, its tags stay.
fn tags(
    recipe: &ModelRecipe,
    labels: &[String],
    config: &Map<String, Value>,
    ignored: &[String],
    tensors: &BTreeMap<String, Tensor>,
) -> Result<(Vec<String>, bool)> {
    let new = tag_names(recipe.scheme, labels);
    let id2label = config.get("id2label").and_then(Value::as_object);
    let old: Option<Vec<String>> = id2label.and_then(|names| {
        let name = |id: usize| Some(names.get(&id.to_string())?.as_str()?.to_owned());
        (0..names.len()).map(name).collect()
    });
    let has_layer = LAST_LAYER.iter().all(|name| tensors.contains_key(*name));
    let sorted = |tags: &[String]| {
        let mut tags: Vec<String> =
            tags.iter().filter(|tag| !ignored.contains(tag)).cloned().collect();
        tags.sort();
        tags
    };
    let same = old.clone().filter(|old| has_layer && sorted(old) == sorted(&new));
    match (recipe.last_layer, same) {
        (LastLayer::Auto | LastLayer::Keep, Some(old)) => Ok((old, false)),
        (LastLayer::Keep, None) => {
            Err(cannot_keep("tags", old.filter(|_| has_layer).as_deref(), &new))
        }
        _ => Ok((new, true)),
    }
}

/// Makes `config.json` that of a token classifier with these tags.
fn configure(
    config: &mut Map<String, Value>,
    architecture: &Architecture,
    tags: &[String],
    dropout: Option<f64>,
) {
    let by_id = tags.iter().enumerate().map(|(id, tag)| (id.to_string(), json!(tag)));
    let by_tag = tags.iter().enumerate().map(|(id, tag)| (tag.clone(), json!(id)));
    config.insert("architectures".to_owned(), json!([architecture.token_classifier]));
    config.insert("id2label".to_owned(), Value::Object(by_id.collect()));
    config.insert("label2id".to_owned(), Value::Object(by_tag.collect()));
    for stale in ["num_labels", "_num_labels", "_name_or_path", "torch_dtype", "dtype"] {
        config.shift_remove(stale);
    }
    if let Some(rate) = dropout {
        set_dropout(config, rate);
    }
}
