//! Rules over text on one core: a thousand of them over 20 MB of English-like text, in documents of
//! 20 kB and in short ones; and the packs that are shipped over the example corpus. What is found is
//! compared with what was put in before anything is timed.
//!
//! `cargo bench --bench rules -- --test` takes less text. With `SPANLOOM_BENCH_OUT=FOLDER` the thousand
//! rules are timed once instead, and rules, text and numbers are written to the folder for
//! `benches/peers/rules.py`.

#[path = "gazetteer/names.rs"]
#[allow(dead_code, reason = "shared with the bench of gazetteers")]
mod names;
#[path = "rules/written.rs"]
mod written;

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use criterion::{Criterion, Throughput};
use serde_json::json;
use spanloom::resource::{Files, TomlFile};
use spanloom::source::model::DeviceChoice;
use spanloom::source::rules::Rules;
use spanloom::source::{LoadContext, Source};
use spanloom::text::Document;

use names::English;
use written::{KINDS, Written};

/// Bytes of text, and of a document.
const TEXT: usize = 20_000_000;
const LONG: usize = 20_000;
const SHORT: usize = 140;

/// How many rules.
const RULES: usize = 1_000;

/// A source of rules from TOML, files named in it relative to the repository.
fn source(toml: &str) -> Rules {
    let file = TomlFile::new("bench.toml", toml);
    let section = file.parse().expect("the rules are TOML");
    let files = Files::Folder(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let context = LoadContext { files, device: DeviceChoice::Cpu };
    Rules::load("bench".into(), section, &context).expect("the rules are right")
}

fn generated(rules: &[Written]) -> Rules {
    let mut toml = String::new();
    rules.iter().enumerate().for_each(|(number, rule)| rule.toml(number, &mut toml));
    source(&toml)
}

/// How many entities of each label are found.
fn found(source: &Rules, documents: &[Document]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for document in documents {
        for mention in source.find(document).expect("rules do not fail").mentions {
            *counts.entry(mention.label.as_str().to_owned()).or_default() += 1;
        }
    }
    counts
}

fn count(source: &Rules, documents: &[Document]) -> usize {
    let of = |document| source.find(document).expect("rules do not fail").mentions.len();
    documents.iter().map(of).sum()
}

/// Documents of about that size, checked against the rules.
fn texts(
    source: &Rules,
    rules: &[Written],
    english: &English,
    size: usize,
    bytes: usize,
) -> Vec<Document> {
    let (texts, put) = written::documents(rules, english, size, bytes);
    let documents: Vec<Document> =
        texts.into_iter().map(|text| Document::new("bench", text)).collect();
    let counts = found(source, &documents);
    let all: usize = counts.values().sum();
    assert!(counts.len() == KINDS.len() && all >= put, "{put} were put in, found {counts:?}");
    documents
}

/// The texts of the example corpus, a document a file, that many times over.
fn corpus(times: usize) -> Vec<Document> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/corpus");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the example corpus is there")
        .map(|entry| entry.expect("its files can be listed").path())
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "txt"))
        .collect();
    files.sort();
    let text = |path: &PathBuf| fs::read_to_string(path).expect("its files can be read");
    let texts: Vec<String> = files.iter().map(text).collect();
    let once = || texts.iter().map(|text| Document::new("bench", text.as_str()));
    (0..times).flat_map(|_| once()).collect()
}

fn bytes(documents: &[Document]) -> u64 {
    documents.iter().map(|document| document.text.len() as u64).sum()
}

fn benchmark(criterion: &mut Criterion, name: &str, source: &Rules, documents: &[Document]) {
    let mut group = criterion.benchmark_group("rules");
    group.sample_size(10).throughput(Throughput::Bytes(bytes(documents)));
    group.bench_function(name, |bencher| bencher.iter(|| count(source, black_box(documents))));
    group.finish();
}

/// Writes rules, text and our time for the peers.
#[allow(clippy::print_stdout, reason = "the rate is what is asked for")]
fn write(folder: &Path, source: &Rules, rules: &[Written], documents: &[Document]) {
    let begun = Instant::now();
    let all = count(source, documents);
    let seconds = begun.elapsed().as_secs_f64();
    let rate = bytes(documents) as f64 / 1e6 / seconds;
    println!("{} rules: {rate:.1} MB/s, {all} found", rules.len());
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            json!({ "kind": rule.kind, "words": rule.words, "pattern": rule.pattern }).to_string()
        })
        .collect();
    let ours = json!({ "tool": "spanloom", "rate": rate, "found": found(source, documents) });
    let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
    for (name, content) in [
        ("rules.jsonl", lines.join("\n")),
        ("ours.jsonl", ours.to_string()),
        ("text.txt", texts.join("\u{c}")),
    ] {
        fs::write(folder.join(name), content).expect("the folder can be written to");
    }
}

fn main() {
    let english = English::new();
    let is_test = std::env::args().any(|argument| argument == "--test");
    let text = if is_test { TEXT / 100 } else { TEXT };
    let rules = written::rules(RULES, &english);
    let generated = generated(&rules);
    let long = texts(&generated, &rules, &english, LONG, text);
    if let Some(folder) = std::env::var_os("SPANLOOM_BENCH_OUT") {
        return write(Path::new(&folder), &generated, &rules, &long);
    }
    let mut criterion = Criterion::default().configure_from_args();
    benchmark(&mut criterion, "1000-rules-documents-of-20-kB", &generated, &long);
    drop(long);
    let short = texts(&generated, &rules, &english, SHORT, text / 10);
    benchmark(&mut criterion, "1000-rules-documents-of-140-B", &generated, &short);
    let corpus = corpus(if is_test { 1 } else { 20 });
    let packs = |names: &[&str]| {
        let files: Vec<String> = names.iter().map(|name| format!("rules/{name}.toml")).collect();
        source(&format!("files = {files:?}"))
    };
    let names = ["common", "per", "org", "loc", "misc", "layout"];
    benchmark(&mut criterion, "packs-of-names-example-corpus", &packs(&names), &corpus);
    let all = [&names[..], &["contact", "finance", "time"]].concat();
    benchmark(&mut criterion, "all-packs-example-corpus", &packs(&all), &corpus);
    criterion.final_summary();
}
