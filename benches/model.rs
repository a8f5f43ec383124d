//! The model of the default engine on the processor: 200 generated sentences of 25 words, in words a
//! second (a full stop is a word); and its encoder alone, packed (in 32 bits, in fixed point, and in bfloat16 where the processor has it) and padded,
//! over 512 sequences as long as posts are (4 to 47 sub-words, 26 on average), in sub-words a second; and its tokenizer,
//! in bytes of text a second.

use std::hint::black_box;
use std::path::Path;

use candle_core::{Device, Tensor};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use spanloom::Document;
use spanloom::resource::Files;
use spanloom::source::model::arch::{Precision, architecture};
use spanloom::source::model::batch::Batch;
use spanloom::source::model::weights::Weights;
use spanloom::source::model::{DeviceChoice, Mode, ModelConfig, PrecisionChoice, Tagger};
use spanloom::source::{LoadContext, Source};
use spanloom::text::segment;

mod batches;
mod prose;

use batches::batches;

const SENTENCES: usize = 200;
/// What `models/en` finds: eight mentions less than there are names.
const MENTIONS: usize = 592;

/// `models/en`; an error where the processor has not the precision.
fn tagger_in(precision: PrecisionChoice) -> spanloom::Result<Tagger> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let context = LoadContext { files: Files::Folder(root.to_owned()), device: DeviceChoice::Cpu };
    let config = ModelConfig { precision, ..ModelConfig::of_folder("models/en") };
    Tagger::load("tagger".into(), config, &context)
}

fn tagger() -> Tagger {
    tagger_in(PrecisionChoice::F32).expect("the model of the repository loads")
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

/// Words become sub-words, one thread: those of a text that says the same again, and of one that says every word once.
fn tokens(criterion: &mut Criterion) {
    let tagger = tagger();
    let (text, _) = prose::sentences(SENTENCES);
    // More than is remembered.
    let once: Vec<String> = (0..SENTENCES * 200).map(|number| format!("w{number:x}ing")).collect();
    let mut group = criterion.benchmark_group("tokens");
    for (name, text) in [("prose", text), ("words-once", once.join(" "))] {
        let words = segment::words(&text);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            let cut = || tagger.sub_words().of_words(&text, black_box(words.clone()));
            bencher.iter(|| cut().expect("sub-words"));
        });
    }
    group.finish();
}

/// Batches of sequences of random sub-words, and how many sub-words there are.
fn random_batches() -> (Vec<Batch>, usize) {
    let sequence = |i: u32| -> Vec<u32> {
        let length = 4 + (i * 7919) % 24 + (i * 104_729) % 21;
        (0..length).map(|k| 1000 + (i * 31 + k * 997) % 20_000).collect()
    };
    let sequences: Vec<Vec<u32>> = (0..512).map(sequence).collect();
    let sub_words = sequences.iter().map(Vec::len).sum();
    (batches(&sequences, 2048, &Device::Cpu), sub_words)
}

fn encoder(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = Files::Folder(root.to_owned());
    let config = root.join("models/en/config.json");
    let config = std::fs::read_to_string(config).expect("the configuration");
    let architecture = architecture("bert", "models/en").expect("an architecture");
    let in_precision = |precision| {
        let weights = Weights::load(&files, "models/en", &Device::Cpu).expect("the weights");
        let weights = weights.with_precision(precision);
        (architecture.load)(&config, &weights).expect("the encoder")
    };
    let encoder = in_precision(Precision::F32);

    let packed = |batch: &Batch| encoder.encode(batch, Mode::Inference).expect("states");
    let padded =
        |batch: &Batch| encoder.encode_layers(batch, Mode::Inference, &mut |_| {}).expect("states");
    let (batches, sub_words) = random_batches();
    assert_eq!(sub_words, 13_080);
    for batch in &batches {
        let difference = (packed(batch) - padded(batch)).and_then(|states| states.abs());
        let first = difference.and_then(|states| states.narrow(1, 0, 1)).expect("first sub-words");
        let most = first.max_all().and_then(|most| most.to_scalar::<f32>()).expect("a number");
        assert!(most < 1e-4, "{most}");
    }

    let mut group = criterion.benchmark_group("encoder");
    group.sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(sub_words as u64));
    let mut bench = |name: &str, encode: &(dyn Fn(&Batch) -> Tensor + Sync)| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| batches.par_iter().map(encode).collect::<Vec<_>>());
        });
    };
    bench("packed", &packed);
    let mut narrow = vec![("int16", Precision::Int16), ("int8", Precision::Int8)];
    if tagger_in(PrecisionChoice::Bf16).is_ok() {
        narrow.push(("bf16", Precision::Bf16Pairs));
    }
    for (name, precision) in narrow {
        let encoder = in_precision(precision);
        bench(name, &|batch| encoder.encode(batch, Mode::Inference).expect("states"));
    }
    bench("padded", &padded);
    group.finish();
}

criterion_group!(benches, tokens, encoder, model);
criterion_main!(benches);
