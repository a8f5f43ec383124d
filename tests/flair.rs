//! Taggers of Flair against the library: emissions and entities over 50 texts, word vectors in each of their
//! forms, gradients, and what is said of a folder that does not fit. The folders are made by
//! `tests/parity/flair.py`, which says what is in them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};
use spanloom::resource::Files;
use spanloom::source::model::flair::{FlairTagger, Sentence};
use spanloom::source::model::weights::Weights;
use spanloom::source::model::{self, DeviceChoice, Dropout, Mode, ModelConfig};
use spanloom::source::{LoadContext, Source};
use spanloom::{Document, Label, Span};

use crate::slope::assert_is_slope;

const NAMES: [&str; 5] = ["characters", "pooling", "stacked", "transformer", "untokenized"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/flair").join(name)
}

fn context() -> LoadContext {
    LoadContext { files: Files::Folder(PathBuf::new()), device: DeviceChoice::Cpu }
}

fn load(path: &Path, configure: impl FnOnce(&mut ModelConfig)) -> spanloom::Result<FlairTagger> {
    let mut config = ModelConfig::of_folder(&path.to_string_lossy());
    configure(&mut config);
    FlairTagger::load("tagger".into(), config, &context())
}

fn tagger(name: &str) -> FlairTagger {
    load(&folder(name), |_| {}).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn json_of(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

/// A text: its words, what the reference gives for them, row after row, and the entities it finds.
struct Case {
    words: Vec<String>,
    emissions: Vec<f32>,
    found: Vec<(usize, usize, String)>,
}

impl Case {
    fn sentence(&self) -> Sentence<'_> {
        Sentence::of_words(self.words.iter().map(String::as_str).collect())
    }
}

fn cases(name: &str) -> Vec<Case> {
    let tensors: HashMap<String, Tensor> =
        candle_core::safetensors::load(folder(name).join("reference.safetensors"), &Device::Cpu)
            .expect("the fixture is whole");
    let lengths = tensors["lengths"].to_vec1::<u32>().expect("whole numbers");
    let width = tensors["emissions"].dim(1).expect("tags");
    let numbers = tensors["emissions"].flatten_all().and_then(|t| t.to_vec1::<f32>());
    let mut numbers = numbers.expect("numbers").into_iter();
    let entities = json_of(&folder(name).join("entities.json"));
    let cases = entities.as_array().expect("cases").iter().zip(lengths);
    cases
        .map(|(case, length)| Case {
            words: serde_json::from_value(case["words"].clone()).expect("words"),
            emissions: numbers.by_ref().take(length as usize * width).collect(),
            found: serde_json::from_value(case["found"].clone()).expect("entities"),
        })
        .collect()
}

/// The largest difference between the emissions of some texts, read together, and the reference.
fn difference(tagger: &FlairTagger, cases: &[&Case], mode: Mode<'_>) -> f32 {
    let sentences: Vec<Sentence<'_>> = cases.iter().map(|case| case.sentence()).collect();
    let got = tagger.network().emissions(&sentences, mode).expect("emissions");
    let got = got.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("numbers");
    let expected: Vec<f32> = cases.iter().flat_map(|case| case.emissions.iter().copied()).collect();
    assert_eq!(got.len(), expected.len());
    let differences = expected.iter().zip(got).map(|(expected, got)| (expected - got).abs());
    differences.fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a })
}

#[test]
fn emissions_equal_the_reference_alone_and_together_in_both_modes() {
    let off = Dropout::off();
    for name in NAMES {
        let tagger = tagger(name);
        let cases = cases(name);
        assert_eq!(cases.len(), 50, "{name}");
        assert!(cases.iter().any(|case| case.words.len() == 600), "{name}");
        let full: Vec<&Case> = cases.iter().filter(|case| !case.words.is_empty()).collect();
        let mut worst = [0.0f32; 2];
        for case in &full {
            worst[0] = worst[0].max(difference(&tagger, &[case], Mode::Inference));
        }
        for group in full.chunks(16) {
            for mode in [Mode::Inference, Mode::Training(&off)] {
                worst[1] = worst[1].max(difference(&tagger, group, mode));
            }
        }
        println!("{name:12} alone {:.1e}, together {:.1e}", worst[0], worst[1]);
        assert!(worst.iter().all(|worst| *worst < 1e-4), "{name}: {worst:?}");
    }
}

