//! Where the edges of a span go: characters and words taken off, words taken in.

use std::collections::BTreeSet;

use super::super::PassContext;
use crate::span::Span;
use crate::text::{FoldOptions, fold};

/// A word as it is compared.
pub(super) fn key(word: &str) -> String {
    fold(word.trim(), FoldOptions::ALL).into_text()
}

/// What is taken off and taken in; words are [`key`]s.
#[derive(Debug)]
pub(super) struct Edges {
    pub(super) trim: BTreeSet<char>,
    pub(super) trim_left: BTreeSet<String>,
    pub(super) trim_right: BTreeSet<String>,
    pub(super) extend_left: BTreeSet<String>,
    pub(super) extend_right: BTreeSet<String>,
}

impl Edges {
    /// The span with its edges moved, until nothing moves them. Ends, because an edge that was extended
    /// over a word never goes back over it.
    pub(super) fn moved(&self, span: Span, context: &PassContext<'_>) -> Span {
        let mut now = span;
        loop {
            let next = self.extended(self.trimmed(now, context), context);
            if next == now {
                return now;
            }
            now = next;
        }
    }

    /// The span less what is taken off; itself where nothing would be left.
    fn trimmed(&self, span: Span, context: &PassContext<'_>) -> Span {
        let mut now = span;
        loop {
            let before = now;
            now = self.without_characters(now, context);
            now = self.without_words(now, context);
            if now.is_empty() {
                return span;
            }
            if now == before {
                return now;
            }
        }
    }

    /// The span less the characters of `trim` at its ends. A document of given tokens loses whole
    /// tokens only.
    fn without_characters(&self, span: Span, context: &PassContext<'_>) -> Span {
        if self.trim.is_empty() {
            return span;
        }
        let text = span.slice(&context.document.text).unwrap_or("");
        let is_trimmed = |c: char| self.trim.contains(&c);
        let start = span.end - text.trim_start_matches(is_trimmed).len();
        let end = span.start + text.trim_end_matches(is_trimmed).len();
        if start >= end {
            return Span::new(span.start, span.start);
        }
        let inner = Span::new(start, end);
        if context.document.tokens.is_none() {
            return inner;
        }
        let tokens = &context.segments().words()[context.segments().words_in(inner)];
        let edges = tokens.first().zip(tokens.last());
        edges.map_or(span, |(first, last)| Span::new(first.start, last.end))
    }

    /// The span less the words at its ends that are listed, and the white space beside them.
    fn without_words(&self, span: Span, context: &PassContext<'_>) -> Span {
        if self.trim_left.is_empty() && self.trim_right.is_empty() {
            return span;
        }
        let text = &context.document.text;
        let words = &context.segments().words()[context.segments().words_in(span)];
        let is = |word: &Span, list: &BTreeSet<String>| {
            span.contains(*word) && list.contains(&key(word.slice(text).unwrap_or("")))
        };
        let mut rest = words;
        while let [first, others @ ..] = rest {
            if others.is_empty() || !is(first, &self.trim_left) {
                break;
            }
            rest = others;
        }
        while let [others @ .., last] = rest {
            if others.is_empty() || !is(last, &self.trim_right) {
                break;
            }
            rest = others;
        }
        match (rest.first(), rest.last(), words.first(), words.last()) {
            (Some(first), Some(last), Some(old_first), Some(old_last)) => {
                let start = if first == old_first { span.start } else { first.start };
                let end = if last == old_last { span.end } else { last.end };
                Span::new(start, end)
            }
            _ => span,
        }
    }

    /// The span with the words beside it that are listed.
    fn extended(&self, span: Span, context: &PassContext<'_>) -> Span {
        if self.extend_left.is_empty() && self.extend_right.is_empty() {
            return span;
        }
        let text = &context.document.text;
        let words = context.segments().words();
        let is_listed = |word: Span, list: &BTreeSet<String>| {
            list.contains(&key(word.slice(text).unwrap_or("")))
        };
        let is_beside = |from: usize, to: usize| {
            text.get(from..to).is_some_and(|gap| gap.chars().all(char::is_whitespace))
        };
        let mut span = span;
        for word in words[..words.partition_point(|w| w.end <= span.start)].iter().rev() {
            if !is_beside(word.end, span.start) || !is_listed(*word, &self.extend_left) {
                break;
            }
            span.start = word.start;
        }
        for word in &words[words.partition_point(|w| w.start < span.end)..] {
            if !is_beside(span.end, word.start) || !is_listed(*word, &self.extend_right) {
                break;
            }
            span.end = word.end;
        }
        span
    }
}
