//! Tests of the source as a whole: golden cases, every kind of wrong input at its place, limits.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::resource::{Files, TomlFile};
use crate::rule::prefilter::{Patterns, Prefilter};
use crate::source::model::DeviceChoice;

const CASES: &str =
    "\n[[rule.case]]\ntext = 'a b'\nfinds = ['a']\n[[rule.case]]\ntext = 'x'\nfinds = []\n";

fn context(folder: &Path) -> LoadContext {
    LoadContext { files: Files::Folder(folder.to_owned()), device: DeviceChoice::default() }
}

fn load_in(folder: &Path, toml: &str) -> Result<Rules> {
    let file = TomlFile::new("e.toml", toml);
    Rules::load("r".into(), file.parse().unwrap(), &context(folder))
}

fn load(toml: &str) -> Result<Rules> {
    load_in(Path::new("."), toml)
}

/// A rule of an id and more keys, with cases.
fn rule(id: &str, keys: &str) -> String {
    format!("[[rule]]\nid = '{id}'\ndoc = 'd'\nlabel = 'X'\n{keys}{CASES}")
}

fn messages(result: Result<Rules>) -> Vec<String> {
    result.unwrap_err().into_list().iter().map(ToString::to_string).collect()
}

fn texts(rules: &Rules, document: &Document) -> Vec<String> {
    let found = rules.find(document).unwrap();
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    let text = |m: &Mention| m.span.slice(&document.text).unwrap().to_owned();
    found.mentions.iter().map(text).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    name: String,
    rule: toml::Table,
    text: Option<String>,
    tokens: Option<Vec<String>>,
    finds: Vec<String>,
}

