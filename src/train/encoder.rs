//! What every system does that makes a model of its own of an encoder: the encoder's weights apart from what stood
//! over them, and a tokenizer and embeddings that know more special sub-words.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use serde_json::{Map, Value, json};

use super::recipe::Recipe;
use super::trainee::{NEW_LAYER_STREAM, current_name, device_failed, draw};
use crate::error::{Error, ErrorKind, Result};
use crate::source::model::head::NewWeight;
use crate::source::model::tokens::SubWords;

/// Parts of an encoder whose names begin so where its file holds nothing else.
const PARTS: [&str; 8] = [
    "embeddings.",
    "embeddings_project.",
    "encoder.",
    "final_norm.",
    "layers.",
    "pooler.",
    "rel_embeddings.",
    "transformer.",
];

/// Keys of an encoder's `config.json` that speak of what stood over it, or of its file.
const STALE: [&str; 5] = ["spanloom", "num_labels", "_num_labels", "torch_dtype", "dtype"];

/// The weights of the encoder alone, each with its name behind `prefix`, which the weights of an encoder begin with
/// where something stands over it. Names are those of today (see [`current_name`]).
pub(super) fn weights(tensors: BTreeMap<String, Tensor>, prefix: &str) -> BTreeMap<String, Tensor> {
    let has_prefix = tensors.keys().any(|name| name.starts_with(prefix));
    let renamed = |name: String| {
        let rest = if has_prefix { name.strip_prefix(prefix)? } else { &name };
        let is_weight = !rest.ends_with("position_ids") && !rest.ends_with("token_type_ids");
        let is_part = PARTS.iter().any(|part| rest.starts_with(part)) && is_weight;
        is_part.then(|| current_name(rest))
    };
    tensors.into_iter().filter_map(|(name, tensor)| Some((renamed(name)?, tensor))).collect()
}

/// Takes out of an encoder's `config.json` what says nothing of the encoder.
pub(super) fn without_stale_keys(mut config: Map<String, Value>) -> Map<String, Value> {
    for key in STALE {
        config.shift_remove(key);
    }
    config
}

/// A `tokenizer.json` with special sub-words, with the ids that `sub_words` gave them.
///
/// # Errors
/// Where it is damaged.
pub(super) fn with_special_sub_words(
    tokenizer: &[u8],
    sub_words: &SubWords,
    specials: &[&str],
) -> Result<Vec<u8>> {
    let damaged =
        |e: &dyn std::fmt::Display| Error::new(ErrorKind::Model, format!("damaged tokenizer: {e}"));
    let mut json: Value = serde_json::from_slice(tokenizer).map_err(|e| damaged(&e))?;
    let added = json.get_mut("added_tokens").and_then(Value::as_array_mut);
    let added = added.ok_or_else(|| damaged(&"no list 'added_tokens'"))?;
    for special in specials {
        if added.iter().all(|token| token["content"] != *special) {
            added.push(json!({
                "id": sub_words.id(special),
                "content": special,
                "single_word": false,
                "lstrip": false,
                "rstrip": false,
                "normalized": false,
                "special": true,
            }));
        }
    }
    Ok(format!("{json:#}\n").into_bytes())
}

/// Adds drawn weights to those that are there; one whose name is there already gives it more rows. `spread` is how wide
/// a normal distribution is.
///
/// # Errors
/// Where the device fails.
pub(super) fn add_new(
    tensors: &mut BTreeMap<String, Tensor>,
    fresh: &[NewWeight],
    (recipe, spread): (&Recipe, f64),
    device: &Device,
) -> Result<()> {
    let drawn = draw(fresh, (recipe.seed, NEW_LAYER_STREAM), spread, device);
    for (name, tensor) in drawn.map_err(device_failed)? {
        let tensor = match tensors.get(&name) {
            Some(rows) => Tensor::cat(&[rows, &tensor], 0).map_err(device_failed)?,
            None => tensor,
        };
        tensors.insert(name, tensor);
    }
    Ok(())
}

/// How wide the normal distribution is from which an encoder's new weights are drawn.
pub(super) fn spread(config: &Map<String, Value>) -> f64 {
    config.get("initializer_range").and_then(Value::as_f64).unwrap_or(0.02)
}
