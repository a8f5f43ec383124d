//! The automaton of `fuzzy`: a walk through the trie beside the text, with a row of the distance's table
//! at every step. It knows no words; which places are searched is `fuzzy`'s business.

use super::super::index::Cursor;
use super::super::trie::{each_char, follow};
use super::{Fuzzy, MAX_DISTANCE, Near, ends, is_editable, letters};

/// Cells of a row.
const BAND: usize = 2 * MAX_DISTANCE + 1;

/// How many nodes a search from one place may visit; what lies beyond is not found. It bounds the
/// time where no first letter is fixed and the index holds millions of surfaces.
const VISITS: usize = 1 << 16;

/// Surfaces of more characters are matched without errors only.
const LONGEST: usize = 200;

/// How often so many characters of a key and so many of the text differ: cell `d` stands for
/// `d - MAX_DISTANCE` characters more of the text than of the key.
type Row = [usize; BAND];

/// More than any distance that is asked for.
const FAR: usize = MAX_DISTANCE + 1;

/// A walk through the trie beside a text.
pub(super) struct Search<'a, 'b> {
    root: Cursor<'b>,
    text: &'a str,
    fuzzy: &'a Fuzzy,
    /// The distance of the longest surfaces.
    limit: usize,
    /// The characters after the fixed ones, as far as they were needed, and where each ends.
    chars: Vec<(char, usize)>,
    /// The key so far.
    key: String,
    letters: usize,
    start: usize,
    /// One past the last byte of the fixed characters.
    fixed_end: usize,
    visits: usize,
}

/// The state of the automaton at a node.
#[derive(Clone, Copy)]
struct State {
    row: Row,
    before: Row,
    /// The character that led here; NUL at the beginning, which no key holds.
    last: char,
    /// How many characters lie behind.
    depth: usize,
}

impl<'a, 'b> Search<'a, 'b> {
    /// A search in `text`, which is folded.
    pub(super) fn new(root: Cursor<'b>, text: &'a str, fuzzy: &'a Fuzzy) -> Self {
        let limit = fuzzy.min_letters.len().min(MAX_DISTANCE);
        Self {
            root,
            text,
            fuzzy,
            limit,
            chars: Vec::new(),
            key: String::new(),
            letters: 0,
            start: 0,
            fixed_end: 0,
            visits: 0,
        }
    }

    /// Gives what begins at `start` and has its first `fixed` bytes right, each with its key; where
    /// `is_word`, those are the key's first word. One key may come several times.
    pub(super) fn from(
        &mut self,
        start: usize,
        (fixed, is_word): (usize, bool),
        emit: &mut dyn FnMut(Near, &str),
    ) {
        let prefix = self.text.get(start..start + fixed).unwrap_or("");
        let Some(node) = follow(self.root, prefix) else { return };
        self.start = start;
        self.fixed_end = start + fixed;
        self.visits = 0;
        self.chars.clear();
        self.key.clear();
        self.key.push_str(prefix);
        self.letters = letters(prefix);
        let mut row = [FAR; BAND];
        row[MAX_DISTANCE] = 0;
        for ahead in 1..=self.limit {
            if !self.char(ahead - 1).is_some_and(is_editable) {
                break;
            }
            row[MAX_DISTANCE + ahead] = ahead;
        }
        let state = State { row, before: [FAR; BAND], last: '\0', depth: 0 };
        self.emit(node, state, emit);
        if is_word {
            each_char(node, &mut |c, next| {
                if !c.is_alphanumeric() {
                    self.go(c, next, state, emit);
                }
            });
        } else {
            self.visit(node, state, emit);
        }
    }

    /// The character at `index` behind the fixed ones.
    fn char(&mut self, index: usize) -> Option<char> {
        while self.chars.len() <= index {
            let at = self.chars.last().map_or(self.fixed_end, |&(_, end)| end);
            let next = self.text.get(at..)?.chars().next()?;
            self.chars.push((next, at + next.len_utf8()));
        }
        self.chars.get(index).map(|&(c, _)| c)
    }

    /// The number of the text's character that cell `cell` of the row at `depth` has consumed last,
    /// counted from one; 0 where it has consumed none.
    fn consumed(depth: usize, cell: usize) -> Option<usize> {
        (depth + cell).checked_sub(MAX_DISTANCE)
    }

