//! Adapters in training (see [`crate::source::model::adapter`]): which layers get one, and how it is saved.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use candle_core::{Device, Tensor};
use serde_json::{Map, Value};

use super::recipe::{LoraRecipe, Numbers, Recipe};
use super::save::texts_and_weights;
use super::trainee::{ADAPTER_STREAM, device_failed, draw, is_frozen};
use crate::error::Result;
use crate::source::model::adapter::{AdapterConfig, CONFIG, PREFIX, WEIGHTS};
use crate::source::model::head::{NewWeight, Start};
use crate::source::model::weights::Weights;

/// Whether a weight is of an adapter.
fn is_adapter(name: &str) -> bool {
    name.contains(".lora_")
}

/// Whether a name ends in some whole parts of it.
fn ends_in(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// The weights of a run with the adapters that the recipe asks for, and as variables what is trained of them: adapters,
/// and of the model itself what `is_learnt` names, each where the recipe does not freeze it.
///
/// # Errors
/// Where there is nothing to adapt, or the device fails.
pub(super) fn trainable(
    recipe: &Recipe,
    weights: Weights,
    is_learnt: impl Fn(&str) -> bool,
    device: &Device,
) -> Result<Weights> {
    let (tensors, place) = weights.into_parts();
    let adapters = match &recipe.lora {
        Some(lora) => begin(recipe, lora, &tensors)?,
        None => Vec::new(),
    };
    // None of them is drawn from a normal distribution.
    let adapters = draw(&adapters, (recipe.seed, ADAPTER_STREAM), 0.0, device);
    let adapters = adapters.map_err(device_failed)?.into_iter().collect();
    let is_trained =
        |name: &str| (is_adapter(name) || is_learnt(name)) && !is_frozen(&recipe.optimiser, name);
    Weights::new(tensors, place)
        .with_adapter(adapters, recipe.lora.as_ref().map_or(1.0, LoraRecipe::scale))
        .with_precision(recipe.model.precision)
        .into_trainable(is_trained)
        .map_err(device_failed)
}

/// The recipe's adapters, which a system that is saved as a whole adds to its weights.
///
/// # Errors
/// Where the recipe wants them by themselves.
pub(super) fn merging<'r>(recipe: &'r Recipe, system: &str) -> Result<Option<&'r LoraRecipe>> {
    match recipe.lora.as_ref().filter(|lora| lora.merge == Some(false)) {
        Some(_) => Err(recipe.wrong("lora.merge", format!(
            "'merge' of [lora] is false, but {system} is saved as a whole, which its library loads"
        ))),
        None => Ok(recipe.lora.as_ref()),
    }
}

/// The weights of a whole model: to each that has an adapter among them, this is added.
///
/// # Errors
/// Where the device fails.
pub(super) fn merged(
    recipe: Option<&LoraRecipe>,
    weights: &BTreeMap<String, Tensor>,
) -> Result<BTreeMap<String, Tensor>> {
    let Some(recipe) = recipe else { return Ok(weights.clone()) };
    let changed = |name: &str, weight: &Tensor| {
        let part = |part: &str| {
            weights.get(&format!("{}.lora_{part}.weight", name.strip_suffix(".weight")?))
        };
        match part("A").zip(part("B")) {
            Some((down, up)) => weight + (up.matmul(down)? * recipe.scale())?,
            None => Ok(weight.clone()),
        }
    };
    let whole = weights.iter().filter(|(name, _)| !is_adapter(name));
    let whole = whole.map(|(name, weight)| Ok((name.clone(), changed(name, weight)?)));
    whole.collect::<candle_core::Result<_>>().map_err(device_failed)
}

