//! Which literals must stand in every text that a pattern matches, and how far behind the beginning
//! of the match? Reading the pattern is `syntax`'s work, matching it Oniguruma's.

use std::cmp::Reverse;

use super::syntax;

/// More alternatives than this filter little and cost memory.
pub(super) const MAX_LITERALS: usize = 256;

/// What every match of a pattern holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Required {
    /// Every match holds at least one of these, comparing ASCII letters without case; sorted,
    /// without duplicates, in lower case.
    pub literals: Vec<String>,
    /// At most so many characters of the match precede it; `None` where nobody knows.
    pub before: Option<usize>,
}

/// What every match of `pattern` holds; `None` where the pattern promises nothing useful.
///
/// The answer may be weaker than the pattern, never stronger.
pub(super) fn required(pattern: &str) -> Option<Required> {
    either(&syntax::branches(pattern)?)
}

impl Required {
    /// How telling the weakest of the literals is; 0 where it is not worth looking for.
    pub(super) fn weight(&self) -> usize {
        let of = |literal: &String| {
            let sum = literal.chars().map(char_weight).sum::<usize>();
            if sum < 3 { 0 } else { sum }
        };
        self.literals.iter().map(of).min().unwrap_or(0)
    }

    /// What to prefer: literals that are telling enough, then those whose place is known, then the
    /// more telling ones.
    fn merit(&self) -> impl Ord + use<> {
        let weight = self.weight();
        (weight.min(4), self.before.is_some(), weight, Reverse(self.literals.len()))
    }
}

/// Two letters, or one rare sign, are enough; white space and full stops are everywhere.
fn char_weight(c: char) -> usize {
    match c {
        c if c.is_whitespace() => 0,
        '.' | ',' | '-' | '\'' | '"' | '(' | ')' | ':' | ';' | '/' => 1,
        c if c.is_ascii_alphanumeric() => 2,
        _ => 3,
    }
}

/// A piece of a sequence, as far as literals are concerned.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// A character, and whether its case is ignored.
    Char(char, bool),
    /// Something else that Oniguruma never joins with its neighbours (an assertion, `.`, `\w`), and
    /// how many characters it matches at most.
    Wall(usize),
    /// Something that it may join with them; `None` where it may match any number of characters.
    Unclear(Option<usize>),
    /// Something that holds a literal, and how many characters it matches at most.
    Holds(Required, Option<usize>),
}

impl Part {
    /// How many characters it matches at most; ignoring case, one character is up to three.
    fn most(&self) -> Option<usize> {
        match self {
            Self::Char(_, ignore_case) => Some(if *ignore_case { 3 } else { 1 }),
            Self::Wall(most) => Some(*most),
            Self::Unclear(most) | Self::Holds(_, most) => *most,
        }
    }
}

/// How many characters a sequence matches at most.
pub(super) fn most(parts: &[Part]) -> Option<usize> {
    parts.iter().try_fold(0_usize, |sum, part| part.most().map(|most| sum.saturating_add(most)))
}

/// What a match of one of the branches holds.
pub(super) fn either(branches: &[Vec<Part>]) -> Option<Required> {
    let mut all = Required { literals: Vec::new(), before: Some(0) };
    for branch in branches {
        let one = best(branch)?;
        all.literals.extend(one.literals);
        all.before = all.before.zip(one.before).map(|(a, b)| a.max(b));
        if all.literals.len() > MAX_LITERALS {
            return None;
        }
    }
    all.literals.sort();
    all.literals.dedup();
    (all.weight() > 0).then_some(all)
}

/// The best of what a match of a sequence holds.
pub(super) fn best(parts: &[Part]) -> Option<Required> {
    let mut found: Vec<Required> = Vec::new();
    let mut run = String::new();
    let mut run_before = Some(0);
    let mut before = Some(0_usize);
    for (i, part) in parts.iter().enumerate() {
        let preceding = before;
        before = before.zip(part.most()).map(|(sum, most)| sum.saturating_add(most));
        match part {
            Part::Char(c, ignore_case) => {
                let previous = i.checked_sub(1).map(|p| &parts[p]);
                if !ignore_case || folds_alone(*c, previous, parts.get(i + 1)) {
                    if run.is_empty() {
                        run_before = preceding;
                    }
                    run.push(c.to_ascii_lowercase());
                    continue;
                }
            }
            Part::Holds(required, _) => {
                let sum = preceding.zip(required.before).map(|(a, b)| a.saturating_add(b));
                found.push(Required { literals: required.literals.clone(), before: sum });
            }
            Part::Wall(_) | Part::Unclear(_) => {}
        }
        found.push(Required { literals: vec![std::mem::take(&mut run)], before: run_before });
    }
    found.push(Required { literals: vec![run], before: run_before });
    found.into_iter().filter(|r| r.weight() > 0).max_by_key(Required::merit)
}

