//! The report as Markdown: tables to paste into a page, a README or a pull request.

mod worth;

use std::fmt::Write as _;

use super::details::Details;
use super::report::{Report, SystemReport};
use crate::cli::difference::{Difference, Side, by_step};
use crate::eval::{BreakdownRow, Calibration, Confusion, Score};

/// How many errors are shown of each step.
const SHOWN: usize = 3;

/// The report.
pub(super) fn render(report: &Report, details: &Details) -> String {
    let system = report.told();
    let mut text = format!("# Evaluation\n\n{}\n\n", report.counted());
    worth::tables(&mut text, report);
    scores(&mut text, system);
    confusion(&mut text, &details.confusion);
    breakdown(&mut text, "By length", "words", &details.lengths.rows());
    breakdown(&mut text, "By rarity", "times in gold", &details.rarities.rows());
    if let Some(rows) = &system.surfaces.by_training {
        breakdown(&mut text, "By rarity in training", "times in training", rows);
    }
    if let Some(counted) = &details.calibration {
        calibration(&mut text, counted);
    }
    errors(&mut text, &details.errors);
    text
}

/// A table: its headings, the first of them over text and the others over numbers, and its rows.
fn table(text: &mut String, headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut line = |cells: &[String]| {
        writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes everything");
    };
    line(&headings.iter().map(ToString::to_string).collect::<Vec<_>>());
    let rule = |number: usize| if number == 0 { "---" } else { "---:" }.to_owned();
    line(&(0..headings.len()).map(rule).collect::<Vec<_>>());
    rows.into_iter().for_each(|row| line(&row));
    text.push('\n');
}

fn scores(text: &mut String, system: &SystemReport) {
    writeln!(text, "## Scores of {}\n", cell(&system.name)).expect("a string takes everything");
    let headings = ["label", "precision", "recall", "F1", "support"];
    let entities = &system.entities;
    let labels = entities.labels.iter().map(|(label, row)| (code(label), row));
    let averages = [
        ("**micro**".to_owned(), &entities.micro),
        ("**macro**".to_owned(), &entities.macro_average),
        ("**weighted**".to_owned(), &entities.weighted),
    ];
    let rows = labels.chain(averages).map(|(name, row)| {
        let mut cells = vec![name];
        cells.extend(percents(row.score));
        cells.push(row.support.to_string());
        cells
    });
    table(text, &headings, rows);
    let headings = [
        "scenario",
        "precision",
        "recall",
        "F1",
        "correct",
        "incorrect",
        "partial",
        "missed",
        "spurious",
    ];
    let rows = system.scenarios.0.iter().map(|(scenario, counts)| {
        let mut cells = vec![scenario.name().to_owned()];
        cells.extend(percents(counts.score()));
        let numbers =
            [counts.correct, counts.incorrect, counts.partial, counts.missed, counts.spurious];
        cells.extend(numbers.map(|count| count.to_string()));
        cells
    });
    table(text, &headings, rows);
}

fn confusion(text: &mut String, confusion: &Confusion) {
    text.push_str("## Confusion\n\nRows are gold, columns predictions that overlap it best.\n\n");
    let labels = confusion.labels();
    let names: Vec<String> = labels.iter().map(|label| code(label)).collect();
    let mut headings = vec!["gold"];
    headings.extend(names.iter().map(String::as_str));
    headings.push("missed");
    let with_none = || labels.iter().copied().map(Some).chain([None]);
    let rows = with_none().map(|gold| {
        let mut cells = vec![gold.map_or_else(|| "spurious".to_owned(), code)];
        cells.extend(with_none().map(|predicted| match confusion.cell(gold, predicted).count {
            0 => String::new(),
            count if gold == predicted => format!("**{count}**"),
            count => count.to_string(),
        }));
        cells
    });
    table(text, &headings, rows);
}

fn breakdown(text: &mut String, heading: &str, unit: &str, rows: &[BreakdownRow]) {
    writeln!(text, "## {heading}\n").expect("a string takes everything");
    let headings = [unit, "precision", "recall", "F1", "gold", "predicted"];
    let rows = rows.iter().filter(|row| row.gold + row.predicted > 0).map(|row| {
        let mut cells = vec![row.name()];
        cells.extend(percents(row.score));
        cells.extend([row.gold, row.predicted].map(|count| count.to_string()));
        cells
    });
    table(text, &headings, rows);
}

fn calibration(text: &mut String, calibration: &Calibration) {
    writeln!(
        text,
        "## Calibration\n\nExpected calibration error {:.3}, Brier score {:.3}.\n",
        calibration.expected_error(),
        calibration.brier()
    )
    .expect("a string takes everything");
    let bins = calibration.bins();
    let rows = bins.iter().filter(|bin| bin.count > 0).map(|bin| {
        vec![
            format!("{:.1}–{:.1}", bin.from, bin.to),
            bin.count.to_string(),
            format!("{:.3}", bin.mean_score),
            percent(bin.accuracy),
        ]
    });
    table(text, &["score", "predicted", "mean score", "right"], rows);
}

fn errors(text: &mut String, errors: &[Difference]) {
    writeln!(text, "## Errors\n\n{} in all.\n", errors.len()).expect("a string takes everything");
    let steps = by_step(errors);
    table(
        text,
        &["decided by", "errors"],
        steps.iter().map(|(step, count)| vec![cell(step), count.to_string()]),
    );
    for (step, _) in steps {
        writeln!(text, "### {}\n", cell(step)).expect("a string takes everything");
        for error in errors.iter().filter(|error| error.step() == step).take(SHOWN) {
            let [gold, predicted] = &error.sides;
            let sides = [("gold", gold), ("predicted", predicted)];
            let said: Vec<String> = sides
                .into_iter()
                .filter_map(|(name, side)| {
                    side.as_ref().map(|side| format!("{name} {}", shown(side)))
                })
                .collect();
            let reason = error.decision.as_ref().map_or("", |decision| decision.reason.as_str());
            let (kind, said) = (error.kind.name(), said.join(", "));
            writeln!(text, "- {kind}: {said}: {}", cell(reason))
                .expect("a string takes everything");
        }
        text.push('\n');
    }
}

fn shown(side: &Side) -> String {
    format!("{} {}", code(&side.text), cell(&side.label))
}

fn percents(score: Score) -> [String; 3] {
    [score.precision, score.recall, score.f1].map(percent)
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// `text` between backticks, more of them than it holds in a row.
fn code(text: &str) -> String {
    let mut longest = 0;
    let mut now = 0;
    for c in text.chars() {
        now = if c == '`' { now + 1 } else { 0 };
        longest = longest.max(now);
    }
    let ticks = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{ticks}{space}{}{space}{ticks}", text.replace('|', "\\|"))
}

/// `text` in a cell: nothing in it is markup.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_[]<>|#".contains(c) {
            cell.push('\\');
        }
        cell.push(c);
    }
    cell
}
