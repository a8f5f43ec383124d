//! The scores as tables for people.

use anstyle::{AnsiColor, Style};

use super::ablation::{Ablation, Grown};
use super::report::{Report, SystemReport};
use crate::cli::table::{Cell, FAINT, STRONG, Table};
use crate::eval::{
    BreakdownRow, Difference, EntityReport, EntityRow, Estimate, OfScore, OfScores, Resampling,
    Score,
};

/// Ends a row: the last cell of a row is not aligned.
const LAST: Cell = Cell::EMPTY;

/// A difference with a smaller p-value in both tests is coloured.
const SIGNIFICANT: f64 = 0.05;

/// The tables, and what was counted.
pub(super) fn render(report: &Report) -> String {
    let mut tables = match report.systems.as_slice() {
        [system] => vec![entities(system), scenarios(system)],
        _ => vec![
            comparison(report, "micro", |scores| scores.micro, |differences| differences.micro),
            comparison(
                report,
                "macro",
                |scores| scores.macro_average,
                |differences| differences.macro_average,
            ),
            labels(report),
            all_scenarios(report),
        ],
    };
    tables.extend(report.systems.iter().filter_map(|system| {
        let heading = match report.systems.as_slice() {
            [_] => "tags".to_owned(),
            _ => format!("tags of {}", system.name),
        };
        Some(rows(&heading, system.sequences.as_ref()?))
    }));
    tables.extend(surfaces(report));
    tables.extend(by_training(report));
    if let Some(ablation) = &report.ablation {
        let has_rounds = report.resampling.rounds > 0;
        tables.push(without(ablation, has_rounds));
        let grown = [
            ("sources", &ablation.sources),
            ("passes", &ablation.passes),
            ("taken away", &ablation.removal),
        ];
        let grown = grown.into_iter().filter(|(_, steps)| !steps.is_empty());
        tables.extend(grown.map(|(name, steps)| growing(name, steps, has_rounds)));
    }
    format!("{}\n{}", tables.join("\n"), notes(report))
}

/// The scores of parts of the surfaces, where they were asked for.
fn surfaces(report: &Report) -> Option<String> {
    let mut table = Table::default();
    table.row(headings("surfaces", &["precision", "recall", "f1", "support"]));
    let mut any = false;
    for system in &report.systems {
        for (name, part) in system.surfaces.named() {
            any = true;
            let name = match report.systems.as_slice() {
                [_] => name.to_owned(),
                _ => format!("{} {name}", system.name),
            };
            let mut cells = vec![Cell::new(name, STRONG)];
            cells.extend(scores(part.micro.score));
            cells.extend([count(part.micro.support), LAST]);
            table.row(cells);
        }
    }
    any.then(|| table.render(0))
}

/// The scores by how often surfaces are entities in training files, where there are some; of several systems
/// F1 alone.
fn by_training(report: &Report) -> Option<String> {
    const HEADING: &str = "times in training";
    let first = report.systems[0].surfaces.by_training.as_ref()?;
    if let [_] = report.systems.as_slice() {
        let mut table = Table::default();
        table.row(headings(HEADING, &["precision", "recall", "f1", "support", "predicted"]));
        for row in first {
            let mut cells = vec![Cell::new(row.name(), STRONG)];
            cells.extend(scores(row.score));
            cells.extend([count(row.gold), count(row.predicted), LAST]);
            table.row(cells);
        }
        return Some(table.render(0));
    }
    let names: Vec<String> = first.iter().map(BreakdownRow::name).collect();
    let numbered = names.iter().zip(first).enumerate();
    let rows = numbered.map(|(number, (name, row))| (name.as_str(), number, Some(row.gold)));
    let f1 = |system: &SystemReport, number: usize| {
        system.surfaces.by_training.as_ref().map_or(0.0, |rows| rows[number].score.f1)
    };
    Some(matrix(report, HEADING, rows, f1))
}

/// The engine without each of its parts.
fn without(ablation: &Ablation, has_rounds: bool) -> String {
    let mut table = Table::default();
    let numbers = ["kind", "documents", "f1", "difference", "interval", "p", "p (swap)"];
    table.row(headings("without", if has_rounds { &numbers } else { &numbers[..4] }));
    for one in &ablation.without {
        let mut cells = vec![Cell::new(&one.part.name, STRONG), Cell::right(one.part.kind, FAINT)];
        cells.extend([count(one.documents as u64), percent(one.f1)]);
        cells.extend(difference(one.difference, has_rounds));
        cells.push(LAST);
        table.row(cells);
    }
    table.render(0)
}

