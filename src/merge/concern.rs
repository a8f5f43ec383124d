//! Which candidates does a pass concern? The options `sources` and `labels` that several passes have.

use std::sync::Arc;

use toml::Spanned;

use super::Incoming;
use super::check::Checks;
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label};

pub(super) const SOURCES: OptionDoc = OptionDoc {
    name: "sources",
    value: "list of sources, all",
    doc: "Only candidates that one of these sources proposed are concerned.",
};

pub(super) const LABELS: OptionDoc = OptionDoc {
    name: "labels",
    value: "list of labels, all",
    doc: "Only candidates of these labels are concerned.",
};

/// The candidates of some sources and labels.
#[derive(Debug, Default)]
pub(super) struct Concern {
    sources: Option<Vec<Arc<str>>>,
    labels: Option<Vec<Label>>,
}

impl Concern {
    /// What the two options say; an option that is not written excludes nothing.
    pub(super) fn new(
        sources: Option<&[Spanned<String>]>,
        labels: Option<&[Spanned<String>]>,
        checks: &mut Checks<'_>,
    ) -> Self {
        Self {
            sources: sources.map(|names| names.iter().map(|n| checks.source(n)).collect()),
            labels: labels
                .map(|names| names.iter().map(|n| checks.label(n.get_ref(), n.span())).collect()),
        }
    }

    /// Whether every candidate is one of them.
    pub(super) fn is_everything(&self) -> bool {
        self.sources.is_none() && self.labels.is_none()
    }

    /// Whether what `source` proposed as `label` is among them.
    pub(super) fn takes_pair(&self, source: &str, label: &Label) -> bool {
        self.labels.as_ref().is_none_or(|labels| labels.contains(label))
            && self.sources.as_ref().is_none_or(|names| names.iter().any(|n| **n == *source))
    }

    /// Why a pass has nothing to do that touches only these, where none of them can come.
    pub(super) fn idle(&self, incoming: &Incoming) -> Option<String> {
        let pairs = &incoming.pairs;
        let none = incoming.is_complete && !pairs.iter().any(|(s, l)| self.takes_pair(s, l));
        none.then(|| "nothing comes to it that its 'sources' and 'labels' concern".to_owned())
    }

    /// Whether the candidate is one of them.
    pub(super) fn takes(&self, candidate: &Candidate) -> bool {
        self.labels.as_ref().is_none_or(|labels| labels.contains(&candidate.label))
            && self.sources.as_ref().is_none_or(|names| names.iter().any(|n| candidate.is_from(n)))
    }
}
