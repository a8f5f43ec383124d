//! The scores as tables for people.

use anstyle::Style;

use super::Report;
use crate::cli::table::{Cell, FAINT, STRONG, Table};
use crate::eval::{EntityRow, Score};

/// Ends a row: the last cell of a row is not aligned.
const LAST: Cell = Cell::EMPTY;

/// The tables, and what was counted.
pub(super) fn render(report: &Report<'_>) -> String {
    format!("{}\n{}\n{}", entities(report), scenarios(report), notes(report))
}

fn entities(report: &Report<'_>) -> String {
    let mut table = Table::default();
    table.row(headings("label", &["precision", "recall", "f1", "support"]));
    let mut row = |name: &str, row: &EntityRow, style: Style| {
        let mut cells = vec![Cell::new(name, style)];
        cells.extend(scores(row.score));
        cells.push(count(row.support));
        cells.push(LAST);
        table.row(cells);
    };
    for (label, scored) in &report.entities.labels {
        row(label, scored, STRONG);
    }
    row("micro", &report.entities.micro, FAINT);
    row("macro", &report.entities.macro_average, FAINT);
    row("weighted", &report.entities.weighted, FAINT);
    table.render(0)
}

fn scenarios(report: &Report<'_>) -> String {
    let mut table = Table::default();
    table.row(headings(
        "scenario",
        &["precision", "recall", "f1", "correct", "incorrect", "partial", "missed", "spurious"],
    ));
    for (scenario, counts) in &report.scenarios {
        let mut cells = vec![Cell::new(scenario.name(), STRONG)];
        cells.extend(scores(counts.score()));
        let each =
            [counts.correct, counts.incorrect, counts.partial, counts.missed, counts.spurious];
        cells.extend(each.map(count));
        cells.push(LAST);
        table.row(cells);
    }
    table.render(0)
}

fn headings(first: &str, numbers: &[&str]) -> Vec<Cell> {
    let mut cells = vec![Cell::new(first, FAINT)];
    cells.extend(numbers.iter().map(|heading| Cell::right(*heading, FAINT)));
    cells.push(LAST);
    cells
}

fn scores(score: Score) -> [Cell; 3] {
    [score.precision, score.recall, score.f1]
        .map(|share| Cell::right(format!("{:.2}%", share * 100.0), Style::new()))
}

fn count(count: u64) -> Cell {
    Cell::right(count.to_string(), if count == 0 { FAINT } else { Style::new() })
}

/// How much was counted, and what was not judged.
fn notes(report: &Report<'_>) -> String {
    let mut table = Table::default();
    table.row([Cell::new("counted", FAINT), report.counted().into()]);
    if !report.not_judged.is_empty() {
        let labels: Vec<String> =
            report.not_judged.iter().map(|(label, count)| format!("{label} ({count})")).collect();
        let not_judged = format!("gold has no {}", labels.join(", "));
        table.row([Cell::new("not judged", FAINT), not_judged.into()]);
    }
    table.render(0)
}