/// An engine on its way.
fn growing(name: &str, steps: &[Grown], has_rounds: bool) -> String {
    let mut table = Table::default();
    let numbers = ["kind", "f1", "difference", "interval", "p", "p (swap)"];
    table.row(headings(name, if has_rounds { &numbers } else { &numbers[..3] }));
    for step in steps {
        let (name, kind) = match (&step.part, name) {
            (Some(part), _) => (part.name.as_str(), part.kind),
            (None, "sources") => ("models alone", ""),
            (None, _) => ("no pass", ""),
        };
        let mut cells = vec![Cell::new(name, STRONG), Cell::right(kind, FAINT), percent(step.f1)];
        cells.extend(step.difference.into_iter().flat_map(|one| difference(one, has_rounds)));
        cells.push(LAST);
        table.row(cells);
    }
    table.render(0)
}

/// A difference of F1 and, where there were rounds, its interval and p-values.
fn difference(difference: Difference, has_rounds: bool) -> Vec<Cell> {
    let Difference { estimate, p_bootstrap, p_randomisation } = difference;
    let style = match estimate.value {
        _ if p_bootstrap.max(p_randomisation) >= SIGNIFICANT => Style::new(),
        value if value < 0.0 => AnsiColor::Red.on_default(),
        _ => AnsiColor::Green.on_default(),
    };
    let mut cells = vec![Cell::right(points(estimate.value), style)];
    if has_rounds {
        cells.push(Cell::right(interval(estimate, true), FAINT));
        cells.extend([p_bootstrap, p_randomisation].map(|p| Cell::right(format!("{p:.4}"), style)));
    }
    cells
}

fn entities(system: &SystemReport) -> String {
    rows("label", &system.entities)
}

/// A row a label, and the averages.
fn rows(heading: &str, report: &EntityReport) -> String {
    let mut table = Table::default();
    table.row(headings(heading, &["precision", "recall", "f1", "support"]));
    let mut row = |name: &str, row: &EntityRow, style: Style| {
        let mut cells = vec![Cell::new(name, style)];
        cells.extend(scores(row.score));
        cells.push(count(row.support));
        cells.push(LAST);
        table.row(cells);
    };
    for (label, scored) in &report.labels {
        row(label, scored, STRONG);
    }
    row("micro", &report.micro, FAINT);
    row("macro", &report.macro_average, FAINT);
    row("weighted", &report.weighted, FAINT);
    table.render(0)
}

