//! A stretch of text: the only offset type inside the library.

use std::fmt;
use std::ops::Range;

/// A half-open byte range of a document's original text, on char boundaries.
///
/// `0..3` and `3..5` touch and do not overlap. Ordered by start, then end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "span {start}..{end} runs backwards");
        Self { start, end }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether it holds no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether both hold a common byte.
    pub fn overlaps(self, other: Span) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether every byte of `other` is in `self` (equal spans contain each other).
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the spans overlap and neither contains the other.
    pub fn crosses(self, other: Span) -> bool {
        self.overlaps(other) && !self.contains(other) && !other.contains(self)
    }

    /// As a range, for slicing.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The text it covers, or `None` where it lies outside `text` or cuts a char.
    pub fn slice(self, text: &str) -> Option<&str> {
        text.get(self.range())
    }

    /// The span less the white space at both its ends.
    #[must_use]
    pub fn trim(self, text: &str) -> Span {
        let Some(inside) = self.slice(text) else { return self };
        let start = self.start + (inside.len() - inside.trim_start().len());
        let end = self.end - (inside.len() - inside.trim_end().len());
        if start >= end { Span::new(self.start, self.start) } else { Span::new(start, end) }
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_spans_do_not_overlap() {
        let (a, b) = (Span::new(0, 3), Span::new(3, 5));
        assert!(!a.overlaps(b) && !b.overlaps(a) && !a.crosses(b));
    }

    #[test]
    fn crossing_is_neither_containment_nor_distance() {
        assert!(Span::new(0, 4).crosses(Span::new(2, 6)));
        assert!(!Span::new(0, 6).crosses(Span::new(2, 6)));
        assert!(Span::new(0, 6).contains(Span::new(2, 6)));
    }

    #[test]
    fn trim_keeps_what_is_not_white() {
        let text = "a \u{a0}Paris\n b";
        let span = Span::new(1, text.len() - 1).trim(text);
        assert_eq!(span.slice(text), Some("Paris"));
        assert!(Span::new(1, 4).trim(text).is_empty());
    }
}
