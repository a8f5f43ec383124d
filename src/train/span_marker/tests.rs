//! Training of SpanMarkers, from the folders that `tests/parity/span_marker_fixtures.py` makes and from encoders.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use candle_core::{Device, Tensor};
use serde_json::Value;

use super::*;
use crate::resource::{Files, TomlFile};
use crate::source::LoadContext;
use crate::source::model::span_marker::{Sample, SpanMarker};
use crate::source::model::{DeviceChoice, Dropout, Mode, ModelConfig};
use crate::text::Document;
use crate::train::data::{Corpus, Excluded};
use crate::train::evaluation::Evaluation;
use crate::train::optimiser::Optimiser;
use crate::train::recipe::{Metric, Numbers, Recipe};
use crate::train::step::compute;
use crate::train::tests::fixtures::{corpus, sentences};
use crate::train::trainee::Trainee;
use crate::train::{TrainOptions, train};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A rate at which a few sentences are learnt by heart.
const BY_HEART: &str = "[optimiser]\nrate = 0.01\nweight-decay = 0.0\n";

fn recipe(start: &str, model: &str, more: &str) -> Recipe {
    let text = format!(
        "[[data.train]]\npath = \"tests/data/train/train.conll\"\n\
         [[data.dev]]\npath = \"tests/data/train/dev.conll\"\n\
         [model]\nsystem = \"span-marker\"\nstart = \"tests/data/{start}\"\ndropout = 0.0\n{model}\n\
         [output]\nfolder = \"unused\"\n{more}"
    );
    Recipe::parse(&TomlFile::new(&format!("{ROOT}/recipe.toml"), &text)).unwrap()
}

fn trainee(recipe: &Recipe, labels: &[&str]) -> crate::Result<SpanMarkerTrainee> {
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    SpanMarkerTrainee::new(recipe, &recipe.base().join(&recipe.model.start), &labels, &Device::Cpu)
}

fn load(folder: &Path) -> SpanMarker {
    let files = Files::Folder(folder.to_owned());
    let context = LoadContext { files, device: DeviceChoice::Cpu };
    SpanMarker::load("saved".into(), ModelConfig::of_folder("."), &context)
        .unwrap_or_else(|e| panic!("{e}"))
}

