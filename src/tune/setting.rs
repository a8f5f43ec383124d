//! A setting: which knobs are turned, to what; and the engine file that it makes of another, with its
//! comments and its layout.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use toml_edit::{
    ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value as Written, value,
};

use super::knob::{Place, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Without;
use crate::span::Origin;

/// Knobs that are turned, and to what.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Setting(BTreeMap<Place, Value>);

impl Setting {
    /// The setting with `turns` on top of it.
    #[must_use]
    pub fn with<'t>(&self, turns: impl IntoIterator<Item = &'t (Place, Value)>) -> Self {
        let mut setting = self.clone();
        setting.0.extend(turns.into_iter().cloned());
        setting
    }

    /// Whether nothing is turned.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the knob at `place` is turned to.
    pub fn get(&self, place: &Place) -> Option<&Value> {
        self.0.get(place)
    }

    /// All knobs that are turned.
    pub fn turns(&self) -> impl Iterator<Item = (&Place, &Value)> {
        self.0.iter()
    }

    /// What of it needs no other merge: sources and rules that are off.
    pub(super) fn without(&self) -> Without {
        let mut without = Without::default();
        for (place, value) in &self.0 {
            match place {
                Place::Source(name) if *value == Value::Off => {
                    without.sources.insert(name.clone());
                }
                Place::Rule { source, id } if *value == Value::Off => {
                    without.origins.insert(Origin::new(source, id.clone()));
                }
                _ => {}
            }
        }
        without
    }

    /// The merge of `text` in this setting; its sources are as they were.
    ///
    /// # Errors
    /// Where the text is not of the form that can be turned.
    pub(super) fn merge_of(&self, text: &str) -> Result<String> {
        let mut file = parse(text)?;
        self.turn_merge(&mut file)?;
        Ok(file.to_string())
    }

    /// The engine file `text` in this setting.
    ///
    /// # Errors
    /// Where the text is not of the form that can be turned.
    pub fn applied_to(&self, text: &str) -> Result<String> {
        let mut file = parse(text)?;
        for (place, turned) in &self.0 {
            let (name, rule) = match place {
                Place::Source(name) => (name, None),
                Place::Rule { source, id } => (source, Some(id)),
                _ => continue,
            };
            if *turned != Value::Off {
                continue;
            }
            let table = tables(&mut file, "source")?
                .iter_mut()
                .find(|table| table.get("name").and_then(Item::as_str) == Some(&**name))
                .ok_or_else(|| changed(&format!("no source '{name}'")))?;
            match rule {
                None => set(table, "enabled", false.into()),
                Some(id) => leave_out(table, id)?,
            }
        }
        self.turn_merge(&mut file)?;
        Ok(file.to_string())
    }

    fn turn_merge(&self, file: &mut DocumentMut) -> Result<()> {
        if self.0.keys().all(|place| matches!(place, Place::Source(_) | Place::Rule { .. })) {
            return Ok(());
        }
        let merge = tables(file, "merge")?;
        for (place, turned) in &self.0 {
            let (Place::Key { table, .. } | Place::PassRule { table, .. }) = place else {
                continue;
            };
            let mut table =
                merge.get_mut(*table).ok_or_else(|| changed("it has fewer [[merge]] tables"))?;
            if let Place::PassRule { id, .. } = place {
                leave_out(table, id)?;
            }
            let Place::Key { item, key, .. } = place else { continue };
            if let Some((list, number)) = item {
                table = table
                    .get_mut(list)
                    .and_then(Item::as_array_of_tables_mut)
                    .and_then(|tables| tables.get_mut(*number))
                    .ok_or_else(|| changed(&format!("it has fewer [[merge.{list}]] tables")))?;
            }
            match turned {
                Value::Number(number) => set(table, key, (*number).into()),
                Value::Name(name) => set(table, key, (*name).into()),
                Value::Off => set(table, key, false.into()),
                Value::Platt { .. } => {}
            }
        }
        if let Some(thresholds) = self.thresholds() {
            let place = merge.iter().position(selects).unwrap_or(merge.len());
            merge.insert(place, thresholds);
        }
        if let Some(calibrations) = self.calibrations() {
            merge.insert(0, calibrations);
        }
        Ok(())
    }

    fn thresholds(&self) -> Option<Table> {
        let mut sources: BTreeMap<&str, InlineTable> = BTreeMap::new();
        for (place, turned) in &self.0 {
            if let (Place::Threshold { source, label }, Value::Number(number)) = (place, turned)
                && *number > 0.0
            {
                sources.entry(source).or_default().insert(label, (*number).into());
            }
        }
        if sources.is_empty() {
            return None;
        }
        let mut table = fitted("threshold");
        table.insert("min", value(0.0));
        let mut written = InlineTable::new();
        for (source, labels) in sources {
            written.insert(source, Written::InlineTable(labels));
        }
        table.insert("sources", value(written));
        Some(table)
    }

    fn calibrations(&self) -> Option<Table> {
        let mut fits = ArrayOfTables::new();
        for (place, turned) in &self.0 {
            if let (Place::Calibration { source, label }, Value::Platt { temperature, bias }) =
                (place, turned)
            {
                let mut fit = Table::new();
                fit.insert("source", value(&**source));
                fit.insert("label", value(label.as_str()));
                fit.insert("temperature", value(*temperature));
                fit.insert("bias", value(*bias));
                fits.push(fit);
            }
        }
        if fits.is_empty() {
            return None;
        }
        let mut table = fitted("calibrate");
        table.insert("fit", Item::ArrayOfTables(fits));
        Some(table)
    }
}

