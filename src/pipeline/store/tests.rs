//! The store asked directly, with a source that counts how often it runs.

use std::cell::Cell;
use std::fs;

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::span::{Mention, Origin};
use crate::text::Span;

const KEY: &str = "a source";

fn store(root: &Path) -> SourceStore {
    try_store(root).unwrap()
}

fn try_store(root: &Path) -> Result<SourceStore> {
    let files = crate::resource::Files::Folder(".".into());
    SourceStore::open(root, &"tagger".into(), SourceKey::of(KEY, &files, &[]).unwrap())
}

/// What a source finds in a document: its words are entities of one label or the other, and the model is
/// less and less sure of them.
fn found(document: &Document) -> Found {
    let name: Arc<str> = "tagger".into();
    let spans: Vec<Span> = document
        .text
        .split(' ')
        .scan(0, |start, word| {
            let span = Span::new(*start, *start + word.len());
            *start = span.end + 1;
            Some(span)
        })
        .filter(|span| span.start < span.end)
        .collect();
    let mention = |(number, span): (usize, &Span)| Mention {
        span: *span,
        label: if number % 2 == 0 { "PER".into() } else { "LOC".into() },
        score: 1.0 / (number + 1) as f32,
        origin: Origin::new(&name, format!("entry {}", number % 3)),
    };
    let mentions = spans.iter().enumerate().map(mention).collect();
    let parts = (0..spans.len() * 4).map(|n| if n % 3 == 0 { n as u16 % 10_001 } else { 0 });
    let parts = parts.collect();
    let labels = vec!["PER".into(), "LOC".into()];
    let evidence = Evidence::new(name, labels, spans, parts);
    Found { mentions, evidence: Some(evidence), warnings: Vec::new() }
}

fn keys(documents: &[&Document]) -> Vec<DocumentKey> {
    documents.iter().map(|document| DocumentKey::of(document)).collect()
}

/// What the store gives for documents, and how many of them the source was asked for.
fn ask(store: &SourceStore, documents: &[Document]) -> (Vec<Found>, usize) {
    let asked = Cell::new(0);
    let references: Vec<&Document> = documents.iter().collect();
    let all = store.find(&references, &keys(&references), |missing| {
        asked.set(missing.len());
        missing.iter().map(|document| Ok(found(document))).collect()
    });
    (all.into_iter().map(Result::unwrap).collect(), asked.get())
}

fn same(documents: &[Document], all: &[Found]) -> bool {
    documents.iter().zip(all).all(|(document, got)| {
        let expected = found(document);
        expected.mentions == got.mentions && expected.evidence == got.evidence
    })
}

fn documents(texts: &[&str]) -> Vec<Document> {
    texts.iter().map(|text| Document::new("d", *text)).collect()
}

/// The one segment of the store.
fn segment_of(root: &Path) -> PathBuf {
    let mut folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let folder = folders.find(|folder| !folder.ends_with("documents")).unwrap();
    let mut paths = segment::paths(&folder).unwrap();
    assert_eq!(paths.len(), 1, "{paths:?}");
    paths.remove(0)
}

#[test]
fn what_was_found_once_is_not_looked_for_again() {
    let root = tempfile::tempdir().unwrap();
    let first = documents(&["Ann saw Łódź", "", "Ann saw Łódź", "Bob"]);
    let one = store(root.path());
    let (all, asked) = ask(&one, &first);
    assert!(same(&first, &all));
    assert_eq!(asked, 4);
    let usage = one.finish().unwrap();
    assert_eq!((usage.reused, usage.run, usage.added), (0, 4, 3));
    drop(one);
    let second = documents(&["Bob", "Ann", "Ann saw Łódź"]);
    let two = store(root.path());
    let (all, asked) = ask(&two, &second);
    assert!(same(&second, &all));
    assert_eq!(asked, 1);
    drop(two);
    let (all, asked) = ask(&store(root.path()), &second);
    assert!(same(&second, &all));
    assert_eq!(asked, 0, "what was dropped without being finished is kept too");
}

#[test]
fn another_state_of_the_source_finds_nothing() {
    let root = tempfile::tempdir().unwrap();
    let all = documents(&["Ann"]);
    ask(&store(root.path()), &all);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.tsv"), "Ann").unwrap();
    let files = crate::resource::Files::Folder(folder.path().to_owned());
    let names = ["a.tsv".to_owned(), "absent".to_owned()];
    let key = |text: &str| {
        fs::write(folder.path().join("a.tsv"), text).unwrap();
        SourceKey::of(KEY, &files, &names).unwrap()
    };
    let (before, after) = (key("Ann"), key("Bob"));
    assert_ne!(before, after);
    assert_eq!(before, key("Ann"));
    let other = SourceStore::open(root.path(), &"tagger".into(), after).unwrap();
    assert_eq!(ask(&other, &all).1, 1);
}

#[test]
fn warnings_and_failures_come_again() {
    let root = tempfile::tempdir().unwrap();
    let all = documents(&["slow", "broken"]);
    let references: Vec<&Document> = all.iter().collect();
    for _ in 0..2 {
        let kept = store(root.path());
        let got = kept.find(&references, &keys(&references), |missing| {
            assert_eq!(missing.len(), 2);
            let warning = Error::new(ErrorKind::Document, "a rule was given up");
            let broken = Error::new(ErrorKind::Device, "the model failed");
            vec![Ok(Found { warnings: vec![warning], ..Found::default() }), Err(broken)]
        });
        assert_eq!(got[0].as_ref().unwrap().warnings.len(), 1);
        assert!(got[1].is_err());
        assert_eq!(kept.finish().unwrap().added, 0);
    }
}

#[test]
fn a_damaged_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    ask(&store(root.path()), &documents(&["Ann saw Bob"]));
    let path = segment_of(root.path());
    let good = fs::read(&path).unwrap();
    for place in [0, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = try_store(root.path()).err().expect("a bit is another");
        assert!(error.to_string().contains("the evidence is damaged"), "{error}");
        assert_eq!(error.location().unwrap().file, path.display().to_string());
    }
    fs::write(&path, b"").unwrap();
    assert!(try_store(root.path()).is_err());
    // What has the right name and is no such file.
    fs::remove_file(&path).unwrap();
    fs::write(path.with_file_name("e3b0c44298fc1c14.parquet"), b"").unwrap();
    let error = try_store(root.path()).err().expect("it is empty");
    assert!(error.help_text().unwrap().contains("delete the file"), "{error}");
}

#[test]
fn what_cannot_be_written_is_said_at_the_end_and_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let files = crate::resource::Files::Folder(".".into());
    let key = SourceKey::of(KEY, &files, &[]).unwrap();
    // A folder under a file can neither be listed nor made.
    let Ok(kept) = SourceStore::open(&file.join("x"), &"tagger".into(), key) else { return };
    let all = documents(&["Ann"]);
    assert!(same(&all, &ask(&kept, &all).0));
    assert!(kept.finish().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_kept_is_what_was_found(texts in proptest::collection::vec("[a-cŁ東 ]{0,12}", 1..20)) {
        let root = tempfile::tempdir().unwrap();
        let all: Vec<Document> = texts.iter().map(|text| Document::new("d", text.as_str())).collect();
        let (half, _) = all.split_at(all.len() / 2);
        ask(&store(root.path()), half);
        ask(&store(root.path()), &all);
        let (got, asked) = ask(&store(root.path()), &all);
        prop_assert_eq!(asked, 0);
        prop_assert!(same(&all, &got));
    }
}