/// Whether a character whose case is ignored matches nothing but itself and its ASCII counterpart.
///
/// Not so: `k` (Kelvin sign), `s` (long s), and what takes part in a fold of several characters
/// (`ss`/ß, `ff`, `fi`, `fl`, `st` as ligatures, a letter and a combining mark).
fn folds_alone(c: char, before: Option<&Part>, after: Option<&Part>) -> bool {
    if !c.is_ascii() || matches!(c.to_ascii_lowercase(), 'k' | 's' | 'f') {
        return false;
    }
    if !c.is_ascii_alphabetic() {
        return true;
    }
    let known = |part: Option<&Part>| match part {
        None | Some(Part::Wall(_)) => true,
        Some(Part::Char(c, _)) => c.is_ascii(),
        Some(Part::Unclear(_) | Part::Holds(..)) => false,
    };
    let follows = |letters: &str| match before {
        Some(Part::Char(b, _)) => letters.contains(b.to_ascii_lowercase()),
        _ => false,
    };
    known(before)
        && known(after)
        && match c.to_ascii_lowercase() {
            'i' | 'l' => !follows("f"),
            't' => !follows("fs"),
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns and what they require, parted by `|`; `-` where they require nothing.
    const CASES: &[(&str, &str)] = &[
        (r"\b(?:Mr|Mrs|Ms|Dr)\.?\s+(?<entity>\p{Lu}\p{L}+)", "dr|mr|mrs|ms"),
        (r"University of (?<entity>\p{Lu}\w+)", "university of "),
        (r"(?<y>\d{4})-(?<m>\d\d)", "-"),
        (r"[\w.]+@[\w.]+", "@"),
        (r"colou?r", "colo"),
        (r"ab+cd", "cd"),
        (r"(?:foo|bar)?baz", "baz"),
        (r"(?:foo|bar){0}", "-"),
        (r"(?:foo|bar){2}", "bar|foo"),
        (r"(?:foo|b)ar", "ar"),
        (r"foo|", "-"),
        (r"(?i)January|March", "january|march"),
        (r"(?i:Mr) Smith", "mr smith"),
        (r"(?i)fish", "-"),
        (r"(?i)fluid", "uid"),
        (r"[Jj]anuary", "january"),
        (r"[A-Z]anuary", "anuary"),
        (r"a(?i)bcd|egh", "bcd|egh"),
        (
            r"(?x) foo # comment
            bar",
            "foobar",
        ),
        (r"foo{2}bar", "bar"),
        (r"foo{bar", "foo{bar"),
        (r"(?=foo)\w+", "-"),
        (r"(?!foo)bar", "bar"),
        (r"(?<=foo)bar", "bar"),
        (r"\$\d+", "$"),
        (r"€\d+|\d+ euros?", " euro|€"),
        (r"foo\x41bar", "fooabar"),
        (r"foo(?#\)x)+", "fo"),
        (r"(?~foo)bar", "-"),
        (r"[[:alpha:]]+ Inc", " inc"),
        (r"[^]]foo", "-"),
        (r"(?<a>foo)\k<a>", "foo"),
        (r"(?i)K\.Smith", "mith"),
        (r"[\d.,]+ euro", " euro"),
        (r"a{,3}foo{1}?bar", "bar"),
    ];

    #[test]
    fn requirements_are_as_strong_as_listed() {
        for (pattern, expected) in CASES {
            let got = required(pattern).map_or("-".to_owned(), |r| r.literals.join("|"));
            assert_eq!(&got, expected, "{pattern}");
        }
    }

    /// Patterns and how far behind the beginning what they require may stand.
    const BEFORE: &[(&str, Option<usize>)] = &[
        (r"\b(?:Mr|Mrs)\.? \w+", Some(0)),
        (r"\w+ Inc", None),
        (r"\d{1,2} (?:May|June)", Some(3)),
        (r"(?:a?b|c{2}) foo", Some(2)),
        (r"(?:[ab]{3}){2,4}?foo", Some(12)),
        (r"(?i)\d(?:xy)", Some(1)),
        (r"(?i)fuß foo", Some(15)),
        (r"\R+?x?\Xfoo", None),
        (r"(?:\d\dfoo){2,}", Some(2)),
        (r"foo|..bar", Some(2)),
    ];

    #[test]
    fn what_precedes_a_literal_is_bounded_where_it_can_be() {
        for (pattern, expected) in BEFORE {
            assert_eq!(required(pattern).and_then(|r| r.before), *expected, "{pattern}");
        }
    }

    #[test]
    fn deep_nesting_requires_nothing() {
        let pattern = format!("{}foo{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(required(&pattern), None);
    }
}
