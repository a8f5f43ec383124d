//! The model against the reference implementation, and against itself in other batches.

use std::path::Path;
use std::sync::Arc;

use candle_core::Tensor;
use serde_json::Value;
use spanloom::resource::Files;
use spanloom::source::model::batch::Batch;
use spanloom::source::model::config::{Context, PrecisionChoice, WordSource};
use spanloom::source::model::{DeviceChoice, Dropout, Mode, ModelConfig, Tagger};
use spanloom::source::{LoadContext, Source};
use spanloom::text::{OffsetTable, OffsetUnit};
use spanloom::{Document, Engine};

use crate::corpus;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn context() -> LoadContext {
    LoadContext { files: Files::Folder(root().to_owned()), device: DeviceChoice::Cpu }
}

fn tagger(configure: impl FnOnce(&mut ModelConfig), folder: &str) -> Tagger {
    let mut config = ModelConfig::of_folder(folder);
    configure(&mut config);
    Tagger::load("tagger".into(), config, &context()).expect("the model loads")
}

/// The model as the reference pipeline runs it: the tokenizer's words, the whole text at once.
fn pipeline_tagger() -> Tagger {
    pipeline_tagger_in(PrecisionChoice::F32)
}

fn pipeline_tagger_in(precision: PrecisionChoice) -> Tagger {
    tagger(
        |config| {
            config.precision = precision;
            config.words = Some(WordSource::Tokenizer);
            config.context = Some(Context::Document);
        },
        "models/en",
    )
}

