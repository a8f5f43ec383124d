//! The pass `threshold`: drops what is not likely enough. It compares a candidate with nothing but
//! its threshold.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks, SCORE};
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label};

pub(super) const KIND: PassKind = PassKind {
    name: "threshold",
    doc: "Drops candidates that score under their threshold: that of the source (and label), where \
          `sources` has it, else that of the label, where `labels` has it, else `min`. Of several \
          sources that propose a candidate, the most permissive counts.",
    options: &[
        OptionDoc { name: "min", value: "number 0 to 1, 0.5", doc: "The threshold of the others." },
        OptionDoc {
            name: "labels",
            value: "table, {}",
            doc: "Thresholds of labels: `labels = { LOC = 0.4 }`.",
        },
        OptionDoc {
            name: "sources",
            value: "table, {}",
            doc: "Thresholds of sources, which go before those of labels, for all their labels or for \
                  some: `sources = { places = 0.6, tagger = { PER = 0.4, ORG = 0.7 } }`.",
        },
    ],
    flat: false,
    rescores: false,
    build: |section, scope| check::build(section, scope, build),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    min: Option<Spanned<f64>>,
    #[serde(default)]
    labels: BTreeMap<Spanned<String>, Spanned<f64>>,
    #[serde(default)]
    sources: BTreeMap<Spanned<String>, Spanned<OfSource>>,
}

/// The threshold of a source, or those of some of its labels.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number or a table of labels and numbers")]
enum OfSource {
    All(f64),
    Labels(BTreeMap<String, f64>),
}

/// The pass; thresholds are `f32` as scores are, so that 0.7 is not under 0.7.
#[derive(Debug)]
struct Threshold {
    min: f32,
    labels: BTreeMap<Label, f32>,
    sources: BTreeMap<Arc<str>, f32>,
    pairs: BTreeMap<Arc<str>, BTreeMap<Label, f32>>,
}

fn build(options: Options, checks: &mut Checks<'_>) -> Threshold {
    let mut labels = BTreeMap::new();
    for (name, value) in &options.labels {
        let label = checks.label(name.get_ref(), name.span());
        labels.insert(label, checks.number(name.get_ref(), value, SCORE) as f32);
    }
    let mut sources = BTreeMap::new();
    let mut pairs = BTreeMap::new();
    for (name, value) in &options.sources {
        let source = checks.source(name);
        let place = value.span();
        match value.get_ref() {
            OfSource::All(value) => {
                let value = checks.number_at(name.get_ref(), *value, SCORE, place);
                sources.insert(source, value as f32);
            }
            OfSource::Labels(written) => {
                let mut of_labels = BTreeMap::new();
                for (label, value) in written {
                    let value = checks.number_at(label, *value, SCORE, place.clone());
                    of_labels.insert(checks.label(label, place.clone()), value as f32);
                }
                pairs.insert(source, of_labels);
            }
        }
    }
    let min = checks.number_or("min", options.min.as_ref(), SCORE, 0.5) as f32;
    Threshold { min, labels, sources, pairs }
}

impl Pass for Threshold {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        _: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        candidates.retain(|candidate| {
            let (threshold, of) = self.of(candidate);
            let stays = candidate.score >= threshold;
            if !stays {
                trace.dropped(candidate, None, || {
                    let score = candidate.score;
                    let (score, threshold) = unlike(score, threshold);
                    match of {
                        Of::Pair(name) => format!(
                            "score {score} is under the threshold {threshold} for {} of source {name}",
                            candidate.label
                        ),
                        Of::Source(name) => format!(
                            "score {score} is under the threshold {threshold} for source {name}"
                        ),
                        Of::Label => format!(
                            "score {score} is under the threshold {threshold} for {}",
                            candidate.label
                        ),
                        Of::All => format!("score {score} is under the threshold {threshold}"),
                    }
                });
            }
            stays
        });
        candidates
    }

    fn effects(&self) -> Effects {
        Effects::NONE
    }

    fn least_score(&self, source: &str, label: &Label) -> Option<f32> {
        let otherwise = self.labels.get(label).copied().unwrap_or(self.min);
        Some(self.of_source(&source.into(), label).map_or(otherwise, |(threshold, _)| threshold))
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        let asks = |(source, label): &(Arc<str>, Label)| {
            self.least_score(source, label).is_some_and(|threshold| threshold > 0.0)
        };
        let none = incoming.is_complete && !incoming.pairs.iter().any(asks);
        none.then(|| "the threshold of all that comes to it is 0".to_owned())
    }
}

/// What a threshold was written for.
#[derive(Debug, Clone, Copy)]
enum Of<'a> {
    Pair(&'a str),
    Source(&'a str),
    Label,
    All,
}

impl Threshold {
    /// The lowest threshold among the candidate's sources, and what it was written for.
    fn of<'c>(&self, candidate: &'c Candidate) -> (f32, Of<'c>) {
        let otherwise =
            self.labels.get(&candidate.label).map_or((self.min, Of::All), |t| (*t, Of::Label));
        candidate
            .origins
            .iter()
            .map(|o| self.of_source(&o.source, &candidate.label).unwrap_or(otherwise))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or(otherwise)
    }

    /// The threshold written for a source, for this label or for all.
    fn of_source<'c>(&self, source: &'c Arc<str>, label: &Label) -> Option<(f32, Of<'c>)> {
        let pair = self.pairs.get(source).and_then(|labels| labels.get(label));
        let pair = pair.map(|t| (*t, Of::Pair(source)));
        pair.or_else(|| self.sources.get(source).map(|t| (*t, Of::Source(source))))
    }
}

/// Two different numbers with two decimals, or with as many as it takes to tell them apart.
fn unlike(a: f32, b: f32) -> (String, String) {
    let short = (format!("{a:.2}"), format!("{b:.2}"));
    if short.0 == short.1 { (a.to_string(), b.to_string()) } else { short }
}
