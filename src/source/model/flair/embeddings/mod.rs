//! Embeddings: words in, a vector each out. Several stand side by side; what is made of the vectors is not known
//! here.

mod characters;
mod transformer;
mod words;

use std::path::Path;

use candle_core::{Device, Result, Tensor};

use super::description::EmbeddingOptions;
use super::sentence::Sentence;
use crate::resource::Files;
use crate::source::model::arch::Mode;
use crate::source::model::weights::Weights;

/// A vector for each word of a sentence.
pub(super) trait Embeddings: Send + Sync {
    /// How many numbers a vector has.
    fn width(&self) -> usize;

    /// The vectors of all words of some sentences, one after another: shape `(words, width)`.
    ///
    /// # Errors
    /// Where the device or a tokenizer fails, or a file of vectors is damaged.
    fn embed(&self, sentences: &[Sentence<'_>], mode: Mode<'_>) -> Result<Tensor>;
}

/// Where embeddings are loaded from, and where they run.
pub(super) struct Place<'a> {
    /// What the names of files are relative to.
    pub(super) files: &'a Files,
    /// The folder of the model.
    pub(super) folder: &'a str,
    /// Where the vectors are made.
    pub(super) device: &'a Device,
}

impl Place<'_> {
    /// The name of a file that `flair.json` names.
    fn file(&self, name: &str) -> String {
        if Path::new(name).is_absolute() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.folder)
        }
    }
}

/// Loads what `options` describe; `weights` are those of these embeddings alone.
///
/// # Errors
/// Where a file or a weight is missing, or does not fit.
pub(super) fn load(
    options: &EmbeddingOptions,
    weights: &Weights,
    place: &Place<'_>,
) -> crate::Result<Box<dyn Embeddings>> {
    Ok(match options {
        EmbeddingOptions::Words(options) => Box::new(words::WordEmbeddings::load(options, place)?),
        EmbeddingOptions::Characters(options) => {
            Box::new(characters::CharacterEmbeddings::load(options, weights, place)?)
        }
        EmbeddingOptions::Transformer(options) => {
            Box::new(transformer::TransformerEmbeddings::load(options, weights, place)?)
        }
    })
}
