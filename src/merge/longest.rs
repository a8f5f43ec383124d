//! The pass `longest`: of overlapping candidates the longest stays.

use serde::Deserialize;

use super::PassKind;
use super::ranking::{Criterion, Ranking};
use super::select::Greedy;
use super::tie_break::{self, TieBreak};

pub(super) const KIND: PassKind = PassKind {
    name: "longest",
    doc: "Takes the candidate with the most characters, then the longest of those that do not \
          overlap it, and so on.",
    options: &[tie_break::option("list, [\"score\", \"source\"]")],
    flat: true,
    rescores: false,
    build: |section, scope| {
        let Options { tie_break } = section.read()?;
        let default = [TieBreak::Score, TieBreak::Source];
        let mut criteria = vec![Criterion::Longest];
        criteria.extend(tie_break::criteria(tie_break, &default, scope));
        Ok(Box::new(Greedy { ranking: Ranking::new(criteria) }))
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    tie_break: Option<Vec<TieBreak>>,
}
