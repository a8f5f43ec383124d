//! What the surfaces of a document mean, as its candidates tell it.

use std::collections::BTreeMap;

use super::super::PassContext;
use super::{Coherence, acronym};
use crate::span::{Candidate, Label, Origin, Span};
use crate::text::{FoldOptions, fold};

/// Why a surface means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ground {
    /// It is the last word of what was named in full.
    ShortForm,
    /// It is the acronym of what stood beside it.
    Acronym,
    /// Most of its mentions have the label.
    Majority,
}

/// What a surface means from some place on.
#[derive(Debug, Clone)]
pub(super) struct Sense {
    ground: Ground,
    /// The candidate that gives the sense.
    given_by: Span,
    pub(super) label: Label,
    pub(super) score: f32,
    pub(super) origins: Vec<Origin>,
}

impl Sense {
    fn new(ground: Ground, candidate: &Candidate) -> Self {
        Self {
            ground,
            given_by: candidate.span,
            label: candidate.label.clone(),
            score: candidate.score,
            origins: candidate.origins.clone(),
        }
    }

    /// Why, as the trace says it.
    pub(super) fn why(&self, text: &str) -> String {
        let (surface, place) = (self.given_by.slice(text).unwrap_or(""), self.given_by);
        match self.ground {
            Ground::ShortForm => format!("short form of {} {surface} at {place}", self.label),
            Ground::Acronym => format!("acronym of {} {surface} at {place}", self.label),
            Ground::Majority => format!("most mentions here are {}", self.label),
        }
    }
}

/// The senses of a document.
#[derive(Debug, Default)]
pub(super) struct Senses {
    /// Of surfaces as written, by label; each list in the order of the text.
    written: BTreeMap<String, BTreeMap<Label, Vec<Sense>>>,
    /// Of folded surfaces, document-wide.
    folded: BTreeMap<String, Sense>,
    /// The ways in which the surfaces of `folded` are written.
    variants: BTreeMap<String, String>,
}

impl Senses {
    /// Those that `candidates`, sorted, give.
    pub(super) fn of(
        pass: &Coherence,
        candidates: &[Candidate],
        context: &PassContext<'_>,
    ) -> Self {
        let mut senses = Self::default();
        let giving = |c: &&Candidate| pass.concern.takes(c) && c.score >= pass.min;
        for candidate in candidates.iter().filter(giving) {
            if pass.short_forms.contains(&candidate.label) {
                let word = last_word(candidate.span, context);
                senses.give(word, pass, Sense::new(Ground::ShortForm, candidate), context);
            }
            if pass.acronyms.contains(&candidate.label) {
                let text = &context.document.text;
                let word = acronym::beside(candidate.span, text, context.segments());
                senses.give(word, pass, Sense::new(Ground::Acronym, candidate), context);
            }
        }
        if !pass.majority.is_empty() {
            senses.count(pass, candidates, &context.document.text);
        }
        senses
    }

