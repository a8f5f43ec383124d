//! Which documents are worth annotating? How unsure the models are of a document's words
//! (`uncertainty`), how much the sources contradict each other (`disagreement`), and the list of the
//! best (`shortlist`). Asking an annotator, and the files for that, are the command line's business.
//!
//! Both measures are taken of every word, 0..=1, and mixed there; what is said of a document is their mean
//! over its words, the greatest, or the sum. The mean of the uncertainty is *token entropy*, its sum *total
//! token entropy*: Settles and Craven, "An Analysis of Active Learning Strategies for Sequence Labeling
//! Tasks" (EMNLP 2008).

mod disagreement;
mod shortlist;
mod uncertainty;

use std::sync::Arc;

use self::disagreement::Cluster;
pub use self::shortlist::{Shortlist, TextKey};
use super::build::Engine;
use super::proposals::Proposals;
use crate::span::{Label, Span};
use crate::text::Document;
use crate::text::segments::Segments;

/// How words become a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Aggregate {
    /// The mean over all words: what a reader gains a word read. Short documents come first.
    #[default]
    Mean,
    /// The greatest of all words: one doubt is enough.
    Max,
    /// The sum over all words: what a document holds in all. Long documents come first.
    Sum,
}

impl Aggregate {
    fn of(self, values: impl ExactSizeIterator<Item = f64>) -> f64 {
        let count = values.len().max(1) as f64;
        match self {
            Self::Mean => sum(values) / count,
            Self::Max => values.fold(0.0, f64::max),
            Self::Sum => sum(values),
        }
    }
}

/// What makes a document worth annotating.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// The share of disagreement in the score of a word, 0..=1; the rest is uncertainty.
    pub disagreement: f64,
    /// How words become a document.
    pub aggregate: Aggregate,
}

/// How much there is to learn from a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Informativeness {
    /// The mix of both, by which documents are ranked.
    pub score: f64,
    /// How unsure the models are.
    pub uncertainty: f64,
    /// How much the sources contradict each other.
    pub disagreement: f64,
    /// The word that adds most; `None` where nothing is in doubt.
    pub doubt: Option<Doubt>,
}

/// A place where it is not clear what is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt {
    /// All that the opinions are about.
    pub span: Span,
    /// What is said of it, most certain first: what each source votes for where they contradict each other,
    /// else the likeliest labels in the eyes of the models.
    pub opinions: Vec<Opinion>,
}

/// What a source says of a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// The source.
    pub source: Arc<str>,
    /// Where.
    pub span: Span,
    /// What; `None` is no entity.
    pub label: Option<Label>,
    /// How sure it is, 0..=1.
    pub score: f32,
}

impl Engine {
    /// How much there is to learn from a document in which its sources found `proposals`.
    pub fn informativeness(
        &self,
        document: &Document,
        proposals: &Proposals,
        measure: Measure,
    ) -> Informativeness {
        let segments = Segments::of(document);
        let unsure = uncertainty::of_words(segments.words(), &proposals.evidence);
        let clusters = disagreement::clusters(self.labels(), proposals);
        let mut contested: Vec<(f64, Option<&Cluster>)> = vec![(0.0, None); unsure.len()];
        for cluster in &clusters {
            for word in segments.words_in(cluster.span) {
                if cluster.entropy > contested[word].0 {
                    contested[word] = (cluster.entropy, Some(cluster));
                }
            }
        }
        let mix = |word: usize| {
            measure.disagreement * contested[word].0 + (1.0 - measure.disagreement) * unsure[word]
        };
        let words = 0..unsure.len();
        // Of equals the first, not the last.
        let peak = words.clone().rev().max_by(|a, b| mix(*a).total_cmp(&mix(*b)));
        let doubt = peak.filter(|word| mix(*word) > 0.0).map(|word| {
            match contested[word].1.filter(|_| measure.disagreement > 0.0) {
                Some(cluster) => Doubt { span: cluster.span, opinions: cluster.votes.clone() },
                None => {
                    let span = segments.words()[word];
                    Doubt { span, opinions: uncertainty::opinions(span, &proposals.evidence) }
                }
            }
        });
        Informativeness {
            score: measure.aggregate.of(words.map(mix)),
            uncertainty: measure.aggregate.of(unsure.iter().copied()),
            disagreement: measure.aggregate.of(contested.iter().map(|(entropy, _)| *entropy)),
            doubt,
        }
    }
}

