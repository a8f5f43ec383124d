//! The differences for people: groups by what decided, each with examples.

use anstyle::{AnsiColor, Style};

use super::{Report, kind_name, name_of};
use crate::cli::difference::{Difference, Side};
use crate::cli::print::{on_one_line, shortened};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::eval::PairKind;

/// So many characters of an entity are shown.
const SURFACE: usize = 40;

/// The groups, each with at most so many examples, and the counts.
pub(super) fn render(report: &Report, examples: usize) -> String {
    let mut text = String::new();
    for ((step, line), members) in report.groups() {
        let line =
            if line.is_empty() { String::new() } else { format!("  {}", styled(line, FAINT)) };
        text.push_str(&format!("{}{line}  {}\n", styled(step, STRONG), members.len()));
        let mut table = Table::default();
        members.iter().take(examples).for_each(|one| table.row(row(one)));
        text.push_str(&table.render(2));
        if members.len() > examples && examples > 0 {
            let more = format!("  … and {} more", members.len() - examples);
            text.push_str(&format!("{}\n", styled(&more, FAINT)));
        }
        text.push('\n');
    }
    let counts = report.counts();
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", styled(name_of(kind), style(kind))))
        .collect();
    let told = if parts.is_empty() { "no difference".to_owned() } else { parts.join(", ") };
    text.push_str(&format!("{told}; {}\n", report.compared()));
    text
}

/// `removed  'Paris' LOC  a.txt 3..8  why`.
fn row(one: &Difference) -> [Cell; 4] {
    let [first, second] = &one.sides;
    let what = match (first, second) {
        (Some(a), Some(b)) if one.kind == PairKind::Label => {
            format!("{} {} → {}", surface(a), a.label, b.label)
        }
        (Some(a), Some(b)) if one.kind == PairKind::Boundary => {
            format!("{} → {} {}", surface(a), surface(b), b.label)
        }
        (Some(a), Some(b)) => {
            format!("{} {} → {} {}", surface(a), a.label, surface(b), b.label)
        }
        (side, other) => side
            .as_ref()
            .or(other.as_ref())
            .map_or_else(String::new, |side| format!("{} {}", surface(side), side.label)),
    };
    let side = first.as_ref().or(second.as_ref());
    let place = side
        .map_or_else(String::new, |side| format!("{} {}..{}", one.document, side.start, side.end));
    let reason = one.decision.as_ref().map_or("", |decision| decision.reason.as_str());
    [
        Cell::new(kind_name(one), style(one.kind)),
        what.into(),
        Cell::new(on_one_line(&place), FAINT),
        reason.into(),
    ]
}

fn surface(side: &Side) -> String {
    format!("'{}'", shortened(&side.text, SURFACE))
}

fn style(kind: PairKind) -> Style {
    match kind {
        PairKind::Missed => AnsiColor::Red.on_default(),
        PairKind::Spurious => AnsiColor::Green.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    }
}
