//! Why an engine gives what it gives, and why not something else: what each source proposed, what
//! became of it, and which line of TOML decided. `cargo run --release --example explain`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use spanloom::{Document, Engine, Label, Span};

fn main() -> spanloom::Result<()> {
    let engine = Engine::builtin()?;
    let document = Document::new("example", "Jordan flew to Jordan with Paris Hilton.");
    let surface = |span: Span| span.slice(&document.text).expect("it lies inside the document");
    let explanation = engine.explain(&document)?;

    for story in explanation.stories() {
        let (first, last) = (&story.proposed, &story.last);
        println!(
            "{} as {} by {}: {:.2} became {:.2}, and it {}",
            surface(first.span),
            first.label,
            first.origins[0],
            first.score,
            last.score,
            story.end.name()
        );
        if let Some(event) = explanation.decided(&story) {
            let pass = engine.steps()[event.step].kind.name;
            println!("    {pass}, {}: {}", engine.place_of(event), event.reason);
        }
    }

    let paris = Span::new(27, 32);
    let answer = engine.why_not(&document, paris, Some(&Label::new("LOC")))?;
    println!("why is '{}' no LOC?", surface(paris));
    for removed in &answer.removed {
        if let Some(event) = answer.explanation.decided(&removed.story) {
            println!("    {}: {}", removed.story.proposed.origins[0], event.reason);
        }
    }
    for silent in &answer.silent {
        for refusal in &silent.refusals {
            println!("    {}: {}", silent.source, refusal.reason);
        }
    }
    Ok(())
}
