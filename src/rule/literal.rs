//! Which literals must stand in every text that a pattern matches, and what leads up to them from
//! the beginning of the match? Reading the pattern is `syntax`'s work, matching it Oniguruma's.
//!
//! Characters whose case is ignored are taken to match themselves and their other ASCII case. The
//! few characters beyond ASCII that match them too, ſ for s, ß for ss, are [`odd`](super::odd).

use super::class::WORD;
use super::syntax::Node;

/// More alternatives than this filter little and cost memory.
const MAX_LITERALS: usize = 256;

/// So many alternatives may come of what stands side by side, `(?:Mon|Fri)day`.
const MAX_PRODUCT: usize = 64;

/// Literals that stand more often than at every so many bytes of text are not worth looking for.
const TOO_OFTEN: f64 = 1.0 / 40.0;

/// A literal counts as at least so frequent: every one costs something.
const AT_LEAST: f64 = 1e-6;

/// A text that stands in a match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Literal {
    pub text: String,
    /// Whether the case of any of its letters is ignored.
    pub ignores_case: bool,
    /// Whether it begins at the beginning of a word.
    pub begins_word: bool,
    /// Whether it ends at the end of a word.
    pub ends_word: bool,
}

/// What every match of a pattern holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Required {
    /// Every match holds at least one of these; sorted, without duplicates, none of them empty.
    pub literals: Vec<Literal>,
    /// At most so many characters of the match precede it; `None` where nobody knows.
    pub before: Option<usize>,
    /// What matches from the beginning of the match to the end of the literal.
    pub lead: Node,
    /// What matches from the beginning of the match to the beginning of the literal.
    pub preceding: Node,
    /// What matches from the end of the literal to the end of the match.
    pub following: Node,
}

/// What every match of the pattern holds; `None` where it promises nothing useful.
pub(super) fn required(pattern: &Node) -> Option<Required> {
    best(pattern).filter(|required| required.frequency() <= TOO_OFTEN)
}

impl Required {
    /// How often one of the literals stands at a byte of English text, roughly.
    pub(super) fn frequency(&self) -> f64 {
        self.literals.iter().map(|literal| frequency(&literal.text).max(AT_LEAST)).sum()
    }

    /// What surrounds it in a sequence, put around it.
    fn between(mut self, parts: &[Node], behind: &[Node]) -> Self {
        let preceding = parts
            .iter()
            .try_fold(0_usize, |sum, part| part.most().map(|most| sum.saturating_add(most)));
        self.before = self.before.zip(preceding).map(|(a, b)| a.saturating_add(b));
        self.lead = Node::sequence(parts.iter().cloned().chain([self.lead]));
        self.preceding = Node::sequence(parts.iter().cloned().chain([self.preceding]));
        self.following = Node::sequence([self.following].into_iter().chain(behind.iter().cloned()));
        self
    }
}

/// As if characters stood independently of each other.
fn frequency(literal: &str) -> f64 {
    literal.chars().map(|c| char_frequency(c.to_ascii_lowercase())).product()
}

/// How often a character is one of English text, of either case.
fn char_frequency(c: char) -> f64 {
    /// Per mille, from `a` to `z`.
    const LETTERS: [f64; 26] = [
        66.0, 12.0, 23.0, 32.0, 100.0, 18.0, 17.0, 45.0, 57.0, 2.0, 7.0, 33.0, 20.0, 57.0, 62.0,
        16.0, 1.0, 50.0, 53.0, 75.0, 23.0, 8.0, 18.0, 2.0, 15.0, 1.0,
    ];
    let per_mille = match c {
        'a'..='z' => LETTERS.get(usize::from(c as u8 - b'a')).copied().unwrap_or(1.0),
        c if c.is_whitespace() => 170.0,
        '.' | ',' => 12.0,
        '0'..='9' | '-' | '\'' | '"' | '’' => 4.0,
        _ => 1.0,
    };
    per_mille / 1000.0
}

