//! The options of a model source, as written in the engine file.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use candle_core::{DType, Device};
use serde::Deserialize;

use super::arch::{Precision, has_bfloat, is_faster_in_fixed_point};
use super::gliner::Decoding;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::OptionDoc;
use crate::span::{Label, Origin};

/// What an engine file may say of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelConfig {
    /// The folder.
    pub path: String,
    /// What a word is in running text; where nothing is said, what its system takes for one.
    #[serde(default)]
    pub words: Option<WordSource>,
    /// What the model reads at once; where nothing is said, what its system reads.
    #[serde(default)]
    pub context: Option<Context>,
    /// The longest sequence in sub-words, special tokens included.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// How many sub-words two windows share.
    #[serde(default = "default_overlap")]
    pub overlap: usize,
    /// How many padded sub-words a batch holds.
    #[serde(default = "default_batch_tokens")]
    pub batch_tokens: usize,
    /// What matrix products are computed in.
    #[serde(default)]
    pub precision: PrecisionChoice,
    /// New names for the model's labels.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// The labels it may propose, by their new names; of a model that is asked for labels, those.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// By label, how a model that is asked for labels is asked for it, where not by its name.
    #[serde(default)]
    pub prompts: BTreeMap<String, String>,
    /// What a probability must be above.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// The same by label.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f64>,
    /// Which of the entities that overlap stand.
    #[serde(default)]
    pub decoding: Option<Decoding>,
    /// Where in the engine file the options stand that are written there, for errors.
    #[serde(skip)]
    pub places: BTreeMap<String, Location>,
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

/// What a user wants matrix products to be computed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrecisionChoice {
    /// 32 bits.
    #[default]
    F32,
    /// Floating-point numbers of 16 bits, in all layers on CUDA ([`Precision::Bf16`]), in linear layers on the processor
    /// ([`Precision::Bf16Pairs`]), or an error.
    Bf16,
    /// The same in half precision ([`Precision::F16`]).
    F16,
    /// 16-bit fixed point ([`Precision::Int16`]), or an error.
    Int16,
    /// 8-bit fixed point ([`Precision::Int8`]), or an error.
    Int8,
    /// 16-bit fixed point where the processor multiplies that faster and the model can be computed in it, else 32
    /// bits.
    Auto,
}

impl PrecisionChoice {
    /// All choices.
    pub const ALL: [Self; 6] =
        [Self::F32, Self::Int16, Self::Int8, Self::Bf16, Self::F16, Self::Auto];

    /// As users write it.
    pub fn name(self) -> &'static str {
        self.exactly().map_or("auto", Precision::name)
    }

    /// The precision that is chosen, where it is not left to what is at hand.
    fn exactly(self) -> Option<Precision> {
        match self {
            Self::F32 => Some(Precision::F32),
            Self::Bf16 => Some(Precision::Bf16),
            Self::F16 => Some(Precision::F16),
            Self::Int16 => Some(Precision::Int16),
            Self::Int8 => Some(Precision::Int8),
            Self::Auto => None,
        }
    }

    /// What to ask a model on this device for.
    pub(super) fn on(self, device: &Device) -> Precision {
        if self == Self::Bf16 && device.is_cpu() && has_bfloat() {
            return Precision::Bf16Pairs;
        }
        self.exactly().unwrap_or_else(|| {
            let is_fixed = device.is_cpu() && is_faster_in_fixed_point();
            if is_fixed { Precision::Int16 } else { Precision::F32 }
        })
    }

    /// The same for an encoder under layers that are computed in 32 bits: no floating-point numbers of 16.
    pub(super) fn under_others(self, device: &Device) -> Precision {
        Some(self.on(device)).filter(|asked| asked.half().is_none()).unwrap_or_default()
    }
}

