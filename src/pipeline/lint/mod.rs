//! What in an engine is right and yet does nothing, or not what it seems? The registry of lints, and what
//! they find.
//!
//! A new lint is one new file here and one entry in [`LINTS`]. A lint does not judge by itself how rules,
//! gazetteers and passes behave: it asks them, so that it cannot disagree with what they do.

mod ambiguous_surface;
mod conflicting_entry;
mod conflicting_rules;
mod dead_entry;
mod dead_rule;
mod dead_source;
mod duplicate_entry;
mod duplicate_rule;
mod entries;
mod facts;
mod idle_step;
mod left_out_rule;
mod shadowed_rule;
#[cfg(test)]
mod template;
mod unused_list;
mod unused_macro;

use std::cmp::Ordering;

use super::build::Engine;
use crate::error::Location;

/// How much a finding weighs where nobody says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A hint: it may be meant.
    Note,
    /// Something that is hardly meant.
    Warn,
}

impl Level {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
        }
    }
}

/// Something to look for in an engine that could be built.
#[derive(Debug)]
pub struct Lint {
    /// What it is called, as users type it.
    pub name: &'static str,
    /// What it finds, and how it judges, in a few sentences.
    pub doc: &'static str,
    /// What its findings weigh.
    pub level: Level,
    /// Adds what it finds.
    pub find: fn(&Engine, &mut Findings),
}

/// All lints, by name.
pub static LINTS: &[Lint] = &[
    ambiguous_surface::LINT,
    conflicting_entry::LINT,
    conflicting_rules::LINT,
    dead_entry::LINT,
    dead_rule::LINT,
    dead_source::LINT,
    duplicate_entry::LINT,
    duplicate_rule::LINT,
    idle_step::LINT,
    left_out_rule::LINT,
    shadowed_rule::LINT,
    unused_list::LINT,
    unused_macro::LINT,
];

/// What a lint found at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The name of the lint.
    pub lint: &'static str,
    /// What is the matter: one sentence, lower case, without a full stop.
    pub message: String,
    /// What to do about it, in the same form.
    pub advice: String,
    /// The rule, entry, pass or source it is about.
    pub place: Location,
    /// What it conflicts with, where that is written.
    pub others: Vec<Location>,
}

/// Takes what a lint finds.
#[derive(Debug)]
pub struct Findings {
    lint: &'static str,
    found: Vec<Finding>,
}

impl Findings {
    /// Adds what is the matter at a place, and what to do about it.
    pub fn add(
        &mut self,
        place: Location,
        message: impl Into<String>,
        advice: impl Into<String>,
        others: impl IntoIterator<Item = Location>,
    ) {
        self.found.push(Finding {
            lint: self.lint,
            message: message.into(),
            advice: advice.into(),
            others: others.into_iter().filter(|other| *other != place).collect(),
            place,
        });
    }
}

impl Engine {
    /// What a lint finds in the engine, in the order of [`Finding::compare`].
    pub fn lint(&self, lint: &Lint) -> Vec<Finding> {
        let mut findings = Findings { lint: lint.name, found: Vec::new() };
        (lint.find)(self, &mut findings);
        findings.found.sort_by(Finding::compare);
        findings.found
    }
}

impl Finding {
    /// The order in which findings are shown: by file, line, column, lint and message.
    pub fn compare(&self, other: &Self) -> Ordering {
        let key = |finding: &Self| {
            let Location { file, line, column, .. } = &finding.place;
            (file.clone(), *line, *column, finding.lint, finding.message.clone())
        };
        key(self).cmp(&key(other))
    }
}