/// The rarest of what every match holds.
fn best(node: &Node) -> Option<Required> {
    match node {
        Node::Either(branches) if texts(node).is_none() => either(branches),
        Node::Repeat(part, least, most) if texts(node).is_none() => {
            let again = Node::Repeat(part.clone(), 0, most.map(|most| most.saturating_sub(1)));
            let first = if *least > 0 { best(part) } else { None };
            first.map(|first| first.between(&[], &[again]))
        }
        node => in_sequence(node.parts()),
    }
}

/// What a match of one of the branches holds.
fn either(branches: &[Node]) -> Option<Required> {
    let mut literals = Vec::new();
    let (mut leads, mut preceding, mut following) = (Vec::new(), Vec::new(), Vec::new());
    let mut before = Some(0);
    for branch in branches {
        let one = best(branch)?;
        literals.extend(one.literals);
        leads.push(one.lead);
        preceding.push(one.preceding);
        following.push(one.following);
        before = before.zip(one.before).map(|(a, b)| a.max(b));
        if literals.len() > MAX_LITERALS {
            return None;
        }
    }
    literals.sort();
    literals.dedup();
    let [lead, preceding, following] = [leads, preceding, following].map(Node::Either);
    Some(Required { literals, before, lead, preceding, following })
}

/// The best of what a match of a sequence holds.
fn in_sequence(parts: &[Node]) -> Option<Required> {
    let mut found: Vec<Required> = Vec::new();
    let mut run: Option<Run> = None;
    for (number, part) in parts.iter().enumerate() {
        if matches!(part, Node::Nothing | Node::Boundary | Node::Behind(_)) {
            continue;
        }
        let Some(here) = texts(part) else {
            found.extend(run.take().and_then(|run| run.required(parts, number)));
            if matches!(part, Node::Either(_) | Node::Repeat(..) | Node::Sequence(_)) {
                let best = best(part);
                found.extend(best.map(|r| r.between(&parts[..number], &parts[number + 1..])));
            }
            continue;
        };
        run = Some(match run.take() {
            Some(before) if before.texts.len() * here.len() <= MAX_PRODUCT => {
                Run { first: before.first, texts: product(&before.texts, &here) }
            }
            before => {
                found.extend(before.and_then(|run| run.required(parts, number)));
                Run { first: number, texts: here }
            }
        });
    }
    found.extend(run.and_then(|run| run.required(parts, parts.len())));
    found.into_iter().min_by(|a, b| a.frequency().total_cmp(&b.frequency()))
}

/// Parts of a sequence that match a few texts and nothing else.
struct Run {
    /// The number of its first part.
    first: usize,
    texts: Vec<Text>,
}

/// A text, and whether the case of any of its letters is ignored.
type Text = (String, bool);

impl Run {
    /// What a match holds that has the parts up to `end` in it; `None` where it may hold nothing.
    fn required(mut self, parts: &[Node], end: usize) -> Option<Required> {
        if self.texts.iter().any(|(text, _)| text.is_empty()) {
            return None;
        }
        self.texts.sort();
        self.texts.dedup();
        let is_empty = |part: &&Node| matches!(part, Node::Nothing | Node::Behind(_));
        let opens = parts[..self.first].iter().rev().find(|part| !is_empty(part));
        let closes = parts[..end].iter().rev().find(|part| !is_empty(part));
        let (opens, closes) = (opens == Some(&Node::Boundary), closes == Some(&Node::Boundary));
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii() && WORD & 1 << c as u8 != 0);
        let literal = |(text, ignores_case): (String, bool)| Literal {
            begins_word: opens && is_word(text.chars().next()),
            ends_word: closes && is_word(text.chars().next_back()),
            text,
            ignores_case,
        };
        let all: Vec<Literal> = self.texts.into_iter().map(literal).collect();
        let literals = without_longer(&all);
        // One that is left may be the end of one that is not.
        let lengths = || all.iter().map(|literal| literal.text.chars().count());
        let is_same = literals.len() == all.len();
        let hidden = lengths().max().zip(lengths().min()).map_or(0, |(long, short)| long - short);
        let before = Some(if is_same { 0 } else { hidden });
        let lead = Node::sequence(parts[self.first..end].iter().cloned());
        let beside = || if is_same { Node::Nothing } else { Node::Any(0, None) };
        let (preceding, following) = (beside(), beside());
        let required = Required { literals, before, lead, preceding, following };
        Some(required.between(&parts[..self.first], &parts[end..]))
    }
}

