//! Each architecture against `transformers`: sub-words, logits and entities over 50 texts, gradients, and
//! what is said of a configuration that is not supported. The folders are made by
//! `tests/parity/architectures.py`, which says what is in them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::Value;
use spanloom::resource::Files;
use spanloom::source::model::arch::{Encoder, architecture};
use spanloom::source::model::batch::{Batch, plan};
use spanloom::source::model::config::{Context, WordSource};
use spanloom::source::model::head::TokenHead;
use spanloom::source::model::weights::Weights;
use spanloom::source::model::{ARCHITECTURES, DeviceChoice, Dropout, Mode, ModelConfig, Tagger};
use spanloom::source::{LoadContext, Source};
use spanloom::text::{OffsetTable, OffsetUnit};
use spanloom::{Document, Span};

use crate::slope::assert_is_slope;

const FOLDER: &str = "tests/data/architectures";

const NAMES: [&str; 11] = [
    "bert",
    "camembert",
    "deberta-v2-absolute",
    "deberta-v2-convolution",
    "deberta-v3",
    "distilbert",
    "electra",
    "modernbert",
    "modernbert-biases",
    "roberta",
    "xlm-roberta",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn context() -> LoadContext {
    LoadContext { files: Files::Folder(root().to_owned()), device: DeviceChoice::Cpu }
}

/// The model of a folder, with room for the longest text.
fn tagger(name: &str, configure: impl FnOnce(&mut ModelConfig)) -> Tagger {
    let mut config = ModelConfig::of_folder(&format!("{FOLDER}/{name}"));
    config.max_length = Some(2000);
    configure(&mut config);
    Tagger::load("tagger".into(), config, &context()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn json(path: &str) -> Value {
    let text =
        std::fs::read_to_string(root().join(FOLDER).join(path)).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

fn texts() -> Vec<String> {
    serde_json::from_value(json("texts.json")).expect("texts")
}

/// What the reference made of a row: its sub-words and their logits.
struct Row {
    ids: Vec<u32>,
    logits: Vec<Vec<f32>>,
}

/// The rows of a folder: the texts, then the words of the texts.
fn reference(name: &str) -> Vec<Row> {
    let path = root().join(FOLDER).join(name).join("reference.safetensors");
    let tensors: HashMap<String, Tensor> =
        candle_core::safetensors::load(path, &Device::Cpu).expect("the fixture is whole");
    let numbers = |name: &str| tensors[name].to_vec1::<u32>().expect("whole numbers");
    let (ids, mut logits) = (numbers("ids"), tensors["logits"].to_vec2::<f32>().expect("logits"));
    let mut at = 0;
    let mut rows = Vec::new();
    for length in numbers("lengths") {
        let end = at + length as usize;
        rows.push(Row {
            ids: ids[at..end].to_vec(),
            logits: logits.drain(..length as usize).collect(),
        });
        at = end;
    }
    rows
}

/// The largest difference between the logits of a batch of rows and the reference.
fn difference(tagger: &Tagger, rows: &[&Row], pad: u32, mode: Mode<'_>) -> f32 {
    let ids: Vec<Vec<u32>> = rows.iter().map(|row| row.ids.clone()).collect();
    let batch = Batch::new(&ids, pad, tagger.device()).expect("a batch");
    let logits = tagger.logits(&batch, mode).expect("logits");
    let logits = logits.to_vec3::<f32>().expect("3 dimensions");
    let mut worst = 0.0f32;
    for (row, got) in rows.iter().zip(&logits) {
        for (expected, got) in row.logits.iter().flatten().zip(got.iter().flatten()) {
            let difference = (expected - got).abs();
            // `max` would pass over what is no number.
            worst = if difference > worst || difference.is_nan() { difference } else { worst };
        }
    }
    worst
}

#[test]
fn logits_equal_the_reference_alone_and_padded_in_both_modes() {
    let off = Dropout::off();
    let mut table = String::new();
    for name in NAMES {
        let tagger = tagger(name, |_| {});
        let rows = reference(name);
        assert_eq!(rows.len(), 100, "{name}");
        let lengths: Vec<usize> = rows.iter().map(|row| row.ids.len()).collect();
        let (order, batches) = plan(&lengths, 600);
        let pad = tagger.sub_words().pad;
        let mut worst = [0.0f32; 3];
        for batch in batches {
            let group: Vec<&Row> = order[batch].iter().map(|i| &rows[*i]).collect();
            let mut compare = |number: usize, rows: &[&Row], pad, mode| {
                worst[number] = worst[number].max(difference(&tagger, rows, pad, mode));
            };
            compare(0, &group, pad, Mode::Inference);
            compare(1, &group, pad, Mode::Training(&off));
            // The mask follows lengths: what padding is made of does not matter.
            compare(0, &group, 7, Mode::Inference);
            if let [first, _, ..] = group[..] {
                compare(2, &[first], pad, Mode::Inference);
            }
        }
        let [padded, training, alone] = worst;
        table +=
            &format!("{name:24} padded {padded:.1e}, training {training:.1e}, alone {alone:.1e}\n");
        assert!(worst.iter().all(|w| *w < 1e-4), "{table}");
    }
    println!("{table}");
}

#[test]
fn sub_words_equal_the_reference() {
    for name in NAMES {
        let tagger = tagger(name, |_| {});
        let sub_words = tagger.sub_words();
        let texts = texts();
        for (text, row) in texts.iter().zip(reference(name)) {
            let unit = sub_words.of_text(text, Span::new(0, text.len())).expect("sub-words");
            let mut ids = sub_words.before.clone();
            (0..unit.words.len()).for_each(|word| ids.extend(unit.pieces(word)));
            ids.extend(&sub_words.after);
            assert_eq!(ids, row.ids, "{name}: {text:?}");
            for word in &unit.words {
                let slice = word.slice(text).expect("on char boundaries");
                assert_eq!(slice.trim(), slice, "{name}: {text:?}");
                assert!(!slice.is_empty(), "{name}: {text:?}");
            }
            let ordered = unit.words.windows(2).all(|pair| pair[0].end <= pair[1].start);
            assert!(ordered, "{name}: {text:?}");
        }
    }
}

/// `[start, end, label]`.
type Entities = Vec<(usize, usize, String)>;

fn entities(value: &Value) -> Entities {
    serde_json::from_value(value.clone()).expect("entities")
}

#[test]
fn entities_over_words_equal_the_reference() {
    for name in NAMES {
        let tagger = tagger(name, |_| {});
        let fixture = json(&format!("{name}/entities.json"));
        let cases = fixture.as_array().expect("cases");
        let documents: Vec<Document> = cases
            .iter()
            .map(|case| {
                let words = case["words"].as_array().expect("words").iter();
                Document::from_words("d", words.map(|word| word.as_str().expect("a word")))
            })
            .collect();
        let mut compared = 0;
        let found = tagger.find_batch(&documents.iter().collect::<Vec<_>>());
        for ((case, document), found) in cases.iter().zip(&documents).zip(found) {
            let tokens = document.token_spans().expect("given words");
            let mut mentions = found.expect("the model runs").mentions;
            mentions.sort_by_key(|m| m.span);
            let word = |at: &dyn Fn(&Span) -> bool| tokens.iter().position(at).expect("a word");
            let got: Entities = mentions
                .iter()
                .map(|m| {
                    let first = word(&|t| t.start == m.span.start);
                    let last = word(&|t| t.end == m.span.end);
                    (first, last + 1, m.label.to_string())
                })
                .collect();
            assert_eq!(got, entities(&case["found_in_words"]), "{name}: {:?}", document.text);
            compared += got.len();
        }
        assert!(compared > 200, "{name}: only {compared} entities");
    }
}

#[test]
fn entities_in_text_equal_the_reference_pipeline() {
    let texts = texts();
    let mut compared = HashMap::new();
    for name in NAMES {
        let tagger = tagger(name, |config| {
            config.words = Some(WordSource::Tokenizer);
            config.context = Some(Context::Document);
        });
        let fixture = json(&format!("{name}/entities.json"));
        for (case, text) in fixture.as_array().expect("cases").iter().zip(&texts) {
            if case["found_in_text"].is_null() {
                continue;
            }
            let table = OffsetTable::new(text, OffsetUnit::Char);
            let document = Document::new("d", text.as_str());
            let mut mentions = tagger.find(&document).expect("the model runs").mentions;
            mentions.sort_by_key(|m| m.span);
            let got: Entities = mentions
                .iter()
                .map(|m| {
                    let (start, end) = (table.from_byte(m.span.start), table.from_byte(m.span.end));
                    (start, end, m.label.to_string())
                })
                .collect();
            assert_eq!(got, entities(&case["found_in_text"]), "{name}: {text:?}");
            *compared.entry(name).or_insert(0) += 1;
        }
    }
    // The other schemes are none that the pipeline reads.
    assert_eq!(compared.len(), 8, "{compared:?}");
    assert!(compared.values().all(|count| *count >= 8), "{compared:?}");
}

/// A model whose weights are variables.
struct Trainable {
    weights: Weights,
    encoder: Box<dyn Encoder>,
    head: TokenHead,
}

impl Trainable {
    fn load(name: &str) -> Self {
        let files = Files::Folder(root().join(FOLDER).join(name));
        let config = files.read_text("config.json").expect("a configuration");
        let value: Value = serde_json::from_str(&config).expect("JSON");
        let kind = value["model_type"].as_str().expect("a model type");
        let tags = value["id2label"].as_object().expect("tags").len();
        let weights = Weights::load(&files, ".", &Device::Cpu).expect("weights");
        let weights = weights.into_trainable(|_| true).expect("variables");
        let architecture = architecture(kind, "config.json").expect("an architecture");
        let encoder = (architecture.load)(&config, &weights).expect("an encoder");
        let head = TokenHead::load(&weights, encoder.as_ref(), tags).expect("a head");
        Self { weights, encoder, head }
    }

    /// A sum of the logits where `batch` is no padding, each with a weight of its own.
    fn loss(&self, batch: &Batch, lengths: &[usize], mode: Mode<'_>) -> Tensor {
        let hidden = self.encoder.encode(batch, mode).expect("hidden states");
        let logits = self.head.logits(&hidden, mode).expect("logits");
        let (rows, length, tags) = logits.dims3().expect("3 dimensions");
        let weight = |i: usize| {
            let (row, position) = (i / tags / length, i / tags % length);
            if position < lengths[row] { (i as f32 * 0.7).sin() } else { 0.0 }
        };
        let weights: Vec<f32> = (0..rows * length * tags).map(weight).collect();
        let weights = Tensor::from_vec(weights, logits.shape(), &Device::Cpu).expect("weights");
        (logits * weights).expect("a product").sum_all().expect("a sum")
    }
}

/// The gradient of the differentiable operations is the slope of the fused ones, for every weight.
#[test]
fn gradients_are_the_slopes_of_inference() {
    let off = Dropout::off();
    for name in NAMES {
        let model = Trainable::load(name);
        let rows = reference(name);
        let ids = [rows[0].ids.clone(), rows[1].ids.clone()];
        let lengths = [ids[0].len(), ids[1].len()];
        let batch = Batch::new(&ids, 0, &Device::Cpu).expect("a batch");
        let loss = model.loss(&batch, &lengths, Mode::Training(&off));
        let gradients = loss.backward().expect("a backward pass");
        let variables = model.weights.variables();
        assert!(variables.len() >= 30, "{name}: {} variables", variables.len());
        for (weight, variable) in &variables {
            let gradient =
                gradients.get(variable).unwrap_or_else(|| panic!("{name}: none of {weight}"));
            let loss = || {
                let loss = model.loss(&batch, &lengths, Mode::Inference);
                f64::from(loss.to_scalar::<f32>().expect("a loss"))
            };
            assert_is_slope(&format!("{name}: {weight}"), gradient, variable, loss);
        }
    }
}

/// What a model reads at once: by default what it was made for; what has no limit of its own reads more
/// where it is told to.
#[test]
fn limits_are_those_of_the_architecture() {
    let cases = [
        ("bert", None, 1098),
        ("bert", Some(5000), 1098),
        ("bert", Some(100), 98),
        ("roberta", Some(5000), 1098),
        ("xlm-roberta", None, 1098),
        ("deberta-v3", None, 62),
        ("deberta-v3", Some(5000), 4998),
        ("deberta-v2-absolute", Some(5000), 1098),
        ("modernbert", None, 1098),
        ("modernbert", Some(5000), 4998),
    ];
    for (name, longest, expected) in cases {
        let told = tagger(name, |config| config.max_length = longest).describe();
        let sequences = format!("sequences of {expected} sub-words");
        assert!(told.contains(&sequences), "{name}, {longest:?}: {told}");
    }
}

#[test]
fn what_is_longer_than_the_limit_is_read_in_windows() {
    let text = "Anna Keller lives in Oslo and works for the mayor of Bern ".repeat(100);
    for name in NAMES {
        let tagger = tagger(name, |config| {
            config.max_length = Some(40);
            config.overlap = 8;
            config.context = Some(Context::Document);
        });
        let found = tagger.find(&Document::new("d", text.trim_end())).expect("the model runs");
        let evidence = found.evidence.expect("evidence");
        assert_eq!(evidence.words().len(), 1200, "{name}");
        let mut rows = evidence.parts().chunks_exact(2 * evidence.labels().len());
        assert!(
            rows.all(|row| row.windows(2).any(|p| p[0] != p[1])),
            "{name}: a word was not read"
        );
    }
}

#[test]
fn every_architecture_has_a_folder() {
    let kinds: Vec<Value> =
        NAMES.iter().map(|n| json(&format!("{n}/config.json"))["model_type"].clone()).collect();
    for architecture in ARCHITECTURES {
        assert!(kinds.contains(&architecture.name.into()), "{}", architecture.name);
    }
}

/// The model of the folder `name` with another `config.json`, as `edit` leaves it.
fn edited(name: &str, edit: impl FnOnce(&mut Value)) -> Result<Tagger, spanloom::Error> {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(root().join(FOLDER).join(name)).expect("the fixture is there") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    let mut config = json(&format!("{name}/config.json"));
    edit(&mut config);
    std::fs::write(folder.path().join("config.json"), config.to_string()).expect("a file");
    let config = ModelConfig::of_folder(&folder.path().to_string_lossy());
    Tagger::load("tagger".into(), config, &context())
}

/// Version 5 of `transformers` says the same of rotary positions by other keys.
#[test]
fn modernbert_is_read_as_later_versions_write_it() {
    let tagger = edited("modernbert", |config| {
        let keys = config.as_object_mut().expect("an object");
        for key in ["global_rope_theta", "local_rope_theta", "global_attn_every_n_layers"] {
            keys.remove(key).expect("a key of the reference");
        }
        let [full, sliding] = ["full_attention", "sliding_attention"];
        keys.insert("layer_types".to_owned(), [full, sliding, sliding, full].as_slice().into());
        let thetas = serde_json::json!({
            full: { "rope_type": "default", "rope_theta": 160_000.0 },
            sliding: { "rope_type": "default", "rope_theta": 1000.0 },
        });
        keys.insert("rope_parameters".to_owned(), thetas);
    });
    let tagger = tagger.expect("the model loads");
    let rows = reference("modernbert");
    for row in &rows[..40] {
        assert!(difference(&tagger, &[row], 0, Mode::Inference) < 1e-4);
    }
}

#[test]
fn what_is_not_supported_is_told_with_key_value_and_what_is() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("bert", "hidden_act", r#""elu""#, r#"hidden_act is "elu", expected one of gelu"#),
        ("bert", "hidden_act", "3", "hidden_act is 3, expected one of"),
        (
            "bert",
            "position_embedding_type",
            r#""relative_key""#,
            r#"position_embedding_type is "relative_key", expected "absolute""#,
        ),
        ("bert", "is_decoder", "true", "is_decoder is true, expected false"),
        ("bert", "pruned_heads", r#"{"0": [1]}"#, r#"pruned_heads is {"0":[1]}, expected {}"#),
        ("bert", "num_attention_heads", "3", "hidden_size is 16, expected a multiple of num_att"),
        ("bert", "num_attention_heads", "0", "num_attention_heads is 0, expected a whole number"),
        ("bert", "hidden_size", "-16", "hidden_size is -16, expected a whole number"),
        ("bert", "hidden_size", "1e30", "hidden_size is 1e+30, expected a whole number"),
        ("bert", "layer_norm_eps", r#""x""#, r#"layer_norm_eps is "x", expected a number above 0"#),
        ("bert", "hidden_dropout_prob", "1.5", "hidden_dropout_prob is 1.5, expected 0 to 1"),
        ("bert", "num_hidden_layers", "1000000", "no tensor 'bert.encoder.layer.2."),
        ("roberta", "pad_token_id", "2000", "leaves no room"),
        ("electra", "embedding_size", "13", "has shape"),
        ("distilbert", "activation", r#""prelu""#, r#"activation is "prelu", expected one of"#),
        ("distilbert", "n_heads", "5", "dim is 16, expected a multiple of n_heads, 5"),
        ("deberta-v3", "pos_att_type", r#""p2p""#, r#"pos_att_type is "p2p", expected a list of"#),
        ("deberta-v3", "pos_att_type", "[1]", "pos_att_type is [1], expected a list of names"),
        ("deberta-v3", "position_buckets", "3", "position_buckets is 3, expected at least 4"),
        (
            "deberta-v3",
            "max_relative_positions",
            "5",
            "position_buckets is 16, expected at least 4",
        ),
        ("deberta-v3", "attention_head_size", "8", "attention_head_size is 8, expected 4"),
        ("deberta-v3", "relative_attention", r#""yes""#, "expected true or false"),
        (
            "deberta-v2-convolution",
            "conv_kernel_size",
            "4",
            "conv_kernel_size is 4, expected an odd",
        ),
        ("deberta-v2-convolution", "conv_groups", "5", "conv_groups is 5, expected a divisor of"),
        ("deberta-v2-convolution", "conv_act", r#""cos""#, r#"conv_act is "cos", expected one of"#),
        (
            "modernbert",
            "rope_scaling",
            r#"{"type": "yarn"}"#,
            "rope_scaling is {\"type\":\"yarn\"}",
        ),
        (
            "modernbert",
            "num_attention_heads",
            "16",
            "num_attention_heads is 16, expected such that",
        ),
        ("modernbert", "global_attn_every_n_layers", "0", "global_attn_every_n_layers is 0"),
        ("modernbert", "classifier_activation", r#""elu""#, "classifier_activation is \"elu\""),
        ("modernbert", "norm_bias", "true", "no tensor 'model.embeddings.norm.bias'"),
        ("xlm-roberta", "model_type", r#""bart""#, "unknown model type 'bart'"),
        (
            "xlm-roberta",
            "id2label",
            r#"{"0": "LABEL_0", "1": "LABEL_1"}"#,
            "no tag 'O' in id2label, only LABEL_0, LABEL_1",
        ),
    ];
    for (name, key, value, expected) in cases {
        let value = serde_json::from_str(value).expect("JSON");
        let error = edited(name, |config| config[*key] = value).err();
        let error = error.unwrap_or_else(|| panic!("{name} loads with another {key}"));
        assert!(error.to_string().contains(expected), "{name}: {key}: {error}");
        assert!(error.location().is_some(), "{name}: {key}: {error}");
    }
}
