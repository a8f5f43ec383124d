//! The report as one JSON object on a line.

use serde_json::{Value, json};

use super::details::Details;
use super::report::Report;
use crate::cli::difference::Difference;
use crate::eval::{Calibration, CalibrationBin, Confusion};

/// The line, with the details where there are some.
pub(super) fn render(report: &Report, details: Option<&Details>) -> String {
    let mut object = serde_json::to_value(report).expect("a report is JSON");
    if let Some(details) = details {
        object["errors_of"] = report.told().name.clone().into();
        object["confusion"] = confusion(&details.confusion);
        object["calibration"] = details.calibration.as_ref().map(calibration).into();
        object["lengths"] = json!(details.lengths.rows());
        object["rarities"] = json!(details.rarities.rows());
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
