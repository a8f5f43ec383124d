//! Throughput of the rule source: 200 rules over generated text, with few and with many of them
//! able to match.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spanloom::resource::{Files, TomlFile};
use spanloom::source::model::DeviceChoice;
use spanloom::source::rules::Rules;
use spanloom::source::{LoadContext, Source};
use spanloom::text::Document;

const RULES: usize = 200;

/// A source of rules, each looking for a name after a word of its own.
fn source() -> Rules {
    let mut toml = String::new();
    for i in 0..RULES {
        write!(
            toml,
            "[[rule]]\nid = 'rule-{i}'\ndoc = 'A name after a word.'\nlabel = 'PER'\n\
             pattern = '\\b(?:{word}|{word}s)\\s+(?<entity>\\p{{Lu}}\\p{{L}}+(?:\\s\\p{{Lu}}\\p{{L}}+)*)'\n\
             not-right = '\\d'\n\
             [[rule.case]]\ntext = '{word} Ann'\nfinds = ['Ann']\n\
             [[rule.case]]\ntext = 'Ann'\nfinds = []\n",
            word = word(i),
        )
        .expect("a string takes everything");
    }
    let file = TomlFile::new("bench.toml", &toml);
    let section = file.parse().expect("the rules are TOML");
    let context = LoadContext { files: Files::Folder(PathBuf::new()), device: DeviceChoice::Cpu };
    Rules::load("bench".into(), section, &context).expect("the rules are right")
}

/// A word that is part of no other: `qaaq`, `qabq`, ….
fn word(i: usize) -> String {
    let letter = |n: usize| char::from(b'a' + (n % 16) as u8);
    format!("q{}{}q", letter(i / 16), letter(i))
}

/// About 100 kB of sentences in which the first `rules` rules find one name a sentence, in turn.
fn text(rules: usize) -> (String, usize) {
    let mut text = String::new();
    let mut names = 0;
    while text.len() < 100_000 {
        let word = word(names % rules);
        write!(
            text,
            "The report says that {word} Ada Lovelace was seen near the old mill in May. "
        )
        .expect("a string takes everything");
        names += 1;
    }
    (text, names)
}

fn rules(criterion: &mut Criterion) {
    let source = source();
    let mut group = criterion.benchmark_group("rules");
    for (name, able) in
        [("one-of-200-can-match", 1), ("ten-of-200-can-match", 10), ("all-200-can-match", RULES)]
    {
        let (text, names) = text(able);
        let document = Document::new("bench", text);
        let count =
            |document: &Document| source.find(document).expect("rules do not fail").mentions.len();
        assert_eq!(count(&document), names, "{name}");
        group.throughput(Throughput::Bytes(document.text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| count(black_box(&document))));
    }
    group.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
