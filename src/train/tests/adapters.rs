//! Training of low-rank adapters on the tiny BERT.

use super::*;
use crate::source::model::adapter::{AdapterConfig, CONFIG, WEIGHTS};
use crate::source::model::{ModelConfig, load_folder, system};

const LORA: &str = "[lora]\nrank = 4\nalpha = 8.0\ntargets = [\"query\", \"value\", \"intermediate.dense\"]\n\
                    [optimiser]\nrate = 0.01\nweight-decay = 0.0\n[schedule]\nepochs = 200\n\
                    [batch]\nsentences = 8\n[evaluation]\nevery-steps = 100\n";

fn adapted(folder: &Path, more: &str) -> String {
    small(folder, &format!("{LORA}{more}"))
        .replace("train/dev.conll", "train/train.conll")
        .replace("[output]", "dropout = 0.0\n[output]")
}

fn context() -> LoadContext {
    LoadContext { files: Files::Folder(".".into()), device: DeviceChoice::Cpu }
}

#[test]
fn an_adapter_is_small_and_runs_over_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(&recipe(&adapted(folder.path(), "")), &options()).unwrap();
    assert!(outcome.best.unwrap().score > 0.9, "{outcome:?}");
    let size = |path: &str| fs::metadata(path).unwrap().len();
    let own = size(folder.path().join(WEIGHTS).to_str().unwrap());
    assert!(own < size(&format!("{ROOT}/tests/data/tiny-bert/model.safetensors")), "{own}");
    assert!(!folder.path().join("model.safetensors").exists());
    let files = Files::Folder(folder.path().to_owned());
    let config = AdapterConfig::read(&files, ".").unwrap().unwrap();
    assert_eq!((config.r, config.scale()), (4, 2.0));
    assert_eq!(config.modules_to_save.unwrap(), ["classifier"]);
    // What was saved tags as what was trained did.
    let path = folder.path().to_string_lossy().into_owned();
    let model = load_folder("adapted".into(), &path, &context()).unwrap();
    let corpora =
        [Corpus::read(&recipe(&adapted(folder.path(), "")).dev[0], Path::new(ROOT)).unwrap()];
    let metric = recipe::Metric::MicroF1;
    let evaluation = evaluation::Evaluation::of(model.as_ref(), &corpora, metric).unwrap();
    assert_eq!(evaluation.score, outcome.best.unwrap().score);
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let recipe = recipe(&adapted(Path::new("unused"), ""));
    let start = recipe.base().join(&recipe.model.start);
    let names = labels(&["LOC", "ORG", "PER"]);
    let mut trainee = TokenTrainee::new(&recipe, &start, &names, &Device::Cpu).unwrap();
    let corpus = Corpus::read(&recipe.train[0], Path::new(ROOT)).unwrap();
    let examples = trainee.examples(&corpus, &Excluded::default()).unwrap().examples;
    let batch = [examples.iter().collect::<Vec<_>>()];
    let step = || compute(&trainee, &batch, &Dropout::off()).unwrap();
    let mut moving = Optimiser::new(&recipe.optimiser, &trainee.variables).unwrap();
    // B is zero at first, and A without a gradient.
    for _ in 0..10 {
        moving.step(&step().gradients, 0.01, 1.0).unwrap();
    }
    let gradients = step().gradients;
    let adapters: Vec<_> = trainee.variables.iter().filter(|(n, _)| n.contains("lora_")).collect();
    assert_eq!(adapters.len(), 2 * 3 * 2);
    for (name, variable) in adapters {
        let gradient = gradients.of(name).unwrap();
        let norm = gradient.sqr().unwrap().sum_all().unwrap().sqrt().unwrap();
        let norm = f64::from(norm.to_scalar::<f32>().unwrap());
        assert!(norm > 1e-6, "{name} has no gradient");
        let before = variable.as_tensor().copy().unwrap();
        let length = 0.02;
        let at = |sign: f64| {
            let by = (gradient.detach() * (sign * length / norm)).unwrap();
            variable.set(&(&before + by).unwrap()).unwrap();
            step().loss
        };
        let slope = (at(1.0) - at(-1.0)) / (2.0 * length);
        variable.set(&before).unwrap();
        assert!((slope - norm).abs() < 0.03 * norm.max(0.01), "{name}: {norm} is not {slope}");
    }
}

