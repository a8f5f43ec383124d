//! What the fuzz targets share: a folder that an input cannot leave, and what must hold of whatever an
//! engine gives.

use std::path::PathBuf;
use std::sync::OnceLock;

use spanloom::{Document, Engine};

/// Between the TOML of an input and the text that its engine is run on.
const TEXT_MARK: &str = "\n%%\n";

/// What an engine is run on besides the text of the input: names, casing, digits, quotes, characters of one
/// to four bytes, and what folds to more or fewer characters than it has.
const TEXT: &str = "Dr. Ada O’Neil (ADA) flew from Paris, Texas to São Paulo's \u{fb01}rst café on 12 May 2024.\n\n\
    “New\nYork” #PrayForParis @paris — İstanbul straße Jose\u{301} 東京 🥐 4111 1111 1111 1111 a@b.cd 1.2.3.4";

/// The folder that engine files are loaded from, which is gone when the process ends.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder for the files"));
        folder.path().to_owned()
    })
}

/// The folder that [`write`] writes into.
pub fn files() -> PathBuf {
    folder().clone()
}

/// Writes a file that an engine file may name, or one in a folder of it.
pub fn write(name: &str, bytes: &[u8]) {
    let path = folder().join(name);
    let parent = path.parent().expect("a file in a folder");
    std::fs::create_dir_all(parent).expect("the folder can be written to");
    std::fs::write(path, bytes).expect("the folder can be written to");
}

/// Loads an engine file that stands beside what [`write`] wrote.
pub fn load(engine: &str) -> spanloom::Result<Engine> {
    write("engine.toml", engine.as_bytes());
    Engine::load(folder().join("engine.toml"))
}

/// An input that is TOML and perhaps a text to run it on.
pub fn toml_and_text(input: &str) -> (&str, &str) {
    input.split_once(TEXT_MARK).unwrap_or((input, ""))
}

/// Whether no string of a TOML text can name a file outside the folder. What is not TOML names none.
pub fn stays_inside(text: &str) -> bool {
    fn is_inside(value: &toml::Value) -> bool {
        match value {
            toml::Value::String(text) => !text.starts_with('/') && !text.contains(".."),
            toml::Value::Array(values) => values.iter().all(is_inside),
            toml::Value::Table(table) => table.values().all(is_inside),
            _ => true,
        }
    }
    toml::from_str::<toml::Table>(text)
        .is_ok_and(|table| table.values().all(is_inside))
}

/// Runs an engine on `text` and on a text that holds a bit of everything, and its cases.
pub fn exercise(engine: &Engine, text: &str) {
    for text in [TEXT, text] {
        let documents =
            [Document::new("running", text), Document::from_words("tokens", text.split_whitespace())];
        for document in &documents {
            check(engine, document);
        }
    }
    for error in engine.check() {
        render(&error);
    }
}

/// What every engine promises about what it gives.
fn check(engine: &Engine, document: &Document) {
    let Ok(tagged) = engine.tag_document(document) else { return };
    for entity in &tagged.entities {
        let text = entity.span.slice(&document.text);
        assert!(text.is_some_and(|text| !text.is_empty()), "{:?} in {document:?}", entity.span);
        assert!((0.0..=1.0).contains(&entity.score), "score {}", entity.score);
        assert!(engine.labels().contains(&entity.label), "label {}", entity.label);
    }
    let explained = engine.explain(document).expect("what can be tagged can be explained");
    // A rule that is given up by the clock finds more one time and less another.
    if tagged.warnings.is_empty() && explained.warnings.is_empty() {
        assert_eq!(tagged.entities, explained.entities, "tag and explain in {document:?}");
    }
}

/// What every reader promises about a document.
pub fn check_document(document: &Document) {
    let spans = document.tokens.iter().flatten().map(|token| token.span);
    let gold = document.gold.iter().flatten().map(|one| one.span);
    for span in spans.chain(gold) {
        let text = span.slice(&document.text);
        assert!(text.is_some_and(|text| !text.is_empty()), "{span:?} in {document:?}");
    }
}

/// An error can be shown, whatever is in it.
pub fn render(error: &spanloom::Error) {
    for error in std::iter::once(error).chain(error.related()) {
        assert!(!error.to_string().is_empty());
    }
}
