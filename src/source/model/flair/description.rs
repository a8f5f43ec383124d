//! What `flair.json` says of a tagger: its tags, its layers and its embeddings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DESCRIPTION;
use crate::error::{Error, ErrorKind, Result};
use crate::resource::Files;
use crate::source::model::folder_options::parse_config;

/// No layer of a tagger is wider and none has more of them; larger numbers are mistakes.
const LARGEST: usize = 1 << 20;

/// The file, read.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What a tagger of flair is made of again: `version`, `tag_type`, `tag_format`.
    #[serde(default)]
    pub flair: BTreeMap<String, String>,
    /// The tags, in id order, `<START>` and `<STOP>` included where there is a CRF.
    pub tags: Vec<String>,
    /// Whether a CRF is over the scores.
    pub crf: bool,
    /// Whether a linear layer is over the embeddings.
    pub reproject: bool,
    /// The LSTM, where there is one.
    #[serde(default)]
    pub rnn: Option<Recurrent>,
    /// The rate of dropout of single numbers, in training.
    #[serde(default)]
    pub dropout: f64,
    /// That of whole words.
    #[serde(default)]
    pub word_dropout: f64,
    /// That of the same numbers of all words of a sentence.
    #[serde(default)]
    pub locked_dropout: f64,
    /// In the order in which their vectors stand side by side.
    pub embeddings: Vec<EmbeddingOptions>,
}

/// A bidirectional LSTM.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recurrent {
    /// The width of one direction.
    pub hidden_size: usize,
    /// How many layers there are.
    pub layers: usize,
}

/// One of the embeddings.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EmbeddingOptions {
    /// Word vectors.
    Words(WordOptions),
    /// A language model over characters.
    Characters(CharacterOptions),
    /// A transformer.
    Transformer(TransformerOptions),
}

impl EmbeddingOptions {
    /// Whether their weights are trained with the tagger.
    pub fn is_fine_tuned(&self) -> bool {
        match self {
            Self::Words(_) => false,
            Self::Characters(options) => options.fine_tune,
            Self::Transformer(options) => options.fine_tune,
        }
    }
}

/// A vector for each word of a list.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WordOptions {
    /// The file of vectors, beside `flair.json`.
    pub vectors: String,
    /// The words of a matrix of safetensors, a word a line; other files hold their words themselves.
    #[serde(default)]
    pub vocabulary: Option<String>,
    /// Whether the vectors are normalised.
    #[serde(default)]
    pub stable: bool,
}

/// A language model over characters.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CharacterOptions {
    /// Whether it reads forwards.
    pub forward: bool,
    /// The file of its characters, beside `flair.json`: a list of strings in JSON, by id.
    pub dictionary: String,
    /// The width of the embedding of a character.
    pub embedding_size: usize,
    /// The width of a state.
    pub hidden_size: usize,
    /// How many layers the LSTM has.
    pub layers: usize,
    /// The width that states are projected to, where they are.
    #[serde(default)]
    pub outputs: Option<usize>,
    /// The rate of dropout, where it is trained.
    #[serde(default)]
    pub dropout: f64,
    /// What stands before a sentence.
    pub delimiter: String,
    /// How many characters are read at once: a matter of memory.
    pub chars_per_chunk: usize,
    /// Whether the text is put in lower case.
    #[serde(default)]
    pub lower: bool,
    /// Whether it reads the words with single spaces between them, and not as the text has them.
    pub tokenized: bool,
    /// Whether a word has the state after the space behind it, and not that after its last character.
    pub whitespace: bool,
    /// Whether it is trained with the layers over it.
    #[serde(default)]
    pub fine_tune: bool,
}

/// A transformer over the sub-words of a sentence.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TransformerOptions {
    /// The folder of its configuration and tokenizer, beside `flair.json`.
    pub folder: String,
    /// Which layers, 0 being the embeddings and −1 the last layer.
    pub layers: Vec<i64>,
    /// Whether the mean of the layers is taken, and not all side by side.
    pub layer_mean: bool,
    /// What becomes of the sub-words of a word.
    pub subtoken_pooling: Pooling,
    /// The longest sequence of its tokenizer, special tokens included; `null` where the tokenizer knows none.
    pub max_length: Option<usize>,
    /// Whether what is longer is read in overlapping parts, and not cut off.
    pub allow_long_sentences: bool,
    /// Whether it is trained with the layers over it.
    #[serde(default)]
    pub fine_tune: bool,
}

/// What becomes of the sub-words of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The first is taken.
    First,
    /// The last is taken.
    Last,
    /// The first and the last stand side by side.
    FirstLast,
    /// Their mean is taken.
    Mean,
}

impl Description {
    /// Reads the `flair.json` of a folder; also gives what to call it.
    ///
    /// # Errors
    /// Where it is missing or wrong.
    pub fn read(files: &Files, folder: &str) -> Result<(Self, String)> {
        let file = format!("{folder}/{DESCRIPTION}");
        let place = files.display(&file);
        Ok((parse_config(&files.read_text(&file)?, &place)?, place))
    }

    /// The names of the files and folders that it names.
    pub fn names(&self) -> Vec<&str> {
        fn of(embedding: &EmbeddingOptions) -> Vec<&str> {
            match embedding {
                EmbeddingOptions::Words(options) => {
                    let vocabulary = options.vocabulary.as_deref();
                    std::iter::once(options.vectors.as_str()).chain(vocabulary).collect()
                }
                EmbeddingOptions::Characters(options) => vec![options.dictionary.as_str()],
                EmbeddingOptions::Transformer(options) => vec![options.folder.as_str()],
            }
        }
        self.embeddings.iter().flat_map(of).collect()
    }

    /// Whether the weight `name` stands over the embeddings.
    pub fn is_of_head(name: &str) -> bool {
        !name.starts_with("embeddings.")
    }

    /// Whether there are transformers, and all of them are fine-tuned.
    pub fn tunes_transformers(&self) -> bool {
        let is_one = |of: &&EmbeddingOptions| matches!(of, EmbeddingOptions::Transformer(_));
        let mut transformers = self.embeddings.iter().filter(is_one).peekable();
        transformers.peek().is_some() && transformers.all(EmbeddingOptions::is_fine_tuned)
    }

    /// Whether the weight `name` is trained: those of the embeddings only where they are fine-tuned.
    pub fn is_trained(&self, name: &str) -> bool {
        let Some((number, _)) = name.strip_prefix("embeddings.").and_then(|n| n.split_once('.'))
        else {
            return true;
        };
        let embeddings = number.parse().ok().and_then(|number: usize| self.embeddings.get(number));
        embeddings.is_some_and(EmbeddingOptions::is_fine_tuned)
    }

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