#[test]
fn golden() {
    #[derive(Deserialize)]
    struct File {
        golden: Vec<Golden>,
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden/rules.toml");
    let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for case in file.golden {
        assert!(seen.insert(case.name.clone()), "'{}' twice", case.name);
        let rules = load(&rule("r", &case.rule.to_string())).unwrap();
        let document = match &case.tokens {
            Some(tokens) => Document::from_words("d", tokens.iter().map(String::as_str)),
            None => Document::new("d", case.text.clone().unwrap_or_default()),
        };
        assert_eq!(texts(&rules, &document), case.finds, "{}", case.name);
        let mut all = rules;
        all.prefilter = Prefilter::new([Patterns { main: ".", contexts: Vec::new() }]);
        assert_eq!(texts(&all, &document), case.finds, "{} without prefilter", case.name);
    }
}

#[test]
fn a_mention_says_which_rule_found_it() {
    let rules =
        load(&format!("score = 0.5\n{}", rule("one", "pattern = 'a'\nscore = 0.5"))).unwrap();
    let found = rules.find(&Document::new("d", "a")).unwrap();
    let [mention] = &found.mentions[..] else { panic!("{found:?}") };
    assert_eq!(mention.origin.to_string(), "r:one");
    assert!((mention.score - 0.25).abs() < 1e-6);
    assert_eq!(rules.labels(), ["X".into()]);
}

#[test]
fn rules_are_chosen_by_id_and_label() {
    let all =
        [rule("one", "pattern = 'a'"), rule("two", "pattern = 'b'").replace("'X'", "'Y'")].concat();
    let ids = |keys: &str| {
        let rules = load(&format!("{keys}\n{all}")).unwrap();
        rules.rules.iter().map(|r| r.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids(""), "one two");
    assert_eq!(ids("rules = ['two']"), "two");
    assert_eq!(ids("without = ['two']"), "one");
    assert_eq!(ids("labels = ['Y']"), "two");
    assert_eq!(ids("labels = []"), "");
    let wrong = format!("rules = ['on']\nwithout = ['b']\nlabels = ['Z']\n{all}");
    assert_eq!(
        messages(load(&wrong)),
        [
            "e.toml:1:10: unknown rule 'on'",
            "e.toml:2:12: unknown rule 'b'",
            "e.toml:3:11: unknown label 'Z'"
        ]
    );
}

/// What is wrong with a rule, and the message that says so.
const WRONG: &[(&str, &[&str])] = &[
    ("pattern = 'a('", &["e.toml:5:11: bad pattern: end pattern with unmatched parenthesis"]),
    ("pattern = '''(a'''", &["e.toml:5:11: bad pattern: end pattern with unmatched parenthesis"]),
    ("pattern = 'a'\nleft = 'a)'", &["e.toml:6:8: bad pattern: unmatched close parenthesis"]),
    (
        "pattern = 'a'\nnot-left = '*'",
        &["e.toml:6:12: bad pattern: target of repeat operator is not specified"],
    ),
    ("pattern = 'a'\nright = '[z-a]'", &["e.toml:6:9: bad pattern: empty range in char class"]),
    (
        "pattern = 'a'\nnot-right = '\\p{Foo}'",
        &["e.toml:6:13: bad pattern: invalid character property name {Foo}"],
    ),
    ("pattern = 'a'\ncheck = 'lhun'", &["e.toml:6:9: unknown check 'lhun'"]),
    ("pattern = '(?<n>a)'\ngroup = 'm'", &["e.toml:6:9: unknown group 'm'"]),
    ("pattern = 'a'\nscore = 1.5", &["e.toml:6:9: the score is 1.5, expected 0 to 1"]),
    ("pattern = 'a'\nscore = nan", &["e.toml:6:9: the score is NaN, expected 0 to 1"]),
    ("pattern = 'a'\nnot_left = 'a'", &["e.toml:6:1: unknown field 'not_left'"]),
    ("pattern = 3", &["e.toml:5:11: invalid type: integer"]),
    ("score = 0.5", &["e.toml:2:6: rule 'r' has no 'pattern'"]),
    (
        "pattern = '('\nright = '('\nscore = 7.0",
        &["e.toml:5:11: bad pattern", "e.toml:6:9: bad pattern", "e.toml:7:9: the score is 7"],
    ),
];

#[test]
fn every_error_is_reported_at_its_place() {
    for (keys, expected) in WRONG {
        let got = messages(load(&rule("r", keys)));
        assert_eq!(got.len(), expected.len(), "{keys}: {got:?}");
        for (got, expected) in got.iter().zip(*expected) {
            assert!(got.starts_with(expected), "{keys}: {got}, expected {expected}");
        }
    }
}

#[test]
fn help_lists_what_is_known() {
    let error = load(&rule("r", "pattern = '(?<n>a)'\ngroup = 'm'")).unwrap_err();
    assert_eq!(error.help_text(), Some("did you mean 'n'? known: n"));
    assert_eq!(error.kind(), ErrorKind::Rule);
    let error = load(&rule("r", "pattern = 'a'\ncheck = 'ibna'")).unwrap_err();
    assert!(error.help_text().unwrap().contains("iban"));
}

#[test]
fn a_rule_has_a_name_and_a_label() {
    let toml = "[[rule]]\nid = 'One'\nlabel = ''\npattern = 'a'\n";
    assert_eq!(
        messages(load(toml)),
        [
            "e.toml:2:6: the rule id 'One' is not in kebab-case, expected a-z, 0-9 and hyphens",
            "e.toml:3:9: rule 'One' has an empty label",
        ]
    );
}

#[test]
fn a_rule_without_doc_and_cases_can_be_tried_and_does_not_pass_the_check() {
    let rules = load("[[rule]]\nid = 'one'\nlabel = 'X'\npattern = 'a'\n").unwrap();
    assert_eq!(texts(&rules, &Document::new("d", "b a")), ["a"]);
    let errors: Vec<String> = rules.check().iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "e.toml:2:6: rule 'one' has no 'doc', expected a sentence on what it finds and why",
            "e.toml:2:6: rule 'one' has no positive case, expected [[rule.case]] with finds = [\"…\"]",
            "e.toml:2:6: rule 'one' has no negative case, expected [[rule.case]] with finds = []",
        ]
    );
}

#[test]
fn all_errors_of_all_files_are_reported_together() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.toml", &rule("one", "pattern = '('"));
    write("b.toml", &[rule("one", "pattern = 'a'"), rule("two", "colour = 1")].concat());
    write("c.toml", "[[rule]\n");
    write("d.toml", "x = 1\n");
    write("e.toml", "# nothing\n");
    std::fs::write(folder.path().join("f.toml"), b"\xff").unwrap();
    let toml = "files = ['*.toml', 'missing.toml', 'no/*.toml']\n";
    let got: Vec<String> = messages(load_in(folder.path(), toml))
        .iter()
        .map(|m| m.replace(&format!("{}/", folder.path().display()), ""))
        .collect();
    let expected = [
        "b.toml:16:1: unknown field 'colour'",
        "c.toml:1:",
        "d.toml:1:1: unknown field 'x'",
        "e.toml:1:1: no rule in the file",
        "e.toml:1:10: f.toml is not UTF-8 at byte 0",
        "e.toml:1:20: cannot read missing.toml",
        "e.toml:1:36: no file matches 'no/*.toml'",
        "b.toml:2:6: the rule id 'one' is taken by a.toml:2:6",
        "a.toml:5:11: bad pattern",
    ];
    assert_eq!(got.len(), expected.len(), "{got:#?}");
    for (got, expected) in got.iter().zip(expected) {
        assert!(got.starts_with(expected), "{got}, expected {expected}");
    }
}

