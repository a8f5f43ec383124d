//! A mention that survived the merge.

use std::sync::Arc;

use super::{Label, Origin, Span};
use crate::text::Annotation;

/// A mention that survived, with what supported it and what it overruled.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Where, in bytes of the original text.
    pub span: Span,
    /// What.
    pub label: Label,
    /// How sure, 0..=1.
    pub score: f32,
    /// Who proposed it: sorted, without duplicates.
    pub origins: Vec<Origin>,
    /// The candidates it won against.
    pub overruled: Vec<Overruled>,
}

/// A candidate that lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Overruled {
    /// Where.
    pub span: Span,
    /// What.
    pub label: Label,
    /// Its score when it lost.
    pub score: f32,
    /// Who proposed it.
    pub origins: Vec<Origin>,
}

impl From<&Entity> for Annotation {
    fn from(entity: &Entity) -> Self {
        Self { span: entity.span, label: entity.label.as_str().to_owned() }
    }
}

impl Entity {
    /// The text it covers; `text` must be the document's.
    ///
    /// # Panics
    /// Where `text` is another text and the span does not fit it.
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        self.span.slice(text).expect("an entity lies inside its own document")
    }

    /// The names of the sources that proposed it: sorted, without duplicates.
    pub fn sources(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.origins.iter().map(|o| o.source.clone()).collect();
        names.dedup();
        names
    }
}
