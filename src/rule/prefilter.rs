//! Where in a text can rules match at all? One scan for the literals that their patterns require.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::limit::{REACH, floor};
use super::literal::{Required, required};

/// The bytes of a text in which a match may begin: in order, apart from each other.
pub(crate) type Places = Vec<Range<usize>>;

/// The literals of a set of rules.
#[derive(Debug)]
pub(crate) struct Prefilter {
    /// `None` where no rule requires anything.
    automaton: Option<AhoCorasick>,
    /// For each literal, the rules that look for it.
    wanted_by: Vec<Vec<Wanted>>,
    /// For each rule, whether it may match whatever the text holds.
    always: Vec<bool>,
}

/// A rule that looks for a literal.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    rule: usize,
    /// How many bytes before the literal a match may begin; `None` for anywhere in the text.
    before: Option<usize>,
}

/// The patterns of a rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns<'p> {
    /// What a match of the rule matches.
    pub main: &'p str,
    /// What must match somewhere in the text besides.
    pub contexts: Vec<&'p str>,
}

impl Patterns<'_> {
    /// What a text must hold for the rule to find something, and how far before it a match may
    /// begin. A context says nothing of where matches begin: one that it refuses may hide another.
    fn required(&self) -> Option<(Required, Option<usize>)> {
        if let Some(required) = required(self.main) {
            // A character is up to four bytes, and no match is longer than the reach.
            let before = required.before.map_or(REACH, |chars| chars.saturating_mul(4).min(REACH));
            return Some((required, Some(before)));
        }
        let contexts = self.contexts.iter().filter_map(|pattern| required(pattern));
        contexts.max_by_key(Required::weight).map(|required| (required, None))
    }
}

impl Prefilter {
    /// A prefilter for rules of these patterns.
    pub(crate) fn new<'p>(rules: impl IntoIterator<Item = Patterns<'p>>) -> Self {
        let mut literals: Vec<(String, Wanted)> = Vec::new();
        let mut always = Vec::new();
        for (rule, patterns) in rules.into_iter().enumerate() {
            let found = patterns.required();
            always.push(found.is_none());
            if let Some((required, before)) = found {
                let wanted = Wanted { rule, before };
                literals.extend(required.literals.into_iter().map(|literal| (literal, wanted)));
            }
        }
        literals.sort_by(|a, b| (&a.0, a.1.rule).cmp(&(&b.0, b.1.rule)));
        let mut wanted_by: Vec<Vec<Wanted>> = Vec::new();
        let mut distinct: Vec<String> = Vec::new();
        for (literal, wanted) in literals {
            if distinct.last() != Some(&literal) {
                distinct.push(literal);
                wanted_by.push(Vec::new());
            }
            wanted_by.last_mut().expect("one list a literal").push(wanted);
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&distinct).ok();
        if automaton.is_none() {
            always.fill(true);
        }
        Self { automaton: automaton.filter(|_| !distinct.is_empty()), wanted_by, always }
    }

    /// For each rule, in their order, where in `text` its matches may begin; empty where it has none.
    pub(crate) fn places(&self, text: &str) -> Vec<Places> {
        let everywhere = || std::iter::once(0..text.len()).collect::<Places>();
        let nowhere = |always: &bool| if *always { everywhere() } else { Places::new() };
        let mut places: Vec<Places> = self.always.iter().map(nowhere).collect();
        for found in self.automaton.iter().flat_map(|a| a.find_overlapping_iter(text)) {
            for wanted in &self.wanted_by[found.pattern().as_usize()] {
                let places = &mut places[wanted.rule];
                match wanted.before {
                    Some(before) => {
                        let start = floor(text, found.start().saturating_sub(before));
                        add(places, start..found.start() + 1);
                    }
                    None if places.is_empty() => *places = everywhere(),
                    None => {}
                }
            }
        }
        places
    }
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
mod tests {
    use super::super::limit::{Budget, Search, ceil};
    use super::*;
    use crate::text::Span;
    use onig::Regex;
    use proptest::prelude::*;