    /// Whether nothing means anything.
    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.folded.is_empty()
    }

    /// Notes the sense of what is written at `word`.
    fn give(
        &mut self,
        word: Option<Span>,
        pass: &Coherence,
        sense: Sense,
        context: &PassContext<'_>,
    ) {
        let Some(surface) = word.and_then(|word| word.slice(&context.document.text)) else {
            return;
        };
        if surface.chars().count() >= pass.min_length {
            let of_surface = self.written.entry(surface.to_owned()).or_default();
            of_surface.entry(sense.label.clone()).or_default().push(sense);
        }
    }

    /// Finds the label that most mentions of each surface have.
    fn count(&mut self, pass: &Coherence, candidates: &[Candidate], text: &str) {
        let mut votes: BTreeMap<String, BTreeMap<Label, Vec<&Candidate>>> = BTreeMap::new();
        for candidate in candidates {
            if pass.concern.takes(candidate) && pass.majority.contains(&candidate.label) {
                let surface = key(candidate.span, text);
                let of_surface = votes.entry(surface).or_default();
                of_surface.entry(candidate.label.clone()).or_default().push(candidate);
            }
        }
        for (surface, labels) in votes {
            let mut spans: Vec<Span> = labels.values().flatten().map(|c| c.span).collect();
            spans.dedup();
            spans.sort_unstable();
            spans.dedup();
            // Millionths, so that the order of the sum and the last digit do not matter.
            let sum = |list: &[&Candidate]| -> u64 {
                list.iter().map(|c| (f64::from(c.score) * 1e6).round() as u64).sum()
            };
            let Some(best) = labels.values().map(|list| sum(list)).max() else { continue };
            let mut leading = labels.values().filter(|list| sum(list) == best);
            let (Some(list), None, true) = (leading.next(), leading.next(), spans.len() > 1) else {
                continue;
            };
            // The first of the highest scores: candidates are sorted.
            let giver = list.iter().reduce(|a, b| if b.score > a.score { b } else { a });
            let Some(giver) = giver.filter(|giver| giver.score >= pass.min) else { continue };
            for candidate in list {
                if let Some(written) = candidate.span.slice(text) {
                    self.variants.insert(written.to_owned(), surface.clone());
                }
            }
            self.folded.insert(surface, Sense::new(Ground::Majority, giver));
        }
    }

    /// The sense that the label of a candidate agrees with.
    pub(super) fn of_candidate(
        &self,
        candidate: &Candidate,
        text: &str,
        window: usize,
    ) -> Option<&Sense> {
        let surface = candidate.span.slice(text)?;
        let written = self
            .written
            .get(surface)
            .and_then(|labels| latest(labels.get(&candidate.label)?, candidate.span, window));
        written.or_else(|| {
            if self.folded.is_empty() {
                return None;
            }
            let sense = self.folded.get(&key(candidate.span, text))?;
            (sense.label == candidate.label).then_some(sense)
        })
    }

    /// Calls `found` for every place in the text where a surface stands as whole words and has a sense.
    pub(super) fn for_each_occurrence(
        &self,
        context: &PassContext<'_>,
        window: usize,
        mut found: impl FnMut(Span, &Sense),
    ) {
        let text = &context.document.text;
        let words = context.segments().words();
        let mut surfaces: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for surface in self.written.keys().chain(self.variants.keys()) {
            surfaces.entry(first_piece(surface)).or_default().push(surface);
        }
        for (number, word) in words.iter().enumerate() {
            let piece = first_piece(word.slice(text).unwrap_or(""));
            for surface in surfaces.get(piece).into_iter().flatten() {
                let span = Span::new(word.start, word.start + surface.len());
                let ends = words[number..].iter().take_while(|w| w.end <= span.end).last();
                if span.slice(text) != Some(surface) || ends.is_none_or(|w| w.end != span.end) {
                    continue;
                }
                let labels = self.written.get(*surface).into_iter().flat_map(BTreeMap::values);
                for senses in labels {
                    if let Some(sense) = latest(senses, span, window) {
                        found(span, sense);
                    }
                }
                if let Some(sense) = self.variants.get(*surface).and_then(|s| self.folded.get(s)) {
                    found(span, sense);
                }
            }
        }
    }
}

/// The last of the senses that were given before `span` and not too far from it.
fn latest(senses: &[Sense], span: Span, window: usize) -> Option<&Sense> {
    let before = senses.partition_point(|sense| sense.given_by.start < span.start);
    let apart = |sense: &&Sense| {
        !sense.given_by.overlaps(span) && span.start.saturating_sub(sense.given_by.end) <= window
    };
    let earlier = senses[..before].iter().rev().find(apart);
    // `WHO (World Health Organization)`: the acronym comes first.
    earlier.or_else(|| {
        senses.get(before).filter(|sense| {
            sense.ground == Ground::Acronym && sense.given_by.start <= span.end.saturating_add(3)
        })
    })
}

/// The last word of a name of several words.
fn last_word(span: Span, context: &PassContext<'_>) -> Option<Span> {
    let words = &context.segments().words()[context.segments().words_in(span)];
    let is_name = |word: &&Span| {
        span.contains(**word)
            && word
                .slice(&context.document.text)
                .is_some_and(|w| w.starts_with(char::is_alphabetic))
    };
    let mut names = words.iter().filter(is_name);
    let last = names.next_back()?;
    names.next().map(|_| *last)
}

/// A surface without differences of case and accents.
fn key(span: Span, text: &str) -> String {
    fold(span.slice(text).unwrap_or(""), FoldOptions::ALL).into_text()
}

/// What a surface begins with, up to the first character that is no letter or digit: the same for a
/// surface and for the first word of it.
fn first_piece(surface: &str) -> &str {
    let end = surface.char_indices().skip(1).find(|(_, c)| !c.is_alphanumeric());
    end.map_or(surface, |(end, _)| surface.get(..end).unwrap_or(surface))
}
