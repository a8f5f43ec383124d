//! The pass `threshold`: drops what is not likely enough. It compares a candidate with nothing but
//! its threshold.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::check::{Checks, SCORE};
use super::{Pass, PassContext, PassKind, PassScope, Trace};
use crate::error::Result;
use crate::resource::{OptionDoc, Section};
use crate::span::{Candidate, Label};

pub(super) const KIND: PassKind = PassKind {
    name: "threshold",
    doc: "Drops candidates that score under their threshold: that of the source, where `sources` has \
          it, else that of the label, where `labels` has it, else `min`. Of several sources that \
          propose a candidate, the most permissive counts.",
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
            doc: "Thresholds of sources, which go before those of labels: `sources = { places = 0.6 }`.",
        },
    ],
    flat: false,
    rescores: false,
    build: |section, scope| Ok(Box::new(build(section, scope)?)),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    min: Option<Spanned<f64>>,
    #[serde(default)]
    labels: BTreeMap<Spanned<String>, Spanned<f64>>,
    #[serde(default)]
    sources: BTreeMap<Spanned<String>, Spanned<f64>>,
}

/// The pass; thresholds are `f32` as scores are, so that 0.7 is not under 0.7.
#[derive(Debug)]
struct Threshold {
    min: f32,
    labels: BTreeMap<Label, f32>,
    sources: BTreeMap<Arc<str>, f32>,
}

fn build(section: Section<'_>, scope: &PassScope<'_>) -> Result<Threshold> {
    let file = section.file();
    let options: Options = section.read()?;
    let mut checks = Checks::new(file, scope);
    let mut labels = BTreeMap::new();
    for (name, value) in &options.labels {
        let label = checks.label(name.get_ref(), name.span());
        labels.insert(label, checks.number(name.get_ref(), value, SCORE) as f32);
    }
    let mut sources = BTreeMap::new();
    for (name, value) in &options.sources {
        let source = checks.source(name);
        sources.insert(source, checks.number(name.get_ref(), value, SCORE) as f32);
    }
    let min = checks.number_or("min", options.min.as_ref(), SCORE, 0.5) as f32;
    checks.finish(Threshold { min, labels, sources })
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
}

/// What a threshold was written for.
#[derive(Debug, Clone, Copy)]
enum Of<'a> {
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
            .map(|o| self.sources.get(&o.source).map_or(otherwise, |t| (*t, Of::Source(&o.source))))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or(otherwise)
    }
}

/// Two different numbers with two decimals, or with as many as it takes to tell them apart.
fn unlike(a: f32, b: f32) -> (String, String) {
    let short = (format!("{a:.2}"), format!("{b:.2}"));
    if short.0 == short.1 { (a.to_string(), b.to_string()) } else { short }
}
