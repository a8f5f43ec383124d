//! An engine of your own, without a model: a list of names, a rule, and a merge that says which of
//! two overlapping finds is kept. `cargo run --example custom_engine`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use spanloom::Engine;

/// In a program of your own this would be a file: see `Engine::load`.
const ENGINE: &str = r#"
labels = ["PRODUCT", "PART"]

[[source]]
kind = "gazetteer"
name = "catalogue"
entries = [["Aurora", "PRODUCT"], ["Aurora Mini", "PRODUCT"], ["Borealis", "PRODUCT"]]

[[source]]
kind = "rules"
name = "patterns"

[[source.rule]]
id = "part-number"
doc = "Two capitals, a hyphen and four digits."
label = "PART"
pattern = '\b(?<entity>[A-Z]{2}-[0-9]{4})\b'
score = 0.9

# Every rule says what it finds and what it does not; a test runs these cases.
[[source.rule.case]]
text = "Order AB-1234 today."
finds = ["AB-1234"]

[[source.rule.case]]
text = "Flight ABC-1234 is late."
finds = []

[[merge]]
pass = "longest"
"#;

fn main() -> spanloom::Result<()> {
    let engine = Engine::parse(ENGINE)?;
    assert!(engine.check().is_empty(), "every rule keeps what its cases promise");

    let text = "The Aurora Mini needs part QX-0042; the Borealis does not.";
    for entity in engine.tag(text)? {
        let sources = entity.sources().join(", ");
        println!("{:<12} {:<8} from {sources}", entity.text(text), entity.label);
    }
    Ok(())
}
