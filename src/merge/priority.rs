//! The pass `priority`: of overlapping candidates the one of the most trusted source stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::check::Checks;
use super::ranking::{Criterion, Ranking, SourceOrder};
use super::select::Greedy;
use super::tie_break::{self, TieBreak};
use super::{PassKind, PassScope};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::{OptionDoc, Section};

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
    build: |section, scope| Ok(Box::new(build(section, scope)?)),
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

fn build(section: Section<'_>, scope: &PassScope<'_>) -> Result<Greedy> {
    let file = section.file();
    let options: Options = section.read()?;
    let mut checks = Checks::new(file, scope);
    let all = complete(&options.order, scope.sources, &mut checks);
    let mut labels = BTreeMap::new();
    for (name, order) in &options.labels {
        let label = checks.label(name.get_ref(), name.span());
        labels.insert(label, complete(order, &all, &mut checks));
    }
    let default = [TieBreak::Longest, TieBreak::Score];
    let mut criteria = vec![Criterion::Source(SourceOrder { all, labels })];
    criteria.extend(tie_break::criteria(options.tie_break, &default, scope));
    checks.finish(Greedy { ranking: Ranking::new(criteria) })
}

/// The sources of `written` and after them the `others`, in their order.
fn complete(
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
