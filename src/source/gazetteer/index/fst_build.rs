//! Writes a transducer from surfaces in sorted order, in memory that does not grow with their number:
//! nodes are written as soon as nothing more can come behind them. The layout is described in `fst`.
//!
//! The way follows Daciuk, Mihov, Watson and Watson, "Incremental construction of minimal acyclic
//! finite-state automata" (2000), with a register of fixed size: a node that it has forgotten is
//! written once more, which costs bytes and nothing else. What is written depends on the surfaces
//! only.

use std::io::{self, Write};

use super::super::varint;
use super::fst::{CHAIN, FINAL, LEAF, MOST};

/// How many slots the register begins with, and has at most; each remembers two nodes.
const FEWEST_SLOTS: usize = 1 << 8;
const MOST_SLOTS: usize = 1 << 16;

/// Surfaces on their way into a transducer.
pub(in super::super) struct FstBuilder<W> {
    out: W,
    /// How many bytes were written.
    position: u64,
    last: Vec<u8>,
    /// The nodes along `last`, the root first; those behind its end are empty and wait for use.
    open: Vec<Open>,
    register: Register,
    /// The bytes of a chain that is not written yet, from its end.
    chain: Vec<u8>,
    /// A node as it is looked up, and as it is written.
    canonical: Vec<u8>,
    written: Vec<u8>,
    count: u64,
}

/// A node behind which more may come.
#[derive(Debug, Default)]
struct Open {
    is_final: bool,
    /// How many surfaces end at it or behind its finished transitions.
    surfaces: u64,
    finished: Vec<Transition>,
}

#[derive(Debug, Clone, Copy)]
struct Transition {
    byte: u8,
    rank: u64,
    target: u64,
}

impl<W: Write> FstBuilder<W> {
    /// A builder that writes to `out`.
    pub(in super::super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0])?;
        Ok(Self {
            out,
            position: 1,
            last: Vec::new(),
            open: vec![Open::default()],
            register: Register::new(),
            chain: Vec::new(),
            canonical: Vec::new(),
            written: Vec::new(),
            count: 0,
        })
    }

    /// Adds a surface, which sorts after all before.
    pub(in super::super) fn insert(&mut self, surface: &[u8]) -> io::Result<()> {
        debug_assert!(self.count == 0 || surface > &*self.last, "surfaces are sorted and unique");
        let shared = surface.iter().zip(&self.last).take_while(|(a, b)| a == b).count();
        if self.count > 0 {
            self.finish_behind(shared)?;
        }
        self.last.truncate(shared);
        self.last.extend_from_slice(surface.get(shared..).unwrap_or_default());
        if self.open.len() <= self.last.len() {
            self.open.resize_with(self.last.len() + 1, Open::default);
        }
        if let Some(end) = self.open.get_mut(self.last.len()) {
            end.is_final = true;
            end.surfaces += 1;
        }
        self.count += 1;
        Ok(())
    }

    /// Writes what is left; gives the writer, and how many bytes it was given.
    pub(in super::super) fn finish(mut self) -> io::Result<(W, u64)> {
        if self.count > 0 {
            self.finish_behind(0)?;
        }
        let root = std::mem::take(&mut self.open[0]);
        let root = self.write_branch(&root)?;
        self.out.write_all(&root.to_le_bytes())?;
        Ok((self.out, self.position + 8))
    }

    /// Writes the nodes along the last surface that lie deeper than `depth`, and finishes the
    /// transition that leads to them.
    fn finish_behind(&mut self, depth: usize) -> io::Result<()> {
        let (mut target, mut surfaces) = (LEAF, 1);
        for level in (depth..self.last.len()).rev() {
            let byte = self.last[level];
            let is_final = self.open[level].is_final;
            let is_single = level > depth && self.open[level].finished.is_empty();
            if level + 1 == self.last.len() {
                // The end of the last surface: nothing came behind it.
                self.open[level + 1] = Open::default();
            }
            if is_single && self.chain.len() < usize::from(MOST) {
                self.chain.push(byte);
                if is_final {
                    target = self.write_chain(target, true)?;
                    surfaces += 1;
                }
                self.open[level].is_final = false;
                self.open[level].surfaces = 0;
                continue;
            }
            target = self.write_chain(target, false)?;
            let mut node = std::mem::take(&mut self.open[level]);
            node.finished.push(Transition { byte, rank: node.surfaces, target });
            node.surfaces += surfaces;
            if level > depth {
                target = self.write_branch(&node)?;
                surfaces = node.surfaces;
                node.finished.clear();
                node.is_final = false;
                node.surfaces = 0;
            }
            self.open[level] = node;
        }
        Ok(())
    }

    /// Writes the chain that waits, if there is one; gives the address of what leads to `target`.
    fn write_chain(&mut self, target: u64, is_final: bool) -> io::Result<u64> {
        if self.chain.is_empty() {
            return Ok(target);
        }
        let first = CHAIN | if is_final { FINAL } else { 0 } | self.chain.len() as u8;
        self.canonical.clear();
        self.canonical.push(first);
        self.canonical.extend(self.chain.iter().rev());
        varint::put(&mut self.canonical, target);
        let slot = match self.register.find(&self.canonical) {
            Ok(address) => {
                self.chain.clear();
                return Ok(address);
            }
            Err(slot) => slot,
        };
        self.written.clear();
        self.written.push(first);
        varint::put(&mut self.written, delta(self.position, target));
        self.written.extend(self.chain.drain(..).rev());
        self.write(slot)
    }

    fn write_branch(&mut self, node: &Open) -> io::Result<u64> {
        let first = if node.is_final { FINAL } else { 0 };
        self.canonical.clear();
        self.canonical.push(first);
        for transition in &node.finished {
            self.canonical.push(transition.byte);
            varint::put(&mut self.canonical, transition.rank);
            varint::put(&mut self.canonical, transition.target);
        }
        let slot = match self.register.find(&self.canonical) {
            Ok(address) => return Ok(address),
            Err(slot) => slot,
        };
        let count = node.finished.len();
        self.written.clear();
        if count < usize::from(MOST) {
            self.written.push(first | count as u8);
        } else {
            self.written.push(first | MOST);
            self.written.push((count - 1) as u8);
        }
        let widest = |numbers: &mut dyn Iterator<Item = u64>| numbers.map(width).max().unwrap_or(0);
        let deltas = || node.finished.iter().map(|t| delta(self.position, t.target));
        let rank_width = widest(&mut node.finished.iter().map(|t| t.rank));
        let delta_width = widest(&mut deltas());
        self.written.push((rank_width << 4 | delta_width) as u8);
        self.written.extend(node.finished.iter().map(|t| t.byte));
        for (transition, delta) in node.finished.iter().zip(deltas()) {
            self.written.extend_from_slice(&transition.rank.to_le_bytes()[..rank_width]);
            self.written.extend_from_slice(&delta.to_le_bytes()[..delta_width]);
        }
        self.write(slot)
    }

    /// Writes the node that was made ready and has the register remember it; gives its address.
    fn write(&mut self, slot: usize) -> io::Result<u64> {
        let address = self.position;
        self.out.write_all(&self.written)?;
        self.position += self.written.len() as u64;
        self.register.remember(slot, &self.canonical, address);
        Ok(address)
    }
}

