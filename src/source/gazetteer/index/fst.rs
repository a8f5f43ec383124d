//! The surfaces as a finite-state transducer: an acyclic automaton of folded surfaces that shares
//! prefixes and suffixes and gives each its number in sorted order. This file reads one, from bytes
//! that it does not trust; `fst_build` writes one.
//!
//! The crate `fst` reads bytes that it trusts and may panic on others, which would mean a checksum over
//! a mapped file of gigabytes before its first use. Here every read is checked instead, every step
//! goes to a lower address, and so no bytes whatever make a walk panic or go on forever. Runs of single
//! transitions are one node, so that a walk touches few cache lines.
//!
//! The layout: one byte that is not used, the nodes, the address of the root (u64, little-endian). The
//! address of a node is that of its first byte; address 0 is the node that is final and has no
//! transitions. Children are written before their parents, a `delta` is the parent's address less the
//! child's, and 0 stands for address 0.
//!
//! | node | bytes |
//! |---|---|
//! | chain | `1 f llllll` (is it final; length 1 to 63), varint delta, the bytes |
//! | branch | `0 f nnnnnn` (is it final; count of transitions, 63 for one more byte with the count less one), a byte with the widths of rank (high) and delta (low), the first bytes of all transitions in order, then of each transition its rank and its delta |
//!
//! The rank of a transition counts the surfaces of its node that sort before those behind it. The sum
//! of the ranks on the way is the number of a surface.

use std::hint::black_box;
use std::ops::Range;

use super::super::varint;

/// The address of the node that is final and has no transitions.
pub(super) const LEAF: u64 = 0;

/// The mark of a chain in the first byte of a node.
pub(super) const CHAIN: u8 = 0x80;

/// The mark of a final node in the first byte of a node.
pub(super) const FINAL: u8 = 0x40;

/// The count or length in the first byte of a node, at most; for the count of a branch it says that
/// the count follows.
pub(super) const MOST: u8 = 0x3f;

/// The way of a text through a transducer, as far as it has come.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Where the walk began in the text.
    start: usize,
    /// The next byte of the text.
    at: usize,
    /// Where the text ends for this walk.
    end: usize,
    address: usize,
    rank: u64,
}

impl Walk {
    /// A walk that begins with the first byte of `range` and goes no further than its end.
    pub(super) fn new(fst: &Fst<'_>, range: Range<usize>) -> Self {
        Self { start: range.start, at: range.start, end: range.end, address: fst.root, rank: 0 }
    }
}

/// A transducer in bytes that are not trusted.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Fst<'b> {
    bytes: &'b [u8],
    root: usize,
}

/// A node, taken apart.
#[derive(Debug, Clone, Copy)]
enum Node<'b> {
    Chain { is_final: bool, bytes: &'b [u8], target: usize },
    Branch(Branch<'b>),
}

/// A node with any number of transitions.
#[derive(Debug, Clone, Copy)]
struct Branch<'b> {
    is_final: bool,
    address: usize,
    inputs: &'b [u8],
    /// Rank and delta of each transition.
    packed: &'b [u8],
    rank_width: usize,
    delta_width: usize,
}

impl<'b> Fst<'b> {
    /// The transducer of a section; `None` where it cannot be one.
    pub(in super::super) fn new(section: &'b [u8]) -> Option<Self> {
        let (bytes, root) = section.split_last_chunk::<8>()?;
        let root = usize::try_from(u64::from_le_bytes(*root)).ok()?;
        (root > 0 && root < bytes.len()).then_some(Self { bytes, root })
    }

