//! What was turned and what it gains, with all digits.

use serde_json::{Value as Json, json};

use super::text::side;
use super::{Outcome, Report};
use crate::tune::Taken;
use crate::tune::knob::Value;

pub(super) fn render(report: &Report<'_>) -> String {
    let Report { tuned, objective, documents, patch, outcome, entries, cues } = report;
    let before_and_after =
        |(before, after): (f64, f64)| json!({ "before": before, "after": after });
    let turned = |taken: &Taken| {
        json!({
            "name": taken.name,
            "from": taken.before.as_ref().map(value),
            "to": taken.turns.iter().map(|(_, to)| value(to)).collect::<Vec<_>>(),
            "gain": taken.gain,
        })
    };
    let entries = entries.iter().map(|e| {
        json!({ "surface": e.surface, "label": e.label, "missed": e.missed, "in_gold": e.with_label,
                "in_text": e.everywhere })
    });
    let cues = cues.iter().map(|c| {
        json!({ "word": c.word, "side": side(c.side), "label": c.label, "add": c.log_odds,
                "right": c.with_label, "of": c.beside, "missed": c.missed })
    });
    let written = match outcome {
        Outcome::Written(path) => Some(path.display().to_string()),
        Outcome::Unchanged | Outcome::Refused | Outcome::Printed => None,
    };
    let report = json!({
        "objective": objective.to_string(),
        "documents": documents,
        "tried": tuned.tried,
        "stopped": tuned.was_stopped,
        "turned": tuned.taken.iter().map(turned).collect::<Vec<_>>(),
        "learnt": before_and_after(tuned.learnt),
        "held_out": tuned.held_out.map(before_and_after),
        "difference": tuned.difference,
        "significant": tuned.is_significant(),
        "written": written,
        "patch": patch,
        "entries": entries.collect::<Vec<_>>(),
        "cues": cues.collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

fn value(value: &Value) -> Json {
    match value {
        Value::Number(number) => json!(number),
        Value::Name(name) => json!(name),
        Value::Platt { temperature, bias } => json!({ "temperature": temperature, "bias": bias }),
        Value::Off => json!("off"),
    }
}
