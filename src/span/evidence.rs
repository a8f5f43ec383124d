//! What a model thinks of *any* span: label probabilities of every word, kept after tagging so that a
//! merge can ask "how likely is LOC here?" about a span the model did not propose.

use std::ops::Range;
use std::sync::Arc;

use super::{Label, Span};

/// The label distribution of every word of a document, from one model.
///
/// Probabilities are kept to four decimals, as whole ten-thousandths: what is stored on disk and read back is
/// then exactly what a model has just said, and takes little room.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    source: Arc<str>,
    labels: Vec<Label>,
    words: Vec<Span>,
    parts: Vec<u16>,
}

impl Evidence {
    /// The unit of [`Evidence::parts`]: a probability of 1 has so many.
    pub const WHOLE: u16 = 10_000;

    /// A probability in ten-thousandths; what is no probability is brought into 0..=1.
    pub fn part(probability: f64) -> u16 {
        (probability.clamp(0.0, 1.0) * f64::from(Self::WHOLE)).round() as u16
    }

    /// Evidence of the source named `source`. `parts` is a row for every word, `[begin l0, inside l0, begin
    /// l1, …]` in ten-thousandths; what is left to the whole is the probability that the word is outside
    /// every entity. Schemes with more tags are reduced to it: a single-word tag counts as begin, an end
    /// tag as inside. `words` are in text order and do not overlap.
    ///
    /// # Panics
    /// Where the sizes disagree.
    pub fn new(source: Arc<str>, labels: Vec<Label>, words: Vec<Span>, parts: Vec<u16>) -> Self {
        assert_eq!(parts.len(), words.len() * 2 * labels.len(), "one row a word");
        Self { source, labels, words, parts }
    }

    /// The source whose evidence this is.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The labels the model knows.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The words the model saw, in text order.
    pub fn words(&self) -> &[Span] {
        &self.words
    }

    /// The rows of all words, one after another, as [`Evidence::new`] takes them.
    pub fn parts(&self) -> &[u16] {
        &self.parts
    }

    fn row(&self, word: usize) -> &[u16] {
        let width = 2 * self.labels.len();
        &self.parts[word * width..(word + 1) * width]
    }

    /// The words that share a byte with `span`.
    pub fn words_in(&self, span: Span) -> Range<usize> {
        let first = self.words.partition_point(|w| w.end <= span.start);
        let last = self.words.partition_point(|w| w.start < span.end);
        first..last.max(first)
    }

    /// The probability that word `word` is part of an entity of label number `label`.
    pub fn label_probability(&self, word: usize, label: usize) -> f32 {
        probability(self.label_part(word, label))
    }

    /// The probability that word `word` is outside every entity.
    pub fn outside_probability(&self, word: usize) -> f32 {
        let inside: u32 = self.row(word).iter().map(|part| u32::from(*part)).sum();
        probability(u32::from(Self::WHOLE).saturating_sub(inside))
    }

    fn label_part(&self, word: usize, label: usize) -> u32 {
        let row = self.row(word);
        let part = u32::from(row[2 * label]) + u32::from(row[2 * label + 1]);
        part.min(u32::from(Self::WHOLE))
    }

    /// How likely `label` is on `span`, 0..=1: the arithmetic mean over the words of the span of
    /// the probability that the word is part of a `label` entity (begin + inside). `None` where the
    /// model does not know the label or saw no word there.
    ///
    /// This is also the score of the mentions that the model itself proposes.
    pub fn score(&self, span: Span, label: &Label) -> Option<f32> {
        let number = self.labels.iter().position(|l| l == label)?;
        let words = self.words_in(span);
        if words.is_empty() {
            return None;
        }
        let n = words.len() as f64;
        let sum: u64 = words.map(|w| u64::from(self.label_part(w, number))).sum();
        Some((sum as f64 / (n * f64::from(Self::WHOLE))) as f32)
    }
}

fn probability(part: u32) -> f32 {
    part as f32 / f32::from(Evidence::WHOLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_the_mean_over_the_words_of_the_span() {
        let evidence = Evidence::new(
            "m".into(),
            vec!["PER".into()],
            vec![Span::new(0, 3), Span::new(4, 7)],
            vec![5_000, 3_000, 1_000, 3_000],
        );
        let score = |s, e| evidence.score(Span::new(s, e), &"PER".into());
        assert_eq!(score(0, 7), Some(0.6));
        assert_eq!(score(1, 2), Some(0.8));
        assert_eq!(score(3, 4), None);
        assert_eq!(evidence.score(Span::new(0, 3), &"LOC".into()), None);
        assert_eq!(evidence.outside_probability(1), 0.6);
        assert_eq!(evidence.label_probability(1, 0), 0.4);
    }

    #[test]
    fn a_probability_is_kept_to_four_decimals() {
        for (probability, part) in
            [(0.0, 0), (0.000_04, 0), (0.123_46, 1_235), (1.0, 10_000), (1.5, 10_000), (-0.1, 0)]
        {
            assert_eq!(Evidence::part(probability), part, "{probability}");
        }
        assert_eq!(Evidence::part(f64::NAN), 0);
    }
}
