//! A place of a text where two sides differ, gold and prediction or one engine and another: what each
//! says, the text around it, and what decided. Lists of them are shown as text, JSON and pages.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::decision::Decision;
use super::print::{on_one_line, rounded, visible};
use crate::eval::{Pair, PairKind};
use crate::span::Span;
use crate::text::{Annotation, OffsetTable, OffsetUnit};

/// So many bytes of text are shown on either side, up to the next space.
const AROUND: usize = 72;

/// A place where two sides differ.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    /// How they differ; the first side is what [`PairKind`] calls gold.
    pub(super) kind: PairKind,
    /// The id of the document.
    pub(super) document: String,
    /// What each side says.
    pub(super) sides: [Option<Side>; 2],
    /// The text around it on one line, in pieces that are in neither, one or both of the sides.
    pub(super) excerpt: Vec<Piece>,
    /// What decided, where that is known; of which side it is told.
    pub(super) decision: Option<Decision>,
    /// The sources behind what a side says, else those that came near.
    pub(super) sources: Vec<String>,
}

/// What one side says is there.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// The text it covers, on one line.
    pub(super) text: String,
    /// The label.
    pub(super) label: String,
    /// Where it begins, in code points.
    pub(super) start: usize,
    /// Where it ends, in code points.
    pub(super) end: usize,
    /// How sure the side is, 0..=1, where it says.
    pub(super) score: Option<f32>,
}

/// A piece of an excerpt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The text, without line feeds and control characters.
    pub(super) text: String,
    /// Whether it is in the span of each side.
    pub(super) is_in: [bool; 2],
}

/// Makes the differences of one document.
pub(super) struct Place<'t> {
    document: &'t str,
    text: &'t str,
    offsets: OffsetTable<'t>,
}

impl<'t> Place<'t> {
    /// For the document with this id and text.
    pub(super) fn new(document: &'t str, text: &'t str) -> Self {
        Self { document, text, offsets: OffsetTable::new(text, OffsetUnit::Char) }
    }

    /// The difference of a pair; `scores` are those of its two sides.
    pub(super) fn difference(&self, pair: &Pair<'_>, scores: [Option<f32>; 2]) -> Difference {
        let [first, second] = [pair.gold, pair.predicted];
        let spans = [first, second].map(|one| one.map(|one| one.span));
        Difference {
            kind: pair.kind(),
            document: self.document.to_owned(),
            sides: [
                first.map(|one| self.side(one, scores[0])),
                second.map(|one| self.side(one, scores[1])),
            ],
            excerpt: excerpt(self.text, pair.span(), spans),
            decision: None,
            sources: Vec::new(),
        }
    }

    fn side(&self, one: &Annotation, score: Option<f32>) -> Side {
        Side {
            text: on_one_line(one.span.slice(self.text).unwrap_or_default()),
            label: one.label.clone(),
            start: self.offsets.from_byte(one.span.start),
            end: self.offsets.from_byte(one.span.end),
            score,
        }
    }
}

impl Difference {
    /// The labels of its sides, each once.
    pub(super) fn labels(&self) -> BTreeSet<&str> {
        self.sides.iter().flatten().map(|side| side.label.as_str()).collect()
    }

    /// The step that decided; empty where that is not known.
    pub(super) fn step(&self) -> &str {
        self.decision.as_ref().map_or("", |decision| decision.step.as_str())
    }

    /// It as data; `names` are those of its kind and its two sides.
    pub(super) fn to_json(&self, kind: &str, names: [&str; 2]) -> Value {
        let mut object = Map::new();
        object.insert("kind".into(), kind.into());
        object.insert("document".into(), self.document.as_str().into());
        for (name, side) in names.into_iter().zip(&self.sides) {
            object.insert(name.to_owned(), side.as_ref().map_or(Value::Null, Side::to_json));
        }
        let text: String = self.excerpt.iter().map(|piece| piece.text.as_str()).collect();
        object.insert("around".into(), text.into());
        object.insert("sources".into(), self.sources.clone().into());
        let decision = self.decision.as_ref().map(|decision| {
            let Decision { step, line, reason, .. } = decision;
            json!({ "step": step, "line": line, "reason": reason })
        });
        object.insert("decision".into(), decision.into());
        Value::Object(object)
    }
}