/// A new `[[merge]]` table that says where it comes from.
fn fitted(pass: &str) -> Table {
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n# Fitted by `spanloom tune`.\n");
    table.insert("pass", value(pass));
    table
}

/// Puts a rule's id into the `without` of its source or pass.
fn leave_out(table: &mut Table, id: &str) -> Result<()> {
    let list = table.entry("without").or_insert_with(|| value(toml_edit::Array::new()));
    list.as_array_mut().ok_or_else(|| changed("'without' is no list"))?.push(id);
    Ok(())
}

/// Whether the pass of a `[[merge]]` table chooses between candidates that overlap.
pub(super) fn selects(table: &Table) -> bool {
    let name = |key| table.get(key).and_then(Item::as_str);
    name("preset").is_some()
        || name("pass").is_some_and(|pass| crate::merge::kind(pass).is_ok_and(|kind| kind.flat))
}

fn parse(text: &str) -> Result<DocumentMut> {
    text.parse().map_err(|error: toml_edit::TomlError| changed(error.message()))
}

fn tables<'f>(file: &'f mut DocumentMut, name: &str) -> Result<&'f mut ArrayOfTables> {
    file.get_mut(name).and_then(Item::as_array_of_tables_mut).ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("the engine file has no [[{name}]] tables"))
            .with_help("tune changes passes that are written as [[merge]] tables")
    })
}

/// Puts a value in the place of another, with the blanks and comments around it. A key `a.b` is `b` in the
/// table `a`, which is made where it is missing.
fn set(table: &mut dyn TableLike, key: &str, written: Written) {
    if let Some((outer, inner)) = key.split_once('.') {
        let entry = table.entry(outer).or_insert_with(|| value(InlineTable::new()));
        if let Some(within) = entry.as_table_like_mut() {
            set(within, inner, written);
        }
        return;
    }
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = written;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, value(written));
        }
    }
}

fn changed(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the engine file is not what it was: {what}"))
}

impl Eq for Setting {}

