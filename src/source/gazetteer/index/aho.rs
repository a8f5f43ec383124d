//! The index for small lists in memory: an Aho-Corasick automaton that reads the text once.

use std::cmp::Reverse;

use aho_corasick::{AhoCorasick, MatchKind};

use super::super::boundary::is_boundary;
use super::{Hit, Index};
use crate::error::{Error, ErrorKind, Result};

/// Folded surfaces as an Aho-Corasick automaton.
pub(in super::super) struct AhoIndex(AhoCorasick);

impl AhoIndex {
    /// An index of `keys`, numbered in their order.
    pub(in super::super) fn build(keys: &[String]) -> Result<Self> {
        AhoCorasick::builder().match_kind(MatchKind::Standard).build(keys).map(Self).map_err(|e| {
            Error::new(ErrorKind::Gazetteer, format!("cannot build the aho index: {e}"))
                .with_help("index = \"fst\" has no such limit")
        })
    }
}

impl Index for AhoIndex {
    fn find(&self, text: &str, hits: &mut Vec<Hit>) {
        let before = hits.len();
        for found in self.0.find_overlapping_iter(text) {
            if is_boundary(text, found.start()) && is_boundary(text, found.end()) {
                let surface = found.pattern().as_usize();
                hits.push(Hit { start: found.start(), end: found.end(), surface });
            }
        }
        hits[before..].sort_unstable_by_key(|hit| (hit.start, Reverse(hit.end)));
    }
}
