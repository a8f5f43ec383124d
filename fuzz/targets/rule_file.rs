//! A rule file, any bytes: it is refused with errors, or its rules run on a text.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};

/// Little backtracking, so that an input takes milliseconds; the limit itself is under test as well.
const ENGINE: &str = r#"
labels = ["PER", "LOC", "ORG", "MISC"]

[[source]]
kind = "rules"
name = "rules"
files = ["rules.toml"]
retry-limit = 2000
"#;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(input) = std::str::from_utf8(data) else {
        spanloom_fuzz::write("rules.toml", data);
        assert!(spanloom_fuzz::load(ENGINE).is_err(), "a file that is not UTF-8 has no rules");
        return Corpus::Keep;
    };
    let (rules, text) = spanloom_fuzz::toml_and_text(input);
    if !spanloom_fuzz::stays_inside(rules) {
        return Corpus::Reject;
    }
    spanloom_fuzz::write("rules.toml", rules.as_bytes());
    match spanloom_fuzz::load(ENGINE) {
        Ok(engine) => spanloom_fuzz::exercise(&engine, text),
        Err(error) => spanloom_fuzz::render(&error),
    }
    Corpus::Keep
});
