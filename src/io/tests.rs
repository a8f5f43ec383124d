//! What every format owes: its documentation, round trips, and no panic on any input.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::testing::{read, write, write_bytes};
use super::*;
use crate::text::{Annotation, Span};

#[test]
fn formats_have_unique_names_and_suffixes_and_documentation() {
    let names: BTreeSet<_> = FORMATS.iter().map(|f| f.name).collect();
    let suffixes: Vec<_> = FORMATS.iter().flat_map(|f| f.suffixes).collect();
    assert_eq!(names.len(), FORMATS.len());
    assert_eq!(suffixes.iter().collect::<BTreeSet<_>>().len(), suffixes.len());
    for format in FORMATS {
        assert!(format.doc.ends_with('.') && !format.options.is_empty(), "{format:?}");
        assert!(format.options.iter().all(|o| o.doc.ends_with('.')), "{format:?}");
    }
}

#[test]
fn suffixes_name_formats_also_behind_compression() {
    let name = |path: &str| format_of(Path::new(path)).map(|f| f.name);
    assert_eq!(name("a/b.JSONL.gz"), Some("jsonl"));
    assert_eq!(name("a.conllu.zst"), Some("conll"));
    assert_eq!(name("README.md"), Some("text"));
    assert_eq!(name("a.jsonl/b"), None);
    assert_eq!(name("b.gz"), None);
}

#[test]
fn an_unknown_format_is_explained() {
    let error = format("json").unwrap_err();
    assert_eq!(error.to_string(), "unknown format 'json'");
    let help = error.help_text().unwrap_or_default();
    assert!(help.starts_with("did you mean 'jsonl'? known: text, jsonl, conll, "), "{help}");
}

/// A case of `tests/data/golden/formats.toml`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    name: String,
    format: String,
    input: String,
    #[serde(default)]
    tag_names: Option<String>,
    reads: Vec<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    writes: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden/formats.toml");
    toml::from_str::<Cases>(&std::fs::read_to_string(path).unwrap()).unwrap().case
}

fn with_gold() -> ReadOptions {
    ReadOptions { gold: Some(GoldOptions::default()), ..ReadOptions::default() }
}

/// A document's gold as entities.
fn gold_of(document: &Document) -> Vec<Entity> {
    let entity = |annotation: &Annotation| Entity {
        span: annotation.span,
        label: annotation.label.as_str().into(),
        score: 1.0,
        origins: vec![],
        overruled: vec![],
    };
    document.gold.iter().flatten().map(entity).collect()
}

fn shown(read: &Result<Document>) -> String {
    let document = match read {
        Ok(document) => document,
        Err(error) => return format!("! {error}"),
    };
    let entity = |e: &Entity| format!("{} {}", e.text(&document.text), e.label);
    let entities: Vec<String> = gold_of(document).iter().map(entity).collect();
    format!("{} | {}", document.text, entities.join(", ")).trim_end().to_owned()
}

/// Tokens and entities are places in the text, and not empty.
fn assert_sound(read: &[Result<Document>]) {
    for document in read.iter().flatten() {
        let tokens = document.tokens.iter().flatten().map(|token| token.span);
        for span in tokens.chain(document.gold.iter().flatten().map(|one| one.span)) {
            let text = span.slice(&document.text);
            assert!(text.is_some_and(|text| !text.is_empty()), "{span:?} in {document:?}");
        }
    }
}

#[test]
fn formats_read_and_write_what_the_cases_say() {
    let mut names = BTreeSet::new();
    for case in cases() {
        assert!(names.insert(case.name.clone()), "two cases are named {}", case.name);
        let tag_names = case.tag_names.as_deref().map(|names| tag_names::load(names).unwrap());
        let options = ReadOptions { tag_names, ..with_gold() };
        let input = case.input.trim_start_matches('\n');
        let documents = read(format(&case.format).unwrap(), input.as_bytes(), &options);
        let lines: Vec<String> = documents.iter().map(shown).collect();
        assert_eq!(lines, case.reads, "{}", case.name);
        let Some(to) = case.to else { continue };
        let documents: Vec<_> = documents
            .into_iter()
            .map(|document| document.unwrap())
            .map(|document| (document.clone(), gold_of(&document)))
            .collect();
        let written = write(format(&to).unwrap(), &documents, &WriteOptions::default());
        let expected = case.writes.expect("a case with `to` has `writes`");
        assert_eq!(written.trim(), expected.trim(), "{}", case.name);
    }
}

