//! Which rules can match in a text at all? One scan for the literals that their patterns require.

use aho_corasick::AhoCorasick;

use super::literal;

/// The literals of a set of rules.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// `None` where no rule requires anything.
    automaton: Option<AhoCorasick>,
    /// For each literal, the numbers of the rules that look for it.
    wanted_by: Vec<Vec<usize>>,
    /// For each rule, whether it may match whatever the text holds.
    always: Vec<bool>,
}

impl Prefilter {
    /// A prefilter for rules, each given as patterns all of which must match somewhere in the text.
    pub(super) fn new<'p, P: IntoIterator<Item = &'p str>>(
        rules: impl IntoIterator<Item = P>,
    ) -> Self {
        let mut literals: Vec<(String, usize)> = Vec::new();
        let mut always = Vec::new();
        for (number, patterns) in rules.into_iter().enumerate() {
            let found = patterns.into_iter().filter_map(literal::required);
            let best = found.max_by_key(|literals| literal::weight(literals));
            always.push(best.is_none());
            literals.extend(best.into_iter().flatten().map(|literal| (literal, number)));
        }
        literals.sort();
        let mut wanted_by: Vec<Vec<usize>> = Vec::new();
        let mut distinct: Vec<String> = Vec::new();
        for (literal, number) in literals {
            if distinct.last() != Some(&literal) {
                distinct.push(literal);
                wanted_by.push(Vec::new());
            }
            wanted_by.last_mut().expect("one list a literal").push(number);
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&distinct).ok();
        if automaton.is_none() {
            always.fill(true);
        }
        Self { automaton: automaton.filter(|_| !distinct.is_empty()), wanted_by, always }
    }

    /// The numbers of the rules that can match in `text`, in order.
    pub(super) fn candidates(&self, text: &str) -> Vec<usize> {
        let mut can = self.always.clone();
        let mut left = can.iter().filter(|c| !**c).count();
        let mut seen = vec![false; self.wanted_by.len()];
        for found in self.automaton.iter().flat_map(|a| a.find_overlapping_iter(text)) {
            if left == 0 {
                break;
            }
            let literal = found.pattern().as_usize();
            if !std::mem::replace(&mut seen[literal], true) {
                for number in &self.wanted_by[literal] {
                    left -= usize::from(!std::mem::replace(&mut can[*number], true));
                }
            }
        }
        (0..can.len()).filter(|number| can[*number]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onig::Regex;
    use proptest::prelude::*;

    #[test]
    fn only_rules_whose_literals_are_there_are_candidates() {
        let rules = [vec![r"\w+"], vec!["Mr", "Smith|Jones"], vec!["Dr"], vec!["jones"]];
        let prefilter = Prefilter::new(rules);
        assert_eq!(prefilter.candidates("nothing"), [0]);
        assert_eq!(prefilter.candidates("Dr Jones"), [0, 1, 2, 3]);
        assert_eq!(prefilter.candidates("DR"), [0, 2]);
        assert_eq!(prefilter.candidates(""), [0]);
        assert!(Prefilter::new(Vec::<Vec<&str>>::new()).candidates("x").is_empty());
    }

    /// Pieces that patterns are put together from, chosen for what goes wrong with literals: case
    /// folds of several characters, quantifiers after them, alternatives, options.
    fn pattern() -> impl Strategy<Value = String> {
        let atom = prop_oneof![
            "[a-fikls-t]{1,3}",
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_rule_that_matches_is_a_candidate(
            pattern in pattern(),
            texts in proptest::collection::vec("[a-fikls-tA-FKSẞßſﬁﬂﬆé\u{212a}x{}]{0,12}", 8),
        ) {
            let Ok(regex) = Regex::new(&pattern) else { return Ok(()) };
            let prefilter = Prefilter::new([[pattern.as_str()]]);
            for text in texts {
                if regex.find(&text).is_some() {
                    prop_assert_eq!(prefilter.candidates(&text), [0], "{:?} in {:?}", pattern, text);
                }
            }
        }
    }
}
