//! The pass `priority`: of overlapping candidates the one of the most trusted source stays.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::PassKind;
use super::check::{self, Checks};
use super::ranking::{Criterion, SourceOrder};
use super::select::Greedy;
use super::tie_break::{self, TieBreak};
use crate::resource::OptionDoc;

pub(super) const KIND: PassKind = PassKind {
    name: "priority",
    doc: "Takes the candidates of the most trusted source, then those of the next that overlap none \
          of them, and so on. A candidate of several sources counts as one of the most trusted of \
          them; candidates of two labels are compared by the places that their sources have, each in \
          the order of its own label.",
    options: &[
        OptionDoc {
            name: "order",
            value: "list of sources, the engine's order",
            doc: "Sources, the most trusted first; those not listed come last, in the engine's order.",
        },
        OptionDoc {
            name: "labels",
            value: "table, {}",
            doc: "An order of its own for a label: `labels = { PER = [\"tagger\", \"names\"] }`; \
                  sources not listed come last, in the order of `order`.",
        },
        tie_break::option("list, [\"longest\", \"score\"]"),
    ],
    flat: true,
    rescores: false,
    build: |section, scope| check::build(section, scope, build),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    order: Vec<Spanned<String>>,
    #[serde(default)]
    labels: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    tie_break: Option<Vec<TieBreak>>,
}

fn build(options: Options, checks: &mut Checks<'_>) -> Greedy {
    let all = tie_break::source_order(&options.order, checks.scope().sources, checks);
    let mut labels = BTreeMap::new();
    for (name, order) in &options.labels {
        let label = checks.label(name.get_ref(), name.span());
        labels.insert(label, tie_break::source_order(order, &all, checks));
    }
    let default = [TieBreak::Longest, TieBreak::Score];
    let first = Criterion::Source(SourceOrder { all, labels });
    Greedy { ranking: tie_break::ranking(Some(first), options.tie_break, &default, checks) }
}