#[test]
fn entities_equal_the_reference() {
    for name in NAMES {
        let tagger = tagger(name);
        let cases = cases(name);
        let words = |case: &Case| Document::from_words("d", case.words.iter().map(String::as_str));
        let documents: Vec<Document> = cases.iter().map(words).collect();
        let found = tagger.find_batch(&documents.iter().collect::<Vec<_>>());
        let mut compared = 0;
        for ((case, document), found) in cases.iter().zip(&documents).zip(found) {
            let mut mentions = found.expect("the model runs").mentions;
            mentions.sort_by_key(|mention| mention.span);
            let tokens = document.token_spans().expect("given words");
            let place = |mention: &spanloom::Mention| {
                let first = tokens.iter().position(|token| token.start == mention.span.start);
                let last = tokens.iter().position(|token| token.end == mention.span.end);
                (first.expect("a word"), last.expect("a word") + 1, mention.label.to_string())
            };
            let got: Vec<_> = mentions.iter().map(place).collect();
            assert_eq!(got, case.found, "{name}: {:?}", document.text);
            assert!(mentions.iter().all(|mention| (0.0..=1.0).contains(&mention.score)));
            compared += got.len();
        }
        assert!(compared > 300, "{name}: only {compared} entities");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the fixture is there") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// A copy of a folder whose `flair.json` has another value at `pointer`.
fn changed(name: &str, pointer: &str, value: Value) -> tempfile::TempDir {
    let made = tempfile::tempdir().expect("a folder");
    copy(&folder(name), made.path());
    let path = made.path().join("flair.json");
    let mut described = json_of(&path);
    *described.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    std::fs::write(path, described.to_string()).expect("a file");
    made
}

/// The vectors of `vectors.txt` as word2vec's binary format has them.
fn word2vec(text: &str) -> Vec<u8> {
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    let mut bytes = format!("{} {}\n", rows.len(), rows[0].len() - 1).into_bytes();
    for row in rows {
        bytes.extend(row[0].bytes().chain(*b" "));
        let numbers = row[1..].iter().map(|n| n.parse::<f32>().expect("a number"));
        bytes.extend(numbers.flat_map(f32::to_le_bytes));
        bytes.push(b'\n');
    }
    bytes
}

#[test]
fn vectors_are_the_same_in_every_form() {
    let text = std::fs::read_to_string(folder("vectors.txt")).expect("the fixture is there");
    let header = format!("{} 8\n{text}", text.lines().count());
    let described = json_of(&folder("stacked").join("flair.json"));
    let embeddings = described["embeddings"].as_array().expect("a list");
    let number = embeddings.iter().position(|one| one["kind"] == "words").expect("word vectors");
    let cases = cases("stacked");
    let cases: Vec<&Case> = cases.iter().filter(|case| !case.words.is_empty()).collect();
    let forms = [("glove.txt", text.clone().into_bytes()), ("w2v.bin", word2vec(&text))];
    for (file, bytes) in forms.into_iter().chain([("w2v.vec", header.into_bytes())]) {
        let options = json!({"kind": "words", "vectors": file, "stable": false});
        let made = changed("stacked", &format!("/embeddings/{number}"), options);
        std::fs::write(made.path().join(file), bytes).expect("a file");
        let tagger = load(made.path(), |_| {}).unwrap_or_else(|e| panic!("{file}: {e}"));
        let worst = difference(&tagger, &cases, Mode::Inference);
        assert!(worst < 1e-4, "{file}: {worst}");
    }
}

/// The gradient of the differentiable operations is the slope of inference, for every weight that is trained.
#[test]
fn gradients_are_the_slopes_of_inference() {
    let off = Dropout::off();
    for name in ["stacked", "transformer", "untokenized"] {
        let files = Files::Folder(folder(name));
        let is_trained = |weight: &str| !weight.starts_with("embeddings.") || name == "transformer";
        let weights = Weights::load(&files, ".", &Device::Cpu).expect("weights");
        let weights = weights.into_trainable(is_trained).expect("variables");
        let config = ModelConfig::of_folder(".");
        let tagger = FlairTagger::with_weights("t".into(), config, &files, &weights, Device::Cpu);
        let tagger = tagger.expect("a tagger");
        let cases = cases(name);
        let sentences = [cases[0].sentence(), cases[1].sentence()];
        let lengths: Vec<usize> = sentences.iter().map(|s| s.words.len()).collect();
        let loss = |mode| {
            let emissions = tagger.network().emissions(&sentences, mode).expect("emissions");
            loss_of(&tagger, &emissions, &lengths)
        };
        let gradients = loss(Mode::Training(&off)).backward().expect("a backward pass");
        let mut compared = 0;
        for (weight, variable) in weights.variables() {
            let gradient =
                gradients.get(&variable).unwrap_or_else(|| panic!("{name}: none of {weight}"));
            if weight.starts_with("embeddings.") && !weight.ends_with("LayerNorm.weight") {
                continue;
            }
            let loss = || {
                let loss = loss(Mode::Inference).to_dtype(DType::F64);
                loss.and_then(|loss| loss.to_scalar::<f64>()).expect("a loss")
            };
            assert_is_slope(&format!("{name}: {weight}"), gradient, &variable, loss);
            compared += 1;
        }
        assert!(compared >= 7, "{name}: {compared}");
    }
}

/// The likelihood of some tags where there is a CRF, else a sum of emissions with a weight each.
fn loss_of(tagger: &FlairTagger, emissions: &Tensor, lengths: &[usize]) -> Tensor {
    let (words, tags) = emissions.dims2().expect("2 dimensions");
    match tagger.network().crf() {
        Some(crf) => {
            let right = (0..words).map(|i| vec![i % (tags - 2)]).collect();
            crf.negative_log_likelihood(emissions, lengths.to_vec(), right, 3.0).expect("a loss")
        }
        None => {
            let weights: Vec<f32> = (0..words * tags).map(|i| (i as f32 * 0.7).sin()).collect();
            let weights = Tensor::from_vec(weights, (words, tags), &Device::Cpu).expect("weights");
            (emissions * weights).and_then(|t| t.sum_all()).expect("a sum")
        }
    }
}

/// What is dropped in training hangs on the seed alone.
#[test]
fn dropout_is_drawn_from_its_stream() {
    let tagger = tagger("stacked");
    let case = &cases("stacked")[0];
    let draw = |seed: u64| {
        let dropout = Dropout::new(seed, 0);
        let emissions = tagger.network().emissions(&[case.sentence()], Mode::Training(&dropout));
        emissions.and_then(|t| t.flatten_all()?.to_vec1::<f32>()).expect("emissions")
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert_ne!(draw(1), case.emissions);
}

#[test]
fn a_folder_is_known_by_its_description_and_text_runs_through() {
    let path = folder("stacked");
    let source = model::load_folder("m".into(), &path.to_string_lossy(), &context());
    let source = source.expect("a tagger of flair");
    let described = source.describe();
    assert!(described.contains("flair 0.15.1 with"), "{described}");
    assert!(described.contains("a BiLSTM, a CRF, 11 tags"), "{described}");
    assert_eq!(source.labels(), [Label::new("LOC"), Label::new("PER")]);
    let text = cases("stacked")[0].words.join(" ");
    let document = Document::new("d", format!("{text} {text}\n\n{text}"));
    let found = source.find(&document).expect("the model runs");
    assert!(!found.mentions.is_empty());
    let evidence = found.evidence.expect("evidence");
    for mention in &found.mentions {
        assert_eq!(evidence.score(mention.span, &mention.label), Some(mention.score));
        let refusals = source.why_not(&document, mention.span, Some(&mention.label));
        assert!(refusals.expect("an answer").is_empty());
    }
    let label = Label::new("LOC");
    let is_found =
        |word: &&Span| found.mentions.iter().any(|m| m.span == **word && m.label == label);
    let word =
        *evidence.words().iter().find(|word| !is_found(word)).expect("a word that is no LOC");
    let refusals = source.why_not(&document, word, Some(&label)).expect("an answer");
    assert!(refusals[0].reason.contains("LOC has probability"), "{:?}", refusals[0].reason);
    // What is longer than a window still has an answer for each word.
    let short = load(&path, |config| config.max_length = Some(3)).expect("a tagger");
    let found = short.find(&document).expect("the model runs");
    assert_eq!(found.evidence.expect("evidence").words().len(), evidence.words().len());
}

#[test]
fn what_does_not_fit_is_told_with_its_file() {
    let cases: &[(&str, &str, Value, &str)] = &[
        ("stacked", "/crf", json!("yes"), "not a model configuration"),
        ("stacked", "/rnn/hidden_size", json!(7), "'rnn.weight_ih_l0' has shape"),
        ("stacked", "/rnn/hidden_size", json!(0), "rnn.hidden_size is 0"),
        ("stacked", "/rnn/layers", json!(2), "no tensor 'rnn.weight_ih_l1'"),
        ("stacked", "/word_dropout", json!(2), "word_dropout is 2"),
        ("stacked", "/tags/0", json!("X-PER"), "no tag 'O'"),
        ("stacked", "/tags/9", json!("B-MISC"), "a CRF needs the tag <START>"),
        ("stacked", "/embeddings", json!([]), "embeddings is empty"),
        ("stacked", "/embeddings/0/kind", json!("bytes"), "unknown variant `bytes`"),
        ("stacked", "/embeddings/0", json!({"kind": "words"}), "missing field `vectors`"),
        ("characters", "/embeddings/0/hidden_size", json!(11), "'embeddings.0.rnn.weight_ih_l0'"),
        ("characters", "/embeddings/0/chars_per_chunk", json!(0), "chars_per_chunk is 0"),
        ("characters", "/embeddings/0/dictionary", json!("flair.json"), "list of characters"),
        ("characters", "/embeddings/0/dictionary", json!("no.json"), "no.json"),
        ("transformer", "/embeddings/0/layers", json!([]), "layers is empty"),
        ("transformer", "/embeddings/0/max_length", json!(2), "leaves no room"),
        ("transformer", "/embeddings/0/subtoken_pooling", json!("max"), "unknown variant `max`"),
    ];
    for (name, pointer, value, expected) in cases {
        let broken = changed(name, pointer, value.clone());
        let error = load(broken.path(), |_| {}).err();
        let error = error.unwrap_or_else(|| panic!("{pointer} is read")).to_string();
        assert!(error.contains(expected), "{pointer}: {error}");
        assert!(error.contains(&*broken.path().to_string_lossy()), "{pointer}: {error}");
    }
    let broken = changed("transformer", "/embeddings/0/layers", json!([7]));
    let tagger = load(broken.path(), |_| {}).expect("layers are counted when it runs");
    let error = tagger.find(&Document::from_words("d", ["Oslo"])).unwrap_err().to_string();
    assert!(error.contains("no layer 7: there are 3"), "{error}");
    let labels = |config: &mut ModelConfig| config.labels = Some(vec!["ORG".to_owned()]);
    let error = load(&folder("stacked"), labels).err().expect("an error").to_string();
    assert!(error.contains("unknown label of the model 'ORG'"), "{error}");
}
