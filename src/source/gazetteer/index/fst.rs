//! The index for large lists: an FST from folded surface to number, walked from every word start.

use fst::raw::{CompiledAddr, Fst, Output};

use super::super::boundary::is_boundary;
use super::{Hit, Index};
use crate::error::{Error, ErrorKind, Result};

/// Folded surfaces as a finite-state transducer.
pub(in super::super) struct FstIndex {
    fst: Fst<Vec<u8>>,
    /// The first step of every walk, by byte.
    roots: Box<[Option<(CompiledAddr, Output)>; 256]>,
    first_words: WordFilter,
}

impl FstIndex {
    /// An index of `keys`, sorted and unique, numbered in their order.
    pub(in super::super) fn build(keys: &[String]) -> Self {
        let pairs = keys.iter().zip(0u64..);
        let fst = Fst::from_iter_map(pairs).expect("keys are sorted and unique");
        Self::new(fst, keys)
    }

    /// The index that [`FstIndex::bytes`] gave, and the keys it was built of.
    pub(in super::super) fn from_bytes(bytes: Vec<u8>, keys: &[String]) -> Result<Self> {
        let broken = |e: fst::Error| {
            Error::new(ErrorKind::Gazetteer, format!("the index of the gazetteer is broken: {e}"))
        };
        let fst = Fst::new(bytes).map_err(broken)?;
        fst.verify().map_err(broken)?;
        if fst.len() != keys.len() {
            let message = "the index of the gazetteer does not fit its entries";
            return Err(Error::new(ErrorKind::Gazetteer, message));
        }
        Ok(Self::new(fst, keys))
    }

    fn new(fst: Fst<Vec<u8>>, keys: &[String]) -> Self {
        let mut roots = Box::new([None; 256]);
        let root = fst.root();
        for transition in root.transitions() {
            roots[usize::from(transition.inp)] = Some((transition.addr, transition.out));
        }
        let mut first_words = WordFilter::new(keys.len());
        for (_, hash) in keys.iter().filter_map(|key| Pieces::new(key).next()) {
            first_words.add(hash);
        }
        Self { fst, roots, first_words }
    }

    /// The index as bytes.
    pub(in super::super) fn bytes(&self) -> &[u8] {
        self.fst.as_bytes()
    }

    /// Adds the surfaces that begin at `start`, the longest first.
    fn walk(&self, text: &str, start: usize, hits: &mut Vec<Hit>) {
        let bytes = text.as_bytes();
        let Some((mut address, mut output)) = self.roots[usize::from(bytes[start])] else { return };
        let before = hits.len();
        let mut end = start + 1;
        loop {
            let node = self.fst.node(address);
            if node.is_final() && is_boundary(text, end) {
                let surface = output.cat(node.final_output()).value() as usize;
                hits.push(Hit { start, end, surface });
            }
            let Some(next) = bytes.get(end).and_then(|&byte| node.find_input(byte)) else { break };
            let transition = node.transition(next);
            address = transition.addr;
            output = output.cat(transition.out);
            end += 1;
        }
        if hits.len() > before + 1 {
            hits[before..].reverse();
        }
    }
}

impl Index for FstIndex {
    fn find(&self, text: &str, hits: &mut Vec<Hit>) {
        for (start, hash) in Pieces::new(text) {
            if self.first_words.may_hold(hash) && is_boundary(text, start) {
                self.walk(text, start, hits);
            }
        }
    }

    fn as_fst(&self) -> Option<&FstIndex> {
        Some(self)
    }
}

/// Which words surfaces begin with, by hash. A surface ends at a word boundary and has the same
/// boundaries inside as the text around it, so where it occurs, the text begins with its first word.
struct WordFilter {
    bits: Vec<u64>,
}

impl WordFilter {
    /// Sixteen bits a surface: at most one word in sixteen is looked at in vain.
    fn new(surfaces: usize) -> Self {
        Self { bits: vec![0; (surfaces / 4).next_power_of_two()] }
    }

    fn add(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.bits[word] |= bit;
    }

    fn may_hold(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.bits[word] & bit != 0
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        // The upper half of the product is the better mixed one.
        let mixed = (hash >> 32) as usize;
        ((mixed >> 6) & (self.bits.len() - 1), 1 << (mixed & 63))
    }
}

/// The stretches of a text between word boundaries, less single spaces: where each begins, and its
/// hash.
struct Pieces<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Pieces<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, position: 0 }
    }
}

impl Iterator for Pieces<'_> {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<(usize, u64)> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.position) == Some(&b' ') {
            self.position += 1;
        }
        let start = self.position;
        let mut before = *bytes.get(start)?;
        let mut hash = add_to_hash(0, before);
        let mut end = start + 1;
        while let Some(&byte) = bytes.get(end) {
            let is_inside = match (before.is_ascii(), byte.is_ascii()) {
                (true, true) => before.is_ascii_alphanumeric() && byte.is_ascii_alphanumeric(),
                // The rest of a character, or of a word.
                _ => !self.text.is_char_boundary(end) || !is_boundary(self.text, end),
            };
            if !is_inside {
                break;
            }
            hash = add_to_hash(hash, byte);
            before = byte;
            end += 1;
        }
        self.position = end;
        Some((start, hash))
    }
}

fn add_to_hash(hash: u64, byte: u8) -> u64 {
    (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95)
}