#[test]
fn options_are_checked() {
    let one = rule("one", "pattern = 'a'");
    assert_eq!(
        messages(load("")),
        ["e.toml: source 'r' has no rule, expected 'files' or [[source.rule]]"]
    );
    for (keys, expected) in [
        ("score = 1.1", "e.toml:1:9: 'score' is 1.1, expected 0 to 1"),
        ("retry-limit = 0", "e.toml:1:15: 'retry-limit' is 0, expected at least 1"),
        ("colour = 0", "e.toml:1:1: unknown field 'colour'"),
    ] {
        let got = messages(load(&format!("{keys}\n{one}")));
        assert!(got.len() == 1 && got[0].starts_with(expected), "{got:?}");
    }
}

#[test]
fn cases_that_do_not_hold_are_reported_at_their_place() {
    let good = load(&rule("one", r"pattern = '\ba\b'")).unwrap();
    assert_eq!(good.check().len(), 0);
    let bad = load(&rule("one", "pattern = '[a-x]'")).unwrap();
    let got: Vec<String> = bad.check().iter().map(ToString::to_string).collect();
    assert_eq!(
        got,
        [
            "e.toml:6:1: rule 'one' finds [\"a\", \"b\"] in \"a b\", expected [\"a\"]",
            "e.toml:9:1: rule 'one' finds [\"x\"] in \"x\", expected []",
        ]
    );
}

