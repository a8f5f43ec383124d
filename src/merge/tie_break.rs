//! The criteria that users write, and the option `tie-break` of the passes that select: what decides
//! where their own criterion does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::check::Checks;
use super::ranking::{Criterion, Ranking, SourceOrder};
use crate::error::{Error, ErrorKind};
use crate::resource::OptionDoc;

/// What can be written in the list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TieBreak {
    Score,
    Longest,
    Shortest,
    MostWords,
    FewestWords,
    Earliest,
    Latest,
    EarliestEnd,
    LatestEnd,
    Source,
    Label,
    Alphabetical,
    ReverseAlphabetical,
    Sources(Vec<Spanned<String>>),
    Labels(Vec<Spanned<String>>),
}

/// What the elements of such a list mean.
macro_rules! criteria_doc {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            "score (the higher), longest and shortest (in characters), most-words and fewest-words, \
             earliest and latest (beginning), earliest-end and latest-end, source and label (the order \
             in which the engine has them), alphabetical and reverse-alphabetical (names of labels), \
             { sources = [...] } and { labels = [...] } (an order of its own; who is not listed comes \
             last). ",
            $after
        )
    };
}

pub(super) use criteria_doc;

/// The option's documentation; `value` holds the default of the pass.
pub(super) const fn option(value: &'static str) -> OptionDoc {
    OptionDoc {
        name: "tie-break",
        value,
        doc: criteria_doc!(
            "What decides between candidates that are equal so far, one after the other: ",
            "Where all are equal, the order of output does: beginning, longer first, label, score, \
             origins."
        ),
    }
}

/// The ranking by `first`, then by a list; `default` where none is written.
pub(super) fn ranking(
    first: Option<Criterion>,
    written: Option<Vec<TieBreak>>,
    default: &[TieBreak],
    checks: &mut Checks<'_>,
) -> Ranking {
    let list = written.unwrap_or_else(|| default.to_vec());
    let rest = list.into_iter().map(|tie_break| criterion(tie_break, checks));
    Ranking::new(first.into_iter().chain(rest).collect())
}

fn criterion(tie_break: TieBreak, checks: &mut Checks<'_>) -> Criterion {
    match tie_break {
        TieBreak::Score => Criterion::Score,
        TieBreak::Longest => Criterion::Longest,
        TieBreak::Shortest => Criterion::Shortest,
        TieBreak::MostWords => Criterion::MostWords,
        TieBreak::FewestWords => Criterion::FewestWords,
        TieBreak::Earliest => Criterion::Earliest,
        TieBreak::Latest => Criterion::Latest,
        TieBreak::EarliestEnd => Criterion::EarliestEnd,
        TieBreak::LatestEnd => Criterion::LatestEnd,
        TieBreak::Source => Criterion::Source(SourceOrder::plain(checks.scope().sources.to_vec())),
        TieBreak::Label => Criterion::Label(checks.scope().labels.to_vec()),
        TieBreak::Alphabetical => Criterion::Alphabetical,
        TieBreak::ReverseAlphabetical => Criterion::ReverseAlphabetical,
        TieBreak::Sources(names) => {
            Criterion::Source(SourceOrder::plain(source_order(&names, &[], checks)))
        }
        TieBreak::Labels(names) => {
            let label = |name: &Spanned<String>| checks.label(name.get_ref(), name.span());
            Criterion::Label(names.iter().map(label).collect())
        }
    }
}

/// The sources of `written` and after them the `others`, in their order.
pub(super) fn source_order(
    written: &[Spanned<String>],
    others: &[Arc<str>],
    checks: &mut Checks<'_>,
) -> Vec<Arc<str>> {
    let mut order: Vec<Arc<str>> = Vec::new();
    for name in written {
        let source = checks.source(name);
        if order.contains(&source) {
            let message = format!("source '{source}' is listed twice");
            checks.report(Error::new(ErrorKind::Config, message), name.span());
        } else {
            order.push(source);
        }
    }
    let missing: Vec<Arc<str>> = others.iter().filter(|o| !order.contains(o)).cloned().collect();
    order.extend(missing);
    order
}

impl SourceOrder {
    /// One order for all labels.
    fn plain(all: Vec<Arc<str>>) -> Self {
        Self { all, labels: BTreeMap::new() }
    }
}
