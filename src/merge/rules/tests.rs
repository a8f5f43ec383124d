//! Golden cases of rules about entities, everything that can be wrong with them at its place, and
//! properties over any candidates.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::resource::{Files, TomlFile};
use crate::rule::action::ACTIONS;
use crate::rule::condition::CONDITIONS;
use crate::rule::marked::Marked;
use crate::rule::shape::SHAPES;
use crate::span::{Label, Span, order};
use crate::text::Document;

const SOURCES: [&str; 3] = ["places", "people", "tagger"];
const LABELS: [&str; 4] = ["PER", "LOC", "ORG", "MISC"];

/// Cases that make a rule loadable where its cases are not the point.
const CASES: &str =
    "\n[[rule.case]]\ntext = 'x'\ngives = 'x'\n[[rule.case]]\ntext = '[x](LOC)'\ngives = 'x'\n";

fn build_pass(toml: &str, flat: bool) -> Result<Rules> {
    let file = TomlFile::new("e.toml", toml);
    let sources: Vec<Arc<str>> = SOURCES.iter().map(|s| (*s).into()).collect();
    let labels: Vec<Label> = LABELS.iter().map(|l| (*l).into()).collect();
    let files = Files::Folder(".".into());
    build(file.parse()?, &PassScope { sources: &sources, labels: &labels, files: &files, flat })
}

/// The pass of rules without docs and cases.
fn short_pass(toml: &str, flat: bool) -> Rules {
    let mut table: toml::Table = toml.parse().unwrap_or_else(|e| panic!("{e}: {toml}"));
    let rules = table.get_mut("rule").and_then(toml::Value::as_array_mut).expect("rules");
    for (number, rule) in rules.iter_mut().enumerate() {
        let rule = rule.as_table_mut().unwrap();
        rule.entry("id").or_insert(format!("r{}", number + 1).into());
        rule.entry("doc").or_insert("A rule.".into());
        let cases: toml::Table = CASES.replace("rule.case", "case").parse().unwrap();
        rule.insert("case".into(), cases["case"].clone());
    }
    build_pass(&table.to_string(), flat).unwrap_or_else(|e| panic!("{e:#}\n{table}"))
}

fn applied(
    pass: &Rules,
    document: &Document,
    given: Vec<Candidate>,
    trace: &mut Trace,
) -> Vec<Candidate> {
    let mut proposed = given.clone();
    proposed.sort_by(order::compare);
    let context = PassContext::new(document, &[], &proposed);
    let mut got = pass.apply(given, &context, trace);
    got.sort_by(order::compare);
    got
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    name: String,
    rules: String,
    text: String,
    gives: String,
    #[serde(default)]
    flat: bool,
    #[serde(default)]
    tokens: bool,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    rules: String,
    errors: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    golden: Vec<Golden>,
    wrong: Vec<Wrong>,
}

fn file() -> File {
    toml::from_str(include_str!("../../../tests/data/golden/entity_rules.toml")).unwrap()
}

impl Golden {
    /// Runs the case.
    fn run(&self) -> std::result::Result<(), String> {
        let pass = short_pass(&self.rules, self.flat);
        let (given, expected) = (Marked::parse(&self.text)?, Marked::parse(&self.gives)?);
        let document = if self.tokens {
            Document::from_words("d", given.text.split(' '))
        } else {
            Document::new("d", given.text.clone())
        };
        let mut trace = Trace::recording();
        let got = applied(&pass, &document, given.candidates(), &mut trace);
        let list = |candidates: &[Candidate]| crate::rule::marked::shown(candidates, &given.text);
        let warnings: Vec<String> = trace.take_warnings().iter().map(ToString::to_string).collect();
        let reasons: Vec<&str> = trace.events().iter().map(|e| e.reason.as_str()).collect();
        let checks = [
            (given.text == expected.text, "two texts".to_owned()),
            (
                expected.agrees(&got),
                format!("{}, expected {}", list(&got), list(&expected.candidates())),
            ),
            (warnings == self.warnings, format!("{warnings:?}")),
            (self.reasons.is_empty() || reasons == self.reasons, format!("{reasons:?}")),
            (trace.events().iter().all(|e| e.place.is_some()), "no place".to_owned()),
            (
                applied(&pass, &document, given.candidates(), &mut Trace::off()) == got,
                "another result without a trace".to_owned(),
            ),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(what))
    }
}

