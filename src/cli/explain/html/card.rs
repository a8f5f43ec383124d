//! A place of the text: its proposals, each with its way through the merge as a line of steps.

use std::fmt::Write as _;

use super::super::step::Step;
use super::super::text::{Page, details, names, origins};
use crate::cli::html::{Palette, escaped};
use crate::merge::trace::{Change, Event, Snapshot};
use crate::pipeline::{End, Engine, Explanation, Place, Story};
use crate::span::{Evidence, Label, Span};
use crate::text::Document;

/// How many labels of a word are shown.
const LABELS: usize = 3;

/// Writes the places of one document.
pub(super) struct Cards<'a> {
    palette: &'a Palette,
    page: Page<'a>,
}

impl<'a> Cards<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        palette: &'a Palette,
        document: &'a Document,
        explanation: &'a Explanation,
    ) -> Self {
        Self { palette, page: Page::new(engine, document, explanation) }
    }

    /// A place under the name `id`, closed until someone wants to see it.
    pub(super) fn place(&self, place: &Place, id: &str) -> String {
        let mut labels: Vec<&Label> = Vec::new();
        for story in &place.stories {
            if matches!(story.end, End::Won(_)) && !labels.contains(&&story.last.label) {
                labels.push(&story.last.label);
            }
        }
        let signs: String = labels.iter().map(|label| self.palette.sign(label.as_str())).collect();
        let count = match place.stories.len() {
            1 => "1 proposal".to_owned(),
            count => format!("{count} proposals"),
        };
        let surface = escaped(&self.page.surface(place.span));
        let mut html = format!(
            "<details class=\"place\">\n<summary><q>{surface}</q>{signs}<small>{count}</small>\
             </summary>\n<div id=\"{id}\">\n"
        );
        for story in &place.stories {
            html.push_str(&self.story(story));
        }
        for evidence in &self.page.explanation.evidence {
            html.push_str(&self.opinion(evidence, place.span));
        }
        html.push_str("</div>\n</details>\n");
        html
    }

    fn story(&self, story: &Story) -> String {
        let first = &story.proposed;
        let state = story.end.name();
        let mut html = format!(
            "<article class=\"{state}\" data-label=\"{}\" data-source=\"{}\" data-step=\"{}\" \
             data-state=\"{state}\">\n<h3><q>{}</q>{}<span class=\"state\">{state}</span></h3>\n\
             <p class=\"why\">{}</p>\n<ol>\n",
            list(&[&first.label, &story.last.label].map(Label::as_str)),
            list(&first.origins.iter().map(|origin| &*origin.source).collect::<Vec<_>>()),
            list(&self.passes(story).iter().map(String::as_str).collect::<Vec<_>>()),
            escaped(&self.page.surface(first.span)),
            self.palette.sign(first.label.as_str()),
            escaped(&self.page.why(story)),
        );
        if story.added.is_none() {
            let detail = format!("{} {}", names(first), details(first));
            html.push_str(&row("proposed", detail.trim(), "", "", Some(first.score)));
        }
        let numbers = story.added.into_iter().chain(story.events.iter().copied());
        for number in numbers {
            html.push_str(&self.step(&self.page.explanation.events[number]));
        }
        html.push_str("</ol>\n</article>\n");
        html
    }

    /// The steps that changed, dropped or kept it: what the filter by step goes by.
    fn passes(&self, story: &Story) -> Vec<String> {
        let numbers = story.added.iter().chain(&story.events).chain(&story.beat);
        let mut passes: Vec<String> = numbers
            .map(|n| Step::of(self.page.engine, &self.page.explanation.events[*n]).pass)
            .collect();
        passes.sort();
        passes.dedup();
        passes
    }

    fn step(&self, event: &Event) -> String {
        let Step { pass, line, .. } = Step::of(self.page.engine, event);
        let named = |s: &Snapshot| format!("'{}' {}", self.page.surface(s.span), s.label);
        let (class, change, score) = match &event.change {
            Change::Added => ("changed", "made it".to_owned(), Some(event.candidate.score)),
            Change::Kept => ("up", "kept".to_owned(), Some(event.candidate.score)),
            Change::Rescored { to } => {
                let is_up = *to >= event.candidate.score;
                (if is_up { "up" } else { "down" }, String::new(), Some(*to))
            }
            Change::Merged { into } => {
                let change = format!("one with {}", origins(into));
                ("changed", change, Some(into.score))
            }
            Change::Altered { to } => ("changed", format!("becomes {}", named(to)), Some(to.score)),
            Change::Dropped { by: Some(by) } => ("out", format!("beaten by {}", named(by)), None),
            Change::Dropped { by: None } => ("out", "dropped".to_owned(), None),
        };
        let what = if change.is_empty() { String::new() } else { format!("{change}: ") };
        row(class, &pass, &line, &format!("{what}{}", event.reason), score)
    }

    /// What a model thinks of the words of a place: its likeliest labels as bars.
    fn opinion(&self, evidence: &Evidence, span: Span) -> String {
        let mut html = String::new();
        for word in evidence.words_in(span) {
            let labels = evidence.labels().iter().enumerate();
            let mut shares: Vec<(Option<&Label>, f32)> = labels
                .map(|(number, label)| (Some(label), evidence.label_probability(word, number)))
                .collect();
            shares.push((None, evidence.outside_probability(word)));
            shares.sort_by(|a, b| b.1.total_cmp(&a.1));
            let surface = escaped(&self.page.surface(evidence.words()[word]));
            html.push_str(&format!("<tr><th>{surface}</th>"));
            for (label, share) in shares.into_iter().take(LABELS) {
                let (class, name) = match label {
                    Some(label) => (self.palette.class(label.as_str()), escaped(label.as_str())),
                    None => ("none".to_owned(), "O".to_owned()),
                };
                let told = write!(
                    html,
                    "<td><span class=\"share {class}\" style=\"--p:{share:.3}\">{name} {share:.2}\
                     </span></td>"
                );
                told.expect("a string takes everything");
            }
            html.push_str("</tr>\n");
        }
        if html.is_empty() {
            return html;
        }
        let source = escaped(evidence.source());
        format!("<table class=\"opinion\">\n<caption>{source} thinks</caption>\n{html}</table>\n")
    }
}

/// One step of a way: who, on which line, what and why, and the score after it.
fn row(class: &str, who: &str, line: &str, what: &str, score: Option<f32>) -> String {
    let score = score.map_or_else(String::new, |score| {
        format!("<meter min=\"0\" max=\"1\" value=\"{score:.3}\"></meter><var>{score:.2}</var>")
    });
    let line =
        if line.is_empty() { String::new() } else { format!(" <code>{}</code>", escaped(line)) };
    format!(
        "<li class=\"{class}\"><span class=\"who\">{}{line}</span><span class=\"score\">{score}</span>\
         <span class=\"what\">{}</span></li>\n",
        escaped(who),
        escaped(what)
    )
}

/// Values as one attribute, parted by line feeds, which none of them holds.
fn list(values: &[&str]) -> String {
    values.iter().map(|value| escaped(value)).collect::<Vec<_>>().join("&#10;")
}
