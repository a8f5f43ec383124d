//! RoBERTa (Liu et al. 2019, arXiv:1907.11692) and the models that are RoBERTa over other sub-words:
//! BERT whose positions begin after that of padding.

use super::Architecture;
use super::bert::{Bert, Defaults};
use super::keys::Keys;

const PREFIX: &str = "roberta.";

pub(super) const ROBERTA: Architecture = Architecture {
    name: "roberta",
    doc: "RoBERTa (Liu et al. 2019): BERT over byte-level sub-words.",
    prefix: PREFIX,
    token_classifier: "RobertaForTokenClassification",
    load: |config, weights| {
        Ok(Box::new(Bert::load(&Keys::parse(config)?, weights, PREFIX, &defaults(50265))?))
    },
};

pub(super) const CAMEMBERT: Architecture = Architecture {
    name: "camembert",
    doc: "CamemBERT (Martin et al. 2020): RoBERTa for French.",
    token_classifier: "CamembertForTokenClassification",
    load: |config, weights| {
        Ok(Box::new(Bert::load(&Keys::parse(config)?, weights, PREFIX, &defaults(30522))?))
    },
    ..ROBERTA
};

pub(super) const XLM_ROBERTA: Architecture = Architecture {
    name: "xlm-roberta",
    doc: "XLM-RoBERTa (Conneau et al. 2020): RoBERTa for a hundred languages.",
    token_classifier: "XLMRobertaForTokenClassification",
    ..CAMEMBERT
};

const fn defaults(vocabulary: usize) -> Defaults {
    Defaults { vocabulary, hidden: 768, heads: 12, inner: 3072, embedding: None, padding: Some(1) }
}
