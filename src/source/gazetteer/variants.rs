//! Surfaces written otherwise: a hyphen for a space, an apostrophe left out or put in. Both are looked
//! for on one walk through the index, so that compiled gazetteers need no second spelling.

use super::index::{Cursor, Hit};
use crate::text::boundary::{is_boundary, is_word};

/// What follows an apostrophe in a contraction: `we'll` is no `Well`.
const CONTRACTIONS: &[&str] = &["d", "ll", "m", "re", "t", "ve"];

/// Which spellings stand for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Variants {
    /// `Stratford upon Avon` and `Stratford-upon-Avon`.
    pub(super) hyphen_space: bool,
    /// `OBrien` and `O'Brien`: an apostrophe inside a word may be missing on either side. In the text
    /// that of a contraction may not, nor that of an `'s` which ends the match.
    pub(super) apostrophe: bool,
}

impl Variants {
    /// Whether there is anything to look for.
    pub(super) fn any(self) -> bool {
        self.hyphen_space || self.apostrophe
    }
}

/// A folded text without what variants may differ in: two that are variants of each other read alike.
pub(super) fn bare(text: &str) -> String {
    text.chars().filter(|&c| c != '\'').map(|c| if c == '-' { ' ' } else { c }).collect()
}

/// Adds every occurrence in the folded `text` of every surface, as it is written or otherwise, to
/// `hits`: by start, the longest first where several have one start, then by surface.
pub(super) fn find(root: Cursor<'_>, text: &str, variants: Variants, hits: &mut Vec<Hit>) {
    let first = hits.len();
    let mut walk = Walk { text, variants, start: 0, hits };
    let mut before = b' ';
    for (start, &byte) in text.as_bytes().iter().enumerate() {
        let inside = byte.is_ascii_alphanumeric() && before.is_ascii_alphanumeric();
        before = byte;
        if byte != b' ' && !inside && text.is_char_boundary(start) && is_boundary(text, start) {
            walk.start = start;
            walk.from(start, root, None);
        }
    }
    let found = hits.get_mut(first..).unwrap_or_default();
    found.sort_unstable_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end), hit.surface));
    let mut kept = hits.split_off(first);
    kept.dedup();
    hits.append(&mut kept);
}

struct Walk<'a> {
    text: &'a str,
    variants: Variants,
    start: usize,
    hits: &'a mut Vec<Hit>,
}

impl Walk<'_> {
    /// Walks on from `node` with what begins at `at`; `left_out` is the last apostrophe that was left
    /// out.
    fn from(&mut self, mut at: usize, mut node: Cursor<'_>, left_out: Option<usize>) {
        let bytes = self.text.as_bytes();
        loop {
            if let Some(surface) = node.number()
                && at > self.start
                && left_out.is_none_or(|apostrophe| self.text.get(apostrophe + 1..at) != Some("s"))
                && self.text.is_char_boundary(at)
                && is_boundary(self.text, at)
            {
                self.hits.push(Hit { start: self.start, end: at, surface });
            }
            let Some(&byte) = bytes.get(at) else { return };
            if self.variants.hyphen_space
                && let Some(other) = other_mark(byte)
                && let Some(next) = node.step(other)
            {
                self.from(at + 1, next, left_out);
            }
            if self.variants.apostrophe && at > self.start {
                if byte == b'\'' && may_leave_out(self.text, at) {
                    self.from(at + 1, node, Some(at));
                } else if byte != b'\''
                    && is_inside_word(self.text, at)
                    && let Some(next) = node.step(b'\'').and_then(|n| n.step(byte))
                {
                    self.from(at + 1, next, left_out);
                }
            }
            let Some(next) = node.step(byte) else { return };
            (at, node) = (at + 1, next);
        }
    }
}

/// Whether the apostrophe at `at` stands inside a word that is no contraction.
fn may_leave_out(text: &str, at: usize) -> bool {
    let before = text.get(..at).is_some_and(|text| text.ends_with(is_word));
    let after = text.get(at + 1..).unwrap_or("");
    let rest = after.find(|c: char| !is_word(c)).map_or(Some(after), |end| after.get(..end));
    before && rest.is_some_and(|rest| !rest.is_empty() && !CONTRACTIONS.contains(&rest))
}

/// The mark that may stand for this one.
fn other_mark(byte: u8) -> Option<u8> {
    match byte {
        b' ' => Some(b'-'),
        b'-' => Some(b' '),
        _ => None,
    }
}

