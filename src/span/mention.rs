//! A proposal: what a source says before the merge.

use std::fmt;
use std::sync::Arc;

use super::{Label, Span};

/// Who proposed a mention: the source, and what inside it (rule id, gazetteer entry, model).
///
/// Ordered by source, then detail, so that a set of origins prints the same way every time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The source's name in the engine file.
    pub source: Arc<str>,
    /// A rule id, a gazetteer entry's id or surface, a model's name; may be empty.
    pub detail: Arc<str>,
}

impl Origin {
    /// An origin of a source and a detail inside it.
    pub fn new(source: &Arc<str>, detail: impl Into<Arc<str>>) -> Self {
        Self { source: source.clone(), detail: detail.into() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            return f.write_str(&self.source);
        }
        write!(f, "{}:{}", self.source, self.detail)
    }
}

/// What a source proposes: this span is this label, says this origin, with this score.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    /// Where.
    pub span: Span,
    /// What.
    pub label: Label,
    /// How sure, 0..=1, finite.
    pub score: f32,
    /// Says who.
    pub origin: Origin,
}
