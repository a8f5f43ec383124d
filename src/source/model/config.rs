//! The options of a model source, as written in the engine file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, Location, Result};
use crate::resource::OptionDoc;
use crate::span::{Label, Origin};

/// What an engine file may say of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelConfig {
    /// The folder.
    pub path: String,
    /// What a word is in running text.
    #[serde(default)]
    pub words: WordSource,
    /// What the model reads at once.
    #[serde(default)]
    pub context: Context,
    /// The longest sequence in sub-words, special tokens included.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// How many sub-words two windows share.
    #[serde(default = "default_overlap")]
    pub overlap: usize,
    /// How many padded sub-words a batch holds.
    #[serde(default = "default_batch_tokens")]
    pub batch_tokens: usize,
    /// New names for the model's labels.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// The labels it may propose, by their new names.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// The place of `labels` in the engine file, for errors.
    #[serde(skip)]
    pub labels_place: Option<Location>,
}

/// What a word is in running text; given tokens are always words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WordSource {
    /// The library's own segmentation, as in the corpora taggers are trained on.
    #[default]
    Text,
    /// The model's tokenizer, as `transformers`' pipeline does.
    Tokenizer,
}

/// What the model reads at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Context {
    /// A sentence.
    #[default]
    Sentence,
    /// As much of the document as fits.
    Document,
}

impl ModelConfig {
    /// The model in a folder, everything else as it is by default.
    pub fn of_folder(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            words: WordSource::default(),
            context: Context::default(),
            max_length: None,
            overlap: default_overlap(),
            batch_tokens: default_batch_tokens(),
            map: BTreeMap::new(),
            labels: None,
            labels_place: None,
        }
    }

    /// What the mentions of the source called `name` say of where they come from: the name of the folder.
    pub(super) fn origin(&self, name: &Arc<str>) -> Origin {
        let path = self.path.trim_end_matches('/');
        let folder = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        Origin::new(name, folder.unwrap_or_else(|| path.to_owned()))
    }

    /// Those of the model's labels that it may propose, sorted.
    pub(super) fn proposed(&self, of_model: &[Label]) -> Vec<Label> {
        let chosen = self.labels.as_ref();
        let mut labels = of_model.to_vec();
        labels.retain(|l| chosen.is_none_or(|chosen| chosen.iter().any(|c| c == l.as_str())));
        labels.sort();
        labels
    }

    /// Checks that the labels it was told to propose are the model's.
    ///
    /// # Errors
    /// Where one is not.
    pub(super) fn check_labels(&self, of_model: &[Label]) -> Result<()> {
        let known: Vec<&str> = of_model.iter().map(Label::as_str).collect();
        let mut chosen = self.labels.iter().flatten();
        let Some(label) = chosen.find(|label| !known.contains(&label.as_str())) else {
            return Ok(());
        };
        let error = Error::unknown("label of the model", label, &known);
        Err(match &self.labels_place {
            Some(place) => error.at(place.clone()),
            None => error,
        })
    }
}

fn default_overlap() -> usize {
    64
}

fn default_batch_tokens() -> usize {
    2048
}

/// The documentation of the options.
pub(super) const OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        name: "path",
        value: "string",
        doc: "The folder, as Hugging Face's libraries save a token classifier: config.json with \
              id2label, tokenizer.json (or vocab.txt, or vocab.json and merges.txt), \
              tokenizer_config.json where there is one, and the weights as \
              model.safetensors or pytorch_model.bin, whole or in shards, or as model.gguf. \
              `spanloom list architectures` says which model types there are. A section `spanloom` of \
              config.json names another head than a linear one (see Heads below, and docs/models.md). Or a folder that \
              tools/export_flair.py made of a tagger of Flair.",
    },
    OptionDoc {
        name: "words",
        value: "\"text\" | \"tokenizer\", \"text\"",
        doc: "What a word is in running text: the library's segmentation, or the tokenizer's as in \
              transformers' pipeline. A word is labelled by its first sub-word. The words of the \
              segmentation are cut into sub-words as transformers cuts given words \
              (is_split_into_words); a model that was trained on running text may do better with the \
              tokenizer's.",
    },
    OptionDoc {
        name: "context",
        value: "\"sentence\" | \"document\", \"sentence\"",
        doc: "What the model reads at once. What is longer than the model's limit goes through \
              overlapping windows.",
    },
    OptionDoc {
        name: "max-length",
        value: "integer, the model's limit",
        doc: "The longest sequence in sub-words, special tokens included. DeBERTa with relative \
              positions and ModernBERT have no limit of their own: there it may also be more than the \
              max_position_embeddings of config.json, which is the default.",
    },
    OptionDoc {
        name: "overlap",
        value: "integer, 64",
        doc: "How many sub-words neighbouring windows share; at most half a window.",
    },
    OptionDoc {
        name: "batch-tokens",
        value: "integer, 2048",
        doc: "How many sub-words, padding included, are computed at once.",
    },
    OptionDoc {
        name: "map",
        value: "table of strings, {}",
        doc: "New names for the model's labels (group = \"ORG\"); several may become one.",
    },
    OptionDoc {
        name: "labels",
        value: "list of strings, all",
        doc: "The only labels it proposes, by their new names; its evidence keeps all.",
    },
];
