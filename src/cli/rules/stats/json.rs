//! The rules as JSON Lines: one object a rule, then one for the shared time of each source and pass.

use serde_json::{Map, Value, json};

use super::Shown;
use crate::pipeline::rule_stats::{Holder, Judged, RuleRow};

/// The lines.
pub(super) fn render(shown: &Shown<'_>, has_time: bool) -> String {
    let total = shown.total_seconds();
    let time = |seconds: f64, object: &mut Map<String, Value>| {
        if has_time {
            object.insert("time_ms".into(), rounded(seconds * 1e3).into());
            let share = if total > 0.0 { seconds / total } else { 0.0 };
            object.insert("time_share".into(), rounded(share).into());
        }
    };
    let mut lines = Vec::new();
    for row in &shown.rows {
        let mut object = object(shown, row);
        time(row.time.as_secs_f64(), &mut object);
        lines.push(Value::Object(object));
    }
    for (holder, seconds) in shown.stats.shared_times().filter(|_| has_time) {
        let mut object = place(shown, holder);
        object.insert("rule".into(), Value::Null);
        time(seconds.as_secs_f64(), &mut object);
        lines.push(Value::Object(object));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn object(shown: &Shown<'_>, row: &RuleRow<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("rule".into(), (*row.rule.id).into());
    object.append(&mut place(shown, row.holder));
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("action", row.rule.action.into());
    put("label", row.rule.label.as_ref().map(|label| label.as_str()).into());
    put("line", row.rule.place.file_and_line().into());
    let counts = [
        ("fired", row.fired),
        ("won", row.won),
        ("lost", row.lost),
        ("dropped", row.dropped),
        ("helper", row.helper),
        ("conflicted", row.conflicted),
        ("given_up", row.given_up),
    ];
    counts.into_iter().for_each(|(key, count)| drop(put(key, count.into())));
    if shown.has_gold {
        let judged = [
            (row.judged, ["right", "wrong", "precision"]),
            (row.won_judged, ["won_right", "won_wrong", "won_precision"]),
        ];
        for (judged, [right, wrong, precision]) in judged {
            let Judged { right: r, wrong: w } = judged;
            put(right, r.into());
            put(wrong, w.into());
            put(precision, judged.precision().map(rounded).into());
        }
    }
    object
}

/// Where a rule runs: a source, or a pass and its number, from 1.
fn place(shown: &Shown<'_>, holder: &Holder) -> Map<String, Value> {
    let value = match holder {
        Holder::Source(name) => json!({ "source": &**name, "step": null, "pass": null }),
        Holder::Step(step) => {
            let name = shown.engine.steps()[*step].kind.name;
            json!({ "source": null, "step": step + 1, "pass": name })
        }
    };
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// A number to four decimals, as in all our outputs.
fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}
