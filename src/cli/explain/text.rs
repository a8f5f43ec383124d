//! An explanation for people: the text with its entities, then place by place who said what, what
//! each step did to it, and why it came out so.

use anstyle::{AnsiColor, Style};

use super::step::Step;
use crate::cli::print::{on_one_line, visible};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::merge::trace::{Change, Event, Snapshot};
use crate::pipeline::{End, Engine, Explanation, Place, Story};
use crate::span::{Entity, Evidence, Label, Span};
use crate::text::{Document, OffsetTable, OffsetUnit};

/// The whole explanation, with ANSI styles.
pub(super) fn render(engine: &Engine, document: &Document, explanation: &Explanation) -> String {
    let page = Page::new(engine, document, explanation);
    let mut text = format!("{}\n", page.marked());
    for place in explanation.places() {
        text.push('\n');
        text.push_str(&page.place(&place));
    }
    for warning in &explanation.warnings {
        text.push_str(&format!("\nwarning: {}\n", visible(&warning.to_string())));
    }
    text.push('\n');
    text
}

/// The style of a label: the colours follow the engine's list of labels.
pub(super) fn style(engine: &Engine, label: &Label) -> Style {
    const COLORS: [AnsiColor; 6] = [
        AnsiColor::Green,
        AnsiColor::Cyan,
        AnsiColor::Magenta,
        AnsiColor::Yellow,
        AnsiColor::Blue,
        AnsiColor::Red,
    ];
    match engine.labels().iter().position(|known| known == label) {
        Some(number) => STRONG.fg_color(Some(COLORS[number % COLORS.len()].into())),
        None => FAINT,
    }
}

/// What is shown, and of what.
pub(in crate::cli) struct Page<'a> {
    pub(in crate::cli) engine: &'a Engine,
    pub(in crate::cli) document: &'a Document,
    pub(in crate::cli) explanation: &'a Explanation,
    offsets: OffsetTable<'a>,
}

impl<'a> Page<'a> {
    pub(in crate::cli) fn new(
        engine: &'a Engine,
        document: &'a Document,
        explanation: &'a Explanation,
    ) -> Self {
        let offsets = OffsetTable::new(&document.text, OffsetUnit::Char);
        Self { engine, document, explanation, offsets }
    }