impl Side {
    fn to_json(&self) -> Value {
        let score = self.score.map(rounded);
        json!({
            "start": self.start, "end": self.end, "text": self.text, "label": self.label,
            "score": score,
        })
    }
}

/// How many differences each step decided, most first; empty where steps are not known.
pub(super) fn by_step(differences: &[Difference]) -> Vec<(&str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in differences.iter().filter(|one| !one.step().is_empty()) {
        *counts.entry(one.step()).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(step, count)| (std::cmp::Reverse(*count), *step));
    counts
}

/// The text around `span`, cut where one of `sides` begins or ends.
fn excerpt(text: &str, span: Span, sides: [Option<Span>; 2]) -> Vec<Piece> {
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let least = span.start.saturating_sub(AROUND);
    let from = (least..=span.start).find(is_boundary).unwrap_or(span.start);
    let most = (span.end + AROUND).min(text.len());
    let to = (span.end..=most).rev().find(is_boundary).unwrap_or(span.end);
    let is_cut = [from > 0, to < text.len()];
    // A word that is cut is left out, where a space tells where it ends.
    let after_space =
        text.get(from..span.start).and_then(|before| before.find(char::is_whitespace));
    let from = if is_cut[0] { after_space.map_or(from, |at| from + at) } else { from };
    let before_space = text.get(span.end..to).and_then(|after| after.rfind(char::is_whitespace));
    let to = if is_cut[1] { before_space.map_or(to, |at| span.end + at) } else { to };
    let mut cuts: BTreeSet<usize> = [from, to].into();
    cuts.extend(sides.iter().flatten().flat_map(|side| [side.start, side.end]));
    let cuts: Vec<usize> = cuts.into_iter().collect();
    let mut pieces: Vec<Piece> = cuts
        .windows(2)
        .map(|cut| {
            let at = Span::new(cut[0], cut[1]);
            let is_in = sides.map(|side| side.is_some_and(|side| side.contains(at)));
            Piece { text: flat(at.slice(text).unwrap_or_default()), is_in }
        })
        .collect();
    if let (true, Some(first)) = (is_cut[0], pieces.first_mut()) {
        first.text = format!("…{}", first.text);
    }
    if let (true, Some(last)) = (is_cut[1], pieces.last_mut()) {
        last.text.push('…');
    }
    pieces
}

/// [`visible`] without line feeds; what stands at the edges stays.
fn flat(text: &str) -> String {
    let mut flat = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            c if !c.is_whitespace() => flat.push(c),
            _ if flat.ends_with(' ') => {}
            _ => flat.push(' '),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_both_sides_and_whole_words() {
        let text = format!("{}in New\nYork City.{}", "before ".repeat(20), " after".repeat(20));
        let start = text.find("New").unwrap();
        let (first, second) = (Span::new(start, start + 8), Span::new(start, start + 13));
        let pieces = excerpt(&text, second, [Some(first), Some(second)]);
        let shown: Vec<(&str, [bool; 2])> =
            pieces.iter().map(|piece| (piece.text.as_str(), piece.is_in)).collect();
        assert!(shown[0].0.starts_with("… before ") && shown[0].0.ends_with(" in "), "{shown:?}");
        assert_eq!(shown[1], ("New York", [true, true]));
        assert_eq!(shown[2], (" City", [false, true]));
        assert!(shown[3].0.starts_with(". after") && shown[3].0.ends_with(" after…"), "{shown:?}");
        assert_eq!(shown.len(), 4);
    }

    #[test]
    fn an_excerpt_of_a_short_text_is_the_text() {
        let pieces = excerpt("é\u{1b}ü", Span::new(0, 2), [Some(Span::new(0, 2)), None]);
        let shown: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(shown, ["é", "␛ü"]);
    }
}
