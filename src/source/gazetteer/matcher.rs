//! Which entries does a text mention? What the index holds of it, as it is written or nearly so, less
//! what its place, casing or context refuses, less what lies inside a longer match.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

use super::casing::{Case, Judge, Spelling};
use super::compile;
use super::compiled::{EntryRef, Gazetteer};
use super::context::Contexts;
use super::fuzzy::{self, Fuzzy, Known};
use super::hashtag::{self, Hashtag, Hashtags, Lexicon};
use super::spelling::SpellingOptions;
use super::variants;
use crate::span::Label;
use crate::text::pieces::{Piece, pieces};
use crate::text::{CommonWords, Document, FoldOptions, Folded, Readings, Span, Token, fold};

/// Which of overlapping matches are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchKind {
    /// From left to right the longest whose casing and context fit; none of them overlap.
    #[default]
    Longest,
    /// All of them.
    All,
    /// As `Longest`, with the entries of the highest score at each place, whatever their labels.
    NBest,
}

/// An entry that a text mentions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match<'g> {
    /// Where.
    pub span: Span,
    /// What.
    pub entry: EntryRef<'g>,
    /// The weight of the entry, less what casing and errors take from it.
    pub score: f32,
}

/// How a gazetteer is matched.
#[derive(Debug, Default)]
pub struct Matcher {
    /// Which casing fits, where an entry does not say.
    pub case: Case,
    /// Whether `case` goes before what an entry says.
    pub any_entry_case: bool,
    /// Which of overlapping matches are given.
    pub matches: MatchKind,
    /// How many entries a place may have with [`MatchKind::NBest`].
    pub n: usize,
    /// The words that the smart casing is careful with.
    pub common_words: CommonWords,
    /// Only entries of these labels count, where any are given.
    pub labels: Option<Vec<Label>>,
    /// Surfaces whose fold has fewer characters do not count.
    pub min_length: usize,
    /// What is never matched, folded.
    pub stop: BTreeSet<String>,
    /// Which differences do not count.
    pub spelling: SpellingOptions,
    /// Which typographical errors are forgiven.
    pub fuzzy: Option<Fuzzy>,
    /// What is proposed where a hashtag holds a name.
    pub hashtags: Option<Hashtags>,
    /// Whether the conditions that entries carry are left unasked.
    pub any_context: bool,
    /// The conditions read so far.
    pub(super) contexts: Contexts,
}

/// A surface that a place in the folded text reads like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'g> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) gazetteer: &'g Gazetteer,
    pub(super) surface: u64,
    pub(super) spelling: Spelling,
}

impl Candidate<'_> {
    fn errors(&self) -> usize {
        match self.spelling {
            Spelling::Misspelt(errors) => errors,
            _ => 0,
        }
    }
}

/// What stands against an entry at a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Objection {
    /// Its label is not among those wanted.
    Label,
    /// The surface is shorter than it may be: its characters.
    Short(usize),
    /// The surface, or the text, is never matched.
    Stop,
    /// Accents, width or the like differ, and count.
    Spelling,
    /// The casing does not fit.
    Casing,
    /// A condition does not hold; which.
    Context(String),
}

/// A text that is searched: a document's, or the words of a hashtag in it.
struct Reading<'t> {
    text: &'t str,
    /// The document's text.
    original: &'t str,
    tokens: Option<&'t [Token]>,
    hashtag: Option<&'t Hashtag>,
}

impl Reading<'_> {
    /// Where a span of the text stands in the document, if a mention may stand there.
    fn place(&self, span: Span) -> Option<Span> {
        let span = match self.hashtag {
            Some(hashtag) => hashtag.original(span)?,
            None => span,
        };
        is_at_token_edges(span, self.tokens).then_some(span)
    }
}

/// Whether a span cuts none of the document's own tokens.
pub(super) fn is_at_token_edges(span: Span, tokens: Option<&[Token]>) -> bool {
    tokens.is_none_or(|tokens| {
        tokens.binary_search_by_key(&span.start, |token| token.span.start).is_ok()
            && tokens.binary_search_by_key(&span.end, |token| token.span.end).is_ok()
    })
}