    #[inline]
    fn node(&self, address: usize) -> Option<Node<'b>> {
        if address == LEAF as usize {
            return Some(Node::Branch(Branch {
                is_final: true,
                address,
                inputs: &[],
                packed: &[],
                rank_width: 0,
                delta_width: 0,
            }));
        }
        let first = *self.bytes.get(address)?;
        let is_final = first & FINAL != 0;
        let mut at = address + 1;
        if first & CHAIN != 0 {
            let target = target(address, varint::take(self.bytes, &mut at)?)?;
            let bytes = self.bytes.get(at..at + usize::from(first & MOST))?;
            return (!bytes.is_empty()).then_some(Node::Chain { is_final, bytes, target });
        }
        let mut count = usize::from(first & MOST);
        if first & MOST == MOST {
            count = usize::from(*self.bytes.get(at)?) + 1;
            at += 1;
        }
        let widths = *self.bytes.get(at)?;
        let (rank_width, delta_width) = (usize::from(widths >> 4), usize::from(widths & 0xf));
        if rank_width > 8 || delta_width > 8 {
            return None;
        }
        at += 1;
        let inputs = self.bytes.get(at..at + count)?;
        at += count;
        let packed = self.bytes.get(at..at + count * (rank_width + delta_width))?;
        Some(Node::Branch(Branch { is_final, address, inputs, packed, rank_width, delta_width }))
    }

    /// Goes on by one node, and gives the number of the surface that ends there; whether the walk can
    /// go on.
    #[inline]
    fn step(&self, text: &[u8], walk: &mut Walk, found: impl FnOnce(&Walk)) -> bool {
        let Some(node) = self.node(walk.address) else { return false };
        let rest = text.get(walk.at..walk.end).unwrap_or_default();
        match node {
            Node::Chain { is_final, bytes, target } => {
                if is_final {
                    found(walk);
                    walk.rank = walk.rank.wrapping_add(1);
                }
                walk.at += bytes.len();
                walk.address = target;
                rest.starts_with(bytes)
            }
            Node::Branch(branch) => {
                if branch.is_final {
                    found(walk);
                }
                let taken = rest.first().and_then(|byte| branch.transition(branch.find(*byte)?));
                let Some((more, target)) = taken else { return false };
                walk.rank = walk.rank.wrapping_add(more);
                walk.address = target;
                walk.at += 1;
                true
            }
        }
    }

    /// Goes all walks to their ends, a node of each at a time, and gives every surface on their ways: its
    /// first byte, one past its last, its number.
    pub(super) fn walk_all(
        &self,
        text: &[u8],
        walks: &mut Vec<Walk>,
        mut found: impl FnMut(usize, usize, u64),
    ) {
        while !walks.is_empty() {
            // The walks wait for their nodes together, not each for its own in turn.
            let first_bytes = walks.iter().filter_map(|walk| self.bytes.get(walk.address));
            black_box(first_bytes.fold(0, |all, byte| all ^ byte));
            walks.retain_mut(|walk| {
                self.step(text, walk, |walk| found(walk.start, walk.at, walk.rank))
            });
        }
    }

    /// The number of a surface.
    pub(in super::super) fn get(&self, surface: &[u8]) -> Option<u64> {
        let mut number = None;
        let mut walk = Walk::new(self, 0..surface.len());
        while self.step(surface, &mut walk, |walk| {
            number = Some(walk.rank).filter(|_| walk.at == surface.len());
        }) {}
        number
    }

    /// Before the first byte of all surfaces.
    pub(in super::super) fn start(&self) -> Cursor<'b> {
        Cursor { fst: *self, address: self.root, passed: 0, rank: 0 }
    }

    /// All surfaces in order, each with its number.
    pub(in super::super) fn surfaces(&self) -> Surfaces<'b> {
        Surfaces { stack: vec![Frame { cursor: self.start(), next: None }], surface: Vec::new() }
    }
}

impl Branch<'_> {
    /// Which transition takes `byte`.
    #[inline]
    fn find(&self, byte: u8) -> Option<usize> {
        if self.inputs.len() <= 16 {
            return self.inputs.iter().position(|&input| input == byte);
        }
        self.inputs.binary_search(&byte).ok()
    }

    /// The rank and the target of a transition.
    #[inline]
    fn transition(&self, index: usize) -> Option<(u64, usize)> {
        let start = index * (self.rank_width + self.delta_width);
        let rank = number(self.packed, start, self.rank_width)?;
        let delta = number(self.packed, start + self.rank_width, self.delta_width)?;
        Some((rank, target(self.address, delta)?))
    }
}

/// The child that lies `delta` before `address`.
#[inline]
fn target(address: usize, delta: u64) -> Option<usize> {
    if delta == 0 {
        return Some(LEAF as usize);
    }
    address.checked_sub(usize::try_from(delta).ok()?).filter(|&target| target != LEAF as usize)
}

