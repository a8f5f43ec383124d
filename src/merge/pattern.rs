//! Patterns that look at the surroundings of a candidate, in bounded time.
//!
//! A pattern sees at most [`REACH`] characters on either side of the candidate. One that backtracks
//! more than [`RETRIES`] times at one place does not match there.

use std::sync::Arc;

use onig::{MatchParam, Regex, SearchOptions};

use crate::rule::macros::BACKSPACE;
use crate::span::Span;

/// How many characters before and after a candidate are seen by `left` and `right`.
pub(super) const SIDE: usize = 80;

/// How many characters of a sentence before and after a candidate are seen, and how many of the
/// candidate.
pub(super) const REACH: usize = 1000;

/// How often a match that begins at one place may backtrack.
const RETRIES: u32 = 10_000;

/// Where a pattern must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// It ends where the candidate begins.
    Left,
    /// It begins where the candidate ends.
    Right,
    /// It matches in the candidate, whose ends are the ends of what it sees.
    Inside,
    /// It matches in the sentence of the candidate, whose ends are the ends of what it sees.
    Sentence,
}

impl Where {
    /// What a pattern with this place sees of a candidate at `span`; `sentence` is only asked where it
    /// matters.
    pub(super) fn view(self, text: &str, span: Span, sentence: impl Fn() -> Span) -> View {
        match self {
            Self::Left => {
                // One character more, so that the cut is not taken for the beginning of a word.
                let from = back(text, span.start, SIDE);
                View { seen: Span::new(back(text, from, 1), span.start), from }
            }
            Self::Right => {
                let (first, last) = (back(text, span.end, SIDE), forth(text, span.end, SIDE));
                View { seen: Span::new(first, last), from: span.end }
            }
            Self::Inside => {
                let last = forth(text, span.start, REACH).min(span.end);
                View { seen: Span::new(span.start, last), from: span.start }
            }
            Self::Sentence => {
                let sentence = sentence();
                let first = back(text, span.start, REACH).max(sentence.start.min(span.start));
                let last = forth(text, span.start, REACH).min(sentence.end.max(span.end));
                View { seen: Span::new(first, last), from: first }
            }
        }
    }
}

/// What a pattern sees: nothing else decides whether it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// The part of the text that it sees.
    pub(super) seen: Span,
    /// The byte of the text at which a match begins, of [`Where::Right`], or else begins at the earliest.
    pub(super) from: usize,
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    place: Where,
    written: Box<str>,
    /// Place and pattern as written: two patterns with the same hold in the same places.
    key: Arc<str>,
}

impl Pattern {
    /// Compiles a pattern in Oniguruma's Ruby syntax.
    ///
    /// # Errors
    /// What Oniguruma says is wrong with it.
    pub(super) fn new(pattern: &str, place: Where) -> Result<Self, String> {
        let message = |error: onig::Error| format!("bad pattern: {}", error.description());
        if pattern.contains('\u{8}') {
            return Err(BACKSPACE.to_owned());
        }
        let mut regex = Regex::new(pattern).map_err(message)?;
        if place == Where::Left {
            regex = Regex::new(&format!("(?:{pattern})\\z")).map_err(message)?;
        }
        let key = format!("{place:?} {pattern}").into();
        Ok(Self { regex, place, written: pattern.into(), key })
    }

    /// Where it must match.
    pub(super) fn place(&self) -> Where {
        self.place
    }

    /// The pattern as written.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// What it is known by: two patterns with the same key hold in the same places.
    pub(super) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Whether it matches at its place beside or in `span`; `sentence` is only asked where it
    /// matters.
    pub(super) fn holds(&self, text: &str, span: Span, sentence: impl Fn() -> Span) -> bool {
        self.matches(text, self.place.view(text, span, sentence))
    }

    /// Whether it matches in what it sees.
    pub(super) fn matches(&self, text: &str, View { seen, from }: View) -> bool {
        let slice = seen.slice(text).unwrap_or("");
        let (from, to) = (from - seen.start, slice.len());
        let options = SearchOptions::SEARCH_OPTION_NONE;
        let found = match self.place {
            Where::Right => self.regex.match_with_param(slice, from, options, None, limits()),
            _ => self.regex.search_with_param(slice, from, to, options, None, limits()),
        };
        matches!(found, Ok(Some(_)))
    }
}

fn limits() -> MatchParam {
    let mut limits = MatchParam::default();
    limits.set_retry_limit_in_match(RETRIES);
    limits
}

/// The byte so many characters before the byte `at`.
fn back(text: &str, at: usize, characters: usize) -> usize {
    let first = at.saturating_sub(characters);
    if is_ascii(text, first, at) {
        return first;
    }
    let before = text.get(..at).unwrap_or("").char_indices();
    before.rev().take(characters).last().map_or(at, |(index, _)| index)
}

/// The byte so many characters after the byte `at`.
fn forth(text: &str, at: usize, characters: usize) -> usize {
    let last = text.len().min(at.saturating_add(characters));
    if is_ascii(text, at, last) {
        return last;
    }
    let after = text.get(at..).unwrap_or("").chars();
    at + after.take(characters).map(char::len_utf8).sum::<usize>()
}

/// Whether there is nothing but ASCII between two bytes: each character is one.
fn is_ascii(text: &str, first: usize, last: usize) -> bool {
    text.as_bytes().get(first..last).is_some_and(<[u8]>::is_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(pattern: &str, place: Where, text: &str, span: std::ops::Range<usize>) -> bool {
        let sentence = Span::new(0, text.len());
        Pattern::new(pattern, place).unwrap().holds(text, span.into(), || sentence)
    }

    #[test]
    fn each_place_is_its_own() {
        let text = "flew to Rome today";
        assert!(holds(r"\bto ", Where::Left, text, 8..12));
        assert!(!holds(r"flew", Where::Left, text, 8..12));
        assert!(holds(r"(?<=Rome) today\b", Where::Right, text, 8..12));
        assert!(!holds("today", Where::Right, text, 8..12));
        assert!(holds(r"\Ao*", Where::Inside, text, 8..12));
        assert!(!holds("t", Where::Inside, text, 8..12));
        assert!(holds(r"\Aflew.*today\z", Where::Sentence, text, 8..12));
    }

    proptest! {
        #[test]
        fn characters_are_counted_one_by_one(text in "[aé€😀]{0,12}|[a-z]{0,12}", at: prop::sample::Index, count in 0usize..14) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let number = at.index(places.len());
            prop_assert_eq!(back(&text, places[number], count), places[number.saturating_sub(count)]);
            prop_assert_eq!(forth(&text, places[number], count), places[(number + count).min(places.len() - 1)]);
        }
    }

    #[test]
    fn the_cut_is_not_the_edge_of_a_word() {
        let text = format!("{} x", "a".repeat(200));
        assert!(!holds(r"\ba+ ", Where::Left, &text, 201..202));
        assert!(holds(r"(?<!^)a+ ", Where::Left, &text, 201..202));
    }

    #[test]
    fn catastrophic_patterns_do_not_match() {
        let text = format!("{} x", "a".repeat(500));
        for place in [Where::Left, Where::Right, Where::Inside, Where::Sentence] {
            assert!(!holds("(a|a)*b", place, &text, 100..200), "{place:?}");
        }
    }

    #[test]
    fn a_bad_pattern_is_described() {
        assert!(Pattern::new("a(", Where::Left).unwrap_err().starts_with("bad pattern: end"));
        let error = Pattern::new("\u{8}in ", Where::Left).unwrap_err();
        assert!(error.ends_with("write patterns in single quotes"), "{error}");
    }
}
