//! A row of the policy: conditions on two candidates, and what is done where they hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::super::PassContext;
use super::super::check::{Checks, Names};
use super::super::pattern::{Pattern, Where};
use super::super::ranking::Ranking;
use super::super::tie_break::{self, TieBreak};
use crate::error::{Error, ErrorKind, Location};
use crate::merge::trace::Reason;
use crate::span::{Candidate, Label, Span};

/// A row as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    a_source: Option<Spanned<Names>>,
    a_label: Option<Spanned<Names>>,
    b_source: Option<Spanned<Names>>,
    b_label: Option<Spanned<Names>>,
    labels: Option<Labels>,
    label_pairs: Option<BTreeMap<Spanned<String>, Vec<Spanned<String>>>>,
    relation: Option<Spanned<Names>>,
    min_score_difference: Option<Spanned<f64>>,
    max_score_difference: Option<Spanned<f64>>,
    min_length_ratio: Option<Spanned<f64>>,
    max_length_ratio: Option<Spanned<f64>>,
    left: Option<Spanned<String>>,
    right: Option<Spanned<String>>,
    then: Then,
    by: Option<Spanned<Vec<TieBreak>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Labels {
    Same,
    Different,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Then {
    KeepA,
    KeepB,
    KeepBoth,
    Union,
    Trim,
    Split,
    DropBoth,
    Compare,
}

/// What is done with a and b.
#[derive(Debug)]
pub(super) enum Action {
    KeepA,
    KeepB,
    KeepBoth,
    Union,
    Trim,
    Split,
    DropBoth,
    /// The worse is dropped.
    Compare(Ranking),
}

/// How a lies to b.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Same,
    Contains,
    ContainedBy,
    Crosses,
    Touches,
}

impl Relation {
    const OVERLAPS: [Self; 4] = [Self::Same, Self::Contains, Self::ContainedBy, Self::Crosses];

    /// The relations that a name stands for.
    fn named(name: &str) -> Option<Vec<Self>> {
        Some(match name {
            "same" => vec![Self::Same],
            "contains" => vec![Self::Contains],
            "contained-by" => vec![Self::ContainedBy],
            "crosses" => vec![Self::Crosses],
            "touches" => vec![Self::Touches],
            "overlaps" => Self::OVERLAPS.to_vec(),
            _ => return None,
        })
    }

    /// How `a` lies to `b`; `None` where they neither overlap nor touch.
    fn of(a: Span, b: Span) -> Option<Self> {
        if a == b {
            Some(Self::Same)
        } else if !a.overlaps(b) {
            (a.end == b.start || b.end == a.start).then_some(Self::Touches)
        } else if a.contains(b) {
            Some(Self::Contains)
        } else if b.contains(a) {
            Some(Self::ContainedBy)
        } else {
            Some(Self::Crosses)
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Same => "has the span of",
            Self::Contains => "contains",
            Self::ContainedBy => "is inside",
            Self::Crosses => "crosses",
            Self::Touches => "touches",
        }
    }
}

/// One of the two.
#[derive(Debug)]
struct Party {
    sources: Option<Vec<Arc<str>>>,
    labels: Option<Vec<Label>>,
}

impl Party {
    fn build(
        source: Option<&Spanned<Names>>,
        label: Option<&Spanned<Names>>,
        checks: &mut Checks<'_>,
    ) -> Self {
        Self {
            sources: source.map(|names| checks.sources(names)),
            labels: label.map(|names| checks.labels(names)),
        }
    }

    fn takes(&self, candidate: &Candidate) -> bool {
        self.labels.as_ref().is_none_or(|labels| labels.contains(&candidate.label))
            && self.sources.as_ref().is_none_or(|names| names.iter().any(|n| candidate.is_from(n)))
    }
}

/// Scores are compared in whole millionths, so that 0.3 is 0.2 over 0.1.
const UNIT: f64 = 1e6;

/// A row that can be asked.
#[derive(Debug)]
pub(super) struct Row {
    a: Party,
    b: Party,
    labels: Option<Labels>,
    label_pairs: Option<BTreeMap<Label, Vec<Label>>>,
    relations: Vec<Relation>,
    score_difference: (f64, f64),
    length_ratio: Option<(f64, f64)>,
    patterns: Vec<Pattern>,
    pub(super) action: Action,
    place: Location,
    then: Then,
}

impl Row {
    /// Whether it is written for candidates of this label.
    pub(super) fn names(&self, label: &Label) -> bool {
        let listed = self.a.labels.iter().chain(&self.b.labels).flatten();
        let pairs = self.label_pairs.iter().flatten();
        listed.chain(pairs.flat_map(|(a, list)| list.iter().chain([a]))).any(|l| l == label)
    }

