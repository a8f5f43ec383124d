//! Tag sequences read by the letter of a scheme, as the strict mode of the Python package seqeval 1.2.2
//! reads them: what the scheme does not allow is no entity. Its tables of patterns are followed as they
//! are, also where they leave out cases (IOE1).

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::span::Label;
use crate::span::scheme::{LetterPlace, TaggedRange};

/// A scheme of tags that can be read strictly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrictScheme {
    /// `I-` inside; `B-` only where an entity follows another of its label.
    Iob1,
    /// `B-` first token, `I-` the others.
    Iob2,
    /// `I-` inside; `E-` only where an entity of its label follows.
    Ioe1,
    /// `E-` last token, `I-` the others.
    Ioe2,
    /// `B-` first, `I-` inside, `E-` last, `S-` single.
    Iobes,
    /// `B-` first, `I-` inside, `L-` last, `U-` unit.
    Bilou,
}

/// How two labels are to stand to each other.
#[derive(Clone, Copy)]
enum Labels {
    Any,
    Same,
    Different,
}

use Labels::{Any, Different, Same};

/// Letters before, a letter now, and how their labels stand to each other.
type Pattern = (&'static str, char, Labels);

/// Every letter.
const ALL: &str = "IOBESUL";

/// What a scheme allows.
struct Patterns {
    letters: &'static str,
    /// The token now begins an entity.
    start: &'static [Pattern],
    /// The token now goes on with the entity of the one before.
    inside: &'static [Pattern],
    /// The token before ends its entity; the letters now are those of the last field.
    end: &'static [(char, &'static str, Labels)],
}

impl StrictScheme {
    /// All schemes.
    pub const ALL: [StrictScheme; 6] =
        [Self::Iob1, Self::Iob2, Self::Ioe1, Self::Ioe2, Self::Iobes, Self::Bilou];

    /// The names of all schemes, as users type them.
    pub const NAMES: [&str; 6] = ["iob1", "iob2", "ioe1", "ioe2", "iobes", "bilou"];

    fn patterns(self) -> Patterns {
        match self {
            Self::Iob1 => Patterns {
                letters: "IOB",
                start: &[
                    ("O", 'I', Any),
                    ("I", 'I', Different),
                    ("B", 'I', Any),
                    ("I", 'B', Same),
                    ("B", 'B', Same),
                ],
                inside: &[("B", 'I', Same), ("I", 'I', Same)],
                end: &[
                    ('I', "I", Different),
                    ('I', "OB", Any),
                    ('B', "O", Any),
                    ('B', "I", Different),
                    ('B', "B", Same),
                ],
            },
            Self::Iob2 => Patterns {
                letters: "IOB",
                start: &[(ALL, 'B', Any)],
                inside: &[("B", 'I', Same), ("I", 'I', Same)],
                end: &[
                    ('I', "OB", Any),
                    ('I', "I", Different),
                    ('B', "OB", Any),
                    ('B', "I", Different),
                ],
            },
            Self::Ioe1 => Patterns {
                letters: "IOE",
                start: &[("O", 'I', Any), ("I", 'I', Different), ("E", 'I', Any), ("E", 'E', Same)],
                inside: &[("I", 'I', Same), ("I", 'E', Same)],
                end: &[
                    ('I', "I", Different),
                    ('I', "O", Any),
                    ('I', "E", Different),
                    ('E', "IE", Same),
                ],
            },
            Self::Ioe2 => Patterns {
                letters: "IOE",
                start: &[
                    ("OE", 'I', Any),
                    ("OE", 'E', Any),
                    ("I", 'I', Different),
                    ("I", 'E', Different),
                ],
                inside: &[("I", 'E', Same), ("I", 'I', Same)],
                end: &[('E', ALL, Any)],
            },
            Self::Iobes => Patterns {
                letters: "IOBES",
                start: &[(ALL, 'B', Any), (ALL, 'S', Any)],
                inside: &[("BI", 'I', Same), ("BI", 'E', Same)],
                end: &[('S', ALL, Any), ('E', ALL, Any)],
            },
            Self::Bilou => Patterns {
                letters: "BILOU",
                start: &[(ALL, 'B', Any), (ALL, 'U', Any)],
                inside: &[("BI", 'I', Same), ("BI", 'L', Same)],
                end: &[('U', ALL, Any), ('L', ALL, Any)],
            },
        }
    }
}

