//! The counts as tables for people, and the long tail as bars.

use anstyle::{AnsiColor, Style};

use super::Report;
use crate::cli::print::{grouped, on_one_line};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::eval::corpus::{Distribution, PartStats, frequent_surfaces, label_conflicts, long_tail};

/// Ends a row: the last cell of a row is not aligned.
const LAST: Cell = Cell::EMPTY;

/// How long the longest bar is.
const BAR: u64 = 40;

const BARS: Style = AnsiColor::Cyan.on_default();

/// Labels are counted part by part where there are at most so many.
const COLUMNS: usize = 6;

pub(super) fn render(report: &Report, top: usize) -> String {
    let mut sections = vec![sizes(report), lengths(report)];
    if report.all.entities() > 0 {
        sections.push(labels(report));
    }
    if !report.leaks.is_empty() {
        sections.push(leaks(report));
    }
    if report.all.duplicates > 0 {
        sections.extend(duplicates(report));
    }
    if report.all.entities() > 0 {
        sections.extend(conflicts(report, top));
        sections.push(tail(report, top));
    }
    sections.join("\n")
}

/// The parts, and all of them where there are several.
fn rows(report: &Report) -> impl Iterator<Item = (&PartStats, Style)> {
    let all = (report.parts.len() > 1).then_some((&report.all, FAINT));
    report.parts.iter().map(|part| (part, STRONG)).chain(all)
}

fn headings<'h>(first: &str, numbers: impl IntoIterator<Item = &'h str>) -> Vec<Cell> {
    let mut cells = vec![Cell::new(first, FAINT)];
    cells.extend(numbers.into_iter().map(|heading| Cell::right(heading, FAINT)));
    cells.push(LAST);
    cells
}

/// A number and what it counts.
fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { several })
}

fn count(count: u64) -> Cell {
    Cell::right(grouped(count), if count == 0 { FAINT } else { Style::new() })
}

fn share(part: u64, whole: u64) -> Cell {
    if whole == 0 {
        return Cell::right("-", FAINT);
    }
    Cell::right(format!("{:.1}%", 100.0 * part as f64 / whole as f64), Style::new())
}

fn sizes(report: &Report) -> String {
    let mut table = Table::default();
    table.row(headings(
        "part",
        ["documents", "sentences", "tokens", "entities", "in entities", "duplicates"],
    ));
    for (part, style) in rows(report) {
        table.row([
            Cell::new(&*part.name, style),
            count(part.documents.count()),
            count(part.sentences.count()),
            count(part.tokens()),
            count(part.entities()),
            share(part.tokens_in_entities, part.tokens()),
            count(part.duplicates),
            LAST,
        ]);
    }
    let mut text = table.render(0);
    let without = report.all.documents.count() - report.all.documents_with_gold;
    if without > 0 {
        let note = format!("{} came without gold", counted(without, "document", "documents"));
        text.push_str(&styled(&note, FAINT));
        text.push('\n');
    }
    text
}

fn lengths(report: &Report) -> String {
    let mut table = Table::default();
    table.row(headings("length in tokens", ["", "mean", "p50", "p90", "p99", "longest"]));
    for (part, style) in rows(report) {
        let entities = part.entity_lengths();
        let kinds: [(&str, &Distribution); 3] = [
            ("documents", &part.documents),
            ("sentences", &part.sentences),
            ("entities", &entities),
        ];
        // Where each document is one sentence, one row says both.
        let is_same = part.documents == part.sentences;
        let shown = kinds
            .into_iter()
            .filter(|(kind, lengths)| lengths.count() > 0 && !(is_same && *kind == "documents"));
        for (number, (kind, lengths)) in shown.enumerate() {
            let name = if number == 0 { Cell::new(&*part.name, style) } else { LAST };
            let number = |number: usize| count(number as u64);
            table.row([
                name,
                kind.into(),
                Cell::right(format!("{:.2}", lengths.mean()), Style::new()),
                number(lengths.percentile(50)),
                number(lengths.percentile(90)),
                number(lengths.percentile(99)),
                number(lengths.longest()),
                LAST,
            ]);
        }
    }
    table.render(0)
}

