//! An explanation as one page that needs nothing else: the text with its entities, and every place of
//! it with its proposals and their way through the merge. It reads without scripts, which only filter.

mod card;
mod marked;

use std::fmt::Write as _;
use std::path::Path;

use super::Documents;
use crate::cli::html::{self, Palette, escaped};
use crate::error::{Error, Result};
use crate::io::Output;
use crate::pipeline::{End, Engine};
use crate::text::Document;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Writes the page of all documents to the file `path`, or to standard output where that is `-`.
///
/// # Errors
/// Where it cannot be written; what is wrong with single documents goes to `fail`.
pub(super) fn write(
    path: &Path,
    engine: &Engine,
    documents: Documents,
    fail: &mut dyn FnMut(&Error),
) -> Result<()> {
    let mut output = if path == Path::new("-") { Output::stdout()? } else { Output::create(path)? };
    let palette = Palette::of(engine);
    output.put(head(engine, &palette).as_bytes())?;
    let mut count = 0;
    for document in documents {
        match document.and_then(|document| section(engine, &palette, &document, count)) {
            Ok(html) => {
                output.put(html.as_bytes())?;
                count += 1;
            }
            Err(error) => fail(&error),
        }
    }
    output.put(format!("</main>\n{}", html::foot(SCRIPT)).as_bytes())?;
    output.finish()
}

fn head(engine: &Engine, palette: &Palette) -> String {
    let mut page = html::head("Why these entities", STYLE);
    page.push_str(
        "<header>
<h1>Why these entities</h1>
<div class=\"filters\">
",
    );
    let labels = engine.known_labels();
    let labels =
        labels.iter().map(|label| (label.as_str().to_owned(), palette.class(label.as_str())));
    filter(&mut page, "label", labels);
    let sources = engine.sources().iter().map(|source| (source.name().to_string(), String::new()));
    filter(&mut page, "source", sources);
    let steps = engine.steps().iter().enumerate();
    let steps = steps.map(|(n, step)| (format!("{} {}", n + 1, step.kind.name), String::new()));
    filter(&mut page, "step", steps);
    let states = ["won", "lost", "dropped", "helper"].map(|s| (s.to_owned(), s.to_owned()));
    filter(&mut page, "state", states.into_iter());
    page.push_str(
        "<button type=\"button\" id=\"losers\" aria-pressed=\"false\">Show what lost in the text</button>\n\
         <button type=\"button\" id=\"all\">Open all places</button>\n</div>\n</header>\n<main>\n",
    );
    page
}

/// Buttons that show only what has one of the values; they do nothing without scripts, and are hidden.
fn filter(page: &mut String, kind: &str, values: impl Iterator<Item = (String, String)>) {
    page.push_str(&format!("<div class=\"filter\"><span>{kind}</span>"));
    for (value, class) in values {
        let value = escaped(&value);
        page.push_str(&format!(
            "<button type=\"button\" class=\"{class}\" data-kind=\"{kind}\" data-value=\"{value}\" \
             aria-pressed=\"false\">{value}</button>"
        ));
    }
    page.push_str("</div>\n");
}

/// One document: its text, and its places.
fn section(
    engine: &Engine,
    palette: &Palette,
    document: &Document,
    number: usize,
) -> Result<String> {
    let explanation = engine.explain(document)?;
    let places = explanation.places();
    let lost = |end: End| matches!(end, End::Lost | End::Dropped);
    let stories = || places.iter().flat_map(|place| &place.stories);
    let mut html = String::new();
    let told = write!(
        html,
        "<section>\n<h2>{}</h2>\n<p class=\"counts\">{} entities, {} proposals, {} of them lost or \
         dropped</p>\n<div class=\"columns\">\n<div class=\"text\">{}</div>\n<div class=\"places\">\n",
        escaped(&document.id),
        explanation.entities.len(),
        stories().count(),
        stories().filter(|story| lost(story.end)).count(),
        marked::text(palette, document, &explanation, &places, number),
    );
    told.expect("a string takes everything");
    let cards = card::Cards::new(engine, palette, document, &explanation);
    for (index, place) in places.iter().enumerate() {
        html.push_str(&cards.place(place, &format!("d{number}p{index}")));
    }
    for warning in &explanation.warnings {
        let text = escaped(&warning.to_string());
        html.push_str(&format!("<p class=\"warning\">warning: {text}</p>\n"));
    }
    html.push_str("</div>\n</div>\n</section>\n");
    Ok(html)
}
