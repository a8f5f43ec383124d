//! Corpora become rows of labels and text, with what is there: pairs of span and label, or of word, label and
//! part (whether it begins, ends or is inside an entity).

use std::collections::BTreeSet;
use std::ops::Range;

use sha2::Sha256;

use crate::error::Result;
use crate::source::model::gliner::{Gliner, Row, SpanMode};
use crate::source::model::tokens::Unit;
use crate::text::Document;
use crate::train::data::{Corpus, Example, Examples, Excluded, hash_numbers};

/// A row to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptedExample {
    /// The sub-words with special tokens.
    pub ids: Vec<u32>,
    /// Where those stand that represent words.
    pub words: Vec<u32>,
    /// Where those stand that represent labels.
    pub labels: Vec<u32>,
    /// Which of the words are learnt from.
    pub taught: Range<usize>,
    /// What is there: each word, label and part, by number in the row. Of spans the part is how many words
    /// come after the first.
    pub there: BTreeSet<[u32; 3]>,
}

impl Example for PromptedExample {
    fn length(&self) -> usize {
        self.ids.len()
    }

    fn fingerprint(&self, hash: &mut Sha256) {
        let there: Vec<u32> = self.there.iter().flatten().copied().collect();
        let taught = [self.taught.start as u32, self.taught.end as u32];
        for numbers in [&self.ids[..], &self.words, &self.labels, &taught, &there] {
            hash_numbers(hash, numbers);
        }
    }
}

/// The examples of a corpus: each of its texts is asked for all labels that the corpus annotates. A text of
/// which a sentence is excluded is left out.
///
/// # Errors
/// Where the tokenizer fails.
pub(super) fn examples(
    corpus: &Corpus,
    model: &Gliner,
    excluded: &Excluded,
) -> Result<Examples<PromptedExample>> {
    let is_annotated =
        |label: &str| corpus.annotates.as_ref().is_none_or(|labels| labels.contains(label));
    let asked = model.asked().iter().enumerate();
    let asked: Vec<usize> =
        asked.filter(|(_, label)| is_annotated(label.as_str())).map(|(number, _)| number).collect();
    let mut made = Examples::new(corpus);
    for document in &corpus.documents {
        // It is read as a whole.
        if excluded.holds_part_of(document) {
            made.excluded += 1;
            continue;
        }
        let mut said = BTreeSet::new();
        for unit in model.units(document)? {
            let entities = entities(document, &unit, model);
            for row in model.rows(&unit, &asked) {
                made.examples.push(example(row, &entities, model, &mut said));
            }
        }
        let gold = document.gold.as_ref().map_or(0, Vec::len);
        made.misfits += gold.saturating_sub(said.len());
    }
    Ok(made)
}

/// An entity of gold in a unit: its number, its words and the number of its label.
struct Entity {
    number: usize,
    words: Range<usize>,
    label: usize,
}

/// The entities that begin and end where words of a unit do.
fn entities(document: &Document, unit: &Unit, model: &Gliner) -> Vec<Entity> {
    let gold = document.gold.iter().flatten().enumerate();
    gold.filter_map(|(number, annotation)| {
        let span = annotation.span.trim(&document.text);
        let first = unit.words.binary_search_by_key(&span.start, |word| word.start).ok()?;
        let last = unit.words.binary_search_by_key(&span.end, |word| word.end).ok()?;
        let label = model.asked().iter().position(|label| label.as_str() == annotation.label)?;
        (first <= last).then_some(Entity { number, words: first..last + 1, label })
    })
    .collect()
}

/// The example of a row; `said` gets the numbers of the entities that it teaches.
fn example(
    row: Row,
    entities: &[Entity],
    model: &Gliner,
    said: &mut BTreeSet<usize>,
) -> PromptedExample {
    let settings = model.settings();
    let Row { ids, words, places, labels, window } = row;
    let at = |word: usize| (word - window.words.start) as u32;
    let mut there = BTreeSet::new();
    for Entity { number, words, label } in entities {
        let Some(label) = labels.iter().position(|asked| asked == label) else { continue };
        let label = label as u32;
        let is_whole = window.words.start <= words.start && words.end <= window.words.end;
        if settings.span_mode == SpanMode::TokenLevel {
            let here = words.clone().filter(|word| window.words.contains(word));
            for word in here {
                let is_at = [word == words.start, word + 1 == words.end, true];
                let parts = (0..).zip(is_at).filter(|(_, is_at)| *is_at);
                there.extend(parts.map(|(part, _)| [at(word), label, part]));
            }
        } else if is_whole && words.len() <= settings.max_width {
            there.insert([at(words.start), label, (words.len() - 1) as u32]);
        } else {
            continue;
        }
        if is_whole && window.keep.contains(&words.start) {
            said.insert(*number);
        }
    }
    let first = window.words.start;
    let taught = window.keep.start - first..window.keep.end - first;
    PromptedExample { ids, words, labels: places, taught, there }
}
