//! The pass `boundary`: where names begin and end. Trims and extends the edges of candidates and joins
//! those of one label; it chooses between none.

mod edges;

use serde::Deserialize;
use toml::Spanned;

use self::edges::Edges;
use super::check::{self, Checks};
use super::concern::{self, Concern};
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::error::{Error, ErrorKind};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label, Span, order};

pub(super) const KIND: PassKind = PassKind {
    name: "boundary",
    doc: "Moves the edges of candidates: first `trim`, `trim-left` and `trim-right`, as long as any of \
          them applies, then `extend-left` and `extend-right`, then `union`. Words are compared without \
          differences of case and accents. A candidate of which nothing would be left stays as it is; a \
          given token is never cut. Makes new spans; candidates that become the same are left to \
          `combine`.",
    options: &[
        OptionDoc {
            name: "trim",
            value: "string, \"\"",
            doc: "Characters taken off both ends: `trim = \" .,;:\\\"'()\"`.",
        },
        OptionDoc {
            name: "trim-left",
            value: "list of strings, []",
            doc: "Words taken off the beginning, where more follows: `trim-left = [\"the\", \"Mr.\"]`.",
        },
        OptionDoc {
            name: "trim-right",
            value: "list of strings, []",
            doc: "Words taken off the end, where more comes before: `trim-right = [\"'s\"]`.",
        },
        OptionDoc {
            name: "extend-left",
            value: "list of strings, []",
            doc: "Words that stand before the candidate, with nothing but white space between, and become \
                  part of it.",
        },
        OptionDoc {
            name: "extend-right",
            value: "list of strings, []",
            doc: "Words that stand after it and become part of it.",
        },
        OptionDoc {
            name: "union",
            value: "none | overlapping | touching | near | parted, \"none\"",
            doc: "Which candidates of one label become one, with all their origins and the highest score: \
                  those that overlap; also those that touch; also those with at most `gap` characters of \
                  `between` between them; only those with such characters between them.",
        },
        OptionDoc {
            name: "gap",
            value: "whole number, 1",
            doc: "How many characters may lie between candidates that are `near`.",
        },
        OptionDoc {
            name: "between",
            value: "string, \" \"",
            doc: "The characters that may lie between them.",
        },
        concern::SOURCES,
        concern::LABELS,
    ],
    flat: false,
    rescores: false,
    build: |section, scope| check::build(section, scope, build),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    trim: String,
    #[serde(default)]
    trim_left: Vec<Spanned<String>>,
    #[serde(default)]
    trim_right: Vec<Spanned<String>>,
    #[serde(default)]
    extend_left: Vec<Spanned<String>>,
    #[serde(default)]
    extend_right: Vec<Spanned<String>>,
    #[serde(default)]
    union: Union,
    gap: Option<usize>,
    between: Option<String>,
    sources: Option<Vec<Spanned<String>>>,
    labels: Option<Vec<Spanned<String>>>,
}

/// Which candidates of one label become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Union {
    #[default]
    None,
    Overlapping,
    Touching,
    Near,
    Parted,
}

/// The pass.
#[derive(Debug)]
struct Boundary {
    edges: Edges,
    union: Union,
    gap: usize,
    between: String,
    concern: Concern,
}

fn build(options: Options, checks: &mut Checks<'_>) -> Boundary {
    let sides = [
        (&options.trim_left, &options.extend_left, "left"),
        (&options.trim_right, &options.extend_right, "right"),
    ];
    for (trimmed, extended, side) in sides {
        for word in extended {
            // What is taken in must not be taken off when the pass runs again.
            let inner = word.get_ref().trim_matches(|c| options.trim.contains(c));
            if trimmed.iter().any(|t| edges::key(t.get_ref()) == edges::key(word.get_ref())) {
                let message =
                    format!("'{}' stands in trim-{side} and extend-{side}", word.get_ref());
                checks.report(Error::new(ErrorKind::Config, message), word.span());
            } else if inner != word.get_ref() {
                let message =
                    format!("'{}' begins or ends with what 'trim' takes off", word.get_ref());
                checks.report(Error::new(ErrorKind::Config, message), word.span());
            }
        }
    }
    let words = |list: &[Spanned<String>]| list.iter().map(|w| edges::key(w.get_ref())).collect();
    Boundary {
        edges: Edges {
            trim: options.trim.chars().collect(),
            trim_left: words(&options.trim_left),
            trim_right: words(&options.trim_right),
            extend_left: words(&options.extend_left),
            extend_right: words(&options.extend_right),
        },
        union: options.union,
        gap: options.gap.unwrap_or(1),
        between: options.between.unwrap_or_else(|| " ".to_owned()),
        concern: checks.concern(options.sources.as_deref(), options.labels.as_deref()),
    }
}

