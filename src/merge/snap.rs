//! The pass `snap`: spans that begin or end inside a word. It moves edges and drops; it compares no
//! candidate with another.

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks};
use super::concern::{self, Concern};
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Span};
use crate::text::Segments;

pub(super) const KIND: PassKind = PassKind {
    name: "snap",
    doc: "Makes candidates begin and end where words do (given tokens are the words; a possessive 's is \
          a word of its own). A candidate without a whole word to go to is dropped. Makes new spans; \
          candidates that become the same are left to `combine`.",
    options: &[
        OptionDoc {
            name: "mode",
            value: "expand | contract | drop, \"expand\"",
            doc: "What becomes of a candidate that cuts a word: it takes in the whole word, leaves the \
                  word out, or is dropped.",
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
    mode: Mode,
    sources: Option<Vec<Spanned<String>>>,
    labels: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    Expand,
    Contract,
    Drop,
}

/// The pass.
#[derive(Debug)]
struct Snap {
    mode: Mode,
    concern: Concern,
}

fn build(options: Options, checks: &mut Checks<'_>) -> Snap {
    let concern = checks.concern(options.sources.as_deref(), options.labels.as_deref());
    Snap { mode: options.mode, concern }
}

impl Pass for Snap {
    fn apply(
        &self,
        candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        let snap = |candidate: Candidate| {
            if !self.concern.takes(&candidate) {
                return Some(candidate);
            }
            match self.snapped(candidate.span, context.segments()) {
                Some(span) if span == candidate.span => Some(candidate),
                Some(span) => {
                    let moved = Candidate { span, ..candidate.clone() };
                    trace.altered(&candidate, &moved, || "it cut a word".to_owned());
                    Some(moved)
                }
                None => {
                    trace.dropped(&candidate, None, || "it holds no whole word".to_owned());
                    None
                }
            }
        };
        candidates.into_iter().filter_map(snap).collect()
    }

    fn effects(&self) -> Effects {
        Effects { spans: true, ..Effects::NONE }
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        self.concern.idle(incoming)
    }
}

impl Snap {
    /// The span at word edges; `None` where there is none.
    fn snapped(&self, span: Span, segments: &Segments) -> Option<Span> {
        let words = &segments.words()[segments.words_in(span)];
        let (first, last) = (words.first()?, words.last()?);
        let hull = Span::new(first.start, last.end);
        match self.mode {
            Mode::Expand => Some(hull),
            // White space beside the words cuts none of them.
            Mode::Drop => span.contains(hull).then_some(hull),
            Mode::Contract => {
                let mut whole = words.iter().filter(|word| span.contains(**word));
                let first = whole.next()?;
                Some(Span::new(first.start, whole.next_back().unwrap_or(first).end))
            }
        }
    }
}