impl fmt::Display for StrictScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Self::ALL.iter().position(|scheme| scheme == self);
        f.pad(Self::NAMES[place.expect("all schemes are listed")])
    }
}

impl FromStr for StrictScheme {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|scheme| scheme.to_string() == name);
        known.ok_or_else(|| Error::unknown("tag scheme", name, &Self::NAMES))
    }
}

/// A tag's letter and label.
type Tag<'t> = (char, &'t str);

/// The outside of every entity.
const OUTSIDE: Tag<'static> = ('O', "_");

/// The entities that `tags` mark by the letter of `scheme`. A tag without a label has the label `_`.
///
/// # Errors
/// Where a tag has no letter of the scheme.
pub fn decode_strict(
    scheme: StrictScheme,
    place: LetterPlace,
    tags: &[&str],
) -> Result<Vec<TaggedRange>> {
    let patterns = scheme.patterns();
    let parsed = tags.iter().map(|tag| parse(scheme, &patterns, place, tag));
    let mut parsed: Vec<Tag<'_>> = parsed.collect::<Result<_>>()?;
    parsed.push(OUTSIDE);
    let starts = |before: Tag<'_>, now: Tag<'_>| is_any(patterns.start, before, now);
    let goes_on = |before: Tag<'_>, now: Tag<'_>| is_any(patterns.inside, before, now);
    let mut entities = Vec::new();
    let mut before = OUTSIDE;
    let mut token = 0;
    while token < parsed.len() {
        let start = token;
        token += 1;
        if starts(before, parsed[start]) {
            while token < parsed.len() && goes_on(parsed[token - 1], parsed[token]) {
                token += 1;
            }
            // What begins is not outside, so the outside at the end is still to come.
            let (last, next) = (parsed[token - 1], parsed[token]);
            let ends = patterns.end.iter().any(|(letter, letters, labels)| {
                *letter == last.0 && letters.contains(next.0) && labels.hold(last.1, next.1)
            });
            if ends {
                entities.push((start..token, Label::new(parsed[start].1)));
            }
        }
        before = parsed[token - 1];
    }
    Ok(entities)
}

fn is_any(patterns: &[Pattern], before: Tag<'_>, now: Tag<'_>) -> bool {
    patterns.iter().any(|(letters, letter, labels)| {
        letters.contains(before.0) && *letter == now.0 && labels.hold(before.1, now.1)
    })
}

impl Labels {
    fn hold(self, one: &str, other: &str) -> bool {
        match self {
            Any => true,
            Same => one == other,
            Different => one != other,
        }
    }
}

fn parse<'t>(
    scheme: StrictScheme,
    patterns: &Patterns,
    place: LetterPlace,
    tag: &'t str,
) -> Result<Tag<'t>> {
    let split = place.split(tag).filter(|(letter, _)| patterns.letters.contains(*letter));
    let (letter, rest) = split.ok_or_else(|| {
        let message = format!("expected a tag of the scheme '{scheme}', got '{tag}'");
        let letters: Vec<String> = patterns.letters.chars().map(String::from).collect();
        let edge = if place == LetterPlace::First { "begin" } else { "end" };
        Error::new(ErrorKind::Document, message)
            .with_help(format!("its tags {edge} with one of {}", letters.join(", ")))
    })?;
    let label = rest.trim_matches('-');
    Ok((letter, if label.is_empty() { "_" } else { label }))
}
