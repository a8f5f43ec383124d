//! Which knobs an engine file has: read off its passes, its sources and what these proposed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use toml_edit::{DocumentMut, Item, Table};

use super::knob::{Knob, Place, Turns, Value};
use super::setting::selects;
use crate::error::{Error, ErrorKind, Result};
use crate::merge;
use crate::pipeline::Engine;
use crate::resource::TomlFile;

/// A number of a pass that may be turned.
struct Number {
    pass: &'static str,
    /// The list of tables it is in, where it is in one.
    item: Option<&'static str>,
    key: &'static str,
    step: f64,
    min: f64,
    max: f64,
}

const fn number(
    pass: &'static str,
    item: Option<&'static str>,
    key: &'static str,
    (step, min, max): (f64, f64, f64),
) -> Number {
    Number { pass, item, key, step, min, max }
}

/// Log-odds that are added.
const ADDED: (f64, f64, f64) = (1.0, -10.0, 10.0);
/// What log-odds or scores are multiplied with.
const WEIGHT: (f64, f64, f64) = (0.5, 0.0, 4.0);
/// A probability.
const SCORE: (f64, f64, f64) = (0.1, 0.0, 0.95);

/// The numbers of all passes.
static NUMBERS: &[Number] = &[
    number("evidence", None, "model-weight", WEIGHT),
    number("evidence", None, "prior-weight", WEIGHT),
    number("evidence", None, "bias", ADDED),
    number("casing", None, "lower", ADDED),
    number("casing", None, "capital", ADDED),
    number("casing", None, "common", ADDED),
    number("casing", None, "common-capital", ADDED),
    number("casing", None, "common-caseless", ADDED),
    number("context", Some("cue"), "add", ADDED),
    number("calibrate", Some("fit"), "temperature", (0.5, 0.1, 10.0)),
    number("calibrate", Some("fit"), "bias", ADDED),
    number("coherence", None, "add", ADDED),
    number("threshold", None, "min", SCORE),
];

/// The passes that weigh sources by `weights`, and the values of `method` with which they do.
static WEIGHING: &[(&str, &[&str])] =
    &[("combine", &["mean", "noisy-or", "log-odds"]), ("vote", &[])];

/// The passes that may take each other's place.
const SELECTORS: [&str; 3] = ["optimal", "score", "longest"];

/// What may be turned.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Space {
    /// The passes whose numbers are turned; `pass.key` for one number of them. All where it is missing.
    pub numbers: Option<Vec<String>>,
    /// Whether sources (gazetteers, rule packs) may be switched off.
    pub sources: bool,
    /// Whether rules may be switched off: those of sources, and those of the merge.
    pub rules: bool,
    /// Whether passes and presets may be switched off.
    pub passes: bool,
    /// Whether another pass may select.
    pub selector: bool,
    /// Whether a source may get a threshold for a label.
    pub thresholds: bool,
    /// Whether the scores of a source may be calibrated, by label.
    pub calibration: bool,
}

impl Default for Space {
    /// Everything.
    fn default() -> Self {
        Self {
            numbers: None,
            sources: true,
            rules: true,
            passes: true,
            selector: true,
            thresholds: true,
            calibration: true,
        }
    }
}

