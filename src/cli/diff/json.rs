//! The differences as one JSON object on a line. `docs/diff.md` describes it.

use serde_json::{Map, Value, json};

use super::{Report, kind_name};
use crate::cli::difference::Difference;

/// The line.
pub(super) fn render(report: &Report, names: &[String; 2]) -> String {
    let counts: Map<String, Value> = report
        .counts()
        .into_iter()
        .map(|(kind, count)| (super::name_of(kind).to_owned(), count.into()))
        .collect();
    let groups: Vec<Value> = report
        .groups()
        .into_iter()
        .map(
            |((step, line), members)| json!({ "step": step, "line": line, "count": members.len() }),
        )
        .collect();
    let one = |one: &Difference| one.to_json(kind_name(one), ["a", "b"]);
    let object = json!({
        "a": names[0],
        "b": names[1],
        "documents": report.documents,
        "differing": report.differing,
        "same": report.same,
        "counts": counts,
        "groups": groups,
        "differences": report.differences.iter().map(one).collect::<Vec<_>>(),
    });
    format!("{object}\n")
}