/// The number of `width` bytes at `at`.
#[inline]
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + width)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// A place among the folded surfaces of a gazetteer: what may follow here, byte by byte. For automata that walk it, such as one
/// that allows for typographical errors.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'b> {
    fst: Fst<'b>,
    address: usize,
    /// How many bytes of a chain lie behind.
    passed: usize,
    rank: u64,
}

impl<'b> Cursor<'b> {
    /// The number of the surface that ends here, where one does.
    pub fn number(&self) -> Option<u64> {
        let is_final = match self.fst.node(self.address)? {
            Node::Chain { is_final, .. } => is_final && self.passed == 0,
            Node::Branch(branch) => branch.is_final,
        };
        is_final.then_some(self.rank)
    }

    /// The bytes that may follow, in order, and where each leads.
    pub fn transitions(&self) -> impl Iterator<Item = (u8, Cursor<'b>)> + use<'b> {
        let cursor = *self;
        (0..).map_while(move |index| cursor.transition(index))
    }

    /// The transition of this position in the order of their bytes.
    fn transition(&self, index: usize) -> Option<(u8, Cursor<'b>)> {
        match self.fst.node(self.address)? {
            Node::Chain { is_final, bytes, target } => {
                let byte = *bytes.get(self.passed).filter(|_| index == 0)?;
                let rank = self.rank.wrapping_add(u64::from(is_final && self.passed == 0));
                let (address, passed) = match self.passed + 1 {
                    passed if passed < bytes.len() => (self.address, passed),
                    _ => (target, 0),
                };
                // Inside a chain its being final lies behind.
                Some((byte, Cursor { fst: self.fst, address, passed, rank }))
            }
            Node::Branch(branch) => {
                let byte = *branch.inputs.get(index)?;
                let (more, address) = branch.transition(index)?;
                let rank = self.rank.wrapping_add(more);
                Some((byte, Cursor { fst: self.fst, address, passed: 0, rank }))
            }
        }
    }

    /// Where `byte` leads.
    pub fn step(&self, byte: u8) -> Option<Cursor<'b>> {
        let index = match self.fst.node(self.address)? {
            Node::Chain { .. } => 0,
            Node::Branch(branch) => branch.find(byte)?,
        };
        self.transition(index).filter(|(found, _)| *found == byte).map(|(_, cursor)| cursor)
    }
}

/// See [`Fst::surfaces`].
#[derive(Debug)]
pub(in super::super) struct Surfaces<'b> {
    stack: Vec<Frame<'b>>,
    surface: Vec<u8>,
}

/// A place on the way to the present surface.
#[derive(Debug)]
struct Frame<'b> {
    cursor: Cursor<'b>,
    /// The transition to take next; `None` where the place itself was not looked at.
    next: Option<usize>,
}