/// Without those that begin or end with another of the same run, which stands wherever they do.
fn without_longer(literals: &[Literal]) -> Vec<Literal> {
    let edge = |a: Option<char>| a.is_none_or(|c| !c.is_ascii() || WORD & 1 << c as u8 == 0);
    let is_in = |short: &Literal, long: &Literal| {
        let is_same_case = short.ignores_case || !long.ignores_case;
        let begins = long.text.strip_prefix(&*short.text).is_some_and(|rest| {
            !rest.is_empty() && (!short.ends_word || edge(rest.chars().next()))
        });
        let ends = long.text.strip_suffix(&*short.text).is_some_and(|rest| {
            !rest.is_empty() && (!short.begins_word || edge(rest.chars().next_back()))
        });
        is_same_case && (begins || ends)
    };
    let kept = literals.iter().filter(|long| !literals.iter().any(|short| is_in(short, long)));
    kept.cloned().collect()
}

/// The texts that a node matches, where they are few and it matches nothing else.
fn texts(node: &Node) -> Option<Vec<Text>> {
    match node {
        Node::Nothing | Node::Boundary | Node::Behind(_) | Node::Edge(_) => {
            Some(vec![Text::default()])
        }
        // What else it matches, ignoring case, is not known.
        Node::Char(c, true) if !c.is_ascii() => None,
        Node::Char(c, ignore_case) => {
            Some(vec![(c.to_string(), *ignore_case && c.is_ascii_alphabetic())])
        }
        Node::Class(_) | Node::Any(..) => None,
        Node::Sequence(parts) => {
            let mut all = vec![Text::default()];
            for part in parts {
                let part = texts(part)?;
                if all.len() * part.len() > MAX_PRODUCT {
                    return None;
                }
                all = product(&all, &part);
            }
            Some(all)
        }
        Node::Either(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(texts(branch)?);
                if all.len() > MAX_LITERALS {
                    return None;
                }
            }
            Some(all)
        }
        Node::Repeat(part, least, Some(most)) if *most <= 3 => {
            let part = texts(part)?;
            let mut all = if *least == 0 { vec![Text::default()] } else { Vec::new() };
            let mut times = vec![Text::default()];
            for time in 1..=*most {
                if times.len() * part.len() > MAX_PRODUCT {
                    return None;
                }
                times = product(&times, &part);
                if time >= *least {
                    all.extend(times.iter().cloned());
                }
            }
            if all.is_empty() {
                all.push(Text::default());
            }
            Some(all)
        }
        Node::Repeat(..) => None,
    }
}