    /// The row that is `written` at `place`. What is wrong is reported.
    pub(super) fn build(written: Written, place: Location, checks: &mut Checks<'_>) -> Self {
        let relations = match &written.relation {
            None => Relation::OVERLAPS.to_vec(),
            Some(names) => relations(names, checks),
        };
        let mut pairs = None;
        if let Some(table) = &written.label_pairs {
            let mut of_labels = BTreeMap::new();
            for (a, list) in table {
                let a = checks.label(a.get_ref(), a.span());
                let list = list.iter().map(|b| checks.label(b.get_ref(), b.span())).collect();
                of_labels.insert(a, list);
            }
            pairs = Some(of_labels);
        }
        let action = action(written.then, written.by, &place, checks);
        let mut number = |key, value: &Option<Spanned<f64>>, range, default| {
            checks.number_or(key, value.as_ref(), range, default)
        };
        let difference = -1.0..=1.0;
        let score_difference = (
            number("min-score-difference", &written.min_score_difference, difference.clone(), -1.0),
            number("max-score-difference", &written.max_score_difference, difference, 1.0),
        );
        let has_ratio = written.min_length_ratio.is_some() || written.max_length_ratio.is_some();
        let length_ratio = (
            number("min-length-ratio", &written.min_length_ratio, 0.0..=1e9, 0.0),
            number("max-length-ratio", &written.max_length_ratio, 0.0..=1e9, 1e9),
        );
        let sides = [(&written.left, Where::Left), (&written.right, Where::Right)];
        let patterns = sides.into_iter().filter_map(|(p, side)| checks.pattern(p.as_ref(), side));
        Self {
            patterns: patterns.collect(),
            a: Party::build(written.a_source.as_ref(), written.a_label.as_ref(), checks),
            b: Party::build(written.b_source.as_ref(), written.b_label.as_ref(), checks),
            labels: written.labels,
            label_pairs: pairs,
            relations,
            score_difference,
            length_ratio: has_ratio.then_some(length_ratio),
            action,
            place,
            then: written.then,
        }
    }

    /// Whether all conditions hold.
    pub(super) fn fits(&self, a: &Candidate, b: &Candidate, context: &PassContext<'_>) -> bool {
        let text = &context.document.text;
        Relation::of(a.span, b.span).is_some_and(|relation| self.relations.contains(&relation))
            && self.a.takes(a)
            && self.b.takes(b)
            && self.labels.is_none_or(|labels| (labels == Labels::Same) == (a.label == b.label))
            && self
                .label_pairs
                .as_ref()
                .is_none_or(|pairs| pairs.get(&a.label).is_some_and(|list| list.contains(&b.label)))
            && self.scores_fit(a.score, b.score)
            && self.length_ratio.is_none_or(|(min, max)| {
                let characters = |span: Span| {
                    span.slice(text).map_or(span.len(), |inside| inside.chars().count()) as f64
                };
                let ratio = characters(a.span) / characters(b.span);
                min <= ratio && ratio <= max
            })
            && self.patterns.iter().all(|pattern| {
                let hull = Span::new(a.span.start.min(b.span.start), a.span.end.max(b.span.end));
                pattern.holds(text, hull, || hull)
            })
    }

    fn scores_fit(&self, a: f32, b: f32) -> bool {
        let millionths = |number: f64| (number * UNIT).round();
        let difference = millionths(f64::from(a) - f64::from(b));
        let (min, max) = self.score_difference;
        millionths(min) <= difference && difference <= millionths(max)
    }

    /// What the row says about these two.
    pub(super) fn reason(&self, a: &Candidate, b: &Candidate) -> Reason {
        let verb = Relation::of(a.span, b.span).map_or("meets", Relation::verb);
        let (a, b) = (described(a), described(b));
        self.because(format!("a ({a}) {verb} b ({b})"))
    }

    /// That the row decided, and why.
    pub(super) fn because(&self, why: String) -> Reason {
        let name = match self.then {
            Then::KeepA => "keep-a",
            Then::KeepB => "keep-b",
            Then::KeepBoth => "keep-both",
            Then::Union => "union",
            Then::Trim => "trim",
            Then::Split => "split",
            Then::DropBoth => "drop-both",
            Then::Compare => "compare",
        };
        Reason::from(format!("{name}: {why}")).at(self.place.clone())
    }
}

/// `places LOC 0.60`
fn described(candidate: &Candidate) -> String {
    let mut sources: Vec<&str> = candidate.origins.iter().map(|o| &*o.source).collect();
    sources.dedup();
    format!("{} {} {:.2}", sources.join("+"), candidate.label, candidate.score)
}

fn relations(names: &Spanned<Names>, checks: &mut Checks<'_>) -> Vec<Relation> {
    let mut relations = Vec::new();
    for name in names.get_ref().list() {
        match Relation::named(name) {
            Some(named) => relations.extend(named),
            None => {
                let known = ["same", "contains", "contained-by", "crosses", "touches", "overlaps"];
                checks.report(Error::unknown("relation", name, &known), names.span());
            }
        }
    }
    relations
}

fn action(
    then: Then,
    by: Option<Spanned<Vec<TieBreak>>>,
    place: &Location,
    checks: &mut Checks<'_>,
) -> Action {
    match (then, &by) {
        (Then::Compare, None) => {
            let message = "the row compares by nothing, expected 'by', a list of criteria";
            checks.report_placed(Error::new(ErrorKind::Config, message).at(place.clone()));
        }
        (Then::Compare, Some(_)) | (_, None) => {}
        (_, Some(by)) => {
            let message = "'by' belongs to a row of 'compare'";
            checks.report(Error::new(ErrorKind::Config, message), by.span());
        }
    }
    match then {
        Then::KeepA => Action::KeepA,
        Then::KeepB => Action::KeepB,
        Then::KeepBoth => Action::KeepBoth,
        Then::Union => Action::Union,
        Then::Trim => Action::Trim,
        Then::Split => Action::Split,
        Then::DropBoth => Action::DropBoth,
        Then::Compare => {
            let by = by.map(Spanned::into_inner);
            Action::Compare(tie_break::ranking(None, by, &[], checks))
        }
    }
}
