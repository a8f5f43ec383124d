//! The pass `vote`: of overlapping candidates the one that most sources stand behind stays.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks};
use super::ranking::Ranking;
use super::tie_break::{self, TieBreak};
use super::weights::Weights;
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Span, order};

pub(super) const KIND: PassKind = PassKind {
    name: "vote",
    doc: "Lets the sources vote: each has one voice for every label and span that it proposes, which \
          counts its weight times its score. Takes the candidate with the most votes, then the one with \
          the most of those that do not overlap it, and so on. A candidate that stays gets the origins of \
          all that voted for it, and keeps its score.",
    options: &[
        OptionDoc {
            name: "weights",
            value: "table, {}",
            doc: "How much the voice of a source counts, 1 where nothing is written: \
                  `weights = { tagger = 2.0 }`.",
        },
        OptionDoc {
            name: "scores",
            value: "boolean, true",
            doc: "Whether the score of the voice counts, not only the weight.",
        },
        OptionDoc {
            name: "overlap",
            value: "number 0 to 1, 1.0",
            doc: "Two candidates of one label vote for one another where they share at least this part of \
                  the characters that they cover together; 1 asks for the same span.",
        },
        OptionDoc {
            name: "min",
            value: "number, 0.0",
            doc: "Candidates are dropped where the weights of those who vote for them sum to less.",
        },
        tie_break::option("list, [\"score\", \"longest\", \"source\"]"),
    ],
    flat: true,
    rescores: false,
    build: |section, scope| check::build(section, scope, build),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    weights: BTreeMap<Spanned<String>, Spanned<f64>>,
    scores: Option<bool>,
    overlap: Option<Spanned<f64>>,
    min: Option<Spanned<f64>>,
    tie_break: Option<Vec<TieBreak>>,
}

/// The pass.
#[derive(Debug)]
struct Vote {
    weights: Weights,
    scores: bool,
    overlap: f64,
    min: f64,
    ranking: Ranking,
}

fn build(options: Options, checks: &mut Checks<'_>) -> Vote {
    let default = [TieBreak::Score, TieBreak::Longest, TieBreak::Source];
    Vote {
        weights: Weights::new(&options.weights, checks),
        scores: options.scores.unwrap_or(true),
        overlap: checks.number_or("overlap", options.overlap.as_ref(), 1e-6..=1.0, 1.0),
        min: checks.number_or("min", options.min.as_ref(), 0.0..=1e6, 0.0),
        ranking: tie_break::ranking(None, options.tie_break, &default, checks),
    }
}

/// What stands behind a candidate.
#[derive(Debug, Clone, Copy)]
struct Votes {
    /// The sum of the voices.
    strength: f64,
    /// The sum of their weights.
    weight: f64,
}

impl Pass for Vote {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        candidates.sort_by(order::compare);
        let clusters = order::overlap_clusters(&candidates);
        let mut rest = candidates.into_iter();
        let mut result = Vec::new();
        for cluster in clusters {
            let members: Vec<Candidate> = rest.by_ref().take(cluster.len()).collect();
            result.extend(self.elected(members, context, trace));
        }
        result
    }

    fn effects(&self) -> Effects {
        Effects::SCORES
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        incoming.leaves_no_choice().filter(|_| self.min <= 0.0)
    }
}

impl Vote {
    /// What stays of a cluster.
    fn elected(
        &self,
        members: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        let text = &context.document.text;
        let votes: Vec<Votes> = members.iter().map(|c| self.votes(c, &members, text)).collect();
        let mut ranked = self.ranking.sorted(&members, context);
        // Stable: of those with as many votes the better comes first.
        ranked.sort_by(|&a, &b| votes[b].strength.total_cmp(&votes[a].strength));
        let mut kept: Vec<(usize, Candidate)> = Vec::new();
        for &number in &ranked {
            let candidate = &members[number];
            if votes[number].weight < self.min {
                trace.dropped(candidate, None, || {
                    format!("{:.2} votes are fewer than {:.2}", votes[number].weight, self.min)
                });
            } else if kept.iter().all(|(_, winner)| !winner.span.overlaps(candidate.span)) {
                kept.push((number, candidate.clone()));
            }
        }
        for &number in &ranked {
            let candidate = &members[number];
            let lost = |winner: &Candidate| winner.span.overlaps(candidate.span);
            let Some((won, winner)) = kept.iter_mut().find(|(_, winner)| lost(winner)) else {
                continue;
            };
            if *won == number {
                continue;
            }
            if self.agree(winner, candidate, text) {
                winner.add_origins(candidate.origins.iter().cloned());
                winner.inherit_overruled(candidate.overruled.clone());
                trace.merged(candidate, winner, || format!("it voted for {}", winner.label));
            } else if votes[number].weight >= self.min {
                trace.dropped(candidate, Some(winner), || {
                    let (winner_votes, own) = (votes[*won].strength, votes[number].strength);
                    if winner_votes == own {
                        let reason = self.ranking.reason(winner, candidate, context);
                        format!("both have {own:.2} votes, {reason}")
                    } else {
                        format!("{winner_votes:.2} votes beat {own:.2}")
                    }
                });
                winner.overrule(candidate.clone());
            }
        }
        kept.into_iter().map(|(_, winner)| winner).collect()
    }

    /// The votes for a candidate: of every source that proposed it or one that agrees with it, the voice
    /// with the highest score.
    fn votes(&self, candidate: &Candidate, members: &[Candidate], text: &str) -> Votes {
        let mut voices: BTreeMap<&str, f64> = BTreeMap::new();
        for member in members.iter().filter(|m| self.agree(candidate, m, text)) {
            let score = if self.scores { f64::from(member.score) } else { 1.0 };
            for origin in &member.origins {
                let voice = voices.entry(&origin.source).or_insert(score);
                *voice = voice.max(score);
            }
        }
        let weight_of = |source: &&str| self.weights.of_source(source);
        Votes {
            strength: voices.iter().map(|(source, score)| weight_of(source) * score).sum(),
            weight: voices.keys().map(weight_of).sum(),
        }
    }

    /// Whether two candidates vote for one another.
    fn agree(&self, a: &Candidate, b: &Candidate, text: &str) -> bool {
        if a.label != b.label {
            return false;
        }
        if a.span == b.span || self.overlap >= 1.0 {
            return a.span == b.span;
        }
        let characters = |start: usize, end: usize| {
            let inside = Span::new(start, end).slice(text);
            inside.map_or(end - start, |inside| inside.chars().count()) as f64
        };
        let (first, last) = (a.span.start.max(b.span.start), a.span.end.min(b.span.end));
        if first >= last {
            return false;
        }
        let hull = characters(a.span.start.min(b.span.start), a.span.end.max(b.span.end));
        characters(first, last) >= self.overlap * hull
    }
}
