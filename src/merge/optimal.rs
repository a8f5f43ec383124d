//! The pass `optimal`: the set of non-overlapping candidates that weighs most, by dynamic
//! programming (weighted interval scheduling: Kleinberg and Tardos, Algorithm Design, 6.1).

use serde::Deserialize;

use super::check::{self, Checks};
use super::rank_set::{RankSet, RankSets};
use super::ranking::Ranking;
use super::select::{Chosen, settle};
use super::tie_break::{self, TieBreak};
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, order};

pub(super) const KIND: PassKind = PassKind {
    name: "optimal",
    doc: "Takes the candidates that together weigh most without overlapping. Of sets that weigh the \
          same (to a millionth) it takes the one that has the best candidate, in the sense of \
          `tie-break`, which the other has not.",
    options: &[
        OptionDoc {
            name: "weight",
            value: "score | words, \"score\"",
            doc: "What a candidate weighs: its score, or its score times its number of words.",
        },
        tie_break::option("list, [\"longest\", \"score\", \"source\"]"),
    ],
    flat: true,
    rescores: false,
    build: |section, scope| check::build(section, scope, build),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    weight: Weight,
    tie_break: Option<Vec<TieBreak>>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Weight {
    #[default]
    Score,
    Words,
}

/// Weights are whole numbers of millionths: sums are then exact, whatever their order, and 0.5 and
/// 0.4 weigh as much as 0.9.
const UNIT: f64 = 1e6;

/// The pass; takes time n log n.
#[derive(Debug)]
struct Optimal {
    weight: Weight,
    ranking: Ranking,
}

fn build(Options { weight, tie_break }: Options, checks: &mut Checks<'_>) -> Optimal {
    let default = [TieBreak::Longest, TieBreak::Score, TieBreak::Source];
    Optimal { weight, ranking: tie_break::ranking(None, tie_break, &default, checks) }
}

impl Pass for Optimal {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        candidates.sort_by(order::compare);
        let ranked = self.ranking.sorted(&candidates, context);
        let mut rank_of = vec![0; ranked.len()];
        for (rank, &number) in ranked.iter().enumerate() {
            rank_of[number] = rank;
        }
        let mut chosen = Chosen::default();
        for cluster in order::overlap_clusters(&candidates) {
            let item = |number: usize| {
                let candidate = &candidates[number];
                let Candidate { span, .. } = *candidate;
                let (weight, rank) = (self.weigh(candidate, context), rank_of[number]);
                Item { start: span.start, end: span.end, weight, rank }
            };
            for rank in heaviest(cluster.map(item).collect(), ranked.len()) {
                chosen.add(candidates[ranked[rank]].span, rank);
            }
        }
        let weigh = |candidate: &Candidate| self.weigh(candidate, context);
        settle(candidates, &ranked, &chosen, trace, |winners, loser| {
            let total: u128 = winners.iter().map(|w| weigh(w)).sum();
            let own = weigh(loser);
            if own == total && winners.len() == 1 {
                let reason = self.ranking.reason(winners[0], loser, context);
                return format!("both weigh {}, {reason}", shown(own));
            }
            let verb = if own == total { "ties with" } else { "does not outweigh" };
            let (own, total) = (shown(own), shown(total));
            format!("weight {own} {verb} {total}, the total of the best set where it overlaps it")
        })
    }

    fn effects(&self) -> Effects {
        Effects::NONE
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        incoming.leaves_no_choice()
    }
}

impl Optimal {
    fn weigh(&self, candidate: &Candidate, context: &PassContext<'_>) -> u128 {
        let score = (f64::from(candidate.score) * UNIT).round() as u128;
        match self.weight {
            Weight::Score => score,
            Weight::Words => {
                score * context.segments().words_in(candidate.span).len().max(1) as u128
            }
        }
    }
}

/// A weight as users know it.
fn shown(weight: u128) -> String {
    format!("{:.2}", weight as f64 / UNIT)
}

/// A candidate as the dynamic programme sees it.
#[derive(Debug, Clone, Copy)]
struct Item {
    start: usize,
    end: usize,
    weight: u128,
    rank: usize,
}

/// The best set of the first so many items.
#[derive(Debug, Clone, Copy)]
struct Best {
    weight: u128,
    set: RankSet,
    /// Whether the last of those items is in it, and how many items then remain for the others.
    takes_last: Option<usize>,
}

/// The ranks of the heaviest set of items that do not overlap; of several the one whose ranks are
/// best. No two items have the same rank, and ranks are below `bound`.
fn heaviest(mut items: Vec<Item>, bound: usize) -> Vec<usize> {
    items.sort_unstable_by_key(|item| (item.end, item.rank));
    let mut sets = RankSets::new(bound);
    let mut best = vec![Best { weight: 0, set: RankSets::EMPTY, takes_last: None }];
    for (i, item) in items.iter().enumerate() {
        let before = items[..i].partition_point(|other| other.end <= item.start);
        let (without, rest) = (best[i], best[before]);
        let with = Best {
            weight: rest.weight + item.weight,
            set: sets.with(rest.set, item.rank),
            takes_last: Some(before),
        };
        let better = without
            .weight
            .cmp(&with.weight)
            .then_with(|| sets.compare(with.set, without.set))
            .is_lt();
        best.push(if better { with } else { Best { takes_last: None, ..without } });
    }
    let mut ranks = Vec::new();
    let mut remaining = items.len();
    while let Some(last) = remaining.checked_sub(1) {
        remaining = match best[remaining].takes_last {
            Some(before) => {
                ranks.push(items[last].rank);
                before
            }
            None => last,
        };
    }
    ranks
}
