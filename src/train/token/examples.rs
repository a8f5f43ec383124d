//! Corpora become sequences of sub-words with a target at the first sub-word of every word.

use std::collections::BTreeSet;

use sha2::Sha256;

use crate::error::Result;
use crate::source::model::Tagger;
use crate::source::model::tokens::Unit;
use crate::span::scheme::TaggedRange;
use crate::span::{Label, TagScheme};
use crate::text::{Document, Span};
use crate::train::data::{Corpus, Example, Examples, Excluded, hash_numbers};

/// The tags of a scheme over labels, `O` first.
pub fn tag_names(scheme: TagScheme, labels: &[String]) -> Vec<String> {
    let prefixes = match scheme {
        TagScheme::Bio => "BI",
        TagScheme::Bioes => "BIES",
        TagScheme::Bilou => "BILU",
        TagScheme::Io => "I",
    };
    let of = |label: &'_ String| {
        prefixes.chars().map(|prefix| format!("{prefix}-{label}")).collect::<Vec<_>>()
    };
    std::iter::once("O".to_owned()).chain(labels.iter().flat_map(of)).collect()
}

/// What a word may be: a tag, or any of several where the corpus does not say which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// The names of the tags.
    pub tags: Vec<String>,
    /// By target, the tags that are right; the first so many targets are the tags themselves.
    pub allowed: Vec<Vec<usize>>,
}

impl Targets {
    /// Each tag as a target.
    pub fn new(tags: Vec<String>) -> Self {
        let allowed = (0..tags.len()).map(|tag| vec![tag]).collect();
        Self { tags, allowed }
    }

    /// The target of `O` in a corpus that annotates only some labels: `O`, or a tag of any other label.
    pub fn outside(&mut self, annotates: Option<&BTreeSet<String>>) -> u32 {
        let is_allowed = |tag: &str| match tag.split_once('-') {
            None => tag == "O",
            Some((_, label)) => annotates.is_some_and(|labels| !labels.contains(label)),
        };
        let tags = self.tags.iter().enumerate();
        let allowed: Vec<usize> = tags.filter(|(_, tag)| is_allowed(tag)).map(|(i, _)| i).collect();
        let known = self.allowed.iter().position(|one| *one == allowed);
        known.unwrap_or_else(|| {
            self.allowed.push(allowed);
            self.allowed.len() - 1
        }) as u32
    }
}

/// A sequence to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagExample {
    /// The sub-words with special tokens.
    pub ids: Vec<u32>,
    /// Where in it something is to be said.
    pub positions: Vec<u32>,
    /// The target at each of these places, by number (see [`Targets`]).
    pub targets: Vec<u32>,
}

/// How words are taught.
#[derive(Debug, Clone, Copy)]
pub struct Teaching {
    /// How tags mark entities.
    pub scheme: TagScheme,
    /// Whether every sub-word of a word is taught.
    pub label_all: bool,
}

/// The examples of a corpus, for the model of `tagger`.
///
/// # Errors
/// Where the tokenizer fails.
pub fn examples(
    corpus: &Corpus,
    tagger: &Tagger,
    targets: &mut Targets,
    teaching: Teaching,
    excluded: &Excluded,
) -> Result<Examples<TagExample>> {
    let outside = targets.outside(corpus.annotates.as_ref());
    let mut made = Examples::new(corpus);
    for document in &corpus.documents {
        let (mut said, mut left_out) = (0, 0);
        for unit in tagger.units(document)? {
            if excluded.holds(document, &unit.words) {
                left_out += 1;
                continue;
            }
            let ranges = ranges(document, &unit.words, &mut said);
            let tags = teaching.scheme.encode(&ranges, unit.words.len());
            let target = |tag: &String| match tag.as_str() {
                "O" => outside,
                _ => position(&targets.tags, tag).unwrap_or(outside),
            };
            let of_words: Vec<u32> = tags.iter().map(target).collect();
            for window in tagger.windows_of(&unit) {
                let (ids, firsts) = tagger.pieces(&unit, &window);
                let kept = &of_words[window.keep.clone()];
                let mut example = TagExample { ids, positions: firsts, targets: kept.to_vec() };
                if teaching.label_all {
                    example.teach_all(&unit, window.keep.start, &targets.tags);
                }
                made.examples.push(example);
            }
        }
        made.excluded += left_out;
        if left_out == 0 {
            made.misfits += document.gold.as_ref().map_or(0, Vec::len).saturating_sub(said);
        }
    }
    Ok(made)
}

impl Example for TagExample {
    fn length(&self) -> usize {
        self.ids.len()
    }

    fn fingerprint(&self, hash: &mut Sha256) {
        for numbers in [&self.ids, &self.positions, &self.targets] {
            hash_numbers(hash, numbers);
        }
    }
}

impl TagExample {
    /// Teaches the other sub-words of each word too: the word's tag, but inside where it begins an entity.
    /// `first` is the number of the first taught word in its unit.
    fn teach_all(&mut self, unit: &Unit, first: usize, tags: &[String]) {
        let words = self.positions.iter().zip(&self.targets).enumerate();
        let mut all = Vec::new();
        for (number, (&at, &target)) in words {
            // Words may be cut to the room there is; what follows them is where the next word begins.
            let next = self.positions.get(number + 1).copied();
            let whole = at + unit.pieces(first + number).len() as u32;
            let end = next.unwrap_or(whole).min(whole).min(self.ids.len() as u32);
            let goes_on = tags.get(target as usize).map(|tag| match tag.split_once('-') {
                Some(("B" | "S" | "U", label)) => format!("I-{label}"),
                _ => tag.clone(),
            });
            let later = goes_on.and_then(|tag| position(tags, &tag)).unwrap_or(target);
            all.extend((at..end).map(|i| (i, if i == at { target } else { later })));
        }
        (self.positions, self.targets) = all.into_iter().unzip();
    }
}

fn position(tags: &[String], tag: &str) -> Option<u32> {
    tags.iter().position(|known| known == tag).map(|number| number as u32)
}

/// The words of a unit that each entity covers; `said` counts the entities that are said as gold says them.
pub(in crate::train) fn ranges(
    document: &Document,
    words: &[Span],
    said: &mut usize,
) -> Vec<TaggedRange> {
    let mut gold: Vec<_> = document.gold.iter().flatten().collect();
    gold.sort_by_key(|annotation| (annotation.span.start, std::cmp::Reverse(annotation.span.end)));
    let mut ranges: Vec<TaggedRange> = Vec::new();
    for annotation in gold {
        let span = annotation.span.trim(&document.text);
        let first = words.partition_point(|word| word.end <= span.start);
        let last = words.partition_point(|word| word.start < span.end);
        let is_free = ranges.last().is_none_or(|(before, _)| before.end <= first);
        if first < last && is_free {
            let fits = words[first].start == span.start && words[last - 1].end == span.end;
            *said += usize::from(fits);
            ranges.push((first..last, Label::new(&annotation.label)));
        }
    }
    ranges
}
