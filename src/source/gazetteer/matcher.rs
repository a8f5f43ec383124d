//! Which entries does a text mention? Hits of the index, less those whose casing or place does not
//! fit, less those inside a longer one.

use super::casing::{Case, Judge};
use super::compile::Gazetteer;
use super::entry::Entry;
use super::index::Hit;
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
    pub entry: &'g Entry,
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
}

impl Matcher {
    /// The entries of `gazetteer` that `document` mentions, by place; of the entries of one label at
    /// one place the one with the highest score (of equal ones, the lowest id).
    ///
    /// Where the document has tokens of its own, a match begins and ends at their edges.
    pub fn find<'g>(&self, gazetteer: &'g Gazetteer, document: &Document) -> Vec<Match<'g>> {
        let mut matches: Vec<Match<'g>> = Vec::new();
        self.scan(gazetteer, document, |new| {
            // Entries of one place come by label, then id.
            let same =
                |old: &&mut Match<'g>| old.span == new.span && old.entry.label == new.entry.label;
            match matches.last_mut().filter(same) {
                Some(old) if old.score < new.score => *old = new,
                Some(_) => {}
                None => matches.push(new),
            }
        });
        matches
    }

    /// As [`Matcher::find`], with all the entries of a label.
    pub fn find_each<'g>(&self, gazetteer: &'g Gazetteer, document: &Document) -> Vec<Match<'g>> {
        let mut matches = Vec::new();
        self.scan(gazetteer, document, |new| matches.push(new));
        matches
    }

    fn scan<'g>(
        &self,
        gazetteer: &'g Gazetteer,
        document: &Document,
        mut accept: impl FnMut(Match<'g>),
    ) {
        let folded = fold(&document.text, FoldOptions::ALL);
        let hits = gazetteer.hits(folded.text());
        let mut judge = Judge::new(&document.text, &self.common_words);
        let mut free_from = 0;
        for hit in &hits {
            if hit.start < free_from {
                continue;
            }
            let Some(span) = place(hit, &folded, document.tokens.as_deref()) else { continue };
            let key = folded.text().get(hit.start..hit.end).unwrap_or("");
            let mut is_accepted = false;
            for (entry, shape) in gazetteer.of_surface(hit.surface) {
                let case = entry.case.unwrap_or(self.case);
                if let Some(factor) = judge.judge(case, &entry.surface, shape, span, key) {
                    accept(Match { span, entry, score: entry.weight * factor });
                    is_accepted = true;
                }
            }
            if is_accepted && self.matches == MatchKind::Longest {
                free_from = hit.end;
            }
        }
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
