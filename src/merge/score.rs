//! The pass `score`: of overlapping candidates the one that scores highest stays.

use super::PassKind;
use super::ranking::Criterion;
use super::select;
use super::tie_break::{self, TieBreak};

pub(super) const KIND: PassKind = PassKind {
    name: "score",
    doc: "Takes the candidate of the highest score, then the best of those that do not overlap it, \
          and so on.",
    options: &[tie_break::option("list, [\"longest\", \"source\"]")],
    flat: true,
    rescores: false,
    build: |section, scope| {
        select::by(Criterion::Score, &[TieBreak::Longest, TieBreak::Source], section, scope)
    },
};