impl PartialOrd for Setting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of a map's keys: by what is turned, then by what to.
impl Ord for Setting {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |value: &Value| match value {
            Value::Number(number) => (0, *number, 0.0, ""),
            Value::Name(name) => (1, 0.0, 0.0, *name),
            Value::Platt { temperature, bias } => (2, *temperature, *bias, ""),
            Value::Off => (3, 0.0, 0.0, ""),
        };
        let compare = |((a, x), (b, y)): ((&Place, &Value), (&Place, &Value))| {
            let (x, y) = (key(x), key(y));
            let numbers = x.1.total_cmp(&y.1).then(x.2.total_cmp(&y.2));
            a.cmp(b).then(x.0.cmp(&y.0)).then(numbers).then(x.3.cmp(y.3))
        };
        self.0.len().cmp(&other.0.len()).then_with(|| {
            self.0.iter().zip(&other.0).map(compare).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const FILE: &str = r#"# An engine.
labels = ["LOC"]

[[source]] # places
name = "places"
kind = "gazetteer"
entries = [
  ["Paris", "LOC"], # the city
]

[[source]]
name = "patterns"
kind = "rules"
without = ["old"] # slow

# What is common.
[[merge]]
pass = "context"

[[merge.cue]]
label = "LOC"
left = '\bin\s' # before
add   =   1.0 # for

[[merge]] # the best
pass = "optimal"
"#;

    fn key(table: usize, item: Option<(&'static str, usize)>, key: &str) -> Place {
        Place::Key { table, item, key: key.to_owned() }
    }

    #[test]
    fn only_what_is_turned_changes() {
        assert_eq!(Setting::default().applied_to(FILE).unwrap(), FILE);
        let one = (key(0, Some(("cue", 0)), "add"), Value::Number(2.5));
        let expected = FILE.replace("add   =   1.0 # for", "add   =   2.5 # for");
        assert_eq!(Setting::default().with([&one]).applied_to(FILE).unwrap(), expected);
        let other = (key(1, None, "pass"), Value::Name("score"));
        let expected = expected.replace("pass = \"optimal\"", "pass = \"score\"");
        assert_eq!(Setting::default().with([&one, &other]).applied_to(FILE).unwrap(), expected);
        let weight = (key(1, None, "weights.places"), Value::Number(0.5));
        let expected_weight =
            FILE.replace("\"optimal\"\n", "\"optimal\"\nweights = { places = 0.5 }\n");
        assert_eq!(Setting::default().with([&weight]).applied_to(FILE).unwrap(), expected_weight);
        let new = (key(0, Some(("cue", 0)), "other"), Value::Number(1.0));
        let expected = FILE.replace("# for\n", "# for\nother = 1.0\n");
        assert_eq!(Setting::default().with([&new]).applied_to(FILE).unwrap(), expected);
    }

    #[test]
    fn sources_and_rules_are_switched_off() {
        let off = [
            (Place::Source("places".into()), Value::Off),
            (Place::Rule { source: "patterns".into(), id: "a".into() }, Value::Off),
        ];
        let setting = Setting::default().with(&off);
        let expected = FILE
            .replace("# the city\n]\n", "# the city\n]\nenabled = false\n")
            .replace("[\"old\"] # slow", "[\"old\", \"a\"] # slow");
        assert_eq!(setting.applied_to(FILE).unwrap(), expected);
        assert_eq!(setting.merge_of(FILE).unwrap(), FILE);
        let without = setting.without();
        assert!(without.sources.contains("places") && without.origins.len() == 1);
    }

    #[test]
    fn thresholds_stand_before_the_selector_and_calibrations_before_all() {
        let place = |label: &str| (Arc::from("places"), label.to_owned());
        let threshold = |label, number| {
            let (source, label) = place(label);
            (Place::Threshold { source, label }, Value::Number(number))
        };
        let (source, label) = place("LOC");
        let fit = Value::Platt { temperature: 0.5, bias: -1.0 };
        let calibration = (Place::Calibration { source, label }, fit);
        let turns = [threshold("LOC", 0.4), threshold("PER", 0.0), calibration];
        let expected = FILE
            .replace(
                "\n[[merge]] # the best",
                "\n# Fitted by `spanloom tune`.\n[[merge]]\npass = \"threshold\"\nmin = 0.0\n\
                 sources = { places = { LOC = 0.4 } }\n\n[[merge]] # the best",
            )
            .replace(
                "\n# What is common.",
                "\n# Fitted by `spanloom tune`.\n[[merge]]\npass = \"calibrate\"\n\n[[merge.fit]]\n\
                 source = \"places\"\nlabel = \"LOC\"\ntemperature = 0.5\nbias = -1.0\n\n# What is common.",
            );
        let written = Setting::default().with(&turns).applied_to(FILE).unwrap();
        assert_eq!(written, expected);
    }
}
