//! A corpus tagged, kept as evidence, and merged again from it: the times of both in one run, their ratio,
//! and what a token takes on disk. The results must be the same, and no source may run the second time.
//!
//! The text is that of WNUT-17 dev, where `SPANLOOM_DATA` (default `../shared/data`) has it, else 500
//! generated sentences. Run it with `cargo bench --bench evidence`.

use std::path::Path;
use std::time::{Duration, Instant};

use spanloom::io::{DocumentStream, Inputs, ReadOptions, format};
use spanloom::pipeline::EngineOptions;
use spanloom::{Document, Engine, Entity};

mod prose;

/// The runs of a merge, of which the median counts.
const RUNS: usize = 9;

fn documents() -> (String, Vec<Document>) {
    let data = std::env::var("SPANLOOM_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let path = Path::new(&data).join("wnut17/emerging.dev.conll");
    if !path.is_file() {
        let (text, _) = prose::sentences(500);
        let documents = text.lines().map(|line| Document::new("bench", line)).collect();
        return ("500 generated sentences".to_owned(), documents);
    }
    let files = Inputs::expand(&[path], format("conll").ok()).files;
    let stream = DocumentStream::new(files, ReadOptions::default());
    let documents = stream.collect::<Result<_, _>>().expect("the corpus is well formed");
    ("WNUT-17 dev".to_owned(), documents)
}

fn engine(folder: &Path) -> Engine {
    let evidence = Some(folder.to_owned());
    let options = EngineOptions { evidence, ..EngineOptions::default() };
    Engine::builtin_with(&options).expect("the default engine builds")
}

/// The entities of all documents, and how long they took.
fn tag(engine: &Engine, documents: &[Document]) -> (Vec<Vec<Entity>>, Duration) {
    let start = Instant::now();
    let tagged = engine.tag_documents(documents).into_iter();
    let entities = tagged.map(|tagged| tagged.expect("no source fails").entities).collect();
    (entities, start.elapsed())
}

#[allow(clippy::print_stdout)]
fn main() {
    let (name, documents) = documents();
    let bytes: usize = documents.iter().map(|document| document.text.len()).sum();
    let tokens: usize = documents
        .iter()
        .map(|d| d.tokens.as_ref().map_or(d.text.split(' ').count(), Vec::len))
        .sum();
    let folder = tempfile::tempdir().expect("a folder");

    let first = engine(folder.path());
    let (expected, tagging) = tag(&first, &documents);
    first.finish_evidence().expect("the evidence is kept");

    let second = engine(folder.path());
    let mut merges: Vec<Duration> = Vec::new();
    for _ in 0..RUNS {
        let (entities, merge) = tag(&second, &documents);
        assert_eq!(entities, expected, "merging again gives what tagging gave");
        merges.push(merge);
    }
    let run: u64 =
        second.finish_evidence().expect("it was read").iter().map(|usage| usage.run).sum();
    assert_eq!(run, 0, "no source ran");
    merges.sort();
    let merge = merges[RUNS / 2];

    let kept: u64 = bytes_in(folder.path());
    println!("{name}: {} documents, {tokens} tokens, {bytes} bytes", documents.len());
    println!("tagged in        {:10.1} ms", tagging.as_secs_f64() * 1e3);
    println!("merged again in  {:10.1} ms (median of {RUNS})", merge.as_secs_f64() * 1e3);
    println!("merging is       {:10.0} times faster", tagging.as_secs_f64() / merge.as_secs_f64());
    println!("evidence         {:10.2} bytes a token", kept as f64 / tokens as f64);
}

/// The bytes of all files under `folder`.
fn bytes_in(folder: &Path) -> u64 {
    let entries =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let size = |entry: std::fs::DirEntry| match entry.file_type().expect("a type").is_dir() {
        true => bytes_in(&entry.path()),
        false => entry.metadata().expect("metadata").len(),
    };
    entries.map(size).sum()
}
