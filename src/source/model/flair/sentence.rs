//! The words that a tagger reads together.

use crate::text::Span;

/// Words in order, and what stood between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sentence<'t> {
    /// The words; none is empty.
    pub words: Vec<&'t str>,
    /// How many characters stand in the text between each word and the next; 0 after the last.
    pub gaps: Vec<usize>,
}

impl<'t> Sentence<'t> {
    /// The words of a text.
    pub fn of_text(text: &'t str, words: &[Span]) -> Self {
        let between = |pair: &[Span]| text.get(pair[0].end..pair[1].start).unwrap_or("");
        let mut gaps: Vec<usize> = words.windows(2).map(|p| between(p).chars().count()).collect();
        gaps.resize(words.len(), 0);
        Self { words: words.iter().map(|word| word.slice(text).unwrap_or("")).collect(), gaps }
    }

    /// Words alone, as if single spaces stood between them.
    pub fn of_words(words: Vec<&'t str>) -> Self {
        let mut gaps = vec![1; words.len()];
        if let Some(last) = gaps.last_mut() {
            *last = 0;
        }
        Self { words, gaps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_in_characters() {
        let text = "São  Tomé\u{2003}.";
        let words = [Span::new(0, 4), Span::new(6, 11), Span::new(14, 15)];
        let sentence = Sentence::of_text(text, &words);
        assert_eq!(sentence.words, ["São", "Tomé", "."]);
        assert_eq!(sentence.gaps, [2, 1, 0]);
        assert_eq!(Sentence::of_words(vec!["a", "b"]).gaps, [1, 0]);
    }
}
