//! The lint `lone-source`: an engine whose single source leaves its merge nothing to weigh.
//!
//! A template: copy it to a file of its own, beside this one, and put that file into the registry.
//! It is compiled and run by tests only.

use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;

pub(super) const LINT: Lint = Lint {
    name: "lone-source",
    doc: "An engine of one source: its merge has nothing to weigh.",
    level: Level::Note,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    if let ([source], [place]) = (&engine.sources[..], &engine.source_places[..]) {
        let message = format!("'{}' is the only source", source.name());
        findings.add(place.clone(), message, "add a source, or remove the merge", []);
    }
}

#[test]
fn one_source_is_found() {
    let engine = Engine::parse(
        "labels = [\"LOC\"]\n[[source]]\nkind = \"gazetteer\"\nname = \"places\"\nentries = [[\"Rome\", \"LOC\"]]\n",
    );
    let found = engine.unwrap().lint(&LINT);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].lint, found[0].place.line), ("lone-source", 2));
}
