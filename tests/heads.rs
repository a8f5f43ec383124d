//! Each head against PyTorch: emissions, marginals and entities over 50 texts, gradients, and what is said
//! of a section `spanloom` that does not fit. The folders are made by `tests/parity/heads.py`, which says
//! what is in them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use spanloom::resource::Files;
use spanloom::source::model::batch::{Batch, plan};
use spanloom::source::model::folder_options::FolderOptions;
use spanloom::source::model::head::{self, Head, Positions};
use spanloom::source::model::weights::Weights;
use spanloom::source::model::{DeviceChoice, Dropout, HEADS, Mode, ModelConfig, Tagger, arch};
use spanloom::source::{LoadContext, Source};
use spanloom::{Document, Label};

use crate::slope::assert_is_slope;

const NAMES: [&str; 3] = ["bilstm", "bilstm-crf", "crf"];

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/heads").join(name)
}

fn load(path: &Path, configure: impl FnOnce(&mut ModelConfig)) -> spanloom::Result<Tagger> {
    let mut config = ModelConfig::of_folder(&path.to_string_lossy());
    config.max_length = Some(1100);
    configure(&mut config);
    let files = Files::Folder(path.to_owned());
    Tagger::load("tagger".into(), config, &LoadContext { files, device: DeviceChoice::Cpu })
}

fn tagger(name: &str) -> Tagger {
    load(&folder(name), |_| {}).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn json_of(name: &str, file: &str) -> Value {
    let text = std::fs::read_to_string(folder(name).join(file)).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

/// What the reference made of a text.
struct Row {
    ids: Vec<u32>,
    logits: Vec<f32>,
}

/// The rows of a folder, and the marginals of all its words where there is a CRF.
fn reference(name: &str) -> (Vec<Row>, Vec<f32>) {
    let path = folder(name).join("reference.safetensors");
    let tensors: HashMap<String, Tensor> =
        candle_core::safetensors::load(path, &Device::Cpu).expect("the fixture is whole");
    let whole = |name: &str| tensors[name].to_vec1::<u32>().expect("whole numbers");
    let flat = |tensor: &Tensor| tensor.flatten_all().and_then(|t| t.to_vec1::<f32>());
    let width = tensors["logits"].dim(1).expect("tags");
    let mut ids = whole("ids").into_iter();
    let mut logits = flat(&tensors["logits"]).expect("numbers").into_iter();
    let row = |length: u32| Row {
        ids: ids.by_ref().take(length as usize).collect(),
        logits: logits.by_ref().take(length as usize * width).collect(),
    };
    let rows = whole("lengths").into_iter().map(row).collect();
    let marginals = tensors.get("marginals").map(|t| flat(t).expect("numbers"));
    (rows, marginals.unwrap_or_default())
}

/// The largest difference; also where one is no number.
fn difference(expected: impl IntoIterator<Item = f32>, got: impl IntoIterator<Item = f32>) -> f32 {
    expected
        .into_iter()
        .zip(got)
        .map(|(expected, got)| (expected - got).abs())
        .fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a })
}

/// `[start, end, label]`, in words.
type Entities = Vec<(usize, usize, String)>;

fn documents(name: &str) -> (Vec<Document>, Vec<Entities>) {
    let cases = json_of(name, "entities.json");
    let cases = cases.as_array().expect("cases").iter();
    cases
        .map(|case| {
            let words = case["words"].as_array().expect("words").iter();
            let words = words.map(|word| word.as_str().expect("a word"));
            let found = serde_json::from_value(case["found"].clone()).expect("entities");
            (Document::from_words("d", words), found)
        })
        .unzip()
}

#[test]
fn logits_equal_the_reference_alone_and_padded_in_both_modes() {
    let off = Dropout::off();
    for name in NAMES {
        let tagger = tagger(name);
        let (rows, _) = reference(name);
        assert_eq!(rows.len(), 50, "{name}");
        let lengths: Vec<usize> = rows.iter().map(|row| row.ids.len()).collect();
        assert!(lengths.iter().any(|length| *length > 600), "{name}");
        let (order, batches) = plan(&lengths, 300);
        for group in batches.into_iter().map(|batch| &order[batch]).chain([&[0][..], &[49]]) {
            let ids: Vec<Vec<u32>> = group.iter().map(|i| rows[*i].ids.clone()).collect();
            let batch = Batch::new(&ids, 0, tagger.device()).expect("a batch");
            for mode in [Mode::Inference, Mode::Training(&off)] {
                let logits = tagger.logits(&batch, mode).expect("logits");
                let logits = logits.to_vec3::<f32>().expect("3 dimensions");
                for (row, got) in group.iter().map(|i| &rows[*i]).zip(logits) {
                    let worst = difference(row.logits.iter().copied(), got.concat());
                    assert!(worst < 1e-4, "{name}: {worst} in {mode:?}");
                }
            }
        }
    }
}

