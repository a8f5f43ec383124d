//! Training of taggers of Flair, on the folders that `tests/parity/flair.py` makes.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use candle_core::Device;

use super::*;
use crate::resource::{Files, TomlFile};
use crate::source::LoadContext;
use crate::source::model::flair::{FlairTagger, Sentence};
use crate::source::model::{DeviceChoice, Dropout, Mode, ModelConfig};
use crate::train::data::{Corpus, Excluded};
use crate::train::evaluation::Evaluation;
use crate::train::optimiser::Optimiser;
use crate::train::recipe::{Metric, Numbers, Recipe};
use crate::train::step::compute;
use crate::train::tests::fixtures::assert_near;
use crate::train::trainee::Trainee;
use crate::train::{TrainOptions, train};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// No dropout, and a rate at which a few sentences are learnt by heart.
const BY_HEART: &str = "[model.options]\nword-dropout = 0.0\nlocked-dropout = 0.0\n\
                        [optimiser]\nrate = 0.01\nclip = 5.0\nweight-decay = 0.0\n";

fn recipe(start: &str, scheme: &str, model: &str, more: &str) -> Recipe {
    let text = format!(
        "[[data.train]]\npath = \"tests/data/train/train.conll\"\n\
         [[data.dev]]\npath = \"tests/data/train/dev.conll\"\n\
         [model]\nstart = \"tests/data/flair/{start}\"\nscheme = \"{scheme}\"\ndropout = 0.0\n{model}\n\
         [output]\nfolder = \"unused\"\n{more}"
    );
    Recipe::parse(&TomlFile::new(&format!("{ROOT}/recipe.toml"), &text)).unwrap()
}

fn trainee(recipe: &Recipe, labels: &[&str]) -> crate::Result<FlairTrainee> {
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    FlairTrainee::new(recipe, &recipe.base().join(&recipe.model.start), &labels, &Device::Cpu)
}

