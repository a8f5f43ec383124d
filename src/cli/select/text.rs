//! The chosen for people: a table of the first ones, with what is in doubt, and the counts.

use anstyle::Style;

use super::Task;
use crate::cli::print::{on_one_line, shortened};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::pipeline::{Opinion, Shortlist};
use crate::span::Span;

/// So many characters of a text are shown.
const SURFACE: usize = 40;

/// So many characters of an id are shown.
const ID: usize = 32;

/// The first `examples` of `tasks`, and how many there are.
pub(super) fn render(tasks: &[Task], examples: usize, counts: &str) -> String {
    let mut text = String::new();
    if examples > 0 && !tasks.is_empty() {
        let mut table = Table::default();
        let right = |heading: &str| Cell::right(heading, FAINT);
        table.row([
            right("rank"),
            right("score"),
            right("uncertain"),
            right("disagree"),
            Cell::new("document", FAINT),
            Cell::new("in doubt", FAINT),
        ]);
        for (number, task) in tasks.iter().take(examples).enumerate() {
            let measured = &task.informativeness;
            let value = |value: f64| Cell::right(format!("{value:.3}"), Style::new());
            table.row([
                Cell::right((number + 1).to_string(), FAINT),
                Cell::right(format!("{:.3}", measured.score), STRONG),
                value(measured.uncertainty),
                value(measured.disagreement),
                id(task).into(),
                doubt(task).unwrap_or_default().into(),
            ]);
        }
        text.push_str(&table.render(0));
        if tasks.len() > examples {
            let more = format!("… and {} more", tasks.len() - examples);
            text.push_str(&format!("{}\n", styled(&more, FAINT)));
        }
        text.push('\n');
    }
    text.push_str(&format!("{} {counts}\n", tasks.len()));
    text
}

/// `of 1000 documents chosen; 3 too near to a better one, 2 excluded`.
pub(super) fn counts<T>(list: &Shortlist<T>) -> String {
    let documents = if list.offered() == 1 { "document" } else { "documents" };
    let mut text = format!("of {} {documents} chosen", list.offered());
    let passed_over = [
        (list.duplicates(), "the same as a better one, or too near to it"),
        (list.left_out(), "excluded"),
    ];
    let told = passed_over.into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, why)| format!("{count} {why}")).collect();
    if !told.is_empty() {
        text.push_str(&format!("; {}", told.join(", ")));
    }
    text
}

/// What is most in doubt about a document: `'Paris': PER (people 0.90), LOC (places 0.90)`. A source that
/// speaks of a part of it names the part. `None` where nothing is in doubt.
pub(super) fn doubt(task: &Task) -> Option<String> {
    let doubt = task.informativeness.doubt.as_ref()?;
    let surface = |span: Span| {
        let text = on_one_line(span.slice(&task.document.text).unwrap_or_default());
        format!("'{}'", shortened(&text, SURFACE))
    };
    let opinion = |Opinion { source, span, label, score }: &Opinion| {
        let label = label.as_ref().map_or("nothing", |label| label.as_str());
        let part = if *span == doubt.span { String::new() } else { format!("{} ", surface(*span)) };
        format!("{part}{label} ({source} {score:.2})")
    };
    let opinions: Vec<String> = doubt.opinions.iter().map(opinion).collect();
    Some(format!("{}: {}", surface(doubt.span), opinions.join(", ")))
}

/// The id of a document, or its end: where ids are paths and lines, that tells them apart.
fn id(task: &Task) -> String {
    let id = on_one_line(&task.document.id);
    match id.char_indices().rev().nth(ID - 1) {
        Some((start, _)) if start > 0 => format!("…{}", id.get(start..).unwrap_or_default()),
        _ => id,
    }
}
