//! Corpora become sentences of words with a target for each.

use sha2::{Digest, Sha256};

use crate::source::model::flair::{FlairTagger, Sentence};
use crate::span::TagScheme;
use crate::train::data::{Corpus, Example, Examples, Excluded, hash_numbers};
use crate::train::token::{Targets, ranges};

/// A sentence to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentenceExample {
    /// The words.
    pub words: Vec<String>,
    /// How many characters stand between each word and the next.
    pub gaps: Vec<usize>,
    /// The target of each word, by number (see [`Targets`]).
    pub targets: Vec<u32>,
}

impl SentenceExample {
    /// It as the model reads it.
    pub fn sentence(&self) -> Sentence<'_> {
        let words = self.words.iter().map(String::as_str).collect();
        Sentence { words, gaps: self.gaps.clone() }
    }
}

impl Example for SentenceExample {
    fn length(&self) -> usize {
        self.words.len()
    }

    fn fingerprint(&self, hash: &mut Sha256) {
        for (word, gap) in self.words.iter().zip(&self.gaps) {
            hash.update((word.len() as u64).to_le_bytes());
            hash.update(word);
            hash.update((*gap as u64).to_le_bytes());
        }
        hash_numbers(hash, &self.targets);
    }
}

/// The examples of a corpus, for the model of `tagger`.
pub(super) fn examples(
    corpus: &Corpus,
    tagger: &FlairTagger,
    targets: &mut Targets,
    scheme: TagScheme,
    excluded: &Excluded,
) -> Examples<SentenceExample> {
    let outside = targets.outside(corpus.annotates.as_ref());
    let mut made = Examples::new(corpus);
    for document in &corpus.documents {
        let (mut said, mut left_out) = (0, 0);
        for unit in tagger.units(document) {
            if excluded.holds(document, &unit) {
                left_out += 1;
                continue;
            }
            let tags = scheme.encode(&ranges(document, &unit, &mut said), unit.len());
            let target = |tag: &String| {
                let known = targets.tags.iter().position(|known| known == tag);
                known.filter(|_| tag != "O").map_or(outside, |number| number as u32)
            };
            let of_words: Vec<u32> = tags.iter().map(target).collect();
            for window in tagger.windows_of(&unit) {
                let sentence = Sentence::of_text(&document.text, &unit[window.keep.clone()]);
                made.examples.push(SentenceExample {
                    words: sentence.words.iter().map(|word| (*word).to_owned()).collect(),
                    gaps: sentence.gaps,
                    targets: of_words[window.keep].to_vec(),
                });
            }
        }
        made.excluded += left_out;
        if left_out == 0 {
            made.misfits += document.gold.as_ref().map_or(0, Vec::len).saturating_sub(said);
        }
    }
    made
}