fn delta(address: u64, target: u64) -> u64 {
    if target == LEAF { 0 } else { address - target }
}

/// How many bytes `number` needs.
fn width(number: u64) -> usize {
    (u64::BITS - number.leading_zeros()).div_ceil(8) as usize
}

/// Nodes that were written lately, by what they are.
struct Register {
    slots: Vec<[Cell; 2]>,
    /// How many nodes it was given since it has this size.
    remembered: usize,
}

#[derive(Debug, Clone, Default)]
struct Cell {
    canonical: Vec<u8>,
    address: u64,
}

impl Register {
    fn new() -> Self {
        Self { slots: vec![Default::default(); FEWEST_SLOTS], remembered: 0 }
    }

    /// The address of a node, or the slot where it belongs.
    fn find(&mut self, canonical: &[u8]) -> Result<u64, usize> {
        let slot = slot_of(canonical, self.slots.len());
        let cells = &mut self.slots[slot];
        match cells.iter().position(|cell| cell.canonical == canonical) {
            Some(found) => {
                if found > 0 {
                    cells.swap(0, found);
                }
                Ok(cells[0].address)
            }
            None => Err(slot),
        }
    }

    /// Takes a node in, in place of the one of its slot that was used longer ago.
    fn remember(&mut self, slot: usize, canonical: &[u8], address: u64) {
        self.remembered += 1;
        let cells = &mut self.slots[slot];
        cells.swap(0, 1);
        cells[0].canonical.clear();
        cells[0].canonical.extend_from_slice(canonical);
        cells[0].address = address;
        if self.remembered > self.slots.len() && self.slots.len() < MOST_SLOTS {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let count = self.slots.len() * 4;
        let before = std::mem::replace(&mut self.slots, vec![Default::default(); count]);
        // The cell used longer ago first: the other ends up in front of it again.
        for cell in before.into_iter().flat_map(|[newer, older]| [older, newer]) {
            if !cell.canonical.is_empty() {
                let cells = &mut self.slots[slot_of(&cell.canonical, count)];
                cells.swap(0, 1);
                cells[0] = cell;
            }
        }
        self.remembered = 0;
    }
}

fn slot_of(canonical: &[u8], count: usize) -> usize {
    let hash = canonical.iter().fold(0u64, |hash, &byte| {
        (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95)
    });
    (hash >> 32) as usize % count
}
