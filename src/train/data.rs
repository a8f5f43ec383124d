//! Corpora become sequences of sub-words with a target at the first sub-word of every word.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::recipe::CorpusRecipe;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{DocumentStream, Inputs};
use crate::source::model::Tagger;
use crate::source::model::tokens::Unit;
use crate::span::scheme::TaggedRange;
use crate::span::{Label, TagScheme};
use crate::text::Document;

/// A corpus, read: what its recipe says has been done to its gold.
pub struct Corpus {
    /// What to call it.
    pub name: String,
    /// Its documents, each with gold.
    pub documents: Vec<Document>,
    /// The labels it annotates; `None` where these are all.
    pub annotates: Option<BTreeSet<String>>,
    /// How often each of its sentences is seen in an epoch, on average.
    pub weight: f64,
}

impl Corpus {
    /// Reads a corpus whose paths are relative to `base`.
    ///
    /// # Errors
    /// Where a file is missing or wrong, or there is no document.
    pub fn read(recipe: &CorpusRecipe, base: &Path) -> Result<Self> {
        let here = |error: Error| error.at(recipe.place.clone());
        let inputs = Inputs::expand(&recipe.paths(base), recipe.format);
        if let Some(error) = Error::several(inputs.errors) {
            return Err(here(error));
        }
        let names = recipe.label_names();
        let mut documents = Vec::new();
        let mut wrong = Vec::new();
        for document in DocumentStream::new(inputs.files, recipe.read_options()?) {
            match document {
                Ok(mut document) => {
                    names.rename(&mut document);
                    document.join_tokens(&recipe.join_tokens);
                    documents.push(document);
                }
                Err(error) => wrong.push(error),
            }
        }
        if let Some(error) = Error::several(wrong) {
            return Err(error);
        }
        let corpus = Self {
            name: recipe.name(),
            documents,
            annotates: recipe.labels.clone(),
            weight: recipe.weight,
        };
        if corpus.documents.iter().all(|document| document.text.trim().is_empty()) {
            let message = format!("the corpus '{}' holds no text", corpus.name);
            return Err(here(Error::new(ErrorKind::Document, message)));
        }
        if let Some(annotates) = &corpus.annotates
            && let Some((label, id)) = corpus.stranger(|label| annotates.contains(label))
        {
            let known: Vec<&str> = annotates.iter().map(String::as_str).collect();
            let message = format!(
                "document {id} has an entity of label '{label}', which is not in 'labels', those that the \
                 corpus annotates"
            );
            let help =
                format!("they are: {}; `map` and `drop` change what gold says", known.join(", "));
            return Err(here(Error::new(ErrorKind::Document, message).with_help(help)));
        }
        Ok(corpus)
    }

    /// An entity with a label that `is_known` does not know, and its document.
    fn stranger(&self, is_known: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
        self.documents.iter().find_map(|document| {
            let mut gold = document.gold.iter().flatten();
            let one = gold.find(|annotation| !is_known(&annotation.label))?;
            Some((one.label.as_str(), document.id.as_str()))
        })
    }

    /// Looks whether every label of its gold is one of the model's.
    ///
    /// # Errors
    /// Where one is not, or `labels` of its recipe names another.
    pub fn check_labels(&self, labels: &[String], recipe: &CorpusRecipe) -> Result<()> {
        let known: Vec<&str> = labels.iter().map(String::as_str).collect();
        let unknown = |label: &str, of: String| {
            let error = Error::unknown("label", label, &known);
            let help = error.help_text().unwrap_or_default().to_owned();
            let message = format!("{} of {of}", error.message());
            Error::new(ErrorKind::Document, message)
                .with_help(format!("{help}; `map` and `drop` change what gold says"))
                .at(recipe.place.clone())
        };
        if let Some((label, id)) = self.stranger(|label| known.contains(&label)) {
            return Err(unknown(label, format!("document {id}")));
        }
        let annotated = self.annotates.iter().flatten();
        match annotated.map(String::as_str).find(|label| !known.contains(label)) {
            Some(label) => Err(unknown(label, "the corpus's 'labels'".to_owned())),
            None => Ok(()),
        }
    }

