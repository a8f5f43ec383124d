//! Which words may surfaces begin with? A Bloom filter in front of the transducer: most words of a
//! text begin no name, and finding that out should touch one cache line.
//!
//! A surface ends at a word boundary and has the same boundaries inside as the text around it, so where
//! it occurs, the text has its pieces. The filter holds three kinds of keys: pieces that are surfaces,
//! pieces that longer surfaces begin with, and the first two pieces of those, taken together. All bits
//! of a key lie in one word of 64 bits, those of the first two kinds of a piece in the same one (Putze,
//! Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters", 2007).

use crate::text::pieces::{Piece, Pieces, mixed};

/// Bits of the filter for each key. With three of them set for a key, about one word in fifty that is
/// no key is taken for one.
const BITS_PER_KEY: u64 = 12;

/// The keys of the surfaces of a gazetteer, as they come in sorted order.
#[derive(Debug, Default)]
pub(in super::super) struct FilterKeys {
    first: Option<u64>,
    pair: Option<u64>,
}

impl FilterKeys {
    /// Gives the keys of `surface` that the surface before did not have.
    pub(in super::super) fn of(&mut self, surface: &str, mut give: impl FnMut(u64)) {
        let mut pieces = Pieces::new(surface);
        let Some(first) = pieces.next() else { return };
        let Some(second) = pieces.next() else { return give(first.key) };
        if self.first != Some(first.hash) {
            give(begins(first.key));
        }
        let pair = pair(&first, &second);
        if self.pair != Some(pair) {
            give(pair);
        }
        (self.first, self.pair) = (Some(first.hash), Some(pair));
    }
}

/// The filter of keys, by way of `each`, which gives them all; `count` is how many there are.
pub(in super::super) fn build<E>(
    count: u64,
    each: impl FnOnce(&mut dyn FnMut(u64)) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let words = (count * BITS_PER_KEY).div_ceil(64).clamp(1, u64::from(u32::MAX));
    let mut bytes = vec![0; words as usize * 8];
    each(&mut |key| {
        let (start, mask) = place(words, key);
        for (byte, bits) in bytes[start..start + 8].iter_mut().zip(mask.to_le_bytes()) {
            *byte |= bits;
        }
    })?;
    Ok(bytes)
}

/// The filter of a gazetteer, in bytes that are not trusted: wrong ones give wrong answers.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Filter<'b> {
    bytes: &'b [u8],
    words: u64,
}

/// What a filter says about the place where a piece stands, if any surface can begin there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The piece may be a surface; no longer one begins there.
    Piece,
    /// Surfaces of any length may begin there.
    Any,
}

/// Room for what a filter is asked about several pieces.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// For each piece, the word with its bits.
    words: Vec<u64>,
    /// The pieces that longer surfaces begin with, and the bits and word of each with the next piece.
    pairs: Vec<(usize, u64, usize)>,
    pair_words: Vec<u64>,
}

impl<'b> Filter<'b> {
    /// The filter of a section; `None` where it cannot be one.
    pub(in super::super) fn new(section: &'b [u8]) -> Option<Self> {
        let words = section.len() as u64 / 8;
        (words > 0 && section.len().is_multiple_of(8) && words <= u64::from(u32::MAX))
            .then_some(Self { bytes: section, words })
    }

    /// Tells what may begin at each of the first `count` pieces of a text, which follow each other. In
    /// each loop over them no read waits for another.
    pub(super) fn ask(
        &self,
        pieces: &[Piece],
        count: usize,
        asked: &mut Asked,
        mut tell: impl FnMut(&Piece, Verdict),
    ) {
        let Asked { words, pairs, pair_words } = asked;
        words.clear();
        words.extend(pieces[..count].iter().map(|p| self.word(place(self.words, p.key).0)));
        pairs.clear();
        for (number, (both, word)) in pieces.windows(2).zip(&*words).enumerate() {
            let (_, longer) = place(self.words, begins(both[0].key));
            if word & longer == longer {
                let (start, mask) = place(self.words, pair(&both[0], &both[1]));
                pairs.push((number, mask, start));
            }
        }
        pair_words.clear();
        pair_words.extend(pairs.iter().map(|(.., start)| self.word(*start)));
        let mut longer =
            pairs.iter().zip(&*pair_words).filter(|((_, mask, _), w)| *w & mask == *mask);
        let mut next = longer.next();
        for (number, (piece, word)) in pieces.iter().zip(&*words).enumerate() {
            let (_, single) = place(self.words, piece.key);
            if next.is_some_and(|((longer, ..), _)| *longer == number) {
                next = longer.next();
                tell(piece, Verdict::Any);
            } else if word & single == single {
                tell(piece, Verdict::Piece);
            }
        }
    }

