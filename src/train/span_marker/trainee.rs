//! The SpanMarker that is trained: its weights as variables, and the same weights as a source that judges it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use serde_json::{Map, Value};

use super::beginning::Beginning;
use super::examples::{SpanExample, examples, tag};
use crate::error::{Error, Location, Result};
use crate::resource::Files;
use crate::source::Source;
use crate::source::model::span_marker::{Network, OUTSIDE, Sample, SpanMarker};
use crate::source::model::weights::Weights;
use crate::source::model::{Dropout, Mode, ModelConfig, ModelFolder};
use crate::train::data::{Corpus, Examples, Excluded};
use crate::train::lora;
use crate::train::recipe::{LoraRecipe, LossRecipe, Numbers, Recipe};
use crate::train::save;
use crate::train::token::{TagLoss, Targets};
use crate::train::trainee::{Trainee, check_variables};

/// A SpanMarker in training.
pub struct SpanMarkerTrainee {
    /// The same weights, as a source.
    pub model: SpanMarker,
    /// The `config.json` of the model that it becomes.
    pub config: Map<String, Value>,
    /// Whether the layer over the spans is a new one.
    pub has_new_layer: bool,
    tokenizer: Vec<u8>,
    start: PathBuf,
    /// The network with the variables.
    learner: Network,
    /// All weights of the model, those that say nothing of spans too.
    weights: BTreeMap<String, Tensor>,
    variables: BTreeMap<String, Var>,
    targets: Targets,
    loss: Arc<TagLoss>,
    loss_recipe: LossRecipe,
    /// How its adapters are made, where such are trained.
    lora: Option<LoraRecipe>,
}

impl SpanMarkerTrainee {
    fn begin(recipe: &Recipe, start: &Path, labels: &[String], device: &Device) -> Result<Self> {
        let lora = lora::merging(recipe, "a SpanMarker")?.cloned();
        let files = Files::Folder(PathBuf::new());
        let begun = Beginning::read(recipe, (&files, start), labels, device)?;
        let place = begun.folder.config_place.clone();
        let here = |e: Error| if e.location().is_some() { e } else { e.at(Location::file(&place)) };
        let known: Vec<String> = begun.tensors.keys().cloned().collect();
        let (tensors, weights_place) = (begun.tensors.clone(), begun.weights_place.clone());
        let weights = Weights::new(tensors, weights_place);
        // Markers have no embedding yet that means anything.
        let is_new = |name: &str| begun.new_words == Some(name);
        let is_learnt = |name: &str| lora.is_none() || Network::is_of_head(name) || is_new(name);
        let weights = lora::trainable(recipe, weights, is_learnt, device).map_err(here)?;
        let (config, tokenizer) = (begun.config.clone(), begun.tokenizer.clone());
        let has_new_layer = begun.has_new_layer;
        let folder = ModelFolder { weights: weights.detached(), ..begun.into_folder() };
        let options = ModelConfig {
            max_length: recipe.model.max_length,
            ..ModelConfig::of_folder(&start.to_string_lossy())
        };
        let model = SpanMarker::of_folder("model".into(), options, &folder, device.clone())?;
        let learner = model.network_of(&weights, &place).map_err(here)?;
        let variables = weights.variables();
        check_variables(recipe, &known, &variables)?;
        let tag = |label: &String| if label == OUTSIDE { OUTSIDE.to_owned() } else { tag(label) };
        let targets = Targets::new(model.settings().labels.iter().map(tag).collect());
        Ok(Self {
            model,
            config,
            has_new_layer,
            tokenizer,
            start: start.to_owned(),
            learner,
            weights: weights.into_parts().0,
            variables,
            loss: Arc::new(TagLoss::new(&recipe.loss, &targets)),
            targets,
            loss_recipe: recipe.loss.clone(),
            lora,
        })
    }
}

impl Trainee for SpanMarkerTrainee {
    type Example = SpanExample;

    fn new(recipe: &Recipe, start: &Path, labels: &[String], device: &Device) -> Result<Self> {
        Self::begin(recipe, start, labels, device)
    }

    fn examples(&mut self, corpus: &Corpus, excluded: &Excluded) -> Result<Examples<SpanExample>> {
        let made = examples(corpus, &self.model, &mut self.targets, excluded)?;
        self.loss = Arc::new(TagLoss::new(&self.loss_recipe, &self.targets));
        Ok(made)
    }

    fn weight(&self, example: &SpanExample) -> f64 {
        self.loss.weight(&example.targets)
    }

    fn loss(
        &self,
        examples: &[&SpanExample],
        divisor: f64,
        dropout: &Dropout,
    ) -> candle_core::Result<Tensor> {
        let samples: Vec<&Sample> = examples.iter().map(|example| &example.sample).collect();
        let mode = Mode::Training(dropout);
        let logits = self.learner.logits(&samples, self.model.device(), mode)?;
        let targets = examples.iter().flat_map(|example| example.targets.iter().copied());
        self.loss.sum(&logits, targets.collect(), divisor)
    }

    fn variables(&self) -> &BTreeMap<String, Var> {
        &self.variables
    }

    fn weights(&self) -> BTreeMap<String, Tensor> {
        self.weights.clone()
    }

    fn source(&self) -> &dyn Source {
        &self.model
    }

    fn describe(&self) -> String {
        let settings = self.model.settings();
        let layer = if self.has_new_layer { "a new last layer" } else { "its own last layer" };
        format!(
            "a SpanMarker (`{}`) with {layer}, labels {}, spans of at most {} words",
            settings.model_type,
            settings.labels.join(" "),
            settings.entity_max_length
        )
    }

    fn save(
        &self,
        folder: &Path,
        weights: &BTreeMap<String, Tensor>,
        numbers: Numbers,
    ) -> Result<()> {
        let weights = lora::merged(self.lora.as_ref(), weights)?;
        save::model(folder, &self.start, &self.config, &weights, numbers)?;
        // That of the start folder may know no markers.
        save::tokenizer(folder, &self.tokenizer)
    }
}
