//! A document: id, text and metadata, the unit of every stage. How it is read from a file is
//! `io`'s work.

use serde_json::{Map, Value};

use super::Span;

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

    /// Makes its text lower case. All that points into the text stays right: a letter whose lower case
    /// has another length in bytes (`İ`, `ẞ`, the sign for Kelvin) stays as it is.
    pub fn lowercase(&mut self) {
        let lower = |c: char| {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(one), None) if one.len_utf8() == c.len_utf8() => one,
                _ => c,
            }
        };
        self.text = self.text.chars().map(lower).collect();
    }

    /// The spans of the fixed tokens, if the input fixed any.
    pub fn token_spans(&self) -> Option<Vec<Span>> {
        self.tokens.as_ref().map(|tokens| tokens.iter().map(|t| t.span).collect())
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
