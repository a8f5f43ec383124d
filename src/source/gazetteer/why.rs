//! Why does a gazetteer not propose something? Asked of the same candidates and judge that matching
//! goes by, so that the answer is what decided.

use std::collections::BTreeMap;

use super::GazetteerSource;
use super::casing::Judge;
use super::compile;
use super::compiled::EntryRef;
use super::entry::Entry;
use super::fuzzy;
use super::matcher::{Candidate, Match, MatchKind, Objection, is_at_token_edges};
use crate::error::Location;
use crate::source::Refusal;
use crate::span::Label;
use crate::text::boundary::is_boundary;
use crate::text::pieces::pieces;
use crate::text::{Document, FoldOptions, Span, fold};

/// How many surfaces are named that come close to what is in no gazetteer.
const NEAREST: usize = 3;

/// Where entries stand that are written in an engine file.
#[derive(Debug, Default)]
pub(super) struct Places {
    first: BTreeMap<(String, Label), Location>,
    /// All of them as written.
    all: Vec<(Entry, Location)>,
}

impl Places {
    /// Notes where an entry and its abbreviations stand.
    pub(super) fn add(&mut self, entry: &Entry, place: &Location) {
        let surfaces = entry.abbreviated().into_iter().map(|short| short.surface);
        for surface in surfaces.chain([entry.surface.clone()]) {
            self.first.entry((surface, entry.label.clone())).or_insert_with(|| place.clone());
        }
        self.all.push((entry.clone(), place.clone()));
    }

    /// All entries as written, with their places.
    pub(super) fn all(&self) -> &[(Entry, Location)] {
        &self.all
    }

    fn of(&self, entry: EntryRef<'_>) -> Option<Location> {
        self.first.get(&(entry.surface().to_owned(), entry.label().clone())).cloned()
    }
}

/// What stands against `span`, entry by entry; nothing where it is proposed.
pub(super) fn refusals(
    source: &GazetteerSource,
    document: &Document,
    span: Span,
    label: Option<&Label>,
) -> Vec<Refusal> {
    let matches = source.matcher.find(&source.gazetteers, document);
    let is_it =
        |m: &Match<'_>| m.span == span && label.is_none_or(|label| m.entry.label() == label);
    if matches.iter().any(is_it) {
        return Vec::new();
    }
    let whole =
        |reason: String| vec![Refusal { label: label.cloned(), detail: None, reason, place: None }];
    let text = &document.text;
    let Some(wanted) = span.slice(text).filter(|slice| !slice.is_empty()) else {
        return whole("there is no such place in the text".to_owned());
    };
    let question = Question { source, document, span, wanted, matches: &matches };
    let mut refusals: Vec<Refusal> = question
        .candidates()
        .into_iter()
        .flat_map(|candidate| {
            let entries = candidate.gazetteer.of_surface(candidate.surface);
            entries.map(move |entry| (candidate, entry))
        })
        .map(|(candidate, entry)| question.refusal(&candidate, entry))
        .collect();
    if let Some(label) = label {
        let of_label = |refusal: &Refusal| refusal.label.as_ref() == Some(label);
        if refusals.iter().any(of_label) {
            refusals.retain(of_label);
        } else if !refusals.is_empty() {
            let mut known: Vec<&str> =
                refusals.iter().filter_map(|r| r.label.as_ref()).map(Label::as_str).collect();
            known.sort_unstable();
            known.dedup();
            let labels = known.join(", ");
            return whole(format!("no entry '{wanted}' is {label}, only {labels}"));
        }
    }
    if refusals.is_empty() {
        return whole(question.absence());
    }
    refusals
}

/// A place that is not proposed.
struct Question<'q> {
    source: &'q GazetteerSource,
    document: &'q Document,
    span: Span,
    /// The text there.
    wanted: &'q str,
    /// What is proposed instead.
    matches: &'q [Match<'q>],
}

