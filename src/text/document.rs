//! A document: id, text and metadata, the unit of every stage. How it is read from a file is
//! `io`'s work.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Span, segment};

/// One text to tag, with what its input said about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// Identifies it in outputs and messages; need not be unique.
    pub id: String,
    /// The text, exactly as it came in.
    pub text: String,
    /// Tokens that the input fixed (CoNLL): in text order, non-empty, not overlapping. Entities
    /// then begin and end at token edges.
    pub tokens: Option<Vec<Token>>,
    /// Lines that came before the first token (CoNLL comments, `-DOCSTART-`), without line ends.
    pub comments: Vec<String>,
    /// The entities that are there, as the input says; `None` where it was not asked, or does not say.
    pub gold: Option<Vec<Annotation>>,
    /// Input fields that are not ours; they pass through to the output.
    pub fields: Map<String, Value>,
    /// The row of a table that it came from, where it came from one.
    pub row: Option<SourceRow>,
}

/// The row of a table that a document came from, as the format that read it keeps it: all its columns, in types
/// that [`Document::fields`] cannot say, so that they can be written again as they were.
#[derive(Clone)]
pub struct SourceRow {
    table: Arc<dyn Any + Send + Sync>,
    number: usize,
}

impl SourceRow {
    /// The row of this number, from 0, of a table.
    pub fn new(table: Arc<dyn Any + Send + Sync>, number: usize) -> Self {
        Self { table, number }
    }

    /// The table, where it is kept as a `T`.
    pub fn table<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.table).downcast().ok()
    }

    /// The number of the row in its table, from 0.
    pub fn number(&self) -> usize {
        self.number
    }
}

impl PartialEq for SourceRow {
    /// Whether both are the same row of the same table in memory.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.table, &other.table) && self.number == other.number
    }
}

impl fmt::Debug for SourceRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourceRow").field(&self.number).finish()
    }
}

/// An entity that the input says is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Where it stands in [`Document::text`]: not empty, on char boundaries.
    pub span: Span,
    /// What it is, as the input calls it.
    pub label: String,
}

/// A token that the input fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Where it stands in [`Document::text`].
    pub span: Span,
    /// The input's line as it was, all its columns; empty where the input has none.
    pub line: String,
}

