//! What tests of several systems make of fixtures.

use serde_json::Value;

use crate::text::{Annotation, Document, Span};
use crate::train::data::Corpus;

/// The `sentences` of a fixture; the gold says the first and the last word of each entity.
pub(in crate::train) fn sentences(fixture: &Value) -> Vec<Document> {
    type Sentence = (Vec<String>, Vec<(usize, usize, String)>);
    let sentences: Vec<Sentence> = serde_json::from_value(fixture["sentences"].clone()).unwrap();
    let document = |(words, entities): Sentence| {
        let mut document = Document::from_words("d", words.iter().map(String::as_str));
        let tokens = document.token_spans().unwrap();
        let annotation = |(first, last, label): (usize, usize, String)| Annotation {
            span: Span::new(tokens[first].start, tokens[last].end),
            label,
        };
        document.gold = Some(entities.into_iter().map(annotation).collect());
        document
    };
    sentences.into_iter().map(document).collect()
}

/// These documents as a corpus that annotates all.
pub(in crate::train) fn corpus(documents: Vec<Document>) -> Corpus {
    Corpus { name: "c".to_owned(), documents, annotates: None, weight: 1.0, damaged: 0 }
}

/// What a model computes is the same as what is expected, but for sums in another order: weights that nobody trains are laid out.
pub(in crate::train) fn assert_near(got: &[f32], expected: &[f32], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        let most = 3e-5 * expected.abs().max(1.0);
        // What cannot be is infinitely small in both.
        let is_near = got == expected || (got - expected).abs() < most;
        assert!(is_near, "{what}: {got} is not {expected}");
    }
}
