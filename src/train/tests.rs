//! Training as a whole, on the tiny BERT and a small corpus of our own.

mod active;
mod adapters;
pub(super) mod fixtures;
mod heads;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

use super::data::{Corpus, Excluded};
use super::optimiser::Optimiser;
use super::recipe::LossRecipe;
use super::schedule::Schedule;
use super::step::compute;
use super::token::{
    TagExample, TagLoss, Targets, Teaching, TokenTrainee, examples as tag_examples,
};
use super::trainee::Trainee;
use super::*;
use crate::error::Result;
use crate::resource::{Files, TomlFile};
use crate::source::LoadContext;
use crate::source::model::arch::architecture;
use crate::source::model::batch::Batch;
use crate::source::model::head::TokenHead;
use crate::source::model::weights::Weights;
use crate::source::model::{DeviceChoice, Dropout, Mode};
use crate::span::TagScheme;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The tags of the tiny BERT's own last layer.
const OWN_TAGS: [&str; 9] =
    ["B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-MISC", "I-MISC", "O"];

fn recipe(text: &str) -> Recipe {
    Recipe::parse(&TomlFile::new(&format!("{ROOT}/recipe.toml"), text)).unwrap()
}

/// A recipe that trains on the small corpus and writes into `folder`.
fn small(folder: &Path, more: &str) -> String {
    format!(
        "[[data.train]]\npath = \"tests/data/train/train.conll\"\n\
         [[data.dev]]\npath = \"tests/data/train/dev.conll\"\n\
         [model]\nstart = \"tests/data/tiny-bert\"\n\
         [output]\nfolder = {folder:?}\n{more}"
    )
}

fn options() -> TrainOptions {
    TrainOptions { device: DeviceChoice::Cpu, ..TrainOptions::default() }
}

fn run(recipe: &Recipe, options: &TrainOptions) -> Result<Outcome> {
    train(recipe, options, &AtomicBool::new(false), &mut |_| {})
}

