//! Token accuracy: the share of tokens whose tag is that of gold, as `accuracy_score` of the Python
//! package seqeval 1.2.2 and of scikit-learn has it. Most tokens are outside of every entity, so that it
//! is high where nothing is found; it is here because others report it.

use serde::Serialize;

use super::ratio;
use crate::span::scheme::TaggedRange;
use crate::span::{Label, TagScheme};
use crate::text::{Annotation, Span};

/// Tokens, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TokenCounts {
    /// Tokens whose tag is that of gold.
    pub right: u64,
    /// All tokens.
    pub tokens: u64,
}

impl TokenCounts {
    /// Adds the tags of a sequence; those beyond the end of the shorter list are wrong.
    pub fn add_tags<T: AsRef<str>>(&mut self, gold: &[T], predicted: &[T]) {
        let pairs = gold.iter().zip(predicted);
        self.right += pairs.filter(|(one, other)| one.as_ref() == other.as_ref()).count() as u64;
        self.tokens += gold.len().max(predicted.len()) as u64;
    }

    /// Adds a document of these words, whose entities are written as tags of BIO first. An entity that
    /// begins or ends inside a word has the whole word; of entities that share a word the first counts,
    /// of those that begin together the longer.
    pub fn add(&mut self, words: &[Span], gold: &[Annotation], predicted: &[Annotation]) {
        self.add_tags(&tags(words, gold), &tags(words, predicted));
    }

    /// The share of tokens that are right.
    pub fn accuracy(&self) -> f64 {
        ratio(self.right as f64, self.tokens as f64)
    }
}

/// The tags of words, which are in text order.
fn tags(words: &[Span], entities: &[Annotation]) -> Vec<String> {
    let range = |one: &Annotation| -> TaggedRange {
        let first = words.partition_point(|word| word.end <= one.span.start);
        let after = words.partition_point(|word| word.start < one.span.end);
        (first..after.max(first), Label::new(&one.label))
    };
    let mut ranges: Vec<TaggedRange> = entities.iter().map(range).collect();
    ranges.sort_by(|(a, one), (b, other)| {
        (a.start, b.end, one.as_str()).cmp(&(b.start, a.end, other.as_str()))
    });
    TagScheme::Bio.encode(&ranges, words.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_right_where_their_tag_is() {
        let words: Vec<Span> = (0..6).map(|word| Span::new(3 * word, 3 * word + 2)).collect();
        let one = |start, end, label: &str| Annotation {
            span: Span::new(start, end),
            label: label.to_owned(),
        };
        let mut counts = TokenCounts::default();
        // O A A O B O, and O A O O B B: the second entity cuts a word.
        counts.add(
            &words,
            &[one(3, 8, "A"), one(12, 14, "B")],
            &[one(12, 16, "B"), one(3, 5, "A")],
        );
        assert_eq!(counts, TokenCounts { right: 4, tokens: 6 });
        assert_eq!(counts.accuracy(), 4.0 / 6.0);
        // Of two that share a word, the longer counts.
        counts.add(&words, &[one(0, 5, "A")], &[one(0, 2, "B"), one(0, 5, "A")]);
        assert_eq!(counts, TokenCounts { right: 10, tokens: 12 });
        assert_eq!(TokenCounts::default().accuracy(), 0.0);
    }
}
