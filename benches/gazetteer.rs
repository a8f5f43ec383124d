//! The gazetteer: building one of 100,000 names, loading it compiled, and matching about 1 MB of
//! running text in which one word in twelve begins a name.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spanloom::source::gazetteer::{Builder, Gazetteer, Matcher};
use spanloom::text::Document;

const NAMES: usize = 100_000;
const WORDS: usize = 150_000;
/// One word in this many begins a name.
const NAME_EVERY: usize = 12;

/// A small generator of numbers that is the same everywhere (Knuth's MMIX constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// A pronounceable word of 1 to 4 syllables.
    fn word(&mut self) -> Vec<u8> {
        let syllables = 1 + self.below(4);
        (0..syllables)
            .flat_map(|_| [b"bcdfghklmnprstvz"[self.below(16)], b"aeiou"[self.below(5)]])
            .collect()
    }

    /// A name of 1 to 3 words. They end in a letter that other words do not end in, so that it is
    /// known how many names a text holds.
    fn name(&mut self) -> String {
        let words = (0..1 + self.below(3)).map(|_| {
            let mut word = self.word();
            word[0].make_ascii_uppercase();
            word.push(b'x');
            word
        });
        ascii(words.collect::<Vec<_>>().join(&b' '))
    }
}

fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the generator writes ASCII")
}

/// Rows of TSV.
fn rows(names: &[String]) -> String {
    names.iter().enumerate().map(|(i, name)| format!("{name}\tLOC\tid{i}\t0.5\n")).collect()
}

fn gazetteer(tsv: &str) -> Gazetteer {
    let mut builder = Builder::new();
    builder.add_tsv("bench.tsv", tsv.as_bytes());
    builder.build().expect("the rows are well-formed")
}

/// Running text, and how often a name begins in it.
fn text(names: &[String], numbers: &mut Numbers) -> (String, usize) {
    let mut text = String::new();
    let mut count = 0;
    for i in 0..WORDS {
        if i % NAME_EVERY == 0 {
            text.push_str(&names[numbers.below(names.len())]);
            count += 1;
            // A comma keeps two names apart that would make a third together.
            text.push_str(", ");
        } else {
            text.push_str(&ascii(numbers.word()));
            text.push(if i % 15 == 14 { '\n' } else { ' ' });
        }
    }
    (text, count)
}

fn benchmark(criterion: &mut Criterion) {
    let mut numbers = Numbers(42);
    let names: Vec<String> = (0..NAMES).map(|_| numbers.name()).collect();
    let (tsv, small) = (rows(&names), rows(&names[..500]));
    let compiled = gazetteer(&tsv).as_bytes().to_vec();

    let mut group = criterion.benchmark_group("gazetteer/load");
    group.sample_size(10);
    group.bench_function("tsv-100k", |b| b.iter(|| gazetteer(black_box(&tsv))));
    group.bench_function("tsv-500", |b| b.iter(|| gazetteer(black_box(&small))));
    group.bench_function("compiled-100k", |b| {
        b.iter(|| Gazetteer::from_bytes(black_box(compiled.clone())).expect("it was just written"));
    });
    group.finish();

    let mut group = criterion.benchmark_group("gazetteer/match");
    let matcher = Matcher::default();
    for (name, tsv, names) in [("100k", &tsv, &names[..]), ("500", &small, &names[..500])] {
        let gazetteers = [gazetteer(tsv)];
        let (text, count) = text(names, &mut Numbers(7));
        let document = Document::new("bench", text);
        assert_eq!(matcher.find(&gazetteers, &document).len(), count, "{name}");
        group.throughput(Throughput::Bytes(document.text.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), &document, |b, document| {
            b.iter(|| matcher.find(black_box(&gazetteers), black_box(document)));
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
