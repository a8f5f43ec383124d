//! GLiNER against its library: words, logits and entities over 50 texts, gradients, labels in several passes,
//! and what is said of options and folders that do not fit. The folders are made by
//! `tests/parity/gliner_models.py`, which says what is in them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;
use spanloom::resource::Files;
use spanloom::source::model::batch::Batch;
use spanloom::source::model::gliner::{Decoding, Gliner, Network, Settings};
use spanloom::source::model::weights::Weights;
use spanloom::source::model::{DeviceChoice, Dropout, Mode, ModelConfig, PrecisionChoice};
use spanloom::source::{LoadContext, Source};
use spanloom::text::{OffsetTable, OffsetUnit};
use spanloom::{Document, Engine, Label};

const NAMES: [&str; 4] = ["marker-bert", "span-bert", "span-deberta", "token-deberta"];

/// What stands in the logits of the reference where a span ends behind the text.
const BEYOND: f32 = -30.0;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn json(path: &str) -> Value {
    let text = std::fs::read_to_string(data().join(path)).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

fn texts() -> Vec<String> {
    serde_json::from_value(json("architectures/texts.json")).expect("texts")
}

fn context() -> LoadContext {
    LoadContext { files: Files::Folder(data().join("gliner")), device: DeviceChoice::Cpu }
}

fn load(name: &str, configure: impl FnOnce(&mut ModelConfig)) -> spanloom::Result<Gliner> {
    let mut config = ModelConfig::of_folder(name);
    configure(&mut config);
    Gliner::load("gliner".into(), config, &context())
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).expect("strings")
}