fn product(first: &[Text], second: &[Text]) -> Vec<Text> {
    first
        .iter()
        .flat_map(|(a, fold)| {
            second.iter().map(move |(b, also)| (format!("{a}{b}"), *fold || *also))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::syntax;
    use super::*;

    fn of(pattern: &str) -> Option<Required> {
        required(&syntax::parse(pattern)?)
    }

    /// Patterns and what they require, parted by `|`; `-` where they require nothing.
    const CASES: &[(&str, &str)] = &[
        (r"\b(?:Mr|Mrs|Ms|Dr)\.?\s+(?<entity>\p{Lu}\p{L}+)", "Dr|Mr|Ms"),
        (r"University of (?<entity>\p{Lu}\w+)", "University of "),
        (r"(?<y>\d{4})-(?<m>\d\d)", "-"),
        (r"[\w.]+@[\w.]+", "@"),
        (r"colou?r", "color|colour"),
        (r"ab+cd", "cd"),
        (r"(?:foo|bar)?baz", "baz"),
        (r"(?:foo|bar){0}", ""),
        (r"(?:foo|b){2}", "bb|bfoo|foob|foofoo"),
        (r"(?:foo|b)ar", "bar|fooar"),
        (r"(?:Mon|Fri)day", "Friday|Monday"),
        (r"foo|", ""),
        (r"(?i)January|March", "January|March"),
        (r"(?i:Mr) Smith", "Mr Smith"),
        (r"(?i)fish", "fish"),
        (r"[Jj]anuary", "January|january"),
        (r"[A-Z]anuary", "anuary"),
        (r"a(?i)bcd|egh", "abcd|aegh"),
        (
            r"(?x) foo # comment
            bar",
            "foobar",
        ),
        (r"foo{2}bar", "fooobar"),
        (r"foo{bar", "foo{bar"),
        (r"(?=foo)\w+", ""),
        (r"(?!foo)bar", "bar"),
        (r"(?<=foo)bar", "bar"),
        (r"\$\d+", "$"),
        (r"€\d+|\d+ euros?", " euro|€"),
        (r"foo\x41bar", "fooAbar"),
        (r"foo(?#\)x)+", "fo"),
        (r"(?~foo)bar", ""),
        (r"[[:alpha:]]+ Inc", " Inc"),
        (r"[^]]foo", ""),
        (r"(?<a>foo)\k<a>", "foo"),
        (r"(?i)K\.Smith", "K.Smith"),
        (r"(?i)straße", "stra"),
        (r"[\d.,]+ euro", " euro"),
        (r"a{,3}foo{1}?bar", "fobar|foobar"),
        (r"\w+ \w", ""),
        (r"\bfoo(?:bar)?\b", "foo|foobar"),
        (r"\bfoo(?:, bar)?\b", "foo"),
    ];

    #[test]
    fn requirements_are_as_strong_as_listed() {
        for (pattern, expected) in CASES {
            let join = |r: Required| {
                r.literals.into_iter().map(|literal| literal.text).collect::<Vec<_>>().join("|")
            };
            assert_eq!(of(pattern).map(join).unwrap_or_default(), *expected, "{pattern}");
        }
    }

    /// Patterns and how far behind the beginning what they require may stand.
    const BEFORE: &[(&str, Option<usize>)] = &[
        (r"\b(?:Mr|Mrs)\.? \w+", Some(0)),
        (r"\w+ Inc", None),
        (r"\d{1,2} (?:May|June)", Some(2)),
        (r"(?:\da?b|c{2}\d) foo", Some(3)),
        (r"(?:[ab]{3}){2,4}?foo", Some(12)),
        (r"(?i)\d(?:xy)", Some(1)),
        (r"(?i)fuß foo", Some(9)),
        (r"\R+?x?\Xfoo", None),
        (r"(?:\d\dfoo){2,}", Some(2)),
        (r"foo|..bar", Some(2)),
    ];

    #[test]
    fn what_precedes_a_literal_is_bounded_where_it_can_be() {
        for (pattern, expected) in BEFORE {
            assert_eq!(of(pattern).and_then(|r| r.before), *expected, "{pattern}");
        }
    }

    #[test]
    fn words_begin_and_end_where_the_pattern_says_so() {
        for (pattern, begins, ends) in [
            (r"\bInc\b", true, true),
            (r"\b(?<e>(?!x)Inc)(?!y)\b", true, true),
            (r"\b\.Inc", false, false),
            (r"\b(?:\d)?Inc\b\.", false, false),
            (r"\w\sInc(?:\.|\b)", false, false),
        ] {
            let required = of(pattern).unwrap();
            let got = required.literals.iter().map(|l| (l.begins_word, l.ends_word));
            assert!(got.clone().all(|got| got == (begins, ends)), "{pattern}: {required:?}");
        }
    }

    #[test]
    fn deep_nesting_requires_nothing() {
        let pattern = format!("{}foo{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(of(&pattern), None);
    }
}
