//! Lists of names as a source: entries written as TSV or in the engine file, found at word
//! boundaries on a folded copy of the text, with a say for casing.

mod casing;
mod compile;
mod compiled;
mod config;
mod context;
mod entry;
mod format;
mod fuzzy;
mod hashtag;
pub mod import;
mod index;
mod inline;
mod matcher;
mod options;
mod record;
mod runs;
mod sections;
mod spelling;
pub(crate) mod survey;
mod trie;
mod variants;
mod varint;
mod why;

use std::sync::Arc;

pub use self::casing::Case;
pub use self::compile::Builder;
pub use self::compiled::{Entries, EntryRef, Gazetteer};
pub use self::entry::Entry;
pub use self::format::{Header, SourceFile};
pub use self::fuzzy::Fuzzy;
pub use self::hashtag::Hashtags;
pub use self::index::Cursor;
pub use self::matcher::{Match, MatchKind, Matcher};
pub use self::spelling::{Difference, SpellingOptions};

use super::{Found, Refusal, Source, SourceKind};
use crate::error::Result;
use crate::rule::log::RuleLog;
use crate::span::{Label, Mention, Origin};
use crate::text::{Document, Readings, Span};

pub(super) const KIND: SourceKind = SourceKind {
    name: "gazetteer",
    doc: "Lists of names, found at word boundaries whatever their accents, width, apostrophes and \
          white space; casing counts as far as `case` says.",
    options: options::OPTIONS,
    load: |name, section, context| Ok(Box::new(config::load(name, section, context)?)),
};

/// Gazetteers and how they are matched, under the name it has in the engine file.
pub struct GazetteerSource {
    name: Arc<str>,
    /// What is written as TSV or in the engine file, as one; then each compiled file.
    gazetteers: Vec<Gazetteer>,
    /// Where the entries of `gazetteers` were read, and how often one was there already.
    origins: survey::Origins,
    labels: Vec<Label>,
    matcher: Matcher,
    score: f32,
    /// Where the entries of the engine file stand.
    places: why::Places,
}

impl Source for GazetteerSource {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn labels(&self) -> Vec<Label> {
        self.labels.clone()
    }

    fn find(&self, document: &Document) -> Result<Found> {
        self.find_beside(document, &Readings::default(), &mut RuleLog::off())
    }

    fn find_beside(
        &self,
        document: &Document,
        readings: &Readings,
        _log: &mut RuleLog,
    ) -> Result<Found> {
        let matches = self.matcher.find_beside(&self.gazetteers, document, readings);
        let mentions = matches.into_iter().map(|found| Mention {
            span: found.span,
            label: found.entry.label().clone(),
            score: (self.score * found.score).clamp(0.0, 1.0),
            origin: Origin::new(&self.name, found.entry.detail()),
        });
        Ok(Found { mentions: mentions.collect(), ..Found::default() })
    }

    fn why_not(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Result<Vec<Refusal>> {
        Ok(why::refusals(self, document, span, label))
    }

    fn as_gazetteer(&self) -> Option<&GazetteerSource> {
        Some(self)
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
