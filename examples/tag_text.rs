//! The default engine over a few texts: `cargo run --release --example tag_text`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use spanloom::Engine;

fn main() -> spanloom::Result<()> {
    let texts = [
        "Angela Merkel met Emmanuel Macron in Paris.",
        "Siemens opened an office in Nairobi, Reuters reported.",
    ];
    // Loading takes a while: build an engine once, share it between threads, give it many texts.
    let engine = Engine::builtin()?;
    for (text, entities) in texts.iter().zip(engine.tag_batch(&texts)?) {
        println!("{text}");
        for entity in entities {
            // Offsets are bytes of the text as it was given.
            println!(
                "  {:>3}..{:<3} {:4} {:.2}  {}",
                entity.span.start,
                entity.span.end,
                entity.label,
                entity.score,
                entity.text(text)
            );
        }
    }
    Ok(())
}
