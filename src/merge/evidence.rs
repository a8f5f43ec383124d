//! The pass `evidence`: asks the models about what others proposed. It chooses between none.

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks, LOG_ODDS};
use super::concern::{self, Concern};
use super::log_odds::{logit, score_of};
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label};

pub(super) const KIND: PassKind = PassKind {
    name: "evidence",
    doc: "Scores what a gazetteer or rule proposed by what the models think of that label on that \
          span: the new log-odds are model-weight times those of the model's probability (the mean \
          over the models that know the label) plus prior-weight times those of the score so far \
          plus bias. What a model itself proposed keeps its score.",
    options: &[
        OptionDoc {
            name: "model-weight",
            value: "number, 1.0",
            doc: "What the log-odds of the model's probability are multiplied with.",
        },
        OptionDoc {
            name: "prior-weight",
            value: "number, 1.0",
            doc: "What the log-odds of the score so far are multiplied with.",
        },
        OptionDoc { name: "bias", value: "number, 0.0", doc: "Log-odds added to all." },
        OptionDoc {
            name: "floor",
            value: "number, 0.001",
            doc: "Probabilities and scores are first moved this far away from 0 and 1, so that none \
                  silences the other.",
        },
        concern::SOURCES,
        concern::LABELS,
    ],
    flat: false,
    rescores: true,
    build: |section, scope| check::build(section, scope, build),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    model_weight: Option<Spanned<f64>>,
    prior_weight: Option<Spanned<f64>>,
    bias: Option<Spanned<f64>>,
    floor: Option<Spanned<f64>>,
    sources: Option<Vec<Spanned<String>>>,
    labels: Option<Vec<Spanned<String>>>,
}

/// The pass.
#[derive(Debug)]
struct EvidencePass {
    model_weight: f64,
    prior_weight: f64,
    bias: f64,
    floor: f64,
    concern: Concern,
}

fn build(options: Options, checks: &mut Checks<'_>) -> EvidencePass {
    let mut number = |key, value: &Option<Spanned<f64>>, range, default| {
        checks.number_or(key, value.as_ref(), range, default)
    };
    EvidencePass {
        model_weight: number("model-weight", &options.model_weight, LOG_ODDS, 1.0),
        prior_weight: number("prior-weight", &options.prior_weight, LOG_ODDS, 1.0),
        bias: number("bias", &options.bias, LOG_ODDS, 0.0),
        floor: number("floor", &options.floor, 1e-9..=0.499, 0.001),
        concern: checks.concern(options.sources.as_deref(), options.labels.as_deref()),
    }
}

impl Pass for EvidencePass {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        for candidate in &mut candidates {
            let proposed = context.evidence.iter().any(|e| candidate.is_from(e.source()));
            if proposed || !self.concern.takes(candidate) {
                continue;
            }
            let Some(probability) = probability(candidate, context) else { continue };
            let score = self.score(probability, candidate.score);
            trace.rescored(candidate, score, || {
                format!(
                    "the model gives {} {probability:.3} here, the score was {:.2}",
                    candidate.label, candidate.score
                )
            });
            candidate.score = score;
        }
        candidates
    }

    fn effects(&self) -> Effects {
        Effects::SCORES
    }

    fn may_rescore(&self, source: &str, label: &Label) -> bool {
        self.concern.takes_pair(source, label)
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        if !incoming.has_evidence {
            return Some("no source of the engine is a model, and it asks the models".to_owned());
        }
        self.concern.idle(incoming)
    }
}

impl EvidencePass {
    fn score(&self, probability: f64, score: f32) -> f32 {
        let model = logit(probability, self.floor);
        let prior = logit(f64::from(score), self.floor);
        score_of(self.model_weight * model + self.prior_weight * prior + self.bias)
    }
}

/// What the models that know the candidate's label think of it; `None` where none does.
fn probability(candidate: &Candidate, context: &PassContext<'_>) -> Option<f64> {
    let asked = context.evidence.iter();
    let told: Vec<f32> = asked.filter_map(|e| e.score(candidate.span, &candidate.label)).collect();
    let sum: f64 = told.iter().map(|p| f64::from(*p)).sum();
    (!told.is_empty()).then(|| sum / told.len() as f64)
}
