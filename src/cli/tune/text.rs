//! What was turned and what it gains, as tables, and the patch.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Outcome, Report};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::tune::knob::Value;
use crate::tune::suggest::Side;
use crate::tune::{Taken, Tuned};

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();

pub(super) fn render(report: &Report<'_>) -> String {
    let mut out = String::new();
    let Report { tuned, objective, documents, .. } = report;
    if !tuned.taken.is_empty() {
        out.push_str(&turned(&tuned.taken));
        out.push('\n');
    }
    let mut facts = Table::default();
    let mut fact = |what: &str, text: String| {
        facts.row([Cell::new(what, FAINT), text.into()]);
    };
    fact("tried", format!("{} settings on {documents} documents", tuned.tried));
    let (before, after) = tuned.learnt;
    fact(
        "learnt",
        format!("{objective} {} → {} on the same documents", percent(before), percent(after)),
    );
    fact("held out", held_out(report));
    fact("file", file(report));
    out.push_str(&facts.render(0));
    suggestions(report, &mut out);
    if matches!(report.outcome, Outcome::Printed) {
        out.push('\n');
        for line in report.patch.lines() {
            let style = match line.chars().next() {
                Some('+') => ADDED,
                Some('-') => REMOVED,
                Some('@') => FAINT,
                _ => Style::new(),
            };
            let _ = writeln!(out, "{}", styled(line, style));
        }
    }
    out
}

fn turned(taken: &[Taken]) -> String {
    let mut table = Table::new(["turned", "from", "to", "gain"]);
    for Taken { name, before, turns, gain } in taken {
        let values: Vec<String> = turns.iter().map(|(_, value)| value.to_string()).collect();
        let before = match (before, turns.as_slice()) {
            (Some(value), _) => value.to_string(),
            (None, [(_, Value::Off)]) => "on".to_owned(),
            (None, _) => String::new(),
        };
        table.row([
            name.as_str().into(),
            Cell::right(before, FAINT),
            values.join(", ").into(),
            Cell::right(format!("{:+.2}", 100.0 * gain), STRONG),
        ]);
    }
    table.render(0)
}

fn held_out(report: &Report<'_>) -> String {
    let Tuned { held_out, difference, was_stopped, .. } = report.tuned;
    let (Some((before, after)), Some(difference)) = (held_out, difference) else {
        let why = if *was_stopped { "the search was stopped" } else { "there were no folds" };
        return format!("unknown: {why}");
    };
    let estimate = difference.estimate;
    format!(
        "{} {} → {}; micro-F1 {:+.2} [{:+.2}, {:+.2}], p {:.4} (bootstrap), {:.4} (randomisation)",
        report.objective,
        percent(*before),
        percent(*after),
        100.0 * estimate.value,
        100.0 * estimate.low,
        100.0 * estimate.high,
        difference.p_bootstrap,
        difference.p_randomisation,
    )
}

fn file(report: &Report<'_>) -> String {
    match &report.outcome {
        Outcome::Unchanged => "not changed: no turn is clearly better".to_owned(),
        Outcome::Refused => {
            "not written: the gain on held-out documents is not significant (--force writes it)"
                .to_owned()
        }
        Outcome::Printed => {
            "not written: the patch is below (-o FILE or --in-place writes it)".to_owned()
        }
        Outcome::Written(path) => format!("written to {}", path.display()),
    }
}

fn suggestions(report: &Report<'_>, out: &mut String) {
    let number = |number: usize| Cell::right(number.to_string(), Style::new());
    if !report.entries.is_empty() {
        let mut table = Table::new(["entry", "label", "missed", "in gold", "in text"]);
        for entry in &report.entries {
            table.row([
                entry.surface.as_str().into(),
                entry.label.as_str().into(),
                number(entry.missed),
                number(entry.with_label),
                number(entry.everywhere),
            ]);
        }
        let _ = write!(out, "\n{}", table.render(0));
    }
    if !report.cues.is_empty() {
        let mut table = Table::new(["cue", "side", "label", "add", "right", "of"]);
        for cue in &report.cues {
            table.row([
                cue.word.as_str().into(),
                side(cue.side).into(),
                cue.label.as_str().into(),
                Cell::right(format!("{:+.1}", cue.log_odds), STRONG),
                number(cue.with_label),
                number(cue.beside),
            ]);
        }
        let _ = write!(out, "\n{}", table.render(0));
    }
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Left => "left",
        Side::Right => "right",
    }
}

fn percent(value: f64) -> String {
    format!("{:.2}", 100.0 * value)
}
