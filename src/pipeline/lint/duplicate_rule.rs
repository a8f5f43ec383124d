//! The lint `duplicate-rule`.

use std::collections::BTreeMap;

use super::facts::TextRule;
use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;
use crate::rule::entity::EntityRule;

pub(super) const LINT: Lint = Lint {
    name: "duplicate-rule",
    doc: "Two rules that find the same and call it the same: same patterns (with all macros and lists \
          replaced), group, contexts and label, in one source or in two; in a merge pass, two rules that say \
          the same but for their names, documentation and cases.",
    level: Level::Warn,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    let mut seen: BTreeMap<(String, String), TextRule<'_>> = BTreeMap::new();
    for rule in engine.text_rules() {
        let key = (rule.rule.matching(), rule.rule.label.to_string());
        let Some(first) = seen.get(&key) else {
            seen.insert(key, rule);
            continue;
        };
        let message = format!(
            "rule '{}' finds the same as {}, with the same label {}",
            rule.rule.id,
            first.shown_beside(&rule),
            rule.rule.label
        );
        let first = first.rule.written.place();
        let advice = "remove one of them, or leave it out of one of the sources with 'without'";
        findings.add(rule.rule.written.place(), message, advice, [first]);
    }
    for (_, pass) in engine.rule_steps() {
        let mut seen: BTreeMap<(&str, Option<&str>), &EntityRule> = BTreeMap::new();
        for rule in pass.compiled() {
            let key = (&*rule.written.content, rule.label.as_ref().map(|label| label.as_str()));
            let Some(first) = seen.get(&key) else {
                seen.insert(key, rule);
                continue;
            };
            let message = format!("rule '{}' says the same as rule '{}'", rule.id, first.id);
            findings.add(rule.place(), message, "remove one of them", [first.place()]);
        }
    }
}
