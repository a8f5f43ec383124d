//! Flair's sequence tagger (Akbik et al. 2018, "Contextual String Embeddings for Sequence Labeling"): stacked
//! embeddings of words, a BiLSTM where there is one, and a linear layer or a CRF over the tags. It computes what
//! flair 0.15.1 computes; `tools/export_flair.py` makes the folders, `docs/models.md` says what is in them.

mod description;
mod embeddings;
mod network;
mod sentence;
mod spans;
mod tagger;
mod vectors;

pub use description::{Description, EmbeddingOptions, Recurrent};
pub use network::{BOUNDARIES, NEVER, Network, fresh};
pub use sentence::Sentence;
pub use tagger::FlairTagger;
pub use vectors::Vectors;

use super::system::System;

/// The file that says what a folder holds.
pub const DESCRIPTION: &str = "flair.json";

pub(super) const SYSTEM: System = System {
    name: "flair",
    doc: "Flair's sequence tagger: word vectors, character language models and transformers side by side, \
          a BiLSTM and a CRF where it has them (Akbik et al. 2018, COLING), as `tools/export_flair.py` writes \
          it.",
    options: &["context", "max-length", "overlap", "batch-tokens", "map", "labels"],
    owns: |files, folder| files.exists(&format!("{folder}/{DESCRIPTION}")),
    load: |name, config, context| Ok(Box::new(FlairTagger::load(name, config, context)?)),
};