fn labels(report: &Report) -> String {
    let parts: &[PartStats] =
        if (2..=COLUMNS).contains(&report.parts.len()) { &report.parts } else { &[] };
    let mut table = Table::default();
    let names = parts.iter().map(|part| part.name.rsplit(['/', '\\']).next().unwrap_or(&part.name));
    table.row(headings(
        "label",
        names.chain(["entities", "share", "surfaces", "mean length", "longest"]),
    ));
    for (label, all) in &report.all.labels {
        let mut cells = vec![Cell::new(&**label, STRONG)];
        let of_part = |part: &PartStats| part.labels.get(label).map_or(0, |l| l.lengths.count());
        cells.extend(parts.iter().map(|part| count(of_part(part))));
        cells.extend([
            count(all.lengths.count()),
            share(all.lengths.count(), report.all.entities()),
            count(all.surfaces.len() as u64),
            Cell::right(format!("{:.2}", all.lengths.mean()), Style::new()),
            count(all.lengths.longest() as u64),
            LAST,
        ]);
        table.row(cells);
    }
    table.render(0)
}

fn leaks(report: &Report) -> String {
    let mut table = Table::default();
    let mut heading =
        headings("stands again in", ["documents", "share", "differ", "seen", "seen alike"]);
    heading.insert(1, Cell::new("of", FAINT));
    table.row(heading);
    for leak in &report.leaks {
        let Some(to) = report.parts.iter().find(|part| part.name == leak.to) else { continue };
        table.row([
            Cell::new(&*leak.to, STRONG),
            Cell::from(&*leak.from),
            count(leak.documents),
            share(leak.documents, to.documents.count()),
            count(leak.documents_that_differ),
            share(leak.surfaces, to.entities()),
            share(leak.surfaces_and_labels, to.entities()),
            LAST,
        ]);
    }
    table.render(0)
}

/// The duplicates of each part, with examples.
fn duplicates(report: &Report) -> Option<String> {
    let mut table = Table::default();
    table.row(headings("duplicates in", ["documents", "differ"]));
    let mut any = false;
    for part in report.parts.iter().filter(|part| part.duplicates > 0) {
        any = true;
        let examples: Vec<String> = part
            .duplicate_examples
            .iter()
            .map(|(first, again)| on_one_line(&format!("{again} = {first}")))
            .collect();
        table.row([
            Cell::new(&*part.name, STRONG),
            count(part.duplicates),
            count(part.duplicates_that_differ),
            Cell::new(examples.join(", "), FAINT),
        ]);
    }
    any.then(|| table.render(0))
}

fn conflicts(report: &Report, top: usize) -> Option<String> {
    let conflicts = label_conflicts(&report.all);
    if conflicts.is_empty() {
        return None;
    }
    let entities: u64 = conflicts.iter().map(|conflict| conflict.minority()).sum();
    let mut table = Table::new(["surface with several labels", "labels"]);
    for conflict in conflicts.iter().take(top) {
        let labels: Vec<String> = conflict
            .labels
            .iter()
            .map(|(label, count)| format!("{label} {}", grouped(*count)))
            .collect();
        table.row([Cell::new(on_one_line(&conflict.surface), STRONG), labels.join(", ").into()]);
    }
    let total = counted(conflicts.len() as u64, "surface", "surfaces");
    let more = if conflicts.len() > top { format!(" ({top} shown)") } else { String::new() };
    let entities = counted(entities, "entity", "entities");
    let note =
        format!("{total} with several labels{more}, {entities} with another than the usual one");
    table.note(styled(&note, FAINT));
    Some(table.render(0))
}

fn tail(report: &Report, top: usize) -> String {
    let steps = long_tail(&report.all);
    let most = steps.iter().map(|step| step.surfaces).max().unwrap_or(0).max(1);
    let mut table = Table::default();
    let mut heading = headings("surfaces that come", ["surfaces", "entities"]);
    heading.pop();
    heading.push(Cell::new("surfaces", FAINT));
    table.row(heading);
    for step in &steps {
        let name = match (step.from, step.to) {
            (1, 1) => "once".to_owned(),
            (2, 2) => "twice".to_owned(),
            (from, to) => format!("{from} to {to} times"),
        };
        // Whatever there is shows.
        let length = (step.surfaces * BAR).div_ceil(most) as usize;
        table.row([
            name.into(),
            count(step.surfaces),
            share(step.entities, report.all.entities()),
            Cell::new("█".repeat(length), BARS),
        ]);
    }
    let frequent: Vec<String> = frequent_surfaces(&report.all, top)
        .into_iter()
        .map(|(surface, count)| format!("{} {}", on_one_line(&surface), grouped(count)))
        .collect();
    if !frequent.is_empty() {
        table.note(styled(&format!("most frequent: {}", frequent.join(", ")), FAINT));
    }
    table.render(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        let shown = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
