//! Where in a text can rules match at all? One scan for the literals that their patterns require;
//! from each, an automaton reads back to where a match with it may begin, and another reads on from
//! there, to see whether the rest fits. What requires no literal is looked for by an automaton that
//! reads the whole text backwards. All of this is linear in the text.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::automaton::{Automaton, GivenUp, beginning};
use super::beside::Beside;
use super::class::{Set, WORD};
use super::limit::{REACH, floor};
use super::literal::{Literal, required};
use super::odd;
use super::syntax::{Node, parse};

/// Literals of so many bytes in all are found by a full table of states: twice as fast, and at most about so
/// many kilobytes.
const TABLE_LITERALS: usize = 1 << 14;

/// The bytes of a text in which a match may begin: in order, apart from each other.
pub(crate) type Places = Vec<Range<usize>>;

/// The literals and shapes of a set of rules.
#[derive(Debug)]
pub(crate) struct Prefilter {
    /// `None` where no rule requires anything.
    literals: Option<AhoCorasick>,
    /// For each literal, the rules that look for it.
    wanted_by: Vec<Vec<Wanted>>,
    rules: Vec<Rule>,
    /// For each rule, the shape of its whole pattern, forwards.
    whole: Option<Automaton>,
    /// For each rule, what leads up to its literals, backwards.
    lead: Option<Automaton>,
    /// What the rules in `shaped` look like, backwards.
    shape: Option<Automaton>,
    /// The rules that require no literal.
    shaped: Vec<usize>,
}

/// How a rule's matches are looked for.
#[derive(Debug)]
struct Rule {
    way: Way,
    /// What the character before a match may be, where there is one.
    behind: Set,
    /// What may stand beside its literals.
    beside: Beside,
    /// Whether a match begins at the beginning or end of a word.
    at_boundary: bool,
    /// Whether the case of any letter is ignored.
    ignores_case: bool,
    /// The literals of a context that must be somewhere in the text, where there are any.
    is_gated: bool,
}

/// What shows where a rule may match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Its literals; how many bytes before one a match may begin, and how long literals are.
    Literals { before: usize, length: usize },
    /// The shape of its pattern.
    Shape,
    /// Nothing: its pattern is not understood.
    None,
}

/// A rule that looks for a literal.
#[derive(Debug)]
struct Wanted {
    rule: usize,
    /// The literal in its own case, where that matters.
    exactly: Option<String>,
    begins_word: bool,
    ends_word: bool,
    /// Whether it stands in a context, and says nothing of where matches begin.
    is_gate: bool,
}

/// The patterns of a rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns<'p> {
    /// What a match of the rule matches.
    pub main: &'p str,
    /// What must match somewhere in the text besides.
    pub contexts: Vec<&'p str>,
}

impl Prefilter {
    /// A prefilter for rules of these patterns.
    pub(crate) fn new<'p>(rules: impl IntoIterator<Item = Patterns<'p>>) -> Self {
        let mut building = Building::default();
        for patterns in rules {
            building.add(&patterns);
        }
        building.finish()
    }

    /// For each rule, in their order, where in `text` its matches may begin; empty where it has none.
    pub(crate) fn places(&self, text: &str) -> Vec<Places> {
        let mut scan = Scan {
            prefilter: self,
            text,
            odd: if self.rules.iter().any(|rule| rule.ignores_case) {
                odd::places(text)
            } else {
                Vec::new()
            },
            open: self.rules.iter().map(|rule| !rule.is_gated).collect(),
            places: vec![Places::new(); self.rules.len()],
        };
        for found in self.literals.iter().flat_map(|a| a.find_overlapping_iter(text)) {
            for wanted in &self.wanted_by[found.pattern().as_usize()] {
                scan.hit(wanted, found.start(), found.end());
            }
        }
        scan.shapes();
        scan.oddities();
        for (rule, (places, open)) in self.rules.iter().zip(scan.places.iter_mut().zip(&scan.open))
        {
            if rule.way == Way::None && *open && !text.is_empty() {
                places.push(0..text.len());
            }
        }
        scan.places
    }
}

/// A prefilter in the making.
#[derive(Default)]
struct Building {
    literals: Vec<(String, Wanted)>,
    rules: Vec<Rule>,
    whole: Vec<Node>,
    lead: Vec<Node>,
    shape: Vec<Node>,
    shaped: Vec<usize>,
}

