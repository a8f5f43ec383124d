//! What the passes that select have in common: the greedy choice, and how those that lost are
//! handed to those that won.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ranking::{Criterion, Ranking};
use super::tie_break::{self, TieBreak};
use super::{Effects, Incoming, Pass, PassContext, PassScope, Trace, check};
use crate::error::Result;
use crate::resource::Section;
use crate::span::{Candidate, Span};

/// The pass that takes the best candidate, then the best of those that do not overlap it, and so on.
///
/// Takes n log n comparisons, and one step for every winner that a loser overlaps.
#[derive(Debug)]
pub(super) struct Greedy {
    /// What is better.
    pub ranking: Ranking,
}

/// The greedy pass by `first`, whose only option is `tie-break`.
pub(super) fn by(
    first: Criterion,
    default: &[TieBreak],
    section: Section<'_>,
    scope: &PassScope<'_>,
) -> Result<Box<dyn Pass>> {
    check::build(section, scope, |Options { tie_break }, checks| Greedy {
        ranking: tie_break::ranking(Some(first), tie_break, default, checks),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    tie_break: Option<Vec<TieBreak>>,
}

impl Pass for Greedy {
    fn apply(
        &self,
        candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        let ranked = self.ranking.sorted(&candidates, context);
        let mut chosen = Chosen::default();
        for (rank, &number) in ranked.iter().enumerate() {
            if chosen.overlapping(candidates[number].span).next().is_none() {
                chosen.add(candidates[number].span, rank);
            }
        }
        let reason = |winners: &[&Candidate], loser: &Candidate| {
            self.ranking.reason(winners[0], loser, context)
        };
        settle(candidates, &ranked, &chosen, trace, reason)
    }

    fn effects(&self) -> Effects {
        Effects::NONE
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        incoming.leaves_no_choice()
    }
}

/// Candidates that do not overlap, by their beginning: where they end, and their rank (0 is best).
#[derive(Debug, Default)]
pub(super) struct Chosen(BTreeMap<usize, (usize, usize)>);

impl Chosen {
    /// Adds a span that overlaps none of the others.
    pub(super) fn add(&mut self, span: Span, rank: usize) {
        self.0.insert(span.start, (span.end, rank));
    }

    /// The ranks of those that overlap `span`, from the last in the text to the first.
    fn overlapping(&self, span: Span) -> impl Iterator<Item = usize> {
        let before_end = self.0.range(..span.end).rev();
        before_end.take_while(move |(_, (end, _))| *end > span.start).map(|(_, (_, rank))| *rank)
    }

    fn has(&self, span: Span, rank: usize) -> bool {
        self.0.get(&span.start) == Some(&(span.end, rank))
    }
}

/// Hands every candidate that was not chosen to the best of those that were and that it overlaps,
/// and gives the chosen ones. `ranked` are the numbers of the candidates, best first.
///
/// `reason` says why a candidate lost against those it overlaps, best first.
pub(super) fn settle(
    candidates: Vec<Candidate>,
    ranked: &[usize],
    chosen: &Chosen,
    trace: &mut Trace,
    reason: impl Fn(&[&Candidate], &Candidate) -> String,
) -> Vec<Candidate> {
    if chosen.0.len() == candidates.len() {
        return candidates;
    }
    // What beat the candidate of each rank; its own rank where it was chosen.
    let mut winner: Vec<usize> = Vec::with_capacity(ranked.len());
    for (rank, &number) in ranked.iter().enumerate() {
        let loser = &candidates[number];
        if chosen.has(loser.span, rank) {
            winner.push(rank);
            continue;
        }
        let best = chosen.overlapping(loser.span).min().expect("a loser overlaps a winner");
        winner.push(best);
        if trace.is_on() {
            let mut ranks: Vec<usize> = chosen.overlapping(loser.span).collect();
            ranks.sort_unstable();
            let winners: Vec<&Candidate> = ranks.iter().map(|r| &candidates[ranked[*r]]).collect();
            trace.dropped(loser, Some(winners[0]), || reason(&winners, loser));
        }
    }
    let mut slots: Vec<Option<Candidate>> = candidates.into_iter().map(Some).collect();
    let mut losers: BTreeMap<usize, Vec<Candidate>> = BTreeMap::new();
    let mut winners: BTreeMap<usize, Candidate> = BTreeMap::new();
    for (rank, best) in winner.into_iter().enumerate() {
        let candidate = slots[ranked[rank]].take().expect("every candidate has one rank");
        if best == rank {
            winners.insert(rank, candidate);
        } else {
            losers.entry(best).or_default().push(candidate);
        }
    }
    for (rank, beaten) in losers {
        let winner = winners.get_mut(&rank).expect("a loser is handed to a winner");
        winner.overrule_all(beaten);
    }
    winners.into_values().collect()
}
