//! The scores as one JSON object on a line.

use serde_json::{Map, Value, json};

use super::Report;
use super::details::Details;
use crate::cli::difference::Difference;
use crate::eval::{
    Breakdown, BreakdownRow, Calibration, CalibrationBin, Confusion, EntityRow, Scenario,
    SemevalCounts,
};

/// The line, with the details where there are some.
pub(super) fn render(report: &Report<'_>, details: Option<&Details>) -> String {
    let entities = &report.entities;
    let labels: Map<String, Value> =
        entities.labels.iter().map(|(label, scored)| (label.clone(), row(scored))).collect();
    let label_scenarios: Map<String, Value> = report
        .label_scenarios
        .iter()
        .map(|(label, counts)| (label.clone(), scenarios(counts)))
        .collect();
    let mut object = json!({
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
    if let Some(details) = details {
        object["confusion"] = confusion(&details.confusion);
        object["calibration"] = details.calibration.as_ref().map(calibration).into();
        object["lengths"] = breakdown(&details.lengths);
        object["rarities"] = breakdown(&details.rarities);
        let errors = details.errors.iter();
        let error = |e: &Difference| e.to_json(e.kind.name(), ["gold", "predicted"]);
        object["errors"] = errors.map(error).collect();
    }
    format!("{object}\n")
}

/// A list of the cells that hold something; a label that is `null` stands for no partner.
fn confusion(confusion: &Confusion) -> Value {
    let labels = confusion.labels();
    let with_none = || labels.iter().copied().map(Some).chain([None]);
    let mut cells = Vec::new();
    for gold in with_none() {
        for predicted in with_none() {
            let cell = confusion.cell(gold, predicted);
            if cell.count > 0 {
                cells.push(json!({
                    "gold": gold, "predicted": predicted, "count": cell.count, "exact": cell.exact,
                }));
            }
        }
    }
    Value::from(cells)
}

fn calibration(calibration: &Calibration) -> Value {
    let bins = calibration.bins();
    let bin = |bin: &CalibrationBin| {
        json!({
            "from": bin.from, "to": bin.to, "count": bin.count, "right": bin.right,
            "mean_score": bin.mean_score, "accuracy": bin.accuracy,
        })
    };
    json!({
        "expected_error": calibration.expected_error(),
        "brier": calibration.brier(),
        "bins": bins.iter().map(bin).collect::<Vec<_>>(),
    })
}

fn breakdown(breakdown: &Breakdown) -> Value {
    let row = |row: &BreakdownRow| {
        json!({
            "least": row.least, "most": row.most, "gold": row.gold, "predicted": row.predicted,
            "right": row.right, "precision": row.score.precision, "recall": row.score.recall,
            "f1": row.score.f1,
        })
    };
    breakdown.rows().iter().map(row).collect()
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
