//! Which surfaces occur in a folded text? A filter over words, and a transducer that is walked from
//! the words that pass it. Both lie in the bytes of a compiled gazetteer. Casing and labels are decided
//! elsewhere.

mod filter;
mod fst;
mod fst_build;

pub(super) use self::filter::{Filter, FilterKeys, build as build_filter};
pub use self::fst::Cursor;
pub(super) use self::fst::Fst;
pub(super) use self::fst_build::FstBuilder;

use std::cell::RefCell;
use std::cmp::Reverse;

use self::filter::{Asked, Verdict};
use self::fst::Walk;
use crate::text::boundary::is_boundary;
use crate::text::pieces::Piece;

/// So many pieces of a text are looked up side by side. A large gazetteer lies in memory, not in caches:
/// what waits for it should wait together.
const SIDE_BY_SIDE: usize = 256;

thread_local! {
    /// Room that every text needs for a while: what is asked about [`SIDE_BY_SIDE`] pieces.
    static ROOM: RefCell<(Asked, Vec<Walk>)> = RefCell::default();
}

/// An occurrence of a surface in a folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// The first byte in the folded text.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
    /// The surface, by its position in sorted order.
    pub(super) surface: u64,
}

/// The index of a gazetteer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index<'b> {
    pub(super) fst: Fst<'b>,
    pub(super) filter: Filter<'b>,
}

impl Index<'_> {
    /// Adds every occurrence of every surface that begins and ends at a word boundary to `hits`:
    /// by start, and the longest first where several have one start. `pieces` are those of `text`.
    pub(super) fn find(&self, text: &str, pieces: &[Piece], hits: &mut Vec<Hit>) {
        ROOM.with_borrow_mut(|(asked, walks)| {
            walks.clear();
            for first in (0..pieces.len()).step_by(SIDE_BY_SIDE) {
                // The last piece of a full block is asked with what follows it.
                let count = SIDE_BY_SIDE.min(pieces.len() - first);
                let block = &pieces[first..pieces.len().min(first + SIDE_BY_SIDE + 1)];
                self.filter.ask(block, count, asked, |piece, verdict| {
                    let end = match verdict {
                        Verdict::Piece => piece.end,
                        Verdict::Any => text.len(),
                    };
                    if is_boundary(text, piece.start) {
                        walks.push(Walk::new(&self.fst, piece.start..end));
                    }
                });
                let before = hits.len();
                self.fst.walk_all(text.as_bytes(), walks, |start, end, surface| {
                    if end > start && is_boundary(text, end) {
                        hits.push(Hit { start, end, surface });
                    }
                });
                hits[before..].sort_unstable_by_key(|hit| (hit.start, Reverse(hit.end)));
            }
        });
    }
}

#[cfg(test)]
pub(super) mod naive {
    use super::Hit;
    use crate::text::boundary::is_boundary;

    /// What the index finds for these surfaces, found the obvious slow way.
    pub(in super::super) fn find(surfaces: &[String], text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        for start in (0..text.len()).filter(|&i| text.is_char_boundary(i)) {
            for end in (start + 1..=text.len()).rev().filter(|&i| text.is_char_boundary(i)) {
                if let Some(surface) =
                    surfaces.iter().position(|s| Some(&**s) == text.get(start..end))
                    && is_boundary(text, start)
                    && is_boundary(text, end)
                {
                    hits.push(Hit { start, end, surface: surface as u64 });
                }
            }
        }
        hits
    }
}
