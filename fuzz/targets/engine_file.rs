//! An engine file, any text, and a text to run it on. It may name files of its own folder, which holds a
//! list, rules and words.

#![no_main]

use std::sync::Once;

use libfuzzer_sys::{Corpus, fuzz_target};

static FILES: Once = Once::new();

const LIST: &str = "Paris\tLOC\tQ90\t0.5\tcase=fold\nParis\tPER\nNew York\tLOC\nDr.\tTITLE\n";

const RULES: &str = r#"
[[rule]]
id = "year"
doc = "A year."
label = "DATE"
pattern = '\b(?:19|20)\d\d\b'
[[rule.case]]
text = "in 2024"
finds = ["2024"]
[[rule.case]]
text = "in 20245"
finds = []
"#;

fuzz_target!(|input: &str| -> Corpus {
    FILES.call_once(|| {
        spanloom_fuzz::write("list.tsv", LIST.as_bytes());
        spanloom_fuzz::write("rules.toml", RULES.as_bytes());
        spanloom_fuzz::write("words.txt", b"paris\nreading\n");
    });
    let (engine, text) = spanloom_fuzz::toml_and_text(input);
    if !spanloom_fuzz::stays_inside(engine) {
        return Corpus::Reject;
    }
    match spanloom_fuzz::load(engine) {
        Ok(engine) => spanloom_fuzz::exercise(&engine, text),
        Err(error) => spanloom_fuzz::render(&error),
    }
    Corpus::Keep
});
