//! SpanMarker against its own library: logits and entities over 50 texts, as words, as text and as sentences
//! among their neighbours; gradients; what is longer than the model reads; and what is said of a folder that
//! does not fit. The folders are made by `tests/parity/span_marker_fixtures.py`, which says what is in them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use spanloom::resource::Files;
use spanloom::source::model::config::Context;
use spanloom::source::model::span_marker::{Network, Sample, SpanMarker, SpanMarkerConfig};
use spanloom::source::model::weights::Weights;
use spanloom::source::model::{
    DeviceChoice, Dropout, Mode, ModelConfig, PrecisionChoice, load_folder,
};
use spanloom::source::{LoadContext, Source};
use spanloom::text::layout::row_breaks;
use spanloom::{Document, Label, Span};

use crate::slope::assert_is_slope;

const NAMES: [&str; 4] = ["bert", "roberta", "xlm-roberta", "electra"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/span-marker").join(name)
}

fn context(path: &Path) -> LoadContext {
    LoadContext { files: Files::Folder(path.to_owned()), device: DeviceChoice::Cpu }
}

fn load(path: &Path, configure: impl FnOnce(&mut ModelConfig)) -> spanloom::Result<SpanMarker> {
    let mut config = ModelConfig::of_folder(&path.to_string_lossy());
    configure(&mut config);
    SpanMarker::load("spans".into(), config, &context(path))
}