impl FromStr for PrecisionChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|choice| choice.name() == name);
        found.ok_or_else(|| Error::unknown("precision", name, &Self::ALL.map(Self::name)))
    }
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
            words: None,
            context: None,
            max_length: None,
            overlap: default_overlap(),
            batch_tokens: default_batch_tokens(),
            precision: PrecisionChoice::default(),
            map: BTreeMap::new(),
            labels: None,
            prompts: BTreeMap::new(),
            threshold: None,
            thresholds: BTreeMap::new(),
            decoding: None,
            places: BTreeMap::new(),
        }
    }

    /// An error at the place of the option `name`, where it is written.
    pub(super) fn at(&self, name: &str, error: Error) -> Error {
        match self.places.get(name) {
            Some(place) => error.at(place.clone()),
            None => error,
        }
    }

    /// Looks whether what the model called `name` is `computed` in on its device is what the user asked for, and says what
    /// was chosen where that was left open.
    pub(super) fn check_precision(
        &self,
        name: &str,
        architecture: &str,
        computed: Precision,
        device: &Device,
    ) -> Result<()> {
        if self.precision == PrecisionChoice::Auto {
            tracing::info!("the model '{name}' is computed in {}", computed.name());
            return Ok(());
        }
        let (asked, is_here) = (self.precision.on(device), device.is_cpu());
        // The processor would only round to 16 bits, and multiply in 32.
        if computed == asked && (asked.half().is_none() || !is_here) {
            return Ok(());
        }
        let message = format!(
            "the architecture '{architecture}' is not computed in {} on this device",
            asked.name()
        );
        let help = match (is_here, asked.half()) {
            (true, Some(DType::BF16)) => {
                "this processor has no instructions for it (AVX-512 BF16); known here: f32, int16, int8, auto"
            }
            (true, Some(_)) => {
                "it is for token classifiers on CUDA; known on the processor: f32, bf16, int16, int8, auto"
            }
            (false, None) => {
                "it is for the processor; known on CUDA: f32, auto, and for some token classifiers bf16 and f16"
            }
            _ => "known here: f32, auto",
        };
        let error = Error::new(ErrorKind::Config, message).with_help(help);
        Err(self.at("precision", error))
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
        Err(self.at("labels", Error::unknown("label of the model", label, &known)))
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
        doc: "The folder, as the library of one of the systems saves it (`spanloom list systems`, \
              docs/models.md). A token classifier as Hugging Face's libraries save it: config.json with \
              id2label, tokenizer.json (or vocab.txt, or vocab.json and merges.txt), \
              tokenizer_config.json where there is one, and the weights as \
              model.safetensors or pytorch_model.bin, whole or in shards, or as model.gguf. \
              `spanloom list architectures` says which model types there are. A section `spanloom` of \
              config.json names another head than a linear one (see Heads below, and docs/models.md).",
    },
    OptionDoc {
        name: "words",
        value: "\"text\" | \"tokenizer\", \"text\"; of GLiNER its own, of SpanMarker \"tokenizer\"",
        doc: "What a word is in running text: the library's segmentation, or the tokenizer's as in \
              transformers' pipeline. A word is labelled by its first sub-word. The words of the \
              segmentation are cut into sub-words as transformers cuts given words \
              (is_split_into_words); a model that was trained on running text may do better with the \
              tokenizer's. GLiNER cuts text into runs of letters, digits and underscores, with hyphens between \
              them, and other characters each on its own; it may also be told \"text\". SpanMarker has the words into \
              which its tokenizer cuts before it looks for sub-words; it may also be told \"text\".",
    },
    OptionDoc {
        name: "context",
        value: "\"sentence\" | \"document\", \"sentence\"; of GLiNER \"document\"",
        doc: "What the model reads at once. What is longer than the model's limit goes through \
              overlapping windows. A SpanMarker that was trained on sentences in their documents reads \
              each sentence with as many of its neighbours as there is room for.",
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
        name: "precision",
        value: "\"f32\" | \"int16\" | \"int8\" | \"bf16\" | \"f16\" | \"auto\", \"f32\"",
        doc: "What the matrix products of the encoder are computed in, of all systems but Flair. int16, on the \
              processor: fixed point, weights and inputs of 12 bits, exact sums; for BERT, RoBERTa, CamemBERT, \
              XLM-RoBERTa, ELECTRA, DistilBERT, DeBERTa v2 and v3 and ModernBERT (but what follows its gates). int8: the same with 8 bits, faster where the \
              processor has AVX-512 VNNI, at some cost in F1. bf16, on processors with AVX-512 BF16: weights and inputs of \
              the same layers rounded to bfloat16; int16 is nearer to f32 and, where it was measured, faster. bf16 and f16, \
              on CUDA, for token classifiers over the same but DeBERTa and ModernBERT: weights and states of the layers in 16 bits. auto: \
              on the processor int16 where it has AVX2 and the encoder is one of these, else f32.",
    },
    OptionDoc {
        name: "map",
        value: "table of strings, {}",
        doc: "New names for the model's labels (group = \"ORG\"); several may become one.",
    },
    OptionDoc {
        name: "labels",
        value: "list of strings, all",
        doc: "The only labels it proposes, by their new names; its evidence keeps all. GLiNER is asked for \
              labels and needs them: any names, in the order in which it is to read them.",
    },
    OptionDoc {
        name: "prompts",
        value: "table of strings, {}",
        doc: "GLiNER: how it is asked for a label, where not by its name (PER = \"person\"). Without `labels` \
              its labels are these, in the order of the alphabet.",
    },
    OptionDoc {
        name: "threshold",
        value: "number, 0.5",
        doc: "GLiNER: what the probability of a label must be above.",
    },
    OptionDoc {
        name: "thresholds",
        value: "table of numbers, {}",
        doc: "GLiNER: the same for single labels (PER = 0.7).",
    },
    OptionDoc {
        name: "decoding",
        value: "\"flat\" | \"nested\" | \"multi-label\" | \"nested-multi-label\", \"flat\"",
        doc: "GLiNER: which entities stand, greedily from the likeliest on: flat, none that overlaps another; \
              nested, one may lie in another; multi-label, a span may have several labels; nested-multi-label, \
              both.",
    },
];