#[test]
fn a_rule_that_exceeds_its_limit_is_named_and_the_others_go_on() {
    let toml = [rule("slow", "pattern = 'x|(a+)+(?=b)'"), rule("fast", "pattern = 'end'")].concat();
    let rules = load(&toml).unwrap();
    for bytes in [10_000, 1_000_000] {
        let document = Document::new(
            "doc-7",
            format!("x {} end", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-b ".repeat(bytes / 43)),
        );
        let begun = Instant::now();
        let found = rules.find(&document).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        let ids: Vec<_> = found.mentions.iter().map(|m| &*m.origin.detail).collect();
        assert_eq!(ids, ["slow", "fast"], "what was found before stays");
        let [warning] = &found.warnings[..] else { panic!("{:?}", found.warnings) };
        let text = warning.to_string();
        assert!(
            text.starts_with(
                "e.toml:2:6: rule 'slow' of source 'r' was given up in document 'doc-7': "
            ),
            "{text}"
        );
        assert_eq!(warning.kind(), ErrorKind::Rule);
    }
}

#[test]
fn the_limit_can_be_lowered() {
    let toml = format!("retry-limit = 10\n{}", rule("one", "pattern = '(?:a|b)*[ab]*(?=[cd])'"));
    let found = load(&toml).unwrap().find(&Document::new("d", "abababababababab c")).unwrap();
    assert!(found.warnings[0].to_string().contains("more than 10 times"), "{:?}", found.warnings);
}

/// What stood against `surface` as X, rule by rule, with the line that decided.
fn why_not(toml: &str, document: &Document, surface: &str) -> Vec<String> {
    let rules = load(toml).unwrap();
    let at = document.text.find(surface).unwrap();
    let span = Span::new(at, at + surface.len());
    let refusals = rules.why_not(document, span, Some(&"X".into())).unwrap();
    let shown = |refusal: &Refusal| {
        let place = refusal.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        format!("{}: {}{place}", refusal.detail.as_deref().unwrap_or("-"), refusal.reason)
    };
    refusals.iter().map(shown).collect()
}

#[test]
fn why_not_names_the_rules_that_come_close_and_the_line_that_decided() {
    let text = Document::new("d", "in New York City 4111");
    for (keys, surface, expected) in [
        ("pattern = 'York'", "York", &[][..]),
        ("pattern = 'Rome'", "York", &["-: no rule matches there"]),
        ("pattern = 'New York'", "York", &["r: it finds 'New York' there instead (e.toml:2:6)"]),
        (
            "pattern = 'York'\nleft = 'Old '",
            "York",
            &["r: it matches, which 'left' refuses (e.toml:6:8)"],
        ),
        (
            "pattern = 'York'\nnot-right = ' City'",
            "York",
            &["r: it matches, which 'not-right' refuses (e.toml:6:13)"],
        ),
        (
            "pattern = 'York City'\nnot-left = 'New '",
            "York",
            &["r: it matches 'York City', which 'not-left' refuses (e.toml:6:12)"],
        ),
        (
            "pattern = '\\d+'\ncheck = 'luhn'",
            "4111",
            &["r: it matches, which the validator 'luhn' refuses (e.toml:6:9)"],
        ),
    ] {
        assert_eq!(why_not(&rule("r", keys), &text, surface), expected, "{keys}");
    }
    let other = rule("r", "pattern = 'York'").replace("'X'", "'Y'");
    assert_eq!(why_not(&other, &text, "York"), ["-: no rule is about X"]);
    for key in ["rules = ['s']", "without = ['r']", "labels = ['Y']"] {
        let second = rule("s", "pattern = 'x'").replace("'X'", "'Y'");
        let toml = format!("{key}\n{}{second}", rule("r", "pattern = 'York'"));
        let name = key.split(' ').next().unwrap();
        let expected =
            format!("r: the rule would find it, and is left out by '{name}' (e.toml:3:6)");
        assert_eq!(why_not(&toml, &text, "York"), [expected], "{key}");
    }
    let tokens = Document::from_words("d", ["New", "York-based"]);
    let expected = ["r: it matches, which cuts a given token (e.toml:2:6)"];
    assert_eq!(why_not(&rule("r", "pattern = 'York'"), &tokens, "York"), expected);
    let slow = Document::new("d", format!("{}-York", "a".repeat(60)));
    let given_up = why_not(&rule("r", "pattern = '(a+)+b|York'"), &slow, "York");
    assert!(given_up[0].starts_with("r: it was given up: it backtracks more than"), "{given_up:?}");
}

#[test]
fn contexts_see_a_bounded_stretch_and_its_edge_is_no_beginning() {
    let text = format!("mark {}X", "é".repeat(196));
    for (left, count) in [("mark .*", 0), (r"\A.*", 0), ("k é*", 1), (r"\bé+", 1)] {
        let rules = load(&rule("one", &format!("pattern = 'X'\nleft = '{left}'"))).unwrap();
        assert_eq!(texts(&rules, &Document::new("d", &*text)).len(), count, "{left}");
    }
    let text = format!("mark{}X", "é".repeat(200));
    let rules = load(&rule("one", "pattern = 'X'\nleft = '\\bé+'")).unwrap();
    assert!(texts(&rules, &Document::new("d", &*text)).is_empty());
}

#[test]
fn a_huge_line_is_searched_in_linear_time() {
    let toml = [
        rule("words", r"pattern = '\p{Lu}\p{Ll}+(?: \p{Lu}\p{Ll}+)*'"),
        rule("mail", r"pattern = '[\w.]+@[\w.]+'"),
        rule("context", "pattern = 'Smith'\nleft = '(?:Mr|Dr) '"),
    ];
    let rules = load(&toml.concat()).unwrap();
    let text = "the man Mr Smith a@b.c or else ".repeat(100_000);
    let found = rules.find(&Document::new("d", text)).unwrap();
    assert_eq!((found.mentions.len(), found.warnings.len()), (300_000, 0));
}

proptest! {
    #[test]
    fn no_text_panics_and_spans_fit(text in "\\PC{0,60}|[A-Za-z0-9@. \u{0}\n\r]{0,60}") {
        let toml = [
            rule("any", "pattern = '.'"),
            rule("word", r"pattern = '(?<entity>\w+)\W'"),
            rule("context", r"pattern = '\S+'
left = '\s|\A'
not-right = '\w'"),
            rule("behind", r"pattern = '(?<=(?<entity>\w))\s'"),
            rule("keep", r"pattern = '\w\K\s'"),
        ];
        let rules = load(&toml.concat()).unwrap();
        let document = Document::new("d", text);
        for mention in rules.find(&document).unwrap().mentions {
            let slice = mention.span.slice(&document.text);
            prop_assert!(slice.is_some_and(|s| !s.is_empty()), "{:?}", mention);
        }
    }

    #[test]
    fn the_prefilter_changes_nothing(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "Mr", "Mrs.", "Ada", "Lovelace", "Inc", "of", "University", "5", "May", "é", "\n", "@", "x@y.org",
                "UNIVERSITY", "$", ",", "born", "in",
            ]),
            0..400,
        ),
    ) {
        let toml = [
            rule("title", r"pattern = '\b(?:Mr|Mrs)\.? (?<entity>\p{Lu}\p{Ll}+)'"),
            rule("suffix", r"pattern = '\p{Lu}\w+(?:,? \w+)*,? Inc\b'"),
            rule("date", r"pattern = '\d{1,2} (?:May|June)'"),
            rule("mail", r"pattern = '[\w.]+@[\w.]+'"),
            rule("case", r"pattern = '(?i)university(?: of)? \w+'"),
            rule("left", r"pattern = '\p{Lu}\p{Ll}+ \w+'
left = 'born in '"),
            rule("pair", r"pattern = '(?<=Mr )(?<entity>\w+) of|\$ ?\d'"),
        ];
        let mut rules = load(&toml.concat()).unwrap();
        let document = Document::new("d", words.join(" "));
        let fast = rules.find(&document).unwrap().mentions;
        let all = rules.rules.iter().map(|_| Patterns { main: ".", contexts: Vec::new() });
        rules.prefilter = Prefilter::new(all);
        prop_assert_eq!(fast, rules.find(&document).unwrap().mentions);
    }
}
