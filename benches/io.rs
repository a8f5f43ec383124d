//! Reading and writing of the formats, in bytes a second of the input (read) or output (write).
//!
//! The corpora are made here, seeded by their index: JSONL records of about 1 kB in two scripts, and
//! sentences of 20 tokens in four columns.

use std::hint::black_box;
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spanloom::io::{Format, Input, Output, ReadOptions, WriteOptions, format};
use spanloom::span::{Entity, Origin, Span};
use spanloom::text::Document;

const RECORDS: usize = 4000;
const SENTENCES: usize = 8000;
const WORDS: &[&str] =
    &["Paris", "Łódź", "saw", "the", "naïve", "river", "東京", "Ann", "in", "New"];

fn jsonl() -> Vec<u8> {
    let line = |i: usize| {
        let text: Vec<&str> = (0..160).map(|j| WORDS[(i * 7 + j * 3 + j / 10) % 10]).collect();
        format!("{{\"id\": {i}, \"text\": \"{}\", \"source\": \"bench\"}}\n", text.join(" "))
    };
    (0..RECORDS).map(line).collect::<String>().into_bytes()
}

fn conll() -> Vec<u8> {
    let line = |i: usize| format!("{} NNP B-NP {}\n", WORDS[i % 10], ["O", "B-LOC"][i % 2]);
    let sentence = |i: usize| (0..20).map(|j| line(i * 7 + j * 3)).collect::<String>() + "\n";
    (0..SENTENCES).map(sentence).collect::<String>().into_bytes()
}

fn read(format: &Format, bytes: &[u8]) -> Vec<Document> {
    let input = Input::new("bench", Cursor::new(bytes.to_vec()));
    let documents = (format.read)(input, &ReadOptions::default());
    documents.collect::<Result<_, _>>().expect("the corpus is well formed")
}

/// An entity over every place where `Paris` stands.
fn entities(document: &Document) -> Vec<Entity> {
    let places = document.text.match_indices("Paris");
    places
        .map(|(start, name)| Entity {
            span: Span::new(start, start + name.len()),
            label: "LOC".into(),
            score: 0.875,
            origins: vec![Origin::new(&"places".into(), "Paris")],
            overruled: vec![],
        })
        .collect()
}

#[derive(Clone, Default)]
struct Counter(Arc<Mutex<usize>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        *self.0.lock().expect("no writer panics") += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes all documents and gives the number of bytes.
fn write(format: &Format, tagged: &[(Document, Vec<Entity>)]) -> usize {
    let counter = Counter::default();
    let output = Output::new("bench", counter.clone()).expect("memory can be written to");
    let writer = format.writer(output, &WriteOptions::default());
    let mut writer = writer.expect("a format that is written");
    for (document, entities) in tagged {
        writer.write(document, entities).expect("memory can be written to");
    }
    writer.finish().expect("memory can be written to");
    *counter.0.lock().expect("no writer panics")
}

fn benches(c: &mut Criterion) {
    let corpora = [("jsonl", jsonl(), RECORDS, 64_000), ("conll", conll(), SENTENCES, 16_000)];
    for (name, bytes, documents, found) in corpora {
        let format = format(name).expect("the format is there");
        let tagged: Vec<_> = read(format, &bytes)
            .into_iter()
            .map(|d| (entities(&d), d))
            .map(|(e, d)| (d, e))
            .collect();
        assert_eq!(tagged.len(), documents);
        assert_eq!(tagged.iter().map(|(_, e)| e.len()).sum::<usize>(), found);
        let written = write(format, &tagged);
        assert!(written > bytes.len());

        let mut group = c.benchmark_group(name);
        group.sample_size(10);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("read", |b| b.iter(|| black_box(read(format, &bytes)).len()));
        group.throughput(Throughput::Bytes(written as u64));
        group.bench_function("write", |b| b.iter(|| write(format, black_box(&tagged))));
        group.finish();
    }
}

criterion_group!(io, benches);
criterion_main!(io);