impl Building {
    fn add(&mut self, patterns: &Patterns<'_>) {
        let number = self.rules.len();
        let node = parse(patterns.main);
        let required = node.as_ref().and_then(required);
        let way = match (&node, &required) {
            (_, Some(required)) => Way::Literals {
                // A character is up to four bytes, and no match is longer than the reach.
                before: required.before.map_or(REACH, |chars| chars.saturating_mul(4).min(REACH)),
                length: required.literals.iter().map(|l| l.text.len()).max().unwrap_or(0),
            },
            (Some(_), None) => Way::Shape,
            (None, None) => Way::None,
        };
        let is_gated = required.is_none() && self.gate(number, patterns);
        let beside = required.as_ref().map_or(Beside::anything(), |required| {
            Beside::of(&required.preceding, &required.following)
        });
        let node = node.unwrap_or(Node::Any(0, None));
        let (behind, at_boundary) = opening(&node);
        self.rules.push(Rule {
            way,
            behind,
            beside,
            at_boundary,
            ignores_case: node.ignores_case(),
            is_gated,
        });
        if way == Way::Shape {
            self.shape.push(beginning(&node));
            self.shaped.push(number);
        }
        self.whole.push(node);
        self.lead.push(match required {
            Some(required) => {
                let wanted = required.literals.into_iter().map(|l| wanted(l, number, false));
                self.literals.extend(wanted);
                required.lead
            }
            None => Node::Nothing,
        });
    }

    /// Looks for the rarest of what its contexts require; whether they require anything.
    fn gate(&mut self, rule: usize, patterns: &Patterns<'_>) -> bool {
        let contexts = patterns.contexts.iter().filter_map(|pattern| parse(pattern));
        // Characters that are odd may stand for letters of the literals.
        let contexts = contexts.filter(|context| !context.ignores_case());
        let Some(rarest) = contexts
            .filter_map(|context| required(&context))
            .min_by(|a, b| a.frequency().total_cmp(&b.frequency()))
        else {
            return false;
        };
        self.literals.extend(rarest.literals.into_iter().map(|l| wanted(l, rule, true)));
        true
    }

    fn finish(mut self) -> Prefilter {
        self.literals.sort_by(|a, b| (&a.0, a.1.rule).cmp(&(&b.0, b.1.rule)));
        let mut wanted_by: Vec<Vec<Wanted>> = Vec::new();
        let mut distinct: Vec<String> = Vec::new();
        for (literal, wanted) in self.literals {
            if distinct.last() != Some(&literal) {
                distinct.push(literal);
                wanted_by.push(Vec::new());
            }
            wanted_by.last_mut().expect("one list a literal").push(wanted);
        }
        let bytes: usize = distinct.iter().map(String::len).sum();
        let kind = (bytes <= TABLE_LITERALS).then_some(AhoCorasickKind::DFA);
        let literals =
            AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build(&distinct).ok();
        if literals.is_none() {
            for rule in &mut self.rules {
                rule.way = Way::None;
                rule.is_gated = false;
            }
        }
        let has_literals = !distinct.is_empty();
        let automaton = |patterns: &[Node], backwards: bool, is_needed: bool| {
            if is_needed { Automaton::new(patterns, backwards) } else { None }
        };
        Prefilter {
            literals: literals.filter(|_| has_literals),
            wanted_by,
            whole: automaton(&self.whole, false, has_literals),
            lead: automaton(&self.lead, true, has_literals),
            shape: automaton(&self.shape, true, !self.shape.is_empty()),
            rules: self.rules,
            shaped: self.shaped,
        }
    }
}

/// A literal in lower case, and who wants it.
fn wanted(literal: Literal, rule: usize, is_gate: bool) -> (String, Wanted) {
    let Literal { text, ignores_case, begins_word, ends_word } = literal;
    let lower = text.to_ascii_lowercase();
    let has_case = text.contains(|c: char| c.is_ascii_alphabetic());
    let exactly = (has_case && !ignores_case).then_some(text);
    (lower, Wanted { rule, exactly, begins_word, ends_word, is_gate })
}

/// What a pattern says of the character before a match, and whether it begins at the edge of a word.
fn opening(node: &Node) -> (Set, bool) {
    let mut behind = Set::default().complement();
    let mut at_boundary = false;
    for part in node.parts() {
        match part {
            Node::Nothing => {}
            Node::Boundary => at_boundary = true,
            Node::Behind(set) => behind = behind.intersection(*set),
            _ => break,
        }
    }
    (behind, at_boundary)
}

/// A look at one text.
struct Scan<'t> {
    prefilter: &'t Prefilter,
    text: &'t str,
    /// Where there are characters that make it hard to say what a pattern matches.
    odd: Vec<usize>,
    /// For each rule, whether its contexts can hold.
    open: Vec<bool>,
    places: Vec<Places>,
}

