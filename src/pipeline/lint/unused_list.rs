//! The lint `unused-list`.

use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;

pub(super) const LINT: Lint = Lint {
    name: "unused-list",
    doc: "A list that no rule names, be it by way of a macro, in any source or pass that reads its file.",
    level: Level::Warn,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    for piece in engine.unnamed_pieces().into_iter().filter(|piece| piece.is_list) {
        let message = format!("no rule names the list '{}'", piece.name);
        findings.add(piece.place.clone(), message, "remove it, or name it in a pattern", []);
    }
}
