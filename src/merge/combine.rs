//! The pass `combine`: candidates that say the same become one. It chooses between none.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks};
use super::log_odds::{FLOOR, logit, score_of};
use super::weights::Weights;
use super::{Effects, Pass, PassContext, PassKind, Trace};
use crate::error::{Error, ErrorKind};
use crate::resource::OptionDoc;
use crate::span::{Candidate, order};

pub(super) const KIND: PassKind = PassKind {
    name: "combine",
    doc: "Makes candidates of the same span and the same label one, which keeps all their origins.",
    options: &[
        OptionDoc {
            name: "method",
            value: "max | noisy-or | mean | vote | log-odds, \"max\"",
            doc: "The score of the one: the highest; 1 - the product of (1 - score), as if they were \
                  independent causes; the mean; a vote, in which each source has one voice, its highest \
                  score, and the mean of the voices counts; or that of the sum of their log-odds, as if \
                  they were independent witnesses and 0.5 said nothing.",
        },
        OptionDoc {
            name: "weights",
            value: "table, {}",
            doc: "How much a source counts in a mean, vote, noisy-or or sum of log-odds, 1 where nothing \
                  is written: `weights = { places = 0.5 }`. A candidate that is alone keeps its score.",
        },
    ],
    flat: false,
    rescores: false,
    build: |section, scope| check::build(section, scope, build),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    method: Method,
    #[serde(default)]
    weights: BTreeMap<Spanned<String>, Spanned<f64>>,
}

/// How several scores become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Method {
    #[default]
    Max,
    NoisyOr,
    Mean,
    Vote,
    LogOdds,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::NoisyOr => "noisy-or",
            Self::Mean => "mean",
            Self::Vote => "vote",
            Self::LogOdds => "log-odds",
        }
    }
}

/// The pass.
#[derive(Debug)]
struct Combine {
    method: Method,
    weights: Weights,
}

fn build(Options { method, weights }: Options, checks: &mut Checks<'_>) -> Combine {
    if let (Method::Max, Some(name)) = (method, weights.keys().next()) {
        let message = "method 'max' has no use for weights";
        checks.report(Error::new(ErrorKind::Config, message), name.span());
    }
    Combine { method, weights: Weights::new(&weights, checks) }
}

impl Pass for Combine {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        _: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        candidates.sort_by(order::compare);
        let mut combined = Vec::with_capacity(candidates.len());
        let mut rest = candidates.into_iter().peekable();
        while let Some(first) = rest.next() {
            let same = |c: &Candidate| c.span == first.span && c.label == first.label;
            let mut group = Vec::new();
            while let Some(next) = rest.next_if(same) {
                group.push(next);
            }
            group.insert(0, first);
            combined.push(self.one(group, trace));
        }
        combined
    }

    fn effects(&self) -> Effects {
        Effects::SCORES
    }
}

impl Combine {
    /// The score of a group of several candidates.
    fn score(&self, group: &[Candidate]) -> f32 {
        let voices = || group.iter().map(|c| (self.weights.of(c), f64::from(c.score)));
        let score = match self.method {
            Method::Max => voices().map(|(_, p)| p).fold(0.0, f64::max),
            Method::NoisyOr => 1.0 - voices().map(|(w, p)| (1.0 - p).powf(w)).product::<f64>(),
            Method::Mean => mean(voices()),
            Method::Vote => {
                // Groups are sorted by score, the highest first.
                let mut voices: BTreeMap<&str, f64> = BTreeMap::new();
                for candidate in group {
                    for origin in &candidate.origins {
                        voices.entry(&origin.source).or_insert(f64::from(candidate.score));
                    }
                }
                mean(voices.into_iter().map(|(source, p)| (self.weights.of_source(source), p)))
            }
            Method::LogOdds => {
                let sum = voices().map(|(w, p)| w * logit(p, FLOOR)).sum();
                f64::from(score_of(sum))
            }
        };
        score.clamp(0.0, 1.0) as f32
    }

    /// The candidate that a group of the same span and label becomes.
    fn one(&self, mut group: Vec<Candidate>, trace: &mut Trace) -> Candidate {
        if group.len() == 1 {
            return group.remove(0);
        }
        let score = self.score(&group);
        let before = if trace.is_on() { group.clone() } else { Vec::new() };
        let mut members = group.into_iter();
        let mut one = members.next().expect("a group has a first member");
        one.score = score;
        let mut overruled = Vec::new();
        let mut origins = Vec::new();
        for member in members {
            overruled.extend(member.overruled);
            origins.extend(member.origins);
        }
        one.add_origins(origins);
        one.inherit_overruled(overruled);
        for member in &before {
            trace.merged(member, &one, || {
                let scores: Vec<String> =
                    before.iter().map(|c| format!("{:.2}", c.score)).collect();
                format!("{} of {} is {score:.2}", self.method.name(), scores.join(" and "))
            });
        }
        one
    }
}

/// The weighted mean of numbers with their weights; 0 where nothing weighs.
fn mean(voices: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (weight, sum) = voices.fold((0.0, 0.0), |(weight, sum), (w, p)| (weight + w, sum + w * p));
    if weight > 0.0 { sum / weight } else { 0.0 }
}
