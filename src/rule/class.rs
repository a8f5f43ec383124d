//! Sets of characters, exact for ASCII and coarse beyond it.

use super::syntax::Node;

/// The characters that a class may match: every ASCII character on its own, all others together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set {
    /// One bit for every ASCII character.
    pub ascii: u128,
    /// Whether there may be other characters in it.
    pub others: bool,
    /// Whether the ASCII characters are exactly those of the class, and not only at most those.
    pub is_exact: bool,
    /// Whether it also holds the other case of its letters.
    pub ignores_case: bool,
}

impl Default for Set {
    /// The empty set.
    fn default() -> Self {
        Self { ascii: 0, others: false, is_exact: true, ignores_case: false }
    }
}

const fn span(first: u8, last: u8) -> u128 {
    (u128::MAX >> (127 - last)) & (u128::MAX << first)
}

const DIGITS: u128 = span(b'0', b'9');
const UPPER: u128 = span(b'A', b'Z');
const LOWER: u128 = span(b'a', b'z');
const HEX: u128 = DIGITS | span(b'A', b'F') | span(b'a', b'f');
const SPACE: u128 = span(b'\t', b'\r') | 1 << b' ';
/// The ASCII characters of words.
pub(super) const WORD: u128 = DIGITS | UPPER | LOWER | 1 << b'_';

impl Set {
    fn new(ascii: u128) -> Self {
        Self { ascii, others: true, ..Self::default() }
    }

    /// A set that may hold anything.
    fn unknown() -> Self {
        Self { is_exact: false, ..Self::new(u128::MAX) }
    }

    /// The class that a letter after a backslash stands for.
    pub(super) fn escaped(letter: char) -> Option<Self> {
        let set = Self::new(match letter.to_ascii_lowercase() {
            'w' => WORD,
            'd' => DIGITS,
            's' => SPACE,
            'h' => HEX,
            _ => return None,
        });
        Some(if letter.is_ascii_uppercase() { set.complement() } else { set })
    }

    /// The characters of a Unicode property or POSIX bracket.
    pub(super) fn property(name: &str) -> Self {
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        Self::new(match name.to_ascii_lowercase().as_str() {
            "l" | "letter" | "alpha" | "alphabetic" | "latin" => UPPER | LOWER,
            "lu" | "upper" | "uppercase" | "uppercaseletter" => UPPER,
            "ll" | "lower" | "lowercase" | "lowercaseletter" => LOWER,
            "n" | "nd" | "number" | "digit" | "decimalnumber" => DIGITS,
            "alnum" => UPPER | LOWER | DIGITS,
            "word" => WORD,
            "space" | "whitespace" => SPACE,
            "xdigit" => HEX,
            "lt" | "lm" | "lo" | "m" | "mn" | "mc" | "me" | "mark" | "han" | "cyrillic"
            | "greek" | "arabic" | "hebrew" | "hiragana" | "katakana" | "hangul" | "thai"
            | "devanagari" => 0,
            _ => return Self::unknown(),
        })
    }

    /// The characters from `first` to `last`.
    pub(super) fn range(first: char, last: char) -> Self {
        let clip = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
        let ascii = clip(first).filter(|_| first <= last);
        let ascii = ascii.map_or(0, |first| span(first, clip(last).unwrap_or(127)));
        Self { ascii, others: !last.is_ascii(), ..Self::default() }
    }

    /// The set that a node is which matches exactly one character, whatever its case.
    pub(super) fn of(node: &Node) -> Option<Self> {
        match node {
            Node::Char(c, false) => Some(Self::range(*c, *c)),
            Node::Class(set) if !set.ignores_case => Some(*set),
            Node::Either(branches) => branches
                .iter()
                .try_fold(Self::default(), |union, branch| Some(union.union(Self::of(branch)?))),
            _ => None,
        }
    }

    /// The same, with the other case of its letters where case is ignored.
    pub(super) fn ignoring_case(self, ignore_case: bool) -> Self {
        if !ignore_case {
            return self;
        }
        let shift = b'a' - b'A';
        let ascii = self.ascii | (self.ascii & UPPER) << shift | (self.ascii & LOWER) >> shift;
        Self { ascii, ignores_case: true, ..self }
    }

    /// What is in either.
    pub(super) fn union(self, other: Self) -> Self {
        Self {
            ascii: self.ascii | other.ascii,
            others: self.others || other.others,
            is_exact: self.is_exact && other.is_exact,
            ignores_case: self.ignores_case || other.ignores_case,
        }
    }

    /// What is in both.
    pub(super) fn intersection(self, other: Self) -> Self {
        Self {
            ascii: self.ascii & other.ascii,
            others: self.others && other.others,
            is_exact: self.is_exact && other.is_exact,
            ignores_case: self.ignores_case || other.ignores_case,
        }
    }

    /// What is not in it.
    pub(super) fn complement(self) -> Self {
        let ascii = if self.is_exact { !self.ascii } else { u128::MAX };
        Self { ascii, others: true, ..self }
    }

    /// Whether the character that begins with `byte` may be in it.
    pub(super) fn may_hold(self, byte: u8) -> bool {
        if byte.is_ascii() { self.ascii & (1 << byte) != 0 } else { self.others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::syntax::parse;
    use onig::Regex;

    #[test]
    fn a_class_holds_what_oniguruma_says() {
        for class in [
            r"\w",
            r"\W",
            r"\d",
            r"\D",
            r"\s",
            r"\S",
            r"\h",
            r"\H",
            r"[a-z]",
            r"[^a-z]",
            r"[^\w]",
            r"\p{Lu}",
            r"\p{Ll}",
            r"\p{L}",
            r"\p{N}",
            r"\P{L}",
            r"\p{^L}",
            r"[[:alpha:]]",
            r"[[:^upper:]]",
            r"[a-z&&[^aeiou]]",
            r"[\w&&[^\d_]&&a-f]",
            r"[^\p{Sc}]",
            r"[a-]",
            r"[\]\\-]",
            r"[\x41-\u0043é]",
            r"[^[a-c]x-z]",
            r"\p{White_Space}",
            r"[ .()/\x{A0}-]",
            r"[+−-]",
            r"[\p{L}&&[^Q]]",
            r"\p{Latin}",
            r"\p{Alnum}",
            r"[[:punct:]x]",
            r"\p{Word}",
        ] {
            let regex = Regex::new(&format!("\\A(?:{class})\\z")).unwrap();
            let Some(set) = parse(class).as_ref().and_then(Set::of) else {
                panic!("{class} is not read as a set")
            };
            for byte in 0..128_u8 {
                let holds = regex.find(&char::from(byte).to_string()).is_some();
                assert!(set.may_hold(byte) || !holds, "{class} {byte:?}");
                assert!(!set.is_exact || set.may_hold(byte) == holds, "{class} {byte:?}");
            }
            for c in ['é', 'Ω', '٣', '\u{a0}', '€', '−', 'ß'] {
                assert!(set.others || regex.find(&c.to_string()).is_none(), "{class} {c}");
            }
        }
    }

    #[test]
    fn ignoring_case_adds_the_other_case() {
        let set = Set::range('a', 'c').union(Set::range('X', 'X')).ignoring_case(true);
        let members: String = (0..128_u8).filter(|b| set.may_hold(*b)).map(char::from).collect();
        assert_eq!(members, "ABCXabcx");
    }
}
