//! The trained model as a folder in the layout of Hugging Face, which [`crate::source::model`] and
//! `transformers` load.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Tensor;
use serde_json::{Map, Value};

use super::checkpoint::{write_file, write_tensors};
use super::recipe::Numbers;
use crate::error::{Error, Result};

/// The file of a model's weights.
pub(super) const WEIGHTS: &str = "model.safetensors";

/// Writes a model with these weights into `folder`: what is kept of the folder `start`, its `config.json`
/// and the weights, each file as a whole, the weights last.
///
/// # Errors
/// Where a file cannot be written.
pub fn model(
    folder: &Path,
    start: &Path,
    config: &Map<String, Value>,
    weights: &BTreeMap<String, Tensor>,
    numbers: Numbers,
) -> Result<()> {
    let mut config = config.clone();
    let dtype = match numbers {
        Numbers::F32 => "float32",
        Numbers::F16 => "float16",
    };
    config.insert("dtype".to_owned(), dtype.into());
    self::folder(folder, start, ("config.json", &config), weights, numbers)
}

/// [`model`] with a configuration of this name, as it is.
///
/// # Errors
/// As [`model`].
pub fn folder(
    folder: &Path,
    start: &Path,
    (name, config): (&str, &Map<String, Value>),
    weights: &BTreeMap<String, Tensor>,
    numbers: Numbers,
) -> Result<()> {
    let error = |path: &Path, e| Error::io("write", path.display(), e);
    for from in files_to_keep(start) {
        let bytes = fs::read(&from).map_err(|e| Error::io("read", from.display(), e))?;
        let to = folder.join(from.file_name().unwrap_or_default());
        write_file(&to, &bytes).map_err(|e| error(&to, e))?;
    }
    let text = format!("{:#}", Value::Object(config.clone()));
    texts_and_weights(folder, &[(name, text)], (WEIGHTS, weights), numbers)
}

/// Writes the `tokenizer.json` of a model that knows more sub-words than the folder that it began with.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn tokenizer(folder: &Path, bytes: &[u8]) -> Result<()> {
    let path = folder.join("tokenizer.json");
    write_file(&path, bytes).map_err(|e| Error::io("write", path.display(), e))
}

/// Writes these texts, each with a line's end, and then the weights into `folder`, each by its name.
///
/// # Errors
/// Where a file cannot be written.
pub(super) fn texts_and_weights(
    folder: &Path,
    texts: &[(&str, String)],
    (name, weights): (&str, &BTreeMap<String, Tensor>),
    numbers: Numbers,
) -> Result<()> {
    let error = |path: &Path, e| Error::io("write", path.display(), e);
    for (name, text) in texts {
        let path = folder.join(name);
        write_file(&path, format!("{text}\n").as_bytes()).map_err(|e| error(&path, e))?;
    }
    let path = folder.join(name);
    write_tensors(&path, weights, numbers).map_err(|e| error(&path, e))
}

/// The files beside config and weights that a start folder may have and the saved model keeps.
fn files_to_keep(start: &Path) -> Vec<PathBuf> {
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
