//! What `flair.json` says of a tagger: its tags, its layers and its embeddings.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};

/// No layer of a tagger is wider and none has more of them; larger numbers are mistakes.
const LARGEST: usize = 1 << 20;

/// The file, read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    /// What a tagger of flair is made of again: `version`, `tag_type`, `tag_format`.
    #[serde(default)]
    pub(super) flair: BTreeMap<String, String>,
    /// The tags, in id order, `<START>` and `<STOP>` included where there is a CRF.
    pub(super) tags: Vec<String>,
    pub(super) crf: bool,
    pub(super) reproject: bool,
    #[serde(default)]
    pub(super) rnn: Option<Recurrent>,
    /// Rates of dropout in training: of single numbers, of whole words, and of the same numbers of all words of
    /// a sentence.
    #[serde(default)]
    pub(super) dropout: f64,
    #[serde(default)]
    pub(super) word_dropout: f64,
    #[serde(default)]
    pub(super) locked_dropout: f64,
    /// In the order in which their vectors stand side by side.
    pub(super) embeddings: Vec<EmbeddingOptions>,
}

/// A bidirectional LSTM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recurrent {
    /// The width of one direction.
    pub(super) hidden_size: usize,
    pub(super) layers: usize,
}

/// One of the embeddings.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum EmbeddingOptions {
    Words(WordOptions),
    Characters(CharacterOptions),
    Transformer(TransformerOptions),
}

/// A vector for each word of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordOptions {
    /// The file of vectors, beside `flair.json`.
    pub(super) vectors: String,
    /// The words of a matrix of safetensors, a word a line; other files hold their words themselves.
    #[serde(default)]
    pub(super) vocabulary: Option<String>,
    /// Whether the vectors are normalised.
    #[serde(default)]
    pub(super) stable: bool,
}

/// A language model over characters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CharacterOptions {
    /// Whether it reads forwards.
    pub(super) forward: bool,
    /// The file of its characters, beside `flair.json`: a list of strings in JSON, by id.
    pub(super) dictionary: String,
    /// The width of the embedding of a character.
    pub(super) embedding_size: usize,
    pub(super) hidden_size: usize,
    pub(super) layers: usize,
    /// The width that states are projected to, where they are.
    #[serde(default)]
    pub(super) outputs: Option<usize>,
    #[serde(default)]
    pub(super) dropout: f64,
    /// What stands before a sentence.
    pub(super) delimiter: String,
    /// How many characters are read at once: a matter of memory.
    pub(super) chars_per_chunk: usize,
    /// Whether the text is put in lower case.
    #[serde(default)]
    pub(super) lower: bool,
    /// Whether it reads the words with single spaces between them, and not as the text has them.
    pub(super) tokenized: bool,
    /// Whether a word has the state after the space behind it, and not that after its last character.
    pub(super) whitespace: bool,
    #[serde(default)]
    pub(super) fine_tune: bool,
}

/// A transformer over the sub-words of a sentence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransformerOptions {
    /// The folder of its configuration and tokenizer, beside `flair.json`.
    pub(super) folder: String,
    /// Which layers, 0 being the embeddings and −1 the last layer.
    pub(super) layers: Vec<i64>,
    /// Whether the mean of the layers is taken, and not all side by side.
    pub(super) layer_mean: bool,
    pub(super) subtoken_pooling: Pooling,
    /// The longest sequence of its tokenizer, special tokens included; `null` where the tokenizer knows none.
    pub(super) max_length: Option<usize>,
    /// Whether what is longer is read in overlapping parts, and not cut off.
    pub(super) allow_long_sentences: bool,
    #[serde(default)]
    pub(super) fine_tune: bool,
}

/// What becomes of the sub-words of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pooling {
    First,
    Last,
    FirstLast,
    Mean,
}

impl Description {
    /// Checks the numbers that weights do not check.
    pub(super) fn check(&self) -> Result<()> {
        rate("dropout", self.dropout)?;
        rate("word_dropout", self.word_dropout)?;
        rate("locked_dropout", self.locked_dropout)?;
        if self.embeddings.is_empty() {
            return Err(wrong("embeddings is empty: a tagger reads at least one".to_owned()));
        }
        if let Some(rnn) = &self.rnn {
            size("rnn.hidden_size", rnn.hidden_size)?;
            size("rnn.layers", rnn.layers)?;
        }
        for embedding in &self.embeddings {
            if let EmbeddingOptions::Characters(options) = embedding {
                size("hidden_size", options.hidden_size)?;
                size("layers", options.layers)?;
                size("embedding_size", options.embedding_size)?;
                size("chars_per_chunk", options.chars_per_chunk)?;
                size("outputs", options.outputs.unwrap_or(1))?;
                rate("dropout", options.dropout)?;
            }
        }
        Ok(())
    }
}

fn size(key: &str, value: usize) -> Result<()> {
    let fits = (1..=LARGEST).contains(&value);
    let message = || format!("{key} is {value}, expected 1 to {LARGEST}");
    if fits { Ok(()) } else { Err(wrong(message())) }
}

fn rate(key: &str, value: f64) -> Result<()> {
    let fits = (0.0..=1.0).contains(&value);
    if fits { Ok(()) } else { Err(wrong(format!("{key} is {value}, expected 0 to 1"))) }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Model, message)
}
