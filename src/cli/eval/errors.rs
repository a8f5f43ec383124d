//! What is wrong, for people: in groups by the step that decided, each error with the text around it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::report::Report;
use crate::cli::difference::{Difference, Piece, by_step};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::eval::PairKind;

/// The groups, the largest first, each with at most `most` errors; what no step decided, as in
/// predictions of other programs, is a group without a name at the end. Of several systems it is said whose
/// errors they are.
pub(super) fn render(report: &Report, errors: &[Difference], most: usize) -> String {
    let mut text = match report.systems.as_slice() {
        [_] => String::new(),
        _ => format!("{}\n\n", styled(&format!("errors of {}", report.told().name), FAINT)),
    };
    let steps = by_step(errors);
    for step in steps.iter().map(|(step, _)| *step).chain([""]) {
        let members: Vec<&Difference> = errors.iter().filter(|one| one.step() == step).collect();
        if !members.is_empty() {
            group(&mut text, step, &members, most);
        }
    }
    text
}

fn group(text: &mut String, step: &str, members: &[&Difference], most: usize) {
    let counts = PairKind::ERRORS.into_iter().filter_map(|kind| {
        let count = members.iter().filter(|one| one.kind == kind).count();
        (count > 0).then(|| format!("{count} {}", kind.name()))
    });
    let name = if step.is_empty() { "errors" } else { step };
    let counts = counts.collect::<Vec<_>>().join(", ");
    writeln!(text, "{}  {}", styled(name, STRONG), styled(&counts, FAINT))
        .expect("a string takes everything");
    let mut table = Table::default();
    for one in members.iter().take(most) {
        let [gold, predicted] = one.sides.each_ref().map(|side| side.as_ref());
        let labels = match (gold, predicted) {
            (Some(gold), Some(other)) if gold.label != other.label => {
                format!("{} → {}", gold.label, other.label)
            }
            (one, other) => one.or(other).map_or_else(String::new, |side| side.label.clone()),
        };
        let kind = Cell::new(one.kind.name(), style(one.kind));
        table.row([kind, labels.into(), excerpt(&one.excerpt).into()]);
        let why = one.decision.as_ref().map(|decision| {
            if decision.line.is_empty() {
                decision.reason.clone()
            } else {
                format!("{}  {}", decision.line, decision.reason)
            }
        });
        if let Some(why) = why {
            table.row([Cell::EMPTY, Cell::EMPTY, Cell::new(why, FAINT)]);
        }
    }
    text.push_str(&table.render(2));
    if members.len() > most && most > 0 {
        let more = format!("  … and {} more", members.len() - most);
        writeln!(text, "{}", styled(&more, FAINT)).expect("a string takes everything");
    }
    text.push('\n');
}

/// The text around, gold in `[ ]`, what was predicted in `{ }`.
fn excerpt(pieces: &[Piece]) -> String {
    const MARKS: [[char; 2]; 2] = [['[', ']'], ['{', '}']];
    let mut text = String::new();
    let mut inside = [false; 2];
    let end = Piece { text: String::new(), is_in: [false; 2] };
    for piece in pieces.iter().chain([&end]) {
        for side in [1, 0] {
            if inside[side] && !piece.is_in[side] {
                text.push(MARKS[side][1]);
            }
        }
        for side in [0, 1] {
            if !inside[side] && piece.is_in[side] {
                text.push(MARKS[side][0]);
            }
        }
        inside = piece.is_in;
        let style = match piece.is_in {
            [false, false] => Style::new(),
            [true, true] => STRONG,
            [true, false] => STRONG.fg_color(Some(AnsiColor::Green.into())),
            [false, true] => STRONG.fg_color(Some(AnsiColor::Red.into())),
        };
        if !piece.text.is_empty() {
            text.push_str(&styled(&piece.text, style));
        }
    }
    text
}

fn style(kind: PairKind) -> Style {
    match kind {
        PairKind::Missed => AnsiColor::Green.on_default(),
        PairKind::Spurious => AnsiColor::Red.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    }
}
