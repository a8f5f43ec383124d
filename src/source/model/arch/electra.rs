//! ELECTRA (Clark et al. 2020, arXiv:2003.10555): BERT whose embeddings may be narrower than its
//! hidden states.

use super::Architecture;
use super::bert::{Bert, Defaults};
use super::keys::Keys;

const PREFIX: &str = "electra.";

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "electra",
    doc: "ELECTRA's discriminator (Clark et al. 2020).",
    prefix: PREFIX,
    token_classifier: "ElectraForTokenClassification",
    load: |config, weights| {
        Ok(Box::new(Bert::load(&Keys::parse(config)?, weights, PREFIX, &DEFAULTS)?))
    },
};

const DEFAULTS: Defaults = Defaults {
    vocabulary: 30522,
    hidden: 256,
    heads: 4,
    inner: 1024,
    embedding: Some(128),
    padding: None,
};
