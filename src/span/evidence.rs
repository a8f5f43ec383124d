//! What a model thinks of *any* span: per-word label log-probabilities, kept after tagging so that a
//! merge can ask "how likely is LOC here?" about a span the model did not propose.

use std::ops::Range;
use std::sync::Arc;

use super::{Label, Span};

/// The label distribution of every word of a document, from one model.
///
/// Row `w` holds natural logarithms of probabilities that sum to 1:
/// `[O, begin l0, inside l0, begin l1, inside l1, …]`. Schemes with more tags are reduced to it: a
/// single-word tag counts as begin, an end tag as inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    source: Arc<str>,
    labels: Vec<Label>,
    words: Vec<Span>,
    rows: Vec<f32>,
}

impl Evidence {
    /// Evidence of the source named `source`: `rows` is `words.len()` rows of `1 + 2 * labels.len()`
    /// log-probabilities; `words` are in text order and do not overlap.
    ///
    /// # Panics
    /// Where the sizes disagree.
    pub fn new(source: Arc<str>, labels: Vec<Label>, words: Vec<Span>, rows: Vec<f32>) -> Self {
        assert_eq!(rows.len(), words.len() * (1 + 2 * labels.len()), "one row a word");
        Self { source, labels, words, rows }
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

    /// The log-probabilities of word `word`.
    pub fn row(&self, word: usize) -> &[f32] {
        let width = 1 + 2 * self.labels.len();
        &self.rows[word * width..(word + 1) * width]
    }

    /// The words that share a byte with `span`.
    pub fn words_in(&self, span: Span) -> Range<usize> {
        let first = self.words.partition_point(|w| w.end <= span.start);
        let last = self.words.partition_point(|w| w.start < span.end);
        first..last.max(first)
    }

    /// The probability that word `word` is part of an entity of label number `label`.
    pub fn label_probability(&self, word: usize, label: usize) -> f32 {
        let row = self.row(word);
        (row[1 + 2 * label].exp() + row[2 + 2 * label].exp()).min(1.0)
    }

    /// The probability that word `word` is outside every entity.
    pub fn outside_probability(&self, word: usize) -> f32 {
        self.row(word)[0].exp().min(1.0)
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
        let n = words.len() as f32;
        let sum: f32 = words.map(|w| self.label_probability(w, number)).sum();
        Some((sum / n).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_the_mean_over_the_words_of_the_span() {
        let ln = |p: f32| p.ln();
        let evidence = Evidence::new(
            "m".into(),
            vec!["PER".into()],
            vec![Span::new(0, 3), Span::new(4, 7)],
            vec![ln(0.2), ln(0.5), ln(0.3), ln(0.6), ln(0.1), ln(0.3)],
        );
        let score = |s, e| evidence.score(Span::new(s, e), &"PER".into());
        assert!((score(0, 7).unwrap() - 0.6).abs() < 1e-6);
        assert!((score(1, 2).unwrap() - 0.8).abs() < 1e-6);
        assert_eq!(score(3, 4), None);
        assert_eq!(evidence.score(Span::new(0, 3), &"LOC".into()), None);
    }
}
