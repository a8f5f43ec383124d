//! What the errors point at and no knob can mend: names that no source knows, and words that stand beside
//! names. For a person to look at and accept; nothing here changes an engine.

use std::collections::{BTreeMap, BTreeSet};

use super::Case;
use crate::span::Entity;
use crate::text::segment::words;
use crate::text::{Annotation, Span};

/// A name that gold has and the engine missed, and that is worth an entry of a gazetteer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntrySuggestion {
    /// The name.
    pub surface: String,
    /// Its label in gold.
    pub label: String,
    /// How often it was missed.
    pub missed: usize,
    /// How often it stands in the texts with this label.
    pub with_label: usize,
    /// How often it stands in the texts at all, by whole words.
    pub everywhere: usize,
}

/// A word that stands beside entities of a label far more often than beside others.
#[derive(Debug, Clone, PartialEq)]
pub struct CueSuggestion {
    /// The word, in lower case.
    pub word: String,
    /// On which side of the entity.
    pub side: Side,
    /// The label.
    pub label: String,
    /// How often it stands beside a missed entity of the label.
    pub missed: usize,
    /// How often it stands beside entities of the label in gold.
    pub with_label: usize,
    /// How often it stands beside anything that was proposed as the label.
    pub beside: usize,
    /// The log-odds that it adds, beside what was proposed as the label (with half a count on each side).
    pub log_odds: f64,
}

/// A side of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Before it.
    Left,
    /// After it.
    Right,
}

/// So often a name must have been missed, and a word stand beside what was proposed.
const OFTEN: usize = 2;
const BESIDE: usize = 5;

/// The entries that would find what was missed: names that mostly have that label where they stand. The
/// most missed first.
pub fn entries(cases: &[Case], predicted: &[Vec<Entity>]) -> Vec<EntrySuggestion> {
    let mut missed: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut with_label: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (case, entities) in cases.iter().zip(predicted) {
        for one in case.gold() {
            let key = (one.span.slice(&case.document.text).unwrap_or(""), one.label.as_str());
            *with_label.entry(key).or_default() += 1;
            if !has(entities, one) {
                *missed.entry(key).or_default() += 1;
            }
        }
    }
    missed.retain(|_, count| *count >= OFTEN);
    let surfaces: BTreeSet<&str> = missed.keys().map(|(surface, _)| *surface).collect();
    let mut everywhere: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases {
        for surface in &surfaces {
            *everywhere.entry(surface).or_default() += occurrences(&case.document.text, surface);
        }
    }
    let mut suggestions: Vec<EntrySuggestion> = missed
        .into_iter()
        .map(|((surface, label), missed)| EntrySuggestion {
            surface: surface.to_owned(),
            label: label.to_owned(),
            missed,
            with_label: with_label[&(surface, label)],
            everywhere: everywhere[surface],
        })
        .filter(|one| 2 * one.with_label > one.everywhere)
        .collect();
    suggestions.sort_by(|a, b| b.missed.cmp(&a.missed).then_with(|| a.surface.cmp(&b.surface)));
    suggestions
}

/// How often `surface` stands in `text`, not within words.
fn occurrences(text: &str, surface: &str) -> usize {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let stands_alone = |(start, found): &(usize, &str)| {
        let (before, after) = (text.get(..*start), text.get(start + found.len()..));
        !is_word(before.and_then(|t| t.chars().next_back()))
            && !is_word(after.and_then(|t| t.chars().next()))
    };
    text.match_indices(surface).filter(stands_alone).count()
}

/// The words beside what was proposed that tell right from wrong, of labels that are proposed rightly and
/// wrongly. The most telling first: those with the largest log-odds times the number of cases.
pub fn cues(cases: &[Case], predicted: &[Vec<Entity>]) -> Vec<CueSuggestion> {
    #[derive(Default)]
    struct Count {
        right: usize,
        wrong: usize,
        missed: usize,
    }
    let mut counts: BTreeMap<(String, Side, &str), Count> = BTreeMap::new();
    let mut totals: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (case, entities) in cases.iter().zip(predicted) {
        let text = &case.document.text;
        let spans = words(text);
        let mut add = |span: Span, label, is_right: bool, is_missed: bool| {
            let total: &mut (usize, usize) = totals.entry(label).or_default();
            *if is_right { &mut total.0 } else { &mut total.1 } += 1;
            for (side, word) in beside(&spans, span) {
                let Some(word) = word.slice(text).filter(|w| w.chars().any(char::is_alphabetic))
                else {
                    continue;
                };
                let count = counts.entry((word.to_lowercase(), side, label)).or_default();
                *if is_right { &mut count.right } else { &mut count.wrong } += 1;
                count.missed += usize::from(is_missed);
            }
        };
        let gold: BTreeSet<(Span, &str)> =
            case.gold().iter().map(|one| (one.span, one.label.as_str())).collect();
        for one in case.gold() {
            add(one.span, one.label.as_str(), true, !has(entities, one));
        }
        let proposed: BTreeSet<(Span, &str)> =
            case.proposals.mentions.iter().map(|m| (m.span, m.label.as_str())).collect();
        for (span, label) in proposed.into_iter().filter(|one| !gold.contains(one)) {
            add(span, label, false, false);
        }
    }
    let suggestion = |((word, side, label), count): ((String, Side, &str), Count)| {
        let beside = count.right + count.wrong;
        let (right, wrong) = totals[label];
        let odds =
            |right: usize, wrong: usize| (right as f64 + 0.5).ln() - (wrong as f64 + 0.5).ln();
        CueSuggestion {
            log_odds: odds(count.right, count.wrong)
                - odds(right - count.right, wrong - count.wrong),
            word,
            side,
            label: label.to_owned(),
            missed: count.missed,
            with_label: count.right,
            beside,
        }
    };
    let all = counts.into_iter().map(suggestion);
    let is_telling = |one: &CueSuggestion| {
        let (right, wrong) = totals[one.label.as_str()];
        let is_doubtful = right.min(wrong) >= BESIDE;
        is_doubtful && one.beside >= BESIDE && one.log_odds.abs() >= 1.0
    };
    let mut suggestions: Vec<CueSuggestion> = all.filter(is_telling).collect();
    let weight = |one: &CueSuggestion| one.log_odds.abs() * one.beside as f64;
    suggestions.sort_by(|a, b| {
        weight(b).total_cmp(&weight(a)).then_with(|| (&a.word, a.side).cmp(&(&b.word, b.side)))
    });
    suggestions
}

fn has(entities: &[Entity], gold: &Annotation) -> bool {
    entities.iter().any(|e| e.span == gold.span && e.label.as_str() == gold.label)
}

/// The words right before and after a span.
fn beside(words: &[Span], span: Span) -> impl Iterator<Item = (Side, Span)> {
    let before = words.partition_point(|word| word.end <= span.start);
    let after = words.partition_point(|word| word.start < span.end);
    let left = before.checked_sub(1).map(|number| (Side::Left, words[number]));
    let right = words.get(after).map(|word| (Side::Right, *word));
    left.into_iter().chain(right)
}
