//! What may stand directly before and after a literal in a match? Looking at three characters holds back most of the
//! literals that are common, such as full stops, before an automaton is asked. Letters whose case is ignored are taken to match
//! ASCII alone, as in `literal`.

use super::class::Set;
use super::syntax::Node;

/// So many steps into a pattern are made to find out; then anything may stand there.
const STEPS: usize = 10_000;
/// So many of them lead on from one another, each on the stack. Groups nested as deeply as `syntax` reads them take fewer,
/// but for some that may be empty and are repeated.
const DEPTH: usize = 500;

/// The characters beside a literal, where there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beside {
    before: Set,
    /// The first and the second one.
    after: [Set; 2],
}

impl Beside {
    /// Whatever it is.
    pub(super) fn anything() -> Self {
        Self::of(&Node::Any(0, None), &Node::Any(0, None))
    }

    /// What stands before and after a literal that `preceding` leads up to and `following` comes after, in a pattern.
    pub(super) fn of(preceding: &Node, following: &Node) -> Self {
        let (mut before, mut after) = ([Set::default()], [Set::default(); 2]);
        let nothing = Rest::Nothing;
        let mut backwards = Reader { is_backwards: true, steps: STEPS, depth: 0 };
        backwards.read(&Rest::Node(preceding, &nothing), &mut before);
        let mut forwards = Reader { is_backwards: false, steps: STEPS, depth: 0 };
        forwards.read(&Rest::Node(following, &nothing), &mut after);
        let [before] = before;
        Self { before, after }
    }

    /// Whether the literal at these bytes of `text` may be that of a match.
    pub(super) fn allows(&self, text: &str, start: usize, end: usize) -> bool {
        let byte = |at: usize| text.as_bytes().get(at).copied();
        let [first, second] = self.after;
        start.checked_sub(1).and_then(byte).is_none_or(|byte| self.before.may_hold(byte))
            && byte(end).is_none_or(|after| {
                // Of what is longer than a byte, the second one is not looked for.
                let next = byte(end + 1).filter(|_| after.is_ascii());
                first.may_hold(after) && next.is_none_or(|next| second.may_hold(next))
            })
    }
}

/// What is left of a pattern.
#[derive(Clone, Copy)]
enum Rest<'n> {
    Nothing,
    Node(&'n Node, &'n Rest<'n>),
    Parts(&'n [Node], &'n Rest<'n>),
    /// A part, how often at least and at most.
    Times(&'n Node, usize, usize, &'n Rest<'n>),
}

/// Reads the first characters of what a pattern matches, or backwards the last.
struct Reader {
    is_backwards: bool,
    /// How many are left.
    steps: usize,
    depth: usize,
}

impl Reader {
    /// Adds the characters that the rest of a pattern may begin with to the sets, one for each place. Beyond its end there
    /// may be any.
    fn read(&mut self, rest: &Rest<'_>, sets: &mut [Set]) {
        if sets.is_empty() {
            return;
        }
        if self.steps == 0 || self.depth == DEPTH {
            return fill(sets);
        }
        self.steps -= 1;
        self.depth += 1;
        self.step(rest, sets);
        self.depth -= 1;
    }

    fn step(&mut self, rest: &Rest<'_>, sets: &mut [Set]) {
        let places = sets.len();
        let Some((first, others)) = sets.split_first_mut() else { return };
        let (node, next) = match *rest {
            Rest::Nothing => return fill(sets),
            Rest::Node(node, next) => (node, next),
            Rest::Parts(parts, next) => {
                let split =
                    if self.is_backwards { parts.split_last() } else { parts.split_first() };
                return match split {
                    Some((part, parts)) => {
                        self.read(&Rest::Node(part, &Rest::Parts(parts, next)), sets);
                    }
                    None => self.read(next, sets),
                };
            }
            Rest::Times(part, least, most, next) => {
                if least == 0 {
                    self.read(next, sets);
                }
                if most > 0 {
                    let less = Rest::Times(part, least.saturating_sub(1), most - 1, next);
                    self.read(&Rest::Node(part, &less), sets);
                }
                return;
            }
        };
        match node {
            Node::Nothing | Node::Boundary | Node::Behind(_) | Node::Edge(_) => {
                self.read(next, sets);
            }
            // What else it matches may be several characters.
            Node::Char(c, true) if !c.is_ascii() => fill(sets),
            Node::Char(c, ignore_case) => {
                *first = first.union(Set::range(*c, *c).ignoring_case(*ignore_case));
                self.read(next, others);
            }
            Node::Class(set) => {
                *first = first.union(*set);
                self.read(next, others);
            }
            Node::Any(..) => fill(sets),
            Node::Sequence(parts) => self.read(&Rest::Parts(parts, next), sets),
            Node::Either(branches) => {
                branches.iter().for_each(|branch| self.read(&Rest::Node(branch, next), sets));
            }
            // Each time takes a place, or may as well be left out.
            Node::Repeat(part, least, most) => {
                let most = most.unwrap_or(places).min(places);
                self.read(&Rest::Times(part, (*least).min(places), most, next), sets);
            }
        }
    }
}

/// Anything may stand there.
fn fill(sets: &mut [Set]) {
    sets.fill(Set::default().complement());
}

#[cfg(test)]
mod tests {
    use super::super::syntax::parse;
    use super::*;

    #[test]
    fn what_may_stand_beside_a_literal_is_known() {
        // What precedes and follows the literal, `.`; texts with it that may hold it; texts that do not.
        let cases: &[(&str, &str, &[&str], &[&str])] = &[
            (r"\p{Lu}", r"\s?\p{Lu}", &["A. B", "A.B", "É. Ö", "."], &["a. B", "A.b"]),
            ("", "", &["a.b", "."], &[]),
            (r"\w+", r",\s(?:aged\s)?[1-9]", &["x., ", "9.,\t"], &[" ., ", "x.,,", "x.x"]),
            (r"(?:ab|c)*", "d*", &["b.e", "e.d"], &[]),
            (r"x(?:ab|c)*", "d{1,2}e", &["b.de", "x.dd"], &["a.de", "b.ed", "b.df"]),
            (r"(?i:q)", "(?i:k)z", &["Q.Kz", "q.kz"], &["p.kz", "q.kZ"]),
            (r"(?i:ß)", ".x", &["s.ax", "s.bb"], &[]),
            (r"(?:)*a", "(?:)*b", &["a.b"], &["c.b", "a.c"]),
            (r"(?:a|){255}", r"a{3}b|(?:)c{0}d", &["b.aa", "a.d", "a.ab"], &["a.c"]),
        ];
        for (preceding, following, may, may_not) in cases {
            let beside = Beside::of(&parse(preceding).unwrap(), &parse(following).unwrap());
            let allows = |text: &&&str| {
                let at = text.find('.').unwrap();
                beside.allows(text, at, at + 1)
            };
            for text in may.iter() {
                assert!(allows(&text), "{preceding}.{following} may match {text:?}");
            }
            for text in may_not.iter() {
                assert!(!allows(&text), "{preceding}.{following} does not match {text:?}");
            }
        }
    }

    #[test]
    fn what_repeats_in_what_repeats_is_not_read_to_its_end() {
        // Sixty levels deep, as deep as groups are read; each may be empty.
        for times in ["?", "*", "{9}", "{255}"] {
            let nested = format!("{}a?{}b", "(?:".repeat(60), format!("){times}").repeat(60));
            let beside = Beside::of(&parse("").unwrap(), &parse(&nested).unwrap());
            assert!(beside.allows(".ab", 0, 1), "{nested}");
        }
    }
}
