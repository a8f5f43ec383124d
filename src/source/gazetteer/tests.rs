//! The gazetteer as a whole: the golden cases in memory, mapped and taken apart, and the index against
//! the obvious slow way.

use proptest::prelude::*;
use serde::Deserialize;

use super::index::naive;
use super::*;
use crate::resource::{Files, TomlFile};
use crate::source::model::DeviceChoice;
use crate::source::{LoadContext, Source};
use crate::text::pieces::pieces;
use crate::text::{FoldOptions, Token, fold};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    name: String,
    #[serde(default)]
    options: toml::Table,
    entries: Option<toml::Value>,
    #[serde(default)]
    entry: Vec<toml::Value>,
    common: Option<Vec<String>>,
    #[serde(default)]
    tokens: bool,
    text: String,
    found: Vec<(String, String)>,
    scores: Option<Vec<f32>>,
    details: Option<Vec<String>>,
    /// A text (its last occurrence), a label or nothing, and how the reason begins.
    #[serde(default)]
    why_not: Vec<(String, String, String)>,
}

fn golden() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden/gazetteer.toml");
    toml::from_str::<Golden>(&std::fs::read_to_string(path).unwrap()).unwrap().case
}

/// A source of an engine file's section, relative to `folder`.
fn load_in(folder: &std::path::Path, text: &str) -> Result<GazetteerSource> {
    let file = TomlFile::new("engine.toml", text);
    let files = Files::Folder(folder.to_owned());
    let context = LoadContext { files, device: DeviceChoice::default() };
    config::load("test".into(), file.parse()?, &context)
}

fn load(text: &str) -> Result<GazetteerSource> {
    load_in(std::path::Path::new(""), text)
}

impl Case {
    fn source(&self) -> GazetteerSource {
        let mut section = self.options.clone();
        if let Some(entries) = &self.entries {
            section.insert("entries".to_owned(), entries.clone());
        }
        if !self.entry.is_empty() {
            section.insert("entry".to_owned(), self.entry.clone().into());
        }
        let folder = tempfile::tempdir().unwrap();
        if let Some(common) = &self.common {
            std::fs::write(folder.path().join("common.txt"), common.join("\n")).unwrap();
            section.insert("common-words".to_owned(), vec!["common.txt"].into());
        }
        load_in(folder.path(), &section.to_string()).unwrap()
    }

    fn document(&self) -> Document {
        if self.tokens {
            return Document::from_words(&*self.name, self.text.split(' '));
        }
        Document::new(&*self.name, &*self.text)
    }

    /// What is not as the case says.
    fn problems(&self, source: &GazetteerSource) -> Vec<String> {
        let document = self.document();
        let mentions = source.find(&document).unwrap().mentions;
        let mut problems = Vec::new();
        let mut expect = |fits: bool, what: &str, got: &dyn std::fmt::Debug| {
            if !fits {
                problems.push(format!("{what}: {got:?}"));
            }
        };
        let found: Vec<(String, String)> = mentions
            .iter()
            .map(|m| (m.span.slice(&document.text).unwrap().to_owned(), m.label.to_string()))
            .collect();
        expect(found == self.found, "found", &found);
        if let Some(scores) = &self.scores {
            let found: Vec<f32> = mentions.iter().map(|m| m.score).collect();
            let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            let fits = found.len() == scores.len() && found.iter().zip(scores).all(is_near);
            expect(fits, "scores", &found);
        }
        if let Some(details) = &self.details {
            let found: Vec<_> = mentions.iter().map(|m| m.origin.detail.to_string()).collect();
            expect(&found == details, "details", &found);
        }
        for (text, label, expected) in &self.why_not {
            let start = document.text.rfind(text).unwrap();
            let span = Span::new(start, start + text.len());
            let label = Some(Label::new(label)).filter(|label| !label.as_str().is_empty());
            let refusals = source.why_not(&document, span, label.as_ref()).unwrap();
            let reasons: Vec<&str> = refusals.iter().map(|r| r.reason.as_str()).collect();
            let fits = reasons.iter().any(|reason| reason.starts_with(expected.as_str()));
            expect(fits, &format!("why not {text}"), &reasons);
        }
        for mention in &mentions {
            let refusals = source.why_not(&document, mention.span, Some(&mention.label)).unwrap();
            expect(refusals.is_empty(), "why not what is found", &refusals);
        }
        problems
    }
}

