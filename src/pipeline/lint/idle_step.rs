//! The lint `idle-step`.

use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;

pub(super) const LINT: Lint = Lint {
    name: "idle-step",
    doc: "A merge pass that can change nothing, whatever the document: it chooses where a pass before it has \
          chosen, asks models where there are none, or concerns sources and labels of which nothing can \
          come to it. Also a pass that lets nothing past. Where a pass before it makes or relabels candidates, \
          it is not said what can come.",
    level: Level::Warn,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    let mut incoming = engine.incoming();
    for step in &engine.steps {
        if incoming.is_nothing() {
            // The pass that let nothing past has been found.
            return;
        }
        let name = step.kind.name;
        if let Some(why) = step.pass.idle(&incoming) {
            let message = format!("the pass '{name}' can change nothing: {why}");
            findings.add(
                step.place.clone(),
                message,
                "remove it, or move it to where it has work",
                [],
            );
        }
        incoming = incoming.after(step.kind, step.pass.as_ref());
        if incoming.is_nothing() {
            let message =
                format!("the pass '{name}' drops all that can come to it: nothing is ever given");
            let advice = "name the 'sources' or 'labels' that it is about, or remove it";
            findings.add(step.place.clone(), message, advice, []);
        }
    }
}
