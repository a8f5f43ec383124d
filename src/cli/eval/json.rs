//! The scores as one JSON object on a line.

use serde_json::{Map, Value, json};

use super::Report;
use crate::eval::{EntityRow, Scenario, SemevalCounts};

/// The line.
pub(super) fn render(report: &Report<'_>) -> String {
    let entities = &report.entities;
    let labels: Map<String, Value> =
        entities.labels.iter().map(|(label, scored)| (label.clone(), row(scored))).collect();
    let label_scenarios: Map<String, Value> = report
        .label_scenarios
        .iter()
        .map(|(label, counts)| (label.clone(), scenarios(counts)))
        .collect();
    let object = json!({
        "documents": report.documents,
        "gold": report.gold,
        "predicted": report.predicted,
        "not_judged": report.not_judged,
        "labels": labels,
        "micro": row(&entities.micro),
        "macro": row(&entities.macro_average),
        "weighted": row(&entities.weighted),
        "scenarios": scenarios(&report.scenarios),
        "label_scenarios": label_scenarios,
    });
    format!("{object}\n")
}

fn row(EntityRow { score, support }: &EntityRow) -> Value {
    json!({
        "precision": score.precision,
        "recall": score.recall,
        "f1": score.f1,
        "support": support,
    })
}

fn scenarios(counted: &[(Scenario, SemevalCounts)]) -> Value {
    let one = |(scenario, counts): &(Scenario, SemevalCounts)| {
        let score = counts.score();
        let value = json!({
            "correct": counts.correct,
            "incorrect": counts.incorrect,
            "partial": counts.partial,
            "missed": counts.missed,
            "spurious": counts.spurious,
            "possible": counts.possible(),
            "actual": counts.actual(),
            "precision": score.precision,
            "recall": score.recall,
            "f1": score.f1,
        });
        (scenario.name().to_owned(), value)
    };
    Value::Object(counted.iter().map(one).collect())
}
