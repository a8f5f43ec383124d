//! The model of the default engine on the processor: 200 generated sentences of 25 words, in words a
//! second (a full stop is a word).

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use spanloom::Document;
use spanloom::resource::Files;
use spanloom::source::model::{DeviceChoice, ModelConfig, Tagger};
use spanloom::source::{LoadContext, Source};

mod prose;

const SENTENCES: usize = 200;
/// What `models/en` finds: one mention less than there are names.
const MENTIONS: usize = 599;

fn tagger() -> Tagger {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let context = LoadContext { files: Files::Folder(root.to_owned()), device: DeviceChoice::Cpu };
    Tagger::load("tagger".into(), ModelConfig::of_folder("models/en"), &context)
        .expect("the model of the repository loads")
}

fn model(criterion: &mut Criterion) {
    let tagger = tagger();
    let (text, _) = prose::sentences(SENTENCES);
    let document = Document::new("bench", text);

    let found = tagger.find(&document).expect("the model runs");
    let words = found.evidence.expect("a model gives evidence").words().len();
    assert_eq!(words, SENTENCES * (prose::WORDS_PER_SENTENCE + 1));
    assert_eq!(found.mentions.len(), MENTIONS);

    let mut group = criterion.benchmark_group("model");
    group.sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(words as u64));
    group.bench_function("en-200-sentences", |bencher| {
        bencher.iter(|| tagger.find(black_box(&document)).expect("the model runs"));
    });
    group.finish();
}

criterion_group!(benches, model);
criterion_main!(benches);
