//! The tagger of Flair that is trained: the start folder with the labels of the run, its weights as variables, and
//! the same weights as a tagger that judges it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor, Var};

use super::examples::{SentenceExample, examples};
use super::options::FlairOptions;
use super::save;
use crate::error::{Error, Location, Result};
use crate::resource::Files;
use crate::source::Source;
use crate::source::model::flair::{BOUNDARIES, Description, FlairTagger, NEVER, Sentence, fresh};
use crate::source::model::weights::Weights;
use crate::source::model::{Dropout, Mode, ModelConfig};
use crate::span::TagScheme;
use crate::train::data::{Corpus, Examples, Excluded};
use crate::train::lora;
use crate::train::recipe::{LastLayer, LoraRecipe, LossRecipe, Numbers, Recipe};
use crate::train::token::{TagLoss, Targets, tag_names};
use crate::train::trainee::{
    NEW_LAYER_STREAM, Trainee, cannot_keep, check_variables, device_failed, draw,
};

/// Flair draws transitions from a normal distribution of this width.
const SPREAD: f64 = 1.0;

/// A tagger of Flair in training.
pub struct FlairTrainee {
    /// The same weights, as a tagger.
    pub tagger: FlairTagger,
    /// What the tagger becomes.
    pub description: Description,
    /// Whether the layer over the tags is a new one.
    pub has_new_layer: bool,
    /// The layers with the variables.
    learner: FlairTagger,
    start: PathBuf,
    scheme: TagScheme,
    targets: Targets,
    loss: Arc<TagLoss>,
    loss_recipe: LossRecipe,
    weights: Weights,
    variables: BTreeMap<String, Var>,
    /// How its adapters are made, where such are trained.
    lora: Option<LoraRecipe>,
}

impl FlairTrainee {
    fn begin(recipe: &Recipe, start: &Path, labels: &[String], device: &Device) -> Result<Self> {
        let lora = lora::merging(recipe, "a tagger of Flair")?.cloned();
        let files = Files::Folder(PathBuf::new());
        let folder = start.to_string_lossy().into_owned();
        let (mut description, place) = Description::read(&files, &folder)?;
        let here = |e: Error| if e.location().is_some() { e } else { e.at(Location::file(&place)) };
        recipe.options::<FlairOptions>()?.apply(&mut description);
        description.dropout = recipe.model.dropout.unwrap_or(description.dropout);
        check(recipe, &description)?;
        let old = std::mem::replace(
            &mut description.tags,
            tags(recipe.model.scheme, labels, description.crf),
        );
        let (mut tensors, weights_place) = Weights::load(&files, &folder, device)?.into_parts();
        let have = Weights::new(tensors.clone(), weights_place.clone());
        let new = fresh(&description, &have, (&files, &folder), device).map_err(here)?;
        let set = |tags: &[String]| tags.iter().cloned().collect::<BTreeSet<_>>();
        let fits = set(&old) == set(&description.tags)
            && new.iter().filter(|w| w.is_of_tags).all(|w| has(&tensors, &w.name, &w.shape));
        let has_new_layer = match (recipe.model.last_layer, fits) {
            (LastLayer::Keep, false) => {
                return Err(here(cannot_keep("tags", Some(&old), &description.tags)));
            }
            (LastLayer::Keep | LastLayer::Auto, true) => false,
            _ => true,
        };
        if !has_new_layer {
            description.tags = old;
        }
        let drawn =
            draw(&new, (recipe.seed, NEW_LAYER_STREAM), SPREAD, device).map_err(device_failed)?;
        for ((name, tensor), weight) in drawn.into_iter().zip(&new) {
            if (has_new_layer && weight.is_of_tags) || !has(&tensors, &name, &weight.shape) {
                tensors.remove(&name);
            }
            tensors.entry(name).or_insert(tensor);
        }
        if has_new_layer && let Some(transitions) = tensors.get_mut("crf.transitions") {
            *transitions = forbid(transitions, &description.tags).map_err(device_failed)?;
        }
        let known: Vec<String> = tensors.keys().cloned().collect();
        let weights = Weights::new(tensors, weights_place);
        let is_learnt = |name: &str| match lora {
            Some(_) => Description::is_of_head(name),
            None => description.is_trained(name),
        };
        let weights = lora::trainable(recipe, weights, is_learnt, device).map_err(here)?;
        let options =
            ModelConfig { max_length: recipe.model.max_length, ..ModelConfig::of_folder(&folder) };
        let tagger = |weights: &Weights| {
            let (name, options, device) = ("model".into(), options.clone(), device.clone());
            FlairTagger::of_description(name, options, &description, &files, weights, device)
        };
        let learner = tagger(&weights).map_err(here)?;
        let variables = weights.variables();
        check_variables(recipe, &known, &variables)?;
        let tagger = tagger(&weights.detached()).map_err(here)?;
        let targets = Targets::new(description.tags.clone());
        Ok(Self {
            tagger,
            description,
            has_new_layer,
            learner,
            start: start.to_owned(),
            scheme: recipe.model.scheme,
            loss: Arc::new(TagLoss::new(&recipe.loss, &targets)),
            loss_recipe: recipe.loss.clone(),
            targets,
            weights,
            variables,
            lora,
        })
    }
}