fn scenarios(system: &SystemReport) -> String {
    let mut table = Table::default();
    table.row(headings(
        "scenario",
        &["precision", "recall", "f1", "correct", "incorrect", "partial", "missed", "spurious"],
    ));
    for (scenario, counts) in &system.scenarios.0 {
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

/// One average of all systems, and how each differs from the first.
fn comparison(
    report: &Report,
    average: &str,
    score: fn(&OfScores<Estimate>) -> OfScore<Estimate>,
    of: fn(&OfScores<Difference>) -> OfScore<Difference>,
) -> String {
    let mut table = Table::default();
    let has_rounds = report.resampling.rounds > 0;
    let numbers = if has_rounds {
        &["precision", "recall", "f1", "interval", "difference", "interval", "p", "p (swap)"][..]
    } else {
        &["precision", "recall", "f1", "difference"][..]
    };
    table.row(headings(average, numbers));
    for system in &report.systems {
        let OfScore { precision, recall, f1 } = score(&system.intervals);
        let mut cells = vec![Cell::new(&system.name, STRONG)];
        cells.extend([precision, recall, f1].map(|of| percent(of.value)));
        if has_rounds {
            cells.push(Cell::right(interval(f1, false), FAINT));
        }
        if let Some(differences) = &system.differences {
            cells.extend(self::difference(of(differences).f1, has_rounds));
        }
        cells.push(LAST);
        table.row(cells);
    }
    table.render(0)
}

/// The F1 of each label in each system.
fn labels(report: &Report) -> String {
    let rows = report.systems[0].intervals.labels.keys();
    let support = |label: &String| {
        let rows = report.systems.iter().filter_map(|one| one.entities.labels.get(label));
        rows.map(|row| row.support).max().unwrap_or_default()
    };
    let f1 = |system: &SystemReport, label: &String| system.intervals.labels[label].f1.value;
    let rows = rows.map(|label| (label.as_str(), label, Some(support(label))));
    matrix(report, "f1 of", rows, f1)
}

/// The F1 of each scenario in each system.
fn all_scenarios(report: &Report) -> String {
    let numbered = report.systems[0].scenarios.0.iter().enumerate();
    let rows = numbered.map(|(number, (scenario, _))| (scenario.name(), number, None));
    matrix(report, "f1 of", rows, |system, number| system.scenarios.0[number].1.score().f1)
}

/// A row a thing, a column a system; at the right the support, where there is one.
fn matrix<'r, T: Copy>(
    report: &'r Report,
    heading: &str,
    rows: impl Iterator<Item = (&'r str, T, Option<u64>)>,
    value: impl Fn(&SystemReport, T) -> f64,
) -> String {
    let mut table = Table::default();
    let mut rows = rows.peekable();
    let has_support = rows.peek().is_some_and(|(_, _, support)| support.is_some());
    let mut names: Vec<&str> = report.systems.iter().map(|system| system.name.as_str()).collect();
    names.extend(has_support.then_some("support"));
    table.row(headings(heading, &names));
    for (name, thing, support) in rows {
        let mut cells = vec![Cell::new(name, STRONG)];
        cells.extend(report.systems.iter().map(|system| percent(value(system, thing))));
        cells.extend(support.map(count));
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
    [score.precision, score.recall, score.f1].map(percent)
}

fn percent(share: f64) -> Cell {
    Cell::right(format!("{:.2}%", share * 100.0), Style::new())
}

/// A difference of two shares in percentage points, with its sign.
pub(super) fn points(difference: f64) -> String {
    // What rounds to nothing has no sign.
    let hundredths = (difference * 1e4).round();
    if hundredths == 0.0 { "0.00".to_owned() } else { format!("{:+.2}", hundredths / 100.0) }
}

/// The edges of an interval, in percent.
fn interval(Estimate { low, high, .. }: Estimate, is_signed: bool) -> String {
    let edge = |edge: f64| if is_signed { points(edge) } else { format!("{:.2}", edge * 100.0) };
    format!("[{}, {}]", edge(low), edge(high))
}

fn count(count: u64) -> Cell {
    Cell::right(count.to_string(), if count == 0 { FAINT } else { Style::new() })
}

/// How much was counted, what was not judged, and where intervals come from.
fn notes(report: &Report) -> String {
    let mut table = Table::default();
    let mut note = |name: &str, text: String| table.row([Cell::new(name, FAINT), text.into()]);
    note("counted", report.counted());
    for system in report.systems.iter().filter(|system| !system.not_judged.is_empty()) {
        let labels: Vec<String> =
            system.not_judged.iter().map(|(label, count)| format!("{label} ({count})")).collect();
        let by = match report.systems.as_slice() {
            [_] => String::new(),
            _ => format!("; predicted by {}", system.name),
        };
        note("not judged", format!("gold has no {}{by}", labels.join(", ")));
    }
    for system in &report.systems {
        let by = match report.systems.as_slice() {
            [_] => String::new(),
            _ => format!(" by {}", system.name),
        };
        let (accuracy, tokens) = (system.tokens.accuracy * 100.0, system.tokens.counts.tokens);
        note("words", format!("{accuracy:.2}% of {tokens} tagged right{by}"));
    }
    let Resampling { rounds, .. } = report.resampling;
    if rounds > 0 {
        let alone = match report.systems.as_slice() {
            [system] => format!("micro f1 {} ", interval(system.intervals.micro.f1, false)),
            _ => String::new(),
        };
        note("intervals", format!("{alone}of 95 %, from {rounds} draws of documents"));
    }
    if let [first, _, ..] = report.systems.as_slice() {
        let text = format!(
            "from {}, in points of f1; p by the paired bootstrap, p (swap) by approximate randomisation",
            first.name
        );
        note("difference", text);
    }
    table.render(0)
}
