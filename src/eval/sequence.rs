//! Strict entity scores of tag sequences, as the Python package seqeval 1.2.2 gives them
//! (`classification_report`): sequences are read as entities over token numbers, malformed ones in one
//! of its two modes, and those are scored as [`super::entity`] scores spans.

use super::entity::{EntityCounts, EntityReport};
use crate::error::{Error, ErrorKind, Result};
use crate::span::scheme::{TaggedRange, decode};
use crate::span::{Label, TagScheme};
use crate::text::{Annotation, Span};

/// How malformed tags are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are repaired, whatever the scheme: see [`decode`].
    Default,
    /// What the scheme does not allow is no entity. seqeval has this for BIO (there IOB2), BIOES
    /// (there IOBES) and BILOU.
    Strict(TagScheme),
}

/// Entities of tag sequences, counted.
#[derive(Debug, Clone)]
pub struct SequenceCounts {
    mode: Mode,
    counts: EntityCounts,
}

impl SequenceCounts {
    /// Nothing counted yet.
    pub fn new(mode: Mode) -> Self {
        Self { mode, counts: EntityCounts::default() }
    }

    /// Adds the tags of a sequence.
    ///
    /// # Errors
    /// Where they are not equally many and, in strict mode, where a tag is not of the scheme or the
    /// scheme has no strict reading. Nothing is counted then.
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
            Mode::Default => decode(tags),
            Mode::Strict(scheme) => decode_strict(scheme, tags)?,
        };
        let annotation = |(range, label): TaggedRange| Annotation {
            span: Span::from(range),
            label: label.as_str().to_owned(),
        };
        Ok(entities.into_iter().map(annotation).collect())
    }
}

/// The entities that `tags` mark by the letter of `scheme`: begun by a begin tag, gone on with by tags
/// of the same label, closed by an end tag where the scheme has one. All else is no entity. A tag
/// without a label has the label `_`.
///
/// # Errors
/// Where a tag has no prefix of the scheme, and for IO, which allows everything.
pub fn decode_strict(scheme: TagScheme, tags: &[&str]) -> Result<Vec<TaggedRange>> {
    let (allowed, single, end) = match scheme {
        TagScheme::Bio => ("BIO", None, None),
        TagScheme::Bioes => ("BIOES", Some('S'), Some('E')),
        TagScheme::Bilou => ("BILOU", Some('U'), Some('L')),
        TagScheme::Io => {
            let message = "tags of the scheme 'io' have no strict reading";
            return Err(
                Error::new(ErrorKind::Config, message).with_help("strict are: bio, bioes, bilou")
            );
        }
    };
    let parsed: Vec<(char, &str)> =
        tags.iter().map(|tag| parse(scheme, allowed, tag)).collect::<Result<_>>()?;
    let mut entities = Vec::new();
    let mut start = 0;
    while start < parsed.len() {
        let (first, label) = parsed[start];
        let mut last = start;
        if first == 'B' {
            // An end tag closes: what follows it does not go on.
            while matches!(parsed[last].0, 'B' | 'I')
                && parsed.get(last + 1).is_some_and(|(prefix, other)| {
                    (*prefix == 'I' || Some(*prefix) == end) && *other == label
                })
            {
                last += 1;
            }
        }
        let closed = match first {
            'B' => end.is_none_or(|end| parsed[last].0 == end),
            prefix => Some(prefix) == single,
        };
        if closed {
            entities.push((start..last + 1, Label::new(label)));
        }
        start = last + 1;
    }
    Ok(entities)
}

/// A tag's prefix and label.
fn parse<'t>(scheme: TagScheme, allowed: &str, tag: &'t str) -> Result<(char, &'t str)> {
    let mut chars = tag.chars();
    let prefix = chars.next().filter(|prefix| allowed.contains(*prefix)).ok_or_else(|| {
        let message = format!("expected a tag of the scheme '{scheme}', got '{tag}'");
        let letters: Vec<String> = allowed.chars().map(String::from).collect();
        Error::new(ErrorKind::Document, message)
            .with_help(format!("its tags begin with one of {}", letters.join(", ")))
    })?;
    let label = chars.as_str().trim_matches('-');
    Ok((prefix, if label.is_empty() { "_" } else { label }))
}
