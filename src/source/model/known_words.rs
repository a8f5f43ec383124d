//! The sub-words of words that were cut before. A text says most of its words again and again, and a tokenizer takes a
//! microsecond or two for each.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use hashbrown::HashTable;

use crate::error::Result;

/// What a thread keeps takes at most about so many bytes; then it forgets all and begins anew.
const BYTES: usize = 1 << 20;

/// Longer words than this, in bytes, hardly come again.
const LONGEST: usize = 64;

/// What an entry takes besides its word and sub-words, in bytes, about.
const ENTRY: usize = 40;

/// The sub-words of words, by word. Each thread takes a store of its own while it cuts words, so that none waits for
/// another for longer than it takes to hand one out; there are as many as threads ever cut words at once.
#[derive(Debug, Default)]
pub(super) struct KnownWords {
    idle: Mutex<Vec<Store>>,
    hashing: RandomState,
}

/// Words with their sub-words, one behind the other.
#[derive(Debug, Default)]
struct Store {
    words: HashTable<Entry>,
    text: Vec<u8>,
    pieces: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    word: Range<usize>,
    pieces: Range<usize>,
}

impl KnownWords {
    /// The sub-words of all words one after another, and where among them those of each word are. A word that is not
    /// known is cut by `cut`, which adds its sub-words to those that it gets; what it adds may depend on the word only.
    ///
    /// # Errors
    /// Where `cut` fails.
    pub(super) fn pieces(
        &self,
        words: &[&str],
        cut: impl Fn(&str, &mut Vec<u32>) -> Result<()>,
    ) -> Result<(Vec<u32>, Vec<Range<usize>>)> {
        let mut store = self.idle().pop().unwrap_or_default();
        let mut pieces = Vec::with_capacity(2 * words.len());
        let mut place = |word: &&str| {
            let first = pieces.len();
            let hash = self.hashing.hash_one(word);
            match store.get(hash, word) {
                Some(known) => pieces.extend_from_slice(known),
                None => {
                    cut(word, &mut pieces)?;
                    store.put(hash, word, &pieces[first..]);
                }
            }
            Ok(first..pieces.len())
        };
        let places: Result<Vec<Range<usize>>> = words.iter().map(&mut place).collect();
        self.idle().push(store);
        Ok((pieces, places?))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Store>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn get(&self, hash: u64, word: &str) -> Option<&[u32]> {
        let word = word.as_bytes();
        let entry = self.words.find(hash, |entry| self.text[entry.word.clone()] == *word)?;
        Some(&self.pieces[entry.pieces.clone()])
    }

    fn put(&mut self, hash: u64, word: &str, pieces: &[u32]) {
        if word.len() > LONGEST {
            return;
        }
        let bytes = ENTRY * self.words.len() + self.text.len() + size_of_val(&*self.pieces);
        if bytes + ENTRY + word.len() + size_of_val(pieces) > BYTES {
            *self = Self::default();
        }
        let entry = Entry {
            hash,
            word: self.text.len()..self.text.len() + word.len(),
            pieces: self.pieces.len()..self.pieces.len() + pieces.len(),
        };
        self.text.extend_from_slice(word.as_bytes());
        self.pieces.extend_from_slice(pieces);
        self.words.insert_unique(hash, entry, |entry| entry.hash);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::{Error, ErrorKind};

    /// A sub-word a character; `!` has none and `?` fails.
    fn cut(word: &str, pieces: &mut Vec<u32>) -> Result<()> {
        if word == "?" {
            return Err(Error::new(ErrorKind::Document, "failed"));
        }
        pieces.extend(word.chars().filter(|c| *c != '!').map(u32::from));
        Ok(())
    }

    #[test]
    fn a_word_is_cut_once_and_comes_in_its_place() {
        let (known, asked) = (KnownWords::default(), Cell::new(0));
        let count = |word: &str, pieces: &mut Vec<u32>| {
            asked.set(asked.get() + 1);
            cut(word, pieces)
        };
        for _ in 0..3 {
            let (pieces, places) = known.pieces(&["ab", "!", "a", "ab", ""], count).unwrap();
            assert_eq!(pieces, [97, 98, 97, 97, 98]);
            assert_eq!(places, [0..2, 2..2, 2..3, 3..5, 5..5]);
        }
        assert_eq!(asked.get(), 4);
    }

    #[test]
    fn what_failed_is_not_known_and_long_words_are_not_kept() {
        let known = KnownWords::default();
        assert!(known.pieces(&["ab", "?"], cut).is_err());
        assert!(known.pieces(&["?"], cut).is_err());
        let long = "x".repeat(LONGEST + 1);
        known.pieces(&[&long, "ab"], cut).unwrap();
        assert_eq!(known.idle()[0].words.len(), 1);
    }

    #[test]
    fn it_never_takes_more_than_it_may() {
        let known = KnownWords::default();
        let mut most = 0;
        for number in 0..60_000 {
            let word = format!("{number:x}");
            let (pieces, _) = known.pieces(&[&word, "the"], cut).unwrap();
            let expected: Vec<u32> = format!("{word}the").chars().map(u32::from).collect();
            assert_eq!(pieces, expected);
            let idle = known.idle();
            let store = &idle[0];
            assert_eq!(idle.len(), 1);
            let bytes = ENTRY * store.words.len() + store.text.len() + 4 * store.pieces.len();
            assert!(bytes <= BYTES);
            most = most.max(bytes);
        }
        assert!(most > BYTES / 2 && known.idle()[0].words.len() < 60_000);
    }
}
