//! Strict entity scores of tag sequences, as the Python package seqeval 1.2.2 gives them
//! (`classification_report`): sequences are read as entities over token numbers, malformed ones in one
//! of its two modes, and those are scored as [`super::entity`] scores spans.

use super::entity::{EntityCounts, EntityReport};
use super::strict::{StrictScheme, decode_strict};
use crate::error::{Error, ErrorKind, Result};
use crate::span::scheme::{LetterPlace, TaggedRange, decode_at};
use crate::text::{Annotation, Span};

/// How malformed tags are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are repaired, whatever the scheme: see [`decode`](crate::span::scheme::decode).
    Default,
    /// What the scheme does not allow is no entity.
    Strict(StrictScheme),
}

/// Entities of tag sequences, counted.
#[derive(Debug, Clone)]
pub struct SequenceCounts {
    mode: Mode,
    place: LetterPlace,
    counts: EntityCounts,
}

impl SequenceCounts {
    /// Nothing counted yet.
    pub fn new(mode: Mode, place: LetterPlace) -> Self {
        Self { mode, place, counts: EntityCounts::default() }
    }

    /// Adds the tags of a sequence.
    ///
    /// # Errors
    /// Where they are not equally many and, in strict mode, where a tag is not of the scheme. Nothing is
    /// counted then.
    pub fn add(&mut self, gold: &[&str], predicted: &[&str]) -> Result<()> {
        if gold.len() != predicted.len() {
            let (gold, predicted) = (gold.len(), predicted.len());
            let message = format!("expected {gold} predicted tags, as in gold, got {predicted}");
            return Err(Error::new(ErrorKind::Document, message));
        }
        let (gold, predicted) = (self.entities(gold)?, self.entities(predicted)?);
        self.counts.add(&gold, &predicted);
        Ok(())
    }

    /// The scores of what was added.
    pub fn report(&self) -> EntityReport {
        self.counts.report()
    }

    fn entities(&self, tags: &[&str]) -> Result<Vec<Annotation>> {
        let entities = match self.mode {
            Mode::Default => decode_at(self.place, tags),
            Mode::Strict(scheme) => decode_strict(scheme, self.place, tags)?,
        };
        let annotation = |(range, label): TaggedRange| Annotation {
            span: Span::from(range),
            label: label.as_str().to_owned(),
        };
        Ok(entities.into_iter().map(annotation).collect())
    }
}