impl Space {
    /// Reads a space.
    ///
    /// # Errors
    /// What is wrong with it, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let file = TomlFile::new(name, text);
        let space: Self = file.parse()?.read()?;
        let passes: BTreeSet<&str> = NUMBERS.iter().map(|n| n.pass).collect();
        let known: Vec<String> = passes
            .into_iter()
            .map(str::to_owned)
            .chain(NUMBERS.iter().map(|n| format!("{}.{}", n.pass, n.key)))
            .chain(WEIGHING.iter().map(|(pass, _)| format!("{pass}.weights")))
            .collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        match space.numbers.iter().flatten().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Error::unknown("number of a pass", name, &known)),
            None => Ok(space),
        }
    }

    fn has(&self, pass: &str, key: &str) -> bool {
        let is = |name: &String| name == pass || *name == format!("{pass}.{key}");
        self.numbers.as_ref().is_none_or(|names| names.iter().any(is))
    }

    /// The knobs of the engine file `text`; `proposed` are the sources, rules and labels that did anything.
    ///
    /// # Errors
    /// Where its passes are not written as `[[merge]]` tables.
    pub(super) fn knobs(
        &self,
        text: &str,
        engine: &Engine,
        proposed: &Proposed,
    ) -> Result<Vec<Knob>> {
        let file: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            Error::new(ErrorKind::Config, error.message().to_owned())
        })?;
        let merge = file.get("merge").and_then(Item::as_array_of_tables).ok_or_else(|| {
            Error::new(ErrorKind::Config, "the engine file has no [[merge]] tables to tune")
        })?;
        let mut knobs = Vec::new();
        for (number, table) in merge.iter().enumerate() {
            let is_on = table.get("enabled").and_then(Item::as_bool) != Some(false);
            if self.passes && is_on && !selects(table) {
                let turns = Turns::Values(vec![Value::Off]);
                let place = key(number, None, "enabled");
                knobs.push(Knob { place, name: pass_name(number, table), now: None, turns });
            }
            let Some(pass) = table.get("pass").and_then(Item::as_str) else { continue };
            knobs.extend(self.numbers_of(number, pass, table));
            knobs.extend(self.weights_of(number, pass, table, proposed));
            if self.selector && SELECTORS.contains(&pass) {
                let values = SELECTORS.map(Value::Name).to_vec();
                let now = SELECTORS.into_iter().find(|name| *name == pass).map(Value::Name);
                let place = key(number, None, "pass");
                let turns = Turns::Values(values);
                knobs.push(Knob { place, name: "selector".to_owned(), now, turns });
            }
        }
        knobs.extend(self.of_sources(engine, proposed));
        knobs.extend(self.rules_of_passes(engine));
        Ok(knobs)
    }

    fn numbers_of(&self, table: usize, pass: &str, written: &Table) -> Vec<Knob> {
        let mut knobs = Vec::new();
        for number in NUMBERS.iter().filter(|n| n.pass == pass && self.has(pass, n.key)) {
            let Number { item, key: name, step, min, max, .. } = *number;
            let turns = Turns::Steps { step, min, max };
            let knob = |item, what: String, written: &Table| {
                let now = written.get(name).and_then(as_number).or_else(|| default(pass, name))?;
                let now = Some(Value::Number(now));
                let place = key(table, item, name);
                Some(Knob { place, name: format!("{what}: {name}"), now, turns: turns.clone() })
            };
            match item {
                None => knobs.extend(knob(None, format!("{pass}{}", concern(written)), written)),
                Some(list) => {
                    let items = written.get(list).and_then(Item::as_array_of_tables);
                    for (number, item) in items.into_iter().flat_map(|list| list.iter()).enumerate()
                    {
                        let what = format!("{list} {}{}", number + 1, concern(item));
                        knobs.extend(knob(Some((list, number)), what, item));
                    }
                }
            }
        }
        knobs
    }

    fn weights_of(
        &self,
        table: usize,
        pass: &str,
        written: &Table,
        proposed: &Proposed,
    ) -> Vec<Knob> {
        let method = written.get("method").and_then(Item::as_str);
        let weighs = WEIGHING.iter().any(|(name, methods)| {
            *name == pass && (methods.is_empty() || method.is_some_and(|m| methods.contains(&m)))
        });
        if !weighs || !self.has(pass, "weights") {
            return Vec::new();
        }
        let (step, min, max) = WEIGHT;
        let weights = written.get("weights");
        let knob = |source: &Arc<str>| {
            let now = weights.and_then(|w| w.get(&**source)).and_then(as_number).unwrap_or(1.0);
            Knob {
                place: key(table, None, &format!("weights.{source}")),
                name: format!("{pass}: weight of {source}"),
                now: Some(Value::Number(now)),
                turns: Turns::Steps { step, min, max },
            }
        };
        proposed.sources().iter().map(knob).collect()
    }

    /// The rules of the passes `rules`.
    fn rules_of_passes(&self, engine: &Engine) -> Vec<Knob> {
        let steps = engine.steps().iter().filter(|step| self.rules && step.kind.name == "rules");
        let knobs = steps.flat_map(|step| {
            let table = step.table;
            let knob = move |id: &Arc<str>| Knob {
                place: Place::PassRule { table, id: id.clone() },
                name: format!("rule {id} of pass {}", table + 1),
                now: None,
                turns: Turns::Values(vec![Value::Off]),
            };
            let rules = step.pass.as_rules().into_iter().flat_map(|pass| pass.compiled());
            rules.map(move |rule| knob(&rule.id))
        });
        knobs.collect()
    }

    fn of_sources(&self, engine: &Engine, proposed: &Proposed) -> Vec<Knob> {
        let mut knobs = Vec::new();
        let mut add = |place, name: String, now, turns| {
            knobs.push(Knob { place, name, now, turns });
        };
        for source in engine.sources() {
            let name = source.name();
            if self.sources && proposed.sources().contains(name) && !source.gives_evidence() {
                let place = Place::Source(name.clone());
                let turns = Turns::Values(vec![Value::Off]);
                add(place, format!("source {name}"), None, turns);
            }
        }
        for (source, id) in proposed.rules.iter().filter(|_| self.rules) {
            let (source, id) = (source.clone(), id.clone());
            let name = format!("rule {source}:{id}");
            add(Place::Rule { source, id }, name, None, Turns::Values(vec![Value::Off]));
        }
        for (source, label) in proposed.pairs.keys() {
            let pair = || (source.clone(), label.clone());
            if self.thresholds {
                let (source, label) = pair();
                let name = format!("threshold of {source} for {label}");
                let values = [0.2, 0.4, 0.5, 0.6, 0.8].map(Value::Number).to_vec();
                let now = Some(Value::Number(0.0));
                add(Place::Threshold { source, label }, name, now, Turns::Values(values));
            }
            if self.calibration {
                let (source, label) = pair();
                let name = format!("calibration of {source} for {label}");
                add(Place::Calibration { source, label }, name, None, Turns::Fitted);
            }
        }
        knobs
    }
}

