//! Persistent sets of ranks that are compared as words in a dictionary, in logarithmic time: what
//! `optimal` needs to break ties between whole sets without copying them.
//!
//! A set is a binary trie over the bits of its ranks. Equal tries are stored once, so equal sets
//! have equal roots, and the first difference of two sets is found on one way down.

use std::cmp::Ordering;
use std::collections::HashMap;

/// A set; only meaningful together with the [`RankSets`] that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RankSet(u32);

/// All sets made so far, over ranks below a bound.
#[derive(Debug)]
pub(super) struct RankSets {
    /// The two halves of every node: lower ranks, higher ranks.
    nodes: Vec<(RankSet, RankSet)>,
    known: HashMap<(RankSet, RankSet), RankSet>,
    bits: u32,
}

impl RankSets {
    /// The set of nothing.
    pub(super) const EMPTY: RankSet = RankSet(0);
    /// At the bottom of the trie: a rank that is in the set.
    const PRESENT: RankSet = RankSet(1);

    /// Sets of ranks below `bound`.
    pub(super) fn new(bound: usize) -> Self {
        let bits = usize::BITS - bound.saturating_sub(1).leading_zeros();
        // The first two stand for EMPTY and PRESENT and are never looked into.
        let nodes = vec![(Self::EMPTY, Self::EMPTY); 2];
        Self { nodes, known: HashMap::new(), bits }
    }

    /// `set` with `rank`.
    pub(super) fn with(&mut self, set: RankSet, rank: usize) -> RankSet {
        self.insert(set, rank, self.bits)
    }

    fn insert(&mut self, set: RankSet, rank: usize, bits: u32) -> RankSet {
        let Some(below) = bits.checked_sub(1) else { return Self::PRESENT };
        let (mut low, mut high) = self.halves(set);
        if rank >> below & 1 == 0 {
            low = self.insert(low, rank, below);
        } else {
            high = self.insert(high, rank, below);
        }
        let next = RankSet(u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes"));
        let node = *self.known.entry((low, high)).or_insert(next);
        if node == next {
            self.nodes.push((low, high));
        }
        node
    }

    fn halves(&self, set: RankSet) -> (RankSet, RankSet) {
        self.nodes[set.0 as usize]
    }

    /// `Less` where `a` is better: where it holds the lowest rank that only one of the two holds.
    pub(super) fn compare(&self, mut a: RankSet, mut b: RankSet) -> Ordering {
        while a != b {
            if a == Self::EMPTY || b == Self::EMPTY {
                return (a == Self::EMPTY).cmp(&(b == Self::EMPTY));
            }
            let (a_halves, b_halves) = (self.halves(a), self.halves(b));
            (a, b) = if a_halves.0 == b_halves.0 {
                (a_halves.1, b_halves.1)
            } else {
                (a_halves.0, b_halves.0)
            };
        }
        Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn sets_compare_by_the_lowest_rank_that_differs(
            a in proptest::collection::vec(0usize..20, 0..8),
            b in proptest::collection::vec(0usize..20, 0..8),
        ) {
            let mut sets = RankSets::new(20);
            let mut build = |ranks: &[usize]| {
                ranks.iter().fold(RankSets::EMPTY, |set, rank| sets.with(set, *rank))
            };
            let (x, y) = (build(&a), build(&b));
            let (a, b): (BTreeSet<_>, BTreeSet<_>) =
                (a.into_iter().collect(), b.into_iter().collect());
            let expected = match a.symmetric_difference(&b).next() {
                None => Ordering::Equal,
                Some(rank) if a.contains(rank) => Ordering::Less,
                Some(_) => Ordering::Greater,
            };
            prop_assert_eq!(sets.compare(x, y), expected);
            prop_assert_eq!(x == y, a == b);
        }
    }
}