    /// How many entities of each label it has.
    pub fn entities(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for annotation in self.documents.iter().flat_map(|d| d.gold.iter().flatten()) {
            *counts.entry(annotation.label.as_str()).or_default() += 1;
        }
        counts
    }
}

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
    pub(super) fn outside(&mut self, annotates: Option<&BTreeSet<String>>) -> u32 {
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
pub struct Example {
    /// The sub-words with special tokens.
    pub ids: Vec<u32>,
    /// Where in it something is to be said.
    pub positions: Vec<u32>,
    /// The target at each of these places, by number (see [`Targets`]).
    pub targets: Vec<u32>,
}

/// The examples of one corpus.
#[derive(Debug)]
pub struct Examples {
    /// What to call it.
    pub name: String,
    /// The examples, in the order of the corpus.
    pub examples: Vec<Example>,
    /// How often each is seen in an epoch, on average.
    pub weight: f64,
    /// How many entities are taught otherwise than gold says, because they cut a word, go over the end of
    /// a sentence or share a word with one before them.
    pub misfits: usize,
    /// How many sentences were left out because they are excluded.
    pub excluded: usize,
}

/// Sentences that are not learnt from, each by its words in lower case.
#[derive(Debug, Default)]
pub struct Excluded(HashSet<String>);

impl Excluded {
    /// The sentences of these corpora, as `tagger` cuts documents.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn of(corpora: &[Corpus], tagger: &Tagger) -> Result<Self> {
        let mut excluded = HashSet::new();
        for document in corpora.iter().flat_map(|corpus| &corpus.documents) {
            excluded.extend(tagger.units(document)?.iter().map(|unit| Self::key(document, unit)));
        }
        Ok(Self(excluded))
    }

    fn holds(&self, document: &Document, unit: &Unit) -> bool {
        !self.0.is_empty() && self.0.contains(&Self::key(document, unit))
    }

    fn key(document: &Document, unit: &Unit) -> String {
        let words = unit.words.iter().filter_map(|word| word.slice(&document.text));
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    }
}

/// How words are taught.
#[derive(Debug, Clone, Copy)]
pub struct Teaching {
    /// How tags mark entities.
    pub scheme: TagScheme,
    /// Whether every sub-word of a word is taught.
    pub label_all: bool,
}

impl Examples {
    /// The examples of a corpus, for the model of `tagger`.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn of(
        corpus: &Corpus,
        tagger: &Tagger,
        targets: &mut Targets,
        teaching: Teaching,
        excluded: &Excluded,
    ) -> Result<Self> {
        let outside = targets.outside(corpus.annotates.as_ref());
        let mut made = Self {
            name: corpus.name.clone(),
            examples: Vec::new(),
            weight: corpus.weight,
            misfits: 0,
            excluded: 0,
        };
        for document in &corpus.documents {
            let (mut said, mut left_out) = (0, 0);
            for unit in tagger.units(document)? {
                if excluded.holds(document, &unit) {
                    left_out += 1;
                    continue;
                }
                let ranges = ranges(document, &unit, &mut said);
                let tags = teaching.scheme.encode(&ranges, unit.words.len());
                let target = |tag: &String| match tag.as_str() {
                    "O" => outside,
                    _ => position(&targets.tags, tag).unwrap_or(outside),
                };
                let of_words: Vec<u32> = tags.iter().map(target).collect();
                for window in tagger.windows_of(&unit) {
                    let (ids, firsts) = tagger.pieces(&unit, &window);
                    let kept = &of_words[window.keep.clone()];
                    let mut example = Example { ids, positions: firsts, targets: kept.to_vec() };
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
}

impl Example {
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
fn ranges(document: &Document, unit: &Unit, said: &mut usize) -> Vec<TaggedRange> {
    let mut gold: Vec<_> = document.gold.iter().flatten().collect();
    gold.sort_by_key(|annotation| (annotation.span.start, std::cmp::Reverse(annotation.span.end)));
    let mut ranges: Vec<TaggedRange> = Vec::new();
    for annotation in gold {
        let span = annotation.span.trim(&document.text);
        let first = unit.words.partition_point(|word| word.end <= span.start);
        let last = unit.words.partition_point(|word| word.start < span.end);
        let is_free = ranges.last().is_none_or(|(before, _)| before.end <= first);
        if first < last && is_free {
            let fits =
                unit.words[first].start == span.start && unit.words[last - 1].end == span.end;
            *said += usize::from(fits);
            ranges.push((first..last, Label::new(&annotation.label)));
        }
    }
    ranges
}

/// A fingerprint of what is learnt from: two runs with the same learn the same.
pub fn fingerprint(corpora: &[Examples], targets: &Targets) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{targets:?}"));
    for corpus in corpora {
        hash.update(format!("{} {}", corpus.examples.len(), corpus.weight));
        for example in &corpus.examples {
            for list in [&example.ids, &example.positions, &example.targets] {
                hash.update((list.len() as u64).to_le_bytes());
                list.iter().for_each(|number| hash.update(number.to_le_bytes()));
            }
        }
    }
    in_hex(&hash.finalize())
}

/// Bytes in hexadecimal.
pub(super) fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
