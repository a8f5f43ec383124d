//! The lint `dead-source`.

use super::{Findings, Level, Lint};
use crate::pipeline::build::{Engine, Step};
use crate::span::Label;

pub(super) const LINT: Lint = Lint {
    name: "dead-source",
    doc: "A source of which nothing can come: each of its labels is never given and asked for by no pass, or \
          dropped by a filter. A model whose evidence passes ask about is none.",
    level: Level::Warn,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    for (source, place) in engine.sources.iter().zip(&engine.source_places) {
        let (labels, name) = (source.labels(), source.name());
        if labels.is_empty() || source.gives_evidence() {
            continue;
        }
        let (unused, used): (Vec<&Label>, Vec<&Label>) =
            labels.iter().partition(|label| !engine.has_use_for(label));
        let droppers: Option<Vec<&Step>> =
            used.iter().map(|label| engine.dropper_of(name, label)).collect();
        let Some(droppers) = droppers else { continue };
        let shown = |labels: &[&Label]| {
            labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", ")
        };
        let mut parts = Vec::new();
        if !unused.is_empty() {
            parts.push(format!("{} is never given and no pass asks for it", shown(&unused)));
        }
        if let Some(step) = droppers.first() {
            let kind = step.kind.name;
            parts.push(format!("{} is dropped by the pass '{kind}'", shown(&used)));
        }
        let message = format!("nothing comes of source '{name}': {}", parts.join(", and "));
        let advice = match droppers.is_empty() {
            true => "declare a label under 'labels', let a pass ask for it, or remove the source",
            false => "take the source or a label out of the pass, or remove the source",
        };
        let places = droppers.into_iter().map(|step| step.place.clone());
        findings.add(place.clone(), message, advice, places.take(1));
    }
}
