//! Gazetteers of 100,000 and 5,000,000 names: building, opening, and matching 20 MB of English-like
//! text, beside `aho-corasick` and `daachorse` with the same names in the same run. What is found is
//! compared before anything is timed.
//!
//! `cargo bench --bench gazetteer -- --test` takes a smaller list only. With `SPANLOOM_BENCH_OUT=FOLDER`
//! everything is timed five times instead and printed as a table, and names, text and numbers are
//! written to the folder for `benches/peers/gazetteer.py`.

#[path = "gazetteer/names.rs"]
#[allow(dead_code)]
mod names;
#[path = "gazetteer/table.rs"]
mod table;

use std::hint::black_box;
use std::path::Path;

use aho_corasick::AhoCorasick;
use criterion::{Criterion, Throughput};
use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder};
use spanloom::source::gazetteer::{Builder, Case, Entry, Gazetteer, MatchKind, Matcher};
use spanloom::text::{CommonWords, Document, FoldOptions, fold};

use names::English;

/// Bytes of text.
const TEXT: usize = 20_000_000;

/// Names, and text in which some of them stand.
struct List {
    label: &'static str,
    names: Vec<String>,
    documents: Vec<Document>,
    bytes: u64,
}

impl List {
    fn new(label: &'static str, count: usize, text: usize) -> Self {
        let english = English::new();
        let names = names::names(count, &english);
        let texts = names::documents(&names, &english, text).into_iter();
        let documents: Vec<Document> = texts.map(|text| Document::new("bench", text)).collect();
        let bytes = documents.iter().map(|document| document.text.len() as u64).sum();
        Self { label, names, documents, bytes }
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |(number, name): (usize, &String)| {
            let mut entry = Entry::new(name, ["LOC", "ORG", "PER"][number % 3].into());
            entry.id = Some(format!("Q{number}"));
            entry
        };
        self.names.iter().enumerate().map(entry).collect()
    }

    /// The names as automata over bytes take them.
    fn keys(&self) -> Vec<String> {
        self.names.iter().map(|name| fold(name, FoldOptions::ALL).into_text()).collect()
    }

    /// How many names the whole matcher finds.
    fn find(&self, matcher: &Matcher, gazetteers: &[Gazetteer]) -> usize {
        self.documents.iter().map(|document| matcher.find(gazetteers, document).len()).sum()
    }

    /// How many names an automaton finds in the folded texts between word boundaries.
    fn find_aho(&self, aho: &AhoCorasick) -> usize {
        let count = |folded: &str| {
            let found = aho.find_overlapping_iter(folded);
            found.filter(|m| stands_alone(folded, m.start(), m.end())).count()
        };
        self.folded(count)
    }

    /// As [`List::find_aho`].
    fn find_daachorse(&self, daachorse: &DoubleArrayAhoCorasick<u32>) -> usize {
        let count = |folded: &str| {
            let found = daachorse.find_overlapping_iter(folded);
            found.filter(|m| stands_alone(folded, m.start(), m.end())).count()
        };
        self.folded(count)
    }

    fn folded(&self, count: impl Fn(&str) -> usize) -> usize {
        let texts = self.documents.iter().map(|document| &document.text);
        texts.map(|text| count(fold(text, FoldOptions::ALL).text())).sum()
    }
}

/// Whether ASCII text has word boundaries at both places.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let is_word = |at: Option<usize>| {
        at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_alphanumeric)
    };
    !is_word(start.checked_sub(1)) && !is_word(Some(end))
}

/// Builds a gazetteer of `entries` at `path`.
fn build(entries: &[Entry], path: &Path, progress: &mut dyn FnMut(u64)) {
    let folder = path.parent().expect("the file stands in a folder");
    let mut builder = Builder::with_memory(Builder::MEMORY, folder);
    entries.iter().for_each(|entry| builder.add(entry).expect("no name is empty"));
    builder.write(path, progress).expect("the disk has room");
}

fn build_aho(keys: &[String]) -> AhoCorasick {
    let mut builder = AhoCorasick::builder();
    builder.match_kind(aho_corasick::MatchKind::Standard);
    builder.build(keys).expect("the names fit")
}

fn build_daachorse(keys: &[String]) -> DoubleArrayAhoCorasick<u32> {
    DoubleArrayAhoCorasickBuilder::new().build(keys).expect("the names fit")
}

/// A matcher as the default engine has it.
fn matcher() -> Matcher {
    let mut common_words = CommonWords::default();
    common_words.add(names::COMMON);
    let mut matcher = Matcher::default();
    matcher.common_words = common_words;
    matcher
}

/// The smart matcher finds each name that was put into the text; without regard to casing and overlaps
/// it finds what the automata find.
fn check(list: &List, gazetteer: &[Gazetteer], aho: &AhoCorasick) {
    let mut all = Matcher::default();
    (all.case, all.matches) = (Case::Fold, MatchKind::All);
    let found = list.find(&all, gazetteer);
    assert_eq!(found, list.find_aho(aho), "{}", list.label);
    let smart = list.find(&matcher(), gazetteer);
    assert!(smart > 0 && smart <= found, "{smart} of {found} in {}", list.label);
}

fn benchmark(criterion: &mut Criterion, list: &List) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("bench.fst");
    let (entries, keys) = (list.entries(), list.keys());
    build(&entries, &path, &mut |_| ());
    let gazetteer = [Gazetteer::open(&path).expect("it was just written")];
    let (aho, daachorse) = (build_aho(&keys), build_daachorse(&keys));
    check(list, &gazetteer, &aho);
    assert_eq!(list.find_aho(&aho), list.find_daachorse(&daachorse));

    let mut group = criterion.benchmark_group(format!("gazetteer/{}", list.label));
    group.sample_size(10);
    group.bench_function("open", |b| b.iter(|| Gazetteer::open(black_box(&path))));
    group.throughput(Throughput::Elements(entries.len() as u64));
    group.bench_function("build", |b| b.iter(|| build(&entries, &path, &mut |_| ())));
    group.throughput(Throughput::Bytes(list.bytes));
    let matcher = matcher();
    group.bench_function("match", |b| b.iter(|| list.find(&matcher, black_box(&gazetteer))));
    group.bench_function("match-aho-corasick", |b| b.iter(|| list.find_aho(black_box(&aho))));
    group.bench_function("match-daachorse", |b| {
        b.iter(|| list.find_daachorse(black_box(&daachorse)));
    });
    group.finish();
}

fn main() {
    if let Some(folder) = std::env::var_os("SPANLOOM_BENCH_OUT") {
        return table::write(Path::new(&folder));
    }
    let mut criterion = Criterion::default().configure_from_args();
    if std::env::args().any(|argument| argument == "--test") {
        benchmark(&mut criterion, &List::new("10k", 10_000, TEXT / 20));
    } else {
        benchmark(&mut criterion, &List::new("100k", 100_000, TEXT));
        benchmark(&mut criterion, &List::new("5m", 5_000_000, TEXT));
    }
    criterion.final_summary();
}
