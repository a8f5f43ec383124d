//! The best of many, of which few are kept at a time: highest score first, of equals the one that came
//! first; texts that are the same, or near to one that is better, are passed over.

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use crate::text::fold::{FoldOptions, fold};

/// A text without what does not make it another: case, accents, punctuation at the edges of words, web
/// addresses and white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextKey {
    whole: u64,
    /// Its words, sorted, each once.
    words: Vec<u64>,
}

impl TextKey {
    /// The key of `text`.
    pub fn of(text: &str) -> Self {
        let folded = fold(text, FoldOptions::ALL);
        let words = folded.text().split_whitespace().filter(|word| !word.contains("://"));
        let words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
        let list: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let mut words: Vec<u64> = list.iter().map(hash_of).collect();
        words.sort_unstable();
        words.dedup();
        Self { whole: hash_of(&list), words }
    }

    /// The share of the words of both that both have, 0..=1 (Jaccard's coefficient); two without words are
    /// the same.
    pub fn similarity(&self, other: &Self) -> f64 {
        let both = self.words.iter().filter(|word| other.words.binary_search(word).is_ok()).count();
        let all = self.words.len() + other.words.len() - both;
        if all == 0 { 1.0 } else { both as f64 / all as f64 }
    }
}

/// Only compared with hashes of the same run.
fn hash_of(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The best so far.
pub struct Shortlist<T> {
    size: usize,
    /// From how similar on two texts are too near.
    similarity: f64,
    excluded: BTreeSet<u64>,
    ranked: BTreeMap<Rank, Entry<T>>,
    offered: usize,
    duplicates: usize,
    left_out: usize,
}

struct Entry<T> {
    key: TextKey,
    value: T,
}

/// The best comes first.
#[derive(Debug, Clone, Copy)]
struct Rank {
    score: f64,
    number: usize,
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rank {}

impl<T> Shortlist<T> {
    /// A list of at most `size`. Texts whose [`TextKey::similarity`] is at least `similarity` are too near
    /// to each other; with 1 only those that are the same word for word.
    pub fn new(size: usize, similarity: f64) -> Self {
        Self {
            size,
            similarity,
            excluded: BTreeSet::new(),
            ranked: BTreeMap::new(),
            offered: 0,
            duplicates: 0,
            left_out: 0,
        }
    }

    /// Never takes `text`.
    pub fn exclude(&mut self, text: &str) {
        self.excluded.insert(TextKey::of(text).whole);
    }

    /// Takes `make()` with its `text` and `score`, where it is among the best so far. What it is better than
    /// and too near to makes room for it.
    pub fn offer(&mut self, text: &str, score: f64, make: impl FnOnce() -> T) {
        let rank = Rank { score, number: self.offered };
        self.offered += 1;
        let last = self.ranked.last_key_value().map(|(rank, _)| *rank);
        let is_full = self.ranked.len() >= self.size;
        let key = TextKey::of(text);
        if self.excluded.contains(&key.whole) {
            self.left_out += 1;
            return;
        }
        if is_full && last.is_none_or(|last| last < rank) {
            return;
        }
        let is_near = |other: &TextKey| {
            other.whole == key.whole
                || (self.similarity < 1.0 && other.similarity(&key) >= self.similarity)
        };
        let near: Vec<Rank> = self
            .ranked
            .iter()
            .filter(|(_, entry)| is_near(&entry.key))
            .map(|(rank, _)| *rank)
            .collect();
        if near.first().is_some_and(|best| *best < rank) {
            self.duplicates += 1;
            return;
        }
        self.duplicates += near.len();
        near.iter().for_each(|rank| drop(self.ranked.remove(rank)));
        self.ranked.insert(rank, Entry { key, value: make() });
        if self.ranked.len() > self.size {
            self.ranked.pop_last();
        }
    }

    /// How many were offered.
    pub fn offered(&self) -> usize {
        self.offered
    }

    /// How many were good enough and too near to a better one.
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// How many were never to be taken.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Those taken, the best first.
    pub fn into_ranked(self) -> Vec<T> {
        self.ranked.into_values().map(|entry| entry.value).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(list: &mut Shortlist<String>, offers: &[(&str, f64)]) {
        for (text, score) in offers {
            list.offer(text, *score, || (*text).to_owned());
        }
    }

    #[test]
    fn the_best_come_first_and_of_equals_the_first() {
        let mut list = Shortlist::new(3, 1.0);
        taken(&mut list, &[("a", 0.1), ("b", 0.5), ("c", 0.5), ("d", 0.9), ("e", 0.5)]);
        assert_eq!(list.offered(), 5);
        assert_eq!(list.into_ranked(), ["d", "b", "c"]);
    }

    #[test]
    fn the_same_text_is_taken_once() {
        let mut list = Shortlist::new(5, 1.0);
        list.exclude("Already done.");
        taken(
            &mut list,
            &[
                ("Ann in Łódź!", 0.5),
                ("ann in lodz https://t.co/x", 0.5),
                ("in Ann Łódź", 0.1),
                ("Ann in Łódź", 0.7),
                ("already  DONE", 1.0),
            ],
        );
        assert_eq!((list.duplicates(), list.left_out()), (2, 1));
        assert_eq!(list.into_ranked(), ["Ann in Łódź", "in Ann Łódź"]);
    }

    #[test]
    fn what_is_too_near_to_a_better_one_is_passed_over() {
        assert_eq!(TextKey::of("a b c").similarity(&TextKey::of("C b d")), 0.5);
        assert_eq!(TextKey::of("...").similarity(&TextKey::of("")), 1.0);
        let mut list = Shortlist::new(5, 0.5);
        taken(&mut list, &[("a b c", 0.5), ("a b d", 0.4), ("c b x", 0.9), ("x y z", 0.1)]);
        assert_eq!(list.into_ranked(), ["c b x", "x y z"]);
    }

    proptest! {
        #[test]
        fn it_is_the_head_of_the_sorted_list(
            scores in proptest::collection::vec(0_u8..5, 0..40),
            size in 1_usize..10,
        ) {
            let mut list = Shortlist::new(size, 1.0);
            for (number, score) in scores.iter().enumerate() {
                list.offer(&format!("text {number}"), f64::from(*score), || number);
            }
            let mut expected: Vec<usize> = (0..scores.len()).collect();
            expected.sort_by_key(|number| (std::cmp::Reverse(scores[*number]), *number));
            expected.truncate(size);
            prop_assert_eq!(list.into_ranked(), expected);
        }
    }
}
