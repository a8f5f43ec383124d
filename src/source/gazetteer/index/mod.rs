//! Which surfaces occur in a folded text? Two structures with one answer: a finite-state transducer
//! for large lists and compiled files, an Aho-Corasick automaton for small lists in memory. Casing
//! and labels are decided elsewhere.

mod aho;
mod fst;

pub(super) use self::aho::AhoIndex;
pub(super) use self::fst::FstIndex;

/// An occurrence of a surface in a folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// The first byte in the folded text.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
    /// The surface, by its position in sorted order.
    pub(super) surface: usize,
}

/// Finds surfaces.
pub(super) trait Index: Send + Sync {
    /// Adds every occurrence of every surface that begins and ends at a word boundary to `hits`:
    /// by start, and the longest first where several have one start.
    fn find(&self, text: &str, hits: &mut Vec<Hit>);

    /// The transducer, where the index is one.
    fn as_fst(&self) -> Option<&FstIndex> {
        None
    }
}

#[cfg(test)]
pub(super) mod naive {
    use super::super::boundary::is_boundary;
    use super::{Hit, Index};

    /// The obvious slow index that the others must agree with.
    pub(in super::super) struct NaiveIndex(pub(in super::super) Vec<String>);

    impl Index for NaiveIndex {
        fn find(&self, text: &str, hits: &mut Vec<Hit>) {
            for start in (0..text.len()).filter(|&i| text.is_char_boundary(i)) {
                for end in (start + 1..=text.len()).rev().filter(|&i| text.is_char_boundary(i)) {
                    if let Some(surface) =
                        self.0.iter().position(|s| Some(&**s) == text.get(start..end))
                        && is_boundary(text, start)
                        && is_boundary(text, end)
                    {
                        hits.push(Hit { start, end, surface });
                    }
                }
            }
        }
    }
}