/// Who proposed anything in a corpus.
#[derive(Debug, Default)]
pub(super) struct Proposed {
    /// Sources and labels, and how often.
    pub(super) pairs: BTreeMap<(Arc<str>, String), usize>,
    /// Rules, with their sources.
    pub(super) rules: BTreeSet<(Arc<str>, Arc<str>)>,
}

impl Proposed {
    fn sources(&self) -> BTreeSet<Arc<str>> {
        self.pairs.keys().map(|(source, _)| source.clone()).collect()
    }
}

fn key(table: usize, item: Option<(&'static str, usize)>, key: &str) -> Place {
    Place::Key { table, item, key: key.to_owned() }
}

/// A pass to a reader: `pass 3, casing LOC`.
fn pass_name(number: usize, table: &Table) -> String {
    let name = ["pass", "preset"].into_iter().find_map(|key| table.get(key)?.as_str());
    format!("pass {}, {}{}", number + 1, name.unwrap_or_default(), concern(table))
}

/// The number that is written, with or without a full stop.
pub(super) fn as_number(item: &Item) -> Option<f64> {
    item.as_float().or_else(|| item.as_integer().map(|number| number as f64))
}

/// The number that a pass takes where none is written, as its documentation says.
fn default(pass: &str, key: &str) -> Option<f64> {
    let options = merge::kind(pass).ok()?.options.iter();
    let option = options.into_iter().find(|option| option.name == key)?;
    option.value.rsplit(", ").next()?.parse().ok()
}

/// What a pass or cue is about, in words: its labels, or its sources.
fn concern(table: &Table) -> String {
    let names = |key: &str| -> Option<String> {
        let item = table.get(key)?;
        let list = item
            .as_array()
            .map(|list| list.iter().filter_map(|name| name.as_str()).collect::<Vec<_>>().join("/"));
        list.or_else(|| item.as_str().map(str::to_owned))
    };
    let found = ["label", "labels", "source", "sources"].into_iter().find_map(names);
    found.map_or(String::new(), |names| format!(" {names}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_table_are_numbers_of_the_passes() {
        for Number { pass, item, key, .. } in NUMBERS {
            let kind = merge::kind(pass).unwrap();
            let name = item.map_or((*key).to_owned(), |item| format!("{item}.{key}"));
            assert!(kind.options.iter().any(|option| option.name == name), "{pass} {name}");
        }
        for (pass, _) in WEIGHING {
            let kind = merge::kind(pass).unwrap();
            assert!(kind.options.iter().any(|option| option.name == "weights"), "{pass}");
        }
        assert_eq!(default("evidence", "model-weight"), Some(1.0));
        assert_eq!(default("threshold", "min"), Some(0.5));
        for selector in SELECTORS {
            assert!(merge::kind(selector).unwrap().flat, "{selector}");
        }
    }

    #[test]
    fn a_space_is_read_and_what_is_wrong_is_said() {
        let space = Space::parse("s.toml", "numbers = [\"casing.lower\"]\nrules = false").unwrap();
        assert!(space.has("casing", "lower") && !space.has("casing", "common"));
        assert!(!space.rules && space.sources);
        let error = Space::parse("s.toml", "numbers = [\"casing.lowr\"]").unwrap_err();
        assert!(error.help_text().unwrap().contains("casing.lower"), "{error}");
        let error = Space::parse("s.toml", "\nrule = true").unwrap_err();
        assert_eq!(error.location().unwrap().line, 2);
    }
}
