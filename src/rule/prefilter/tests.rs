//! Whether the prefilter leaves out nothing that matches.

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
    let prefilter = Prefilter::new([main(r"\w+"), context, main(r"\d? ?Dr"), main("(?i)jones")]);
    let able = |text: &str| -> Vec<usize> {
        let places = prefilter.places(text);
        (0..4).filter(|rule| !places[*rule].is_empty()).collect()
    };
    assert_eq!(able("nothing"), [0]);
    assert_eq!(able("Dr Jones"), [0, 1, 2, 3]);
    assert_eq!(able("DR JONES"), [0, 3]);
    assert_eq!(able("DrJones"), [0, 1, 2, 3]);
    assert!(Prefilter::new([]).places("x").is_empty());
    // What is no ASCII may be a digit.
    assert_eq!(prefilter.places("é Dr and 1 more drop, Dr")[2], [0..1, 2..4, 22..24]);
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
        Just(r"\B".to_owned()),
        Just(r"\w".to_owned()),
        Just(r"[st]".to_owned()),
        Just(r"[^\si-k]".to_owned()),
        Just(r"(?<![ f])".to_owned()),
        Just(r"(?<=s|t)".to_owned()),
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
        // Several rules, which share automata.
        patterns in proptest::collection::vec((pattern(), any::<bool>()), 1..4),
        texts in proptest::collection::vec("[fistkFS ]{0,16}|[fistkFS ſßﬁﬆé\u{212a}]{0,16}", 24),
    ) {
        let whole = |(pattern, ignore_case): (String, bool)| {
            if ignore_case { format!("(?i){pattern}") } else { pattern }
        };
        let compiled = |pattern: String| Regex::new(&pattern).ok().map(|regex| (pattern, regex));
        let rules: Vec<(String, Regex)> =
            patterns.into_iter().map(whole).filter_map(compiled).collect();
        let prefilter = Prefilter::new(rules.iter().map(|(pattern, _)| main(pattern)));
        for text in texts {
            let places = prefilter.places(&text);
            for ((pattern, regex), places) in rules.iter().zip(&places) {
                let everywhere = 0..text.len();
                let budget = Budget::new(100_000, text.len());
                let all = std::slice::from_ref(&everywhere);
                let mut search = Search::new(regex, &text, all, &budget);
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

/// The shipped rules, over texts that are made of what they and their cases are made of.
#[test]
fn no_shipped_rule_matches_outside_its_places() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut patterns = Vec::new();
    let mut texts = Vec::new();
    for name in ["contact", "finance", "loc", "misc", "org", "per", "time", "layout"] {
        let toml = std::fs::read_to_string(root.join(format!("rules/{name}.toml"))).unwrap();
        let toml: toml::Table = toml.parse().unwrap();
        for rule in toml["rule"].as_array().unwrap() {
            patterns.extend(rule.get("pattern").and_then(|p| p.as_str()).map(str::to_owned));
            for case in rule["case"].as_array().unwrap() {
                texts.push(case["text"].as_str().unwrap().to_owned());
            }
        }
    }
    let regexes: Vec<(&String, Regex)> =
        patterns.iter().filter_map(|p| Some((p, Regex::new(p).ok()?))).collect();
    let prefilter = Prefilter::new(regexes.iter().map(|(pattern, _)| main(pattern)));
    let whole = texts.join("\n");
    for text in texts.iter().chain([&whole, &whole.to_uppercase()]) {
        let places = prefilter.places(text);
        for ((pattern, regex), places) in regexes.iter().zip(&places) {
            let mut at = 0;
            while let Some(start) = regex.search_with_options(
                text,
                at,
                text.len(),
                onig::SearchOptions::SEARCH_OPTION_NONE,
                None,
            ) {
                assert!(holds(places, start), "{pattern} at {start} in {text:?}: {places:?}");
                at = ceil(text, start + 1);
                if at >= text.len() {
                    break;
                }
            }
        }
    }
}
