//! A step of the merge as outputs name it.

use crate::merge::trace::Event;
use crate::pipeline::Engine;

/// A step of the merge.
pub(in crate::cli) struct Step {
    /// Its number, from 1.
    pub(in crate::cli) number: usize,
    /// Its number and name: `3 optimal`.
    pub(in crate::cli) pass: String,
    /// The line that decided: `spanloom.toml:42`.
    pub(in crate::cli) line: String,
}

impl Step {
    /// The step that an event belongs to, and the line that decided it.
    pub(in crate::cli) fn of(engine: &Engine, event: &Event) -> Self {
        let number = event.step + 1;
        let place = engine.place_of(event);
        let line = place.file_and_line();
        Self { number, pass: format!("{number} {}", engine.steps()[event.step].kind.name), line }
    }
}