#[test]
fn marginals_equal_the_reference() {
    let mut compared = 0;
    for name in NAMES {
        let tagger = tagger(name);
        let Some(crf) = tagger.head().crf() else { continue };
        let chain = crf.chain().expect("scores");
        let width = tagger.tags().count();
        let (rows, expected) = reference(name);
        let (documents, _) = documents(name);
        let mut got = Vec::new();
        for (document, row) in documents.iter().zip(&rows) {
            let units = tagger.units(document).expect("units");
            let Some(unit) = units.first().filter(|unit| !unit.words.is_empty()) else { continue };
            let window = &tagger.windows_of(unit)[0];
            let (ids, firsts) = tagger.pieces(unit, window);
            assert_eq!(ids, row.ids, "{name}: {:?}", document.text);
            let rows: Vec<&[f32]> = row.logits.chunks(width).collect();
            let (read, places): (Vec<&[f32]>, Vec<usize>) = match crf.positions {
                Positions::Words => (
                    firsts.iter().map(|f| rows[*f as usize]).collect(),
                    (0..firsts.len()).collect(),
                ),
                Positions::Pieces => (rows, firsts.iter().map(|f| *f as usize).collect()),
            };
            let emissions: Vec<f64> = read.concat().into_iter().map(f64::from).collect();
            let marginals = chain.marginals(&emissions);
            got.extend(places.iter().flat_map(|p| &marginals[p * width..][..width]).copied());
        }
        assert_eq!(got.len(), expected.len(), "{name}");
        let worst = difference(expected, got.iter().map(|p| *p as f32));
        assert!(worst < 1e-5, "{name}: {worst}");
        compared += got.len();
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn entities_equal_the_reference_and_scores_are_the_marginals() {
    for name in NAMES {
        let tagger = tagger(name);
        let (documents, expected) = documents(name);
        let (_, marginals) = reference(name);
        let width = tagger.tags().count();
        let mut marginals = marginals.chunks_exact(width);
        let id2label = json_of(name, "config.json")["id2label"].clone();
        let tags: Vec<&str> =
            (0..width).map(|id| id2label[id.to_string()].as_str().expect("a tag")).collect();
        let mut compared = 0;
        let found = tagger.find_batch(&documents.iter().collect::<Vec<_>>());
        for ((document, expected), found) in documents.iter().zip(expected).zip(found) {
            let tokens = document.token_spans().expect("given words");
            let mut mentions = found.expect("the model runs").mentions;
            mentions.sort_by_key(|m| m.span);
            let words: Vec<_> = marginals.by_ref().take(tokens.len()).collect();
            let mut got = Vec::new();
            for mention in &mentions {
                let first = tokens.iter().position(|t| t.start == mention.span.start);
                let last = tokens.iter().position(|t| t.end == mention.span.end);
                let (first, end) = (first.expect("a word"), last.expect("a word") + 1);
                got.push((first, end, mention.label.to_string()));
                if tagger.head().crf().is_none() {
                    continue;
                }
                let of_label = |row: &&[f32]| -> f32 {
                    let is_of = |tag: &str| tag.ends_with(&format!("-{}", mention.label));
                    tags.iter().zip(*row).filter(|(t, _)| is_of(t)).map(|(_, p)| *p).sum()
                };
                let mean =
                    words[first..end].iter().map(of_label).sum::<f32>() / (end - first) as f32;
                assert!((mention.score - mean).abs() < 2e-4, "{name}: {mention:?}, {mean}");
            }
            assert_eq!(got, expected, "{name}: {:?}", document.text);
            compared += got.len();
        }
        assert!(compared > 50, "{name}: only {compared} entities");
    }
}

/// A window that is shorter than a text still gives each word an answer.
#[test]
fn long_texts_go_through_windows() {
    for name in NAMES {
        let tagger = load(&folder(name), |config| config.max_length = Some(40)).expect("a model");
        let (documents, _) = documents(name);
        let longest = documents.iter().max_by_key(|d| d.text.len()).expect("a document");
        let found = tagger.find(longest).expect("the model runs");
        let last = found.mentions.iter().map(|m| m.span.end).max().unwrap_or(0);
        assert!(last * 2 > longest.text.len(), "{name}: {last} of {}", longest.text.len());
        assert_eq!(tagger.labels(), [Label::new("LOC"), Label::new("PER")], "{name}");
    }
}

/// The gradient of the differentiable operations is the slope of inference, for every weight of a head.
#[test]
fn gradients_are_the_slopes_of_inference() {
    let off = Dropout::off();
    for name in NAMES {
        let files = Files::Folder(folder(name));
        let config = files.read_text("config.json").expect("a configuration");
        let value = json_of(name, "config.json");
        let options: FolderOptions =
            serde_json::from_value(value["spanloom"].clone()).expect("a section");
        let tags = value["id2label"].as_object().expect("tags").len();
        let weights = Weights::load(&files, ".", &Device::Cpu).expect("weights");
        let weights = weights.renamed(&options.weights).expect("names");
        let weights = weights.into_trainable(|_| true).expect("variables");
        let architecture = arch::architecture("bert", "config.json").expect("BERT");
        let encoder = (architecture.load)(&config, &weights).expect("an encoder");
        let (kind, options) = head::kind(&options.head).expect("a head");
        let head = (kind.load)(&options, &weights, encoder.as_ref(), tags).expect("a head");
        let (rows, _) = reference(name);
        let ids = [rows[0].ids.clone(), rows[1].ids.clone()];
        let lengths = [ids[0].len(), ids[1].len()];
        let batch = Batch::new(&ids, 0, &Device::Cpu).expect("a batch");
        let loss = |mode| {
            let hidden = encoder.encode(&batch, mode).expect("hidden states");
            let logits = head.logits(&hidden, &batch.lengths, mode).expect("logits");
            loss_of(head.as_ref(), &logits, &lengths)
        };
        let gradients = loss(Mode::Training(&off)).backward().expect("a backward pass");
        let of_head =
            |name: &String| ["lstm.", "classifier.", "crf."].iter().any(|p| name.starts_with(p));
        let mut compared = 0;
        for (weight, variable) in weights.variables() {
            let gradient =
                gradients.get(&variable).unwrap_or_else(|| panic!("{name}: none of {weight}"));
            if !of_head(&weight) && !weight.ends_with("LayerNorm.weight") {
                continue;
            }
            let loss = || {
                let loss = loss(Mode::Inference).to_dtype(candle_core::DType::F64);
                loss.and_then(|loss| loss.to_scalar::<f64>()).expect("a loss")
            };
            assert_is_slope(&format!("{name}: {weight}"), gradient, &variable, loss);
            compared += 1;
        }
        assert!(compared >= 6, "{name}: {compared}");
    }
}

/// The likelihood of some tags where there is a CRF, else a sum of logits with a weight each.
fn loss_of(head: &dyn Head, logits: &Tensor, lengths: &[usize]) -> Tensor {
    let rows: Vec<Tensor> = lengths
        .iter()
        .enumerate()
        .map(|(row, length)| logits.get(row).and_then(|l| l.narrow(0, 0, *length)).expect("a row"))
        .collect();
    let logits = Tensor::cat(&rows, 0).expect("rows");
    let (positions, tags) = logits.dims2().expect("2 dimensions");
    match head.crf() {
        Some(crf) => {
            let right = (0..positions).map(|i| vec![i % tags]).collect();
            crf.negative_log_likelihood(&logits, lengths.to_vec(), right, 3.0).expect("a loss")
        }
        None => {
            let weights: Vec<f32> = (0..positions * tags).map(|i| (i as f32 * 0.7).sin()).collect();
            let weights = Tensor::from_vec(weights, logits.shape(), &Device::Cpu).expect("weights");
            (logits * weights).and_then(|t| t.sum_all()).expect("a sum")
        }
    }
}

#[test]
fn every_head_has_a_folder() {
    let kinds: Vec<Value> = NAMES
        .iter()
        .map(|name| json_of(name, "config.json")["spanloom"]["head"]["kind"].clone())
        .collect();
    // The linear one is in every folder of tests/data/architectures.
    for head in HEADS.iter().filter(|head| head.name != "linear") {
        assert!(kinds.contains(&head.name.into()), "{}", head.name);
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_file() {
    let cases: &[(&str, &str, Value, &str)] = &[
        ("crf", "/spanloom/head/kind", json!("lstm-crf"), "unknown kind of head 'lstm-crf'"),
        ("crf", "/spanloom/head/boundaries", json!(true), "no tensor 'crf.start_transitions'"),
        ("bilstm", "/spanloom/head/hidden_size", json!(7), "tensor 'lstm.weight_ih_l0' has shape"),
        ("bilstm", "/spanloom/head/hidden_size", json!(0), "hidden_size is 0"),
        ("bilstm", "/spanloom/head/layers", json!(3), "no tensor 'lstm.weight_ih_l2'"),
        (
            "bilstm",
            "/spanloom/weights/lstm.",
            json!("lstn."),
            "no weight of the file is called 'lstn.'",
        ),
        ("bilstm", "/spanloom/ignored_tags/0", json!("[CSL]"), "ignored_tags '[CSL]'"),
        ("bilstm", "/spanloom/weights", json!(3), "config.json"),
    ];
    for (name, pointer, value, expected) in cases {
        let broken = tempfile::tempdir().expect("a folder");
        for entry in std::fs::read_dir(folder(name)).expect("the fixture is there") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), broken.path().join(entry.file_name())).expect("a copy");
        }
        let mut config = json_of(name, "config.json");
        *config.pointer_mut(pointer).expect("a key") = value.clone();
        std::fs::write(broken.path().join("config.json"), config.to_string()).expect("a file");
        let error =
            load(broken.path(), |_| {}).err().unwrap_or_else(|| panic!("{pointer} is read"));
        assert!(error.to_string().contains(expected), "{pointer}: {error}");
        assert!(error.location().is_some(), "{pointer}: {error}");
    }
}
