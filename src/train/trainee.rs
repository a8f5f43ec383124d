//! The model that is trained: the start folder with the labels of the run, its weights as variables, and
//! the same weights as a tagger that judges it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use super::data::tag_names;
use super::optimiser::layer;
use super::recipe::{LastLayer, ModelRecipe, OptimiserRecipe, Recipe};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;
use crate::source::model::arch::{self, Architecture, Encoder};
use crate::source::model::batch::Batch;
use crate::source::model::head::TokenHead;
use crate::source::model::weights::Weights;
use crate::source::model::{Mode, ModelConfig, ModelFolder, Tagger};

/// The names of the last layer's weights.
const LAST_LAYER: [&str; 2] = ["classifier.weight", "classifier.bias"];

/// The random stream of the last layer's first weights; those of the data count from 0.
const LAST_LAYER_STREAM: u64 = u64::MAX;

/// A model in training.
pub struct Trainee {
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
    encoder: Box<dyn Encoder>,
    head: TokenHead,
    weights: Weights,
}

impl Trainee {
    /// The model that a recipe begins with, for these labels, on a device.
    ///
    /// # Errors
    /// Where the start folder is missing or damaged, or does not fit the recipe.
    pub fn new(recipe: &Recipe, labels: &[String], device: &Device) -> Result<Self> {
        let files = Files::Folder(recipe.base());
        let start = recipe.model.start.to_string_lossy().into_owned();
        let folder = ModelFolder::read(&files, &start, device)?;
        let here = |error: Error| error.at(Location::file(&folder.config_place));
        let mut config = parse_config(&folder)?;
        let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
        let architecture = arch::architecture(model_type, &folder.config_place)?;
        let (tensors, weights_place) = folder.weights.into_parts();
        let mut tensors = named_as_in_a_classifier(tensors, architecture.prefix);
        let (tags, has_new_layer) = tags(&recipe.model, labels, &config, &tensors).map_err(here)?;
        configure(&mut config, architecture, &tags, recipe.model.dropout);
        let config_text = Value::Object(config.clone()).to_string();
        if has_new_layer {
            let weights = Weights::new(tensors.clone(), weights_place.clone());
            let encoder = (architecture.load)(&config_text, &weights).map_err(here)?;
            let spread = config.get("initializer_range").and_then(Value::as_f64).unwrap_or(0.02);
            let layer = new_layer(recipe.seed, encoder.as_ref(), tags.len(), spread, device);
            for (name, tensor) in layer.map_err(device_failed)? {
                if LAST_LAYER.contains(&name) || !tensors.contains_key(name) {
                    tensors.insert(name.to_owned(), tensor);
                }
            }
        }
        let known: Vec<String> = tensors.keys().cloned().collect();
        let is_trained = |name: &str| !is_frozen(&recipe.optimiser, name);
        let weights = Weights::new(tensors, weights_place.clone());
        let weights = weights.into_trainable(is_trained).map_err(device_failed)?;
        let encoder = (architecture.load)(&config_text, &weights).map_err(here)?;
        let head = TokenHead::load(&weights, encoder.as_ref(), tags.len())?;
        let variables = weights.variables();
        check_frozen(&recipe.optimiser, &known, &variables)?;
        // The same storage without a gradient: what a step changes, the tagger sees.
        let detached = weights.taken().into_iter().map(|(name, tensor)| (name, tensor.detach()));
        let weights_of_tagger = Weights::new(detached.collect(), weights_place);
        let folder = ModelFolder {
            config: config_text,
            ..ModelFolder::with_weights(&files, &start, weights_of_tagger)?
        };
        let options =
            ModelConfig { max_length: recipe.model.max_length, ..ModelConfig::of_folder(&start) };
        let tagger = Tagger::of_folder("model".into(), options, &folder, device.clone())?;
        let start = recipe.base().join(&recipe.model.start);
        Ok(Self { tagger, variables, config, tags, has_new_layer, start, encoder, head, weights })
    }

    /// The logits at some places of a batch, `row * length + place`: shape `(places, tags)`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(
        &self,
        batch: &Batch,
        places: Vec<u32>,
        mode: Mode<'_>,
    ) -> candle_core::Result<Tensor> {
        let hidden = self.encoder.encode(batch, mode)?;
        let (rows, length, width) = hidden.dims3()?;
        let count = places.len();
        let places = Tensor::from_vec(places, count, self.tagger.device())?;
        let hidden = hidden.reshape((rows * length, width))?.index_select(&places, 0)?;
        self.head.logits(&hidden, mode)
    }

    /// All weights that the model uses, trained or not, by name.
    pub fn weights(&self) -> BTreeMap<String, Tensor> {
        self.weights.taken()
    }

    /// Puts other numbers into the weights that are trained.
    ///
    /// # Errors
    /// Where one is missing or has another shape.
    pub fn set_weights(&self, tensors: &BTreeMap<String, Tensor>) -> candle_core::Result<()> {
        for (name, variable) in &self.variables {
            match tensors.get(name) {
                Some(tensor) if tensor.shape() == variable.shape() => {
                    variable.set(&tensor.to_device(variable.device())?)?;
                }
                Some(tensor) => candle_core::bail!(
                    "tensor '{name}' has shape {:?}, expected {:?}",
                    tensor.dims(),
                    variable.dims()
                ),
                None => candle_core::bail!("no tensor '{name}'"),
            }
        }
        Ok(())
    }
}

