//! Whole engines over 200 generated sentences of 25 words, in bytes of text a second.
//!
//! What the default engine finds is its tuning's affair, so counts are asserted only for the engine
//! that is written here.

use std::hint::black_box;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use spanloom::pipeline::EngineOptions;
use spanloom::{Document, Engine};

mod prose;

const SENTENCES: usize = 200;

/// Gazetteers of the repository, a rule and a merge; names are relative to the repository.
const GAZETTEERS_AND_A_RULE: &str = r#"
labels = ["PER", "LOC", "ORG"]

[[source]]
kind = "gazetteer"
name = "names"
files = ["gazetteers/loc/*.tsv", "gazetteers/org/*.tsv", "gazetteers/per/people.tsv"]
common-words = ["gazetteers/common/*.txt"]

[[source]]
kind = "rules"
name = "patterns"
[[source.rule]]
id = "two-capitals"
doc = "Two capitalised words in a row, no sentence begin among them."
label = "PER"
pattern = '(?<=\p{Ll} )(?<entity>\p{Lu}\p{Ll}+ \p{Lu}\p{Ll}+)\b'
score = 0.8
[[source.rule.case]]
text = "when Ada Lovelace wrote"
finds = ["Ada Lovelace"]
[[source.rule.case]]
text = "Yesterday it rained"
finds = []

[[merge]]
pass = "combine"
[[merge]]
pass = "threshold"
min = 0.5
[[merge]]
pass = "longest"
"#;

fn count(engine: &Engine, documents: &[Document]) -> usize {
    let tagged = engine.tag_documents(documents).into_iter();
    tagged.map(|document| document.expect("no source fails").entities.len()).sum()
}

fn pipeline(criterion: &mut Criterion) {
    let (text, names) = prose::sentences(SENTENCES);
    let documents: Vec<Document> = text.lines().map(|line| Document::new("bench", line)).collect();
    let without_the_model =
        EngineOptions { without: vec!["tagger".to_owned()], ..EngineOptions::default() };
    let written_here = Engine::parse(GAZETTEERS_AND_A_RULE).expect("the engine is right");
    assert_eq!(count(&written_here, &documents), names);

    let mut group = criterion.benchmark_group("pipeline/200-sentences");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(text.len() as u64));
    for (name, engine) in [
        ("gazetteers-and-a-rule", written_here),
        (
            "default-without-model",
            Engine::builtin_with(&without_the_model).expect("the default engine builds"),
        ),
        ("default", Engine::builtin().expect("the default engine builds")),
    ] {
        if name == "default" {
            group.sampling_mode(SamplingMode::Flat);
        }
        assert!(count(&engine, &documents) > 0, "{name}");
        group
            .bench_function(name, |bencher| bencher.iter(|| count(&engine, black_box(&documents))));
    }
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
