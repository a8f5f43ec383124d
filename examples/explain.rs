//! Why an engine gives what it gives: what each source proposed, what each pass of the merge did,
//! and what came out. `cargo run --release --example explain`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use spanloom::merge::trace::Change;
use spanloom::{Document, Engine};

fn main() -> spanloom::Result<()> {
    let engine = Engine::builtin()?;
    let document = Document::new("example", "Jordan flew to Jordan with Paris Hilton.");
    let story = engine.explain(&document)?;

    println!("proposed:");
    for mention in &story.mentions {
        let text = mention.span.slice(&document.text).expect("mentions lie inside their document");
        println!("  {text} is {} ({:.2}), says {}", mention.label, mention.score, mention.origin);
    }

    println!("decided:");
    for event in &story.events {
        let pass = engine.steps()[event.step].kind.name;
        let candidate = &event.candidate;
        let text = candidate.span.slice(&document.text).expect("and so do candidates");
        let change = match &event.change {
            Change::Added => "added".to_owned(),
            Change::Rescored { to } => format!("scores {to:.2}"),
            Change::Merged { .. } => "is merged".to_owned(),
            Change::Altered { .. } => "is altered".to_owned(),
            Change::Kept => "is kept".to_owned(),
            Change::Dropped { .. } => "is dropped".to_owned(),
        };
        println!("  {pass}: {text} as {} {change}: {}", candidate.label, event.reason);
    }

    println!("kept:");
    for entity in &story.entities {
        println!("  {} is {} ({:.2})", entity.text(&document.text), entity.label, entity.score);
    }
    Ok(())
}
