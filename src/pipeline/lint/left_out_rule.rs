//! The lint `left-out-rule`.

use super::facts::some_of;
use super::{Findings, Level, Lint};
use crate::error::Location;
use crate::pipeline::build::Engine;

pub(super) const LINT: Lint = Lint {
    name: "left-out-rule",
    doc: "Rules that a source or pass reads and does not use, because its `rules`, `without` or `labels` \
          leaves them out: one finding for each of these keys.",
    level: Level::Note,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    for (name, place, source) in engine.rule_sources() {
        report(&format!("source '{name}'"), place, source.left_out().collect(), findings);
    }
    for (step, pass) in engine.rule_steps() {
        report("the pass 'rules'", &step.place, pass.left_out().collect(), findings);
    }
}

fn report(
    who: &str,
    place: &Location,
    left_out: Vec<(&str, &'static str)>,
    findings: &mut Findings,
) {
    for key in ["rules", "without", "labels"] {
        let ids: Vec<&str> =
            left_out.iter().filter(|(_, by)| *by == key).map(|(id, _)| *id).collect();
        let rules = match ids.len() {
            0 => continue,
            1 => "1 rule is".to_owned(),
            count => format!("{count} rules are"),
        };
        let names = some_of(ids.iter().copied(), ids.len());
        let message = format!("{rules} left out of {who} by '{key}': {names}");
        findings.add(place.clone(), message, "nothing needs to be done where that is meant", []);
    }
}
