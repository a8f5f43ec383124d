//! GLiNER in training, on the tiny models of `tests/data/gliner`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use serde_json::Value;

use super::GlinerTrainee;
use super::drawn::DrawnLabels;
use super::examples::PromptedExample;
use super::options::Options;
use crate::resource::{Files, TomlFile};
use crate::source::LoadContext;
use crate::source::model::gliner::Gliner;
use crate::source::model::{DeviceChoice, Dropout, ModelConfig};
use crate::text::{Annotation, Document};
use crate::train::data::{Corpus, Example, Excluded};
use crate::train::evaluation::Evaluation;
use crate::train::optimiser::Optimiser;
use crate::train::recipe::{Metric, Numbers};
use crate::train::step::compute;
use crate::train::tests::fixtures::{assert_near, corpus, sentences};
use crate::train::trainee::Trainee;
use crate::train::{Recipe, TrainOptions, train};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const NAMES: [&str; 4] = ["marker-bert", "span-bert", "span-deberta", "token-deberta"];

fn recipe(name: &str, folder: &Path, of_model: &str, more: &str) -> Recipe {
    let text = format!(
        "[[data.train]]\npath = \"tests/data/train/train.conll\"\n\
         [model]\nstart = \"tests/data/gliner/{name}\"\ndropout = 0.0\n{of_model}\n\
         [output]\nfolder = {folder:?}\n{more}"
    );
    Recipe::parse(&TomlFile::new(&format!("{ROOT}/recipe.toml"), &text)).unwrap()
}

fn begin(recipe: &Recipe, labels: &[&str]) -> crate::Result<GlinerTrainee> {
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    GlinerTrainee::new(recipe, &recipe.base().join(&recipe.model.start), &labels, &Device::Cpu)
}

