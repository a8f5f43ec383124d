//! Training of heads other than the linear one, on the folders that `tests/parity/heads.py` makes.

use super::*;
use crate::source::Source;
use crate::source::model::{ModelConfig, Tagger};

/// Each folder, and the scheme of its tags.
const HEADS: [(&str, &str); 3] = [("bilstm", "bio"), ("bilstm-crf", "bio"), ("crf", "bioes")];

fn beginning(head: &str, scheme: &str, more: &str) -> Recipe {
    let text = small(Path::new("unused"), more)
        .replace("tests/data/tiny-bert\"\n", &format!("tests/data/heads/{head}\"\n"))
        .replace("[output]", &format!("dropout = 0.0\nscheme = \"{scheme}\"\n[output]"));
    recipe(&text)
}

fn trainee(recipe: &Recipe, names: &[&str]) -> TokenTrainee {
    TokenTrainee::new(
        recipe,
        &recipe.base().join(&recipe.model.start),
        &labels(names),
        &Device::Cpu,
    )
    .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_head_can_be_trained_saved_and_loaded() {
    for (head, scheme) in HEADS {
        let recipe = beginning(head, scheme, "");
        let trainee = trainee(&recipe, &["LOC", "ORG", "PER"]);
        assert!(trainee.has_new_layer, "{head}");
        let (loss, score) = learn(&recipe, &trainee, 250);
        assert!(loss < 0.1 && score == 1.0, "{head}: loss {loss}, F1 {score}");
        let folder = tempfile::tempdir().unwrap();
        let numbers = recipe::Numbers::F32;
        trainee.save(folder.path(), &trainee.weights(), numbers).unwrap();
        let context = LoadContext {
            files: Files::Folder(folder.path().to_owned()),
            device: DeviceChoice::Cpu,
        };
        let config = ModelConfig::of_folder(&folder.path().to_string_lossy());
        let tagger = Tagger::load("saved".into(), config, &context).unwrap();
        let described = tagger.describe();
        assert!(described.contains(&format!("with {head}")), "{described}");
        let corpora = [Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap()];
        let evaluation =
            evaluation::Evaluation::of(&tagger, &corpora, recipe::Metric::MicroF1).unwrap();
        assert_eq!(evaluation.score, 1.0, "{head}");
    }
}

#[test]
fn tags_that_are_no_labels_stay_where_labels_do() {
    let recipe = beginning("bilstm-crf", "bio", "");
    let kept = trainee(&recipe, &["LOC", "PER"]);
    assert!(!kept.has_new_layer);
    assert_eq!(kept.tags.last().unwrap(), "X");
    assert_eq!(Targets::new(kept.tags.clone()).outside(None), 4);
    let other = trainee(&recipe, &["LOC", "DIS"]);
    assert!(other.has_new_layer && !other.tags.contains(&"X".to_owned()));
}

#[test]
fn an_encoder_alone_gets_a_whole_new_head() {
    let folder = tempfile::tempdir().unwrap();
    let start = Path::new(ROOT).join("tests/data/heads/bilstm-crf");
    for file in ["tokenizer.json", "tokenizer_config.json", "config.json"] {
        fs::copy(start.join(file), folder.path().join(file)).unwrap();
    }
    let weights = start.join("model.safetensors");
    let tensors = candle_core::safetensors::load(weights, &Device::Cpu).unwrap();
    let encoder: std::collections::HashMap<String, Tensor> = tensors
        .into_iter()
        .filter_map(|(name, t)| Some((name.strip_prefix("bert.")?.to_owned(), t)))
        .collect();
    candle_core::safetensors::save(&encoder, folder.path().join("model.safetensors")).unwrap();
    let text = small(Path::new("unused"), "")
        .replace("\"tests/data/tiny-bert\"", &format!("{:?}", folder.path()));
    let trainee = trainee(&recipe(&text), &["LOC", "PER"]);
    let weights = trainee.weights();
    assert_eq!(weights["crf.transitions"].dims(), [5, 5]);
    assert_eq!(weights["lstm.weight_hh_l0_reverse"].dims(), [24, 6]);
    assert!(weights.contains_key("bert.embeddings.word_embeddings.weight"));
    let largest = weights["lstm.weight_ih_l0"].abs().unwrap().max_all().unwrap();
    assert!(largest.to_scalar::<f32>().unwrap() <= 1.0 / 6f32.sqrt());
}

/// The operations of an LSTM hang one on the other, which must not exhaust the stack.
#[test]
fn long_texts_can_be_learnt_from() {
    let recipe = beginning("bilstm-crf", "bio", "");
    let trainee = trainee(&recipe, &["LOC", "PER"]);
    let ids: Vec<u32> = (0..1000).map(|i| 5 + i % 600).collect();
    let example = TagExample { ids, positions: vec![1, 500], targets: vec![0, 4] };
    let step = compute(&trainee, &[vec![&example]], &Dropout::off()).unwrap();
    assert!(step.loss.is_finite() && step.gradients.norm().unwrap() > 0.0);
}

#[test]
fn what_a_crf_cannot_learn_is_an_error() {
    let told = |recipe: &Recipe| {
        TokenTrainee::new(
            recipe,
            &recipe.base().join(&recipe.model.start),
            &labels(&["LOC", "PER"]),
            &Device::Cpu,
        )
        .err()
        .unwrap()
        .to_string()
    };
    let focal = told(&beginning("bilstm-crf", "bio", "[loss]\nfocal = 2.0\n"));
    assert!(focal.contains("likelihood"), "{focal}");
    let mut all = beginning("crf", "bioes", "");
    all.model.label_all = true;
    assert!(told(&all).contains("'label-all'"));
}