#[test]
fn every_format_of_text_has_a_case() {
    let cases = cases();
    // Plain text says no entities, brat is two files, and some are bytes or only read: they have tests of their own.
    let others = ["text", "brat", "parquet", "tokens-parquet", "arrow", "warc"];
    for format in FORMATS.iter().filter(|f| !others.contains(&f.name)) {
        assert!(cases.iter().any(|case| case.format == format.name), "{format:?}");
    }
}

#[test]
fn json_is_recognised_by_what_it_holds() {
    for case in cases() {
        let by_value = format(&case.format).unwrap();
        if ["conll", "csv", "tsv", "warc"].contains(&case.format.as_str())
            || case.name.ends_with("wrong")
            || case.name.contains("breaks")
        {
            continue;
        }
        let input = Input::new("in", std::io::Cursor::new(case.input.clone().into_bytes()));
        let found = json::recognise(input).map(|format| format.name);
        assert_eq!(found, Some(by_value.name), "{}", case.name);
    }
    for unknown in
        ["", "{\"text\": \"a\"}", "[1, 2]", "{", "[[]]", "\u{0}", "{\"text\": 1, \"label\": \"x\"}"]
    {
        let input = Input::new("in", std::io::Cursor::new(unknown.as_bytes().to_vec()));
        assert!(json::recognise(input).is_none(), "{unknown}");
    }
}

/// Documents of words, with entities over some of them that do not overlap.
fn tagged_words() -> impl Strategy<Value = Vec<(Document, Vec<Entity>)>> {
    let word = "[A-Za-zŁé😀文]{1,4}|[.,:/']";
    let sentence = (
        proptest::collection::vec(word, 1..9),
        proptest::collection::vec((0usize..3, 1usize..3, 0usize..3), 0..4),
    );
    let document = sentence.prop_map(|(words, steps)| {
        let document = Document::from_words("d", words.iter().map(String::as_str));
        let words = document.token_spans().unwrap();
        let (mut at, mut entities) = (0, Vec::new());
        for (gap, length, label) in steps {
            let first = at + gap;
            at = first + length;
            if at > words.len() {
                break;
            }
            let span = Span::new(words[first].start, words[at - 1].end);
            let label = ["PER", "LOC", "creative-work"][label];
            entities.push(Annotation { span, label: label.to_owned() });
        }
        let document = Document { gold: Some(entities), ..document };
        let entities = gold_of(&document);
        (document, entities)
    });
    proptest::collection::vec(document, 1..4)
}

/// Texts with entities anywhere, which may overlap.
fn marked_texts() -> impl Strategy<Value = Vec<(Document, Vec<Entity>)>> {
    let one = (
        "[a-cŁé😀 \n\"\\\\]{1,24}",
        proptest::collection::vec((0usize..24, 1usize..9, 0usize..2), 0..4),
    );
    let document = one.prop_map(|(text, places)| {
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let place = |at: usize| starts.get(at).copied().unwrap_or(text.len());
        let mut gold: Vec<Annotation> = places
            .into_iter()
            .map(|(start, length, label)| {
                let span = Span::new(place(start), place(start + length)).trim(&text);
                Annotation { span, label: ["PER", "LOC"][label].to_owned() }
            })
            .filter(|annotation| !annotation.span.is_empty())
            .collect();
        gold.sort_by_key(|a| (a.span.start, std::cmp::Reverse(a.span.end), a.label.clone()));
        gold.dedup();
        let document = Document { gold: Some(gold), ..Document::new("d", text) };
        let entities = gold_of(&document);
        (document, entities)
    });
    proptest::collection::vec(document, 1..4)
}

/// What must come back: text and gold.
fn contents(
    documents: impl IntoIterator<Item = Document>,
) -> Vec<(String, Option<Vec<Annotation>>)> {
    documents.into_iter().map(|document| (document.text, document.gold)).collect()
}