fn labels(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The tiny BERT with its own last layer and without dropout.
fn tiny(more: &str) -> (Recipe, TokenTrainee) {
    tiny_in("f32", more)
}

/// The same, with matrix products in this precision.
fn tiny_in(precision: &str, more: &str) -> (Recipe, TokenTrainee) {
    let keys = format!("dropout = 0.0\nlast-layer = \"keep\"\nprecision = \"{precision}\"\n");
    let text = small(Path::new("unused"), more).replace("[output]", &format!("{keys}[output]"));
    let recipe = recipe(&text);
    let trainee = TokenTrainee::new(
        &recipe,
        &recipe.base().join(&recipe.model.start),
        &labels(&["PER", "LOC", "ORG", "MISC"]),
        &Device::Cpu,
    )
    .unwrap();
    assert_eq!(trainee.tags, OWN_TAGS);
    (recipe, trainee)
}

fn fixture() -> Value {
    let path = format!("{ROOT}/tests/data/parity/training.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn examples(batch: &Value) -> Vec<TagExample> {
    let ids: Vec<Vec<u32>> = serde_json::from_value(batch["ids"].clone()).unwrap();
    let targets: Vec<Vec<i64>> = serde_json::from_value(batch["targets"].clone()).unwrap();
    let lengths: Vec<usize> = serde_json::from_value(batch["lengths"].clone()).unwrap();
    let rows = ids.into_iter().zip(targets).zip(lengths);
    rows.map(|((mut ids, targets), length)| {
        ids.truncate(length);
        let taught = targets.iter().enumerate().filter(|(_, target)| **target >= 0);
        let (positions, targets) = taught.map(|(i, t)| (i as u32, *t as u32)).unzip();
        TagExample { ids, positions, targets }
    })
    .collect()
}

/// Ten steps equal those of PyTorch (`tests/parity/training.py`).
fn ten_steps_equal_pytorch(name: &str, optimiser: &str) {
    let (recipe, trainee) = tiny(&format!(
        "[optimiser]\nname = \"{name}\"\nweight-decay = 0.01\nclip = 1.0\n{optimiser}\n\
         [schedule]\nwarm-up-steps = 2\nsteps = 10\n"
    ));
    let mut moving = Optimiser::new(&recipe.optimiser, &trainee.variables).unwrap();
    let schedule = Schedule::new(&recipe.schedule, 10);
    let fixture = fixture();
    let run = &fixture["runs"][name];
    for (number, batch) in fixture["batches"].as_array().unwrap().iter().enumerate() {
        let examples = examples(batch);
        let batches = [examples.iter().collect()];
        let step = compute(&trainee, &batches, &Dropout::off()).unwrap();
        let expected = run["losses"][number].as_f64().unwrap();
        assert!(
            (step.loss - expected).abs() < 1e-5,
            "step {number}: {} is not {expected}",
            step.loss
        );
        let rate = recipe.optimiser.rate * schedule.factor(number as u64);
        let scale = (1.0 / (step.gradients.norm().unwrap() + 1e-6)).min(1.0);
        moving.step(&step.gradients, rate, scale).unwrap();
    }
    let weights = run["weights"].as_object().unwrap();
    assert_eq!(weights.keys().collect::<Vec<_>>(), trainee.weights().keys().collect::<Vec<_>>());
    // The gradient of a key's bias is 0 but for rounding, which Adam blows up.
    let is_noise = |key: &str| name != "sgd" && key.ends_with("key.bias");
    for (name, tensor) in trainee.weights().into_iter().filter(|(key, _)| !is_noise(key)) {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected: Vec<f32> = serde_json::from_value(weights[&name]["values"].clone()).unwrap();
        for (got, expected) in values.iter().step_by(17).zip(&expected) {
            assert!((got - expected).abs() < 1e-5, "{name}: {got} is not {expected}");
        }
        let sum: f64 = values.iter().map(|value| f64::from(*value)).sum();
        let expected = weights[&name]["sum"].as_f64().unwrap();
        let tolerance = 1e-6 * values.len() as f64 + 1e-5;
        assert!((sum - expected).abs() < tolerance, "{name}: {sum} is not {expected}");
    }
}

#[test]
fn ten_steps_of_sgd_equal_pytorch() {
    ten_steps_equal_pytorch("sgd", "rate = 0.05\nmomentum = 0.9");
}

#[test]
fn ten_steps_of_adam_equal_pytorch() {
    ten_steps_equal_pytorch("adam", "rate = 0.001\nepsilon = 1e-6");
}

#[test]
fn ten_steps_of_adamw_equal_pytorch() {
    ten_steps_equal_pytorch("adamw", "rate = 0.001\nepsilon = 1e-6");
}

/// The losses of ten steps whose products have 16 bits are near those of PyTorch's autocast, which rounds in other
/// places too.
#[test]
fn ten_steps_in_bfloat16_follow_pytorch() {
    let (recipe, trainee) = tiny_in(
        "bf16",
        "[optimiser]\nrate = 0.001\nepsilon = 1e-6\n[schedule]\nwarm-up-steps = 2\nsteps = 10\n",
    );
    let mut moving = Optimiser::new(&recipe.optimiser, &trainee.variables).unwrap();
    let schedule = Schedule::new(&recipe.schedule, 10);
    let fixture = fixture();
    let losses = |run: &str| -> Vec<f64> {
        serde_json::from_value(fixture["runs"][run]["losses"].clone()).unwrap()
    };
    let (in_16, in_32) = (losses("bf16"), losses("adamw"));
    for (number, batch) in fixture["batches"].as_array().unwrap().iter().enumerate() {
        let examples = examples(batch);
        let batches = [examples.iter().collect()];
        let step = compute(&trainee, &batches, &Dropout::off()).unwrap();
        let (near, exact) = (in_16[number], in_32[number]);
        assert!((step.loss - near).abs() < 0.1, "step {number}: {} is not {near}", step.loss);
        assert!((step.loss - exact).abs() > 1e-4, "step {number}: {} is exact", step.loss);
        let rate = recipe.optimiser.rate * schedule.factor(number as u64);
        let scale = (1.0 / (step.gradients.norm().unwrap() + 1e-6)).min(1.0);
        moving.step(&step.gradients, rate, scale).unwrap();
    }
}

#[test]
fn every_weight_has_a_gradient_that_matches_finite_differences() {
    // The same numbers in 64 bits, where differences are exact enough.
    let folder = "tests/data/tiny-bert";
    let files = Files::Folder(ROOT.into());
    let (tensors, place) = Weights::load(&files, folder, &Device::Cpu).unwrap().into_parts();
    let tensors: BTreeMap<String, Tensor> = tensors
        .into_iter()
        .map(|(name, tensor)| (name, tensor.to_dtype(DType::F64).unwrap()))
        .collect();
    let weights = Weights::new(tensors, place).into_trainable(|_| true).unwrap();
    let config = files.read_text(&format!("{folder}/config.json")).unwrap();
    let encoder = (architecture("bert", folder).unwrap().load)(&config, &weights).unwrap();
    let head = TokenHead::load(&weights, encoder.as_ref(), 9).unwrap();
    let ids = vec![vec![2, 40, 77, 101, 3], vec![2, 9, 130, 55, 3]];
    let batch = Batch::new(&ids, 0, &Device::Cpu).unwrap();
    let targets = vec![8, 0, 1, 8, 8, 8, 2, 8, 4, 8];
    let loss =
        TagLoss::new(&LossRecipe::default(), &Targets::new(OWN_TAGS.map(str::to_owned).to_vec()));
    let loss = Arc::new(loss);
    let value = || {
        let hidden = encoder.encode(&batch, Mode::Training(&Dropout::off())).unwrap();
        let logits = head.logits(&hidden, Mode::Training(&Dropout::off())).unwrap();
        loss.sum(&logits.reshape((10, 9)).unwrap(), targets.clone(), 10.0).unwrap()
    };
    let gradients = value().backward().unwrap();
    let variables = weights.variables();
    assert_eq!(variables.len(), 5 + 2 * 16 + 2, "{:?}", variables.keys());
    for (name, variable) in &variables {
        let gradient = gradients.get(variable).unwrap_or_else(|| panic!("{name} has no gradient"));
        let gradient = gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let before = variable.copy().unwrap();
        let flat = before.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        // Three places of each weight, one of them where the gradient is largest.
        let size = |&at: &usize| gradient[at].abs();
        let largest = (0..flat.len()).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap();
        for at in [largest, flat.len() / 3, flat.len() - 1] {
            let moved = |by: f64| {
                let mut values = flat.clone();
                values[at] += by;
                let values = Tensor::from_vec(values, before.shape(), &Device::Cpu).unwrap();
                variable.set(&values).unwrap();
                value().to_scalar::<f64>().unwrap()
            };
            let step = 1e-5;
            let expected = (moved(step) - moved(-step)) / (2.0 * step);
            variable.set(&before).unwrap();
            let got = gradient[at];
            // candle's derivative of GELU has its constants to six digits.
            let tolerance = 1e-7 + 1e-5 * expected.abs().max(got.abs());
            assert!((got - expected).abs() < tolerance, "{name}[{at}]: {got} is not {expected}");
        }
        let is_key_bias = name.ends_with("key.bias");
        assert!(is_key_bias || gradient[largest].abs() > 1e-9, "{name} has no gradient");
    }
}

/// Learns the training corpus as one batch for so many steps; the last loss, and the F1 on it.
fn learn(recipe: &Recipe, trainee: &TokenTrainee, steps: usize) -> (f64, f64) {
    let mut targets = Targets::new(trainee.tags.clone());
    let corpus = Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap();
    let teaching = Teaching { scheme: recipe.model.scheme, label_all: false };
    let examples =
        tag_examples(&corpus, &trainee.tagger, &mut targets, teaching, &Excluded::default())
            .unwrap();
    assert_eq!((examples.examples.len(), examples.misfits), (16, 0));
    let mut moving = Optimiser::new(&recipe.optimiser, &trainee.variables).unwrap();
    let batch = [examples.examples.iter().collect::<Vec<_>>()];
    let mut last = f64::INFINITY;
    for _ in 0..steps {
        let step = compute(trainee, &batch, &Dropout::off()).unwrap();
        let scale = (1.0 / step.gradients.norm().unwrap()).min(1.0);
        moving.step(&step.gradients, 0.01, scale).unwrap();
        last = step.loss;
    }
    // The tagger sees what was learnt: the weights are the same.
    let evaluation =
        evaluation::Evaluation::of(&trainee.tagger, &[corpus], recipe::Metric::MicroF1).unwrap();
    (last, evaluation.score)
}

#[test]
fn one_batch_can_be_learnt_by_heart() {
    let (recipe, trainee) = tiny("[optimiser]\nrate = 0.01\nweight-decay = 0.0\n");
    let (loss, score) = learn(&recipe, &trainee, 80);
    assert!(loss < 0.01, "the loss is still {loss}");
    assert_eq!(score, 1.0);
}

#[test]
fn batches_of_a_step_count_as_one() {
    let (_, trainee) = tiny("");
    let examples = examples(&fixture()["batches"][0]);
    let together = [examples.iter().collect::<Vec<_>>()];
    let apart: Vec<Vec<&TagExample>> = examples.iter().map(|example| vec![example]).collect();
    let [one, several] = [&together[..], &apart[..]]
        .map(|batches| compute(&trainee, batches, &Dropout::off()).unwrap());
    let (loss, apart) = (one.loss, several.loss);
    // Sums of 32 bits, added in another order.
    assert!((loss - apart).abs() < 1e-6 * loss, "{loss} is not {apart}");
    assert_eq!(one.tokens, several.tokens);
    let (one, several) = (one.gradients.norm().unwrap(), several.gradients.norm().unwrap());
    assert!((one - several).abs() < 1e-5 * one, "{one} is not {several}");
}

#[test]
fn labels_that_a_corpus_does_not_annotate_are_not_taught() {
    let (recipe, trainee) =
        tiny("[[data.dev]]\npath = \"tests/data/train/places.conll\"\nlabels = [\"LOC\"]\n");
    let mut targets = Targets::new(trainee.tags.clone());
    let corpus = Corpus::read(&recipe.dev[1], Path::new(ROOT)).unwrap();
    let teaching = Teaching { scheme: TagScheme::Bio, label_all: false };
    let examples =
        tag_examples(&corpus, &trainee.tagger, &mut targets, teaching, &Excluded::default())
            .unwrap();
    // "john smith lives in new london": outside is a target of its own, after the nine tags.
    assert_eq!(examples.examples[0].targets, [9, 9, 9, 9, 2, 3]);
    let allowed: Vec<&str> = targets.allowed[9].iter().map(|tag| OWN_TAGS[*tag]).collect();
    assert_eq!(allowed, ["B-PER", "I-PER", "B-ORG", "I-ORG", "B-MISC", "I-MISC", "O"]);
}

#[test]
fn sentences_that_stand_elsewhere_are_left_out() {
    let (recipe, trainee) = tiny("[[data.exclude]]\npath = \"tests/data/train/dev.conll\"\n");
    let mut corpus = Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap();
    let dev = Corpus::read(&recipe.exclude[0], Path::new(ROOT)).unwrap();
    let there = corpus.documents.len();
    corpus.documents.extend(dev.documents.iter().take(2).cloned().map(|mut document| {
        document.text = document.text.to_uppercase();
        document
    }));
    let excluded = Excluded::of(&[dev]);
    let teaching = Teaching { scheme: TagScheme::Bio, label_all: false };
    let mut targets = Targets::new(trainee.tags.clone());
    let made = tag_examples(&corpus, &trainee.tagger, &mut targets, teaching, &excluded).unwrap();
    assert_eq!((made.examples.len(), made.excluded), (there, 2));
}

#[test]
fn every_sub_word_can_be_taught() {
    let (recipe, trainee) = tiny("");
    let mut targets = Targets::new(trainee.tags.clone());
    let mut corpus = Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap();
    corpus.documents.truncate(1);
    // "johnson" is john and ##son.
    corpus.documents[0] = crate::Document::from_words("d", ["johnson", "works"]);
    let span = crate::Span::new(0, 7);
    corpus.documents[0].gold = Some(vec![crate::text::Annotation { span, label: "PER".into() }]);
    let teaching = Teaching { scheme: TagScheme::Bio, label_all: true };
    let made = tag_examples(&corpus, &trainee.tagger, &mut targets, teaching, &Excluded::default())
        .unwrap();
    assert_eq!(made.examples[0].positions, [1, 2, 3]);
    assert_eq!(made.examples[0].targets, [0, 1, 8]);
}

const RESUMED: &str = "[batch]\nsentences = 3\naccumulate = 2\n[schedule]\nepochs = 3\n\
    [optimiser]\nrate = 0.003\n[evaluation]\nevery-steps = 4\n[checkpoint]\nevery-steps = 2\nkeep = 2\n";

/// What a finished run left: the model's bytes, and its log without what was timed.
fn left(folder: &Path) -> (Vec<u8>, Vec<Value>) {
    let log = fs::read_to_string(folder.join("training/log.jsonl")).unwrap();
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().shift_remove("tokens-per-second");
        value
    };
    (fs::read(folder.join("model.safetensors")).unwrap(), log.lines().map(line).collect())
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_as_one_that_was_not() {
    ends_as_if_never_stopped(RESUMED);
}

#[test]
fn so_does_one_that_averages_its_weights() {
    ends_as_if_never_stopped(&RESUMED.replace("[optimiser]", "[optimiser]\naverage = 0.7"));
}

fn ends_as_if_never_stopped(more: &str) {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let ended = run(&recipe(&small(&whole, more)), &options()).unwrap();
    assert_eq!((ended.step, ended.is_finished), (9, true));
    for stop in 1..9 {
        let parts = folder.path().join(format!("parts-{stop}"));
        // The folder is no part of the recipe's own text here, so that both recipes are the same.
        let recipe = recipe(&small(&whole, more));
        let output = Some(parts.clone());
        let options = TrainOptions { output, stop_after: Some(stop), ..options() };
        let ended = run(&recipe, &options).unwrap();
        assert_eq!((ended.step, ended.is_finished), (stop, false));
        assert!(!parts.join("model.safetensors").exists());
        let options = TrainOptions { resume: true, stop_after: Some(stop + 3), ..options };
        run(&recipe, &options).unwrap();
        let options = TrainOptions { stop_after: None, ..options };
        assert!(run(&recipe, &options).unwrap().is_finished);
        assert!(left(&parts) == left(&whole), "stopped after step {stop}");
        // To resume what is finished changes nothing.
        run(&recipe, &options).unwrap();
        assert!(left(&parts) == left(&whole), "stopped after step {stop} and resumed at the end");
    }
}

#[test]
fn what_is_saved_is_the_average_of_the_weights() {
    let folder = tempfile::tempdir().unwrap();
    let saved = |name: &str, more: &str| {
        let place = folder.path().join(name);
        let text = small(&place, &format!("[schedule]\nsteps = 3\n[optimiser]\n{more}"));
        let text = text.replace("[[data.dev]]\npath = \"tests/data/train/dev.conll\"\n", "");
        run(&recipe(&text), &options()).unwrap();
        fs::read(place.join("model.safetensors")).unwrap()
    };
    let last = saved("last", "");
    // An average that keeps nothing of itself is the last weights.
    assert!(saved("nothing-kept", "average = 0.0") == last);
    assert!(saved("kept", "average = 0.9") != last);
}

#[test]
fn what_is_saved_can_be_loaded_and_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let more = "[optimiser]\nrate = 0.005\nhead-rate = 0.02\n[schedule]\nepochs = 60\n\
                [batch]\nsentences = 8\n[evaluation]\nmetric = \"macro-f1\"\nevery-steps = 20\n";
    let text = small(folder.path(), more)
        .replace("train/dev.conll", "train/train.conll")
        .replace("[output]", "scheme = \"bioes\"\ndropout = 0.0\n[output]");
    let outcome = run(&recipe(&text), &options()).unwrap();
    assert!(outcome.best.unwrap().score > 0.5, "{outcome:?}");
    let config: Value =
        serde_json::from_slice(&fs::read(folder.path().join("config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"][0], "BertForTokenClassification");
    assert_eq!(config["id2label"]["0"], "O");
    assert_eq!(config["label2id"]["S-PER"], 12);
    let card = fs::read_to_string(folder.path().join("MODEL_CARD.md")).unwrap();
    for part in [
        "For `LOC`, `ORG`, `PER`: a token classifier (`bert`)",
        "| train | 16 | LOC 12",
        "**micro**",
        "epochs = 60",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    let files = Files::Folder(folder.path().to_owned());
    let context = LoadContext { files, device: DeviceChoice::Cpu };
    let tagger = crate::source::model::load_folder("model".into(), ".", &context).unwrap();
    let document = crate::Document::new("d", "mary smith visited paris");
    let found = tagger.find(&document).unwrap().mentions;
    assert!(found.iter().any(|m| m.label.as_str() == "PER"), "{found:?}");
}

#[test]
fn a_run_without_gain_ends_early_with_its_best_weights() {
    let folder = tempfile::tempdir().unwrap();
    let more = "[optimiser]\nrate = 0.0\nweight-decay = 0.0\n[schedule]\nepochs = 50\n\
                [evaluation]\nevery-steps = 1\npatience = 3\n";
    let outcome = run(&recipe(&small(folder.path(), more)), &options()).unwrap();
    assert_eq!((outcome.step, outcome.is_finished), (4, true));
    assert_eq!(outcome.best.unwrap().step, 1);
    let resumed = TrainOptions { resume: true, ..options() };
    assert_eq!(run(&recipe(&small(folder.path(), more)), &resumed).unwrap(), outcome);
}

fn failure(text: &str) -> String {
    let error = run(&recipe(text), &options()).unwrap_err();
    format!("{error}\n{}", error.help_text().unwrap_or_default())
}

#[test]
fn what_is_wrong_with_the_data_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        small(&folder.path().join("out"), "")
            .replace("tests/data/train/train.conll", path.to_str().unwrap())
    };
    let cases = [
        (with("empty.conll", ""), "recipe.toml:2:8: the corpus '"),
        (with("none.conll", "a\tO\n"), "the training data has no entity"),
        (with("bad.conll", "a\tB-PER\nb\n"), "bad.conll:2"),
        (
            with("other.conll", "a\tB-FOO\n").replace("[output]", "labels = [\"PER\"]\n[output]"),
            "recipe.toml:2:8: unknown label 'FOO' of document",
        ),
        (
            with("part.conll", "a\tB-PER\n")
                .replace("[[data.dev]]", "labels = [\"LOC\"]\n[[data.dev]]"),
            "has an entity of label 'PER', which is not in 'labels'",
        ),
        (
            small(&folder.path().join("out"), "").replace("train.conll", "gone.conll"),
            "recipe.toml:2:8",
        ),
        (
            small(&folder.path().join("out"), "").replace("tiny-bert", "tiny-bort"),
            "tests/data/tiny-bort",
        ),
        (
            small(&folder.path().join("out"), "[optimiser]\nfreeze = [\"layer.7\"]"),
            "'freeze' names 'layer.7', which no weight of the model holds",
        ),
        (
            small(&folder.path().join("out"), "[loss]\nclass-weights = { PERS = 2.0 }"),
            "unknown label in 'class-weights' 'PERS'\ndid you mean 'PER'?",
        ),
    ];
    for (text, expected) in cases {
        let got = failure(&text);
        assert!(got.contains(expected), "{got}\nexpected: {expected}");
    }
}

#[test]
fn a_damaged_start_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    fs::create_dir(&start).unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(format!("{ROOT}/tests/data/tiny-bert/{file}"), start.join(file)).unwrap();
    }
    let text = small(&folder.path().join("out"), "")
        .replace("tests/data/tiny-bert", start.to_str().unwrap());
    let weights = fs::read(start.join("model.safetensors")).unwrap();
    fs::write(start.join("model.safetensors"), &weights[..1000]).unwrap();
    assert!(failure(&text).contains("model.safetensors: damaged weights"));
    fs::write(start.join("model.safetensors"), weights).unwrap();
    fs::write(start.join("config.json"), "{").unwrap();
    assert!(failure(&text).contains("config.json:1:1: not a model configuration"));
}

