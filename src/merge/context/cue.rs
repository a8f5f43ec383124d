//! A cue: conditions on a candidate's surroundings, and what they add where they all hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::super::check::{Checks, LOG_ODDS, Names};
use super::super::pattern::{SIDE, Where};
use super::asked::{Asked, Number, Patterns};
use crate::error::{Error, ErrorKind, Location};
use crate::span::{Candidate, Label, Span};

/// A cue as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    label: Spanned<Names>,
    add: Spanned<f64>,
    left: Option<Spanned<String>>,
    right: Option<Spanned<String>>,
    inside: Option<Spanned<String>>,
    sentence: Option<Spanned<String>>,
    left_label: Option<Spanned<Names>>,
    right_label: Option<Spanned<Names>>,
    surface: Option<Vec<String>>,
}

/// A cue that can be asked.
#[derive(Debug)]
pub(super) struct Cue {
    /// Where it is written, for the trace.
    place: Location,
    labels: Vec<Label>,
    add: f64,
    patterns: Vec<Number>,
    left_labels: Option<Vec<Label>>,
    right_labels: Option<Vec<Label>>,
    /// In lower case.
    surfaces: Option<BTreeSet<String>>,
}

impl Cue {
    /// The cue that is `written` at `place`, whose patterns are added to those of all cues. What is wrong is
    /// reported.
    pub(super) fn build(
        written: Written,
        place: Location,
        patterns: &mut Patterns,
        checks: &mut Checks<'_>,
    ) -> Self {
        let sides = [
            (&written.left, Where::Left),
            (&written.right, Where::Right),
            (&written.inside, Where::Inside),
            (&written.sentence, Where::Sentence),
        ];
        let has_pattern = sides.iter().any(|(pattern, _)| pattern.is_some());
        let compiled = sides.into_iter().filter_map(|(p, place)| checks.pattern(p.as_ref(), place));
        let patterns = compiled.map(|pattern| patterns.add(pattern)).collect();
        let lower = |list: &Vec<String>| list.iter().map(|s| s.to_lowercase()).collect();
        let cue = Self {
            labels: checks.labels(&written.label),
            add: checks.number("add", &written.add, LOG_ODDS),
            patterns,
            left_labels: written.left_label.as_ref().map(|labels| checks.labels(labels)),
            right_labels: written.right_label.as_ref().map(|labels| checks.labels(labels)),
            surfaces: written.surface.as_ref().map(lower),
            place,
        };
        let has_condition = has_pattern
            || cue.left_labels.is_some()
            || cue.right_labels.is_some()
            || cue.surfaces.is_some();
        if !has_condition {
            let message = "the cue has no condition, expected 'left', 'right', 'inside', \
                           'sentence', 'left-label', 'right-label' or 'surface'";
            let place = cue.place.clone();
            checks.report_placed(Error::new(ErrorKind::Config, message).at(place));
        }
        cue
    }

    /// What it adds.
    pub(super) fn add(&self) -> f64 {
        self.add
    }

    /// The cue as the trace names it.
    pub(super) fn describe(&self) -> String {
        format!("the cue at {} ({:+.2})", self.place, self.add)
    }

    /// The labels of the candidates that it is about.
    pub(super) fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Whether it asks for a candidate of this label beside the one it is about.
    pub(super) fn looks_for(&self, label: &Label) -> bool {
        let mut asked = self.left_labels.iter().chain(&self.right_labels).flatten();
        asked.any(|known| known == label)
    }

    /// Whether the candidate reads as it wants.
    pub(super) fn reads(&self, candidate: &Candidate, text: &str) -> bool {
        self.surfaces.as_ref().is_none_or(|surfaces| {
            let surface = candidate.span.slice(text).unwrap_or("");
            surfaces.contains(&surface.to_lowercase())
        })
    }

    /// Whether all its conditions on the surroundings of the candidate hold that `asked` is turned to.
    pub(super) fn holds(&self, text: &str, edges: &Edges, asked: &mut Asked<'_>) -> bool {
        let span = asked.span();
        let left = || touching_left(text, span.start)..span.start + 1;
        let right = || span.end..touching_right(text, span.end) + 1;
        self.left_labels.as_ref().is_none_or(|labels| edges.ends.any(labels, &left()))
            && self.right_labels.as_ref().is_none_or(|labels| edges.starts.any(labels, &right()))
            && self.patterns.iter().all(|number| asked.holds(*number))
    }
}

/// Where the candidates of each label begin and end.
#[derive(Debug)]
pub(super) struct Edges {
    starts: Places,
    ends: Places,
}

impl Edges {
    /// Those of `candidates`.
    pub(super) fn of(candidates: &[Candidate]) -> Self {
        let places = |edge: fn(Span) -> usize| {
            let mut places: BTreeMap<Label, Vec<usize>> = BTreeMap::new();
            for candidate in candidates {
                places.entry(candidate.label.clone()).or_default().push(edge(candidate.span));
            }
            places.values_mut().for_each(|list| list.sort_unstable());
            Places(places)
        };
        Self { starts: places(|span| span.start), ends: places(|span| span.end) }
    }
}

/// Bytes by label, sorted.
#[derive(Debug)]
struct Places(BTreeMap<Label, Vec<usize>>);

impl Places {
    /// Whether one of the labels has a place in `range`.
    fn any(&self, labels: &[Label], range: &Range<usize>) -> bool {
        labels.iter().filter_map(|label| self.0.get(label)).any(|places| {
            let first = places.partition_point(|place| *place < range.start);
            places.get(first).is_some_and(|place| *place < range.end)
        })
    }
}

/// What may stand once between two candidates that are beside each other.
const BETWEEN: [char; 6] = [',', '.', '\'', '"', '-', '\u{2019}'];

/// The first byte at which a candidate that is beside the byte `at` may end.
fn touching_left(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or("").chars().rev();
    at - between(before)
}

/// The last byte at which a candidate that is beside the byte `at` may begin.
fn touching_right(text: &str, at: usize) -> usize {
    let after = text.get(at..).unwrap_or("").chars();
    at + between(after)
}

/// The length in bytes of the white space at the beginning, with at most one mark in it.
fn between(characters: impl Iterator<Item = char>) -> usize {
    let mut marks = 0;
    characters
        .take(SIDE)
        .take_while(|c| {
            marks += usize::from(BETWEEN.contains(c));
            marks <= 1 && (c.is_whitespace() || BETWEEN.contains(c))
        })
        .map(char::len_utf8)
        .sum()
}
