//! Entities that a format cannot say as they are: those that end inside a token, share a token, or touch
//! where tags cannot part them. What becomes of them is the user's choice.

use std::fmt;
use std::str::FromStr;

use super::Marking;
use super::tokens::{covered, words};
use crate::error::{Error, Result};
use crate::span::{Entity, Span, TagScheme};
use crate::text::Document;

/// What becomes of an entity that does not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mismatch {
    /// Nothing is written.
    #[default]
    Fail,
    /// It reaches out to the edges of the tokens that it touches.
    Expand,
    /// It shrinks to the tokens that lie in it whole; where there are none, it is left out.
    Contract,
    /// It is left out.
    Drop,
}

impl Mismatch {
    /// All, as users type them.
    pub const NAMES: &[&str] = &["fail", "expand", "contract", "drop"];
}

impl FromStr for Mismatch {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "fail" => Ok(Self::Fail),
            "expand" => Ok(Self::Expand),
            "contract" => Ok(Self::Contract),
            "drop" => Ok(Self::Drop),
            _ => Err(Error::unknown("way with mismatches", name, Self::NAMES)),
        }
    }
}

/// Why an entity does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MisfitKind {
    /// It begins or ends inside a token, or covers none.
    CutsToken,
    /// It shares a token with one before it; it is left out wherever anything is written.
    SharesToken,
    /// It touches one of its label, and tags of the scheme `io` cannot part the two; they become one.
    Touches,
}

impl fmt::Display for MisfitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CutsToken => "begins or ends inside a token",
            Self::SharesToken => "shares a token with one before it",
            Self::Touches => "touches one of its label, which the scheme io cannot part",
        })
    }
}

/// An entity that does not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    /// The entity as it came.
    pub entity: Entity,
    /// Why.
    pub kind: MisfitKind,
    /// What is written instead; `None` where it is left out.
    pub written: Option<Span>,
}

/// The entities of a document as a format can say them, and those that were changed for that. White space at
/// the edges of an entity does not count. `entities` are in order, and stay so.
pub fn fit(
    document: &Document,
    entities: &[Entity],
    marking: Marking,
    scheme: TagScheme,
    mismatch: Mismatch,
) -> (Vec<Entity>, Vec<Misfit>) {
    if marking == Marking::Offsets {
        return (entities.to_vec(), Vec::new());
    }
    let words = words(document);
    let mut fitted: Vec<Entity> = Vec::with_capacity(entities.len());
    let mut misfits = Vec::new();
    for entity in entities {
        let asked = entity.span.trim(&document.text);
        let expanded = expanded(&words, asked);
        let span = match mismatch {
            _ if expanded == Some(asked) => expanded,
            Mismatch::Expand => expanded,
            Mismatch::Contract => contracted(&words, asked),
            Mismatch::Drop | Mismatch::Fail => None,
        };
        if span != Some(asked) {
            let entity = entity.clone();
            misfits.push(Misfit { entity, kind: MisfitKind::CutsToken, written: span });
        }
        let Some(span) = span else { continue };
        let shared = fitted.iter().rev().find(|before| before.span.overlaps(span));
        if marking == Marking::TokenTags && shared.is_some() {
            let entity = entity.clone();
            misfits.push(Misfit { entity, kind: MisfitKind::SharesToken, written: None });
            continue;
        }
        let touches = |before: &&Entity| {
            let between = words.iter().any(|w| before.span.end <= w.start && w.end <= span.start);
            before.label == entity.label && !between
        };
        let is_io = marking == Marking::TokenTags && scheme == TagScheme::Io;
        if is_io && fitted.last().filter(touches).is_some() {
            let entity = entity.clone();
            misfits.push(Misfit { entity, kind: MisfitKind::Touches, written: Some(span) });
        }
        fitted.push(Entity { span, ..entity.clone() });
    }
    // Two that shrank or grew may have changed places, or become the same.
    fitted.sort_by(|a, b| {
        (a.span.start, b.span.end, &a.label).cmp(&(b.span.start, a.span.end, &b.label))
    });
    fitted.dedup_by(|a, b| (a.span, &a.label) == (b.span, &b.label));
    (fitted, misfits)
}

/// A span with the rest of the words that it touches.
fn expanded(words: &[Span], span: Span) -> Option<Span> {
    let range = covered(words, span);
    (!range.is_empty()).then(|| Span::new(words[range.start].start, words[range.end - 1].end))
}

/// The words that lie in a span whole.
fn contracted(words: &[Span], span: Span) -> Option<Span> {
    let mut whole = words[covered(words, span)].iter().filter(|word| span.contains(**word));
    let first = whole.next()?;
    Some(Span::new(first.start, whole.next_back().unwrap_or(first).end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::entity;

    const TEXT: &str = "New York-based Ann Lee";

    fn document() -> Document {
        let tokens = ["New", "York-based", "Ann", "Lee"];
        Document::from_words("d", tokens)
    }

    fn shown(surfaces: &[&str], marking: Marking, scheme: TagScheme, mismatch: Mismatch) -> String {
        let entities: Vec<Entity> =
            surfaces.iter().map(|surface| entity(TEXT, surface, "X", 1.0)).collect();
        let (fitted, misfits) = fit(&document(), &entities, marking, scheme, mismatch);
        let fitted: Vec<&str> = fitted.iter().map(|e| e.text(TEXT)).collect();
        let misfits: Vec<String> = misfits.iter().map(|m| m.kind.to_string()).collect();
        format!("{} | {}", fitted.join(", "), misfits.join(", "))
    }

    #[test]
    fn an_entity_that_cuts_a_token_becomes_what_the_user_says() {
        let cuts = "begins or ends inside a token";
        for (mismatch, fitted) in [
            (Mismatch::Fail, "Ann"),
            (Mismatch::Drop, "Ann"),
            (Mismatch::Expand, "New York-based, Ann"),
            (Mismatch::Contract, "New, Ann"),
        ] {
            let bio = TagScheme::Bio;
            let got = shown(&["New York", "Ann"], Marking::TokenTags, bio, mismatch);
            assert_eq!(got, format!("{fitted} | {cuts}"));
        }
        let got = shown(&["New York"], Marking::Offsets, TagScheme::Bio, Mismatch::Fail);
        assert_eq!(got, "New York | ");
        let got = shown(&["York"], Marking::TokenSpans, TagScheme::Bio, Mismatch::Contract);
        assert_eq!(got, format!(" | {cuts}"));
    }

    #[test]
    fn tags_part_neither_what_overlaps_nor_always_what_touches() {
        let (tags, spans) = (Marking::TokenTags, Marking::TokenSpans);
        let nested = ["Ann Lee", "Lee"];
        let expected = "Ann Lee | shares a token with one before it";
        assert_eq!(shown(&nested, tags, TagScheme::Bio, Mismatch::Expand), expected);
        assert_eq!(shown(&nested, spans, TagScheme::Bio, Mismatch::Expand), "Ann Lee, Lee | ");
        let touching = ["Ann", "Lee"];
        assert_eq!(shown(&touching, tags, TagScheme::Bio, Mismatch::Fail), "Ann, Lee | ");
        let expected = "Ann, Lee | touches one of its label, which the scheme io cannot part";
        assert_eq!(shown(&touching, tags, TagScheme::Io, Mismatch::Fail), expected);
    }
}
