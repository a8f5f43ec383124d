//! Surfaces with typographical errors: a Levenshtein automaton run over the index. It tells which
//! surfaces a stretch of text comes close to; whether casing fits is `casing`'s question.
//!
//! The distance is that of optimal string alignment (restricted Damerau-Levenshtein: a letter added,
//! left out or replaced, or two neighbours swapped, each costs one, and no stretch is edited twice);
//! with `transpositions = false` it is plain Levenshtein, where a swap costs two. Only letters,
//! spaces, hyphens and apostrophes are edited: `A320` is no misspelt `A330`.
//!
//! The automaton is not built: its states are the rows of the distance's table within a band of
//! `2k + 1` cells around the diagonal, carried along on a walk through the trie.

mod walk;

use serde::Deserialize;
use unicode_normalization::char::is_combining_mark;

use self::walk::Search;
use super::index::Cursor;
use crate::text::CommonWords;
use crate::text::boundary::{is_boundary, is_unspaced, is_word};
use crate::text::common::words;

/// The largest distance that can be asked for.
pub(super) const MAX_DISTANCE: usize = 2;

/// How much of a misspelling is forgiven.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Fuzzy {
    /// The number of letters from which a surface may differ by one, by two.
    pub min_letters: Vec<usize>,
    /// How many characters must be right at the beginning.
    pub prefix_length: usize,
    /// Whether two swapped neighbours are one error.
    pub transpositions: bool,
    /// What each error multiplies the score by.
    pub factor: f32,
}

impl Default for Fuzzy {
    fn default() -> Self {
        Self { min_letters: vec![5, 9], prefix_length: 1, transpositions: true, factor: 0.8 }
    }
}

impl Fuzzy {
    /// How many errors a surface of so many letters may have.
    pub(super) fn allowed(&self, letters: usize) -> usize {
        self.min_letters.iter().filter(|&&from| letters >= from).count().min(MAX_DISTANCE)
    }

    /// What is wrong with the settings.
    pub(super) fn problem(&self) -> Option<String> {
        let lengths = &self.min_letters;
        if lengths.is_empty() || lengths.len() > MAX_DISTANCE {
            let got = lengths.len();
            return Some(format!("'min-letters' has {got} numbers, expected 1 to {MAX_DISTANCE}"));
        }
        if lengths.contains(&0) || !lengths.is_sorted() {
            return Some("'min-letters' must rise and begin with at least 1".to_owned());
        }
        let in_range = (0.0..=1.0).contains(&self.factor);
        (!in_range).then(|| format!("factor {} is out of range, expected 0 to 1", self.factor))
    }
}

/// A surface that a stretch of the text comes close to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Near {
    /// The first byte in the folded text.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
    /// How far it is from the surface.
    pub(super) distance: usize,
    /// The surface, by its number.
    pub(super) surface: u64,
}

/// What a text may read like without being misspelt.
pub(super) struct Known<'a> {
    /// Whether a folded text is a surface of any gazetteer that is looked into.
    pub(super) is_surface: &'a dyn Fn(&str) -> bool,
    /// The words that occur whatever the topic.
    pub(super) common: &'a CommonWords,
}

/// Finds the stretches of `text`, which is folded, that come close to the surfaces behind `root`: from
/// word to word, for each beginning and surface the nearest and then longest.
///
/// A stretch that reads like a surface is left alone, and so is every word of it that reads like one or
/// is common: see [`Known::allows`].
pub(super) fn find(
    root: Cursor<'_>,
    text: &str,
    fuzzy: &Fuzzy,
    known: &Known<'_>,
    found: &mut Vec<Near>,
) {
    let mut search = Search::new(root, text, fuzzy);
    for start in starts(text) {
        let rest = text.get(start..).unwrap_or("");
        let Some(first) = words(rest).next() else { continue };
        let prefix = rest.chars().take(fuzzy.prefix_length);
        if prefix.clone().count() < fuzzy.prefix_length {
            break;
        }
        let prefix = prefix.map(char::len_utf8).sum();
        let is_fixed = rest.starts_with(first) && !known.is_free(first);
        let is_word = is_fixed && first.len() >= prefix;
        let fixed = if is_word { first.len() } else { prefix };
        let mut near: Vec<(Near, String)> = Vec::new();
        search.from(start, (fixed, is_word), &mut |found, key| near.push((found, key.to_owned())));
        near.sort_unstable_by_key(|(n, _)| (n.surface, n.distance, std::cmp::Reverse(n.end)));
        near.dedup_by_key(|(near, _)| near.surface);
        near.retain(|(n, key)| known.allows(text.get(n.start..n.end).unwrap_or(""), key));
        found.extend(near.into_iter().map(|(near, _)| near));
    }
}

