//! Where can a match begin? Patterns as regular languages that hold all that they match and more,
//! run by automata that read every byte once.
//!
//! Assertions are left out, atomic groups are groups, what is beyond ASCII is one kind of character:
//! an automaton may say yes where Oniguruma says no, never the other way round. The automata are
//! built as far as texts ask for them.

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::pool::Pool;
use regex_automata::{Anchored, Input, MatchKind, PatternID};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, Repetition};

use super::class::Set;
use super::syntax::Node;

/// What is repeated more often than this is repeated without bound.
const MAX_TIMES: usize = 40;

/// Patterns of more parts than this, repetitions written out, may be anything.
const MAX_PARTS: usize = 20_000;

/// The memory that an automaton may have in one thread, in bytes.
const MEMORY: usize = 1 << 26;

/// An automaton that is given up where it is built anew more often than this, and for less text
/// than a few bytes a state.
const MIN_CLEARS: usize = 4;
const MIN_BYTES_PER_STATE: usize = 8;

/// What an automaton could not answer, because it grew too large; anything is possible then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GivenUp;

/// An automaton for several patterns, numbered in their order.
pub(super) struct Automaton {
    dfa: DFA,
    caches: Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync>>,
}

impl std::fmt::Debug for Automaton {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Automaton").field("patterns", &self.dfa.pattern_len()).finish()
    }
}

impl Automaton {
    /// An automaton that reads forwards, or backwards.
    pub(super) fn new(patterns: &[Node], backwards: bool) -> Option<Self> {
        let patterns: Vec<Hir> = patterns.iter().map(shape).collect();
        let nfa = thompson::Config::new()
            .utf8(false)
            .reverse(backwards)
            .which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(nfa).build_many_from_hir(&patterns).ok()?;
        let config = Config::new()
            .match_kind(MatchKind::All)
            .starts_for_each_pattern(true)
            .cache_capacity(MEMORY)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(MIN_CLEARS))
            .minimum_bytes_per_state(Some(MIN_BYTES_PER_STATE));
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        let own = dfa.clone();
        let caches: Box<dyn Fn() -> Cache + Send + Sync> = Box::new(move || own.create_cache());
        Some(Self { dfa, caches: Pool::new(caches) })
    }

    /// Whether the pattern may match from `start`, without reading past `end`; reads forwards.
    pub(super) fn may_match(
        &self,
        pattern: usize,
        text: &str,
        start: usize,
        end: usize,
    ) -> Result<bool, GivenUp> {
        let input = input(text, pattern, start, end)?.earliest(true);
        let mut cache = self.caches.get();
        let found = self.dfa.try_search_fwd(&mut cache, &input).map_err(|_| GivenUp)?;
        Ok(found.is_some())
    }

    /// Calls `found` with every place from `start` on where a match of the pattern may begin that ends
    /// at `end`; reads backwards.
    pub(super) fn starts(
        &self,
        pattern: usize,
        text: &str,
        start: usize,
        end: usize,
        mut found: impl FnMut(usize),
    ) -> Result<(), GivenUp> {
        self.backwards(&input(text, pattern, start, end)?, |_, place| found(place))
    }

    /// Calls `found` with every pattern and place where a match of it may begin; reads backwards.
    pub(super) fn all_starts(
        &self,
        text: &str,
        found: impl FnMut(usize, usize),
    ) -> Result<(), GivenUp> {
        self.backwards(&Input::new(text), found)
    }

    /// Calls `found` with every pattern that may match so that it ends where `text` ends, and every place, `from` or
    /// later, where such a match may begin; reads backwards.
    pub(super) fn endings(
        &self,
        text: &str,
        from: usize,
        found: impl FnMut(usize, usize),
    ) -> Result<(), GivenUp> {
        let input = Input::new(text).range(from..).anchored(Anchored::Yes);
        self.backwards(&input, found)
    }

    /// Calls `found` with every pattern that may match at the byte `from` of `text`, or somewhere from there
    /// on; reads forwards.
    pub(super) fn beginnings(
        &self,
        text: &str,
        from: usize,
        anchored: bool,
        mut found: impl FnMut(usize),
    ) -> Result<(), GivenUp> {
        let anchored = if anchored { Anchored::Yes } else { Anchored::No };
        let input = Input::new(text).range(from..).anchored(anchored);
        let mut cache = self.caches.get();
        let cache = &mut *cache;
        let mut state = self.dfa.start_state_forward(cache, &input).map_err(|_| GivenUp)?;
        let bytes = text.as_bytes();
        cache.search_start(from);
        // Matches show one byte late.
        for place in from..=bytes.len() {
            if state.is_dead() {
                break;
            }
            state = match bytes.get(place) {
                Some(&byte) => self.dfa.next_state(cache, state, byte),
                None => self.dfa.next_eoi_state(cache, state),
            }
            .map_err(|_| GivenUp)?;
            if state.is_match() {
                for index in 0..self.dfa.match_len(cache, state) {
                    found(self.dfa.match_pattern(cache, state, index).as_usize());
                }
            }
            cache.search_update(place);
        }
        cache.search_finish(bytes.len());
        Ok(())
    }

    /// A walk of its own: of several patterns that match at one place,
    /// `DFA::try_search_overlapping_rev` (regex-automata 0.4.18) gives all but the first one byte too
    /// low.
    fn backwards(
        &self,
        input: &Input<'_>,
        mut found: impl FnMut(usize, usize),
    ) -> Result<(), GivenUp> {
        let mut cache = self.caches.get();
        let cache = &mut *cache;
        let mut state = self.dfa.start_state_reverse(cache, input).map_err(|_| GivenUp)?;
        let text = input.haystack();
        cache.search_start(input.end());
        // Matches show one byte late.
        for place in (input.start()..=input.end()).rev() {
            if state.is_dead() {
                break;
            }
            state = match place.checked_sub(1) {
                Some(next) => self.dfa.next_state(cache, state, text[next]),
                None => self.dfa.next_eoi_state(cache, state),
            }
            .map_err(|_| GivenUp)?;
            if state.is_match() {
                for index in 0..self.dfa.match_len(cache, state) {
                    found(self.dfa.match_pattern(cache, state, index).as_usize(), place);
                }
            }
            cache.search_update(place);
        }
        cache.search_finish(input.start());
        Ok(())
    }
}