#[test]
fn every_golden_case_holds_in_memory_mapped_and_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let cases = golden();
    let mut problems = Vec::new();
    for case in &cases {
        let name = &case.name;
        assert_eq!(cases.iter().filter(|c| c.name == *name).count(), 1, "{name}");
        let mut check = |source: &GazetteerSource, with: &str| {
            let found = case.problems(source);
            problems.extend(found.into_iter().map(|p| format!("'{name}' with {with}: {p}")));
        };
        let mut source = case.source();
        check(&source, "the gazetteer in memory");
        let path = folder.path().join("a.fst");
        std::fs::write(&path, source.gazetteers[0].as_bytes()).unwrap();
        source.gazetteers = vec![Gazetteer::open(&path).unwrap()];
        check(&source, "the mapped file");
        let parts = source.gazetteers[0].entries().map(|entry| {
            let mut builder = Builder::new();
            builder.add(&entry.to_entry()).unwrap();
            builder.build().unwrap()
        });
        source.gazetteers = parts.collect();
        source.gazetteers.reverse();
        check(&source, "a gazetteer for each entry");
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn files_and_entries_are_one_gazetteer() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("a.tsv", b"Paris\tLOC\nLyon\tLOC\n");
    write("b.tsv", b"Lyon\tLOC\nParis\tPER\n");
    let mut builder = Builder::new();
    builder.add(&Entry::new("Nantes", "LOC".into())).unwrap();
    write("c.fst", builder.build().unwrap().as_bytes());
    let count = |text: &str| {
        let source = load_in(folder.path(), text).unwrap();
        let found = source.find(&Document::new("", "Paris Lyon Nantes Brest")).unwrap();
        found.mentions.len()
    };
    assert_eq!(count("files = ['*.tsv']"), 3);
    assert_eq!(count("files = ['a.tsv', '?.tsv', 'c.fst']\nentries = [['Brest', 'LOC']]"), 5);
    assert_eq!(count("files = ['c.fst']"), 1);
    assert_eq!(count("files = ['c.fst']\nmin-length = 7"), 0);
}

#[test]
fn every_problem_of_every_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.tsv"), "Paris\n\u{301}\tLOC\n").unwrap();
    std::fs::write(folder.path().join("b.tsv"), "x\n".repeat(30)).unwrap();
    std::fs::write(folder.path().join("c.fst"), "Paris\tLOC\n").unwrap();
    let text = "files = ['*.tsv', 'c.fst', 'd.tsv']\nentries = [['', 'LOC']]";
    let errors = load_in(folder.path(), text).err().unwrap().into_list();
    let shown: Vec<String> = errors.iter().map(|e| e.to_string()).collect();
    assert_eq!(shown.len(), 21);
    assert!(shown[0].starts_with("engine.toml:2:12: the surface is empty"), "{}", shown[0]);
    assert!(
        shown[1].ends_with("a.tsv:1:1: the row has 1 columns, expected 2 to 5"),
        "{}",
        shown[1]
    );
    assert!(shown[2].contains("a.tsv:2:1: nothing is left of the surface"), "{}", shown[2]);
    assert_eq!(shown[20], "and 15 more problems in the gazetteer");
    let errors = load_in(folder.path(), "files = ['c.fst', 'd.tsv']").err().unwrap().into_list();
    assert!(errors[0].to_string().ends_with("c.fst: not a compiled gazetteer"), "{}", errors[0]);
    assert!(errors[1].to_string().starts_with("engine.toml:1:19: cannot read"), "{}", errors[1]);
}

