//! What about an engine file may be turned, and how far: the numbers of its passes, which sources and
//! rules run, which pass selects. What is turned is put together in `space`; `write` turns it.

use std::fmt;
use std::sync::Arc;

/// A place in an engine file where something may be turned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A key of the `[[merge]]` table of this number, counted from 0.
    Key {
        /// The table.
        table: usize,
        /// The list of tables in it, and the number in that: `("cue", 3)`.
        item: Option<(&'static str, usize)>,
        /// The key.
        key: String,
    },
    /// The threshold of a source and label before the pass that selects.
    Threshold {
        /// The source.
        source: Arc<str>,
        /// The label.
        label: String,
    },
    /// The calibration of a source and label before all passes.
    Calibration {
        /// The source.
        source: Arc<str>,
        /// The label.
        label: String,
    },
    /// Whether a source runs.
    Source(Arc<str>),
    /// Whether a rule of a source runs.
    Rule {
        /// The source.
        source: Arc<str>,
        /// The rule's id.
        id: Arc<str>,
    },
    /// Whether a rule of a pass runs.
    PassRule {
        /// The `[[merge]]` table.
        table: usize,
        /// The rule's id.
        id: Arc<str>,
    },
}

/// What a knob is turned to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A name.
    Name(&'static str),
    /// Platt scaling: what log-odds are divided by, and what is added.
    Platt {
        /// What log-odds are divided by.
        temperature: f64,
        /// What is added.
        bias: f64,
    },
    /// Off.
    Off,
}

/// A knob: a place, what stands there, and what to try.
#[derive(Debug, Clone, PartialEq)]
pub struct Knob {
    /// Where.
    pub place: Place,
    /// What it is to a reader: `casing LOC: common`.
    pub name: String,
    /// What stands there, or is taken where nothing does.
    pub now: Option<Value>,
    /// What is tried.
    pub turns: Turns,
}

/// What of a knob is tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Turns {
    /// Numbers around the one that stands there: one and two steps more and less, and 0, with which most have
    /// no effect; where one of them is taken, half and quarter steps around it.
    Steps {
        /// The step.
        step: f64,
        /// The least number that is allowed.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// These.
    Values(Vec<Value>),
    /// Nothing by itself: a fit turns it.
    Fitted,
}

impl Turns {
    /// The values to try first, around `now`.
    pub(super) fn first(&self, now: Option<&Value>) -> Vec<Value> {
        match (self, now) {
            (Self::Steps { step, .. }, Some(Value::Number(now))) => {
                self.around(*now, &[-2.0 * step, -step, *step, 2.0 * step, -now])
            }
            (Self::Values(values), now) => {
                values.iter().filter(|value| Some(*value) != now).cloned().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The values to try after `value` was taken.
    pub(super) fn finer(&self, value: &Value) -> Vec<Value> {
        match (self, value) {
            (Self::Steps { step, .. }, Value::Number(value)) => {
                self.around(*value, &[-0.5 * step, -0.25 * step, 0.25 * step, 0.5 * step])
            }
            _ => Vec::new(),
        }
    }

    fn around(&self, number: f64, differences: &[f64]) -> Vec<Value> {
        let Self::Steps { min, max, .. } = self else { return Vec::new() };
        let moved = differences.iter().map(|d| rounded((number + d).clamp(*min, *max)));
        let mut values: Vec<f64> = moved.filter(|value| *value != number).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values.into_iter().map(Value::Number).collect()
    }
}

/// A number of three decimals: what a person would write.
pub(super) fn rounded(number: f64) -> f64 {
    let rounded = (number * 1_000.0).round() / 1_000.0;
    // No minus before a zero.
    if rounded == 0.0 { 0.0 } else { rounded }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
            Self::Platt { temperature, bias } => {
                write!(f, "temperature {temperature}, bias {bias}")
            }
            Self::Off => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_tried_around_and_then_nearer() {
        let turns = Turns::Steps { step: 1.0, min: -1.5, max: 10.0 };
        let numbers = |values: Vec<Value>| -> Vec<String> {
            values.iter().map(ToString::to_string).collect()
        };
        assert_eq!(numbers(turns.first(Some(&Value::Number(0.0)))), ["-1.5", "-1", "1", "2"]);
        assert_eq!(numbers(turns.first(Some(&Value::Number(-1.5)))), ["-0.5", "0", "0.5"]);
        assert_eq!(numbers(turns.first(Some(&Value::Number(9.0)))), ["0", "7", "8", "10"]);
        assert_eq!(numbers(turns.finer(&Value::Number(2.0))), ["1.5", "1.75", "2.25", "2.5"]);
        assert_eq!(turns.first(None), []);
        let names = Turns::Values(vec![Value::Name("score"), Value::Name("optimal")]);
        assert_eq!(names.first(Some(&Value::Name("optimal"))), [Value::Name("score")]);
    }
}
