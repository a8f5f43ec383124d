//! The option `tie-break` of the passes that select: what decides where their own criterion does
//! not.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::PassScope;
use super::ranking::{Criterion, SourceOrder};
use crate::resource::OptionDoc;

/// What can be written in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TieBreak {
    Score,
    Longest,
    Shortest,
    Earliest,
    Latest,
    Source,
    Label,
}

/// The option's documentation; `value` holds the default of the pass.
pub(super) const fn option(value: &'static str) -> OptionDoc {
    OptionDoc {
        name: "tie-break",
        value,
        doc: "What decides between candidates that are equal so far, one after the other: score, \
              longest and shortest (in characters), earliest and latest (beginning), source and \
              label (the order in which the engine has them). Where all are equal, the order of \
              output does: beginning, longer first, label, score, origins.",
    }
}

/// The criteria that a list means; `default` where none is written.
pub(super) fn criteria(
    written: Option<Vec<TieBreak>>,
    default: &[TieBreak],
    scope: &PassScope<'_>,
) -> Vec<Criterion> {
    let list = written.unwrap_or_else(|| default.to_vec());
    let criterion = |tie_break| match tie_break {
        TieBreak::Score => Criterion::Score,
        TieBreak::Longest => Criterion::Longest,
        TieBreak::Shortest => Criterion::Shortest,
        TieBreak::Earliest => Criterion::Earliest,
        TieBreak::Latest => Criterion::Latest,
        TieBreak::Source => {
            let all = scope.sources.to_vec();
            Criterion::Source(SourceOrder { all, labels: BTreeMap::new() })
        }
        TieBreak::Label => Criterion::Label(scope.labels.to_vec()),
    };
    list.into_iter().map(criterion).collect()
}