impl<'q> Question<'q> {
    /// What the place reads like. Where it is no place for a match, what it would read like if it were
    /// a text by itself.
    fn candidates(&self) -> Vec<Candidate<'q>> {
        let folded = fold(&self.document.text, FoldOptions::ALL);
        let all = self.read(folded.text());
        let mut here: Vec<Candidate<'q>> =
            all.into_iter().filter(|c| folded.span(c.start..c.end) == Some(self.span)).collect();
        if here.is_empty() {
            let key = compile::key(self.wanted);
            here = self.read(&key);
            here.retain(|c| (c.start, c.end) == (0, key.len()));
        }
        here
    }

    /// What each place of a folded text reads like.
    fn read(&self, folded: &str) -> Vec<Candidate<'q>> {
        self.source.matcher.candidates(&self.source.gazetteers, folded, &pieces(folded))
    }

    fn refusal(&self, candidate: &Candidate<'_>, entry: EntryRef<'_>) -> Refusal {
        Refusal {
            label: Some(entry.label().clone()),
            detail: Some(entry.detail().into()),
            reason: self.reason(candidate, entry),
            place: self.source.places.of(entry),
        }
    }

    fn reason(&self, candidate: &Candidate<'_>, entry: EntryRef<'_>) -> String {
        if let Some(reason) = self.misplaced() {
            return reason;
        }
        let matcher = &self.source.matcher;
        let folded = fold(self.wanted, FoldOptions::ALL);
        let here = Candidate { start: 0, end: folded.text().len(), ..*candidate };
        let mut judge = Judge::new(&self.document.text, &matcher.common_words);
        let place = || (self.document.text.as_str(), self.span);
        match matcher.judge(&mut judge, &here, entry, self.span, &folded, place) {
            Ok(score) => self.beaten(score),
            Err(Objection::Label) => format!("'labels' does not hold {}", entry.label()),
            Err(Objection::Short(length)) => format!(
                "it has {length} characters, fewer than min-length = {}",
                matcher.min_length
            ),
            Err(Objection::Stop) => format!("'{}' is a stop entry", self.wanted),
            Err(Objection::Spelling) => format!(
                "the entry is '{}', the text has '{}', and 'ignore' does not hold how they differ",
                entry.surface(),
                self.wanted
            ),
            Err(Objection::Casing) => judge.refusal(
                matcher.case_of(entry),
                (entry.surface(), entry.shape()),
                candidate.spelling,
                self.span,
                folded.text(),
            ),
            Err(Objection::Context(reason)) => format!("context: {reason}"),
        }
    }

    /// Why no match may stand there, whatever the entry.
    fn misplaced(&self) -> Option<String> {
        let (text, span) = (&self.document.text, self.span);
        if !is_boundary(text, span.start) || !is_boundary(text, span.end) {
            let word = word_around(text, span);
            return Some(format!("'{}' is part of the word '{word}'", self.wanted));
        }
        let tokens = self
            .document
            .tokens
            .as_deref()
            .filter(|_| !is_at_token_edges(span, self.document.tokens.as_deref()))?;
        let cut = tokens.iter().map(|token| token.span).find(|token| {
            token.overlaps(span) && (token.start < span.start || token.end > span.end)
        });
        let token = cut.and_then(|token| token.slice(text)).unwrap_or("");
        Some(format!("it would cut the given token '{token}'"))
    }

    /// Why an entry that fits was not taken.
    fn beaten(&self, score: f32) -> String {
        let text = &self.document.text;
        if let Some(other) =
            self.matches.iter().find(|m| m.span.overlaps(self.span) && m.span != self.span)
        {
            let shown = other.span.slice(text).unwrap_or("");
            let (name, label) = (entry_name(other), other.entry.label());
            let relation = if other.span.contains(self.span) {
                "it lies inside the longer match"
            } else {
                "it overlaps the match further left,"
            };
            return format!("{relation} '{shown}' ({label}, {name})");
        }
        let here: Vec<&Match<'_>> = self.matches.iter().filter(|m| m.span == self.span).collect();
        match self.source.matcher.matches {
            MatchKind::NBest if !here.is_empty() => format!(
                "its score {score:.2} is not among the {} best of the place",
                self.source.matcher.n
            ),
            _ => "it stands in a hashtag, which is read word by word".to_owned(),
        }
    }

    /// What is said where no entry reads like the place: the surfaces that come close.
    fn absence(&self) -> String {
        let key = compile::key(self.wanted);
        let mut near: Vec<(usize, String, &str)> = Vec::new();
        for gazetteer in &self.source.gazetteers {
            for (distance, _, surface) in fuzzy::nearest(gazetteer.start(), &key) {
                let entries = gazetteer.of_surface(surface);
                near.extend(
                    entries.map(|e| (distance, e.surface().to_owned(), e.label().as_str())),
                );
            }
        }
        near.sort();
        near.dedup();
        let known: Vec<String> = near
            .iter()
            .take(NEAREST)
            .map(|(distance, surface, label)| {
                let errors = if *distance == 1 { "error" } else { "errors" };
                format!("'{surface}' ({label}, {distance} {errors} off)")
            })
            .collect();
        let absent = format!("no entry reads '{}'", self.wanted);
        match &known[..] {
            [] => absent,
            known => format!("{absent}; near it: {}", known.join(", ")),
        }
    }
}

fn entry_name(found: &Match<'_>) -> String {
    format!("entry {}", found.entry.detail())
}

/// The whole word, or words, that a span lies in.
fn word_around(text: &str, span: Span) -> &str {
    let edges = |at: &usize| text.is_char_boundary(*at) && is_boundary(text, *at);
    let start = (0..=span.start).rev().find(edges).unwrap_or(0);
    let end = (span.end..=text.len()).find(edges).unwrap_or(text.len());
    text.get(start..end).unwrap_or("")
}