fn parse_config(folder: &ModelFolder) -> Result<Map<String, Value>> {
    serde_json::from_str(&folder.config).map_err(|e| {
        Error::new(ErrorKind::Model, format!("not a model configuration: {e}")).at(Location::line(
            &folder.config_place,
            e.line(),
            e.column(),
        ))
    })
}

/// The names as a token classifier's checkpoint has them: an encoder alone is saved without the prefix, and
/// old checkpoints call a layer norm's weight and bias gamma and beta.
fn named_as_in_a_classifier(
    tensors: BTreeMap<String, Tensor>,
    prefix: &str,
) -> BTreeMap<String, Tensor> {
    let has_prefix = tensors.keys().any(|name| name.starts_with(prefix));
    let renamed = |name: String| {
        let name = match (name.strip_suffix(".gamma"), name.strip_suffix(".beta")) {
            (Some(norm), _) => format!("{norm}.weight"),
            (_, Some(norm)) => format!("{norm}.bias"),
            _ => name,
        };
        if has_prefix || name.starts_with("head.") || LAST_LAYER.contains(&name.as_str()) {
            name
        } else {
            prefix.to_owned() + &name
        }
    };
    tensors.into_iter().map(|(name, tensor)| (renamed(name), tensor)).collect()
}

/// The tags of the model, and whether its last layer is to be a new one. Where the start folder has the
/// same tags in another order, that order stays.
fn tags(
    recipe: &ModelRecipe,
    labels: &[String],
    config: &Map<String, Value>,
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
        let mut tags = tags.to_vec();
        tags.sort();
        tags
    };
    let same = old.clone().filter(|old| has_layer && sorted(old) == sorted(&new));
    match (recipe.last_layer, same) {
        (LastLayer::Auto | LastLayer::Keep, Some(old)) => Ok((old, false)),
        (LastLayer::Keep, None) => {
            let had = old.filter(|_| has_layer).map_or("none".to_owned(), |old| old.join(", "));
            let message =
                format!("'last-layer' is \"keep\", but the start folder has the tags {had}");
            let help = format!("the run has the tags {}", new.join(", "));
            Err(Error::new(ErrorKind::Model, message).with_help(help))
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
    let Some(rate) = dropout else { return };
    let rates: Vec<String> = config.keys().filter(|key| key.contains("dropout")).cloned().collect();
    for key in rates {
        config.insert(key, json!(rate));
    }
}

/// The weights of a last layer as `transformers` makes them, by name: drawn from a normal distribution, no
/// bias; where the architecture has a transform before it, also those of that.
fn new_layer(
    seed: u64,
    encoder: &dyn Encoder,
    tags: usize,
    spread: f64,
    device: &Device,
) -> candle_core::Result<Vec<(&'static str, Tensor)>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(LAST_LAYER_STREAM);
    // Box and Muller 1958.
    let mut normal = |rows: usize, columns: usize| {
        let draw = |_| {
            let (radius, angle) = (1.0 - random.random::<f64>(), random.random::<f64>());
            let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
            (normal * spread) as f32
        };
        Tensor::from_vec((0..rows * columns).map(draw).collect(), (rows, columns), device)
    };
    let zeros = |size: usize| Tensor::zeros(size, DType::F32, device);
    let hidden = encoder.hidden_size();
    let [weight, bias] = LAST_LAYER;
    let mut layer = vec![(weight, normal(tags, hidden)?), (bias, zeros(tags)?)];
    if let Some(transform) = encoder.head_transform() {
        layer.push(("head.dense.weight", normal(hidden, hidden)?));
        layer.push(("head.norm.weight", Tensor::ones(hidden, DType::F32, device)?));
        for (name, has_bias) in [
            ("head.dense.bias", transform.dense_has_bias),
            ("head.norm.bias", transform.norm_has_bias),
        ] {
            if has_bias {
                layer.push((name, zeros(hidden)?));
            }
        }
    }
    Ok(layer)
}

/// Whether the recipe leaves the weight `name` as it is.
fn is_frozen(recipe: &OptimiserRecipe, name: &str) -> bool {
    let is_low = match layer(name) {
        Some(layer) => layer < recipe.freeze_layers,
        None => recipe.freeze_layers > 0 && name.contains("embeddings."),
    };
    is_low || recipe.freeze.iter().any(|part| name.contains(part.as_str()))
}

/// Looks whether what is frozen is there, and something is left.
fn check_frozen(
    recipe: &OptimiserRecipe,
    known: &[String],
    variables: &BTreeMap<String, Var>,
) -> Result<()> {
    let is_there = |part: &&String| known.iter().any(|name| name.contains(part.as_str()));
    if let Some(part) = recipe.freeze.iter().find(|part| !is_there(part)) {
        let some: Vec<&str> = known.iter().take(5).map(String::as_str).collect();
        let message = format!("'freeze' names '{part}', which no weight of the model holds");
        let help = format!("weights are called {}, …", some.join(", "));
        return Err(Error::new(ErrorKind::Config, message).with_help(help));
    }
    if variables.is_empty() {
        return Err(Error::new(ErrorKind::Config, "every weight is frozen: nothing can be learnt"));
    }
    Ok(())
}

/// An error of the device.
pub(super) fn device_failed(error: candle_core::Error) -> Error {
    Error::new(ErrorKind::Device, format!("training failed: {error}"))
}

/// The files beside config and weights that a start folder may have and the saved model keeps.
pub(super) fn files_to_keep(start: &Path) -> Vec<PathBuf> {
    const NAMES: [&str; 7] = [
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
    ];
    NAMES.iter().map(|name| start.join(name)).filter(|path| path.is_file()).collect()
}
