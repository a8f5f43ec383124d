//! The pass `combine`: candidates that say the same become one. It chooses between none.

use serde::Deserialize;

use super::log_odds::{FLOOR, logit, score_of};
use super::{Pass, PassContext, PassKind, PassScope, Trace};
use crate::error::Result;
use crate::resource::{OptionDoc, Section};
use crate::span::{Candidate, order};

pub(super) const KIND: PassKind = PassKind {
    name: "combine",
    doc: "Makes candidates of the same span and the same label one, which keeps all their origins.",
    options: &[OptionDoc {
        name: "method",
        value: "max | noisy-or | mean | log-odds, \"max\"",
        doc: "The score of the one: the highest; 1 - the product of (1 - score), as if they were \
              independent causes; the mean; or that of the sum of their log-odds, as if they were \
              independent witnesses and 0.5 said nothing.",
    }],
    flat: false,
    rescores: false,
    build: |section, _: &PassScope<'_>| Ok(Box::new(build(section)?)),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    method: Method,
}

/// How several scores become one.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Method {
    #[default]
    Max,
    NoisyOr,
    Mean,
    LogOdds,
}

impl Method {
    fn score(self, group: &[Candidate]) -> f32 {
        let scores = group.iter().map(|c| f64::from(c.score));
        let score = match self {
            Self::Max => scores.fold(0.0, f64::max),
            Self::NoisyOr => 1.0 - scores.map(|p| 1.0 - p).product::<f64>(),
            Self::Mean => scores.sum::<f64>() / group.len() as f64,
            Self::LogOdds => f64::from(score_of(scores.map(|p| logit(p, FLOOR)).sum())),
        };
        score.clamp(0.0, 1.0) as f32
    }

    fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::NoisyOr => "noisy-or",
            Self::Mean => "mean",
            Self::LogOdds => "log-odds",
        }
    }
}

/// The pass.
#[derive(Debug)]
struct Combine {
    method: Method,
}

fn build(section: Section<'_>) -> Result<Combine> {
    let Options { method } = section.read()?;
    Ok(Combine { method })
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
}

impl Combine {
    /// The candidate that a group of the same span and label becomes.
    fn one(&self, mut group: Vec<Candidate>, trace: &mut Trace) -> Candidate {
        if group.len() == 1 {
            return group.remove(0);
        }
        let score = self.method.score(&group);
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
