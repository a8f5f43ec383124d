//! Where may an entity begin and end in a document whose tokens are given?

use crate::text::{Document, Span};

/// The edges of a document's given tokens.
#[derive(Debug)]
pub(crate) struct TokenEdges(Vec<Span>);

impl TokenEdges {
    /// The edges, where the document has tokens.
    pub(crate) fn of(document: &Document) -> Option<Self> {
        document.token_spans().map(Self)
    }

    /// Whether the span begins where a token begins and ends where one ends.
    pub(crate) fn fit(&self, span: Span) -> bool {
        self.0.binary_search_by_key(&span.start, |token| token.start).is_ok()
            && self.0.binary_search_by_key(&span.end, |token| token.end).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_never_cuts_a_token() {
        let edges = TokenEdges::of(&Document::from_words("d", ["New", "York-based"])).unwrap();
        assert!(edges.fit(Span::new(0, 3)) && edges.fit(Span::new(0, 14)));
        assert!(!edges.fit(Span::new(0, 8)) && !edges.fit(Span::new(1, 3)));
        assert!(TokenEdges::of(&Document::new("d", "x")).is_none());
    }
}