#[test]
fn golden() {
    let mut seen = std::collections::BTreeSet::new();
    let mut failed = Vec::new();
    for case in file().golden {
        assert!(seen.insert(case.name.clone()), "'{}' twice", case.name);
        failed.extend(case.run().err().map(|what| format!("{}: {what}", case.name)));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_action_condition_and_shape_has_a_golden_case() {
    let rules: String = file().golden.iter().map(|case| case.rules.as_str()).collect();
    for action in ACTIONS.iter().filter(|action| action.name != "add") {
        assert!(rules.contains(&format!("action = '{}'", action.name)), "{}", action.name);
    }
    for condition in CONDITIONS {
        let written = rules.contains(&format!("\n{} =", condition.name));
        assert!(written || rules.contains(&format!(" {} =", condition.name)), "{}", condition.name);
    }
    for (shape, _) in SHAPES {
        assert!(rules.contains(&format!("'{}'", shape.name())), "{}", shape.name());
    }
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let mut failed = Vec::new();
    for wrong in file().wrong {
        let toml = wrong.rules.replace("CASES", CASES);
        let got: Vec<String> = match build_pass(&toml, false) {
            Ok(_) => Vec::new(),
            Err(error) => error.into_list().iter().map(ToString::to_string).collect(),
        };
        let agree = got.iter().zip(&wrong.errors).all(|(got, expected)| got.starts_with(expected));
        if got.len() != wrong.errors.len() || !agree {
            failed.push(format!("{toml}: {got:#?}, expected {:#?}", wrong.errors));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_rule_without_doc_and_cases_can_be_tried_and_does_not_pass_the_check() {
    let pass =
        build_pass("[[rule]]\nid = 'r'\naction = 'drop'\npattern = '<PER>'\n", false).unwrap();
    let errors: Vec<String> = pass.check().iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "e.toml:2:6: rule 'r' has no 'doc', expected a sentence on what it finds and why",
            "e.toml:2:6: rule 'r' has no positive case, expected [[rule.case]] whose 'gives' is another \
             than its 'text'",
            "e.toml:2:6: rule 'r' has no negative case, expected [[rule.case]] whose 'gives' is the same \
             as its 'text'",
        ]
    );
}

#[test]
fn cases_that_do_not_hold_are_reported() {
    let rule = "[[rule]]\nid = 'join'\ndoc = 'd'\naction = 'join'\npattern = '<LOC>, <LOC>'\n";
    let good = "[[rule.case]]\ntext = '[A](LOC), [B](LOC)'\ngives = '[A, B](LOC)'\n\
                [[rule.case]]\ntext = '[A](LOC), [B](PER)'\ngives = '[A](LOC), [B](PER)'\n";
    assert!(build_pass(&format!("{rule}{good}"), false).unwrap().check().is_empty());
    let bad = "[[rule.case]]\ntext = '[A](LOC); [B](LOC)'\ngives = '[A; B](LOC)'\n\
               [[rule.case]]\ntext = '[A](LOC)'\ngives = '[A](LOC)'\n\
               [[rule.case]]\ntext = '[A(LOC)'\ngives = '[A](LOC) '\n";
    let got = build_pass(&format!("{rule}{bad}"), false).unwrap().check();
    let got: Vec<String> = got.iter().map(ToString::to_string).collect();
    assert_eq!(
        got,
        [
            "e.toml:6:1: rule 'join' makes LOC \"A\" 0.50, LOC \"B\" 0.50 of \"A; B\", expected LOC \
             \"A; B\" 0.50",
            "e.toml:12:1: rule 'join' has a case whose 'text' cannot be read: a [ is not closed; the \
             character is written \\[",
        ]
    );
}

#[test]
fn a_rule_that_runs_into_a_limit_is_named_and_the_others_go_on() {
    let pass = short_pass(
        "[[rule]]\nid = 'slow'\naction = 'drop'\npattern = '(?:(?:a|aa)+)+!<LOC>'\n\
         [[rule]]\naction = 'relabel'\nlabel = 'ORG'\npattern = '<LOC>'\n",
        false,
    );
    let document = Document::new("d7", format!("{}-X", "a".repeat(150)));
    let given = vec![candidate(Span::new(151, 152), "LOC", 0.5, "places")];
    let mut trace = Trace::off();
    let got = applied(&pass, &document, given, &mut trace);
    assert_eq!(got[0].label.as_str(), "ORG");
    let warnings = trace.take_warnings();
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(
        warning.to_string().contains("rule 'slow' of the merge was given up in document 'd7'"),
        "{warning}"
    );
}

#[test]
fn very_many_combinations_are_given_up() {
    let pass = short_pass(
        "[[rule]]\naction = 'drop'\npattern = '<a:any>[^!]*<any>[^!]*<any>[^!]*<any>'\non = 'a'\n",
        false,
    );
    let document = Document::new("d", "a ".repeat(400));
    let given = (0..400).map(|i| candidate(Span::new(2 * i, 2 * i + 1), "LOC", 0.5, "places"));
    let mut trace = Trace::off();
    applied(&pass, &document, given.collect(), &mut trace);
    let warnings = trace.take_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

fn candidate(span: Span, label: &str, score: f32, source: &str) -> Candidate {
    Candidate {
        span,
        label: label.into(),
        score,
        origins: vec![crate::span::Origin::new(&source.into(), "")],
        overruled: Vec::new(),
    }
}

/// A text of words and signs that patterns look for.
const TEXT: &str =
    "the Ann, Bob and Zoë of Rome, ITALY (\"iPhone\") in Dr. Ann's the old Rome.\nX of y";

/// Candidates anywhere on char boundaries of [`TEXT`].
fn candidates(flat: bool) -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0usize..70, 1usize..12, 0usize..4, 0u8..=10, 0usize..3);
    proptest::collection::vec(one, 0..16).prop_map(move |list| {
        let places: Vec<usize> = TEXT.char_indices().map(|(i, _)| i).chain([TEXT.len()]).collect();
        let mut made: Vec<Candidate> = Vec::new();
        for (start, length, label, score, source) in list {
            let last = places.len() - 1;
            let span = Span::new(places[start], places[(start + length).min(last)]);
            let new = candidate(span, LABELS[label], f32::from(score) / 10.0, SOURCES[source]);
            if !flat || made.iter().all(|other| !other.span.overlaps(span)) {
                made.push(new);
            }
        }
        made
    })
}

/// Rules of every action that often hold in [`TEXT`].
const RULES: &str = r#"
repeat = 5
[[rule]]
action = 'join'
pattern = '<LOC>,?\s+(?:and )?<LOC|ORG>'
[[rule]]
action = 'keep'
when = { elsewhere = 'PER' }
[[rule]]
action = 'drop'
when = { max-score = 0.2, not-shape = 'title' }
[[rule]]
action = 'extend'
pattern = "(?:[Tt]he\\s+)?<any>(?:'s)?"
[[rule]]
action = 'trim'
when = { inside = '\A(?:the|old)\s+(?<entity>.*)' }
[[rule]]
action = 'split'
at = ',|\band\b'
[[rule]]
action = 'extend'
to = 'words'
pattern = '<PER>'
[[rule]]
action = 'relabel'
label = 'MISC'
pattern = '<a:any>(?<x>\s*of\s*<any>)?'
on = 'a'
when = { repeated = true }
[[rule]]
action = 'score'
add = 0.5
when = { position = 'last' }
[[rule]]
label = 'PER'
pattern = '\b[A-Z]\w+\b'
score = 0.4
[[rule]]
label = 'ORG'
pattern = '(?<entity><PER> of <LOC>)'
"#;

proptest! {
    #[test]
    fn order_does_not_matter_and_contracts_hold(list in candidates(false), seed in any::<u64>()) {
        let pass = short_pass(RULES, false);
        let document = Document::new("d", TEXT);
        let mut shuffled = list.clone();
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, (seed.rotate_left(i as u32) % (i as u64 + 1)) as usize);
        }
        let mut trace = Trace::recording();
        let got = applied(&pass, &document, list, &mut trace);
        prop_assert_eq!(&applied(&pass, &document, shuffled, &mut Trace::off()), &got);
        for candidate in &got {
            prop_assert!(candidate.span.slice(TEXT).is_some_and(|text| !text.is_empty()));
            prop_assert!((0.0..=1.0).contains(&candidate.score));
            prop_assert!(!candidate.origins.is_empty());
        }
    }

    #[test]
    fn flat_candidates_stay_flat(list in candidates(true)) {
        let pass = short_pass(RULES, true);
        let got = applied(&pass, &Document::new("d", TEXT), list, &mut Trace::off());
        prop_assert!(got.windows(2).all(|two| two[0].span.end <= two[1].span.start), "{:?}", got);
    }

    #[test]
    fn no_given_token_is_cut(list in candidates(false)) {
        let document = Document::from_words("d", TEXT.split_whitespace());
        let edges = crate::rule::tokens::TokenEdges::of(&document).unwrap();
        let fits = |c: &Candidate| c.span.end <= document.text.len() && edges.fit(c.span);
        let list: Vec<Candidate> = list.into_iter().filter(fits).collect();
        let got = applied(&short_pass(RULES, false), &document, list, &mut Trace::off());
        prop_assert!(got.iter().all(fits), "{:?}", got);
    }

    #[test]
    fn a_sequence_is_found_wherever_it_stands(list in candidates(false)) {
        let pass = short_pass(
            "[[rule]]\nlabel = 'ORG'\npattern = '(?<entity><PER>\\W{1,3}<LOC|MISC>)'\n", false,
        );
        let document = Document::new("d", TEXT);
        let is_between = |text: &str| {
            (1..=3).contains(&text.chars().count())
                && text.chars().all(|c| !c.is_alphanumeric() && c != '_')
        };
        let mut expected: Vec<Span> = Vec::new();
        for first in list.iter().filter(|c| c.label.as_str() == "PER") {
            for second in list.iter().filter(|c| ["LOC", "MISC"].contains(&c.label.as_str())) {
                let (start, end) = (first.span.end, second.span.start);
                if start <= end && is_between(TEXT.get(start..end).unwrap()) {
                    expected.push(Span::new(first.span.start, second.span.end));
                }
            }
        }
        expected.sort();
        expected.dedup();
        let got = applied(&pass, &document, list, &mut Trace::off());
        let mut got: Vec<Span> =
            got.iter().filter(|c| c.is_from(ORIGIN)).map(|c| c.span).collect();
        got.sort();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn no_rule_panics(
        pattern in "[<>()?:|A-Z{},0-9\\[\\]\\\\é=!#*+ ]{0,24}|(?:<(?:PER|any|\\?x)>|[ ,a-z]|\\(\\?:|\\)|\\?){0,10}",
        keys in prop::sample::select(vec![
            "action = 'join'", "action = 'drop'\non = 'x'", "label = 'PER'",
            "action = 'trim'\ngroup = 'x'", "action = 'split'\nat = '[, ]'", "action = 'extend'\nto = 'line'",
        ]),
        list in candidates(false),
    ) {
        let toml = format!("[[rule]]\nid = 'r'\ndoc = 'd'\npattern = '''{pattern}'''\n{keys}{CASES}");
        if let Ok(pass) = build_pass(&toml, false) {
            applied(&pass, &Document::new("d", TEXT), list, &mut Trace::recording());
            pass.check();
        }
    }

    #[test]
    fn no_text_of_toml_panics(text in "(?:\\[\\[rule\\]\\]\n|\\[macros\\]\n|\\[lists\\]\n|[a-z-]{1,6} = (?:'[<>{}a-z]{0,8}'|[0-9]|\\[\\])\n){0,8}") {
        let _ = build_pass(&text, false);
    }
}