fn model(name: &str, of: Context) -> SpanMarker {
    load(&folder(name), |c| c.context = Some(of)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn json_of(name: &str, file: &str) -> Value {
    let text = std::fs::read_to_string(folder(name).join(file)).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

/// What the library finds: where it begins and ends, in words or code points, its label and score.
type Entities = Vec<(usize, usize, String, f32)>;

/// How cases are given: their key in the fixture, and what the model is to read at once for it.
const FORMS: [(&str, Context); 3] =
    [("words", Context::Document), ("text", Context::Document), ("documents", Context::Sentence)];

/// The documents of a form, and of each what the library finds; the places in sentences are those in the
/// document they are joined to.
fn cases(name: &str, form: &str) -> Vec<(Document, Entities)> {
    let cases = json_of(name, "entities.json");
    let strings = |value: &Value| -> Vec<String> {
        serde_json::from_value(value.clone()).expect("a list of strings")
    };
    let entities =
        |value: &Value| -> Entities { serde_json::from_value(value.clone()).expect("entities") };
    let case = |case: &Value| match form {
        "words" => {
            let words = strings(&case["words"]);
            let document = Document::from_words("d", words.iter().map(String::as_str));
            (document, entities(&case["found"]))
        }
        "text" => {
            let text = case["text"].as_str().expect("a text");
            (Document::new("d", text), entities(&case["found"]))
        }
        _ => {
            let (mut text, mut found) = (String::new(), Vec::new());
            for (place, sentence) in strings(&case["sentences"]).iter().enumerate() {
                let shift = text.chars().count();
                let moved = entities(&case["found"][place]).into_iter();
                found.extend(moved.map(|(start, end, l, s)| (start + shift, end + shift, l, s)));
                text.push_str(sentence);
                text.push(' ');
            }
            (Document::new("d", text), found)
        }
    };
    cases[form].as_array().expect("cases").iter().map(case).collect()
}

fn reference(name: &str) -> HashMap<String, Tensor> {
    let path = folder(name).join("reference.safetensors");
    candle_core::safetensors::load(path, &Device::Cpu).expect("the fixture is whole")
}

/// The logits of all candidates of a document, so many samples at once: by sentence, then by their first and
/// last word.
fn logits(
    model: &SpanMarker,
    document: &Document,
    at_once: usize,
    mode: Mode<'_>,
) -> Vec<Vec<f32>> {
    let sentences = model.sentences(document).expect("sentences");
    let mut all = Vec::new();
    for number in 0..sentences.len() {
        let samples = model.samples(&sentences, number);
        let samples: Vec<&Sample> = samples.iter().collect();
        let mut of_sentence = Vec::new();
        for group in samples.chunks(at_once) {
            let logits = model.network().logits(group, model.device(), mode).expect("logits");
            let logits = logits.to_vec2::<f32>().expect("2 dimensions");
            let candidates = group.iter().flat_map(|sample| sample.candidates.iter());
            of_sentence.extend(candidates.map(|c| (c.start, c.end)).zip(logits));
        }
        of_sentence.sort_by_key(|(candidate, _)| *candidate);
        all.extend(of_sentence.into_iter().map(|(_, logits)| logits));
    }
    all
}

#[test]
fn logits_equal_the_library_alone_and_together_in_both_modes() {
    let off = Dropout::off();
    for name in NAMES {
        let reference = reference(name);
        for (form, context) in FORMS {
            let model = model(name, context);
            let expected = reference[form].to_vec2::<f32>().expect("2 dimensions");
            for (at_once, mode) in [(1, Mode::Inference), (3, Mode::Training(&off))] {
                if form == "text" && at_once > 1 {
                    continue;
                }
                let mut expected = expected.iter();
                let mut worst = 0f32;
                for (document, _) in cases(name, form) {
                    for got in logits(&model, &document, at_once, mode) {
                        let expected = expected.next().expect("a candidate of the library");
                        for (got, expected) in got.iter().zip(expected) {
                            let difference = (got - expected).abs();
                            worst =
                                if difference.is_nan() { f32::NAN } else { worst.max(difference) };
                        }
                    }
                }
                assert_eq!(expected.len(), 0, "{name}: the library has more candidates in {form}");
                assert!(worst < 1e-4, "{name}: {worst} in {form}, {mode:?}");
                eprintln!("{name}, {form}, {mode:?}: largest difference {worst:.1e}");
            }
        }
    }
}

/// The mentions as the fixture has them: in words of given words, else in code points.
fn found(model: &SpanMarker, documents: &[&Document]) -> Vec<Entities> {
    let of_document =
        |(document, found): (&&Document, spanloom::Result<spanloom::source::Found>)| {
            let tokens = document.token_spans();
            let place = |byte: usize, is_end: bool| match &tokens {
                Some(tokens) => {
                    let at = |t: &Span| if is_end { t.end } else { t.start };
                    let word = tokens.iter().position(|token| at(token) == byte).expect("a word");
                    word + usize::from(is_end)
                }
                None => document.text.char_indices().take_while(|(at, _)| *at < byte).count(),
            };
            let mut mentions = found.expect("the model runs").mentions;
            mentions.sort_by_key(|m| m.span);
            let mention = |m: &spanloom::Mention| {
                (place(m.span.start, false), place(m.span.end, true), m.label.to_string(), m.score)
            };
            mentions.iter().map(mention).collect()
        };
    documents.iter().zip(model.find_batch(documents)).map(of_document).collect()
}

#[test]
fn entities_equal_the_library() {
    let without_scores = |entities: &Entities| -> Vec<(usize, usize, String)> {
        entities.iter().map(|(start, end, label, _)| (*start, *end, label.clone())).collect()
    };
    for name in NAMES {
        for (form, context) in FORMS {
            let (model, cases) = (model(name, context), cases(name, form));
            let (mut compared, mut rows) = (0, 0);
            let documents: Vec<&Document> = cases.iter().map(|(document, _)| document).collect();
            let found = found(&model, &documents);
            for ((document, expected), got) in cases.iter().zip(&found) {
                let breaks = row_breaks(&document.text);
                if !breaks.is_empty() {
                    // The library lets an entity go on from one row of a table to the next.
                    rows += 1;
                    continue;
                }
                let text = &document.text;
                assert_eq!(
                    without_scores(got),
                    without_scores(expected),
                    "{name}, {form}: {text:?}"
                );
                for (got, expected) in got.iter().zip(expected) {
                    assert!((got.3 - expected.3).abs() < 1e-4, "{name}, {form}: {got:?}");
                }
                compared += got.len();
            }
            assert!(compared > 30 && rows <= 1, "{name}, {form}: {compared}, {rows}");
            eprintln!("{name}, {form}: {compared} entities");
        }
    }
}

#[test]
fn sentences_are_those_of_the_library() {
    for (document, sentences) in cases("bert", "documents")
        .iter()
        .zip(json_of("bert", "entities.json")["documents"].as_array().expect("cases"))
    {
        let model = model("bert", Context::Sentence);
        let expected = sentences["sentences"].as_array().expect("sentences").len();
        assert_eq!(model.sentences(&document.0).expect("sentences").len(), expected);
    }
}

#[test]
fn how_documents_are_batched_does_not_show() {
    let cases = cases("electra", "text");
    let documents: Vec<&Document> = cases.iter().map(|(document, _)| document).collect();
    let whole = found(&model("electra", Context::Document), &documents);
    let small = load(&folder("electra"), |config| {
        (config.context, config.batch_tokens) = (Some(Context::Document), 1);
    });
    let small = small.expect("a model");
    for (document, expected) in documents.iter().zip(&whole) {
        assert_eq!(found(&small, &[document])[0], *expected, "{:?}", document.text);
    }
}

#[test]
fn fixed_point_is_near() {
    for (precision, least) in [(PrecisionChoice::Int16, 0.98), (PrecisionChoice::Int8, 0.8)] {
        let (mut all, mut same, mut differences) = (0, 0, 0);
        for name in NAMES {
            let cases = cases(name, "text");
            let documents: Vec<&Document> = cases.iter().map(|(document, _)| document).collect();
            let exact = found(&model(name, Context::Document), &documents);
            let fixed = load(&folder(name), |config| {
                (config.context, config.precision) = (Some(Context::Document), precision);
            });
            let fixed = found(&fixed.expect("an encoder with such passes"), &documents);
            for (exact, fixed) in exact.iter().zip(&fixed) {
                all += exact.len();
                for (start, end, label, score) in exact {
                    let twin = fixed.iter().find(|f| (f.0, f.1, &f.2) == (*start, *end, label));
                    same += usize::from(twin.is_some_and(|twin| (twin.3 - score).abs() < 0.1));
                    differences += usize::from(twin.is_some_and(|twin| twin.3 != *score));
                }
            }
        }
        assert!(same as f64 > least * all as f64, "{precision:?}: {same} of {all}");
        assert!(differences > all / 2, "{precision:?}: {differences} of {all}");
    }
    let halves = load(&folder("bert"), |config| config.precision = PrecisionChoice::F16);
    let error = halves.err().expect("for token classifiers on CUDA");
    let expected = "the architecture 'bert' is not computed in f16 on this device";
    assert!(error.to_string().contains(expected), "{error}");
}

/// The library reads nothing behind its longest sequence; here windows go over all of it.
#[test]
fn nothing_is_lost_behind_the_longest_sequence() {
    let model = load(&folder("roberta"), |config| config.max_length = Some(40)).expect("a model");
    for (document, _) in cases("roberta", "words") {
        let sentences = model.sentences(&document).expect("sentences");
        let Some(sentence) = sentences.first() else { continue };
        let samples = model.samples(&sentences, 0);
        let mut judged: Vec<(usize, usize)> = samples
            .iter()
            .flat_map(|sample| sample.candidates.iter().map(|c| (c.start, c.end)))
            .collect();
        judged.sort_unstable();
        assert!(samples.iter().all(|sample| sample.ids.len() <= 40));
        for word in 0..sentence.words.len() {
            assert!(judged.contains(&(word, word + 1)), "{word} of {:?}", document.text);
        }
        judged.dedup();
        assert_eq!(
            judged.len(),
            samples.iter().map(|sample| sample.candidates.len()).sum::<usize>()
        );
    }
    let cases = cases("roberta", "words");
    let (longest, _) = cases.iter().max_by_key(|(d, _)| d.text.len()).expect("a document");
    let found = model.find(longest).expect("the model runs");
    let last = found.mentions.iter().map(|m| m.span.end).max().unwrap_or(0);
    assert!(last * 10 > longest.text.len() * 9, "{last} of {}", longest.text.len());
}

/// The gradient of the differentiable operations is the slope of inference, for every weight.
#[test]
fn gradients_are_the_slopes_of_inference() {
    let off = Dropout::off();
    for name in NAMES {
        let files = Files::Folder(folder(name));
        let text = files.read_text("config.json").expect("a configuration");
        let config = SpanMarkerConfig::parse(&text, "config.json").expect("a configuration");
        let weights = Weights::load(&files, ".", &Device::Cpu).expect("weights");
        let weights = weights.into_trainable(|_| true).expect("variables");
        let network =
            Network::load(&config, "config.json", &weights, [5, 6], 0).expect("a network");
        let samples = [
            Sample {
                ids: vec![2, 9, 10, 11, 3],
                candidates: vec![0..1, 1..3],
                places: vec![(1, 1), (2, 3)],
            },
            Sample {
                ids: vec![2, 12, 3],
                candidates: vec![0..1, 0..1],
                places: vec![(1, 1), (1, 0)],
            },
        ];
        let loss = |mode| {
            let samples: Vec<&Sample> = samples.iter().collect();
            let logits = network.logits(&samples, &Device::Cpu, mode).expect("logits");
            let factors: Vec<f32> =
                (0..logits.elem_count()).map(|i| (i as f32 * 0.7).sin()).collect();
            let factors = Tensor::from_vec(factors, logits.shape(), &Device::Cpu).expect("factors");
            (logits * factors).and_then(|t| t.sum_all()).expect("a sum")
        };
        let gradients = loss(Mode::Training(&off)).backward().expect("a backward pass");
        let variables = weights.variables();
        assert!(variables.len() > 30, "{name}: {}", variables.len());
        for (weight, variable) in variables {
            let gradient =
                gradients.get(&variable).unwrap_or_else(|| panic!("{name}: none of {weight}"));
            let loss = || {
                let loss = loss(Mode::Inference).to_dtype(candle_core::DType::F64);
                loss.and_then(|loss| loss.to_scalar::<f64>()).expect("a loss")
            };
            assert_is_slope(&format!("{name}: {weight}"), gradient, &variable, loss);
        }
    }
}

#[test]
fn a_folder_is_a_source_whose_labels_are_renamed_and_chosen() {
    let path = folder("bert");
    let source = load_folder("spans".into(), &path.to_string_lossy(), &context(&path));
    let source = source.expect("a source");
    assert!(
        source.describe().starts_with("model, span-marker over bert, 2 labels"),
        "{}",
        source.describe()
    );
    assert_eq!(source.labels(), [Label::new("LOC"), Label::new("PER")]);
    let renamed = load(&path, |config| {
        config.map = [("PER".to_owned(), "person".to_owned())].into();
        config.labels = Some(vec!["person".to_owned()]);
    });
    let renamed = renamed.expect("a model");
    assert_eq!(renamed.labels(), [Label::new("person")]);
    let mut persons = 0;
    for (document, _) in cases("bert", "words") {
        let mut all = source.find(&document).expect("the model runs").mentions;
        let some = renamed.find(&document).expect("the model runs").mentions;
        all.retain(|m| m.label.as_str() == "PER");
        assert!(all.iter().map(|m| m.span).eq(some.iter().map(|m| m.span)));
        assert!(some.iter().all(|m| m.label.as_str() == "person"));
        persons += some.len();
    }
    assert!(persons > 10, "{persons}");
    for (labels, expected) in [(&["PER"][..], "label of the model 'PER'"), (&["LOC"], "")] {
        let loaded = load(&path, |config| {
            config.map = [("PER".to_owned(), "person".to_owned())].into();
            config.labels = Some(labels.iter().map(|l| (*l).to_owned()).collect());
        });
        assert_eq!(loaded.is_err(), !expected.is_empty());
        assert!(loaded.err().is_none_or(|e| e.to_string().contains(expected)));
    }
}

#[test]
fn why_not_gives_numbers() {
    let model = model("bert", Context::Document);
    let document =
        &Document::from_words("d", "Anna Keller lives in the old town of Bern now .".split(' '));
    let at = |from: &str, to: &str| {
        let start = document.text.find(from).expect("a word");
        Span::new(start, document.text.find(to).expect("a word") + to.len())
    };
    let why = |span: Span, label: Option<&Label>| -> String {
        let refusals = model.why_not(document, span, label).expect("the model runs");
        refusals.into_iter().map(|refusal| refusal.reason).collect()
    };
    let found = model.find(document).expect("the model runs").mentions;
    let mention = found.first().expect("a mention");
    assert_eq!(why(mention.span, Some(&mention.label)), "");
    let other = if mention.label.as_str() == "PER" { "LOC" } else { "PER" };
    let told = why(mention.span, Some(&Label::new(other)));
    assert!(told.starts_with(&format!("{other} has probability 0.")), "{told}");
    assert!(told.contains(&format!("; {} has 0.", mention.label)), "{told}");
    assert!(told.contains("; it proposes '"), "{told}");
    let told = why(at("Anna", "Bern"), None);
    assert_eq!(told, "it has 9 words, and the model judges at most 8");
    assert!(why(at("Keller", "Kell"), None).contains("its words there are 'Keller'"));
    assert_eq!(why(at("Anna", "Anna"), Some(&Label::new("ORG"))), "it knows no ORG, only LOC, PER");
}

#[test]
fn what_does_not_fit_is_told_with_its_file() {
    let cases: &[(&str, &str, Value, &str)] = &[
        (
            "bert",
            "/encoder/model_type",
            json!("distilbert"),
            "unknown encoder of SpanMarker 'distilbert'",
        ),
        ("bert", "/encoder/model_type", json!("lstm"), "unknown model type 'lstm'"),
        ("bert", "/encoder/vocab_size", json!(9), "has shape [704, 16], expected [9, 16]"),
        (
            "bert",
            "/encoder/position_embedding_type",
            json!("relative_key"),
            "position_embedding_type",
        ),
        ("bert", "/entity_max_length", json!(0), "entity_max_length is 0"),
        ("bert", "/id2label/0", json!("X"), "no label 'O' in id2label"),
        ("bert", "/id2label", json!({"0": "O"}), "tensor 'classifier.weight' has shape"),
        ("bert", "/model_max_length", json!(2), "max-length 2 leaves no room"),
        ("bert", "/encoder", json!("bert"), "config.json"),
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
