//! The trained model as a folder in the layout of Hugging Face, which [`crate::source::model`] and
//! `transformers` load.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use candle_core::Tensor;
use serde_json::Value;

use super::checkpoint::{write_file, write_tensors};
use super::recipe::Numbers;
use super::trainee::{Trainee, files_to_keep};
use crate::error::{Error, Result};

/// Writes the model of a trainee with these weights and its card into `folder`. Each file comes to be as
/// a whole, the weights last.
///
/// # Errors
/// Where a file cannot be written.
pub fn save(
    folder: &Path,
    trainee: &Trainee,
    weights: &BTreeMap<String, Tensor>,
    numbers: Numbers,
    card: &str,
) -> Result<()> {
    let error = |path: &Path, e| Error::io("write", path.display(), e);
    fs::create_dir_all(folder).map_err(|e| error(folder, e))?;
    for from in files_to_keep(&trainee.start) {
        let bytes = fs::read(&from).map_err(|e| Error::io("read", from.display(), e))?;
        let to = folder.join(from.file_name().unwrap_or_default());
        write_file(&to, &bytes).map_err(|e| error(&to, e))?;
    }
    let mut config = trainee.config.clone();
    let dtype = match numbers {
        Numbers::F32 => "float32",
        Numbers::F16 => "float16",
    };
    config.insert("dtype".to_owned(), dtype.into());
    let config = format!("{:#}\n", Value::Object(config));
    for (name, text) in [("config.json", config.as_str()), ("MODEL_CARD.md", card)] {
        let path = folder.join(name);
        write_file(&path, text.as_bytes()).map_err(|e| error(&path, e))?;
    }
    let path = folder.join("model.safetensors");
    write_tensors(&path, weights, numbers).map_err(|e| error(&path, e))
}
