//! Where the search begins: logistic regressions that say how sure of itself a source may be, each a
//! convex problem with one answer. They draw towards what the engine file says (L2), so that few examples
//! change little.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml_edit::{DocumentMut, Item, Table};

use super::counts::{GoldEntities, JudgedLabels};
use super::knob::{Place, Value, rounded};
use super::space::as_number;
use super::{Case, Turn};
use crate::merge::log_odds::logit;
use crate::span::{Evidence, Mention};

/// Fewer mentions of a source and label say nothing.
const FEWEST: usize = 20;

/// How strongly a number is drawn to what it was: as so many examples would.
const PRECISION: f64 = 4.0;

/// Scores and probabilities are first moved this far away from 0 and 1, as the pass `evidence` does.
const FLOOR: f64 = 0.001;

/// A group of turns that belong together, and its name.
pub(super) struct Fit {
    pub(super) name: String,
    pub(super) turns: Vec<Turn>,
}

/// The fits of an engine file to some documents.
pub(super) fn fits(
    text: &str,
    cases: &[(&Case, &GoldEntities)],
    labels: &JudgedLabels,
    calibrates: bool,
) -> Vec<Fit> {
    let mut fits = Vec::new();
    if calibrates {
        fits.extend(calibrations(cases, labels));
    }
    let file: Option<DocumentMut> = text.parse().ok();
    let merge = file.as_ref().and_then(|file| file.get("merge")?.as_array_of_tables());
    for (number, table) in merge.into_iter().flat_map(|merge| merge.iter()).enumerate() {
        if table.get("pass").and_then(Item::as_str) == Some("evidence") {
            fits.extend(evidence(number, table, cases, labels));
        }
    }
    fits
}

/// Platt scaling (Platt 1999) of each source and label: logit(p) = logit(score) / temperature + bias.
fn calibrations(cases: &[(&Case, &GoldEntities)], labels: &JudgedLabels) -> Vec<Fit> {
    let mut examples: BTreeMap<(Arc<str>, usize), Vec<Example>> = BTreeMap::new();
    for (mention, label, is_right, _) in mentions(cases, labels) {
        let features = vec![logit(f64::from(mention.score), FLOOR), 1.0];
        let key = (mention.origin.source.clone(), label);
        examples.entry(key).or_default().push(Example { features, is_right });
    }
    let fit = |((source, label), examples): ((Arc<str>, usize), Vec<Example>)| {
        let [slope, bias] = logistic(&examples, &[1.0, 0.0])?.try_into().ok()?;
        let temperature = rounded(1.0 / slope.clamp(0.1, 10.0));
        let label = labels.names()[label].clone();
        let name = format!("calibration of {source} for {label}");
        let turn = Value::Platt { temperature, bias: rounded(bias) };
        Some(Fit { name, turns: vec![(Place::Calibration { source, label }, turn)] })
    };
    examples.into_iter().filter_map(fit).collect()
}

/// The three numbers of an `evidence` pass at once.
fn evidence(
    number: usize,
    table: &Table,
    cases: &[(&Case, &GoldEntities)],
    labels: &JudgedLabels,
) -> Option<Fit> {
    let names = |key: &str| -> Option<Vec<String>> {
        let list = table.get(key)?.as_array()?;
        Some(list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
    };
    let (sources, wanted) = (names("sources"), names("labels"));
    let takes = |list: &Option<Vec<String>>, name: &str| {
        list.as_ref().is_none_or(|list| list.iter().any(|one| one == name))
    };
    let mut examples = Vec::new();
    for (mention, _, is_right, evidence) in mentions(cases, labels) {
        let proposed = evidence.iter().any(|e| *e.source() == mention.origin.source);
        if proposed
            || !takes(&sources, &mention.origin.source)
            || !takes(&wanted, mention.label.as_str())
        {
            continue;
        }
        let told: Vec<f64> = evidence
            .iter()
            .filter_map(|evidence| evidence.score(mention.span, &mention.label).map(f64::from))
            .collect();
        if told.is_empty() {
            continue;
        }
        let probability = told.iter().sum::<f64>() / told.len() as f64;
        let features = vec![logit(probability, FLOOR), logit(f64::from(mention.score), FLOOR), 1.0];
        examples.push(Example { features, is_right });
    }
    let keys = ["model-weight", "prior-weight", "bias"];
    let now = |key: &str, default: f64| table.get(key).and_then(as_number).unwrap_or(default);
    let before = [now(keys[0], 1.0), now(keys[1], 1.0), now(keys[2], 0.0)];
    let fitted = logistic(&examples, &before)?;
    let limits = [(0.0, 4.0), (0.0, 4.0), (-10.0, 10.0)];
    let turn = |((key, fitted), (min, max)): ((&str, f64), (f64, f64))| {
        let place = Place::Key { table: number, item: None, key: key.to_owned() };
        (place, Value::Number(rounded(fitted.clamp(min, max))))
    };
    let turns = keys.into_iter().zip(fitted).zip(limits).map(turn).collect();
    let about = sources.map_or(String::new(), |list| format!(" {}", list.join("/")));
    Some(Fit { name: format!("evidence{about}: all its numbers"), turns })
}

/// A mention, the number of its label, whether gold has it, and the evidence of its document.
type Judged<'c> = (&'c Mention, usize, bool, &'c [Evidence]);

fn mentions<'c>(
    cases: &'c [(&'c Case, &'c GoldEntities)],
    labels: &'c JudgedLabels,
) -> impl Iterator<Item = Judged<'c>> {
    cases.iter().flat_map(|(case, gold)| {
        let judged = |mention: &'c Mention| -> Option<Judged<'c>> {
            let label = labels.number(mention.label.as_str())?;
            let is_right = gold.contains(label, mention.span);
            Some((mention, label, is_right, &case.proposals.evidence))
        };
        case.proposals.mentions.iter().filter_map(judged)
    })
}

