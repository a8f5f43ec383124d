//! The text of a document with its entities in colour, what lost underlined, and each place a link to
//! its proposals.

use std::collections::BTreeSet;

use crate::cli::html::{Palette, escaped};
use crate::pipeline::{End, Explanation, Place, Story};
use crate::span::{Entity, Span};
use crate::text::Document;

/// The text of document number `number`. It is cut wherever something begins or ends, because what
/// overlaps cannot nest.
pub(super) fn text(
    palette: &Palette,
    document: &Document,
    explanation: &Explanation,
    places: &[Place],
    number: usize,
) -> String {
    let is_lost = |story: &&Story| matches!(story.end, End::Lost | End::Dropped);
    let lost = || places.iter().flat_map(|p| &p.stories).filter(is_lost).map(|s| s.proposed.span);
    let mut cuts: BTreeSet<usize> = [0, document.text.len()].into();
    let spans = explanation.entities.iter().map(|e| e.span).chain(places.iter().map(|p| p.span));
    for span in spans.chain(lost()) {
        cuts.extend([span.start, span.end]);
    }
    let cuts: Vec<usize> = cuts.into_iter().collect();
    let mut losers: Vec<Span> = lost().collect();
    losers.sort_unstable();
    let mut losers = losers.into_iter().peekable();
    let mut entities = explanation.entities.iter().peekable();
    let mut open: Vec<&Entity> = Vec::new();
    let mut open_losers: Vec<Span> = Vec::new();
    let mut html = String::new();
    let mut index = 0;
    for pair in cuts.windows(2) {
        let piece = Span::new(pair[0], pair[1]);
        open.retain(|entity| entity.span.end > piece.start);
        open_losers.retain(|span| span.end > piece.start);
        while let Some(entity) = entities.next_if(|entity| entity.span.start <= piece.start) {
            open.push(entity);
        }
        while let Some(span) = losers.next_if(|span| span.start <= piece.start) {
            open_losers.push(span);
        }
        while places.get(index).is_some_and(|place| place.span.end <= piece.start) {
            index += 1;
        }
        let place = places.get(index).filter(|place| place.span.contains(piece));
        if place.is_some_and(|place| place.span.start == piece.start) {
            html.push_str(&format!("<a class=\"place\" href=\"#d{number}p{index}\">"));
        }
        html.push_str(&segment(palette, document, piece, &open, !open_losers.is_empty()));
        if place.is_some_and(|place| place.span.end == piece.end) {
            html.push_str("</a>");
        }
    }
    html
}

/// A piece of text that nothing cuts: the entities over it from the outermost, and whether something
/// lost there.
fn segment(
    palette: &Palette,
    document: &Document,
    piece: Span,
    open: &[&Entity],
    has_loser: bool,
) -> String {
    let text = escaped(piece.slice(&document.text).unwrap_or_default());
    let mut classes: Vec<String> = Vec::new();
    if let Some(innermost) = open.last() {
        classes.push("entity".to_owned());
        classes.push(palette.class(innermost.label.as_str()));
        if open.iter().any(|entity| entity.span.start == piece.start) {
            classes.push("begins".to_owned());
        }
        if open.iter().any(|entity| entity.span.end == piece.end) {
            classes.push("ends".to_owned());
        }
    }
    if has_loser {
        classes.push("loser".to_owned());
    }
    let ending = open.iter().rev().filter(|entity| entity.span.end == piece.end);
    let labels: String = ending.map(|entity| palette.sign(entity.label.as_str())).collect();
    if classes.is_empty() {
        return text;
    }
    format!("<span class=\"{}\">{text}{labels}</span>", classes.join(" "))
}
