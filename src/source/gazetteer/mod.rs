//! Lists of names as a source: entries written as TSV or in the engine file, found at word
//! boundaries on a folded copy of the text, with a say for casing.

mod boundary;
mod casing;
mod compile;
mod compiled;
mod config;
mod entry;
mod index;
mod matcher;

use std::sync::Arc;

pub use self::casing::Case;
pub use self::compile::{Builder, Gazetteer, IndexKind};
pub use self::entry::Entry;
pub use self::matcher::{Match, MatchKind, Matcher};

use super::{Found, Source, SourceKind};
use crate::error::Result;
use crate::span::{Label, Mention, Origin};
use crate::text::Document;

pub(super) const KIND: SourceKind = SourceKind {
    name: "gazetteer",
    doc: "Lists of names, found at word boundaries whatever their accents, width, apostrophes and \
          white space; casing counts as far as `case` says.",
    options: config::OPTIONS,
    load: |name, section, context| Ok(Box::new(config::load(name, section, context)?)),
};

/// A gazetteer and how it is matched, under the name it has in the engine file.
struct GazetteerSource {
    name: Arc<str>,
    gazetteer: Gazetteer,
    labels: Vec<Label>,
    matcher: Matcher,
    score: f32,
}

impl Source for GazetteerSource {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn labels(&self) -> Vec<Label> {
        self.labels.clone()
    }

    fn find(&self, document: &Document) -> Result<Found> {
        let matches = self.matcher.find(&self.gazetteer, document);
        let mentions = matches.into_iter().map(|found| Mention {
            span: found.span,
            label: found.entry.label.clone(),
            score: (self.score * found.score).clamp(0.0, 1.0),
            origin: Origin::new(&self.name, found.entry.detail().clone()),
        });
        Ok(Found { mentions: mentions.collect(), ..Found::default() })
    }

    fn describe(&self) -> String {
        match self.gazetteer.entries().len() {
            1 => "gazetteer, 1 entry".to_owned(),
            count => format!("gazetteer, {count} entries"),
        }
    }
}

#[cfg(test)]
mod tests;
