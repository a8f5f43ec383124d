//! What passes found out about a document that no setting of theirs changes: kept where one document is
//! merged again and again, as `spanloom tune` does it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::casing::Cases;
use super::pattern::Pattern;
use crate::span::Span;
use crate::text::{Document, Readings, Segments};

/// Words, sentences, and where patterns hold, of one document.
#[derive(Debug, Default)]
pub struct DocumentMemo {
    readings: Readings,
    cases: OnceLock<Cases>,
    patterns: Mutex<HashMap<Arc<str>, HashMap<Span, bool>>>,
}

impl DocumentMemo {
    /// The words and sentences of the document, found when first asked for.
    pub(super) fn segments(&self, document: &Document) -> &Segments {
        self.readings.segments(document)
    }

    /// The cases of its words, found when first asked for.
    pub(super) fn cases(&self, document: &Document) -> &Cases {
        self.cases.get_or_init(|| Cases::of(&document.text, self.segments(document)))
    }

    /// Whether a pattern holds at a span, which `find` finds out when it is first asked for.
    pub(super) fn holds(&self, pattern: &Pattern, span: Span, find: impl FnOnce() -> bool) -> bool {
        let patterns = || self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let known = patterns().get(pattern.key()).and_then(|spans| spans.get(&span).copied());
        known.unwrap_or_else(|| {
            let holds = find();
            patterns().entry(pattern.key().clone()).or_default().insert(span, holds);
            holds
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Where;
    use super::*;

    #[test]
    fn it_asks_once_for_each_pattern_place_and_span() {
        let memo = DocumentMemo::default();
        let pattern = |place| Pattern::new("a", place).unwrap();
        let (left, right) = (pattern(Where::Left), pattern(Where::Right));
        let (one, other) = (Span::new(0, 1), Span::new(0, 2));
        for (pattern, span, holds) in
            [(&left, one, true), (&left, other, false), (&right, one, false)]
        {
            assert_eq!(memo.holds(pattern, span, || holds), holds);
            assert_eq!(memo.holds(pattern, span, || unreachable!("it is known")), holds);
        }
        // The same pattern, compiled anew.
        assert!(memo.holds(&pattern(Where::Left), one, || unreachable!("it is known")));
    }
}
