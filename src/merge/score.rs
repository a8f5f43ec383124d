//! The pass `score`: of overlapping candidates the one that scores highest stays.

use serde::Deserialize;

use super::PassKind;
use super::ranking::{Criterion, Ranking};
use super::select::Greedy;
use super::tie_break::{self, TieBreak};

pub(super) const KIND: PassKind = PassKind {
    name: "score",
    doc: "Takes the candidate of the highest score, then the best of those that do not overlap it, \
          and so on.",
    options: &[tie_break::option("list, [\"longest\", \"source\"]")],
    flat: true,
    rescores: false,
    build: |section, scope| {
        let Options { tie_break } = section.read()?;
        let default = [TieBreak::Longest, TieBreak::Source];
        let mut criteria = vec![Criterion::Score];
        criteria.extend(tie_break::criteria(tie_break, &default, scope));
        Ok(Box::new(Greedy { ranking: Ranking::new(criteria) }))
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    tie_break: Option<Vec<TieBreak>>,
}
