//! What the matching options of a gazetteer cost: about 1 MB of running text against 100,000 names, one
//! word in twelve begins a name and one name in eight has an error.

#[path = "gazetteer/names.rs"]
#[allow(dead_code, reason = "shared with the bench of gazetteers")]
mod names;

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spanloom::source::gazetteer::{
    Builder, Difference, Entry, Fuzzy, Gazetteer, Hashtags, Matcher, SpellingOptions,
};
use spanloom::text::{CommonWords, Document};

use names::Numbers;

const NAMES: usize = 100_000;
const WORDS: usize = 150_000;
/// One word in this many begins a name.
const NAME_EVERY: usize = 12;
/// One name in this many is misspelt.
const ERROR_EVERY: usize = 8;
/// One of the other words in this many is on no list of common words.
const RARE_EVERY: usize = 20;

/// A pronounceable word of 1 to 4 syllables.
fn word(numbers: &mut Numbers) -> String {
    let syllables = 1 + numbers.below(4);
    (0..syllables)
        .flat_map(|_| [b"bcdfghklmnprstvz"[numbers.below(16)], b"aeiou"[numbers.below(5)]])
        .map(char::from)
        .collect()
}

/// A name of two words, each with a capital and an `x` at its end: no name is a part of another.
fn name(numbers: &mut Numbers) -> String {
    let words = [word(numbers), word(numbers)].map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}x", first.to_uppercase())
    });
    words.join(" ")
}

/// Text, the common words in it, how many names it holds and how many of them are misspelt.
struct Sample {
    document: Document,
    common: String,
    right: usize,
    misspelt: usize,
}

fn sample(names: &[String], numbers: &mut Numbers) -> Sample {
    let (mut text, mut common) = (String::new(), BTreeSet::new());
    let (mut right, mut misspelt) = (0, 0);
    for i in 0..WORDS {
        if i % NAME_EVERY == 0 {
            let name = &names[numbers.below(names.len())];
            let letters = name.chars().filter(|c| c.is_alphabetic()).count();
            if i % (NAME_EVERY * ERROR_EVERY) == 0 && letters >= 5 {
                // No name has a q.
                text.push_str(&format!("{}qx", name.trim_end_matches('x')));
                misspelt += 1;
            } else {
                text.push_str(name);
                right += 1;
            }
            // A number keeps two names apart that would make a third together.
            text.push_str(", 7 ");
        } else {
            let word = word(numbers);
            text.push_str(&word);
            text.push(if i % 15 == 14 { '\n' } else { ' ' });
            if i % RARE_EVERY != 0 {
                common.insert(word);
            }
        }
    }
    let common = common.into_iter().collect::<Vec<_>>().join("\n");
    Sample { document: Document::new("bench", text), common, right, misspelt }
}

fn gazetteer(names: &[String]) -> Gazetteer {
    let mut builder = Builder::new();
    for name in names {
        builder.add(&Entry::new(name, "LOC".into())).expect("a name has letters");
    }
    builder.build().expect("the names are well-formed")
}

fn benchmark(criterion: &mut Criterion) {
    let mut numbers = Numbers::new(42);
    let names: Vec<String> = (0..NAMES).map(|_| name(&mut numbers)).collect();
    let gazetteers = [gazetteer(&names)];
    let sample = sample(&names, &mut numbers);
    let common = |is_given: bool| {
        let mut common = CommonWords::default();
        if is_given {
            common.add(&sample.common);
        }
        common
    };
    let with = |extra: &[Difference]| {
        let mut matcher = Matcher::default();
        matcher.spelling = SpellingOptions::ignoring(&[&Difference::FOLDED[..], extra].concat());
        matcher
    };
    let fuzzy = |letters: &[usize], is_given| {
        let mut matcher = Matcher::default();
        matcher.fuzzy = Some(Fuzzy { min_letters: letters.to_vec(), ..Fuzzy::default() });
        matcher.common_words = common(is_given);
        matcher
    };
    let mut hashtags = Matcher::default();
    hashtags.hashtags = Some(Hashtags::Inside);
    let (right, all) = (sample.right, sample.right + sample.misspelt);
    let cases = [
        ("plain", Matcher::default(), right),
        ("hyphen-space", with(&[Difference::HyphenSpace]), right),
        ("missing-apostrophe", with(&[Difference::MissingApostrophe]), right),
        ("hashtags", hashtags, right),
        ("one-error", fuzzy(&[5], true), all),
        ("two-errors", fuzzy(&[5, 9], true), all),
        ("two-errors-no-list", fuzzy(&[5, 9], false), all),
    ];
    let mut group = criterion.benchmark_group("gazetteer/options");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(sample.document.text.len() as u64));
    for (name, matcher, expected) in &cases {
        let found = matcher.find(&gazetteers, &sample.document).len();
        assert_eq!(found, *expected, "{name}");
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| matcher.find(black_box(&gazetteers), black_box(&sample.document)));
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
