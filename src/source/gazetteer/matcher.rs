//! Which entries does a text mention? Hits of the index, less those whose casing or place does not
//! fit, less those inside a longer one.

use std::cmp::{Ordering, Reverse};

use super::casing::{Case, Judge};
use super::compiled::{EntryRef, Gazetteer};
use super::index::Hit;
use crate::span::Label;
use crate::text::{CommonWords, Document, FoldOptions, Folded, Span, Token, fold};

/// Which of overlapping matches are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchKind {
    /// From left to right the longest whose casing fits; none of them overlap.
    #[default]
    Longest,
    /// All of them.
    All,
}

/// An entry that a text mentions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match<'g> {
    /// Where.
    pub span: Span,
    /// What.
    pub entry: EntryRef<'g>,
    /// The weight of the entry, less what the casing takes from it.
    pub score: f32,
}

/// How a gazetteer is matched.
#[derive(Debug, Default)]
pub struct Matcher {
    /// Which casing fits, where an entry does not say.
    pub case: Case,
    /// Which of overlapping matches are given.
    pub matches: MatchKind,
    /// The words that the smart casing is careful with.
    pub common_words: CommonWords,
    /// Only entries of these labels count, where any are given.
    pub labels: Option<Vec<Label>>,
    /// Surfaces whose fold has fewer characters do not count.
    pub min_length: usize,
}

impl Matcher {
    /// The entries of `gazetteers` that `document` mentions, by place; of the entries of one label at
    /// one place the one with the highest score (of equal ones, the lowest id).
    ///
    /// Where the document has tokens of its own, a match begins and ends at their edges.
    pub fn find<'g>(&self, gazetteers: &'g [Gazetteer], document: &Document) -> Vec<Match<'g>> {
        let mut matches: Vec<Match<'g>> = Vec::new();
        self.scan(gazetteers, document, |new| {
            let mut of_place = matches.iter_mut().rev().take_while(|old| old.span == new.span);
            match of_place.find(|old| old.entry.label() == new.entry.label()) {
                Some(old) if is_better(&new, old) => *old = new,
                Some(_) => {}
                None => matches.push(new),
            }
        });
        if gazetteers.len() > 1 {
            matches.sort_by_key(|m| (m.span.start, Reverse(m.span.end), m.entry.label()));
        }
        matches
    }

    /// As [`Matcher::find`], with all the entries of a label.
    pub fn find_each<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        document: &Document,
    ) -> Vec<Match<'g>> {
        let mut matches = Vec::new();
        self.scan(gazetteers, document, |new| matches.push(new));
        matches
    }

    fn scan<'g>(
        &self,
        gazetteers: &'g [Gazetteer],
        document: &Document,
        mut accept: impl FnMut(Match<'g>),
    ) {
        let folded = fold(&document.text, FoldOptions::ALL);
        let mut hits: Vec<(Hit, &Gazetteer)> = Vec::new();
        for gazetteer in gazetteers {
            hits.extend(gazetteer.hits(folded.text()).into_iter().map(|hit| (hit, gazetteer)));
        }
        if gazetteers.len() > 1 {
            hits.sort_by_key(|(hit, _)| (hit.start, Reverse(hit.end)));
        }
        let mut judge = Judge::new(&document.text, &self.common_words);
        // The last place taken, whose further entries are taken too.
        let mut taken = 0..0;
        for (hit, gazetteer) in &hits {
            let range = hit.start..hit.end;
            if hit.start < taken.end && range != taken && self.matches == MatchKind::Longest {
                continue;
            }
            let key = folded.text().get(range.clone()).unwrap_or("");
            if key.len() < self.min_length * 4 && key.chars().count() < self.min_length {
                continue;
            }
            let Some(span) = place(hit, &folded, document.tokens.as_deref()) else { continue };
            for entry in gazetteer.of_surface(hit.surface) {
                if self.labels.as_ref().is_some_and(|labels| !labels.contains(entry.label())) {
                    continue;
                }
                let case = entry.case().unwrap_or(self.case);
                if let Some(factor) = judge.judge(case, entry.surface(), entry.shape(), span, key) {
                    accept(Match { span, entry, score: entry.weight() * factor });
                    taken = range.clone();
                }
            }
        }
    }
}

/// Whether a match of the same place and label goes before another.
fn is_better(new: &Match<'_>, old: &Match<'_>) -> bool {
    match new.score.total_cmp(&old.score) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => new.entry.detail() < old.entry.detail(),
    }
}

/// Where a hit stands in the original, if it may stand there.
fn place(hit: &Hit, folded: &Folded, tokens: Option<&[Token]>) -> Option<Span> {
    let span = folded.span(hit.start..hit.end)?;
    let Some(tokens) = tokens else { return Some(span) };
    let starts = tokens.binary_search_by_key(&span.start, |token| token.span.start).is_ok();
    let ends = tokens.binary_search_by_key(&span.end, |token| token.span.end).is_ok();
    (starts && ends).then_some(span)
}