/// The model of a folder with the labels of a set of the reference.
fn model(name: &str, set: &Value, configure: impl FnOnce(&mut ModelConfig)) -> Gliner {
    let loaded = load(name, |config| {
        let labels = strings(&set["labels"]);
        if let Some(prompts) = set.get("prompts") {
            config.prompts = labels.iter().cloned().zip(strings(prompts)).collect();
        }
        config.labels = Some(labels);
        config.threshold = set["threshold"].as_f64();
        configure(config);
    });
    loaded.unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn decoding(name: &str) -> Decoding {
    serde_json::from_value(name.into()).expect("a decoding")
}

/// The logits of the reference: of each text those of each word.
fn reference(name: &str, set: &str) -> Vec<Vec<f32>> {
    let path = data().join("gliner").join(name).join("reference.safetensors");
    let tensors: HashMap<String, Tensor> =
        candle_core::safetensors::load(path, &Device::Cpu).expect("the fixture is whole");
    let logits = tensors[&format!("logits.{set}")].to_vec1::<f32>().expect("numbers");
    let lengths = tensors[&format!("lengths.{set}")].to_dtype(DType::U32);
    let lengths = lengths.and_then(|l| l.to_vec1::<u32>()).expect("whole numbers");
    let width = logits.len() / lengths.iter().sum::<u32>() as usize;
    let mut logits = logits.into_iter();
    lengths.iter().map(|l| logits.by_ref().take(*l as usize * width).collect()).collect()
}

/// The logits of the reference in our order: its spans are of word, width, label.
fn in_our_order(name: &str, logits: &[f32], labels: usize, parts: usize) -> Vec<f32> {
    if name.starts_with("token") {
        return logits.to_vec();
    }
    let turned = |row: &[f32]| {
        let at = |label: usize, width: usize| row[width * labels + label];
        (0..labels * parts).map(|i| at(i / parts, i % parts)).collect::<Vec<_>>()
    };
    logits.chunks_exact(labels * parts).flat_map(turned).collect()
}

#[test]
fn logits_equal_the_reference() {
    for name in NAMES {
        let fixture = json(&format!("gliner/{name}/entities.json"));
        let mut worst = 0.0f32;
        let mut compared = 0;
        for set in ["few", "many"] {
            let model = model(name, &fixture[set], |_| {});
            let labels = model.labels().len();
            for (text, expected) in texts().iter().zip(reference(name, set)) {
                let document = Document::new("d", text.as_str());
                let got = model.logits(&document).expect("the model runs").concat();
                if expected.is_empty() {
                    continue;
                }
                assert_eq!(got.len(), expected.len(), "{name}: {text:?}");
                let words: usize =
                    model.units(&document).expect("units").iter().map(|u| u.words.len()).sum();
                let parts = got.len() / words / labels;
                for (expected, got) in in_our_order(name, &expected, labels, parts).iter().zip(&got)
                {
                    if *expected == BEYOND {
                        assert_eq!(*got, f32::NEG_INFINITY, "{name}: {text:?}");
                        continue;
                    }
                    let difference = (expected - got).abs();
                    worst =
                        if difference > worst || difference.is_nan() { difference } else { worst };
                    compared += 1;
                }
            }
        }
        println!("{name}: {compared} logits, largest difference {worst:.1e}");
        assert!(compared > 5_000, "{name}: {compared}");
        assert!(worst < 1e-4, "{name}: {worst}");
    }
}

/// `[start, end, label, score]`, in code points.
type Entities = Vec<(usize, usize, String, f32)>;

/// Finds in all texts at once and compares; how many entities there are.
fn assert_found(
    name: &str,
    model: &Gliner,
    expected: &Value,
    left_out: &Value,
    what: &str,
) -> usize {
    let texts = texts();
    let expected: Vec<Entities> = serde_json::from_value(expected.clone()).expect("entities");
    let left_out: Vec<usize> = serde_json::from_value(left_out.clone()).expect("numbers");
    let documents: Vec<Document> =
        texts[..expected.len()].iter().map(|text| Document::new("d", text.as_str())).collect();
    let found = model.find_batch(&documents.iter().collect::<Vec<_>>());
    let mut compared = 0;
    for (number, ((document, expected), found)) in
        documents.iter().zip(expected).zip(found).enumerate()
    {
        let mentions = found.expect("the model runs").mentions;
        if left_out.contains(&number) {
            continue;
        }
        let table = OffsetTable::new(&document.text, OffsetUnit::Char);
        let at = |byte| table.from_byte(byte);
        let got: Vec<(usize, usize, &str)> =
            mentions.iter().map(|m| (at(m.span.start), at(m.span.end), m.label.as_str())).collect();
        let wanted: Vec<(usize, usize, &str)> =
            expected.iter().map(|(start, end, label, _)| (*start, *end, label.as_str())).collect();
        assert_eq!(got, wanted, "{name}, {what}: {:?}", document.text);
        for (mention, (_, _, _, score)) in mentions.iter().zip(&expected) {
            assert!((mention.score - score).abs() < 2e-5, "{name}, {what}: {mention:?}, {score}");
        }
        compared += got.len();
    }
    compared
}

#[test]
fn entities_equal_the_reference_by_every_decoding() {
    for name in NAMES {
        let fixture = json(&format!("gliner/{name}/entities.json"));
        let left_out = &fixture["left_out"];
        let mut counts = Vec::new();
        for (set, decodings) in [
            ("few", &["flat"][..]),
            ("many", &["flat", "nested", "multi-label", "nested-multi-label"]),
        ] {
            for way in decodings {
                let model =
                    model(name, &fixture[set], |config| config.decoding = Some(decoding(way)));
                let expected = &fixture[set][way];
                counts.push(assert_found(name, &model, expected, left_out, way));
            }
        }
        let set = &fixture["by_label"];
        let by_label = model(name, set, |config| {
            let thresholds: Vec<f64> =
                serde_json::from_value(set["thresholds"].clone()).expect("numbers");
            config.thresholds = strings(&set["labels"]).into_iter().zip(thresholds).collect();
        });
        counts.push(assert_found(name, &by_label, &set["flat"], left_out, "by label"));
        println!("{name}: {counts:?} entities");
        assert!(counts.iter().all(|count| *count > 20), "{name}: {counts:?}");
    }
}

#[test]
fn a_document_gives_the_same_alone_and_among_others() {
    for name in NAMES {
        let fixture = json(&format!("gliner/{name}/entities.json"));
        let model = model(name, &fixture["many"], |config| config.batch_tokens = 100);
        let documents: Vec<Document> =
            texts()[..20].iter().map(|text| Document::new("d", text.as_str())).collect();
        let together = model.find_batch(&documents.iter().collect::<Vec<_>>());
        for (document, together) in documents.iter().zip(together) {
            let alone = model.find(document).expect("the model runs").mentions;
            let together = together.expect("the model runs").mentions;
            let places = |mentions: &[spanloom::Mention]| {
                mentions.iter().map(|m| (m.span, m.label.clone())).collect::<Vec<_>>()
            };
            assert_eq!(places(&alone), places(&together), "{name}: {:?}", document.text);
        }
    }
}

#[test]
fn fixed_point_is_near() {
    for (precision, least) in [(PrecisionChoice::Int16, 0.98), (PrecisionChoice::Int8, 0.9)] {
        let (mut all, mut same, mut differences) = (0, 0, 0);
        for name in ["marker-bert", "span-bert"] {
            let fixture = json(&format!("gliner/{name}/entities.json"));
            let model = |precision| model(name, &fixture["many"], |c| c.precision = precision);
            let (exact, fixed) = (model(PrecisionChoice::F32), model(precision));
            for text in texts() {
                let document = Document::new("d", text.as_str());
                let found =
                    |model: &Gliner| model.find(&document).expect("the model runs").mentions;
                let fixed = found(&fixed);
                for mention in found(&exact) {
                    let is_it = |f: &&spanloom::Mention| {
                        (f.span, &f.label) == (mention.span, &mention.label)
                    };
                    let twin = fixed.iter().find(is_it).map(|twin| f64::from(twin.score));
                    let score = f64::from(mention.score);
                    all += 1;
                    same += usize::from(twin.is_some_and(|twin| (twin - score).abs() < 0.1));
                    differences += usize::from(twin.is_some_and(|twin| twin != score));
                }
            }
        }
        assert!(same as f64 > least * f64::from(all), "{precision:?}: {same} of {all}");
        assert!(differences > 0, "{precision:?}");
    }
}

/// Labels that do not fit beside the text are asked for one after another: each then scores as if it were asked
/// for with those of its pass alone.
#[test]
fn labels_that_do_not_fit_are_asked_for_in_several_passes() {
    let name = "span-bert";
    let labels: Vec<String> = (0..40).map(|number| format!("kind {number}")).collect();
    let of = |labels: &[String], longest| {
        load(name, |config| {
            config.labels = Some(labels.to_vec());
            config.max_length = longest;
            config.threshold = Some(0.0);
            config.decoding = Some(Decoding::NestedMultiLabel);
        })
        .expect("the model loads")
    };
    let text = "Anna Keller lives in Lisbon and works for Northwind.";
    let document = Document::new("d", text);
    let several = of(&labels, Some(90));
    assert!(several.describe().contains("passes"), "{}", several.describe());
    let logits = several.logits(&document).expect("the model runs").concat();
    let width = logits.len() / several.units(&document).expect("units")[0].words.len() / 40;
    let of_label = |logits: &[f32], labels: usize, label: usize| -> Vec<f32> {
        logits.chunks_exact(width).skip(label).step_by(labels).flatten().copied().collect()
    };
    let mut first = 1;
    while first < 40 {
        let together = of(&labels[..first + 1], Some(90));
        if together.describe().contains("passes") {
            break;
        }
        first += 1;
    }
    assert!((2..30).contains(&first), "{first} labels in the first pass");
    let alone = of(&labels[..first], None).logits(&document).expect("the model runs").concat();
    for label in 0..first {
        let (got, expected) = (of_label(&logits, 40, label), of_label(&alone, first, label));
        let near = |(a, b): (&f32, &f32)| a == b || (a - b).abs() < 1e-5;
        assert!(got.iter().zip(&expected).all(near), "label {label}");
    }
    assert!(logits.iter().any(|logit| logit.is_finite()));
    let asked_last = of_label(&logits, 40, 39);
    assert!(asked_last.iter().any(|logit| logit.is_finite()), "the last label was not asked for");
    // Where all fits, all are asked for at once.
    let whole = of(&labels, None);
    assert!(!whole.describe().contains("passes"), "{}", whole.describe());
}

#[test]
fn long_texts_go_through_windows() {
    let text = "Anna Keller lives in Oslo and works for the mayor of Bern ".repeat(150);
    let document = Document::new("d", text.as_str());
    for (name, longest) in
        [("span-deberta", None), ("token-deberta", Some(60)), ("span-bert", Some(60))]
    {
        let model = load(name, |config| {
            config.labels = Some(vec!["person".to_owned(), "city".to_owned()]);
            config.max_length = longest;
            config.overlap = 16;
        });
        let model = model.expect("the model loads");
        let logits = model.logits(&document).expect("the model runs").concat();
        let words = model.units(&document).expect("units")[0].words.len();
        assert_eq!(words, 1800, "{name}");
        let rows = logits.chunks_exact(logits.len() / words);
        assert!(rows.clone().all(|row| row[0].is_finite()), "{name}: a word was not read");
        // Only where the text ends do spans end behind it.
        let whole = rows.take(words - 10).all(|row| row.iter().all(|logit| logit.is_finite()));
        assert!(whole, "{name}: a span was cut");
    }
}

#[test]
fn given_tokens_stay_words() {
    let fixture = json("gliner/span-bert/entities.json");
    let model = model("span-bert", &fixture["many"], |config| config.threshold = Some(0.3));
    let document = Document::from_words("d", ["Anna.Keller", "lives", "in", "Lisbon!"]);
    let tokens = document.token_spans().expect("tokens");
    assert_eq!(model.units(&document).expect("units")[0].words, tokens);
    for mention in model.find(&document).expect("the model runs").mentions {
        assert!(tokens.iter().any(|t| t.start == mention.span.start), "{mention:?}");
        assert!(tokens.iter().any(|t| t.end == mention.span.end), "{mention:?}");
    }
}

#[test]
fn why_not_tells_the_probability_and_what_stood_against_it() {
    for name in ["span-deberta", "token-deberta"] {
        let fixture = json(&format!("gliner/{name}/entities.json"));
        let model = model(name, &fixture["few"], |_| {});
        let text = "Anna Keller lives in Lisbon and works for Northwind.";
        let document = Document::new("d", text);
        let words = &model.units(&document).expect("units")[0].words;
        let found = model.find(&document).expect("the model runs").mentions;
        let ask = |first: usize, last: usize, label: Option<&str>| {
            let span = spanloom::Span::new(words[first].start, words[last].end);
            let label = label.map(Label::new);
            let refusals = model.why_not(&document, span, label.as_ref()).expect("an answer");
            refusals.into_iter().map(|refusal| refusal.reason).collect::<Vec<_>>().join("; ")
        };
        assert!(ask(0, 0, Some("ORG")).starts_with("it is not asked for ORG, only for PER, LOC"));
        for mention in &found {
            let told = model.why_not(&document, mention.span, Some(&mention.label));
            assert!(told.expect("an answer").is_empty(), "{mention:?}");
        }
        let mut told_of_threshold = 0;
        for (word, place) in words.iter().enumerate() {
            if found.iter().any(|m| m.span == *place) {
                continue;
            }
            let told = ask(word, word, None);
            assert!(told.contains("has probability 0."), "{told}");
            told_of_threshold += usize::from(told.contains("not above the threshold 0.5"));
        }
        assert!(told_of_threshold > 0, "{name}");
        let part = spanloom::Span::new(words[0].start, words[0].end - 1);
        let told = model.why_not(&document, part, None).expect("an answer")[0].reason.clone();
        assert_eq!(told, "its words there are 'Anna', and no mention begins or ends inside a word");
        if name == "span-deberta" {
            assert!(ask(0, 5, None).contains("6 words, and the model sees spans of 4"));
        }
    }
}

/// The gradient of the differentiable operations is the slope of inference, for every weight.
#[test]
fn gradients_are_the_slopes_of_inference() {
    let off = Dropout::off();
    for name in NAMES {
        let files = context().files;
        let settings = Settings::read(&files, name).expect("settings");
        let weights = Weights::load(&files, name, &Device::Cpu).expect("weights");
        let weights = weights.into_trainable(|_| true).expect("variables");
        let weights = Network::named(&settings, weights).expect("names");
        let network = Network::load(&settings, &weights).expect("a network");
        let ids = [vec![1, 9, 5, 9, 6, 7, 20, 21, 22, 23, 2], vec![1, 9, 5, 9, 8, 7, 24, 25, 2]];
        let (labels, words) = ([vec![1, 3], vec![1, 3]], [vec![6, 7, 9], vec![6, 7]]);
        let batch = Batch::new(&ids, 0, &Device::Cpu).expect("a batch");
        let parts = network.parts();
        let loss = |mode| {
            let logits = network.logits(&batch, &words, &labels, mode).expect("logits");
            let count = logits.elem_count();
            // Nothing that hangs on padding: the second row has a word less.
            let weight = |i: usize| {
                let (row, word, part) = (i / (6 * parts), i / (2 * parts) % 3, i % parts);
                let width = if name.starts_with("token") { 0 } else { part };
                if word + width < words[row].len() { (i as f32 * 0.7).sin() } else { 0.0 }
            };
            let weights: Vec<f32> = (0..count).map(weight).collect();
            let weights = Tensor::from_vec(weights, logits.shape(), &Device::Cpu);
            (logits * weights.expect("weights")).and_then(|t| t.sum_all()).expect("a sum")
        };
        let variables = weights.variables();
        assert!(variables.len() > 40, "{name}: {}", variables.len());
        for (weight, variable) in variables {
            let gradient = || {
                let gradients = loss(Mode::Training(&off)).backward().expect("a backward pass");
                let gradient = gradients.get(&variable);
                gradient.unwrap_or_else(|| panic!("{name}: none of {weight}")).clone()
            };
            let is_of_encoder = weight.starts_with("bert.") || weight.starts_with("deberta.");
            if is_of_encoder {
                // What it is, `architectures` holds to the slope.
                gradient();
                continue;
            }
            let loss = || {
                let loss = loss(Mode::Inference).to_dtype(DType::F64);
                loss.and_then(|loss| loss.to_scalar::<f64>()).expect("a loss")
            };
            let (mean, measured) = slopes(&variable, gradient, loss);
            let close = (mean - measured).abs() < 0.03 * mean.abs().max(1.0);
            assert!(close, "{name}: {weight}: {mean} is not {measured}");
        }
    }
}

/// How much `loss` changes over a way along which `variable` is moved, by its gradients on the way and by what
/// it is at the ends. ReLU has kinks, so that the gradient in the middle alone would not do.
fn slopes(variable: &Var, gradient: impl Fn() -> Tensor, loss: impl Fn() -> f64) -> (f64, f64) {
    const POINTS: usize = 16;
    const HALF: f64 = 2e-3;
    let before = variable.as_tensor().copy().expect("a copy");
    let direction: Vec<f32> =
        (0..before.elem_count()).map(|i| (i as f32 * 1.3 + 0.5).cos()).collect();
    let direction = Tensor::from_vec(direction, before.shape(), &Device::Cpu).expect("a direction");
    let mut losses = Vec::new();
    let mut mean = 0.0;
    for point in 0..=POINTS {
        let step = HALF * (2.0 * point as f64 / POINTS as f64 - 1.0);
        let moved = (&before + (&direction * step).expect("a step")).expect("a sum");
        variable.set(&moved).expect("another value");
        losses.push(loss());
        let slope = (gradient() * &direction).and_then(|t| t.sum_all());
        let slope = f64::from(slope.and_then(|t| t.to_scalar::<f32>()).expect("a slope"));
        let share = if point % POINTS == 0 { 0.5 } else { 1.0 };
        mean += share * slope / POINTS as f64;
    }
    variable.set(&before).expect("the old value");
    (mean, (losses[POINTS] - losses[0]) / (2.0 * HALF))
}

/// The engine of a model source with these options, from the folder `span-bert`.
fn engine(options: &str) -> Result<Engine, spanloom::Error> {
    let path = data().join("gliner/span-bert");
    let path = path.display();
    Engine::parse(&format!(
        "labels = [\"PER\", \"LOC\", \"person\"]\n\n[[source]]\nkind = \"model\"\nname = \"m\"\npath = '{path}'\n{options}"
    ))
}

#[test]
fn labels_are_chosen_in_the_engine_file() {
    let options = "prompts = { PER = \"person\", LOC = \"city or country\" }\nthreshold = 0.3\nthresholds = { LOC = 0.4 }\ndecoding = \"nested\"\n";
    let engine = engine(options).unwrap_or_else(|e| panic!("{e}"));
    let document = Document::new("d", "Anna Keller lives in Lisbon and works for Northwind.");
    let entities = engine.tag_document(&document).expect("entities").entities;
    assert!(!entities.is_empty());
    assert!(entities.iter().all(|e| ["PER", "LOC"].contains(&e.label.as_str())), "{entities:?}");
}

#[test]
fn options_that_do_not_fit_are_told_at_their_place() {
    let cases = [
        ("", 4, "a GLiNER model needs labels", "`--labels person,city`"),
        ("labels = []", 7, "a GLiNER model needs labels", "labels = "),
        ("labels = [\"PER\", \"PER\"]", 7, "'PER' is asked for twice", "stands once"),
        ("labels = [\"PER\", \"\"]", 7, "label '' is asked for by ''", ""),
        (
            "labels = [\"PER\"]\nprompts = { LOC = \"x\" }",
            8,
            "unknown label in 'prompts' 'LOC'",
            "PER",
        ),
        ("labels = [\"PER\"]\nthreshold = 1.5", 8, "threshold is 1.5, expected 0 to 1", ""),
        (
            "labels = [\"PER\"]\nthresholds = { ORG = 0.5 }",
            8,
            "unknown label in 'thresholds' 'ORG'",
            "PER",
        ),
        (
            "labels = [\"PER\"]\nmap = { PER = \"LOC\" }",
            8,
            "a model of the system gliner has no option 'map'",
            "prompts",
        ),
        ("labels = [\"PER\"]\nwords = \"tokenizer\"", 8, "a GLiNER model labels words", ""),
        (
            "labels = [\"PER\"]\nmax-length = 5",
            7,
            "a label takes more than half of the 5 sub-words",
            "",
        ),
        ("labels = [\"PER\"]\ndecoding = \"greedy\"", 8, "greedy", ""),
        (
            "labels = [\"PER\"]\nprecision = \"f16\"",
            8,
            "is not computed in f16 on this device",
            "for token classifiers on CUDA",
        ),
    ];
    for (options, line, expected, help) in cases {
        let error = engine(options).err().unwrap_or_else(|| panic!("{options} is read"));
        let error = error.related().first().unwrap_or(&error);
        assert!(error.to_string().contains(expected), "{options}: {error}");
        let told = error.help_text().unwrap_or_default();
        assert!(told.contains(help), "{options}: {told}");
        assert_eq!(
            error.location().map(|l| l.line),
            Some(if line == 4 { 6 } else { line }),
            "{options}: {error}"
        );
    }
    let tiny = data().join("tiny-bert");
    let error = Engine::parse(&format!(
        "labels = [\"PER\"]\n[[source]]\nkind = \"model\"\nname = \"m\"\npath = '{}'\nthreshold = 0.5\n",
        tiny.display()
    ));
    let error = error.err().expect("the token classifier has no threshold");
    let error = error.related().first().unwrap_or(&error);
    let told = error.to_string();
    assert!(
        told.contains("a model of the system token-classifier has no option 'threshold'"),
        "{told}"
    );
    assert_eq!(error.location().map(|l| l.line), Some(6), "{told}");
}

/// The folder `name` with another `gliner_config.json`, as `edit` leaves it.
fn edited(name: &str, edit: impl FnOnce(&mut Value)) -> Result<Gliner, spanloom::Error> {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(data().join("gliner").join(name)).expect("the fixture is there")
    {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    let mut config = json(&format!("gliner/{name}/gliner_config.json"));
    edit(&mut config);
    std::fs::write(folder.path().join("gliner_config.json"), config.to_string()).expect("a file");
    let mut config = ModelConfig::of_folder(".");
    config.labels = Some(vec!["person".to_owned()]);
    let files = Files::Folder(folder.path().to_owned());
    Gliner::load("gliner".into(), config, &LoadContext { files, device: DeviceChoice::Cpu })
}

#[test]
fn folders_that_do_not_fit_are_told_with_their_file() {
    let cases = [
        ("class_token_index", serde_json::json!(3), "class_token_index is 3, expected"),
        ("ent_token", serde_json::json!("<<NONE>>"), "ent_token '<<NONE>>' is no sub-word"),
        ("hidden_size", serde_json::json!(6), "has shape"),
        ("num_rnn_layers", serde_json::json!(3), "no tensor 'rnn.lstm.weight_ih_l1'"),
        ("span_mode", serde_json::json!("token_level"), "no tensor 'scorer.proj_token.weight'"),
        ("words_splitter_type", serde_json::json!("jieba"), "words_splitter_type is 'jieba'"),
        ("encoder_config", serde_json::json!({"model_type": "t5"}), "unknown model type 't5'"),
        ("encoder_config", serde_json::json!(null), "leaves the encoder to"),
    ];
    for (key, value, expected) in cases {
        let error = edited("span-deberta", |config| config[key] = value);
        let error = error.err().unwrap_or_else(|| panic!("{key} is read"));
        assert!(error.to_string().contains(expected), "{key}: {error}");
        assert!(error.location().is_some(), "{key}: {error}");
    }
    // An older folder says no id, and its tokenizer may lack what the library then adds.
    let older = edited("span-deberta", |config| {
        config["class_token_index"] = (-1).into();
        config["vocab_size"] = (-1).into();
        config["encoder_config"]["vocab_size"] = 128_100.into();
    });
    assert_eq!(older.expect("the older folder is read").labels(), [Label::new("person")]);
}
