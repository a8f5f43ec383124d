//! The words and sentences of a document by place: those the input fixed, or those the text shows.

use std::ops::Range;

use super::{Document, Span, segment};

/// The words and sentences of a document, in text order.
#[derive(Debug)]
pub struct Segments {
    words: Vec<Span>,
    sentences: Vec<Span>,
}

impl Segments {
    /// Those of `document`. A document of given tokens is one sentence.
    pub fn of(document: &Document) -> Self {
        match document.token_spans() {
            Some(words) => {
                let whole = Span::new(0, document.text.len());
                Self { words, sentences: vec![whole] }
            }
            None => Self {
                words: segment::words(&document.text),
                sentences: segment::sentences(&document.text),
            },
        }
    }

    /// All words.
    pub fn words(&self) -> &[Span] {
        &self.words
    }

    /// The numbers of the words that share a byte with `span`.
    pub fn words_in(&self, span: Span) -> Range<usize> {
        let first = self.words.partition_point(|word| word.end <= span.start);
        let last = self.words.partition_point(|word| word.start < span.end);
        first..last.max(first)
    }

    /// The sentence that the first byte of `span` is in, or `span` itself where there is none.
    pub fn sentence_of(&self, span: Span) -> Span {
        let number = self.sentences.partition_point(|sentence| sentence.end <= span.start);
        self.sentences.get(number).copied().filter(|s| s.start <= span.start).unwrap_or(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_sentences_are_found_by_place() {
        let document = Document::new("d", "Ann left. Bob stayed here.");
        let segments = Segments::of(&document);
        assert_eq!(segments.words_in(Span::new(10, 20)), 3..5);
        assert_eq!(segments.words_in(Span::new(3, 4)), 1..1);
        assert_eq!(segments.sentence_of(Span::new(14, 20)), Span::new(10, 26));
    }

    #[test]
    fn given_tokens_are_the_words_of_one_sentence() {
        let document = Document::from_words("d", ["A.B", ".", "C"]);
        let segments = Segments::of(&document);
        assert_eq!(segments.words().len(), 3);
        assert_eq!(segments.sentence_of(Span::new(6, 7)), Span::new(0, 7));
    }
}