#[test]
fn an_adapter_that_was_stopped_ends_as_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let text = adapted(&whole, "").replace("epochs = 200", "epochs = 3");
    run(&recipe(&text), &options()).unwrap();
    let stopped = TrainOptions { output: Some(parts.clone()), stop_after: Some(2), ..options() };
    run(&recipe(&text), &stopped).unwrap();
    run(&recipe(&text), &TrainOptions { resume: true, stop_after: None, ..stopped }).unwrap();
    let bytes = |folder: &Path| fs::read(folder.join(WEIGHTS)).unwrap();
    assert!(bytes(&whole) == bytes(&parts));
    assert!(fs::read_to_string(parts.join(CONFIG)).unwrap().contains("tests/data/tiny-bert"));
}

#[test]
fn taggers_over_one_model_share_its_weights() {
    let files = Files::Folder(ROOT.into());
    let load = || Weights::load(&files, "tests/data/tiny-bert", &Device::Cpu).unwrap();
    let (one, other) = (load(), load());
    assert!(Arc::ptr_eq(&one.origin().unwrap(), &other.origin().unwrap()));
}

#[test]
fn what_cannot_be_adapted_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let text = adapted(folder.path(), "").replace("\"query\"", "\"querry\"");
    let got = failure(&text);
    assert!(got.contains("'querry', which no layer ends in"), "{got}");
    assert!(got.contains("query"), "{got}");
    let text = adapted(folder.path(), "").replace("\"query\"", "\"word_embeddings\"");
    let got = failure(&text);
    assert!(got.contains("'word_embeddings', which is no linear layer"), "{got}");
    let text = adapted(folder.path(), "").replace("rank = 4", "rank = 1000000000000");
    assert!(failure(&text).contains("more than the"), "{}", failure(&text));
    let text = adapted(folder.path(), "").replace("epochs = 200", "epochs = 1");
    run(&recipe(&text), &options()).unwrap();
    let other = tempfile::tempdir().unwrap();
    let again = small(other.path(), "")
        .replace("\"tests/data/tiny-bert\"", &format!("{:?}", folder.path()));
    assert!(failure(&again).contains("is an adapter"));
}

