//! What is to become as large as possible.

use std::fmt;
use std::str::FromStr;

use super::counts::LabelTotals;

/// A number that says how good the counts of a corpus are; more is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// F1 of all labels together.
    MicroF1,
    /// The mean of the labels' F1.
    MacroF1,
    /// F-beta of all labels together: recall counts beta times as much as precision (van Rijsbergen 1979).
    FBeta(f64),
    /// Precision of all labels together, where recall is at least this; under it, what is missing, as a
    /// negative number.
    PrecisionAtRecall(f64),
}

impl Objective {
    /// Its value for the counts of each label.
    pub fn value(self, labels: &[LabelTotals]) -> f64 {
        let all = labels.iter().copied().fold(LabelTotals::default(), LabelTotals::plus);
        match self {
            Self::MicroF1 => f_beta(all, 1.0),
            Self::FBeta(beta) => f_beta(all, beta),
            Self::MacroF1 if labels.is_empty() => 0.0,
            Self::MacroF1 => {
                labels.iter().map(|label| f_beta(*label, 1.0)).sum::<f64>() / labels.len() as f64
            }
            Self::PrecisionAtRecall(least) => {
                let recall = share(all.right, all.gold);
                if recall < least { recall - least } else { share(all.right, all.predicted) }
            }
        }
    }
}

/// (1 + β²) · right / (predicted + β² · gold); 0 where nothing is there.
fn f_beta(counts: LabelTotals, beta: f64) -> f64 {
    let square = beta * beta;
    let below = counts.predicted as f64 + square * counts.gold as f64;
    if below == 0.0 { 0.0 } else { (1.0 + square) * counts.right as f64 / below }
}

fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl FromStr for Objective {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0);
        match written.split_once('=') {
            None if written == "micro-f1" => Ok(Self::MicroF1),
            None if written == "macro-f1" => Ok(Self::MacroF1),
            Some(("f-beta", beta)) => number(beta)
                .map(Self::FBeta)
                .ok_or_else(|| format!("expected a number over 0 after 'f-beta=', got '{beta}'")),
            Some(("precision@recall", least)) => {
                number(least).filter(|n| *n <= 1.0).map(Self::PrecisionAtRecall).ok_or_else(|| {
                    format!("expected a recall up to 1 after 'precision@recall=', got '{least}'")
                })
            }
            _ => Err(format!(
                "expected micro-f1, macro-f1, f-beta=BETA or precision@recall=RECALL, got '{written}'"
            )),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MicroF1 => f.write_str("micro-f1"),
            Self::MacroF1 => f.write_str("macro-f1"),
            Self::FBeta(beta) => write!(f, "f-beta={beta}"),
            Self::PrecisionAtRecall(least) => write!(f, "precision@recall={least}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_formulas() {
        let label = |right, predicted, gold| LabelTotals { right, predicted, gold };
        let labels = [label(3, 4, 6), label(0, 0, 2)];
        let close = |objective: &str, expected: f64| {
            let value = objective.parse::<Objective>().unwrap().value(&labels);
            assert!((value - expected).abs() < 1e-12, "{objective}: {value}");
        };
        close("micro-f1", 0.5);
        close("macro-f1", 0.3);
        close("f-beta=2", 5.0 * 3.0 / (4.0 + 4.0 * 8.0));
        close("precision@recall=0.375", 0.75);
        close("precision@recall=0.5", -0.125);
        assert_eq!(Objective::MicroF1.value(&[]), 0.0);
        assert!("f1".parse::<Objective>().unwrap_err().contains("micro-f1, macro-f1"));
        assert!("precision@recall=2".parse::<Objective>().is_err());
    }
}