impl Scan<'_> {
    /// A literal was found, in some case.
    fn hit(&mut self, wanted: &Wanted, start: usize, end: usize) {
        let bytes = self.text.as_bytes();
        if wanted.exactly.as_ref().is_some_and(|exactly| exactly.as_bytes() != &bytes[start..end])
            || (wanted.begins_word && start > 0 && is_word(bytes[start - 1]))
            || (wanted.ends_word && bytes.get(end).is_some_and(|byte| is_word(*byte)))
        {
            return;
        }
        let number = wanted.rule;
        if wanted.is_gate {
            self.open[number] = true;
            return;
        }
        let rule = &self.prefilter.rules[number];
        let before = match rule.way {
            Way::Literals { before, .. } => before,
            Way::Shape | Way::None => REACH,
        };
        let first = floor(self.text, start.saturating_sub(before));
        // A character beyond the literal, whose case folding may reach over its edges.
        let near = first..end + REACH;
        if !(rule.ignores_case && self.is_odd(&near))
            && (!rule.beside.allows(self.text, start, end) || self.lead(number, first, end).is_ok())
        {
            return;
        }
        add(&mut self.places[number], first..start + 1);
    }

    /// Adds the places from `first` on from which the rule's lead reaches to `end`.
    fn lead(&mut self, number: usize, first: usize, end: usize) -> Result<(), GivenUp> {
        let (Some(lead), Some(whole)) = (&self.prefilter.lead, &self.prefilter.whole) else {
            return Err(GivenUp);
        };
        let (text, rule) = (self.text, &self.prefilter.rules[number]);
        let places = &mut self.places[number];
        let mut outcome = Ok(());
        lead.starts(number, text, first, end, |start| {
            if !rule.may_begin(text, start) || holds(places, start) {
                return;
            }
            let last = text.len().min(start.saturating_add(2 * REACH));
            match whole.may_match(number, text, start, last) {
                Ok(true) => add(places, start..start + 1),
                Ok(false) => {}
                Err(GivenUp) => outcome = Err(GivenUp),
            }
        })?;
        outcome
    }

    /// Looks for the rules that require no literal.
    fn shapes(&mut self) {
        let prefilter = self.prefilter;
        let is_open = |rule: &&usize| self.open[**rule];
        let open: Vec<usize> = prefilter.shaped.iter().filter(is_open).copied().collect();
        if open.is_empty() || self.text.is_empty() {
            return;
        }
        let mut found: Vec<Vec<usize>> = vec![Vec::new(); self.prefilter.shaped.len()];
        let outcome = prefilter.shape.as_ref().map_or(Err(GivenUp), |shape| {
            shape.all_starts(self.text, |pattern, start| {
                let rule = prefilter.shaped[pattern];
                if self.open[rule] && prefilter.rules[rule].may_begin(self.text, start) {
                    found[pattern].push(start);
                }
            })
        });
        for (rule, starts) in prefilter.shaped.iter().zip(found) {
            if outcome.is_err() && self.open[*rule] {
                add(&mut self.places[*rule], 0..self.text.len());
            } else {
                for start in starts.into_iter().rev() {
                    add(&mut self.places[*rule], start..start + 1);
                }
            }
        }
    }

    /// Adds what the characters may hide that match letters where case is ignored.
    fn oddities(&mut self) {
        if self.odd.is_empty() {
            return;
        }
        for (number, rule) in self.prefilter.rules.iter().enumerate() {
            let reach = match rule.way {
                // The character may be one of the literal, after all that may precede it.
                Way::Literals { before, length } if rule.ignores_case => before + 4 * length + 4,
                Way::Shape if rule.ignores_case && self.open[number] => REACH,
                _ => continue,
            };
            for place in &self.odd {
                let first = floor(self.text, place.saturating_sub(reach));
                add(&mut self.places[number], first..place + 1);
            }
        }
    }

    /// Whether there is a character in the range that makes shapes unsure.
    fn is_odd(&self, range: &Range<usize>) -> bool {
        let next = self.odd.partition_point(|place| *place < range.start);
        self.odd.get(next).is_some_and(|place| *place < range.end)
    }
}

impl Rule {
    /// Whether what stands before `start` allows a match to begin there.
    fn may_begin(&self, text: &str, start: usize) -> bool {
        let bytes = text.as_bytes();
        let (before, next) = (start.checked_sub(1).map(|b| bytes[b]), bytes.get(start));
        let is_behind = before.is_none_or(|before| self.behind.may_hold(before));
        let is_inside = |before: u8, next: u8| {
            before.is_ascii() && next.is_ascii() && is_word(before) == is_word(next)
        };
        let at_boundary = !self.at_boundary
            || !before.zip(next.copied()).is_some_and(|(before, next)| is_inside(before, next));
        is_behind && at_boundary && next.is_some() && text.is_char_boundary(start)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii() && WORD & (1 << byte) != 0
}

/// Whether the byte is at one of the places.
fn holds(places: &Places, byte: usize) -> bool {
    let next = places.partition_point(|place| place.end <= byte);
    places.get(next).is_some_and(|place| place.start <= byte)
}

/// Adds a range that may begin before the last ones, but hardly ever does.
fn add(places: &mut Places, mut range: Range<usize>) {
    let mut later = Vec::new();
    while let Some(last) = places.pop_if(|last| range.start <= last.end) {
        if last.start > range.end {
            later.push(last);
        } else {
            range = range.start.min(last.start)..range.end.max(last.end);
        }
    }
    places.push(range);
    places.extend(later.into_iter().rev());
}

#[cfg(test)]
mod tests;