impl Document {
    /// A document that is nothing but its text.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), text: text.into(), ..Self::default() }
    }

    /// A document of given words, joined by single spaces; no word may be empty.
    pub fn from_words<'a>(id: impl Into<String>, words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut document = Self::new(id, "");
        let mut tokens = Vec::new();
        for word in words {
            debug_assert!(!word.is_empty(), "a token holds at least one character");
            if !document.text.is_empty() {
                document.text.push(' ');
            }
            let start = document.text.len();
            document.text.push_str(word);
            tokens.push(Token { span: Span::new(start, document.text.len()), line: String::new() });
        }
        document.tokens = Some(tokens);
        document
    }

    /// Its words: the given tokens, else those of its text.
    pub fn words(&self) -> Vec<Span> {
        self.token_spans().unwrap_or_else(|| segment::words(&self.text))
    }

    /// Makes its text lower case. All that points into the text stays right: a letter whose lower case
    /// has another length in bytes (`İ`, `ẞ`, the sign for Kelvin) stays as it is.
    pub fn lowercase(&mut self) {
        self.text = self.text.chars().map(|c| same_length(c, c.to_lowercase())).collect();
    }

    /// Makes its text upper case, as [`Document::lowercase`] makes it lower case.
    pub fn uppercase(&mut self) {
        self.text = self.text.chars().map(|c| same_length(c, c.to_uppercase())).collect();
    }

    /// Joins every fixed token that is one of `signs` with the token after it (`@ name` becomes `@name`).
    /// The tokens are joined by single spaces again and their lines are gone. An entity that covered a
    /// part of a joined token covers all of it; where two then share a token, the later one stays.
    pub fn join_tokens(&mut self, signs: &BTreeSet<String>) {
        if signs.is_empty() {
            return;
        }
        let Some(spans) = self.token_spans() else { return };
        let mut words: Vec<String> = Vec::new();
        // By old token, the number of the new one.
        let mut owners = Vec::with_capacity(spans.len());
        let mut is_sign = false;
        for span in &spans {
            let word = span.slice(&self.text).unwrap_or_default();
            match words.last_mut().filter(|_| is_sign) {
                Some(last) => last.push_str(word),
                None => words.push(word.to_owned()),
            }
            owners.push(words.len() - 1);
            is_sign = signs.contains(word);
        }
        let joined =
            Self::from_words(std::mem::take(&mut self.id), words.iter().map(String::as_str));
        let new = joined.token_spans().unwrap_or_default();
        let mut gold = self.gold.take();
        if let Some(gold) = &mut gold {
            gold.sort_by_key(|annotation| annotation.span.start);
            let mut kept: Vec<Annotation> = Vec::with_capacity(gold.len());
            for annotation in gold.drain(..) {
                let first = spans.partition_point(|token| token.end <= annotation.span.start);
                let last = spans.partition_point(|token| token.start < annotation.span.end);
                let covered =
                    owners.get(first).zip(last.checked_sub(1).and_then(|l| owners.get(l)));
                let Some((&first, &last)) = covered.filter(|_| first < last) else { continue };
                let span = Span::new(new[first].start, new[last].end);
                if kept.last().is_some_and(|before| before.span.overlaps(span)) {
                    kept.pop();
                }
                kept.push(Annotation { span, ..annotation });
            }
            *gold = kept;
        }
        self.id = joined.id;
        self.text = joined.text;
        self.tokens = joined.tokens;
        self.gold = gold;
    }

    /// The spans of the fixed tokens, if the input fixed any.
    pub fn token_spans(&self) -> Option<Vec<Span>> {
        self.tokens.as_ref().map(|tokens| tokens.iter().map(|t| t.span).collect())
    }
}

/// The other form of a letter where it is one letter of as many bytes, else the letter.
fn same_length(letter: char, mut other: impl Iterator<Item = char>) -> char {
    match (other.next(), other.next()) {
        (Some(one), None) if one.len_utf8() == letter.len_utf8() => one,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_keeps_every_place() {
        let mut document = Document::new("d", "ÉCOLE İzmir ẞ \u{212a} ΟΔΟΣ");
        let bytes = document.text.len();
        document.lowercase();
        assert_eq!(document.text, "école İzmir ẞ \u{212a} οδοσ");
        assert_eq!(document.text.len(), bytes);
    }

    #[test]
    fn signs_are_joined_with_the_token_after_them() {
        let words = ["met", "@", "Ann", "Lee", "@", "Bo", "in", "@"];
        let mut document = Document::from_words("d", words);
        let tokens = document.token_spans().unwrap();
        let entity = |first: usize, last: usize| Annotation {
            span: Span::new(tokens[first].start, tokens[last].end),
            label: format!("{first}"),
        };
        document.gold = Some(vec![entity(1, 1), entity(2, 3), entity(4, 5), entity(7, 7)]);
        document.join_tokens(&BTreeSet::from(["@".to_owned()]));
        assert_eq!(document.text, "met @Ann Lee @Bo in @");
        let gold = document.gold.as_ref().unwrap().iter();
        let gold: Vec<(&str, &str)> =
            gold.map(|a| (a.span.slice(&document.text).unwrap(), a.label.as_str())).collect();
        assert_eq!(gold, [("@Ann Lee", "2"), ("@Bo", "4"), ("@", "7")]);
        assert_eq!(document.tokens.as_ref().unwrap().len(), 6);
    }

    #[test]
    fn words_are_joined_by_one_space_and_keep_their_places() {
        let document = Document::from_words("d", ["Ms.", "Paris", "naïve"]);
        assert_eq!(document.text, "Ms. Paris naïve");
        let words: Vec<_> = document
            .token_spans()
            .unwrap()
            .into_iter()
            .map(|s| s.slice(&document.text).unwrap().to_owned())
            .collect();
        assert_eq!(words, ["Ms.", "Paris", "naïve"]);
    }
}
