//! How unsure the models are of each word: the entropy of the distribution over what the word can be.

use super::{Opinion, normalised_entropy, sum};
use crate::span::{Evidence, Span};

/// What a model holds for less likely is not worth showing.
const LEAST_SHOWN: f32 = 0.05;

/// How unsure the models are of each of `words`, 0..=1.
///
/// The outcomes are: begins an entity of a label, continues one, is outside all; with *L* labels 2*L* + 1.
/// A word that a model saw as several is as unsure as its least sure part; several models count equally.
pub(super) fn of_words(words: &[Span], evidence: &[Evidence]) -> Vec<f64> {
    let per_model: Vec<Vec<f64>> = evidence.iter().map(entropies).collect();
    let unsure = |word: &Span| {
        let of_model = |(evidence, entropies): (&Evidence, &Vec<f64>)| {
            entropies[evidence.words_in(*word)].iter().copied().fold(0.0, f64::max)
        };
        sum(evidence.iter().zip(&per_model).map(of_model)) / evidence.len().max(1) as f64
    };
    words.iter().map(unsure).collect()
}

/// The normalised entropy of each word that a model saw.
fn entropies(evidence: &Evidence) -> Vec<f64> {
    let width = 2 * evidence.labels().len();
    let entropy = |word: usize| {
        let row = &evidence.parts()[word * width..(word + 1) * width];
        let inside: u32 = row.iter().map(|part| u32::from(*part)).sum();
        let outside = u32::from(Evidence::WHOLE).saturating_sub(inside);
        let parts = row.iter().map(|part| f64::from(*part));
        normalised_entropy(parts.chain([f64::from(outside)]), width + 1)
    };
    (0..evidence.words().len()).map(entropy).collect()
}

/// What the models hold `span` for, the likeliest first.
pub(super) fn opinions(span: Span, evidence: &[Evidence]) -> Vec<Opinion> {
    let mut opinions = Vec::new();
    for model in evidence {
        let source = model.source().clone();
        let say = |label, score| Opinion { source: source.clone(), span, label, score };
        let labels = model
            .labels()
            .iter()
            .filter_map(|label| Some(say(Some(label.clone()), model.score(span, label)?)));
        opinions.extend(labels);
        opinions.extend(outside(model, span).map(|score| say(None, score)));
    }
    opinions.retain(|opinion| opinion.score >= LEAST_SHOWN);
    // The sort is stable: of equals, the order of the sources and their labels.
    opinions.sort_by(|a, b| b.score.total_cmp(&a.score));
    opinions
}

/// How likely no word of `span` is part of an entity: the mean over its words; `None` where the model saw
/// no word there.
pub(super) fn outside(evidence: &Evidence, span: Span) -> Option<f32> {
    let words = evidence.words_in(span);
    if words.is_empty() {
        return None;
    }
    let count = words.len() as f32;
    Some(words.map(|word| evidence.outside_probability(word)).sum::<f32>() / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three words of three letters; labels `LOC` and `PER`.
    fn evidence(parts: [[u16; 4]; 3]) -> Evidence {
        let words = [0, 4, 8].map(|start| Span::new(start, start + 3)).to_vec();
        Evidence::new("tagger".into(), vec!["LOC".into(), "PER".into()], words, parts.concat())
    }

    #[test]
    fn a_word_is_as_unsure_as_its_distribution_is_even() {
        let model = evidence([[0, 0, 0, 0], [2_000, 2_000, 2_000, 2_000], [5_000, 0, 5_000, 0]]);
        let words = model.words().to_vec();
        let unsure = of_words(&words, &[model]);
        assert_eq!(unsure[0], 0.0);
        assert!((unsure[1] - 1.0).abs() < 1e-12);
        // One bit of log2(5).
        assert!((unsure[2] - 0.430_677).abs() < 1e-6);
    }

    #[test]
    fn models_count_equally_and_a_word_takes_its_least_sure_part() {
        let even = evidence([[2_000; 4]; 3]);
        let sure = evidence([[0; 4], [10_000, 0, 0, 0], [2_000; 4]]);
        let words = [Span::new(0, 3), Span::new(4, 11), Span::new(20, 23)];
        let unsure = of_words(&words, &[even, sure]);
        assert_eq!(
            unsure.iter().map(|u| (u * 100.0).round()).collect::<Vec<_>>(),
            [50.0, 100.0, 0.0]
        );
        assert_eq!(of_words(&words, &[]), [0.0; 3]);
    }

    #[test]
    fn the_likeliest_labels_are_told() {
        let model = evidence([[3_000, 0, 6_000, 100], [0; 4], [0; 4]]);
        let said: Vec<_> = opinions(Span::new(0, 3), &[model])
            .into_iter()
            .map(|o| (o.label.map(|l| l.as_str().to_owned()), o.score))
            .collect();
        let expected =
            [(Some("PER".to_owned()), 0.61), (Some("LOC".to_owned()), 0.3), (None, 0.09)];
        assert_eq!(said, expected);
    }
}
