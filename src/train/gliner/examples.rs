//! Corpora become rows of labels and text, with what is there: pairs of span and label, or of word, label and
//! part (whether it begins, ends or is inside an entity).

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use sha2::Sha256;

use crate::error::Result;
use crate::source::model::gliner::{Gliner, Row, SpanMode};
use crate::source::model::tokens::Unit;
use crate::span::Label;
use crate::text::Document;
use crate::train::data::{Corpus, Example, Examples, Excluded, hash_numbers};

/// A row to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptedExample {
    /// The sub-words with special tokens.
    pub ids: Vec<u32>,
    /// Where among them the text stands.
    pub text: Range<usize>,
    /// Where those stand that represent words.
    pub words: Vec<u32>,
    /// Where those stand that represent labels.
    pub labels: Vec<u32>,
    /// Which labels it is asked for, by number.
    pub asked: Vec<usize>,
    /// Which its corpus annotates, in order.
    pub annotated: Arc<[usize]>,
    /// Which have something in the text, be it cut off, too long or asked for by another row.
    pub present: BTreeSet<usize>,
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

/// The examples of a corpus: each of its texts is asked for all labels that the corpus annotates; where labels are
/// `drawn` later, for those that it has something of. A text of which a sentence is excluded is left out.
///
/// # Errors
/// Where the tokenizer fails.
pub(super) fn examples(
    corpus: &Corpus,
    model: &Gliner,
    excluded: &Excluded,
    drawn: bool,
) -> Result<Examples<PromptedExample>> {
    let is_annotated =
        |label: &str| corpus.annotates.as_ref().is_none_or(|labels| labels.contains(label));
    let numbered = || model.asked().iter().map(Label::as_str).enumerate();
    let annotated: Arc<[usize]> =
        numbered().filter(|(_, label)| is_annotated(label)).map(|(number, _)| number).collect();
    let numbers: HashMap<&str, usize> = numbered().map(|(number, label)| (label, number)).collect();
    let mut made = Examples::new(corpus);
    for document in &corpus.documents {
        // It is read as a whole.
        if excluded.holds_part_of(document) {
            made.excluded += 1;
            continue;
        }
        let mut said = BTreeSet::new();
        for unit in model.units(document)? {
            let entities = entities(document, &unit, &numbers);
            let labels = if drawn { labels_of(&entities, &annotated) } else { annotated.to_vec() };
            for row in model.rows(&unit, &labels, drawn) {
                made.examples.push(example(row, &entities, model, (&annotated, &mut said)));
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
fn entities(document: &Document, unit: &Unit, numbers: &HashMap<&str, usize>) -> Vec<Entity> {
    let gold = document.gold.iter().flatten().enumerate();
    gold.filter_map(|(number, annotation)| {
        let span = annotation.span.trim(&document.text);
        let first = unit.words.binary_search_by_key(&span.start, |word| word.start).ok()?;
        let last = unit.words.binary_search_by_key(&span.end, |word| word.end).ok()?;
        let label = *numbers.get(annotation.label.as_str())?;
        (first <= last).then_some(Entity { number, words: first..last + 1, label })
    })
    .collect()
}

/// The labels of these entities; one that they could have where there is none.
fn labels_of(entities: &[Entity], annotated: &[usize]) -> Vec<usize> {
    let found: BTreeSet<usize> = entities.iter().map(|entity| entity.label).collect();
    match found.is_empty() {
        true => annotated.iter().copied().take(1).collect(),
        false => found.into_iter().collect(),
    }
}

/// The example of a row of a corpus that annotates these labels; `said` gets the numbers of the entities that it
/// teaches.
fn example(
    row: Row,
    entities: &[Entity],
    model: &Gliner,
    (annotated, said): (&Arc<[usize]>, &mut BTreeSet<usize>),
) -> PromptedExample {
    let settings = model.settings();
    let Row { ids, text, words, places, labels, window } = row;
    let at = |word: usize| (word - window.words.start) as u32;
    let reaches =
        |words: &Range<usize>| words.start < window.words.end && window.words.start < words.end;
    let here = entities.iter().filter(|entity| reaches(&entity.words));
    let present = here.map(|entity| entity.label).collect();
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
    let annotated = Arc::clone(annotated);
    let (labels, asked) = (places, labels);
    PromptedExample { ids, text, words, labels, asked, annotated, present, taught, there }
}