/// Every system is saved as a whole, with its adapters in the weights that they change: what loads is what was trained.
#[test]
fn merged_adapters_are_a_whole_model() {
    let new_gliner = "system = \"gliner\"\noptions = { hidden-size = 8 }";
    let cases = [
        ("tiny-bert", "query", "", "merge = true"),
        ("span-marker/bert", "query", "system = \"span-marker\"", ""),
        ("flair/transformer", "query", "scheme = \"bioes\"", ""),
        ("gliner/span-deberta", "query_proj", "", ""),
        ("tiny-bert", "query", new_gliner, ""),
    ];
    let mut scores = Vec::new();
    for (start, target, of_model, of_lora) in cases {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe(&format!(
            "[[data.train]]\npath = \"tests/data/train/train.conll\"\n\
             [[data.dev]]\npath = \"tests/data/train/train.conll\"\n\
             [model]\nstart = \"tests/data/{start}\"\nlabels = [\"LOC\", \"MISC\", \"ORG\", \"PER\"]\n\
             dropout = 0.0\n{of_model}\n[output]\nfolder = {:?}\n\
             [lora]\nrank = 4\ntargets = [\"{target}\", \"dense\"]\n{of_lora}\n\
             [optimiser]\nrate = 0.01\nweight-decay = 0.0\n[schedule]\nepochs = 10\n[batch]\nsentences = 4\n",
            folder.path()
        ));
        let outcome = run(&recipe, &options()).unwrap_or_else(|e| panic!("{start}: {e}"));
        // Adapters were trained.
        let best = candle_core::safetensors::load(
            folder.path().join("training/best.safetensors"),
            &Device::Cpu,
        );
        let best = best.unwrap();
        let changed = format!("{target}.lora_B.weight");
        let norm = |tensor: &Tensor| {
            tensor.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt()
        };
        let learnt = best.iter().filter(|(name, _)| name.ends_with(&changed));
        assert!(learnt.map(|(_, tensor)| norm(tensor)).sum::<f32>() > 0.0, "{start}");
        let saved = folder.path().join("model.safetensors");
        let saved = candle_core::safetensors::load(saved, &Device::Cpu).unwrap();
        assert!(saved.keys().all(|name| !name.contains("lora_")), "{start}");
        // What has no adapter is what it was. A new GLiNER has other names.
        let files = Files::Folder(ROOT.into());
        let begun = Weights::load(&files, &format!("tests/data/{start}"), &Device::Cpu).unwrap();
        let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let begun = begun.into_parts().0;
        let layers = begun.iter().filter(|(name, _)| name.ends_with("LayerNorm.weight"));
        for (name, tensor) in layers.filter(|_| of_model != new_gliner) {
            assert_eq!(numbers(&saved[name]), numbers(tensor), "{start}: {name}");
        }
        // What loads finds what was found.
        let path = folder.path().to_string_lossy().into_owned();
        let config = match start.starts_with("gliner") || of_model == new_gliner {
            true => gliner::model_config(&recipe, &path, &recipe.model.labels).unwrap(),
            false => ModelConfig::of_folder(&path),
        };
        let model = system::load("merged".into(), config, &context()).unwrap();
        let corpora = [Corpus::read(&recipe.dev[0], Path::new(ROOT)).unwrap()];
        let metric = recipe::Metric::MicroF1;
        let evaluation = evaluation::Evaluation::of(model.as_ref(), &corpora, metric).unwrap();
        assert_eq!(evaluation.score, outcome.best.unwrap().score, "{start}");
        scores.push(evaluation.score);
    }
    assert!(scores.iter().any(|score| *score > 0.0), "{scores:?}");
}

/// The sum of a layer and its adapter is the layer that is saved.
#[test]
fn an_adapter_is_added_to_its_weight() {
    let tensor = |numbers: &[f32], shape: &[usize]| {
        Tensor::from_slice(numbers, shape, &Device::Cpu).unwrap()
    };
    let weights = [
        ("a.weight", tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])),
        ("a.bias", tensor(&[7.0, 8.0], &[2])),
        ("a.lora_A.weight", tensor(&[1.0, 0.0, -1.0], &[1, 3])),
        ("a.lora_B.weight", tensor(&[2.0, 3.0], &[2, 1])),
    ];
    let weights = weights.map(|(name, tensor)| (name.to_owned(), tensor)).into();
    let recipe = recipe::LoraRecipe { rank: 1, alpha: 0.5, ..recipe::LoraRecipe::default() };
    let merged = lora::merged(Some(&recipe), &weights).unwrap();
    assert_eq!(merged.keys().collect::<Vec<_>>(), ["a.bias", "a.weight"]);
    let expected = [[2.0, 2.0, 2.0], [5.5, 5.0, 4.5]];
    assert_eq!(merged["a.weight"].to_vec2::<f32>().unwrap(), expected);
}

#[test]
fn adapters_of_a_tagger_of_flair_need_a_transformer_that_learns() {
    let text = small(Path::new("unused"), "[lora]\nrank = 2\n")
        .replace("tests/data/tiny-bert", "tests/data/flair/stacked");
    assert!(failure(&text).contains("[lora] is of transformers that are fine-tuned"));
}
