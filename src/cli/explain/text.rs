//! An explanation for people: the text with its entities, then place by place who said what and why
//! it came out so.

use anstyle::{AnsiColor, Style};

use super::fate::{Fate, Place, State};
use crate::cli::print::{on_one_line, visible};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::merge::trace::{Change, Event};
use crate::pipeline::{Engine, Explanation};
use crate::span::{Entity, Evidence, Label, Span};
use crate::text::Document;

/// The whole explanation, with ANSI styles.
pub(super) fn render(
    engine: &Engine,
    document: &Document,
    explanation: &Explanation,
    places: &[Place<'_>],
) -> String {
    let page = Page { engine, document, explanation };
    let mut text = format!("{}\n", page.marked());
    for place in places {
        text.push('\n');
        text.push_str(&page.place(place));
    }
    for warning in &explanation.warnings {
        text.push_str(&format!("\nwarning: {warning}\n"));
    }
    text.push('\n');
    text
}

struct Page<'a> {
    engine: &'a Engine,
    document: &'a Document,
    explanation: &'a Explanation,
}

impl Page<'_> {
    /// The style of a label: the colours follow the engine's list of labels.
    fn style(&self, label: &Label) -> Style {
        const COLORS: [AnsiColor; 6] = [
            AnsiColor::Green,
            AnsiColor::Cyan,
            AnsiColor::Magenta,
            AnsiColor::Yellow,
            AnsiColor::Blue,
            AnsiColor::Red,
        ];
        match self.engine.labels().iter().position(|known| known == label) {
            Some(number) => STRONG.fg_color(Some(COLORS[number % COLORS.len()].into())),
            None => FAINT,
        }
    }

    /// The text with its entities as `[Paris|LOC]`; what overlaps is nested.
    fn marked(&self) -> String {
        let text = &self.document.text;
        let mut marked = String::new();
        let mut open: Vec<&Entity> = Vec::new();
        let mut at = 0;
        let mut copy_to = |marked: &mut String, open: &[&Entity], to: usize| {
            let style = open.last().map_or(Style::new(), |entity| self.style(&entity.label));
            let part = Span { start: at, end: to.max(at) };
            let part = visible(part.slice(text).unwrap_or_default());
            if !part.is_empty() {
                marked.push_str(&styled(&part, style));
            }
            at = at.max(to);
        };
        let close = |marked: &mut String, entity: &Entity| {
            marked.push_str(&styled(&format!("|{}]", entity.label), FAINT));
        };
        for entity in &self.explanation.entities {
            while let Some(last) = open.last().filter(|last| last.span.end <= entity.span.start) {
                copy_to(&mut marked, &open, last.span.end);
                close(&mut marked, last);
                open.pop();
            }
            copy_to(&mut marked, &open, entity.span.start);
            marked.push_str(&styled("[", FAINT));
            open.push(entity);
        }
        while let Some(last) = open.last() {
            copy_to(&mut marked, &open, last.span.end);
            close(&mut marked, last);
            open.pop();
        }
        copy_to(&mut marked, &open, text.len());
        marked
    }

    fn place(&self, place: &Place<'_>) -> String {
        let mut table = Table::new(["text", "label", "score", "source", "detail", "state", "why"]);
        for fate in &place.fates {
            self.push_fate(&mut table, fate);
        }
        for evidence in &self.explanation.evidence {
            let words: Vec<String> =
                evidence.words_in(place.span).map(|w| self.top_labels(evidence, w)).collect();
            if !words.is_empty() {
                table.note(format!("{} thinks: {}", evidence.source(), words.join("; ")));
            }
        }
        let heading = on_one_line(place.span.slice(&self.document.text).unwrap_or_default());
        format!("{}\n{}", styled(&heading, STRONG), table.render(2))
    }

    fn push_fate(&self, table: &mut Table, fate: &Fate<'_>) {
        let mention = fate.mention;
        let state = match fate.state {
            State::Won => STRONG,
            State::Lost | State::Dropped => AnsiColor::Red.on_default(),
            State::Helper => FAINT,
        };
        table.row([
            on_one_line(mention.span.slice(&self.document.text).unwrap_or_default()).into(),
            Cell::new(mention.label.as_str(), self.style(&mention.label)),
            format!("{:.2}", mention.score).into(),
            Cell::from(&*mention.origin.source),
            on_one_line(&mention.origin.detail).into(),
            Cell::new(fate.state.name(), state),
            self.why(fate).into(),
        ]);
        for event in &fate.changes {
            let before = event.candidate.score;
            let change = match &event.change {
                Change::Added => format!("added {} {before:.2}", event.candidate.label),
                Change::Kept => format!("kept {} {before:.2}", event.candidate.label),
                Change::Rescored { to } => format!("{before:.2} -> {to:.2}"),
                Change::Merged { into } => {
                    let sources: Vec<String> =
                        into.origins.iter().map(|o| on_one_line(&o.to_string())).collect();
                    format!("{before:.2} -> {:.2}, one with {}", into.score, sources.join(" and "))
                }
                Change::Altered { to } => format!(
                    "becomes '{}' {} {:.2}",
                    on_one_line(to.span.slice(&self.document.text).unwrap_or_default()),
                    to.label,
                    to.score
                ),
                Change::Dropped { .. } => continue,
            };
            let note = format!("  {change} by {}: {}", self.step(event), event.reason);
            table.note(styled(&note, FAINT));
        }
    }

    fn why(&self, fate: &Fate<'_>) -> String {
        match (fate.state, fate.decided) {
            (State::Won, None) => "nothing else was left here".to_owned(),
            (State::Helper, _) => "its label is a helper label".to_owned(),
            (_, Some(event)) => format!("{}: {}", self.step(event), event.reason),
            (State::Lost | State::Dropped, None) => String::new(),
        }
    }

    /// A step of the merge: `3 optimal (spanloom.toml:42)`.
    fn step(&self, event: &Event) -> String {
        let step = &self.engine.steps()[event.step];
        let place = &step.place;
        format!("{} {} ({}:{})", event.step + 1, step.kind.name, place.file, place.line)
    }

    /// A word and the two labels that a model finds likeliest: `Paris LOC 0.97, O 0.02`.
    fn top_labels(&self, evidence: &Evidence, word: usize) -> String {
        let mut labels: Vec<(&str, f32)> = evidence
            .labels()
            .iter()
            .enumerate()
            .map(|(number, label)| (label.as_str(), evidence.label_probability(word, number)))
            .collect();
        labels.insert(0, ("O", evidence.outside_probability(word)));
        labels.sort_by(|a, b| b.1.total_cmp(&a.1));
        let top: Vec<String> =
            labels.iter().take(2).map(|(name, p)| format!("{name} {p:.2}")).collect();
        let word = evidence.words()[word].slice(&self.document.text).unwrap_or_default();
        format!("{} {}", on_one_line(word), top.join(", "))
    }
}
