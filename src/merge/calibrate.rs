//! The pass `calibrate`: makes the scores of different sources comparable. It chooses between none.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks, LOG_ODDS, Names, Nothing, SCORE};
use super::log_odds::{FLOOR, logit, score_of};
use super::{Effects, Pass, PassContext, PassKind, Trace};
use crate::error::{Error, ErrorKind, Location};
use crate::merge::trace::Reason;
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label};

pub(super) const KIND: PassKind = PassKind {
    name: "calibrate",
    doc: "Turns the scores of a source into probabilities, by numbers that were fitted on texts whose \
          entities are known. The first [[merge.fit]] that concerns a candidate decides; a candidate \
          that none concerns keeps its score.",
    options: &[
        OptionDoc {
            name: "fit",
            value: "tables",
            doc: "What the following keys are written in: [[merge.fit]].",
        },
        OptionDoc {
            name: "fit.source",
            value: "source or list of sources, all",
            doc: "The candidates that the fit concerns: those that one of these sources proposed.",
        },
        OptionDoc {
            name: "fit.label",
            value: "label or list of labels, all",
            doc: "The candidates that the fit concerns: those of these labels.",
        },
        OptionDoc {
            name: "fit.temperature",
            value: "number, 1.0",
            doc: "What the log-odds of the score are divided by (Platt scaling with `bias`); more than 1 \
                  makes a source less sure of itself.",
        },
        OptionDoc { name: "fit.bias", value: "number, 0.0", doc: "Log-odds added after that." },
        OptionDoc {
            name: "fit.points",
            value: "list of [score, probability]",
            doc: "Instead of both: the probability at some scores (isotonic regression), both rising; \
                  between two points it is on the line between them, outside it is that of the next.",
        },
    ],
    flat: false,
    rescores: true,
    build: |section, scope| {
        check::build_of_tables(
            section,
            scope,
            ("calibrate", "fit"),
            |_: Nothing, tables, checks| {
                let fit = |(written, place)| Fit::build(written, place, checks);
                Calibrate { fits: tables.into_iter().map(fit).collect() }
            },
        )
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    source: Option<Spanned<Names>>,
    label: Option<Spanned<Names>>,
    temperature: Option<Spanned<f64>>,
    bias: Option<Spanned<f64>>,
    points: Option<Spanned<Vec<(f64, f64)>>>,
}

/// The pass.
#[derive(Debug)]
struct Calibrate {
    fits: Vec<Fit>,
}

/// What becomes of the scores of some sources and labels.
#[derive(Debug)]
struct Fit {
    sources: Option<Vec<Arc<str>>>,
    labels: Option<Vec<Label>>,
    curve: Curve,
    place: Location,
}

#[derive(Debug)]
enum Curve {
    /// logit(new) = logit(old) / temperature + bias.
    Platt { temperature: f64, bias: f64 },
    /// Score and probability, both rising.
    Isotonic(Vec<(f64, f64)>),
}

impl Fit {
    fn build(written: Written, place: Location, checks: &mut Checks<'_>) -> Self {
        let Written { source, label, temperature, bias, points } = written;
        let curve = match points {
            Some(points) => {
                if temperature.is_some() || bias.is_some() {
                    let message = "a fit has either 'points' or 'temperature' and 'bias'";
                    checks.report(Error::new(ErrorKind::Config, message), points.span());
                }
                Curve::Isotonic(checked(&points, checks))
            }
            None => {
                let t = temperature.as_ref();
                let temperature = checks.number_or("temperature", t, 1e-3..=1e3, 1.0);
                let bias = checks.number_or("bias", bias.as_ref(), LOG_ODDS, 0.0);
                Curve::Platt { temperature, bias }
            }
        };
        Self {
            sources: source.map(|names| checks.sources(&names)),
            labels: label.map(|names| checks.labels(&names)),
            curve,
            place,
        }
    }

    fn concerns(&self, candidate: &Candidate) -> bool {
        self.labels.as_ref().is_none_or(|labels| labels.contains(&candidate.label))
            && self.sources.as_ref().is_none_or(|names| names.iter().any(|n| candidate.is_from(n)))
    }

    fn score(&self, score: f32) -> f32 {
        match &self.curve {
            Curve::Platt { temperature, bias } => {
                score_of(logit(f64::from(score), FLOOR) / temperature + bias)
            }
            Curve::Isotonic(points) => interpolated(points, f64::from(score)) as f32,
        }
    }

    fn reason(&self, candidate: &Candidate) -> Reason {
        let score = candidate.score;
        let text = match &self.curve {
            Curve::Platt { temperature, bias } => {
                format!("the log-odds of {score:.2} over {temperature}, and {bias:+}")
            }
            Curve::Isotonic(points) => format!("{score:.2} on a curve of {} points", points.len()),
        };
        Reason::from(text).at(self.place.clone())
    }
}

/// The points, which must be at least one, scores and probabilities, and rise.
fn checked(points: &Spanned<Vec<(f64, f64)>>, checks: &mut Checks<'_>) -> Vec<(f64, f64)> {
    let list = points.get_ref();
    let mut wrong = |message: String| {
        checks.report(Error::new(ErrorKind::Config, message), points.span());
    };
    if list.is_empty() {
        wrong("'points' is empty, expected [score, probability] pairs".to_owned());
    }
    for (score, probability) in list {
        if !SCORE.contains(score) || !SCORE.contains(probability) {
            wrong(format!("point [{score}, {probability}] is not inside 0 to 1"));
        }
    }
    for pair in list.windows(2) {
        let ((s0, p0), (s1, p1)) = (pair[0], pair[1]);
        if s1 <= s0 || p1 < p0 {
            wrong(format!("point [{s1}, {p1}] does not rise over [{s0}, {p0}]"));
        }
    }
    list.clone()
}

/// The value at `x` of the line through `points`, level outside them.
fn interpolated(points: &[(f64, f64)], x: f64) -> f64 {
    let after = points.partition_point(|(score, _)| *score <= x);
    match (after.checked_sub(1).and_then(|i| points.get(i)), points.get(after)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        (Some((_, y)), None) | (None, Some((_, y))) => *y,
        (None, None) => x,
    }
}

impl Pass for Calibrate {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        _: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        for candidate in &mut candidates {
            let Some(fit) = self.fits.iter().find(|fit| fit.concerns(candidate)) else { continue };
            let score = fit.score(candidate.score).clamp(0.0, 1.0);
            if score != candidate.score {
                trace.rescored(candidate, score, || fit.reason(candidate));
                candidate.score = score;
            }
        }
        candidates
    }

    fn effects(&self) -> Effects {
        Effects::SCORES
    }
}