/// What `format` reads of what it writes of `documents`.
fn back(
    format: &Format,
    documents: &[(Document, Vec<Entity>)],
    offsets: OffsetUnit,
    scheme: TagScheme,
) -> Vec<(String, Option<Vec<Annotation>>)> {
    let options = WriteOptions { offsets, scheme, ..WriteOptions::default() };
    let gold = Some(GoldOptions { offsets, ..GoldOptions::default() });
    let options_read = ReadOptions { gold, ..ReadOptions::default() };
    let written = write_bytes(format, documents, &options);
    contents(read(format, &written, &options_read).into_iter().map(Result::unwrap))
}

/// The formats that are read from one input.
fn single(marking: impl Fn(Marking) -> bool) -> impl Iterator<Item = &'static Format> {
    let is_single = |f: &&Format| f.name != "text" && f.companion.is_none() && f.write.is_some();
    FORMATS.iter().filter(is_single).filter(move |format| marking(format.marking))
}

const UNITS: [OffsetUnit; 3] = [OffsetUnit::Char, OffsetUnit::Byte, OffsetUnit::Utf16];

proptest! {
    #[test]
    fn words_and_entities_come_back(documents in tagged_words(), scheme in 0usize..3, unit in 0usize..3) {
        let expected = contents(documents.iter().map(|(document, _)| document.clone()));
        for format in single(|_| true) {
            let got = back(format, &documents, UNITS[unit], TagScheme::ALL[scheme]);
            prop_assert_eq!(&got, &expected, "{}", format.name);
        }
    }

    #[test]
    fn texts_and_entities_come_back(documents in marked_texts(), unit in 0usize..3) {
        let expected = contents(documents.iter().map(|(document, _)| document.clone()));
        for format in single(|marking| marking == Marking::Offsets) {
            let mut got = back(format, &documents, UNITS[unit], TagScheme::Bio);
            // Of what begins and ends at one place, Label Studio's regions have no order.
            got.iter_mut().for_each(|(_, gold)| gold.iter_mut().for_each(|g| {
                g.sort_by_key(|a| (a.span.start, std::cmp::Reverse(a.span.end), a.label.clone()));
            }));
            prop_assert_eq!(&got, &expected, "{}", format.name);
        }
    }

    #[test]
    fn a_text_beside_tokens_comes_back(documents in marked_texts()) {
        let fitted = |(document, entities): &(Document, Vec<Entity>), format: &Format| {
            let (entities, _) = fit::fit(document, entities, format.marking, TagScheme::Bio, fit::Mismatch::Expand);
            (document.clone(), entities)
        };
        for format in single(|marking| marking != Marking::Offsets).filter(|f| f.name != "conll") {
            let documents: Vec<_> = documents.iter().map(|one| fitted(one, format)).collect();
            let got = back(format, &documents, OffsetUnit::Char, TagScheme::Bio);
            for ((text, gold), (document, entities)) in got.iter().zip(&documents) {
                if tokens::words(document).is_empty() {
                    continue;
                }
                prop_assert_eq!(text, &document.text, "{}", format.name);
                let gold: Vec<_> = gold.iter().flatten().map(|a| (a.span, a.label.as_str())).collect();
                let expected: Vec<_> = entities.iter().map(|e| (e.span, e.label.as_str())).collect();
                prop_assert_eq!(gold, expected, "{}", format.name);
            }
        }
    }

    #[test]
    fn no_input_makes_a_format_panic(
        text in "\\PC{0,40}|[\\[\\]{}\",:0-9tokensrlabdi \n]{0,60}",
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        for format in FORMATS {
            for input in [text.as_bytes(), &bytes] {
                assert_sound(&read(format, input, &with_gold()));
                let input = || Input::new("in", std::io::Cursor::new(input.to_vec()));
                let _ = json::recognise(input());
                prop_assert!(sniff::sniff(input(), &ReadOptions::default()).is_ok());
            }
        }
    }

    #[test]
    fn no_damage_makes_a_format_panic(
        documents in tagged_words(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for format in single(|_| true) {
            let mut bytes = write_bytes(format, &documents, &WriteOptions::default());
            for (place, byte) in &damage {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            assert_sound(&read(format, &bytes, &with_gold()));
            assert_sound(&read(format, &bytes[..cut.index(bytes.len())], &with_gold()));
        }
    }
}