impl Trainee for FlairTrainee {
    type Example = SentenceExample;

    fn new(recipe: &Recipe, start: &Path, labels: &[String], device: &Device) -> Result<Self> {
        Self::begin(recipe, start, labels, device)
    }

    fn examples(
        &mut self,
        corpus: &Corpus,
        excluded: &Excluded,
    ) -> Result<Examples<SentenceExample>> {
        let made = examples(corpus, &self.tagger, &mut self.targets, self.scheme, excluded);
        self.loss = Arc::new(TagLoss::new(&self.loss_recipe, &self.targets));
        Ok(made)
    }

    fn weight(&self, example: &SentenceExample) -> f64 {
        self.loss.weight(&example.targets)
    }

    fn loss(
        &self,
        examples: &[&SentenceExample],
        divisor: f64,
        dropout: &Dropout,
    ) -> candle_core::Result<Tensor> {
        let sentences: Vec<Sentence<'_>> = examples.iter().map(|e| e.sentence()).collect();
        let network = self.learner.network();
        let emissions = network.emissions(&sentences, Mode::Training(dropout))?;
        let targets = examples.iter().flat_map(|example| example.targets.iter().copied());
        match network.crf() {
            Some(crf) => {
                let lengths = examples.iter().map(|example| example.targets.len()).collect();
                let right = targets.map(|target| self.loss.allowed(target).to_vec()).collect();
                crf.negative_log_likelihood(&emissions, lengths, right, divisor)
            }
            None => self.loss.sum(&emissions, targets.collect(), divisor),
        }
    }

    fn variables(&self) -> &BTreeMap<String, Var> {
        &self.variables
    }

    fn weights(&self) -> BTreeMap<String, Tensor> {
        self.weights.taken()
    }

    fn source(&self) -> &dyn Source {
        &self.tagger
    }

    fn describe(&self) -> String {
        let layer = if self.has_new_layer { "a new last layer" } else { "its own last layer" };
        format!("a tagger of Flair with {layer}, tags {}", self.description.tags.join(" "))
    }

    fn save(
        &self,
        folder: &Path,
        weights: &BTreeMap<String, Tensor>,
        numbers: Numbers,
    ) -> Result<()> {
        let weights = lora::merged(self.lora.as_ref(), weights)?;
        save::model(folder, &self.start, &self.description, &weights, numbers)
    }
}

/// Whether a tensor of this name and shape is there.
fn has(tensors: &BTreeMap<String, Tensor>, name: &str, shape: &[usize]) -> bool {
    tensors.get(name).is_some_and(|tensor| tensor.dims() == shape)
}

/// The tags of a tagger for these labels.
fn tags(scheme: TagScheme, labels: &[String], has_crf: bool) -> Vec<String> {
    let mut tags = tag_names(scheme, labels);
    tags.extend(BOUNDARIES.iter().filter(|_| has_crf).map(|tag| (*tag).to_owned()));
    tags
}

/// Transitions that never go to the tag before every sentence, nor from the one behind it.
fn forbid(transitions: &Tensor, tags: &[String]) -> candle_core::Result<Tensor> {
    let [before, behind] = BOUNDARIES;
    let mut rows = transitions.to_vec2::<f32>()?;
    for (row, following) in rows.iter_mut().zip(tags) {
        for (score, followed) in row.iter_mut().zip(tags) {
            if following == before || followed == behind {
                *score = NEVER;
            }
        }
    }
    Tensor::new(rows, transitions.device())
}

/// Looks whether a tagger can be trained as the recipe says.
fn check(recipe: &Recipe, description: &Description) -> Result<()> {
    if recipe.model.label_all {
        let message =
            "'label-all' teaches every sub-word, but a tagger of Flair has a tag for each word";
        return Err(recipe.wrong("model.label-all", message));
    }
    if recipe.lora.is_some() && !description.tunes_transformers() {
        let message = "[lora] is of transformers that are fine-tuned, and embeddings of the start folder are none";
        return Err(recipe.wrong("lora", message));
    }
    if description.crf { recipe.check_for_crf() } else { Ok(()) }
}