#[test]
fn a_run_that_diverges_ends_with_an_error_and_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let more = "[optimiser]\nname = \"sgd\"\nrate = 1e30\nclip = 0.0\nweight-decay = 0.0\n\
                [schedule]\nshape = \"constant\"\nwarm-up-steps = 2\n[batch]\nsentences = 2\n\
                [checkpoint]\nevery-steps = 1\n";
    let text = small(folder.path(), more);
    let got = failure(&text);
    assert!(got.contains("recipe.toml: training diverged: at step"), "{got}");
    assert!(got.contains("the last good checkpoint is"), "{got}");
    let options = TrainOptions { resume: true, ..options() };
    let again = run(&recipe(&text), &options).unwrap_err().to_string();
    assert!(again.contains("training diverged"), "{again}");
}

#[test]
fn a_folder_with_something_in_it_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let text = small(folder.path(), "[schedule]\nsteps = 2\n");
    let stopped = TrainOptions { stop_after: Some(1), ..options() };
    run(&recipe(&text), &stopped).unwrap();
    assert!(failure(&text).contains("holds a run already"));
    let resumed = TrainOptions { resume: true, ..options() };
    let changed = recipe(&text.replace("steps = 2", "steps = 3"));
    let error = run(&changed, &resumed).unwrap_err().to_string();
    assert!(error.contains("the recipe has changed since the run was stopped"), "{error}");
    // A comment is no change.
    assert!(run(&recipe(&format!("# new\n{text}")), &resumed).unwrap().is_finished);
    let model = small(Path::new("models/en"), "");
    assert!(failure(&model).contains("holds a model that is of no run"));
}

#[test]
fn frozen_weights_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let more = "[optimiser]\nfreeze-layers = 1\nfreeze = [\"layer.1.attention\"]\nlayer-decay = 0.9\n\
                [schedule]\nsteps = 2\nwarm-up = 0.0\n";
    run(&recipe(&small(folder.path(), more)), &options()).unwrap();
    let load = |folder: &Path| {
        let files = Files::Folder(folder.to_owned());
        Weights::load(&files, ".", &Device::Cpu).unwrap().into_parts().0
    };
    let (before, after) =
        (load(Path::new(&format!("{ROOT}/tests/data/tiny-bert"))), load(folder.path()));
    for (name, tensor) in &after {
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let is_frozen =
            ["embeddings.", "layer.0.", "layer.1.attention"].iter().any(|p| name.contains(p));
        assert_eq!(values(tensor) == values(&before[name]), is_frozen, "{name}");
    }
}