fn logits(model: &SpanMarker) -> Vec<f32> {
    let document = Document::from_words("d", ["mary", "smith", "works", "in", "paris", "."]);
    let samples = model.samples(&model.sentences(&document).unwrap(), 0);
    let samples: Vec<&Sample> = samples.iter().collect();
    let logits = model.network().logits(&samples, &Device::Cpu, Mode::Inference).unwrap();
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_batch_is_learnt_by_heart_saved_and_loaded() {
    let starts = [
        "span-marker/bert",
        "architectures/roberta",
        "architectures/xlm-roberta",
        "architectures/electra",
    ];
    for start in starts {
        let recipe = recipe(start, "", BY_HEART);
        let mut trainee =
            trainee(&recipe, &["LOC", "ORG", "PER"]).unwrap_or_else(|e| panic!("{start}: {e}"));
        assert!(trainee.has_new_layer, "{start}");
        let mut corpora = [Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap()];
        corpora[0].documents.truncate(6);
        let made = trainee.examples(&corpora[0], &Excluded::default()).unwrap();
        assert_eq!((made.misfits, made.examples.len()), (0, 6), "{start}");
        let batch: Vec<&SpanExample> = made.examples.iter().collect();
        let mut optimiser = Optimiser::new(&recipe.optimiser, trainee.variables()).unwrap();
        let mut loss = f64::INFINITY;
        for _ in 0..300 {
            let step = compute(&trainee, std::slice::from_ref(&batch), &Dropout::off()).unwrap();
            let scale = (1.0 / (step.gradients.norm().unwrap() + 1e-6)).min(1.0);
            optimiser.step(&step.gradients, recipe.optimiser.rate, scale).unwrap();
            loss = step.loss;
            // A single candidate of some hundreds that is not learnt yet is a few thousandths.
            if loss < 1e-3 {
                break;
            }
        }
        assert!(loss < 2e-3, "{start}: {loss}");
        let folder = tempfile::tempdir().unwrap();
        trainee.save(folder.path(), &trainee.weights(), Numbers::F32).unwrap();
        let loaded = load(folder.path());
        assert_eq!(logits(&loaded), logits(&trainee.model), "{start}");
        let score = Evaluation::of(&loaded, &corpora, Metric::MicroF1).unwrap().score;
        assert_eq!(score, 1.0, "{start}");
    }
}

/// `tests/parity/span_marker_losses.py`.
#[test]
fn steps_equal_those_of_the_library() {
    let path = format!("{ROOT}/tests/data/span-marker/losses.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let corpus = corpus(sentences(&fixture));
    let (rate, decay) = (&fixture["rate"], &fixture["decay"]);
    let more = format!("[optimiser]\nrate = {rate}\nweight-decay = {decay}\n");
    for (name, expected) in fixture["losses"].as_object().unwrap() {
        let recipe = recipe(&format!("span-marker/{name}"), "last-layer = \"keep\"", &more);
        let mut trainee = trainee(&recipe, &["LOC", "PER"]).unwrap();
        let made = trainee.examples(&corpus, &Excluded::default()).unwrap();
        let batch: Vec<&SpanExample> = made.examples.iter().collect();
        let mut optimiser = Optimiser::new(&recipe.optimiser, trainee.variables()).unwrap();
        for (number, expected) in expected.as_array().unwrap().iter().enumerate() {
            let step = compute(&trainee, std::slice::from_ref(&batch), &Dropout::off()).unwrap();
            let expected = expected.as_f64().unwrap();
            let difference = (step.loss - expected).abs();
            assert!(difference < 1e-5, "{name}, step {number}: {} is not {expected}", step.loss);
            let scale = (1.0 / (step.gradients.norm().unwrap() + 1e-6)).min(1.0);
            optimiser.step(&step.gradients, recipe.optimiser.rate, scale).unwrap();
        }
    }
}

/// The mean over all candidates of −log of the probability of the right label, as `CrossEntropyLoss` has it.
#[test]
fn the_loss_is_the_cross_entropy_over_all_candidates() {
    let recipe = recipe("span-marker/roberta", "", "");
    let mut trainee = trainee(&recipe, &["LOC", "PER"]).unwrap();
    let corpus = Corpus::read(&recipe.dev[0], Path::new(ROOT)).unwrap();
    let corpus = Corpus { documents: corpus.documents.into_iter().take(3).collect(), ..corpus };
    let made = trainee.examples(&corpus, &Excluded::default()).unwrap();
    let batch: Vec<&SpanExample> = made.examples.iter().collect();
    let weight: f64 = batch.iter().map(|example| trainee.weight(example)).sum();
    let loss = trainee.loss(&batch, weight, &Dropout::off()).unwrap();
    let loss = f64::from(loss.to_scalar::<f32>().unwrap());
    let (mut sum, mut count) = (0.0, 0);
    for example in batch {
        let logits =
            trainee.model.network().logits(&[&example.sample], &Device::Cpu, Mode::Inference);
        for (row, target) in logits.unwrap().to_vec2::<f32>().unwrap().iter().zip(&example.targets)
        {
            let total: f64 = row.iter().map(|z| f64::from(*z).exp()).sum();
            sum += total.ln() - f64::from(row[*target as usize]);
            count += 1;
        }
    }
    assert!(
        (loss - sum / f64::from(count)).abs() < 1e-5,
        "{loss} is not {}",
        sum / f64::from(count)
    );
}

#[test]
fn an_encoder_gets_markers_and_the_library_s_names() {
    let recipe = recipe("architectures/bert", "options = { entity-max-length = 3 }", "");
    let trainee = trainee(&recipe, &["PER"]).unwrap();
    let weights = trainee.weights();
    let words = weights["encoder.embeddings.word_embeddings.weight"].dims()[0];
    assert_eq!(words % 8, 0);
    assert_eq!(trainee.config["vocab_size"], words);
    assert_eq!(trainee.config["encoder"]["vocab_size"], words);
    assert_eq!(trainee.config["entity_max_length"], 3);
    assert_eq!(weights["classifier.weight"].dims(), [2, 32]);
    assert!(weights.keys().all(|n| n.starts_with("encoder.") || n.starts_with("classifier.")));
    assert!(trainee.describe().ends_with("labels O PER, spans of at most 3 words"));
    // New rows are small and not nothing.
    let table = &weights["encoder.embeddings.word_embeddings.weight"];
    let largest = |from: usize, rows: usize| -> f32 {
        table.narrow(0, from, rows).and_then(|t| t.abs()?.max_all()?.to_scalar()).unwrap()
    };
    assert!(largest(words - 2, 2) > 0.0 && largest(words - 2, 2) < 0.2);
}

#[test]
fn the_same_labels_keep_the_last_layer() {
    let recipe = recipe("span-marker/bert", "last-layer = \"keep\"", "");
    let kept = trainee(&recipe, &["LOC", "PER"]).unwrap();
    assert!(!kept.has_new_layer);
    assert_eq!(logits(&kept.model), logits(&load(&Path::new(ROOT).join(&recipe.model.start))));
}

#[test]
fn what_is_longer_than_every_candidate_is_a_misfit() {
    let recipe = recipe("span-marker/xlm-roberta", "", "");
    let mut trainee = trainee(&recipe, &["LOC", "PER"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = "a\tB-LOC\nb\tI-LOC\nc\tI-LOC\nd\tI-LOC\ne\tO\nf\tB-PER\n";
    std::fs::write(folder.path().join("a.conll"), text).unwrap();
    let small = format!(
        "[[data.train]]\npath = {:?}\n[model]\nstart = \"x\"\n[output]\nfolder = \"x\"\n",
        folder.path().join("a.conll")
    );
    let small = Recipe::parse(&TomlFile::new("small.toml", &small)).unwrap();
    let corpus = Corpus::read(&small.train[0], Path::new("")).unwrap();
    let made = trainee.examples(&corpus, &Excluded::default()).unwrap();
    assert_eq!(made.misfits, 1);
    let taught: Vec<_> = made
        .examples
        .iter()
        .flat_map(|e| e.sample.candidates.iter().zip(&e.targets))
        .filter(|(_, target)| **target != 0)
        .collect();
    assert_eq!(taught, [(&(5..6), &1)]);
}

#[test]
fn what_cannot_be_trained_is_told() {
    let told = |start: &str, model: &str, more: &str| {
        trainee(&recipe(start, model, more), &["ORG"]).err().expect("an error").to_string()
    };
    let own = "span-marker/bert";
    assert!(told(own, "label-all = true", "").contains("'label-all'"));
    assert!(
        told(own, "last-layer = \"keep\"", "")
            .contains("the start folder has the labels O, LOC, PER")
    );
    assert!(told(own, "head = { kind = \"crf\" }", "").contains("'head'"));
    assert!(told(own, "", "[lora]\nmerge = false").contains("'merge' of [lora] is false"));
    assert!(
        told(own, "options = { entity-length = 3 }", "").contains("unknown field 'entity-length'")
    );
    assert!(
        told(own, "options = { entity-max-length = 0 }", "").contains("entity_max_length is 0")
    );
    for start in ["architectures/distilbert", "architectures/deberta-v3"] {
        let told = told(start, "", "");
        assert!(told.contains("unknown encoder of SpanMarker"), "{told}");
    }
    assert!(told(own, "", "[optimiser]\nfreeze = [\"rnm.\"]").contains("'rnm.'"));
}

#[test]
fn a_run_writes_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(
        "span-marker/electra",
        "",
        "[schedule]\nepochs = 2\n[batch]\nsentences = 4\naccumulate = 2\n",
    );
    let output = Some(folder.path().join("model"));
    let options = TrainOptions { device: DeviceChoice::Cpu, output, ..TrainOptions::default() };
    let outcome = train(&recipe, &options, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(outcome.is_finished);
    let card = std::fs::read_to_string(outcome.folder.join("MODEL_CARD.md")).unwrap();
    assert!(card.contains("a SpanMarker (`electra`) with a new last layer"), "{card}");
    let saved: Vec<f32> = logits(&load(&outcome.folder));
    assert!(saved.iter().all(|z| z.is_finite()));
    let start: Tensor = candle_core::safetensors::load(
        Path::new(ROOT).join("tests/data/span-marker/electra/model.safetensors"),
        &Device::Cpu,
    )
    .unwrap()
    .remove("encoder.embeddings.word_embeddings.weight")
    .unwrap();
    assert_eq!(start.dims()[0] % 8, 0);
}