#[test]
fn wrong_options_are_reported_where_they_stand() {
    let cases = [
        ("case = 'smart'", "engine.toml: the gazetteer has neither 'files' nor 'entries'"),
        ("entries = [['Paris']]", "engine.toml:1:12: invalid length 1"),
        ("entries = [['a', 'b', 'c', 1, '', 1]]", "engine.toml:1:12: invalid length 6"),
        ("entries = [['Paris', 'LOC', '', 2.0]]", "engine.toml:1:12: weight 2 is out of range"),
        ("entries = [['P', 'LOC', '', 1, 'x']]", "engine.toml:1:12: attribute 'x' is not"),
        ("entries = [['Paris', 'LOC']]\ncase = 'smrt'", "engine.toml:2:8: unknown variant 'smrt'"),
        ("entries = [['Paris', 'LOC']]\nmatch = 'most'", "engine.toml:2:9: unknown variant 'most'"),
        ("entries = [['Paris', 'LOC']]\nlabel = []", "engine.toml:2:1: unknown field 'label'"),
        ("entries = [['Paris', 'LOC']]\nscore = 1.5", "engine.toml:2:9: score 1.5 is out of range"),
        ("entries = [['Paris', 'LOC']]\nlabels = ['PER']", "engine.toml:2:11: unknown label"),
        ("files = ['none/*.tsv']", "engine.toml:1:10: no file matches 'none/*.tsv'"),
        ("files = ['none.tsv']", "engine.toml:1:10: cannot read none.tsv"),
        (
            "entries = [['Paris', 'LOC']]\ncommon-words = ['none']",
            "engine.toml:2:17: cannot read none",
        ),
    ];
    for (text, expected) in cases {
        let error = load(text).err().unwrap().to_string();
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
}

#[test]
fn labels_and_names_are_told() {
    let source = load("entries = [['a1', 'X'], ['b1', 'A'], ['c1', 'X']]").unwrap();
    assert_eq!(source.labels(), [Label::new("A"), Label::new("X")]);
    assert_eq!(&**source.name(), "test");
}

fn rows(count: usize) -> Vec<Entry> {
    let row = |i: usize| {
        let mut entry = Entry::new(&format!("Name {}", i % (count / 2)), ["X", "Y"][i % 2].into());
        entry.id = (!i.is_multiple_of(3)).then(|| format!("number-{}", i % 7));
        entry.weight = [1.0, 0.25, 0.1234567][i % 3];
        entry.set_attributes(["", "cc=FR;kind=town", "kind=city"][i % 3]).unwrap();
        entry
    };
    (0..count).map(row).collect()
}

#[test]
fn neither_order_nor_memory_shows_in_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(4_000);
    let (name, options) = ("a".to_owned(), "csv --label X".to_owned());
    let source = SourceFile { name, options, sha256: [1; 32], entries: 4_000 };
    let build = |mut builder: Builder, rows: &mut dyn Iterator<Item = &Entry>| {
        rows.for_each(|entry| builder.add(entry).unwrap());
        builder.add_source(source.clone());
        builder
    };
    let expected = build(Builder::new(), &mut rows.iter()).build().unwrap();
    expected.verify().unwrap();
    assert_eq!(expected.entry_count(), 4_000);
    assert_eq!(expected.surface_count(), 2_000);
    // Two thousand bytes: some hundred runs, which are merged in two steps.
    for memory in [2_000, 20_000, Builder::MEMORY] {
        let path = folder.path().join("a.fst");
        let builder = Builder::with_memory(memory, folder.path());
        let mut told = Vec::new();
        let builder = build(builder, &mut rows.iter().rev().chain(&rows[..100]));
        let header = builder.write(&path, &mut |count| told.push(count)).unwrap();
        assert_eq!(told, [4_100]);
        assert_eq!(&header, expected.header());
        assert!(std::fs::read(&path).unwrap() == expected.as_bytes(), "with {memory} bytes");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }
    let again: Vec<Entry> = expected.entries().map(|entry| entry.to_entry()).collect();
    assert!(rows.iter().all(|row| again.contains(row)));
    let mut builder = Builder::new();
    builder.add_gazetteer(&expected).unwrap();
    assert!(builder.build().unwrap().as_bytes() == expected.as_bytes());
}

fn surfaces() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[abéA' -]{1,4}|[ab]{1,3}|[東京aか\u{3099}]{1,2}", 1..12)
}

fn texts() -> impl Strategy<Value = String> {
    "[abAéÀ'’ \n\u{301}\u{ad}.-]{0,24}|[東京aか\u{3099} ]{0,12}"
}

proptest! {
    #[test]
    fn the_index_finds_what_the_slow_way_finds(
        surfaces in surfaces(),
        text in texts(),
    ) {
        let mut builder = Builder::new();
        for surface in &surfaces {
            // Surfaces of nothing but white space are refused.
            builder.add(&Entry::new(surface, "X".into())).ok();
        }
        let gazetteer = builder.build().unwrap();
        let keys: Vec<String> = gazetteer.surfaces().map(|(surface, _)| surface).collect();
        let folded = fold(&text, FoldOptions::ALL).into_text();
        prop_assert_eq!(gazetteer.hits(&folded, &pieces(&folded)), naive::find(&keys, &folded));
    }

    #[test]
    fn what_is_found_folds_to_what_was_sought(
        surfaces in surfaces(),
        text in texts(),
        all: bool,
        with_tokens: bool,
    ) {
        let mut builder = Builder::new();
        for surface in &surfaces {
            // Surfaces of nothing but white space are refused.
            builder.add(&Entry::new(surface, "X".into())).ok();
        }
        let gazetteers = [builder.build().unwrap()];
        let matches = if all { MatchKind::All } else { MatchKind::Longest };
        let matcher = Matcher { case: super::Case::Fold, matches, ..Matcher::default() };
        let mut document = Document::new("", text);
        if with_tokens {
            document = Document::from_words("", document.text.split_whitespace());
        }
        let edges = |tokens: &[Token], span: crate::text::Span| {
            tokens.iter().any(|t| t.span.start == span.start)
                && tokens.iter().any(|t| t.span.end == span.end)
        };
        let mut end = 0;
        for found in matcher.find(&gazetteers, &document) {
            let slice = found.span.slice(&document.text).unwrap();
            prop_assert_eq!(compile::key(slice), compile::key(found.entry.surface()));
            prop_assert!(document.tokens.as_ref().is_none_or(|t| edges(t, found.span)));
            prop_assert!(all || found.span.start >= end);
            end = found.span.end;
        }
    }

    #[test]
    fn no_text_is_too_odd(text: String, case in 0usize..3) {
        let case = ["exact", "smart", "fold"][case];
        let source = load(&format!("entries = [['a', 'X'], ['É', 'X']]\nmin-length = 1\ncase = '{case}'"));
        let document = Document::new("", text);
        for mention in source.unwrap().find(&document).unwrap().mentions {
            prop_assert!(mention.span.slice(&document.text).is_some_and(|s| !s.is_empty()));
        }
    }
}
