//! The index for large lists: an FST from folded surface to number, walked from every word start.

use fst::raw::{CompiledAddr, Fst, Output};

use super::super::boundary::{is_between, is_boundary};
use super::{Hit, Index};
use crate::error::{Error, ErrorKind, Result};

/// Folded surfaces as a finite-state transducer.
pub(in super::super) struct FstIndex {
    fst: Fst<Vec<u8>>,
    /// The first step of every walk, by byte: most words of a text end here or one step later.
    roots: Box<[Option<(CompiledAddr, Output)>; 256]>,
}

impl FstIndex {
    /// An index of `keys`, sorted and unique, numbered in their order.
    pub(in super::super) fn build(keys: &[String]) -> Self {
        let pairs = keys.iter().zip(0u64..);
        let fst = Fst::from_iter_map(pairs).expect("keys are sorted and unique");
        Self::new(fst)
    }

    /// The index that [`FstIndex::bytes`] gave.
    pub(in super::super) fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let broken = |e: fst::Error| {
            Error::new(ErrorKind::Gazetteer, format!("the index of the gazetteer is broken: {e}"))
        };
        let fst = Fst::new(bytes).map_err(broken)?;
        fst.verify().map_err(broken)?;
        Ok(Self::new(fst))
    }

    fn new(fst: Fst<Vec<u8>>) -> Self {
        let mut roots = Box::new([None; 256]);
        let root = fst.root();
        for transition in root.transitions() {
            roots[usize::from(transition.inp)] = Some((transition.addr, transition.out));
        }
        Self { fst, roots }
    }

    /// The index as bytes.
    pub(in super::super) fn bytes(&self) -> &[u8] {
        self.fst.as_bytes()
    }

    /// How many surfaces it holds.
    pub(in super::super) fn len(&self) -> usize {
        self.fst.len()
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
        let mut before = ' ';
        for (start, c) in text.char_indices() {
            if c != ' ' && (start == 0 || is_between(before, c)) {
                self.walk(text, start, hits);
            }
            before = c;
        }
    }

    fn as_fst(&self) -> Option<&FstIndex> {
        Some(self)
    }
}
