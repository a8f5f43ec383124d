//! What a condition may look at besides its candidate: the document, the other candidates, and what
//! the sources proposed. What is expensive is found when first asked for.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use crate::span::{Candidate, Label};
use crate::text::{Document, Segments, Span};

/// The surroundings of the candidates of a document, at one moment of a merge.
pub(crate) struct World<'a> {
    document: &'a Document,
    segments: &'a dyn Fn() -> &'a Segments,
    proposed: &'a [Candidate],
    candidates: &'a [Candidate],
    by_surface: OnceCell<BTreeMap<&'a str, Vec<usize>>>,
    occurrences: OnceCell<BTreeMap<&'a str, usize>>,
}

impl<'a> World<'a> {
    /// The world of `candidates`; `proposed` is sorted by [`crate::span::order::compare`].
    pub(crate) fn new(
        document: &'a Document,
        segments: &'a dyn Fn() -> &'a Segments,
        proposed: &'a [Candidate],
        candidates: &'a [Candidate],
    ) -> Self {
        let (by_surface, occurrences) = (OnceCell::new(), OnceCell::new());
        Self { document, segments, proposed, candidates, by_surface, occurrences }
    }

    /// The text of the document.
    pub(super) fn text(&self) -> &'a str {
        &self.document.text
    }

    /// The numbers of the words that share a byte with `span`.
    pub(super) fn words(&self, span: Span) -> Range<usize> {
        (self.segments)().words_in(span)
    }

    /// Whether no word of the sentence stands before `span`.
    pub(super) fn begins_sentence(&self, span: Span) -> bool {
        let sentence = self.sentence(span);
        !self.has_word(sentence.start, span.start)
    }

    /// Whether no word of the sentence stands after `span`.
    pub(super) fn ends_sentence(&self, span: Span) -> bool {
        let sentence = self.sentence(span);
        !self.has_word(span.end, sentence.end)
    }

    /// The sentence that `span` begins in.
    pub(crate) fn sentence(&self, span: Span) -> Span {
        (self.segments)().sentence_of(span)
    }

    /// `span` to the edges of the words that it cuts.
    pub(crate) fn whole_words(&self, span: Span) -> Span {
        let segments = (self.segments)();
        let words = segments.words().get(segments.words_in(span)).unwrap_or(&[]);
        match (words.first(), words.last()) {
            (Some(first), Some(last)) => {
                Span::new(first.start.min(span.start), last.end.max(span.end))
            }
            _ => span,
        }
    }

    fn has_word(&self, start: usize, end: usize) -> bool {
        start < end
            && self.text().get(start..end).is_some_and(|t| t.contains(char::is_alphanumeric))
    }

    /// Whether `source` proposed exactly this span.
    pub(super) fn proposed_by(&self, span: Span, source: &str) -> bool {
        let key = |c: &Candidate| (c.span.start, std::cmp::Reverse(c.span.end));
        let asked = (span.start, std::cmp::Reverse(span.end));
        let first = self.proposed.partition_point(|c| key(c) < asked);
        let here = self.proposed.get(first..).unwrap_or(&[]).iter();
        here.take_while(|c| c.span == span).any(|c| c.is_from(source))
    }

    /// Whether another candidate of `label` has the same text elsewhere.
    pub(super) fn is_elsewhere(&self, span: Span, label: &Label) -> bool {
        let surface = span.slice(self.text()).unwrap_or("");
        let by_surface = self.by_surface.get_or_init(|| {
            let mut map: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (number, candidate) in self.candidates.iter().enumerate() {
                map.entry(candidate.span.slice(self.text()).unwrap_or(""))
                    .or_default()
                    .push(number);
            }
            map
        });
        let same = by_surface.get(surface).into_iter().flatten();
        same.map(|n| &self.candidates[*n]).any(|c| c.span != span && c.label == *label)
    }

    /// Whether the same text stands elsewhere, as whole words.
    pub(super) fn is_repeated(&self, span: Span) -> bool {
        let surface = span.slice(self.text()).unwrap_or("");
        let counted = self.occurrences.get_or_init(|| self.count());
        match counted.get(surface) {
            Some(count) => *count > 1,
            None => {
                let found = self.text().match_indices(surface);
                found.filter(|(at, s)| self.is_whole(*at, at + s.len())).nth(1).is_some()
            }
        }
    }

    /// How often the text of each candidate stands in the document, found in one scan.
    fn count(&self) -> BTreeMap<&'a str, usize> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for candidate in self.candidates {
            counts.insert(candidate.span.slice(self.text()).unwrap_or(""), 0);
        }
        let surfaces: Vec<&str> = counts.keys().copied().collect();
        let Ok(automaton) = AhoCorasick::new(&surfaces) else { return BTreeMap::new() };
        for found in automaton.find_overlapping_iter(self.text()) {
            if self.is_whole(found.start(), found.end()) {
                *counts.entry(surfaces[found.pattern().as_usize()]).or_default() += 1;
            }
        }
        counts
    }

    fn is_whole(&self, start: usize, end: usize) -> bool {
        let before = self.text().get(..start).and_then(|t| t.chars().next_back());
        let after = self.text().get(end..).and_then(|t| t.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    }
}