impl Pass for Boundary {
    fn apply(
        &self,
        candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        let (mut concerned, mut result): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|c| self.concern.takes(c));
        loop {
            self.move_edges(&mut concerned, context, trace);
            let count = concerned.len();
            if self.union != Union::None {
                concerned = self.united(concerned, &context.document.text, trace);
            }
            // What was joined may have edges to move, and so on; each round has fewer candidates.
            if concerned.len() == count {
                break;
            }
        }
        result.extend(concerned);
        result
    }

    fn effects(&self) -> Effects {
        Effects { pairs: false, ..Effects::ANY }
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        self.concern.idle(incoming)
    }
}

impl Boundary {
    fn move_edges(&self, list: &mut [Candidate], context: &PassContext<'_>, trace: &mut Trace) {
        for candidate in list {
            let span = self.edges.moved(candidate.span, context);
            if span != candidate.span {
                let moved = Candidate { span, ..candidate.clone() };
                trace.altered(candidate, &moved, || "its edges were moved".to_owned());
                *candidate = moved;
            }
        }
    }

    /// The candidates, with those of one label that hang together become one.
    fn united(&self, mut list: Vec<Candidate>, text: &str, trace: &mut Trace) -> Vec<Candidate> {
        list.sort_by(|a, b| a.label.cmp(&b.label).then_with(|| order::compare(a, b)));
        let mut united = Vec::with_capacity(list.len());
        let mut group: Vec<Candidate> = Vec::new();
        let mut hull: Option<(Label, Span)> = None;
        for candidate in list {
            match &mut hull {
                Some((label, span))
                    if *label == candidate.label && self.joins(*span, candidate.span, text) =>
                {
                    span.end = span.end.max(candidate.span.end);
                }
                _ => {
                    united.extend(one(std::mem::take(&mut group), trace));
                    hull = Some((candidate.label.clone(), candidate.span));
                }
            }
            group.push(candidate);
        }
        united.extend(one(group, trace));
        united
    }

    /// Whether nothing but a few of the right characters part two spans.
    fn is_near(&self, hull: Span, span: Span, text: &str) -> bool {
        let gap = text.get(hull.end..span.start).unwrap_or("");
        gap.chars().count() <= self.gap && gap.chars().all(|c| self.between.contains(c))
    }

    /// Whether a span becomes one with `hull`, which begins before it or where it does.
    fn joins(&self, hull: Span, span: Span, text: &str) -> bool {
        match self.union {
            Union::None => false,
            Union::Overlapping => span.start < hull.end,
            Union::Touching => span.start <= hull.end,
            Union::Near => self.is_near(hull, span, text),
            Union::Parted => span.start > hull.end && self.is_near(hull, span, text),
        }
    }
}

/// The candidate that a group of one label becomes.
fn one(group: Vec<Candidate>, trace: &mut Trace) -> Option<Candidate> {
    let before = if trace.is_on() && group.len() > 1 { group.clone() } else { Vec::new() };
    let count = group.len();
    let one = group.into_iter().reduce(|mut one, next| {
        one.absorb(next);
        one
    })?;
    if count == 1 {
        return Some(one);
    }
    for member in &before {
        trace.merged(member, &one, || format!("{count} candidates of {} become one", one.label));
    }
    Some(one)
}