impl Matcher {
    /// A matcher that finds every entry a text may mean, overlapping or not, whatever its casing and
    /// context: for looking names up.
    pub fn lookup() -> Self {
        Self {
            case: Case::Fold,
            any_entry_case: true,
            matches: MatchKind::All,
            any_context: true,
            ..Self::default()
        }
    }

    /// The entries of `gazetteers` that `document` mentions, by place; of the entries of one label at
    /// one place the one with the highest score (of equal ones, the lowest id). With
    /// [`MatchKind::NBest`] the `n` entries of the highest scores at each place (of equal ones those of
    /// the lowest label, then id).
    ///
    /// Where the document has tokens of its own, a match begins and ends at their edges.
    pub fn find<'g>(&self, gazetteers: &'g [Gazetteer], document: &Document) -> Vec<Match<'g>> {
        self.find_beside(gazetteers, document, &Readings::default())
    }

    /// [`Matcher::find`] where others look at the document too.
    pub fn find_beside<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        document: &Document,
        readings: &Readings,
    ) -> Vec<Match<'g>> {
        let mut matches = self.each_beside(gazetteers, document, readings);
        if self.matches != MatchKind::NBest {
            let mut best = best_of_label(matches);
            if !self.is_in_order(gazetteers) {
                best.sort_by(|a, b| by_place(a, b).then_with(|| by_name(a, b)));
            }
            return best;
        }
        matches.sort_by(|a, b| {
            by_place(a, b).then_with(|| b.score.total_cmp(&a.score)).then_with(|| by_name(a, b))
        });
        let same = |a: &mut Match<'_>, b: &mut Match<'_>| a.span == b.span && by_name(a, b).is_eq();
        matches.dedup_by(same);
        let mut best: Vec<Match<'g>> = Vec::new();
        for found in matches {
            let of_place = best.iter().rev().take_while(|m| m.span == found.span).count();
            if of_place < self.n {
                best.push(found);
            }
        }
        best
    }

    /// As [`Matcher::find`], with all the entries of a label.
    pub fn find_each<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        document: &Document,
    ) -> Vec<Match<'g>> {
        self.each_beside(gazetteers, document, &Readings::default())
    }

    fn each_beside<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        document: &Document,
        readings: &Readings,
    ) -> Vec<Match<'g>> {
        let hashtags = self.hashtags_of(gazetteers, document);
        let mut matches = Vec::new();
        let mut closed: Vec<Span> = Vec::new();
        for hashtag in &hashtags {
            let inside = self.find_in_hashtag(gazetteers, document, hashtag);
            if hashtag.words.len() > 1 || !inside.is_empty() {
                closed.push(hashtag.span);
            }
            matches.extend(inside);
        }
        let text = &document.text;
        let reading =
            Reading { text, original: text, tokens: document.tokens.as_deref(), hashtag: None };
        let folded = (readings.folded(document), readings.pieces(document));
        self.scan(gazetteers, &reading, folded, &closed, &mut |new| matches.push(new));
        if !closed.is_empty() {
            matches.sort_by(by_place);
        }
        matches
    }

    /// Whether the index of one gazetteer is all that is asked: it answers in order.
    fn is_in_order(&self, gazetteers: &[Gazetteer]) -> bool {
        gazetteers.len() <= 1 && !self.spelling.variants.any() && self.fuzzy.is_none()
    }

    /// The hashtags that are searched by themselves.
    fn hashtags_of(&self, gazetteers: &[Gazetteer], document: &Document) -> Vec<Hashtag> {
        let Some(kind) = self.hashtags else { return Vec::new() };
        let names = gazetteers.iter().map(Gazetteer::start).collect();
        let mut hashtags =
            hashtag::find(&document.text, &Lexicon { names, common: &self.common_words });
        // A hashtag of one word is text like any other, unless it is given whole.
        hashtags.retain(|hashtag| kind == Hashtags::Whole || hashtag.words.len() > 1);
        hashtags
    }

    fn find_in_hashtag<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        document: &Document,
        hashtag: &Hashtag,
    ) -> Vec<Match<'g>> {
        let text = hashtag.text(&document.text);
        let is_whole = self.hashtags == Some(Hashtags::Whole);
        if is_whole && !is_at_token_edges(hashtag.span, document.tokens.as_deref()) {
            return Vec::new();
        }
        let mut inside = Vec::new();
        let reading = Reading {
            text: &text,
            original: &document.text,
            // A hashtag that is given whole may be a token of many words.
            tokens: document.tokens.as_deref().filter(|_| !is_whole),
            hashtag: Some(hashtag),
        };
        let folded = fold(&text, FoldOptions::ALL);
        let pieces = pieces(folded.text());
        self.scan(gazetteers, &reading, (&folded, &pieces), &[], &mut |new| inside.push(new));
        if is_whole {
            inside.iter_mut().for_each(|found| found.span = hashtag.span);
        }
        inside
    }

    /// What each place of a folded text, which has these pieces, reads like, by place, longest first.
    pub(super) fn candidates<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        text: &str,
        pieces: &[Piece],
    ) -> Vec<Candidate<'g>> {
        let mut candidates = Vec::new();
        let variants = self.spelling.variants;
        for gazetteer in gazetteers {
            let mut hits = gazetteer.hits(text, pieces);
            let plain = hits.len();
            candidates.extend(hits.drain(..).map(|hit| Candidate {
                start: hit.start,
                end: hit.end,
                gazetteer,
                surface: hit.surface,
                spelling: Spelling::Same,
            }));
            if variants.any() {
                let first = candidates.len() - plain;
                let same: BTreeSet<(usize, usize, u64)> =
                    candidates[first..].iter().map(|c| (c.start, c.end, c.surface)).collect();
                variants::find(gazetteer.start(), text, variants, &mut hits);
                let others =
                    hits.into_iter().filter(|h| !same.contains(&(h.start, h.end, h.surface)));
                candidates.extend(others.map(|hit| Candidate {
                    start: hit.start,
                    end: hit.end,
                    gazetteer,
                    surface: hit.surface,
                    spelling: Spelling::Variant,
                }));
            }
        }
        if let Some(fuzzy) = &self.fuzzy {
            self.add_misspelt(gazetteers, text, fuzzy, &mut candidates);
        }
        if !self.is_in_order(gazetteers) {
            candidates.sort_by_key(|c| (c.start, Reverse(c.end), c.errors()));
        }
        candidates
    }

    fn add_misspelt<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        text: &str,
        fuzzy: &Fuzzy,
        candidates: &mut Vec<Candidate<'g>>,
    ) {
        // What is read without errors is not misspelt.
        let mut read: BTreeSet<(usize, usize)> =
            candidates.iter().map(|c| (c.start, c.end)).collect();
        let is_surface = |key: &str| {
            gazetteers.iter().any(|g| g.number(key).is_some()) || self.stop.contains(key)
        };
        let known = Known { is_surface: &is_surface, common: &self.common_words };
        let mut misspelt = Vec::new();
        for gazetteer in gazetteers {
            let mut near = Vec::new();
            fuzzy::find(gazetteer.start(), text, fuzzy, &known, &mut near);
            misspelt.extend(near.into_iter().map(|near| (near.distance, near, gazetteer)));
        }
        misspelt.sort_by_key(|(distance, ..)| *distance);
        let mut taken: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut before = 0;
        for (errors, near, gazetteer) in misspelt {
            if errors > before {
                read.append(&mut taken);
                before = errors;
            }
            if read.contains(&(near.start, near.end)) {
                continue;
            }
            taken.insert((near.start, near.end));
            candidates.push(Candidate {
                start: near.start,
                end: near.end,
                gazetteer,
                surface: near.surface,
                spelling: Spelling::Misspelt(errors),
            });
        }
    }

    fn scan<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        reading: &Reading<'_>,
        (folded, pieces): (&Folded, &[Piece]),
        closed: &[Span],
        accept: &mut dyn FnMut(Match<'g>),
    ) {
        let mut judge = Judge::new(reading.text, &self.common_words);
        // The last place taken, whose further entries are taken too.
        let mut taken = 0..0;
        for candidate in self.candidates(gazetteers, folded.text(), pieces) {
            let range = candidate.start..candidate.end;
            let is_free = candidate.start >= taken.end || range == taken;
            if !is_free && self.matches != MatchKind::All {
                continue;
            }
            let Some(span) = folded.span(range.clone()) else { continue };
            let is_closed = |closed: &&Span| closed.start < span.end && span.start < closed.end;
            if closed.iter().any(|closed| is_closed(&closed)) {
                continue;
            }
            let Some(place) = reading.place(span) else { continue };
            for entry in candidate.gazetteer.of_surface(candidate.surface) {
                let judged = self.judge(&mut judge, &candidate, entry, span, folded, || {
                    (reading.original, place)
                });
                if let Ok(score) = judged {
                    accept(Match { span: place, entry, score });
                    taken = range.clone();
                }
            }
        }
    }

    /// The score of an entry at a place, or what stands against it. `span` is where the candidate
    /// stands in the text that the judge knows, `place` gives the document's text and where it stands
    /// there.
    pub(super) fn judge<'t>(
        &self,
        judge: &mut Judge<'_>,
        candidate: &Candidate<'_>,
        entry: EntryRef<'_>,
        span: Span,
        folded: &Folded,
        place: impl FnOnce() -> (&'t str, Span),
    ) -> Result<f32, Objection> {
        if self.labels.as_ref().is_some_and(|labels| !labels.contains(entry.label())) {
            return Err(Objection::Label);
        }
        let read = folded.text().get(candidate.start..candidate.end).unwrap_or("");
        let spelt;
        let key = if candidate.spelling == Spelling::Same {
            read
        } else {
            spelt = compile::key(entry.surface());
            &spelt
        };
        if key.len() < self.min_length * 4 {
            let length = key.chars().count();
            if length < self.min_length {
                return Err(Objection::Short(length));
            }
        }
        if !self.stop.is_empty() && (self.stop.contains(key) || self.stop.contains(read)) {
            return Err(Objection::Stop);
        }
        let matched = judge.slice(span);
        if !self.spelling.allows(matched, entry.surface(), candidate.spelling, self.fuzzy.as_ref())
        {
            return Err(Objection::Spelling);
        }
        let named = (entry.surface(), entry.shape());
        let factor = judge
            .judge(self.case_of(entry), named, candidate.spelling, span, read)
            .ok_or(Objection::Casing)?;
        if !self.any_context {
            let context = self.contexts.of(entry.attributes());
            let refusal = context.map_err(|e| e.message().to_owned()).map(|context| {
                let (text, span) = place();
                context.and_then(|context| context.refusal(text, span))
            });
            if let Some(reason) = refusal.unwrap_or_else(Some) {
                return Err(Objection::Context(reason));
            }
        }
        let errors = i32::try_from(candidate.errors()).unwrap_or(i32::MAX);
        let forgiven = self.fuzzy.as_ref().map_or(1.0, |fuzzy| fuzzy.factor.powi(errors));
        Ok(entry.weight() * factor * forgiven)
    }

    /// Which casing fits an entry.
    pub(super) fn case_of(&self, entry: EntryRef<'_>) -> Case {
        entry.case().filter(|_| !self.any_entry_case).unwrap_or(self.case)
    }
}

/// Of the matches of one label at one place, those of the highest score; of equal ones the lowest id.
fn best_of_label(matches: Vec<Match<'_>>) -> Vec<Match<'_>> {
    let mut best: Vec<Match<'_>> = Vec::with_capacity(matches.len());
    for new in matches {
        let mut of_place = best.iter_mut().rev().take_while(|old| old.span == new.span);
        match of_place.find(|old| old.entry.label() == new.entry.label()) {
            Some(old) if is_better(&new, old) => *old = new,
            Some(_) => {}
            None => best.push(new),
        }
    }
    best
}

/// Whether a match of the same place and label goes before another.
fn is_better(new: &Match<'_>, old: &Match<'_>) -> bool {
    match new.score.total_cmp(&old.score) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => new.entry.detail() < old.entry.detail(),
    }
}

fn by_place(a: &Match<'_>, b: &Match<'_>) -> Ordering {
    (a.span.start, Reverse(a.span.end)).cmp(&(b.span.start, Reverse(b.span.end)))
}

fn by_name(a: &Match<'_>, b: &Match<'_>) -> Ordering {
    (a.entry.label(), a.entry.detail()).cmp(&(b.entry.label(), b.entry.detail()))
}

#[cfg(test)]
mod tests;
