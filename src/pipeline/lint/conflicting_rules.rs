//! The lint `conflicting-rules`.

use std::collections::BTreeMap;

use super::facts::TextRule;
use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;

pub(super) const LINT: Lint = Lint {
    name: "conflicting-rules",
    doc: "Two rules about text that find the same, by the same patterns, group and contexts, and give it \
          different labels: nothing but the merge tells them apart.",
    level: Level::Warn,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    let mut same: BTreeMap<String, Vec<TextRule<'_>>> = BTreeMap::new();
    for rule in engine.text_rules() {
        same.entry(rule.rule.matching()).or_default().push(rule);
    }
    for rules in same.into_values() {
        let (first, others) = rules.split_first().expect("at least the rule that made the key");
        let other = others.iter().find(|other| other.rule.label != first.rule.label);
        let Some(other) = other else { continue };
        let message = format!(
            "rule '{}' finds as {} exactly what {} finds as {}",
            other.rule.id,
            other.rule.label,
            first.shown_beside(other),
            first.rule.label
        );
        let choice = match engine.choice() {
            Some(step) => {
                format!(
                    "the pass '{}' ({}) chooses between them every time",
                    step.kind.name, step.place
                )
            }
            None => "no pass chooses between them, so that both are given".to_owned(),
        };
        let advice =
            format!("{choice}; give one of them a condition (left, right, check) or remove it");
        findings.add(other.rule.written.place(), message, advice, [first.rule.written.place()]);
    }
}
