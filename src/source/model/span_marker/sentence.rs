//! Sentences as SpanMarker's library cuts them: words, and the sub-words that each of them has.

use std::ops::Range;

use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::punctuation::Punctuation;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{Encoding, Tokenizer};

use crate::error::Result;
use crate::source::model::tokenizer_config::add_prefix_space;
use crate::source::model::tokens::SubWords;
use crate::text::Span;

/// What stands for the beginning and the end of a candidate span.
pub const MARKERS: [&str; 2] = ["<start>", "<end>"];

/// Words that are judged together.
#[derive(Debug, Default, Clone)]
pub struct Sentence {
    /// The words, in bytes of the document. White space that the tokenizer takes for a word is empty here,
    /// and so is a word of running text that it makes nothing of.
    pub words: Vec<Span>,
    /// The sub-words of all words, without special tokens.
    pub(super) pieces: Vec<u32>,
    /// Which of them each word has; none where the tokenizer makes nothing of it.
    pub(super) of_word: Vec<Range<usize>>,
}

impl Sentence {
    /// Given words. Those at the end that the tokenizer makes nothing of are left out.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub(super) fn of_words(sub_words: &SubWords, text: &str, words: &[Span]) -> Result<Self> {
        let slices: Vec<&str> = words.iter().map(|word| word.slice(text).unwrap_or("")).collect();
        let (pieces, mut of_word) = sub_words.encode_words(&slices)?;
        let count =
            of_word.iter().rposition(|pieces| !pieces.is_empty()).map_or(0, |last| last + 1);
        of_word.truncate(count);
        Ok(Self { words: words[..count].to_vec(), pieces, of_word })
    }

    /// The stretch `span` of running text, cut into words as the tokenizer itself cuts before it looks for
    /// sub-words: at white space and, most of them, at punctuation.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub(super) fn of_text(sub_words: &SubWords, text: &str, span: Span) -> Result<Self> {
        let encoding = sub_words.encode_text(span.slice(text).unwrap_or(""))?;
        let mut sentence = Self { of_word: pieces_of_words(&encoding), ..Self::default() };
        sentence.pieces = encoding.get_ids().to_vec();
        let mut end = span.start;
        for pieces in &sentence.of_word {
            let word = match encoding.get_offsets().get(pieces.clone()) {
                Some([first, .., last]) => (first.0, last.1),
                Some([only]) => *only,
                _ => (end - span.start, end - span.start),
            };
            let word = Span::new(span.start + word.0, span.start + word.1.max(word.0));
            sentence.words.push(word);
            end = end.max(word.end);
        }
        Ok(sentence)
    }

    /// How many sub-words each word brings along, so that all of them are somewhere; at most `most`.
    pub(super) fn sizes(&self, most: usize) -> Vec<usize> {
        self.of_word.iter().map(|pieces| pieces.len().min(most)).collect()
    }

    /// The mention that some of the words make; `None` where that is white space.
    pub(super) fn span(&self, words: &Range<usize>, text: &str) -> Option<Span> {
        let (first, last) = (self.words.get(words.start)?, self.words.get(words.end - 1)?);
        let span = Span::new(first.start, last.end.max(first.start)).trim(text);
        (!span.is_empty() && span.slice(text).is_some()).then_some(span)
    }
}

/// Which sub-words each word of running text has; none where it has been passed over.
fn pieces_of_words(encoding: &Encoding) -> Vec<Range<usize>> {
    let mut of_word: Vec<Range<usize>> = Vec::new();
    for (piece, word) in encoding.get_word_ids().iter().enumerate() {
        let Some(word) = word else { continue };
        let word = *word as usize;
        of_word.resize(of_word.len().max(word + 1), piece..piece);
        if of_word[word].is_empty() {
            of_word[word].start = piece;
        }
        of_word[word].end = piece + 1;
    }
    of_word
}

/// Makes a tokenizer what the library makes of it: byte-level sub-words have a space before the first word, and
/// where `parts_punctuation` every punctuation mark is a word.
pub(super) fn adapt(tokenizer: &mut Tokenizer, parts_punctuation: bool) {
    add_prefix_space(tokenizer, true);
    if let Some(parts) = tokenizer.get_pre_tokenizer().filter(|_| parts_punctuation) {
        let first = PreTokenizerWrapper::Punctuation(Punctuation::default());
        let both = Sequence::new(vec![first, parts.clone()]);
        tokenizer.with_pre_tokenizer(Some(both));
    }
}