    /// Goes on to every node that can still come close.
    fn visit(&mut self, node: Cursor<'b>, state: State, emit: &mut dyn FnMut(Near, &str)) {
        self.visits += 1;
        if self.visits > VISITS || state.depth >= LONGEST {
            return;
        }
        if state.row.iter().any(|&distance| distance < self.limit) {
            each_char(node, &mut |c, next| self.go(c, next, state, emit));
            return;
        }
        // No error is left to make: only what the text has leads on.
        for cell in 0..BAND {
            if state.row[cell] <= self.limit {
                self.follow_text(node, state, cell, emit);
            }
            if let Some(c) = self.wanted_swapped(state, cell)
                && let Some(next) = follow(node, c.encode_utf8(&mut [0; 4]))
            {
                self.go(c, next, state, emit);
            }
        }
    }

    /// Goes on from one cell without any more errors.
    fn follow_text(
        &mut self,
        mut node: Cursor<'b>,
        state: State,
        cell: usize,
        emit: &mut dyn FnMut(Near, &str),
    ) {
        let (length, letters) = (self.key.len(), self.letters);
        let mut row = [FAR; BAND];
        row[cell] = state.row[cell];
        for depth in state.depth..LONGEST {
            let next = Self::consumed(depth, cell).and_then(|index| self.char(index));
            let Some(c) = next else { break };
            let Some(there) = follow(node, c.encode_utf8(&mut [0; 4])) else { break };
            node = there;
            self.key.push(c);
            self.letters += usize::from(c.is_alphabetic());
            self.emit(node, State { row, depth: depth + 1, ..state }, emit);
        }
        self.key.truncate(length);
        self.letters = letters;
    }

    /// The character that makes a cell's last two a swapped pair.
    fn wanted_swapped(&mut self, state: State, cell: usize) -> Option<char> {
        if state.before[cell] >= self.limit || !self.fuzzy.transpositions {
            return None;
        }
        let end = Self::consumed(state.depth + 1, cell)?;
        let (first, second) = (self.char(end.checked_sub(2)?)?, self.char(end - 1)?);
        (second == state.last).then_some(first)
    }

    /// Takes one step along `c`.
    fn go(&mut self, c: char, node: Cursor<'b>, state: State, emit: &mut dyn FnMut(Near, &str)) {
        let state = self.advance(state, c);
        if state.row.iter().all(|&distance| distance > self.limit) {
            return;
        }
        self.key.push(c);
        self.letters += usize::from(c.is_alphabetic());
        self.emit(node, state, emit);
        self.visit(node, state, emit);
        self.letters -= usize::from(c.is_alphabetic());
        self.key.pop();
    }

    /// The state after one more character of the key.
    fn advance(&mut self, state: State, c: char) -> State {
        let depth = state.depth + 1;
        let mut row = [FAR; BAND];
        for cell in 0..BAND {
            let Some(end) = Self::consumed(depth, cell) else { continue };
            let mut best = FAR;
            if is_editable(c) {
                best = best.min(state.row.get(cell + 1).map_or(FAR, |left_out| left_out + 1));
            }
            if let Some(got) = end.checked_sub(1).and_then(|index| self.char(index)) {
                let replaced = usize::from(got != c);
                if got == c || is_editable(got) && is_editable(c) {
                    best = best.min(state.row[cell] + replaced);
                }
                if is_editable(got) && cell > 0 {
                    best = best.min(row[cell - 1] + 1);
                }
                let swapped = self.fuzzy.transpositions
                    && got == state.last
                    && is_editable(got)
                    && is_editable(c)
                    && end.checked_sub(2).and_then(|index| self.char(index)) == Some(c);
                if swapped {
                    best = best.min(state.before[cell] + 1);
                }
            }
            row[cell] = if best > self.limit { FAR } else { best };
        }
        State { row, before: state.row, last: c, depth }
    }

    /// Gives the stretch that comes closest to the surface that ends at `node`, if there is one and it
    /// has an error.
    fn emit(&mut self, node: Cursor<'b>, state: State, emit: &mut dyn FnMut(Near, &str)) {
        let Some(surface) = node.number() else { return };
        let allowed = self.fuzzy.allowed(self.letters);
        let mut nearest: Option<Near> = None;
        for (cell, &distance) in state.row.iter().enumerate() {
            let Some(consumed) = Self::consumed(state.depth, cell) else { continue };
            let nearer = nearest.is_none_or(|near| distance <= near.distance);
            if distance > allowed || !nearer {
                continue;
            }
            let end = match consumed.checked_sub(1) {
                None => self.fixed_end,
                Some(last) => self.chars.get(last).map_or(self.start, |&(_, end)| end),
            };
            if ends(self.text, self.start, end) {
                nearest = Some(Near { start: self.start, end, distance, surface });
            }
        }
        if let Some(near) = nearest.filter(|near| near.distance > 0) {
            emit(near, &self.key);
        }
    }
}