fn fixture() -> Value {
    let path = format!("{ROOT}/tests/data/gliner/losses.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// `tests/parity/gliner_losses.py`.
#[test]
fn losses_and_gradients_equal_the_library() {
    let fixture = fixture();
    let unused = Path::new("unused");
    for name in NAMES {
        for case in fixture[name].as_array().unwrap() {
            let number = |key: &str| case["options"][key].as_f64();
            let alpha =
                number("alpha").map_or(String::new(), |a| format!("options = {{ alpha = {a:?} }}"));
            let loss = format!(
                "[loss]\nfocal = {:?}\nlabel-smoothing = {:?}\n",
                number("gamma").unwrap_or(0.0),
                number("label_smoothing").unwrap_or(0.0)
            );
            let recipe = recipe(name, unused, &alpha, &loss);
            let mut trainee = begin(&recipe, &["PER", "LOC", "ORG"]).unwrap();
            let corpus = corpus(sentences(&fixture));
            let examples = trainee.examples(&corpus, &Excluded::default()).unwrap();
            assert_eq!((examples.examples.len(), examples.misfits), (3, 0));
            let batches = [examples.examples.iter().collect::<Vec<_>>()];
            let step = compute(&trainee, &batches, &Dropout::off()).unwrap();
            // Ours is by the number of sentences.
            let got = [3.0 * step.loss, 3.0 * step.gradients.norm().unwrap()];
            for (key, got) in ["loss", "norm"].into_iter().zip(got) {
                let expected = case[key].as_f64().unwrap();
                let close = (got - expected).abs() < 1e-4 * expected;
                assert!(close, "{name} {}: {key} is {got}, not {expected}", case["options"]);
            }
            // Sentences alone make the same sum.
            let alone: Vec<Vec<_>> = examples.examples.iter().map(|one| vec![one]).collect();
            let alone = compute(&trainee, &alone, &Dropout::off()).unwrap();
            assert!((alone.loss - step.loss).abs() < 1e-5 * step.loss, "{name}");
        }
    }
}

#[test]
fn one_batch_can_be_learnt_by_heart_and_is_saved_as_it_was_learnt() {
    for name in NAMES {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe(name, folder.path(), "", "[optimiser]\nweight-decay = 0.0\n");
        let mut trainee = begin(&recipe, &["LOC", "MISC", "ORG", "PER"]).unwrap();
        let mut corpus = Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap();
        corpus.documents.truncate(6);
        let examples = trainee.examples(&corpus, &Excluded::default()).unwrap();
        assert_eq!((examples.examples.len(), examples.misfits), (6, 0), "{name}");
        let mut moving = Optimiser::new(&recipe.optimiser, trainee.variables()).unwrap();
        let batch = [examples.examples.iter().collect::<Vec<_>>()];
        let (mut first, mut last) = (None, f64::INFINITY);
        for number in 0..200 {
            let step = compute(&trainee, &batch, &Dropout::off()).unwrap();
            let scale = (1.0 / step.gradients.norm().unwrap()).min(1.0);
            let rate = 0.01 * (1.0 - f64::from(number) / 200.0);
            moving.step(&step.gradients, rate, scale).unwrap();
            first.get_or_insert(step.loss);
            last = step.loss;
        }
        // A sentence has about a hundred pairs.
        assert!(last < 0.5 && last < first.unwrap() / 100.0, "{name}: {first:?}, then {last}");
        // The source sees what was learnt: the weights are the same.
        let score = Evaluation::of(trainee.source(), &[corpus], Metric::MicroF1).unwrap().score;
        assert_eq!(score, 1.0, "{name}");
        trainee.save(folder.path(), &trainee.weights(), Numbers::F32).unwrap();
        let files = Files::Folder(folder.path().to_owned());
        let config = ModelConfig {
            labels: Some(["LOC", "MISC", "ORG", "PER"].map(str::to_owned).to_vec()),
            ..ModelConfig::of_folder(".")
        };
        let context = LoadContext { files, device: DeviceChoice::Cpu };
        let saved = Gliner::load("model".into(), config, &context).unwrap();
        let document = Document::new("d", "John Smith lives in New London.");
        let [before, after] =
            [&trainee.model, &saved].map(|m| m.logits(&document).unwrap().concat());
        assert_near(&after, &before, name);
    }
}

#[test]
fn a_run_writes_a_folder_that_finds_the_labels() {
    let folder = tempfile::tempdir().unwrap();
    let prompts =
        "options = { prompts = { PER = \"person\" }, negatives = 0.5, masking = \"span\" }";
    let output = folder.path().join("model");
    let recipe =
        recipe("span-deberta", &output, prompts, "[schedule]\nsteps = 3\nshape = \"constant\"\n");
    let options = TrainOptions { device: DeviceChoice::Cpu, ..TrainOptions::default() };
    let outcome = train(&recipe, &options, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(outcome.is_finished);
    for file in ["gliner_config.json", "model.safetensors", "tokenizer.json", "MODEL_CARD.md"] {
        assert!(output.join(file).is_file(), "{file}");
    }
    let original =
        std::fs::read(format!("{ROOT}/tests/data/gliner/span-deberta/gliner_config.json"));
    let config: Value = serde_json::from_slice(&original.unwrap()).unwrap();
    let saved = std::fs::read(output.join("gliner_config.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&saved).unwrap(), config);
    let again = train(&recipe, &options, &AtomicBool::new(false), &mut |_| {});
    assert!(again.err().unwrap().message().contains("holds a run already"));
}

#[test]
fn a_text_of_which_a_sentence_is_excluded_is_left_out() {
    let recipe = recipe("span-bert", Path::new("unused"), "", "");
    let mut trainee = begin(&recipe, &["LOC"]).unwrap();
    let texts = ["Ann lives in Rome. It rains in U.S. towns.", "Bob lives in Oslo."];
    let learnt = corpus(texts.iter().map(|text| Document::new("d", *text)).collect());
    let excluded = Excluded::of(&[corpus(vec![Document::new("x", "it rains in U.S. towns.")])]);
    let made = trainee.examples(&learnt, &excluded).unwrap();
    assert_eq!((made.examples.len(), made.excluded), (1, 1));
}

/// What is there of an example, labels by their numbers.
fn there(example: &PromptedExample) -> BTreeSet<[usize; 3]> {
    let numbered = |[word, label, part]: &[u32; 3]| {
        [*word as usize, example.asked[*label as usize], *part as usize]
    };
    example.there.iter().map(numbered).collect()
}

#[test]
fn labels_are_drawn_from_the_batch() {
    let (fixture, unused) = (fixture(), Path::new("unused"));
    let names = ["PER", "LOC", "NONE", "ORG"];
    for (name, has_widths) in [("span-bert", true), ("token-deberta", false)] {
        let recipe = recipe(name, unused, "options = { negative-labels = 2 }", "");
        let mut trainee = begin(&recipe, &names).unwrap();
        let mut corpus = corpus(sentences(&fixture));
        // One that has one label, of the three that others have.
        let mut lisbon = corpus.documents[0].clone();
        lisbon.gold.as_mut().unwrap().retain(|annotation| annotation.label == "LOC");
        corpus.documents.push(lisbon);
        let made = trainee.examples(&corpus, &Excluded::default()).unwrap().examples;
        let labels = DrawnLabels::new(&Options::read(&recipe).unwrap(), has_widths).unwrap();
        let draw = |dropout: &Dropout| {
            labels.draw(&made.iter().collect::<Vec<_>>(), &trainee.model, dropout)
        };
        assert_eq!(draw(&Dropout::off()), made, "{name}: nothing is left to chance");
        assert_eq!(draw(&Dropout::new(3, 0)), draw(&Dropout::new(3, 0)));
        let (mut orders, mut others) = (BTreeSet::new(), BTreeSet::new());
        let dropout = Dropout::new(3, 0);
        for _ in 0..100 {
            for ((document, before), after) in
                corpus.documents.iter().zip(&made).zip(draw(&dropout))
            {
                let found: BTreeSet<usize> = there(before).iter().map(|pair| pair[1]).collect();
                assert_eq!(there(&after), there(before), "{name}: what is there stays there");
                assert!(!after.asked.contains(&2), "{name}: no text of the batch has it");
                let entities = document.gold.as_ref().map_or(0, Vec::len);
                let more = after.asked.len() - found.len();
                assert!(more <= if entities == 0 { 1 } else { 2 * entities }, "{name}: {after:?}");
                // The row is that of a text that is asked for these labels.
                let unit = trainee.model.units(document).unwrap().remove(0);
                let row = trainee.model.rows(&unit, &after.asked, false).remove(0);
                let is_same = (row.ids, row.words, row.places, row.text)
                    == (after.ids, after.words, after.labels, after.text);
                assert!(is_same, "{name}");
                orders.insert(after.asked);
                others.insert(more);
            }
        }
        assert!(others.contains(&0) && others.contains(&2), "{name}: {others:?}");
        assert!(orders.contains(&vec![0, 1]) && orders.contains(&vec![1, 0]), "{name}: {orders:?}");
    }
}

/// Draws a hundred times; the labels that each example is asked for and has nothing of that is taught.
fn others(made: &[PromptedExample], labels: &DrawnLabels, model: &Gliner) -> Vec<BTreeSet<usize>> {
    let dropout = Dropout::new(3, 0);
    let mut all = vec![BTreeSet::new(); made.len()];
    for _ in 0..100 {
        let drawn = labels.draw(&made.iter().collect::<Vec<_>>(), model, &dropout);
        for (others, example) in all.iter_mut().zip(&drawn) {
            let found: BTreeSet<usize> = there(example).iter().map(|pair| pair[1]).collect();
            others.extend(example.asked.iter().filter(|label| !found.contains(label)));
        }
    }
    all
}

fn annotation(span: std::ops::Range<usize>, label: &str) -> Annotation {
    Annotation { span: span.into(), label: label.to_owned() }
}

#[test]
fn windows_leave_room_for_labels_by_lot() {
    let of_model = "max-length = 40\noptions = { negative-labels = 2 }";
    let recipe = recipe("span-bert", Path::new("unused"), of_model, "");
    let mut trainee = begin(&recipe, &["PER", "LOC", "ORG"]).unwrap();
    let long = |sentence: &str, label: &str, name: &str| {
        let mut document = Document::new("d", sentence.repeat(40));
        let starts = document.text.match_indices(name).map(|(start, _)| start);
        let of_name = |start: usize| annotation(start..start + name.len(), label);
        document.gold = Some(starts.map(of_name).collect());
        document
    };
    let texts =
        vec![long("We saw Rome again. ", "LOC", "Rome"), long("Then Ann slept. ", "PER", "Ann")];
    let made = trainee.examples(&corpus(texts), &Excluded::default()).unwrap().examples;
    assert!(made.len() > 10, "{}", made.len());
    let labels = DrawnLabels::new(&Options::read(&recipe).unwrap(), true).unwrap();
    for (number, others) in others(&made, &labels, &trainee.model).into_iter().enumerate() {
        assert_eq!(others.len(), 1, "window {number}: {others:?}");
    }
}

#[test]
fn a_label_that_cannot_be_taught_is_not_said_to_be_absent() {
    let options = "options = { negative-labels = 2 }";
    let recipe = recipe("span-bert", Path::new("unused"), options, "");
    let mut trainee = begin(&recipe, &["PER", "LOC"]).unwrap();
    let mut too_long = Document::new("d", format!("Ann saw {}", "the hall of kings ".repeat(8)));
    let end = too_long.text.trim_end().len();
    too_long.gold = Some(vec![annotation(0..3, "PER"), annotation(8..end, "LOC")]);
    let mut other = Document::new("d", "Rome rose.");
    other.gold = Some(vec![annotation(0..4, "LOC")]);
    let made = trainee.examples(&corpus(vec![too_long, other]), &Excluded::default()).unwrap();
    assert_eq!((made.examples.len(), made.misfits), (2, 1));
    let labels = DrawnLabels::new(&Options::read(&recipe).unwrap(), true).unwrap();
    let others = others(&made.examples, &labels, &trainee.model);
    assert_eq!(others, [BTreeSet::new(), BTreeSet::from([0])]);
}

#[test]
fn a_model_learns_from_labels_by_lot() {
    let options = "options = { negative-labels = 1, most-labels = 3 }";
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("model");
    let recipe = recipe("span-bert", &output, options, "[schedule]\nepochs = 3\n");
    let options = TrainOptions { device: DeviceChoice::Cpu, ..TrainOptions::default() };
    let mut losses = Vec::new();
    let outcome = train(&recipe, &options, &AtomicBool::new(false), &mut |event| {
        if let crate::train::Event::Step(step) = event {
            losses.push(step.loss);
        }
    });
    assert!(outcome.unwrap().is_finished);
    assert!(losses.last().unwrap() < &losses[0], "{losses:?}");
}

#[test]
fn labels_that_a_corpus_does_not_annotate_are_not_asked_for() {
    let fixture = fixture();
    let recipe = recipe("span-bert", Path::new("unused"), "", "");
    let mut trainee = begin(&recipe, &["PER", "LOC", "ORG"]).unwrap();
    let mut places = corpus(sentences(&fixture));
    places.annotates = Some(["LOC".to_owned()].into());
    for document in &mut places.documents {
        document.gold.as_mut().unwrap().retain(|annotation| annotation.label == "LOC");
    }
    let all = corpus(sentences(&fixture));
    let [some, all] = [places, all]
        .map(|corpus| trainee.examples(&corpus, &Excluded::default()).unwrap().examples);
    assert_eq!((some[0].labels.len(), all[0].labels.len()), (1, 3));
    assert_eq!(some[0].there, [[4, 0, 0]].into());
    assert_eq!(all[0].there, [[0, 0, 1], [4, 1, 0]].into());
    assert!(some[0].length() < all[0].length());
}

#[test]
fn what_does_not_fit_is_told() {
    let cases = [
        ("options = { negatives = 1.5 }", "", "negatives is 1.5, expected 0 to 1"),
        ("options = { most-labels = 5 }", "", "there is no 'negative-labels'"),
        ("options = { negative-labels = 1, most-labels = 0 }", "", "most-labels is 0"),
        ("options = { masks = 1 }", "", "unknown field 'masks'"),
        ("label-all = true", "", "trained without 'label-all'"),
        ("", "[loss]\nclass-weights = { PER = 2.0 }\n", "trained without 'class-weights'"),
        ("", "[lora]\nmerge = false\n", "'merge' of [lora] is false"),
        ("", "[lora]\ntargets = [\"q\"]\n", "which no layer ends in"),
    ];
    for (of_model, more, expected) in cases {
        let recipe = recipe("span-bert", Path::new("unused"), of_model, more);
        let error = begin(&recipe, &["PER"]).err().unwrap_or_else(|| panic!("{expected}"));
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.location().is_some(), "{error}");
    }
    let unfit = "options = { hidden-size = 99 }";
    let error =
        begin(&recipe("span-bert", Path::new("unused"), unfit, ""), &["PER"]).err().unwrap();
    assert!(
        error.message().contains("hidden-size is 99, but the GLiNER of the start folder has 16"),
        "{error}"
    );
    let unknown = "options = { span-mode = \"words\" }";
    let error =
        begin(&recipe("span-bert", Path::new("unused"), unknown, ""), &["PER"]).err().unwrap();
    assert!(error.message().contains("expected one of marker, markerV0, token_level"), "{error}");
    let gone = recipe("../none", Path::new("unused"), "system = \"gliner\"", "");
    assert!(begin(&gone, &["PER"]).err().unwrap().to_string().contains("config.json"));
}

/// The encoders stand alone and under a head; the new model learns, and is saved with its tokenizer.
#[test]
fn of_an_encoder_a_new_model_is_made() {
    let cases = [
        ("../tiny-bert", "hidden-size = 8, max-width = 3"),
        ("../architectures/deberta-v3", "hidden-size = 32, span-mode = \"marker\""),
        ("../architectures/modernbert", "hidden-size = 8, rnn-layers = 0"),
        ("../architectures/distilbert", "hidden-size = 16, span-mode = \"token_level\""),
    ];
    for (start, options) in cases {
        let folder = tempfile::tempdir().unwrap();
        let of_model = format!("system = \"gliner\"\noptions = {{ {options} }}");
        let recipe = recipe(start, folder.path(), &of_model, "");
        let mut trainee = begin(&recipe, &["LOC", "MISC", "ORG", "PER"]).unwrap();
        assert!(trainee.describe().starts_with("a new GLiNER model"), "{start}");
        let mut corpus = Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap();
        corpus.documents.truncate(4);
        let examples = trainee.examples(&corpus, &Excluded::default()).unwrap();
        let batch = [examples.examples.iter().collect::<Vec<_>>()];
        let step = compute(&trainee, &batch, &Dropout::off()).unwrap();
        assert!(step.loss.is_finite() && step.gradients.norm().unwrap() > 0.0, "{start}");
        trainee.save(folder.path(), &trainee.weights(), Numbers::F32).unwrap();
        let config = gliner_config(folder.path());
        let context = LoadContext {
            files: Files::Folder(folder.path().to_owned()),
            device: DeviceChoice::Cpu,
        };
        let asked = ModelConfig {
            labels: Some(["LOC", "MISC", "ORG", "PER"].map(str::to_owned).to_vec()),
            ..ModelConfig::of_folder(".")
        };
        let saved = Gliner::load("model".into(), asked, &context).unwrap();
        let document = Document::new("d", "John Smith lives in New London.");
        let [before, after] =
            [&trainee.model, &saved].map(|m| m.logits(&document).unwrap().concat());
        assert_near(&after, &before, start);
        // The marker is a sub-word of its own, and the embeddings have no row too many.
        let tokenizer = std::fs::read(folder.path().join("tokenizer.json")).unwrap();
        let tokenizer: Value = serde_json::from_slice(&tokenizer).unwrap();
        let added = tokenizer["added_tokens"].as_array().unwrap();
        let marker = added.iter().find(|token| token["content"] == "<<ENT>>").unwrap();
        assert_eq!(marker["id"], config["class_token_index"], "{start}");
        assert_eq!(config["vocab_size"], config["encoder_config"]["vocab_size"]);
        assert_eq!(added.last().unwrap()["id"].as_u64().unwrap() + 1, config["vocab_size"]);
    }
}

fn gliner_config(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("gliner_config.json")).unwrap()).unwrap()
}
