//! The pass `greedy`: the best candidate by any list of criteria, then the best of those that may stand
//! beside it, and so on. Unlike the other passes that select, it can keep what is nested.

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks};
use super::concern::{self, Concern};
use super::ranking::Ranking;
use super::tie_break::{self, TieBreak, criteria_doc};
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, order};

pub(super) const KIND: PassKind = PassKind {
    name: "greedy",
    doc: "Takes the best candidate, then the best of those that may stand beside it, and so on. Spans \
          that cross never do; with the defaults no two of the results overlap.",
    options: &[
        OptionDoc {
            name: "order",
            value: "list, [\"score\", \"longest\", \"source\"]",
            doc: criteria_doc!(
                "What makes a candidate better, the first that tells two apart decides: ",
                "Where all are equal, the order of output does."
            ),
        },
        OptionDoc {
            name: "nested",
            value: "forbid | allow | allow-if-labels-differ, \"forbid\"",
            doc: "Whether a candidate may lie inside another.",
        },
        OptionDoc {
            name: "same-span",
            value: "forbid | allow-if-labels-differ, \"forbid\"",
            doc: "Whether several labels of one span may stay.",
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
    order: Option<Vec<TieBreak>>,
    #[serde(default)]
    nested: Nested,
    #[serde(default)]
    same_span: SameSpan,
    sources: Option<Vec<Spanned<String>>>,
    labels: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Nested {
    #[default]
    Forbid,
    Allow,
    AllowIfLabelsDiffer,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SameSpan {
    #[default]
    Forbid,
    AllowIfLabelsDiffer,
}

/// The pass. Within a cluster of overlapping candidates every one is compared with all that stay.
#[derive(Debug)]
struct General {
    ranking: Ranking,
    nested: Nested,
    same_span: SameSpan,
    concern: Concern,
}

fn build(options: Options, checks: &mut Checks<'_>) -> General {
    let default = [TieBreak::Score, TieBreak::Longest, TieBreak::Source];
    General {
        ranking: tie_break::ranking(None, options.order, &default, checks),
        nested: options.nested,
        same_span: options.same_span,
        concern: checks.concern(options.sources.as_deref(), options.labels.as_deref()),
    }
}

impl Pass for General {
    fn is_flat(&self) -> bool {
        self.nested == Nested::Forbid
            && self.same_span == SameSpan::Forbid
            && self.concern.is_everything()
    }

    fn apply(
        &self,
        candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        let (mut concerned, mut result): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|c| self.concern.takes(c));
        concerned.sort_by(order::compare);
        let clusters = order::overlap_clusters(&concerned);
        let mut rest = concerned.into_iter();
        for cluster in clusters {
            let members: Vec<Candidate> = rest.by_ref().take(cluster.len()).collect();
            result.extend(self.chosen(members, context, trace));
        }
        result
    }

    fn effects(&self) -> Effects {
        Effects::NONE
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        incoming.leaves_no_choice().or_else(|| self.concern.idle(incoming))
    }
}

impl General {
    /// What stays of a cluster.
    fn chosen(
        &self,
        members: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        if members.len() == 1 {
            return members;
        }
        let ranked = self.ranking.sorted(&members, context);
        let mut slots: Vec<Option<Candidate>> = members.into_iter().map(Some).collect();
        let mut kept: Vec<(Candidate, Vec<Candidate>)> = Vec::new();
        for number in ranked {
            let candidate = slots[number].take().expect("every candidate has one rank");
            match kept.iter_mut().find(|(winner, _)| self.exclude(winner, &candidate)) {
                Some((winner, beaten)) => {
                    trace.dropped(&candidate, Some(winner), || {
                        self.ranking.reason(winner, &candidate, context)
                    });
                    beaten.push(candidate);
                }
                None => kept.push((candidate, Vec::new())),
            }
        }
        let winners = kept.into_iter().map(|(mut winner, beaten)| {
            winner.overrule_all(beaten);
            winner
        });
        winners.collect()
    }

    /// Whether only one of two candidates can stay.
    fn exclude(&self, a: &Candidate, b: &Candidate) -> bool {
        let differ = a.label != b.label;
        if a.span == b.span {
            return !(differ && self.same_span == SameSpan::AllowIfLabelsDiffer);
        }
        let is_nested = a.span.contains(b.span) || b.span.contains(a.span);
        a.span.overlaps(b.span)
            && match self.nested {
                Nested::Forbid => true,
                Nested::Allow => !is_nested,
                Nested::AllowIfLabelsDiffer => !(is_nested && differ),
            }
    }
}
