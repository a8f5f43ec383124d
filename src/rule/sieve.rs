//! Which of many patterns may match at a place? One walk of an automaton over what is there answers for all
//! of them; what passes is then asked of Oniguruma. The sieve may let a pattern pass that does not match, and
//! holds back none that does.

use super::automaton::Automaton;
use super::limit::floor;
use super::odd;
use super::syntax::{Node, parse_with_edges};

/// Where in a text the patterns of a sieve match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// They end where the text ends.
    Ending,
    /// They begin at a given byte.
    Beginning,
    /// Anywhere.
    Anywhere,
}

/// Patterns in Oniguruma's Ruby syntax, numbered in their order.
#[derive(Debug)]
pub(crate) struct Sieve {
    place: Place,
    /// `None` where there is nothing to read, or no automaton can be built: all pass.
    automaton: Option<Automaton>,
    /// Whether any pattern ignores case.
    ignores_case: bool,
    patterns: usize,
}

impl Sieve {
    /// A sieve for patterns that match at such a place. A pattern that is not understood always passes.
    pub(crate) fn new<'p>(patterns: impl IntoIterator<Item = &'p str>, place: Place) -> Self {
        // `\G` is where a search begins, which is not to be moved.
        let is_understood = |pattern: &&str| !pattern.contains(r"\G");
        let read = |pattern| {
            let node = Some(pattern).filter(is_understood).and_then(parse_with_edges);
            node.unwrap_or(Node::Any(0, None))
        };
        let nodes: Vec<Node> = patterns.into_iter().map(read).collect();
        let automaton =
            if nodes.is_empty() { None } else { Automaton::new(&nodes, place == Place::Ending) };
        let ignores_case = nodes.iter().any(Node::ignores_case);
        Self { place, automaton, ignores_case, patterns: nodes.len() }
    }

    /// For each pattern that may match in `text`, the byte at which a match begins at the earliest, which is `from` or later,
    /// or, of [`Place::Beginning`], `from`. `text` is all that the patterns see: its ends are those that `\A` and
    /// `\z` mean.
    pub(crate) fn sift(&self, text: &str, from: usize, passes: &mut Vec<Option<usize>>) {
        passes.clear();
        let sifted = match &self.automaton {
            Some(automaton) if !(self.ignores_case && odd::is_in(text)) => {
                passes.resize(self.patterns, None);
                let pass = |pattern: usize| passes[pattern] = Some(from);
                match self.place {
                    // It reads backwards: the last that it finds is the first in the text.
                    Place::Ending => automaton.endings(text, from, |pattern, place| {
                        passes[pattern] = Some(floor(text, place));
                    }),
                    Place::Beginning => automaton.beginnings(text, from, true, pass),
                    Place::Anywhere => automaton.beginnings(text, from, false, pass),
                }
                .is_ok()
            }
            _ => false,
        };
        if !sifted {
            passes.clear();
            passes.resize(self.patterns, Some(from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onig::{MatchParam, Regex, SearchOptions};
    use proptest::prelude::*;

    const PATTERNS: &[&str] = &[
        r"\A@",
        r"\bin\s+",
        r"(?i)\b(?:in|from)\s+",
        r"(?:\A|\s)[“']",
        r"\A\p{Ll}+\z",
        r"^(?:the|a)$",
        r"(?i:straße|k)",
        r"(?<=a)b",
        r"(?<!\A)b",
        r"(?!a)\w\z",
        r"[^.]{0,3}\b(?:to|in) ",
        r"(a)\1",
        r"",
        r"\s+\p{Lu}",
        r".\Z",
        r"(?~ab)",
        r"\Gb",
        r"a\Kb",
        r"(?:\z|x)",
        r"x*\A",
    ];

    #[test]
    fn it_holds_most_back() {
        let sieve = Sieve::new([r"\bin\s+", r"\Aa", r"\d"], Place::Ending);
        let mut passes = Vec::new();
        for (text, expected) in [
            ("he is in ", [Some(6), None, None]),
            ("a", [None, Some(0), None]),
            ("ba", [None, None, None]),
            ("in 5", [None, None, Some(3)]),
        ] {
            sieve.sift(text, 0, &mut passes);
            assert_eq!(passes, expected, "{text}");
        }
        let sieve = Sieve::new([r"\s+in", r"a\z"], Place::Beginning);
        sieve.sift("b in", 1, &mut passes);
        assert_eq!(passes, [Some(1), None]);
    }

    proptest! {
        #[test]
        fn what_matches_passes(
            text in r#"[abBkKsSinIN toxTheé“'ß\u{212a}.\n@1]{0,14}"#,
            from in any::<prop::sample::Index>(),
        ) {
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let from = starts[from.index(starts.len())];
            for place in [Place::Ending, Place::Beginning, Place::Anywhere] {
                let sieve = Sieve::new(PATTERNS.iter().copied(), place);
                let mut passes = Vec::new();
                sieve.sift(&text, from, &mut passes);
                for (pattern, passes) in PATTERNS.iter().zip(&passes) {
                    let (none, all) = (SearchOptions::SEARCH_OPTION_NONE, text.len());
                    let limits = MatchParam::default;
                    let matches = match place {
                        Place::Beginning => Regex::new(pattern).unwrap()
                            .match_with_param(&text, from, none, None, limits()),
                        Place::Anywhere => Regex::new(pattern).unwrap()
                            .search_with_param(&text, from, all, none, None, limits()),
                        Place::Ending => Regex::new(&format!("(?:{pattern})\\z")).unwrap()
                            .search_with_param(&text, from, all, none, None, limits()),
                    };
                    match passes {
                        None => prop_assert!(matches!(matches, Ok(None)), "{} {:?}", pattern, place),
                        Some(first) => {
                            prop_assert!(*first >= from && text.is_char_boundary(*first));
                            // A search from there finds what one from the beginning finds.
                            if place == Place::Ending {
                                let later = Regex::new(&format!("(?:{pattern})\\z")).unwrap()
                                    .search_with_param(&text, *first, all, none, None, limits());
                                prop_assert_eq!(later.is_ok_and(|l| l.is_some()), matches.is_ok_and(|m| m.is_some()), "{}", pattern);
                            } else {
                                prop_assert_eq!(*first, from);
                            }
                        }
                    }
                }
            }
        }
    }
}
