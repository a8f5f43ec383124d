//! A cue: conditions on a candidate's surroundings, and what they add where they all hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::super::check::{Checks, LOG_ODDS};
use super::super::pattern::{Pattern, SIDE, Where};
use crate::error::{Error, ErrorKind};
use crate::resource::Section;
use crate::span::{Candidate, Label, Span};

/// A cue as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    label: Spanned<Labels>,
    add: Spanned<f64>,
    left: Option<Spanned<String>>,
    right: Option<Spanned<String>>,
    inside: Option<Spanned<String>>,
    sentence: Option<Spanned<String>>,
    left_label: Option<Spanned<Labels>>,
    right_label: Option<Spanned<Labels>>,
    surface: Option<Vec<String>>,
}

/// A label or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a label or a list of labels")]
enum Labels {
    One(String),
    Several(Vec<String>),
}

impl Labels {
    fn check(written: &Spanned<Self>, checks: &mut Checks<'_>) -> Vec<Label> {
        let names = match written.get_ref() {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        };
        names.iter().map(|name| checks.label(name, written.span())).collect()
    }
}

/// A cue that can be asked.
#[derive(Debug)]
pub(super) struct Cue {
    /// Where it is written, for the trace.
    place: String,
    labels: Vec<Label>,
    add: f64,
    patterns: Vec<Pattern>,
    left_labels: Option<Vec<Label>>,
    right_labels: Option<Vec<Label>>,
    /// In lower case.
    surfaces: Option<BTreeSet<String>>,
}

impl Cue {
    /// The cue that a table is; `None` where it cannot be read. What is wrong is reported.
    pub(super) fn build(table: Section<'_>, checks: &mut Checks<'_>) -> Option<Self> {
        let location = table.location();
        let written: Written = match table.read() {
            Ok(written) => written,
            Err(error) => {
                checks.report_placed(error);
                return None;
            }
        };
        let sides = [
            (&written.left, Where::Left),
            (&written.right, Where::Right),
            (&written.inside, Where::Inside),
            (&written.sentence, Where::Sentence),
        ];
        let mut patterns = Vec::new();
        for (pattern, place) in sides {
            let Some(pattern) = pattern else { continue };
            match Pattern::new(pattern.get_ref(), place) {
                Ok(compiled) => patterns.push(compiled),
                Err(message) => report(checks, message, pattern.span()),
            }
        }
        let mut labels_of = |labels: &Option<Spanned<Labels>>| {
            labels.as_ref().map(|labels| Labels::check(labels, checks))
        };
        let left_labels = labels_of(&written.left_label);
        let right_labels = labels_of(&written.right_label);
        let lower = |list: &Vec<String>| list.iter().map(|s| s.to_lowercase()).collect();
        let cue = Self {
            place: location.to_string(),
            labels: Labels::check(&written.label, checks),
            add: checks.number("add", &written.add, LOG_ODDS),
            patterns,
            left_labels,
            right_labels,
            surfaces: written.surface.as_ref().map(lower),
        };
        let has_condition = sides.iter().any(|(pattern, _)| pattern.is_some())
            || cue.left_labels.is_some()
            || cue.right_labels.is_some()
            || cue.surfaces.is_some();
        if !has_condition {
            let message = "the cue has no condition, expected 'left', 'right', 'inside', \
                           'sentence', 'left-label', 'right-label' or 'surface'";
            checks.report_placed(Error::new(ErrorKind::Config, message).at(location));
        }
        Some(cue)
    }

    /// What it adds.
    pub(super) fn add(&self) -> f64 {
        self.add
    }

    /// The cue as the trace names it.
    pub(super) fn describe(&self) -> String {
        format!("the cue at {} ({:+.2})", self.place, self.add)
    }

    /// Whether it is about candidates of this label and surface.
    pub(super) fn concerns(&self, candidate: &Candidate, text: &str) -> bool {
        self.labels.contains(&candidate.label)
            && self.surfaces.as_ref().is_none_or(|surfaces| {
                let surface = candidate.span.slice(text).unwrap_or("");
                surfaces.contains(&surface.to_lowercase())
            })
    }

    /// Whether all its conditions on the surroundings hold.
    pub(super) fn holds(
        &self,
        candidate: &Candidate,
        text: &str,
        sentence: impl Fn() -> Span,
        edges: &Edges,
    ) -> bool {
        let span = candidate.span;
        let left = || touching_left(text, span.start)..span.start + 1;
        let right = || span.end..touching_right(text, span.end) + 1;
        self.left_labels.as_ref().is_none_or(|labels| edges.ends.any(labels, &left()))
            && self.right_labels.as_ref().is_none_or(|labels| edges.starts.any(labels, &right()))
            && self.patterns.iter().all(|pattern| pattern.holds(text, span, &sentence))
    }
}

fn report(checks: &mut Checks<'_>, message: String, place: Range<usize>) {
    checks.report(Error::new(ErrorKind::Config, message), place);
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