fn input(text: &str, pattern: usize, start: usize, end: usize) -> Result<Input<'_>, GivenUp> {
    let pattern = PatternID::new(pattern).map_err(|_| GivenUp)?;
    Ok(Input::new(text).range(start..end).anchored(Anchored::Pattern(pattern)))
}

/// A language that holds all that the pattern matches, as long as no text holds characters that are
/// [odd](super::odd) where case is ignored.
fn shape(node: &Node) -> Hir {
    if size(node) > MAX_PARTS { anything(0, None) } else { language(node) }
}

/// The pattern without what may follow the beginning of a match unseen: where matches begin says the
/// rest just as well.
pub(super) fn beginning(node: &Node) -> Node {
    let mut parts = node.parts().to_vec();
    while let Some(last) = parts.pop() {
        match last {
            Node::Nothing
            | Node::Boundary
            | Node::Behind(_)
            | Node::Edge(_)
            | Node::Repeat(_, 0, _) => {}
            Node::Repeat(part, least, _) => {
                parts.push(Node::Repeat(part, least, Some(least)));
                break;
            }
            last => {
                parts.push(last);
                break;
            }
        }
    }
    Node::sequence(parts)
}

/// How many parts the automaton of a pattern has, at least.
fn size(node: &Node) -> usize {
    match node {
        Node::Nothing | Node::Boundary | Node::Behind(_) | Node::Edge(_) => 0,
        Node::Char(..) => 1,
        Node::Class(set) => {
            if set.others {
                4
            } else {
                1
            }
        }
        Node::Any(_, most) => most.unwrap_or(1).min(MAX_TIMES),
        Node::Sequence(parts) | Node::Either(parts) => {
            parts.iter().map(size).fold(0, usize::saturating_add)
        }
        Node::Repeat(part, least, most) => {
            size(part).saturating_mul(most.unwrap_or(least + 1).clamp(1, MAX_TIMES))
        }
    }
}

fn language(node: &Node) -> Hir {
    match node {
        Node::Nothing | Node::Boundary | Node::Behind(_) => Hir::empty(),
        Node::Edge(edge) => Hir::look(*edge),
        Node::Char(c, false) => Hir::literal(c.to_string().into_bytes()),
        // What else it matches may be several characters, and also ASCII.
        Node::Char(c, true) if !c.is_ascii() => anything(0, None),
        Node::Char(c, true) => set(Set::range(*c, *c).ignoring_case(true)),
        Node::Class(class) => set(*class),
        Node::Any(least, most) => anything(*least, *most),
        Node::Sequence(parts) => Hir::concat(parts.iter().map(language).collect()),
        Node::Either(branches) => Hir::alternation(branches.iter().map(language).collect()),
        Node::Repeat(part, least, most) => repeat(language(part), *least, *most),
    }
}

fn repeat(what: Hir, least: usize, most: Option<usize>) -> Hir {
    let bounded = |times: usize| u32::try_from(times.min(MAX_TIMES)).unwrap_or(0);
    Hir::repetition(Repetition {
        min: bounded(least),
        max: most.filter(|most| *most <= MAX_TIMES).map(bounded),
        greedy: true,
        sub: Box::new(what),
    })
}

/// From `least` to `most` characters.
fn anything(least: usize, most: Option<usize>) -> Hir {
    repeat(bytes([(0, 0xff)]), least, most.map(|most| most.saturating_mul(4)))
}

fn set(set: Set) -> Hir {
    let in_set = (0..128_u8).filter(|byte| set.may_hold(*byte));
    let ascii = bytes(in_set.map(|byte| (byte, byte)));
    if !set.others {
        return ascii;
    }
    // Leading byte and following bytes of a character in UTF-8.
    let following = repeat(bytes([(0x80, 0xbf)]), 1, Some(3));
    Hir::alternation(vec![ascii, Hir::concat(vec![bytes([(0xc2, 0xf4)]), following])])
}

fn bytes(ranges: impl IntoIterator<Item = (u8, u8)>) -> Hir {
    let ranges = ranges.into_iter().map(|(first, last)| ClassBytesRange::new(first, last));
    Hir::class(Class::Bytes(ClassBytes::new(ranges)))
}