/// Whether the characters on both sides of `at` belong to words.
fn is_inside_word(text: &str, at: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(at) else { return false };
    before.ends_with(is_word) && after.starts_with(is_word)
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::super::index::Fst;
    use super::super::trie::built;
    use super::*;
    use proptest::prelude::*;

    const BOTH: Variants = Variants { hyphen_space: true, apostrophe: true };

    fn found(keys: &[&str], text: &str, variants: Variants) -> Vec<String> {
        let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        keys.sort_unstable();
        let bytes = built(&keys);
        let mut hits = Vec::new();
        find(Fst::new(&bytes).unwrap().start(), text, variants, &mut hits);
        hits.into_iter().map(|hit| text.get(hit.start..hit.end).unwrap().to_owned()).collect()
    }

    #[test]
    fn spellings_stand_for_each_other() {
        let cases = [
            ("stratford-upon-avon", "stratford upon avon"),
            ("new york", "new-york"),
            ("o'brien", "obrien"),
            ("obrien", "o'brien"),
            ("mcdonald's", "mcdonalds"),
            ("st johns hospital", "st john's hospital"),
            ("xi'an", "xian"),
            ("d'arcy o'neil-smith", "darcy oneil smith"),
        ];
        for (key, text) in cases {
            assert_eq!(found(&[key], text, BOTH), [text], "{key}");
            assert!(found(&[key], text, Variants::default()).is_empty(), "{key}");
        }
    }

    #[test]
    fn what_means_something_else_does_not() {
        let cases = [
            ("well", "we'll"),
            ("bills", "bill's"),
            ("newyork", "new york"),
            ("a b", "a - b"),
            ("cant", "can't"),
            ("bills", "bills'"),
        ];
        for (key, text) in &cases[..5] {
            assert!(found(&[key], text, BOTH).is_empty(), "{key}");
        }
        assert_eq!(found(&["bills"], "bills'", BOTH), ["bills"]);
    }

    /// What a text reads like without any of the apostrophes at `places`.
    fn spellings(text: &str, places: &[usize], variants: Variants) -> BTreeSet<String> {
        let mut all: BTreeSet<Vec<usize>> = BTreeSet::from([Vec::new()]);
        for &place in places.iter().filter(|_| variants.apostrophe) {
            let with: Vec<Vec<usize>> =
                all.iter().map(|set| [&set[..], &[place]].concat()).collect();
            all.extend(with);
        }
        let spell = |gone: &Vec<usize>| {
            let kept = text.char_indices().filter(|(at, _)| !gone.contains(at));
            let mark = |c| if variants.hyphen_space && c == '-' { ' ' } else { c };
            kept.map(|(_, c)| mark(c)).collect()
        };
        all.iter().map(spell).collect()
    }

    /// What the walk must find, found the obvious slow way.
    pub(in super::super) fn naive(keys: &[String], text: &str, variants: Variants) -> Vec<Hit> {
        let mut hits = Vec::new();
        let ends: Vec<usize> = (0..=text.len())
            .filter(|&i| text.is_char_boundary(i) && is_boundary(text, i))
            .collect();
        let apostrophes =
            |text: &str| -> Vec<usize> { text.match_indices('\'').map(|(at, _)| at).collect() };
        for &start in ends.iter().filter(|&&start| text.get(start..start + 1) != Some(" ")) {
            for &end in ends.iter().rev().filter(|&&end| end > start) {
                let window = text.get(start..end).unwrap();
                let mut gone = apostrophes(window);
                gone.retain(|&at| {
                    at > 0 && may_leave_out(text, start + at) && window.get(at + 1..) != Some("s")
                });
                for (surface, key) in (0..).zip(keys) {
                    let mut put_in = apostrophes(key);
                    put_in.retain(|&at| {
                        key.get(..at).unwrap().ends_with(is_word)
                            && key.get(at + 1..).unwrap().starts_with(is_word)
                    });
                    let (text, key) =
                        (spellings(window, &gone, variants), spellings(key, &put_in, variants));
                    if !text.is_disjoint(&key) {
                        hits.push(Hit { start, end, surface });
                    }
                }
            }
        }
        hits
    }

    proptest! {
        #[test]
        fn the_walk_finds_what_the_spellings_say(
            keys in prop::collection::btree_set("[ab]([abé' -]{0,4}[abs])?", 1..6),
            text in "([abs]{1,2}|é|ll)(['ab -]|'s|'ll|é){0,10}",
            hyphen_space: bool,
            apostrophe: bool,
        ) {
            let keys: Vec<String> = keys.into_iter().collect();
            let bytes = built(&keys);
            let variants = Variants { hyphen_space, apostrophe };
            let mut hits = Vec::new();
            find(Fst::new(&bytes).unwrap().start(), &text, variants, &mut hits);
            prop_assert_eq!(hits, naive(&keys, &text, variants));
        }
    }
}
