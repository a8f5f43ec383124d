//! Lists of names as a source: entries written as TSV or in the engine file, found at word
//! boundaries on a folded copy of the text, with a say for casing.

mod boundary;
mod casing;
mod compile;
mod compiled;
mod config;
mod entry;
mod format;
pub mod import;
mod index;
mod matcher;
mod record;
mod runs;
mod sections;
mod varint;

use std::sync::Arc;

pub use self::casing::Case;
pub use self::compile::Builder;
pub use self::compiled::{Entries, EntryRef, Gazetteer};
pub use self::entry::Entry;
pub use self::format::{Header, SourceFile};
pub use self::index::Cursor;
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

/// Gazetteers and how they are matched, under the name it has in the engine file.
struct GazetteerSource {
    name: Arc<str>,
    /// What is written as TSV or in the engine file, as one; then each compiled file.
    gazetteers: Vec<Gazetteer>,
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
        let matches = self.matcher.find(&self.gazetteers, document);
        let mentions = matches.into_iter().map(|found| Mention {
            span: found.span,
            label: found.entry.label().clone(),
            score: (self.score * found.score).clamp(0.0, 1.0),
            origin: Origin::new(&self.name, found.entry.detail()),
        });
        Ok(Found { mentions: mentions.collect(), ..Found::default() })
    }

    fn describe(&self) -> String {
        match self.gazetteers.iter().map(Gazetteer::entry_count).sum() {
            1u64 => "gazetteer, 1 entry".to_owned(),
            count => format!("gazetteer, {count} entries"),
        }
    }
}

#[cfg(test)]
mod tests;