struct Example {
    features: Vec<f64>,
    is_right: bool,
}

/// The weights that make the examples likeliest, drawn towards `prior`: Newton's method with halved
/// steps, on a function with one minimum. `None` where there are too few examples.
fn logistic(examples: &[Example], prior: &[f64]) -> Option<Vec<f64>> {
    if examples.len() < FEWEST {
        return None;
    }
    let loss = |weights: &[f64]| {
        let data: f64 = examples
            .iter()
            .map(|example| {
                let z = dot(weights, &example.features);
                // ln(1 + e^z) without overflow.
                let log = if z > 0.0 { z + (-z).exp().ln_1p() } else { z.exp().ln_1p() };
                log - if example.is_right { z } else { 0.0 }
            })
            .sum();
        let pull: f64 = weights.iter().zip(prior).map(|(w, p)| (w - p) * (w - p)).sum();
        data + 0.5 * PRECISION * pull
    };
    let mut weights = prior.to_vec();
    let mut now = loss(&weights);
    for _ in 0..50 {
        let size = weights.len();
        let mut gradient: Vec<f64> =
            weights.iter().zip(prior).map(|(w, p)| PRECISION * (w - p)).collect();
        let mut hessian = vec![vec![0.0; size]; size];
        for (i, row) in hessian.iter_mut().enumerate() {
            row[i] = PRECISION;
        }
        for Example { features, is_right } in examples {
            let p = 1.0 / (1.0 + (-dot(&weights, features)).exp());
            let error = p - f64::from(u8::from(*is_right));
            for i in 0..size {
                gradient[i] += error * features[i];
                for j in 0..size {
                    hessian[i][j] += p * (1.0 - p) * features[i] * features[j];
                }
            }
        }
        let step = solve(hessian, gradient);
        let mut length = 1.0;
        let (next, value) = loop {
            let next: Vec<f64> = weights.iter().zip(&step).map(|(w, s)| w - length * s).collect();
            let value = loss(&next);
            if value <= now || length < 1e-6 {
                break (next, value);
            }
            length *= 0.5;
        };
        let is_done = now - value < 1e-9;
        weights = next;
        now = value;
        if is_done {
            break;
        }
    }
    Some(weights)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a small positive definite system by elimination.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for pivot in 0..size {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let (top, known) = (&above[pivot], right[pivot]);
        for (row, right) in below.iter_mut().zip(&mut right[pivot + 1..]) {
            let factor = row[pivot] / top[pivot];
            row.iter_mut().zip(top).for_each(|(cell, top)| *cell -= factor * top);
            *right -= factor * known;
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(list: &[(f64, bool)]) -> Vec<Example> {
        let example =
            |(x, is_right): &(f64, bool)| Example { features: vec![*x, 1.0], is_right: *is_right };
        list.iter().map(example).collect()
    }

    #[test]
    fn the_gradient_vanishes_at_the_answer() {
        let list: Vec<(f64, bool)> =
            (0..60).map(|n| (f64::from(n % 7) - 3.0, (n * 5) % 11 < 4 + n % 5)).collect();
        let all = examples(&list);
        let weights = logistic(&all, &[1.0, 0.0]).unwrap();
        for i in 0..2 {
            let data: f64 = all
                .iter()
                .map(|e| {
                    let p = 1.0 / (1.0 + (-dot(&weights, &e.features)).exp());
                    (p - f64::from(u8::from(e.is_right))) * e.features[i]
                })
                .sum();
            let pull = PRECISION * (weights[i] - [1.0, 0.0][i]);
            assert!((data + pull).abs() < 1e-4, "{data} {pull}");
        }
    }

    #[test]
    fn few_examples_say_nothing_and_clear_ones_do_not_run_away() {
        assert!(logistic(&examples(&[(1.0, true); 19]), &[1.0, 0.0]).is_none());
        let weights = logistic(&examples(&[(1.0, true); 500]), &[1.0, 0.0]).unwrap();
        assert!(weights.iter().all(|w| w.is_finite() && w.abs() < 10.0), "{weights:?}");
        let none = logistic(&examples(&[(2.0, false); 500]), &[1.0, 0.0]).unwrap();
        assert!(dot(&none, &[2.0, 1.0]) < -3.0, "{none:?}");
    }

    #[test]
    fn systems_are_solved() {
        let solved = solve(vec![vec![4.0, 1.0], vec![1.0, 3.0]], vec![1.0, 2.0]);
        assert!((solved[0] - 1.0 / 11.0).abs() < 1e-12 && (solved[1] - 7.0 / 11.0).abs() < 1e-12);
    }
}