    fn main(main: &str) -> Patterns<'_> {
        Patterns { main, contexts: Vec::new() }
    }

    #[test]
    fn only_rules_whose_literals_are_there_have_places() {
        let context = Patterns { main: r"\w+", contexts: vec!["x|y", "Smith|Jones"] };
        let prefilter = Prefilter::new([main(r"\w+"), context, main(r"\d? ?Dr"), main("jones")]);
        let able = |text: &str| -> Vec<usize> {
            let places = prefilter.places(text);
            (0..4).filter(|rule| !places[*rule].is_empty()).collect()
        };
        assert_eq!(able("nothing"), [0]);
        assert_eq!(able("Dr Jones"), [0, 1, 2, 3]);
        assert_eq!(able("DR"), [0, 2]);
        assert!(Prefilter::new([]).places("x").is_empty());
        // Up to two characters, that is eight bytes, before the literal.
        assert_eq!(prefilter.places("é Dr and 1 more drop, Dr")[2], [0..4, 9..24]);
    }

    #[test]
    fn places_are_in_order_and_apart() {
        let mut places = Places::new();
        for range in [5..8, 7..9, 20..22, 30..31, 12..21, 0..2, 40..41, 2..35] {
            add(&mut places, range);
            assert!(places.windows(2).all(|pair| pair[0].end < pair[1].start), "{places:?}");
        }
        assert_eq!(places, [0..35, 40..41]);
    }

    /// Pieces that patterns are put together from, chosen for what goes wrong with literals: case
    /// folds of several characters, quantifiers after them, alternatives, options.
    fn pattern() -> impl Strategy<Value = String> {
        let atom = prop_oneof![
            "[fikst]{1,3}",
            Just("ſ".to_owned()),
            Just("ß".to_owned()),
            Just("é".to_owned()),
            Just("fi".to_owned()),
            Just("st".to_owned()),
            Just(r"\b".to_owned()),
            Just(r"\x66".to_owned()),
            Just("[kK]".to_owned()),
            Just("[^a]".to_owned()),
            Just("(?i)".to_owned()),
            Just("(?x) # c|\n".to_owned()),
            Just("(?#)".to_owned()),
            Just(".".to_owned()),
        ];
        let quantifier = prop_oneof![
            4 => Just(""), 1 => Just("?"), 1 => Just("*"), 1 => Just("+"), 1 => Just("+?"),
            1 => Just("{2}"), 1 => Just("{2}?"), 1 => Just("{0,2}"), 1 => Just("{2,1}"), 1 => Just("{,2}"),
            1 => Just("{1}"), 1 => Just("{x}")
        ];
        let piece = (atom, quantifier.clone()).prop_map(|(a, q)| format!("{a}{q}"));
        piece.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..4).prop_map(|v| v.concat()),
                (proptest::collection::vec(inner.clone(), 1..4), quantifier.clone())
                    .prop_map(|(v, q)| format!("(?:{}){q}", v.join("|"))),
                inner.clone().prop_map(|p| format!("(?i:{p})")),
                inner.prop_map(|p| format!("(?={p})")),
            ]
        })
    }

    #[test]
    fn case_folds_of_other_characters_are_places() {
        for (pattern, text) in [
            ("(?i)kelvin", "\u{212a}elvin"),
            ("(?i)strasse", "Straße"),
            ("(?i)fish", "ﬁsh"),
            ("(?i)last", "laﬆ"),
            ("(?i)last", "laſt"),
            ("(?i)straffer", "straﬀer"),
            ("(?i)la(?:s)t", "laﬆ"),
            ("(?i)stop", "ﬆop"),
            ("(?i)fill", "ﬁll"),
            ("(?i)h\u{331}at", "\u{1e96}at"),
        ] {
            assert!(Regex::new(pattern).unwrap().find(text).is_some(), "{pattern} in {text}");
            assert!(!Prefilter::new([main(pattern)]).places(text)[0].is_empty(), "{pattern}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_match_begins_at_a_place(
            pattern in pattern(),
            ignore_case in any::<bool>(),
            texts in proptest::collection::vec("[fistkFSſßﬁﬆé\u{212a}]{0,16}", 24),
        ) {
            let pattern = if ignore_case { format!("(?i){pattern}") } else { pattern };
            let Ok(regex) = Regex::new(&pattern) else { return Ok(()) };
            let prefilter = Prefilter::new([main(&pattern)]);
            for text in texts {
                let places = &prefilter.places(&text)[0];
                let everywhere = 0..text.len();
                let budget = Budget::new(100_000, text.len());
                let all = std::slice::from_ref(&everywhere);
                let mut search = Search::new(&regex, &text, all, &budget);
                let mut at = 0;
                // A pattern that exceeds its limit is another test's business.
                while let Ok(Some(Span { start, end })) = search.next(at) {
                    at = ceil(&text, end.max(start + 1));
                    let known = start == end || places.iter().any(|place| place.contains(&start));
                    prop_assert!(known, "{pattern:?} in {text:?}: {start}..{end} in {places:?}");
                }
            }
        }
    }
}
