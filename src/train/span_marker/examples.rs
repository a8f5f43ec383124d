//! Corpora become samples of sentences with a target for every candidate span.

use std::collections::BTreeMap;

use sha2::Sha256;

use crate::error::Result;
use crate::source::model::span_marker::{Sample, Sentence, SpanMarker};
use crate::span::Span;
use crate::text::Document;
use crate::train::data::{Corpus, Example, Examples, Excluded, hash_numbers};
use crate::train::token::{Targets, ranges};

/// A sample to learn from. As in the library every candidate counts, and those that are no entity are what
/// the model is taught is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanExample {
    /// What is read.
    pub sample: Sample,
    /// The target of each candidate, by number (see [`Targets`]).
    pub targets: Vec<u32>,
}

impl Example for SpanExample {
    fn length(&self) -> usize {
        self.sample.len()
    }

    fn fingerprint(&self, hash: &mut Sha256) {
        let (firsts, lasts): (Vec<u32>, Vec<u32>) = self.sample.places.iter().copied().unzip();
        for numbers in [&self.sample.ids, &firsts, &lasts, &self.targets] {
            hash_numbers(hash, numbers);
        }
    }
}

/// What a label is called among [`Targets`], which know tags.
pub(super) fn tag(label: &str) -> String {
    format!("I-{label}")
}

/// The examples of a corpus, for `model`.
///
/// # Errors
/// Where the tokenizer fails.
pub(super) fn examples(
    corpus: &Corpus,
    model: &SpanMarker,
    targets: &mut Targets,
    excluded: &Excluded,
) -> Result<Examples<SpanExample>> {
    let outside = targets.outside(corpus.annotates.as_ref());
    let mut made = Examples::new(corpus);
    for document in &corpus.documents {
        let (mut said, mut left_out) = (0, 0);
        let sentences = model.sentences(document)?;
        for (number, sentence) in sentences.iter().enumerate() {
            if excluded.holds(document, &sentence.words) {
                left_out += 1;
                continue;
            }
            let entities = ranges(document, &sentence.words, &mut said).into_iter();
            let mut entities: BTreeMap<(usize, usize), u32> = entities
                .filter_map(|(words, label)| {
                    let tag = tag(label.as_str());
                    let target = targets.tags.iter().position(|known| *known == tag)?;
                    Some(((words.start, words.end), target as u32))
                })
                .collect();
            for sample in model.samples(&sentences, number) {
                let candidates = sample.candidates.iter();
                let target = candidates
                    .map(|words| entities.remove(&(words.start, words.end)).unwrap_or(outside));
                made.examples.push(SpanExample { targets: target.collect(), sample });
            }
            // What is longer than every candidate is not taught.
            said -= entities.keys().filter(|words| is_gold(document, sentence, **words)).count();
        }
        made.excluded += left_out;
        if left_out == 0 {
            made.misfits += document.gold.as_ref().map_or(0, Vec::len).saturating_sub(said);
        }
    }
    Ok(made)
}

/// Whether an entity of gold has exactly these words.
fn is_gold(document: &Document, sentence: &Sentence, (start, end): (usize, usize)) -> bool {
    let span = Span::new(sentence.words[start].start, sentence.words[end - 1].end);
    document.gold.iter().flatten().any(|entity| entity.span.trim(&document.text) == span)
}