impl Surfaces<'_> {
    /// The next surface and its number. What is not UTF-8, or longer than `longest` bytes, ends the
    /// walk, and so does a way that leads to no surface: bytes that were never written like that.
    pub(in super::super) fn next(&mut self, longest: usize) -> Option<(&str, u64)> {
        let mut descents = 0;
        loop {
            let frame = self.stack.last_mut()?;
            let Some(index) = frame.next else {
                frame.next = Some(0);
                if let Some(number) = frame.cursor.number() {
                    return Some((std::str::from_utf8(&self.surface).ok()?, number));
                }
                continue;
            };
            frame.next = Some(index + 1);
            match frame.cursor.transition(index) {
                Some((byte, cursor)) => {
                    descents += 1;
                    if self.surface.len() >= longest || descents > longest {
                        self.stack.clear();
                        return None;
                    }
                    self.surface.push(byte);
                    self.stack.push(Frame { cursor, next: None });
                }
                None => {
                    self.stack.pop();
                    self.surface.pop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FstBuilder;
    use super::*;
    use proptest::prelude::*;

    fn build<K: AsRef<[u8]>>(keys: &[K]) -> Vec<u8> {
        let mut builder = FstBuilder::new(Vec::new()).unwrap();
        for key in keys {
            builder.insert(key.as_ref()).unwrap();
        }
        builder.finish().unwrap().0
    }

    fn surfaces(fst: &Fst<'_>) -> Vec<(String, u64)> {
        let mut all = fst.surfaces();
        std::iter::from_fn(|| all.next(1000).map(|(s, n)| (s.to_owned(), n))).collect()
    }

    /// As [`surfaces`], by way of cursors.
    fn walked(cursor: Cursor<'_>, key: &mut Vec<u8>, found: &mut Vec<(Vec<u8>, u64)>) {
        found.extend(cursor.number().map(|number| (key.clone(), number)));
        for (byte, next) in cursor.transitions() {
            assert_eq!(cursor.step(byte).map(|c| c.number()), Some(next.number()));
            key.push(byte);
            walked(next, key, found);
            key.pop();
        }
    }

    #[test]
    fn none_and_one_surface_are_transducers_too() {
        let none = build::<&str>(&[]);
        let fst = Fst::new(&none).unwrap();
        assert_eq!((fst.get(b"a"), fst.get(b""), surfaces(&fst).len()), (None, None, 0));
        let long = "x".repeat(200);
        let one = build(&[&long]);
        let fst = Fst::new(&one).unwrap();
        assert_eq!((fst.get(long.as_bytes()), fst.get(b"x")), (Some(0), None));
        assert_eq!(surfaces(&fst), [(long, 0)]);
        assert!(Fst::new(&[0; 8]).is_none() && Fst::new(&[]).is_none());
    }

    proptest! {
        #[test]
        fn it_holds_what_the_crate_fst_holds(
            keys in prop_oneof![
                proptest::collection::btree_set("[ab]{0,6}", 0..40),
                proptest::collection::btree_set("(new|old)( (york|town|port))?[a-c]{0,2}", 0..60),
                proptest::collection::btree_set("\\PC{0,3}", 0..400),
            ],
            text in "[ab]{0,8}|(new|old) (york|town)[a-c]{0,3}|\\PC{0,4}",
        ) {
            let bytes = build(&Vec::from_iter(&keys));
            let ours = Fst::new(&bytes).unwrap();
            let pairs = keys.iter().zip(0u64..);
            let theirs = fst::raw::Fst::from_iter_map(pairs.clone()).unwrap();
            let listed: Vec<(String, u64)> = pairs.map(|(k, n)| (k.clone(), n)).collect();
            let mut found = Vec::new();
            // Side by side with others, and by itself.
            for others in [0, 3] {
                let mut walks: Vec<Walk> =
                    (0..=others).map(|_| Walk::new(&ours, 0..text.len())).collect();
                let mut all = Vec::new();
                ours.walk_all(text.as_bytes(), &mut walks, |_, end, number| all.push((end, number)));
                found = all.iter().step_by(others + 1).copied().collect();
                prop_assert_eq!(all.len(), found.len() * (others + 1));
            }
            let expected: Vec<(usize, u64)> = (0..=text.len())
                .filter_map(|n| Some((n, theirs.get(text.as_bytes().get(..n)?)?.value())))
                .collect();
            prop_assert_eq!(found, expected);
            let mut found = Vec::new();
            walked(ours.start(), &mut Vec::new(), &mut found);
            let bytes_of = |(key, number): &(String, u64)| (key.clone().into_bytes(), *number);
            prop_assert_eq!(found, listed.iter().map(bytes_of).collect::<Vec<_>>());
            prop_assert_eq!(surfaces(&ours), listed);
        }

        #[test]
        fn no_bytes_make_a_walk_panic(
            keys in proptest::collection::btree_set("[ab]{0,6}", 1..40),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            text in "[ab]{0,12}",
        ) {
            let mut bytes = build(&Vec::from_iter(&keys));
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(fst) = Fst::new(&bytes) {
                let mut walks = vec![Walk::new(&fst, 0..text.len())];
                fst.walk_all(text.as_bytes(), &mut walks, |_, end, _| assert!(end <= text.len()));
                let mut all = fst.surfaces();
                for _ in 0..100 {
                    if all.next(10).is_none() {
                        break;
                    }
                }
            }
        }

        #[test]
        fn random_bytes_are_walked_too(bytes in proptest::collection::vec(any::<u8>(), 8..200)) {
            if let Some(fst) = Fst::new(&bytes) {
                fst.walk_all(&bytes, &mut vec![Walk::new(&fst, 0..bytes.len())], |_, _, _| ());
                let mut all = fst.surfaces();
                for _ in 0..100 {
                    if all.next(10).is_none() {
                        break;
                    }
                }
            }
        }
    }
}