fn json(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

fn rows(value: &Value) -> Vec<Vec<u32>> {
    serde_json::from_value(value.clone()).expect("rows of ids")
}

fn case_batch(case: &Value, tagger: &Tagger) -> Batch {
    let ids = rows(&case["input_ids"]);
    let kept: Vec<usize> = rows(&case["attention_mask"])
        .iter()
        .map(|mask| mask.iter().map(|m| *m as usize).sum())
        .collect();
    let sequences: Vec<Vec<u32>> =
        ids.iter().zip(&kept).map(|(row, kept)| row[..*kept].to_vec()).collect();
    let mut batch = Batch::new(&sequences, 0, tagger.device()).expect("a batch");
    let types = rows(&case["token_type_ids"]);
    if types.iter().flatten().any(|t| *t != 0) {
        let shape = (types.len(), types[0].len());
        let flat: Vec<u32> = types.into_iter().flatten().collect();
        batch.types = Some(Tensor::from_vec(flat, shape, tagger.device()).expect("types"));
    }
    batch
}

#[test]
fn logits_equal_the_reference_in_both_modes() {
    let tagger = tagger(|_| {}, "tests/data/tiny-bert");
    let fixture = json("tests/data/tiny-bert/logits.json");
    let mut compared = 0;
    let mut worst = [0.0f32; 2];
    for case in fixture["cases"].as_array().expect("cases") {
        let modes = [Mode::Inference, Mode::Training(&Dropout::off())];
        for (mode, worst) in modes.into_iter().zip(&mut worst) {
            let logits = tagger.logits(&case_batch(case, &tagger), mode).expect("logits");
            let logits = logits.to_vec3::<f32>().expect("three dimensions");
            let expected: Vec<Vec<Vec<f32>>> =
                serde_json::from_value(case["logits"].clone()).expect("logits");
            for (row, expected) in logits.iter().zip(&expected) {
                for (position, expected) in row.iter().zip(expected) {
                    for (got, expected) in position.iter().zip(expected) {
                        let difference = (got - expected).abs();
                        *worst = worst.max(difference);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 5000, "only {compared} logits were compared");
    assert!(worst.iter().all(|w| *w < 1e-4), "inference and training are off by {worst:?}");
}

#[test]
fn dropout_draws_from_its_seed_alone() {
    let tagger = tagger(|_| {}, "tests/data/tiny-bert");
    let fixture = json("tests/data/tiny-bert/logits.json");
    let batch = case_batch(&fixture["cases"][0], &tagger);
    let logits = |seed, position| {
        let dropout = Dropout::new(seed, position);
        let logits = tagger.logits(&batch, Mode::Training(&dropout)).expect("logits");
        (logits.to_vec3::<f32>().expect("three dimensions"), dropout.position())
    };
    let (first, position) = logits(5, 0);
    assert_eq!(logits(5, 0), (first.clone(), position));
    assert!(position > 0);
    assert_ne!(logits(6, 0).0, first);
    assert_ne!(logits(5, position).0, first);
}

#[test]
fn sub_words_equal_the_reference() {
    let tagger = tagger(|_| {}, "tests/data/tiny-bert");
    let sub_words = tagger.sub_words();
    for case in json("tests/data/tiny-bert/texts.json")["texts"].as_array().expect("texts") {
        let text = case["text"].as_str().expect("a text");
        let unit = sub_words.of_text(text, spanloom::Span::new(0, text.len())).expect("sub-words");
        let mut ids = sub_words.before.clone();
        for word in 0..unit.words.len() {
            ids.extend(unit.pieces(word));
        }
        ids.extend(&sub_words.after);
        let expected: Vec<u32> = serde_json::from_value(case["ids"].clone()).expect("ids");
        assert_eq!(ids, expected, "{}", case["name"]);
    }
}

/// `[start, end, label]` in code points.
fn found(tagger: &Tagger, text: &str) -> Vec<(usize, usize, String)> {
    let document = Document::new("d", text);
    let table = OffsetTable::new(text, OffsetUnit::Char);
    let mut mentions = tagger.find(&document).expect("the model runs").mentions;
    mentions.sort_by_key(|m| m.span);
    mentions
        .into_iter()
        .map(|m| (table.from_byte(m.span.start), table.from_byte(m.span.end), m.label.to_string()))
        .collect()
}

fn expected(case: &Value) -> Vec<(usize, usize, String)> {
    let entities: Vec<(usize, usize, String, f64)> =
        serde_json::from_value(case["entities"].clone()).expect("entities");
    entities.into_iter().map(|(start, end, label, _)| (start, end, label)).collect()
}

#[test]
fn entities_equal_the_reference_pipeline_on_odd_texts() {
    let tagger = pipeline_tagger();
    let fixture = json("tests/data/parity/en_pipeline_texts.json");
    for case in fixture["texts"].as_array().expect("texts") {
        let text = case["text"].as_str().expect("a text");
        // The reference cuts what is longer than the model's limit; nothing is cut here.
        if text.split_whitespace().count() > 300 {
            assert!(found(&tagger, text).len() >= expected(case).len());
            continue;
        }
        assert_eq!(found(&tagger, text), expected(case), "{text:?}");
    }
}

#[test]
fn entities_equal_the_reference_pipeline_on_real_sentences() {
    for precision in [PrecisionChoice::F32, PrecisionChoice::Int16] {
        let tagger = pipeline_tagger_in(precision);
        let fixture = json("tests/data/parity/en_pipeline.json");
        let mut compared = 0;
        for_each_sentence(&fixture, |case, document| {
            let text = corpus::raw_text(document);
            assert_eq!(corpus::fingerprint(text), case["sha256"], "not the fixture's text");
            assert_eq!(found(&tagger, text), expected(case), "{precision:?}: {text:?}");
            compared += 1;
        });
        assert!(compared == 0 || compared == 200, "{compared}");
    }
}

#[test]
fn fixed_point_is_near_and_for_some_architectures() {
    let text = "Ada Lovelace met Charles Babbage of the Royal Society in London.";
    let scores = |precision: PrecisionChoice| -> Vec<f64> {
        let tagger = tagger(|config| config.precision = precision, "models/en");
        let found = tagger.find(&Document::new("one", text)).expect("the model runs");
        found.mentions.iter().map(|mention| mention.score.into()).collect()
    };
    let all = [
        PrecisionChoice::F32,
        PrecisionChoice::Int16,
        PrecisionChoice::Int8,
        PrecisionChoice::Auto,
    ];
    let [exact, twelve_bits, eight_bits, auto] = all.map(scores);
    assert!(exact.len() >= 3, "{exact:?}");
    for (fixed, bound) in [(&twelve_bits, 0.02), (&eight_bits, 0.1)] {
        assert!(exact != *fixed && exact.len() == fixed.len(), "{exact:?} {fixed:?}");
        let is_near = exact.iter().zip(fixed).all(|(a, b)| (a - b).abs() < bound);
        assert!(is_near, "{exact:?} {fixed:?}");
    }
    assert!(auto == exact || auto == twelve_bits);
    let mut config = ModelConfig::of_folder("tests/data/architectures/deberta-v2-convolution");
    config.precision = PrecisionChoice::Int8;
    let error = Tagger::load("tagger".into(), config, &context()).err().expect("no such passes");
    let expected = "the architecture 'deberta-v2' is not computed in int8 on this device";
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn bfloat16_is_near_where_the_processor_has_it() {
    let document =
        Document::new("one", "Ada Lovelace met Charles Babbage of the Royal Society in London.");
    let load = |precision: PrecisionChoice, folder: &str| {
        let config = ModelConfig { precision, ..ModelConfig::of_folder(folder) };
        Tagger::load("tagger".into(), config, &context())
    };
    let exact = load(PrecisionChoice::F32, "models/en").expect("the model loads");
    let exact = exact.find(&document).expect("the model runs").mentions;
    match load(PrecisionChoice::Bf16, "models/en") {
        Ok(tagger) => {
            let found = tagger.find(&document).expect("the model runs").mentions;
            assert!(exact.len() >= 3 && exact.len() == found.len(), "{exact:?} {found:?}");
            assert_ne!(exact, found);
            for (exact, found) in exact.iter().zip(&found) {
                assert_eq!((exact.span, &exact.label), (found.span, &found.label));
                assert!((exact.score - found.score).abs() < 0.05, "{exact:?} {found:?}");
            }
        }
        Err(error) => assert!(
            error.help_text().expect("help").contains("this processor has no instructions for it"),
            "{error}"
        ),
    }
    let deberta = load(PrecisionChoice::Bf16, "tests/data/architectures/deberta-v2-convolution");
    let error = deberta.err().expect("no such passes");
    assert!(error.to_string().contains("is not computed in bf16 on this device"), "{error}");
}

#[test]
fn half_precision_is_for_cuda() {
    let mut config = ModelConfig::of_folder("models/en");
    config.precision = PrecisionChoice::F16;
    let error = Tagger::load("tagger".into(), config, &context()).err().expect("no GPU here");
    assert!(
        error.to_string().contains("the architecture 'bert' is not computed in f16"),
        "{error}"
    );
    let help = error.help_text().expect("help");
    assert!(help.contains("for token classifiers on CUDA"), "{help}");
}

#[test]
fn entities_over_given_tokens_equal_the_reference() {
    let tagger = tagger(|_| {}, "models/en");
    let fixture = json("tests/data/parity/en_tokens.json");
    for_each_sentence(&fixture, |case, document| {
        assert_eq!(corpus::fingerprint(&document.text), case["sha256"]);
        let tokens = document.token_spans().expect("given tokens");
        let mut mentions = tagger.find(document).expect("the model runs").mentions;
        mentions.sort_by_key(|m| m.span);
        let expected: Vec<(usize, usize, String, f32)> =
            serde_json::from_value(case["entities"].clone()).expect("entities");
        let got: Vec<(usize, usize, String)> = mentions
            .iter()
            .map(|m| {
                let first = tokens.iter().position(|t| t.start == m.span.start);
                let last = tokens.iter().position(|t| t.end == m.span.end);
                (first.expect("a token"), last.expect("a token") + 1, m.label.to_string())
            })
            .collect();
        let spans: Vec<_> = expected.iter().map(|(a, b, l, _)| (*a, *b, l.clone())).collect();
        assert_eq!(got, spans, "{}", document.text);
        for (mention, (.., score)) in mentions.iter().zip(&expected) {
            assert!((mention.score - score).abs() < 1e-3, "{} is not {score}", mention.score);
        }
    });
}

/// Calls `each` for every sentence of a fixture with the corpus sentence it is about; skips where
/// the corpora are absent.
fn for_each_sentence(fixture: &Value, mut each: impl FnMut(&Value, &Document)) {
    let mut open: Option<(String, Vec<Document>)> = None;
    for case in fixture["sentences"].as_array().expect("sentences") {
        let file = case["file"].as_str().expect("a file");
        if open.as_ref().is_none_or(|(name, _)| name != file) {
            let Some(sentences) = corpus::sentences(file) else { return };
            open = Some((file.to_owned(), sentences));
        }
        let index = case["index"].as_u64().expect("an index") as usize;
        let (_, sentences) = open.as_ref().expect("just opened");
        each(case, &sentences[index]);
    }
}

#[test]
fn a_batch_gives_what_single_documents_give() {
    let tagger = tagger(|_| {}, "models/en");
    let texts = [
        "Angela Merkel met Emmanuel Macron in Paris.",
        "",
        "nothing here",
        "The United Nations and Microsoft opened an office in Nairobi. Then Ann Lee left for Rome, \
         where she met the Italian prime minister and two people from the World Bank.",
        "東京",
        "Go to https://example.org/x now, @bob of #NYC!",
    ];
    let documents: Vec<Document> = texts.iter().map(|t| Document::new("d", *t)).collect();
    let forward: Vec<&Document> = documents.iter().collect();
    let backward: Vec<&Document> = documents.iter().rev().collect();
    let batch = tagger.find_batch(&forward);
    let mut reversed = tagger.find_batch(&backward);
    reversed.reverse();
    for ((document, together), other_way) in documents.iter().zip(batch).zip(reversed) {
        let alone = tagger.find(document).expect("alone");
        for found in [together.expect("together"), other_way.expect("reversed")] {
            assert_eq!(alone.mentions.len(), found.mentions.len(), "{}", document.text);
            for (a, b) in alone.mentions.iter().zip(&found.mentions) {
                assert_eq!((a.span, &a.label), (b.span, &b.label));
                assert_eq!(a.score.to_bits(), b.score.to_bits(), "to the last bit");
            }
            let (a, b) = (alone.evidence.as_ref().unwrap(), found.evidence.as_ref().unwrap());
            assert_eq!(a.words(), b.words());
            assert_eq!(a.parts(), b.parts());
        }
    }
}

#[test]
fn every_word_of_a_very_long_document_is_seen() {
    // The tiny model has room for 62 sub-words: thousands of windows.
    let tagger = tagger(|config| config.context = Some(Context::Document), "tests/data/tiny-bert");
    let words = 100_000;
    let text = "john smith works at acme in new york ".repeat(words / 8);
    let document = Document::new("long", text.trim_end());
    let found = tagger.find(&document).expect("the model runs");
    let evidence = found.evidence.expect("evidence");
    assert_eq!(evidence.words().len(), words);
    let covered: usize = evidence.words().iter().map(|w| w.len()).sum();
    let letters = document.text.chars().filter(|c| !c.is_whitespace()).count();
    assert_eq!(covered, letters);
    let mut rows = evidence.parts().chunks_exact(2 * evidence.labels().len());
    let answered = rows.all(|row| row.windows(2).any(|p| p[0] != p[1]));
    assert!(answered, "a word has no distribution of its own");
}

#[test]
fn windows_agree_with_the_whole_where_both_fit() {
    let text = "Angela Merkel met Emmanuel Macron in Paris before she flew to the United Nations in \
                New York, where Kofi Annan of Ghana had once worked for the World Health Organization";
    let whole = tagger(|c| c.context = Some(Context::Document), "models/en");
    let windowed = tagger(
        |c| {
            c.context = Some(Context::Document);
            c.max_length = Some(24);
            c.overlap = 11;
        },
        "models/en",
    );
    assert_eq!(found(&whole, text), found(&windowed, text));
}

#[test]
fn labels_can_be_renamed_and_left_out() {
    let engine = Engine::parse(&format!(
        "labels = [\"PERSON\", \"PLACE\"]\n[[source]]\nkind = \"model\"\nname = \"t\"\n\
         path = {:?}\nlabels = [\"PERSON\", \"PLACE\"]\n\
         map = {{ PER = \"PERSON\", LOC = \"PLACE\" }}\n",
        root().join("models/en")
    ))
    .expect("the engine builds");
    let text = "Angela Merkel left Microsoft for Paris.";
    let found: Vec<(String, String)> = engine
        .tag(text)
        .expect("it runs")
        .iter()
        .map(|e| (e.text(text).to_owned(), e.label.to_string()))
        .collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(found, [pair("Angela Merkel", "PERSON"), pair("Paris", "PLACE")]);
}

/// A copy of the tiny model with one file changed; gives the error of loading it.
fn broken(change: impl FnOnce(&Path)) -> spanloom::Error {
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let from = root().join("tests/data/tiny-bert").join(file);
        std::fs::copy(from, folder.path().join(file)).expect("a copy");
    }
    change(folder.path());
    let name: Arc<str> = "tagger".into();
    let config = ModelConfig::of_folder(&folder.path().to_string_lossy());
    Tagger::load(name, config, &context()).err().expect("a broken model does not load")
}

#[test]
fn broken_models_are_clear_errors() {
    let edit = |folder: &Path, from: &str, to: &str| {
        let path = folder.join("config.json");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    };
    let cases: [(&str, spanloom::Error); 9] = [
        ("config.json", broken(|f| std::fs::remove_file(f.join("config.json")).unwrap())),
        ("tokenizer.json", broken(|f| std::fs::write(f.join("tokenizer.json"), "{}").unwrap())),
        (
            "holds no weights",
            broken(|f| std::fs::remove_file(f.join("model.safetensors")).unwrap()),
        ),
        ("damaged weights", broken(|f| std::fs::write(f.join("model.safetensors"), "x").unwrap())),
        (
            "has shape",
            broken(|f| edit(f, "\"intermediate_size\": 64", "\"intermediate_size\": 65")),
        ),
        (
            "hidden_dropout_prob is 2, expected 0 to 1",
            broken(|f| edit(f, "\"hidden_dropout_prob\": 0.1", "\"hidden_dropout_prob\": 2")),
        ),
        ("unknown model type 'bort'", broken(|f| edit(f, "\"bert\"", "\"bort\""))),
        ("no tag 'O'", broken(|f| edit(f, "\"O\"", "\"X\""))),
        (
            "not a model configuration",
            broken(|f| std::fs::write(f.join("config.json"), "[").unwrap()),
        ),
    ];
    for (expected, error) in cases {
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_gpu_that_was_asked_for_and_is_absent_is_an_error() {
    let context = LoadContext { device: DeviceChoice::Cuda(0), ..context() };
    let error = Tagger::load("t".into(), ModelConfig::of_folder("models/en"), &context).err();
    assert!(error.expect("no silent processor run").to_string().contains("cuda:0"));
}