/// The sum of `values`; of none 0, where [`Iterator::sum`] gives -0.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

/// The entropy of a distribution over `classes` outcomes, of which `parts` are the shares, as a fraction of
/// the greatest that is possible: 0 where one outcome is certain, 1 where all are equally likely. Parts need
/// not sum to 1.
fn normalised_entropy(parts: impl Iterator<Item = f64> + Clone, classes: usize) -> f64 {
    let total: f64 = parts.clone().sum();
    if classes < 2 || total <= 0.0 {
        return 0.0;
    }
    let shares = parts.map(|part| part / total).filter(|share| *share > 0.0);
    let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
    (entropy / (classes as f64).ln()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_a_fraction_of_the_greatest() {
        let entropy = |parts: &[f64], classes| normalised_entropy(parts.iter().copied(), classes);
        assert_eq!(entropy(&[1.0, 0.0], 2), 0.0);
        assert_eq!(entropy(&[1.0], 1), 0.0);
        assert_eq!(entropy(&[0.0, 0.0], 2), 0.0);
        assert!((entropy(&[0.5, 0.5], 2) - 1.0).abs() < 1e-12);
        assert!((entropy(&[3.0, 3.0], 2) - 1.0).abs() < 1e-12);
        assert!((entropy(&[0.5, 0.5], 4) - 0.5).abs() < 1e-12);
        // ln 2 - 0.25 ln 3 - … by hand: H(1/4, 3/4) is 0.811278 bits.
        assert!((entropy(&[1.0, 3.0], 2) - 0.811_278).abs() < 1e-6);
    }

    const ENGINE: &str = r#"
labels = ["LOC", "PER"]
helper-labels = ["TITLE"]
[[source]]
kind = "gazetteer"
name = "places"
entries = [["Paris", "LOC", "", 0.9], ["York", "LOC", "", 0.9], ["Ms", "TITLE", "", 1.0]]
match = "all"
[[source]]
kind = "gazetteer"
name = "people"
entries = [["Paris", "PER", "", 0.9], ["York", "LOC", "", 0.4], ["Ms", "PER", "", 1.0]]
match = "all"
[[merge]]
pass = "longest"
"#;

    fn measured(text: &str, aggregate: Aggregate) -> Informativeness {
        let engine = Engine::parse(ENGINE).unwrap();
        let document = Document::new("d", text);
        let proposals = engine.propose(std::slice::from_ref(&document)).pop().unwrap().unwrap();
        let measure = Measure { disagreement: 0.5, aggregate };
        engine.informativeness(&document, &proposals, measure)
    }

    #[test]
    fn words_become_a_document() {
        let text = "Ms Paris in York";
        for (aggregate, disagreement) in
            [(Aggregate::Mean, 0.25), (Aggregate::Max, 1.0), (Aggregate::Sum, 1.0)]
        {
            let measured = measured(text, aggregate);
            assert!((measured.disagreement - disagreement).abs() < 1e-12, "{aggregate:?}");
            assert!((measured.score - disagreement / 2.0).abs() < 1e-12, "{aggregate:?}");
            assert_eq!(measured.uncertainty, 0.0);
            let doubt = measured.doubt.unwrap();
            assert_eq!(doubt.span.slice(text), Some("Paris"));
            let said = doubt.opinions.iter().map(|o| format!("{} {:?}", o.source, o.label));
            assert_eq!(
                said.collect::<Vec<_>>(),
                ["people Some(Label(\"PER\"))", "places Some(Label(\"LOC\"))"]
            );
        }
    }

    #[test]
    fn what_is_clear_is_not_in_doubt() {
        for text in ["", "York", "nobody came", "Ms York"] {
            let measured = measured(text, Aggregate::Mean);
            assert_eq!((measured.score, measured.doubt), (0.0, None), "{text}");
        }
    }
}
