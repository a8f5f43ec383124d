//! The counts as JSON, with all surfaces and digits.

use serde_json::{Map, Value, json};

use super::Report;
use crate::eval::corpus::{
    Distribution, Leak, PartStats, frequent_surfaces, label_conflicts, long_tail,
};

pub(super) fn render(report: &Report) -> String {
    let value = json!({
        "parts": report.parts.iter().map(part).collect::<Vec<_>>(),
        "all": part(&report.all),
        "leaks": report.leaks.iter().map(leak).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn part(part: &PartStats) -> Value {
    let labels: Map<String, Value> = part
        .labels
        .iter()
        .map(|(label, stats)| {
            let value = json!({
                "entities": stats.lengths.count(),
                "surfaces": stats.surfaces.len(),
                "tokens": lengths(&stats.lengths),
            });
            (label.clone(), value)
        })
        .collect();
    let conflicts: Vec<Value> = label_conflicts(part)
        .into_iter()
        .map(|conflict| {
            let labels: Map<String, Value> =
                conflict.labels.into_iter().map(|(label, count)| (label, count.into())).collect();
            json!({ "surface": conflict.surface, "labels": labels })
        })
        .collect();
    let tail: Vec<Value> = long_tail(part)
        .iter()
        .map(|s| json!({ "from": s.from, "to": s.to, "surfaces": s.surfaces, "entities": s.entities }))
        .collect();
    let surfaces: Vec<Value> = frequent_surfaces(part, usize::MAX)
        .into_iter()
        .map(|(surface, count)| json!([surface, count]))
        .collect();
    let examples: Vec<Value> =
        part.duplicate_examples.iter().map(|(first, again)| json!([first, again])).collect();
    json!({
        "name": part.name,
        "documents": part.documents.count(),
        "documents_with_gold": part.documents_with_gold,
        "sentences": part.sentences.count(),
        "tokens": part.tokens(),
        "characters": part.characters,
        "tokens_in_entities": part.tokens_in_entities,
        "entities": part.entities(),
        "duplicates": {
            "documents": part.duplicates,
            "with_other_entities": part.duplicates_that_differ,
            "examples": examples,
        },
        "lengths": {
            "documents": lengths(&part.documents),
            "sentences": lengths(&part.sentences),
            "entities": lengths(&part.entity_lengths()),
        },
        "labels": labels,
        "label_conflicts": conflicts,
        "long_tail": tail,
        "surfaces": surfaces,
    })
}

/// Lengths in tokens.
fn lengths(lengths: &Distribution) -> Value {
    json!({
        "mean": lengths.mean(),
        "p50": lengths.percentile(50),
        "p90": lengths.percentile(90),
        "p99": lengths.percentile(99),
        "longest": lengths.longest(),
    })
}

fn leak(leak: &Leak) -> Value {
    json!({
        "from": leak.from,
        "to": leak.to,
        "documents": leak.documents,
        "documents_with_other_entities": leak.documents_that_differ,
        "entities_seen": leak.surfaces,
        "entities_seen_alike": leak.surfaces_and_labels,
    })
}