/// Where a misspelt name may begin: at a word, in a script that parts words.
pub(super) fn starts(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices().filter_map(|(at, c)| {
        let begins = is_word(c) && !is_unspaced(c) && is_boundary(text, at);
        begins.then_some(at)
    })
}

impl Known<'_> {
    /// Whether a word may be a misspelling: it is no common word and no surface.
    fn is_free(&self, word: &str) -> bool {
        !self.common.are_all(word) && !(self.is_surface)(word)
    }

    /// Whether `window` can be a misspelling of `key`. It is none where it reads like a surface itself.
    /// Word by word, what differs from the key must not be a common word or a surface; where the two
    /// have not equally many words, that holds for the first word, and some word must be neither.
    pub(super) fn allows(&self, window: &str, key: &str) -> bool {
        if (self.is_surface)(window) {
            return false;
        }
        if words(window).count() == words(key).count() {
            return words(window)
                .zip(words(key))
                .all(|(got, meant)| got == meant || self.is_free(got));
        }
        let first = words(window).next();
        let first_fits = first == words(key).next() || first.is_some_and(|w| self.is_free(w));
        first_fits && words(window).any(|word| self.is_free(word))
    }
}

/// The surfaces behind `root` that are at most [`MAX_DISTANCE`] errors from the folded text `name`
/// as a whole, the nearest first; for people who ask what is like it.
pub(super) fn nearest(root: Cursor<'_>, name: &str) -> Vec<(usize, String, u64)> {
    let any = Fuzzy { min_letters: vec![1; MAX_DISTANCE], prefix_length: 0, ..Fuzzy::default() };
    let mut found = Vec::new();
    Search::new(root, name, &any).from(0, (0, false), &mut |near, key| {
        if near.end == name.len() {
            found.push((near.distance, key.to_owned(), near.surface));
        }
    });
    found.sort();
    found.dedup_by(|a, b| a.1 == b.1);
    found
}

/// Whether a character may be added, left out or replaced.
pub(super) fn is_editable(c: char) -> bool {
    c.is_alphabetic() || is_combining_mark(c) || matches!(c, ' ' | '-' | '\'')
}

/// Whether a misspelt name that begins at `start` may end at `end`.
fn ends(text: &str, start: usize, end: usize) -> bool {
    let window = text.get(start..end).unwrap_or("");
    window.ends_with(is_word) && is_boundary(text, end)
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

/// The distance of two texts by the whole table, `None` where what differs may not be edited.
pub(super) fn distance(a: &str, b: &str, transpositions: bool) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let never = a.len() + b.len() + 1;
    let cost = |c: char| if is_editable(c) { 1 } else { never };
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            let mut best = if i + j == 0 { 0 } else { never };
            if i > 0 {
                best = best.min(table[i - 1][j] + cost(a[i - 1]));
            }
            if j > 0 {
                best = best.min(table[i][j - 1] + cost(b[j - 1]));
            }
            if i > 0 && j > 0 {
                let replaced = cost(a[i - 1]).max(cost(b[j - 1]));
                let replaced = if a[i - 1] == b[j - 1] { 0 } else { replaced };
                best = best.min(table[i - 1][j - 1] + replaced);
            }
            let swapped =
                transpositions && i > 1 && j > 1 && (a[i - 2], a[i - 1]) == (b[j - 1], b[j - 2]);
            if swapped {
                best = best.min(table[i - 2][j - 2] + cost(a[i - 1]).max(cost(a[i - 2])));
            }
            table[i][j] = best.min(never);
        }
    }
    Some(table[a.len()][b.len()]).filter(|&distance| distance < never)
}

#[cfg(test)]
pub(super) mod tests;