    /// The text with its entities as `[Paris|LOC]`; what overlaps is nested.
    fn marked(&self) -> String {
        let text = &self.document.text;
        let mut marked = String::new();
        let mut open: Vec<&Entity> = Vec::new();
        let mut at = 0;
        let mut copy_to = |marked: &mut String, open: &[&Entity], to: usize| {
            let inside = |entity: &&Entity| style(self.engine, &entity.label);
            let style = open.last().map_or(Style::new(), inside);
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

    fn place(&self, place: &Place) -> String {
        let mut table = self.stories(&place.stories);
        for line in self.opinions(place.span) {
            table.note(styled(&line, FAINT));
        }
        format!("{}\n{}", self.heading(place.span), table.render(2))
    }

    /// A span as a heading: its text and where it is, in code points.
    pub(super) fn heading(&self, span: Span) -> String {
        let from = |byte| self.offsets.from_byte(byte);
        let place = format!("{}..{}", from(span.start), from(span.end));
        format!("{}  {}", styled(&self.surface(span), STRONG), styled(&place, FAINT))
    }

    /// The text of a span on one line.
    pub(in crate::cli) fn surface(&self, span: Span) -> String {
        on_one_line(span.slice(&self.document.text).unwrap_or_default())
    }

    /// What the models think of the words of a span, a line a model.
    pub(super) fn opinions(&self, span: Span) -> Vec<String> {
        let opinion = |evidence: &Evidence| {
            let words: Vec<String> =
                evidence.words_in(span).map(|word| self.top_labels(evidence, word)).collect();
            (!words.is_empty())
                .then(|| format!("{} thinks: {}", evidence.source(), words.join("; ")))
        };
        self.explanation.evidence.iter().filter_map(opinion).collect()
    }

    /// Stories as a table, each with its steps under it.
    pub(super) fn stories(&self, stories: &[Story]) -> Table {
        let mut table = Table::new(["text", "label", "score", "source", "detail", "state", "why"]);
        let steps: Vec<Vec<[String; 4]>> = stories.iter().map(|story| self.steps(story)).collect();
        let widths = widths(steps.iter().flatten());
        for (story, steps) in stories.iter().zip(&steps) {
            self.push_story(&mut table, story);
            for step in steps {
                table.note(styled(&format!("  {}", aligned(step, &widths)), FAINT));
            }
        }
        table
    }

    fn push_story(&self, table: &mut Table, story: &Story) {
        let first = &story.proposed;
        let state = match story.end {
            End::Won(_) => STRONG,
            End::Lost | End::Dropped => AnsiColor::Red.on_default(),
            End::Helper => FAINT,
        };
        let (source, detail) = match story.added {
            Some(number) => (names(first), format!("added by {}", self.step(number).pass)),
            None => (names(first), details(first)),
        };
        table.row([
            self.surface(first.span).into(),
            Cell::new(first.label.as_str(), style(self.engine, &first.label)),
            scores(first.score, story.last.score).into(),
            source.into(),
            detail.into(),
            Cell::new(story.end.name(), state),
            self.why(story).into(),
        ]);
    }

    /// Why a story ended as it did.
    pub(in crate::cli) fn why(&self, story: &Story) -> String {
        match (story.end, self.explanation.decided(story)) {
            (End::Won(_), None) => "nothing else was left here".to_owned(),
            (End::Helper, _) => format!("{} is a label that is never given", story.last.label),
            (_, Some(event)) => {
                let step = Step::of(self.engine, event);
                format!("{} ({}): {}", step.pass, step.line, self.reason(story, event))
            }
            (End::Lost | End::Dropped, None) => String::new(),
        }
    }

    /// Why an event that decided a story did so, and against what.
    pub(in crate::cli) fn reason(&self, story: &Story, event: &Event) -> String {
        let against = match (&event.change, story.end) {
            (Change::Dropped { by: Some(by) }, End::Lost) => self.against("by", by),
            (Change::Dropped { .. }, End::Won(_)) => self.against("of", &event.candidate),
            _ => String::new(),
        };
        format!("{}{against}", on_one_line(&event.reason))
    }

    /// ` (by 'Paris Hilton' PER)`.
    fn against(&self, how: &str, other: &Snapshot) -> String {
        format!(" ({how} '{}' {})", self.surface(other.span), other.label)
    }

    fn step(&self, event: usize) -> Step {
        Step::of(self.engine, &self.explanation.events[event])
    }

    /// The steps of a story but for its end: pass, line, what became what, why.
    fn steps(&self, story: &Story) -> Vec<[String; 4]> {
        let numbers = story.added.into_iter().chain(story.events.iter().copied());
        let events = numbers.map(|number| &self.explanation.events[number]);
        events.filter_map(|event| self.step_line(event)).collect()
    }

    fn step_line(&self, event: &Event) -> Option<[String; 4]> {
        let before = event.candidate.score;
        let change = match &event.change {
            Change::Dropped { .. } => return None,
            Change::Added => format!("made, {before:.2}"),
            Change::Kept => format!("kept, {before:.2}"),
            Change::Rescored { to } => scores(before, *to),
            Change::Merged { into } => {
                format!("{}, one with {}", scores(before, into.score), origins(into))
            }
            Change::Altered { to } => {
                format!("becomes '{}' {} {:.2}", self.surface(to.span), to.label, to.score)
            }
        };
        let Step { pass, line, .. } = Step::of(self.engine, event);
        Some([pass, line, change, on_one_line(&event.reason)])
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
        format!("{} {}", self.surface(evidence.words()[word]), top.join(", "))
    }
}

/// A score, and what became of it where that shows.
pub(super) fn scores(before: f32, after: f32) -> String {
    let (first, last) = (format!("{before:.2}"), format!("{after:.2}"));
    if first == last { first } else { format!("{first} → {last}") }
}

/// The names of the sources of a candidate.
pub(super) fn names(candidate: &Snapshot) -> String {
    let mut names: Vec<&str> = candidate.origins.iter().map(|o| &*o.source).collect();
    names.dedup();
    names.join(" ")
}

/// What inside the sources proposed a candidate.
pub(super) fn details(candidate: &Snapshot) -> String {
    let details: Vec<String> =
        candidate.origins.iter().map(|origin| on_one_line(&origin.detail)).collect();
    details.join(" ")
}

/// Who proposed a candidate, each as `source:detail`.
pub(in crate::cli) fn origins(candidate: &Snapshot) -> String {
    let origins: Vec<String> =
        candidate.origins.iter().map(|origin| on_one_line(&origin.to_string())).collect();
    origins.join(" and ")
}

/// The width of each column but the last.
fn widths<'s>(rows: impl Iterator<Item = &'s [String; 4]>) -> [usize; 3] {
    rows.fold([0; 3], |mut widths, row| {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
        widths
    })
}

fn aligned(row: &[String; 4], widths: &[usize; 3]) -> String {
    let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  "));
    padded.chain([row[3].clone()]).collect()
}