fn emissions(tagger: &FlairTagger) -> Vec<f32> {
    let sentence = Sentence::of_words(vec!["mary", "smith", "works", "in", "paris", "."]);
    let emissions = tagger.network().emissions(&[sentence], Mode::Inference).unwrap();
    emissions.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_batch_is_learnt_by_heart_saved_and_loaded() {
    for (start, scheme) in
        [("stacked", "bioes"), ("transformer", "bioes"), ("characters", "bio"), ("pooling", "bio")]
    {
        let more = if start == "characters" {
            BY_HEART.replace("dropout = 0.0\nlocked", "dropout = 0.0\nrnn = true\nlocked")
        } else {
            BY_HEART.to_owned()
        };
        let recipe = recipe(start, scheme, "", &more);
        let mut trainee =
            trainee(&recipe, &["LOC", "ORG", "PER"]).unwrap_or_else(|e| panic!("{e}"));
        assert!(trainee.has_new_layer, "{start}");
        let of_embeddings = |name: &&String| name.starts_with("embeddings.");
        let trains_embeddings = trainee.variables().keys().any(|name| of_embeddings(&name));
        assert_eq!(trains_embeddings, matches!(start, "transformer" | "pooling"), "{start}");
        let corpora = [Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap()];
        let made = trainee.examples(&corpora[0], &Excluded::default()).unwrap();
        assert_eq!(made.misfits, 0);
        let batch: Vec<&SentenceExample> = made.examples.iter().collect();
        let mut optimiser = Optimiser::new(&recipe.optimiser, trainee.variables()).unwrap();
        let mut loss = f64::INFINITY;
        for _ in 0..400 {
            let step = compute(&trainee, std::slice::from_ref(&batch), &Dropout::off()).unwrap();
            let scale = (5.0 / (step.gradients.norm().unwrap() + 1e-6)).min(1.0);
            optimiser.step(&step.gradients, recipe.optimiser.rate, scale).unwrap();
            loss = step.loss;
            if loss < 0.01 {
                break;
            }
        }
        assert!(loss < 0.05, "{start}: {loss}");
        let folder = tempfile::tempdir().unwrap();
        trainee.save(folder.path(), &trainee.weights(), Numbers::F32).unwrap();
        let files = Files::Folder(folder.path().to_owned());
        let context = LoadContext { files, device: DeviceChoice::Cpu };
        let loaded = FlairTagger::load("saved".into(), ModelConfig::of_folder("."), &context);
        let loaded = loaded.unwrap_or_else(|e| panic!("{start}: {e}"));
        assert_near(&emissions(&loaded), &emissions(&trainee.tagger), start);
        let score = Evaluation::of(&loaded, &corpora, Metric::MicroF1).unwrap().score;
        assert_eq!(score, 1.0, "{start}");
    }
}

#[test]
fn the_same_tags_keep_the_last_layer() {
    let recipe = recipe("stacked", "bioes", "", "");
    let kept = trainee(&recipe, &["LOC", "PER"]).unwrap();
    assert!(!kept.has_new_layer);
    let before = FlairTagger::load(
        "start".into(),
        ModelConfig::of_folder("tests/data/flair/stacked"),
        &LoadContext { files: Files::Folder(PathBuf::from(ROOT)), device: DeviceChoice::Cpu },
    );
    assert_near(&emissions(&before.unwrap()), &emissions(&kept.tagger), "the same tags");
}

#[test]
fn what_cannot_be_trained_is_told() {
    let told = |model: &str, more: &str| {
        let recipe = recipe("stacked", "bioes", model, more);
        trainee(&recipe, &["ORG"]).err().expect("an error").to_string()
    };
    assert!(told("label-all = true", "").contains("'label-all'"));
    assert!(told("last-layer = \"keep\"", "").contains("the start folder has the tags"));
    assert!(told("", "[loss]\nfocal = 1.0").contains("likelihood"));
    assert!(told("options = { crff = true }", "").contains("unknown field 'crff'"));
    assert!(told("options = { word-dropout = 2.0 }", "").contains("word_dropout is 2"));
    assert!(told("", "[optimiser]\nfreeze = [\"rnm.\"]").contains("'rnm.'"));
}

#[test]
fn a_run_anneals_and_writes_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(
        "stacked",
        "bioes",
        "",
        "[optimiser]\nname = \"sgd\"\nrate = 0.1\nclip = 5.0\nweight-decay = 0.0\n\
         [schedule]\nshape = \"plateau\"\nwarm-up = 0.0\nepochs = 40\nplateau-patience = 0\nleast-rate = 0.05\n\
         [batch]\nsentences = 4\n",
    );
    let output = Some(folder.path().join("model"));
    let options = TrainOptions { device: DeviceChoice::Cpu, output, ..TrainOptions::default() };
    let outcome = train(&recipe, &options, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(outcome.is_finished && outcome.folder.join("flair.json").exists());
    let card = std::fs::read_to_string(outcome.folder.join("MODEL_CARD.md")).unwrap();
    assert!(card.contains("a tagger of Flair with a new last layer"), "{card}");
    let log = std::fs::read_to_string(outcome.folder.join("training/log.jsonl")).unwrap();
    assert!(log.contains("\"rate\":0.1,") && log.contains("\"rate\":0.05,"), "{log}");
}

/// The recipes as they are written, over another start and other data.
#[test]
fn recipes_run_on_a_small_corpus() {
    for (name, start) in [("lmr-flair-train", "stacked"), ("lmr-flair-finetune", "transformer")] {
        let path = format!("{ROOT}/recipes/{name}.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let recipe = Recipe::parse(&TomlFile::new(&path, &text)).unwrap();
        assert_eq!(recipe.model.system.as_deref(), Some("flair"));
        let from = recipe.base().join("../tests/data/flair").join(start);
        let labels = ["LOC".to_owned()];
        let mut trainee = FlairTrainee::new(&recipe, &from, &labels, &Device::Cpu).unwrap();
        assert_eq!(trainee.description.crf, name == "lmr-flair-train");
        let text = "Anna B-LOC\nkam O\n".replace(' ', "\t");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.conll"), text).unwrap();
        let small = format!(
            "[[data.train]]\npath = {:?}\n[model]\nstart = \"x\"\n[output]\nfolder = \"x\"\n",
            folder.path().join("a.conll")
        );
        let small = Recipe::parse(&TomlFile::new("small.toml", &small)).unwrap();
        let corpus = Corpus::read(&small.train[0], Path::new("")).unwrap();
        let made = trainee.examples(&corpus, &Excluded::default()).unwrap();
        let batch: Vec<&SentenceExample> = made.examples.iter().collect();
        let mut optimiser = Optimiser::new(&recipe.optimiser, trainee.variables()).unwrap();
        let losses: Vec<f64> = (0..30)
            .map(|_| {
                let batch = std::slice::from_ref(&batch);
                let step = compute(&trainee, batch, &Dropout::off()).unwrap();
                optimiser.step(&step.gradients, recipe.optimiser.rate, 1.0).unwrap();
                step.loss
            })
            .collect();
        assert!(losses[29] < losses[0], "{name}: {losses:?}");
    }
}
