//! Low-rank adapters (LoRA; Hu et al. 2021, arXiv:2106.09685) in the layout of the library `peft`: a folder
//! with `adapter_config.json`, which names the model that it changes, and `adapter_model.safetensors`, which
//! has for each changed weight W the matrices A and B of `W + scale B A`, and whole weights of the head.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checkpoint;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;

/// The file that makes a folder an adapter.
pub const CONFIG: &str = "adapter_config.json";

/// The file of its weights.
pub const WEIGHTS: &str = "adapter_model.safetensors";

/// What peft writes before every name.
pub const PREFIX: &str = "base_model.model.";

/// What `adapter_config.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdapterConfig {
    /// The kind of adapter; `LORA` is read.
    pub peft_type: String,
    /// The folder of the model that it changes, relative to its own.
    pub base_model_name_or_path: String,
    /// The rank of B A.
    pub r: usize,
    /// The scale times the rank.
    pub lora_alpha: f64,
    /// The weights that it changes, by the ends of their names.
    #[serde(default)]
    pub target_modules: Vec<String>,
    /// The parts that it replaces.
    #[serde(default)]
    pub modules_to_save: Option<Vec<String>>,
    /// What the model is for.
    #[serde(default)]
    pub task_type: Option<String>,
    /// Whether the scale is alpha over the root of the rank (Kalajdzievski 2023, arXiv:2312.03732).
    #[serde(default)]
    pub use_rslora: bool,
    /// Which biases it has: `none` is read.
    #[serde(default = "none")]
    pub bias: String,
    /// Whether it is weight-decomposed, which is not read.
    #[serde(default)]
    pub use_dora: bool,
    /// Whether weights are turned, which is not read.
    #[serde(default)]
    pub fan_in_fan_out: bool,
    /// Other ranks for some weights, which is not read.
    #[serde(default)]
    pub rank_pattern: BTreeMap<String, Value>,
    /// Other scales for some weights, which is not read.
    #[serde(default)]
    pub alpha_pattern: BTreeMap<String, Value>,
}

fn none() -> String {
    "none".to_owned()
}

impl AdapterConfig {
    /// That of the folder `folder`; `None` where it is no adapter.
    ///
    /// # Errors
    /// Where the file is damaged, or asks for what is not read.
    pub fn read(files: &Files, folder: &str) -> Result<Option<Self>> {
        let name = format!("{folder}/{CONFIG}");
        if !files.exists(&name) {
            return Ok(None);
        }
        let place = files.display(&name);
        let text = files.read_text(&name)?;
        let config: Self = super::folder_options::parse_config(&text, &place)?;
        let wrong =
            |message: String| Err(Error::new(ErrorKind::Model, message).at(Location::file(&place)));
        if config.peft_type != "LORA" {
            return wrong(format!("an adapter of type '{}', expected LORA", config.peft_type));
        }
        if config.r == 0 {
            return wrong("'r' is 0, expected 1 or more".to_owned());
        }
        let unread = [
            ("use_dora", config.use_dora),
            ("fan_in_fan_out", config.fan_in_fan_out),
            ("rank_pattern", !config.rank_pattern.is_empty()),
            ("alpha_pattern", !config.alpha_pattern.is_empty()),
            ("bias", config.bias != "none"),
        ];
        match unread.iter().find(|(_, is_asked)| *is_asked) {
            Some((key, _)) => wrong(format!("an adapter with '{key}' is not read")),
            None => Ok(Some(config)),
        }
    }

    /// What B A is multiplied by.
    pub fn scale(&self) -> f64 {
        let rank = self.r as f64;
        self.lora_alpha / if self.use_rslora { rank.sqrt() } else { rank }
    }

    /// The folder of its model, where `folder` is its own.
    ///
    /// # Errors
    /// Where there is none: names of a hub are not looked up.
    pub fn base(&self, files: &Files, folder: &str) -> Result<String> {
        let named = self.base_model_name_or_path.trim_end_matches('/');
        let beside = plain(&format!("{folder}/{named}"));
        let found = [beside, named.to_owned()];
        let is_there = |base: &&String| files.exists(&format!("{base}/config.json"));
        found.iter().find(is_there).cloned().ok_or_else(|| {
            let message =
                format!("the adapter changes the model '{named}', which is no folder beside it");
            let help = "put the model there, or change 'base_model_name_or_path'";
            let place = Location::file(files.display(&format!("{folder}/{CONFIG}")));
            Error::new(ErrorKind::Model, message).with_help(help).at(place)
        })
    }
}

/// The path without `.` and without what `..` takes back.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The tensors of an adapter by the names of its model.
///
/// # Errors
/// Where the file is missing or damaged.
pub(super) fn tensors(
    files: &Files,
    folder: &str,
    device: &Device,
) -> Result<BTreeMap<String, Tensor>> {
    let tensors = checkpoint::read_safetensors(files, &format!("{folder}/{WEIGHTS}"), device)?;
    let named = |name: String| {
        let name = name.strip_prefix(PREFIX).unwrap_or(&name);
        name.replace(".modules_to_save.default", "")
            .replace("lora_A.default.", "lora_A.")
            .replace("lora_B.default.", "lora_B.")
    };
    Ok(tensors.into_iter().map(|(name, tensor)| (named(name), tensor)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain() {
        assert_eq!(plain("models/lmr-en/../en"), "models/en");
        assert_eq!(plain("lmr/../../en/./x"), "../en/x");
        assert_eq!(plain("/a/../b"), "/b");
    }

    #[test]
    fn what_is_not_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::Folder(folder.path().to_owned());
        assert!(AdapterConfig::read(&files, ".").unwrap().is_none());
        let told = |text: &str| {
            std::fs::write(folder.path().join(CONFIG), text).unwrap();
            AdapterConfig::read(&files, ".").and_then(|config| config.unwrap().base(&files, "."))
        };
        let lora = "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"x\", \"r\": 4, \"lora_alpha\": 8";
        let cases = [
            (lora.replace("LORA", "IA3"), "of type 'IA3'"),
            (lora.replace("4", "0"), "'r' is 0"),
            (format!("{lora}, \"use_dora\": true"), "'use_dora'"),
            (format!("{lora}, \"rank_pattern\": {{\"a\": 2}}"), "'rank_pattern'"),
            (lora.to_owned(), "changes the model 'x'"),
        ];
        for (text, expected) in cases {
            let error = told(&(text + "}")).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(CONFIG), "{error}: {expected}");
        }
    }
}
