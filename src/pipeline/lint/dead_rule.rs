//! The lint `dead-rule`.

use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;
use crate::span::Label;

pub(super) const LINT: Lint = Lint {
    name: "dead-rule",
    doc: "A rule about text of which nothing can come: its label is never given and no pass asks for it, a \
          filter drops all that it finds, or its score is under the threshold of its source and label and no \
          pass before that may move it. Where this holds of all rules of a source, `dead-source` says so \
          instead.",
    level: Level::Warn,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    for (name, _, source) in engine.rule_sources() {
        let is_dead =
            |label: &Label| !engine.has_use_for(label) || engine.dropper_of(name, label).is_some();
        if source.compiled().iter().all(|rule| is_dead(&rule.label)) {
            continue;
        }
        for rule in source.compiled() {
            let (id, label, place) = (&rule.id, &rule.label, rule.written.place());
            if !engine.has_use_for(label) {
                let message = format!(
                    "the label {label} of rule '{id}' is never given, and no pass asks for it"
                );
                let advice =
                    "declare the label under 'labels', let a pass ask for it, or remove the rule";
                findings.add(place, message, advice, []);
            } else if let Some(step) = engine.dropper_of(name, label) {
                let message = format!(
                    "all that rule '{id}' finds is dropped by the pass '{}'",
                    step.kind.name
                );
                let advice =
                    format!("remove the rule, or leave {label} of source '{name}' out of the pass");
                findings.add(place, message, advice, [step.place.clone()]);
            } else if let Some((floor, step)) =
                engine.floor(name, label).filter(|(floor, _)| source.score_of(rule) < *floor)
            {
                let score = source.score_of(rule);
                let message = format!(
                    "rule '{id}' scores {score}, under the threshold {floor} of the pass '{}', and no pass \
                     before it may move that",
                    step.kind.name
                );
                let advice =
                    "raise the score of the rule, or lower the threshold of its source and label";
                findings.add(place, message, advice, [step.place.clone()]);
            }
        }
    }
}
