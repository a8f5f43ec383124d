//! What a model in training is to the run, whatever its system; and what all of them do alike.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use super::data::{Corpus, Example, Examples, Excluded};
use super::lora;
use super::optimiser::layer;
use super::recipe::{Numbers, OptimiserRecipe, Recipe};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::Files;
use crate::source::Source;
use crate::source::model::Dropout;
use crate::source::model::adapter::AdapterConfig;
use crate::source::model::head::{NewWeight, Start};

/// The random stream of the first weights of new layers; those of the data count from 0.
pub(super) const NEW_LAYER_STREAM: u64 = u64::MAX;

/// That of adapters.
pub(super) const ADAPTER_STREAM: u64 = u64::MAX - 1;

/// A model in training.
pub trait Trainee: Sized {
    /// What it learns from.
    type Example: Example;

    /// The model that a run of a recipe begins with, from the folder `start`, for these labels, on a
    /// device.
    ///
    /// # Errors
    /// Where the start folder is missing or damaged, or does not fit the recipe.
    fn new(recipe: &Recipe, start: &Path, labels: &[String], device: &Device) -> Result<Self>;

    /// What it learns from a corpus. All corpora are read before the first step.
    ///
    /// # Errors
    /// Where the corpus does not fit the model.
    fn examples(&mut self, corpus: &Corpus, excluded: &Excluded)
    -> Result<Examples<Self::Example>>;

    /// How much an example counts: the loss of a step is the sum over its examples, divided by the sum of
    /// this.
    fn weight(&self, example: &Self::Example) -> f64;

    /// The sum of the losses of a batch's examples, divided by `divisor`: a scalar a gradient flows from.
    ///
    /// # Errors
    /// Where the device fails.
    fn loss(
        &self,
        examples: &[&Self::Example],
        divisor: f64,
        dropout: &Dropout,
    ) -> candle_core::Result<Tensor>;

    /// What is trained, by name.
    fn variables(&self) -> &BTreeMap<String, Var>;

    /// All weights that the saved model holds, trained or not, by name.
    fn weights(&self) -> BTreeMap<String, Tensor>;

    /// The same weights as a source: what it finds now.
    fn source(&self) -> &dyn Source;

    /// What it is, for the model card: `a token classifier (`bert`) with a new last layer`. Two trainees
    /// that differ in what their targets mean differ here.
    fn describe(&self) -> String;

    /// Writes the model with these weights into a folder that the model source loads.
    ///
    /// # Errors
    /// Where a file cannot be written.
    fn save(
        &self,
        folder: &Path,
        weights: &BTreeMap<String, Tensor>,
        numbers: Numbers,
    ) -> Result<()>;

    /// Puts other numbers into the weights that are trained.
    ///
    /// # Errors
    /// Where one is missing or has another shape.
    fn set_weights(&self, tensors: &BTreeMap<String, Tensor>) -> candle_core::Result<()> {
        for (name, variable) in self.variables() {
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

/// New weights by name, drawn from the random stream number `stream` of the seed.
pub(super) fn draw(
    fresh: &[NewWeight],
    (seed, stream): (u64, u64),
    spread: f64,
    device: &Device,
) -> candle_core::Result<Vec<(String, Tensor)>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    fresh
        .iter()
        .map(|NewWeight { name, shape, start, .. }| {
            let mut number = || match *start {
                Start::Zeros => 0.0,
                Start::Ones => 1.0,
                Start::Uniform(most) => ((2.0 * random.random::<f64>() - 1.0) * most) as f32,
                Start::Normal => {
                    // Box and Muller 1958.
                    let (radius, angle) = (1.0 - random.random::<f64>(), random.random::<f64>());
                    let normal =
                        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
                    (normal * spread) as f32
                }
            };
            let count = shape.iter().product();
            let numbers: Vec<f32> = (0..count).map(|_| number()).collect();
            Ok((name.clone(), Tensor::from_vec(numbers, shape.as_slice(), device)?))
        })
        .collect()
}

/// Whether the recipe leaves the weight `name` as it is.
pub(super) fn is_frozen(recipe: &OptimiserRecipe, name: &str) -> bool {
    let is_low = match layer(name) {
        Some(layer) => layer < recipe.freeze_layers,
        None => recipe.freeze_layers > 0 && name.contains("embeddings."),
    };
    is_low || recipe.freeze.iter().any(|part| name.contains(part.as_str()))
}

/// Looks whether what is frozen is there, what is adapted takes adapters, and something is left.
pub(super) fn check_variables(
    recipe: &Recipe,
    known: &[String],
    variables: &BTreeMap<String, Var>,
) -> Result<()> {
    let is_there = |part: &&String| known.iter().any(|name| name.contains(part.as_str()));
    if let Some(part) = recipe.optimiser.freeze.iter().find(|part| !is_there(part)) {
        let some: Vec<&str> = known.iter().take(5).map(String::as_str).collect();
        let message = format!("'freeze' names '{part}', which no weight of the model holds");
        let help = format!("weights are called {}, …", some.join(", "));
        return Err(recipe.wrong("optimiser.freeze", message).with_help(help));
    }
    if variables.is_empty() {
        return Err(
            recipe.wrong("optimiser.freeze", "every weight is frozen: nothing can be learnt")
        );
    }
    lora::check_taken(recipe, variables.keys())
}

/// Looks whether the start folder is a model of its own.
pub(super) fn check_no_adapter(files: &Files, start: &str) -> Result<()> {
    if AdapterConfig::read(files, start)?.is_none() {
        return Ok(());
    }
    let message = "the model to begin with is an adapter";
    let help = "name the model that it changes, whose 'base_model_name_or_path' is in its adapter_config.json";
    Err(Error::new(ErrorKind::Model, message).with_help(help))
}

/// The error of a start folder whose last layer is to be kept and is not that of the run; `what` says of what
/// it is a layer, `had` what the start folder has of it.
pub(super) fn cannot_keep(what: &str, had: Option<&[String]>, of_run: &[String]) -> Error {
    let had = had.map_or("none".to_owned(), |had| had.join(", "));
    let message = format!("'last-layer' is \"keep\", but the start folder has the {what} {had}");
    let help = format!("the run has the {what} {}", of_run.join(", "));
    Error::new(ErrorKind::Model, message).with_help(help)
}

/// Makes every rate of dropout in a `config.json` this one.
pub(super) fn set_dropout(config: &mut Map<String, Value>, rate: f64) {
    for (_, value) in config.iter_mut().filter(|(key, _)| key.contains("dropout")) {
        *value = rate.into();
    }
}

/// The name of a weight today: old checkpoints call a layer norm's weight and bias gamma and beta.
pub(super) fn current_name(name: &str) -> String {
    match (name.strip_suffix(".gamma"), name.strip_suffix(".beta")) {
        (Some(norm), _) => format!("{norm}.weight"),
        (_, Some(norm)) => format!("{norm}.bias"),
        _ => name.to_owned(),
    }
}

/// An error of the device.
pub(super) fn device_failed(error: candle_core::Error) -> Error {
    Error::new(ErrorKind::Device, format!("training failed: {error}"))
}
