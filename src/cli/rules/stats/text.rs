//! The rules as a table for people, and under it what stands out.

use anstyle::{AnsiColor, Style};

use super::{Shown, by_precision};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::pipeline::rule_stats::{Holder, RuleRow};
use crate::span::Label;

/// A rule that fired less often says little by its precision.
const ENOUGH: u64 = 5;

/// So many rules are named where several stand out.
const NAMED: usize = 5;

/// What is not there.
const NOTHING: &str = "-";

/// The table and what stands out.
pub(super) fn render(shown: &Shown<'_>, has_time: bool) -> String {
    let total = shown.total_seconds();
    let has_helper = shown.rows.iter().any(|row| row.helper > 0);
    let mut table = Table::default();
    let heading = |text: &str| Cell::new(text, FAINT);
    let number = |text: &str| Cell::right(text, FAINT);
    let mut headings = vec![heading("rule"), heading("in"), heading("label")];
    headings.extend(["fired", "won", "lost", "dropped"].map(number));
    headings.extend(has_helper.then(|| number("helper")));
    headings.push(number("conflicted"));
    if shown.has_gold {
        headings.extend(["right", "precision", "of won"].map(number));
    }
    if has_time {
        headings.extend(["ms", "time"].map(number));
    }
    headings.push(heading("line"));
    table.row(headings);
    for row in &shown.rows {
        let mut cells = vec![
            Cell::new(&*row.rule.id, if row.fired == 0 { FAINT } else { STRONG }),
            place(shown, row.holder).into(),
            what(row).into(),
        ];
        let fired = if row.fired == 0 { AnsiColor::Yellow.on_default() } else { Style::new() };
        cells.push(Cell::right(row.fired.to_string(), fired));
        cells.extend([row.won, row.lost, row.dropped].map(count));
        cells.extend(has_helper.then(|| count(row.helper)));
        cells.push(count(row.conflicted));
        if shown.has_gold {
            let judged = row.judged.precision().map(|_| row.judged.right.to_string());
            cells.push(Cell::right(judged.as_deref().unwrap_or(NOTHING), Style::new()));
            cells.push(precision(row.judged.precision(), row.fired));
            cells.push(precision(row.won_judged.precision(), row.won));
        }
        if has_time {
            cells.extend(time(row.time.as_secs_f64(), total));
        }
        cells.push(Cell::new(row.rule.place.file_and_line(), FAINT));
        table.row(cells);
    }
    for (holder, seconds) in shown.stats.shared_times().filter(|_| has_time) {
        let gap = 5 + usize::from(has_helper) + if shown.has_gold { 3 } else { 0 };
        let mut cells = vec![Cell::new("(prefilter)", FAINT), place(shown, holder).into()];
        cells.resize(2 + 1 + gap, Cell::default());
        cells.extend(time(seconds.as_secs_f64(), total));
        table.row(cells);
    }
    format!("{}\n{}", table.render(0), notes(shown, has_time))
}

/// Where a rule runs.
fn place(shown: &Shown<'_>, holder: &Holder) -> String {
    match holder {
        Holder::Source(name) => name.to_string(),
        Holder::Step(step) => format!("{} {}", step + 1, shown.engine.steps()[*step].kind.name),
    }
}

/// What a rule finds or does.
fn what(row: &RuleRow<'_>) -> String {
    let label = row.rule.label.as_ref().map(Label::as_str);
    let parts: Vec<&str> = row.rule.action.into_iter().chain(label).collect();
    parts.join(" ")
}

fn count(count: u64) -> Cell {
    Cell::right(count.to_string(), if count == 0 { FAINT } else { Style::new() })
}

fn precision(precision: Option<f64>, of: u64) -> Cell {
    let Some(precision) = precision else { return Cell::right(NOTHING, FAINT) };
    let colour = match precision {
        p if of < ENOUGH || p >= 0.8 => Style::new(),
        p if p >= 0.5 => AnsiColor::Yellow.on_default(),
        _ => AnsiColor::Red.on_default(),
    };
    Cell::right(percent(precision), colour)
}

fn time(seconds: f64, total: f64) -> [Cell; 2] {
    let share = if total > 0.0 { seconds / total } else { 0.0 };
    let milliseconds = Cell::right(format!("{:.1}", seconds * 1e3), Style::new());
    [milliseconds, Cell::right(percent(share), FAINT)]
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// What stands out, and how much was counted.
fn notes(shown: &Shown<'_>, has_time: bool) -> String {
    let mut table = Table::default();
    let mut note = |what: &str, text: String| {
        if !text.is_empty() {
            table.row([Cell::new(what, FAINT), text.into()]);
        }
    };
    let rows = || shown.rows.iter();
    let silent: Vec<String> =
        rows().filter(|row| row.fired == 0).map(|row| row.rule.id.to_string()).collect();
    let count = shown.rows.len();
    let noun = |count: usize, one: &str, many: &str| {
        format!("{count} {}", if count == 1 { one } else { many })
    };
    note(
        "counted",
        format!(
            "{}, {} that fired; {}, {}",
            noun(count, "rule", "rules"),
            count - silent.len(),
            noun(shown.size.documents, "document", "documents"),
            noun(shown.size.entities, "entity", "entities"),
        ),
    );
    note("never fired", named(silent));
    let mut judged: Vec<&RuleRow<'_>> = rows()
        .filter(|row| row.fired >= ENOUGH && row.judged.precision().is_some_and(|p| p < 0.8))
        .collect();
    judged.sort_by(|a, b| by_precision(a, b));
    let worst = |row: &&RuleRow<'_>| {
        let precision = row.judged.precision().unwrap_or_default();
        format!("{} {} of {}", row.rule.id, percent(precision), row.fired)
    };
    note("low precision", named(judged.iter().map(worst).collect()));
    let unjudged: Vec<String> = shown
        .engine
        .labels()
        .iter()
        .map(|label| label.as_str().to_owned())
        .filter(|label| shown.has_gold && !shown.stats.gold_labels().contains_key(label))
        .collect();
    if !unjudged.is_empty() {
        note("not judged", format!("gold has no {}", unjudged.join(", ")));
    }
    if has_time {
        note("time of rules", format!("{:.1} ms", shown.total_seconds() * 1e3));
    }
    table.render(0)
}

/// The first of several, and how many more there are.
fn named(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let list = names.join(", ");
    if more == 0 { list } else { format!("{list}{}", styled(&format!(", {more} more"), FAINT)) }
}