    #[inline]
    fn word(&self, start: usize) -> u64 {
        let word = self.bytes.get(start..).and_then(|rest| rest.first_chunk::<8>());
        word.map_or(0, |word| u64::from_le_bytes(*word))
    }
}

/// Where the word of a key begins, and its bits: the upper half says where, the lower half which.
#[inline]
fn place(words: u64, key: u64) -> (usize, u64) {
    let word = ((key >> 32) * words) >> 32;
    let mask = 1 << (key & 63) | 1 << (key >> 6 & 63) | 1 << (key >> 12 & 63);
    (word as usize * 8, mask)
}

/// The key of a piece that begins longer surfaces: in the same word as `key`, that of a piece which is a surface, with other
/// bits.
#[inline]
fn begins(key: u64) -> u64 {
    let lower = (key as u32).wrapping_mul(0x85eb_ca6b).rotate_left(15);
    key & !u64::from(u32::MAX) | u64::from(lower)
}

/// The key of two pieces.
#[inline]
fn pair(first: &Piece, second: &Piece) -> u64 {
    mixed(first.hash.rotate_left(23).wrapping_mul(0xff51_afd7_ed55_8ccd) ^ second.hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lets_its_keys_pass_and_little_else() {
        let number = |n: u64| mixed(n.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let keys: Vec<u64> = (0..20_000).map(number).collect();
        let bytes = build(20_000, |give| {
            keys.iter().for_each(|&key| give(key));
            Ok::<(), ()>(())
        })
        .unwrap();
        let filter = Filter::new(&bytes).unwrap();
        let holds = |key| {
            let (start, mask) = place(filter.words, key);
            filter.word(start) & mask == mask
        };
        assert!(keys.iter().all(|&key| holds(key)));
        let wrong = (20_000..120_000).map(number).filter(|&key| holds(key)).count();
        assert!(wrong < 3_000, "{wrong} of 100000");
        let wrong = (20_000..120_000).map(number).filter(|&key| holds(begins(key))).count();
        assert!(wrong < 3_000, "{wrong} of 100000");
    }

    #[test]
    fn single_pieces_and_pairs_are_told_apart() {
        let mut keys = Vec::new();
        let mut all = FilterKeys::default();
        for surface in ["new delhi", "new york", "new york city", "york"] {
            all.of(surface, |key| keys.push(key));
        }
        assert_eq!(keys.len(), 4, "new, new delhi, new york, york");
        let count = keys.len() as u64;
        let give = |give: &mut dyn FnMut(u64)| {
            keys.iter().for_each(|&key| give(key));
            Ok::<(), ()>(())
        };
        let bytes = build(count * 100, give).unwrap();
        let filter = Filter::new(&bytes).unwrap();
        let ask = |text: &str, count: usize| {
            let pieces: Vec<Piece> = Pieces::new(text).collect();
            let mut told = Vec::new();
            let tell = |piece: &Piece, verdict| told.push((piece.start, verdict));
            filter.ask(&pieces, count, &mut Asked::default(), tell);
            told
        };
        assert_eq!(ask("new york times", 3), [(0, Verdict::Any), (4, Verdict::Piece)]);
        assert_eq!(ask("new york times", 1), [(0, Verdict::Any)]);
        assert_eq!(ask("new paris", 2), []);
        assert_eq!(ask("york new", 2), [(0, Verdict::Piece)]);
        assert_eq!(ask("new", 1), []);
        assert_eq!(ask("", 0), []);
    }
}
