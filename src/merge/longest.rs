//! The pass `longest`: of overlapping candidates the longest stays.

use super::PassKind;
use super::ranking::Criterion;
use super::select;
use super::tie_break::{self, TieBreak};

pub(super) const KIND: PassKind = PassKind {
    name: "longest",
    doc: "Takes the candidate with the most characters, then the longest of those that do not \
          overlap it, and so on.",
    options: &[tie_break::option("list, [\"score\", \"source\"]")],
    flat: true,
    rescores: false,
    build: |section, scope| {
        select::by(Criterion::Longest, &[TieBreak::Score, TieBreak::Source], section, scope)
    },
};
