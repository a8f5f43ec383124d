//! Training of low-rank adapters on the tiny BERT.

use super::*;
use crate::source::model::adapter::{AdapterConfig, CONFIG, WEIGHTS};
use crate::source::model::load_folder;

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
    let text = adapted(folder.path(), "").replace("epochs = 200", "epochs = 1");
    run(&recipe(&text), &options()).unwrap();
    let other = tempfile::tempdir().unwrap();
    let again = small(other.path(), "")
        .replace("\"tests/data/tiny-bert\"", &format!("{:?}", folder.path()));
    assert!(failure(&again).contains("is an adapter"));
}
