//! What was read and found so far: of a shard, and of the whole job.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::span::Entity;
use crate::text::Document;

/// So many surfaces of each label are kept of a shard.
const KEPT_OF_SHARD: usize = 20;

/// So many surfaces of each label are kept of a job; then the rarer half is dropped.
const KEPT_OF_JOB: usize = 10_000;

/// A surface is cut to so many characters: it is kept to be looked at.
const LONGEST_SURFACE: usize = 80;

/// Counts of documents and entities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Documents that were tagged.
    pub documents: u64,
    /// Documents, or rests of inputs, that could not be read, tagged or written.
    pub errors: u64,
    /// The texts of the tagged documents, in bytes of UTF-8.
    pub text_bytes: u64,
    /// Their given tokens, or else their pieces between ASCII white space.
    pub tokens: u64,
    /// Entities by label.
    pub entities: BTreeMap<String, u64>,
    /// How often each surface was found, by label. Of a shard that is done, the most frequent; of a job, the
    /// sum of those, which is exact for what is frequent in every shard and too low for the rest.
    pub surfaces: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Tally {
    /// Counts a document and what was found in it.
    pub fn count(&mut self, document: &Document, entities: &[Entity]) {
        self.documents += 1;
        self.text_bytes += document.text.len() as u64;
        self.tokens += tokens(document);
        for entity in entities {
            let label = entity.label.as_str();
            add(&mut self.entities, label, 1);
            if !self.surfaces.contains_key(label) {
                self.surfaces.insert(label.to_owned(), BTreeMap::new());
            }
            let surfaces = self.surfaces.get_mut(label).expect("it was put there just now");
            let text = entity.text(&document.text);
            let end = text.char_indices().nth(LONGEST_SURFACE).map_or(text.len(), |(end, _)| end);
            add(surfaces, text.get(..end).unwrap_or(text), 1);
        }
    }

    /// The same without surfaces, which are most of it.
    pub fn counts(&self) -> Self {
        let Self { documents, errors, text_bytes, tokens, ref entities, surfaces: _ } = *self;
        let (entities, surfaces) = (entities.clone(), BTreeMap::new());
        Self { documents, errors, text_bytes, tokens, entities, surfaces }
    }

    /// Adds the counts of a shard.
    pub fn add(&mut self, shard: &Self) {
        self.documents += shard.documents;
        self.errors += shard.errors;
        self.text_bytes += shard.text_bytes;
        self.tokens += shard.tokens;
        for (label, count) in &shard.entities {
            add(&mut self.entities, label, *count);
        }
        for (label, surfaces) in &shard.surfaces {
            let own = self.surfaces.entry(label.clone()).or_default();
            surfaces.iter().for_each(|(surface, count)| add(own, surface, *count));
            if own.len() > KEPT_OF_JOB {
                keep_most_frequent(own, KEPT_OF_JOB / 2);
            }
        }
    }

    /// Forgets all but the most frequent surfaces, when a shard is done.
    pub(super) fn shorten(&mut self) {
        self.surfaces.values_mut().for_each(|surfaces| keep_most_frequent(surfaces, KEPT_OF_SHARD));
    }

    /// All entities.
    pub fn entity_count(&self) -> u64 {
        self.entities.values().sum()
    }

    /// The most frequent surfaces of a label, the first the most frequent; of equals, in order of the alphabet.
    pub fn most_frequent(&self, label: &str, limit: usize) -> Vec<(&str, u64)> {
        let surfaces = self.surfaces.get(label).into_iter().flatten();
        let mut list: Vec<(&str, u64)> = surfaces.map(|(text, count)| (&**text, *count)).collect();
        list.sort_by_key(|(_, count)| Reverse(*count));
        list.truncate(limit);
        list
    }
}

/// How many tokens a document has.
fn tokens(document: &Document) -> u64 {
    let given = document.tokens.as_ref().map(Vec::len);
    given.unwrap_or_else(|| document.text.split_ascii_whitespace().count()) as u64
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str, count: u64) {
    match counts.get_mut(name) {
        Some(sum) => *sum += count,
        None => {
            counts.insert(name.to_owned(), count);
        }
    }
}

fn keep_most_frequent(surfaces: &mut BTreeMap<String, u64>, limit: usize) {
    if surfaces.len() <= limit {
        return;
    }
    let mut list: Vec<(String, u64)> = std::mem::take(surfaces).into_iter().collect();
    list.sort_by_key(|(_, count)| Reverse(*count));
    list.truncate(limit);
    surfaces.extend(list);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Label, Span};

    fn entity(start: usize, end: usize, label: &str) -> Entity {
        let span = Span::new(start, end);
        let (label, score) = (Label::new(label), 1.0);
        Entity { span, label, score, origins: Vec::new(), overruled: Vec::new() }
    }

    #[test]
    fn shards_add_up_to_the_job() {
        let document = Document::new("d", "Paris  and\nTexas and Paris");
        let mut shard = Tally::default();
        let found = [entity(0, 5, "LOC"), entity(11, 16, "LOC"), entity(21, 26, "PER")];
        shard.count(&document, &found);
        shard.count(&document, &found[..1]);
        assert_eq!((shard.documents, shard.tokens, shard.text_bytes), (2, 10, 52));
        assert_eq!(shard.most_frequent("LOC", 9), [("Paris", 2), ("Texas", 1)]);
        shard.shorten();
        let mut job = Tally::default();
        job.add(&shard);
        job.add(&shard);
        assert_eq!(job.entities, BTreeMap::from([("LOC".to_owned(), 6), ("PER".to_owned(), 2)]));
        assert_eq!((job.entity_count(), job.documents), (8, 4));
        assert_eq!(job.most_frequent("LOC", 1), [("Paris", 4)]);
        assert!(job.most_frequent("ORG", 3).is_empty());
    }

    #[test]
    fn of_many_surfaces_the_most_frequent_are_kept() {
        let names: Vec<String> = (0..50).map(|n| format!("N{n:02}")).collect();
        let text = names.join(" ");
        let all: Vec<Entity> = (0..50).map(|n| entity(4 * n, 4 * n + 3, "LOC")).collect();
        let mut shard = Tally::default();
        let document = Document::new("d", text);
        shard.count(&document, &all);
        shard.count(&document, &all[40..]);
        shard.shorten();
        let kept = shard.most_frequent("LOC", 100);
        assert_eq!(kept.len(), KEPT_OF_SHARD);
        assert_eq!((kept[0], kept[9], kept[10]), (("N40", 2), ("N49", 2), ("N00", 1)));
    }

    #[test]
    fn given_tokens_are_counted_and_long_surfaces_cut() {
        let mut tally = Tally::default();
        let long = "é".repeat(200);
        let document = Document::from_words("d", ["a", long.as_str()]);
        tally.count(&document, &[entity(2, document.text.len(), "X")]);
        assert_eq!(tally.tokens, 2);
        assert_eq!(tally.most_frequent("X", 1)[0].0, "é".repeat(LONGEST_SURFACE));
    }
}