/// The weights of the adapters that a recipe asks for, to begin with: A drawn as the weights of a linear
/// layer are, B zero, so that the model is what it was.
///
/// # Errors
/// Where one of the targets is no linear layer of the model.
fn begin(
    recipe: &Recipe,
    lora: &LoraRecipe,
    tensors: &BTreeMap<String, Tensor>,
) -> Result<Vec<NewWeight>> {
    let mut fresh = Vec::new();
    for target in &lora.targets {
        let before = fresh.len();
        let end = format!("{target}.weight");
        for (name, tensor) in tensors {
            let layer = name.strip_suffix(".weight").filter(|_| ends_in(name, &end));
            let Some(layer) = layer else { continue };
            let &[outputs, inputs] = tensor.dims() else { continue };
            if lora.rank > outputs.max(inputs) {
                let message = format!(
                    "'rank' of [lora] is {}, more than the {outputs} outputs and {inputs} inputs of {layer}",
                    lora.rank
                );
                return Err(recipe.wrong("lora.rank", message));
            }
            let weight = |part: &str, shape: [usize; 2], start| NewWeight {
                name: format!("{layer}.lora_{part}.weight"),
                shape: shape.to_vec(),
                start,
                is_of_tags: false,
            };
            let spread = 1.0 / (inputs as f64).sqrt();
            fresh.push(weight("A", [lora.rank, inputs], Start::Uniform(spread)));
            fresh.push(weight("B", [outputs, lora.rank], Start::Zeros));
        }
        if fresh.len() == before {
            let message = format!("'targets' of [lora] names '{target}', which no layer ends in");
            let layers = tensors.keys().filter_map(|name| name.strip_suffix(".weight"));
            let mut ends: Vec<&str> = layers.filter_map(|layer| layer.rsplit('.').next()).collect();
            ends.sort_unstable();
            ends.dedup();
            let help = format!("layers end in {}", ends.join(", "));
            return Err(recipe.wrong("lora.targets", message).with_help(help));
        }
    }
    Ok(fresh)
}

/// Looks whether all that a recipe adapts are linear layers, which take adapters: `learnt` are the names of what is
/// trained.
///
/// # Errors
/// The first that is none.
pub(super) fn check_taken<'n>(
    recipe: &Recipe,
    learnt: impl Iterator<Item = &'n String> + Clone,
) -> Result<()> {
    for target in recipe.lora.iter().flat_map(|lora| &lora.targets) {
        let end = format!("{target}.lora_A.weight");
        if !learnt.clone().any(|name| ends_in(name, &end)) {
            let message = format!(
                "'targets' of [lora] names '{target}', which is no linear layer, or one in layers that are frozen"
            );
            return Err(recipe.wrong("lora.targets", message));
        }
    }
    Ok(())
}

/// Writes an adapter of the model in `base` into `folder`: `weights` are its matrices and those of the head.
///
/// # Errors
/// Where a file cannot be written.
pub(super) fn save(
    folder: &Path,
    base: &Path,
    recipe: &LoraRecipe,
    config: &Map<String, Value>,
    weights: &BTreeMap<String, Tensor>,
    numbers: Numbers,
) -> Result<()> {
    let replaced: Vec<String> = {
        let heads = weights.keys().filter(|name| !is_adapter(name));
        let parts = heads.filter_map(|name| name.split('.').next());
        let mut parts: Vec<String> = parts.map(str::to_owned).collect();
        parts.dedup();
        parts
    };
    let adapter = AdapterConfig {
        peft_type: "LORA".to_owned(),
        base_model_name_or_path: relative(folder, base),
        r: recipe.rank,
        lora_alpha: recipe.alpha,
        target_modules: recipe.targets.clone(),
        modules_to_save: Some(replaced),
        task_type: Some("TOKEN_CLS".to_owned()),
        use_rslora: false,
        bias: "none".to_owned(),
        use_dora: false,
        fan_in_fan_out: false,
        rank_pattern: BTreeMap::new(),
        alpha_pattern: BTreeMap::new(),
    };
    let adapter = serde_json::to_string_pretty(&adapter).expect("plain data");
    let config = format!("{:#}", Value::Object(config.clone()));
    let named = weights.iter().map(|(name, tensor)| (format!("{PREFIX}{name}"), tensor.clone()));
    let texts = [(CONFIG, adapter), ("config.json", config)];
    texts_and_weights(folder, &texts, (WEIGHTS, &named.collect()), numbers)
}

/// The path of `to` as seen from the folder `from`, both of which are there; `to` itself where they are on
/// different roots.
fn relative(from: &Path, to: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (from, to) = (whole(from), whole(to));
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return to.display().to_string();
    }
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(shared)).collect();
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_as_another_sees_it() {
        let root = tempfile::tempdir().unwrap();
        let [a, b] = ["models/a", "models/b/c"].map(|name| root.path().join(name));
        std::fs::create_dir_all(&a).unwrap();
        std::fs::create_dir_all(&b).unwrap();
        assert_eq!(relative(&a, &b), "../b/c");
        assert_eq!(relative(&b, &a), "../../a");
    }
}
