//! The entities that an input says are there: how they are asked for, and how they are read from JSON,
//! where most formats differ in nothing but the names of the fields. Tags are `tokens`' business.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::ReadOptions;
use crate::error::{Error, ErrorKind, Location};
use crate::span::scheme::LetterPlace;
use crate::text::{Annotation, Document, OffsetTable, OffsetUnit, Span};

/// How gold is read. Malformed gold is an error of its document, and so is gold that is not there,
/// unless it is optional.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoldOptions {
    /// Formats with offsets: what they count, where the format itself does not say it.
    pub offsets: OffsetUnit,
    /// CoNLL: the column of the tags, from 1; `None` is the last that holds nothing but tags.
    pub column: Option<usize>,
    /// CoNLL: where the tags have the letter of their scheme.
    pub letter: LetterPlace,
    /// Whether a document may come without: [`Document::gold`](crate::Document::gold) is then `None`.
    pub is_optional: bool,
    /// brat: what becomes of an entity of several pieces.
    pub discontinuous: Discontinuous,
}

/// What becomes of an entity of several pieces, which a [`Span`] cannot be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Discontinuous {
    /// It is an error.
    #[default]
    Refuse,
    /// Each piece is an entity.
    Split,
}

impl Discontinuous {
    /// Both, as users type them.
    pub const NAMES: &[&str] = &["refuse", "split"];
}

impl std::str::FromStr for Discontinuous {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "refuse" => Ok(Self::Refuse),
            "split" => Ok(Self::Split),
            _ => Err(Error::unknown("way with discontinuous entities", name, Self::NAMES)),
        }
    }
}

/// Labels of gold and what they are to be called, and those that are left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelNames {
    /// By the label of gold, the one that stands for it.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// Labels to leave out, by their old or their new name.
    #[serde(default)]
    pub drop: BTreeSet<String>,
}

impl FromIterator<(String, String)> for LabelNames {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(names: T) -> Self {
        Self { map: names.into_iter().collect(), ..Self::default() }
    }
}

impl LabelNames {
    /// Calls the labels of the document's gold so.
    pub fn rename(&self, document: &mut Document) {
        let Some(gold) = &mut document.gold else { return };
        gold.retain(|annotation| !self.drop.contains(&annotation.label));
        for annotation in gold.iter_mut() {
            if let Some(name) = self.map.get(&annotation.label) {
                annotation.label.clone_from(name);
            }
        }
        gold.retain(|annotation| !self.drop.contains(&annotation.label));
    }

    /// The labels that it says something about.
    pub fn labels(&self) -> BTreeSet<&str> {
        self.map.keys().chain(&self.drop).map(String::as_str).collect()
    }

    /// The labels that it makes.
    pub fn made(&self) -> BTreeSet<&str> {
        self.map.values().map(String::as_str).collect()
    }
}

/// The gold that `options` ask for, as `read` finds it: `None` from it means that there is none, which
/// `missing` puts into words.
///
/// # Errors
/// Those of `read`, and where there is none although it is owed.
pub(super) fn asked(
    options: &ReadOptions,
    missing: &str,
    read: impl FnOnce(GoldOptions) -> Result<Option<Vec<Annotation>>, String>,
) -> Result<Option<Vec<Annotation>>, String> {
    let Some(asked) = options.gold else { return Ok(None) };
    match read(asked)? {
        None if !asked.is_optional => Err(missing.to_owned()),
        gold => Ok(gold),
    }
}

/// What a format calls the parts of an entity.
pub(super) struct Keys {
    pub(super) start: &'static str,
    pub(super) end: &'static str,
    pub(super) label: &'static str,
}

impl Keys {
    /// What most call them.
    pub(super) const USUAL: Self = Self { start: "start", end: "end", label: "label" };
    /// What IDRISI calls them.
    pub(super) const LOCATION: Self =
        Self { start: "start_offset", end: "end_offset", label: "type" };
    /// What doccano calls them in its longer form.
    pub(super) const LONG: Self = Self { start: "start_offset", end: "end_offset", label: "label" };
}

/// A text and what offsets into it count.
pub(super) struct Places<'t> {
    text: &'t str,
    unit: OffsetUnit,
    table: OffsetTable<'t>,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t str, unit: OffsetUnit) -> Self {
        Self { text, unit, table: OffsetTable::new(text, unit) }
    }

    /// The offset of a place.
    pub(super) fn offset(&self, byte: usize) -> usize {
        self.table.from_byte(byte)
    }

    /// The span between two offsets, each with what the input calls it.
    ///
    /// # Errors
    /// Where one is no number or no place in the text, or where there is nothing between them.
    pub(super) fn span(&self, start: (&str, &Value), end: (&str, &Value)) -> Result<Span, String> {
        let (start, end) = (self.byte(start)?, self.byte(end)?);
        if start >= end {
            return Err("it ends where it starts, or before".to_owned());
        }
        Ok(Span::new(start, end))
    }

    fn byte(&self, (name, value): (&str, &Value)) -> Result<usize, String> {
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        let number = number
            .ok_or_else(|| format!("expected a number from 0 in field '{name}', got {value}"))?;
        self.table.to_byte(number).ok_or_else(|| {
            let end = self.offset(self.text.len());
            format!("'{name}' is {number}, expected a place in the text, which ends at {end}")
        })
    }

    /// Looks whether what the input says stands at a span stands there; white space, which some tools
    /// change, does not count.
    ///
    /// # Errors
    /// Where it does not.
    pub(super) fn check(&self, span: Span, said: &str) -> Result<(), String> {
        let stands = span.slice(self.text).unwrap_or("");
        let black = |text: &str| text.replace("\\n", "").split_whitespace().collect::<String>();
        if said == stands || black(said) == black(stands) {
            return Ok(());
        }
        let unit = self.unit;
        Err(format!("its text is {said:?}, but {stands:?} stands there (offsets count {unit}s)"))
    }

    /// The entity of an object. A `text`, where there is one, must be what stands there.
    ///
    /// # Errors
    /// Where a field is missing or wrong.
    pub(super) fn of_object(
        &self,
        fields: &Map<String, Value>,
        keys: &Keys,
    ) -> Result<Annotation, String> {
        let field = |key: &str| fields.get(key).ok_or_else(|| format!("no field '{key}'"));
        let span = self.span((keys.start, field(keys.start)?), (keys.end, field(keys.end)?))?;
        let label = label(keys.label, field(keys.label)?)?;
        if let Some(Value::String(said)) = fields.get("text") {
            self.check(span, said)?;
        }
        Ok(Annotation { span, label })
    }

    /// The entity of a list `[start, end, label]`, or of an object.
    ///
    /// # Errors
    /// Where it is neither.
    pub(super) fn of_value(&self, value: &Value, keys: &Keys) -> Result<Annotation, String> {
        match value {
            Value::Object(fields) => self.of_object(fields, keys),
            Value::Array(list) => match &list[..] {
                [start, end, name] => Ok(Annotation {
                    span: self.span(("start", start), ("end", end))?,
                    label: label("label", name)?,
                }),
                _ => Err(format!("expected [start, end, label], got {} values", list.len())),
            },
            other => Err(format!("expected an object, got {}", kind(other))),
        }
    }

    /// The entities of a list, each by [`Places::of_value`].
    ///
    /// # Errors
    /// What is wrong, and with which of them.
    pub(super) fn of_list(
        &self,
        field: &str,
        list: &Value,
        keys: &Keys,
    ) -> Result<Vec<Annotation>, String> {
        each(field, list, |value| self.of_value(value, keys))
    }
}

/// What `read` makes of each of a list; `field` is what the input calls it.
///
/// # Errors
/// Where it is no list, or those of `read`, with the number of the entity.
pub(super) fn each<T>(
    field: &str,
    list: &Value,
    read: impl Fn(&Value) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let Value::Array(list) = list else {
        return Err(format!("expected a list in field '{field}', got {}", kind(list)));
    };
    let one = |(number, value)| {
        read(value).map_err(|message| format!("entity {}: {message}", number + 1))
    };
    list.iter().enumerate().map(one).collect()
}

/// A label that stands in a field.
///
/// # Errors
/// Where it is no name.
pub(super) fn label(field: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(label) if !label.is_empty() => Ok(label.clone()),
        other => Err(format!("expected a name in field '{field}', got {other}")),
    }
}

/// That a format has no way to say which entities are there.
pub(super) fn none_in(format: &str, input: &str) -> Error {
    Error::new(ErrorKind::Document, format!("the format '{format}' holds no gold"))
        .at(Location::file(input))
        .with_help(
            "gold is read from tags (CoNLL, Parquet, …) and from entities (JSONL, spaCy, brat, …)",
        )
}

/// What kind of JSON value it is, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(entities: &Value, unit: OffsetUnit) -> Result<Vec<String>, String> {
        let text = "😀 Łódź, Paris";
        let read = Places::new(text, unit).of_list("entities", entities, &Keys::USUAL)?;
        let shown = |one: &Annotation| format!("{} {}", one.span.slice(text).unwrap(), one.label);
        Ok(read.iter().map(shown).collect())
    }

    #[test]
    fn entities_are_read_in_the_unit_asked_for() {
        for (unit, start, end) in
            [(OffsetUnit::Char, 2, 6), (OffsetUnit::Byte, 5, 12), (OffsetUnit::Utf16, 3, 7)]
        {
            let one =
                json!([{ "start": start, "end": end, "label": "LOC", "text": "Łódź", "x": 1 }]);
            assert_eq!(read(&one, unit), Ok(vec!["Łódź LOC".to_owned()]), "{unit}");
        }
        assert_eq!(read(&json!([]), OffsetUnit::Char), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = json!({ "start": 2, "end": 6, "label": "LOC" });
        let with = |key: &str, value: Value| {
            let mut one = good.clone();
            one[key] = value;
            json!([good, one])
        };
        let without = |key: &str| {
            let mut one = good.clone();
            one.as_object_mut().unwrap().remove(key);
            json!([good, one])
        };
        for (entities, expected) in [
            (json!("LOC"), "expected a list in field 'entities', got a string"),
            (json!([[2, 6]]), "entity 1: expected [start, end, label], got 2 values"),
            (json!([7]), "entity 1: expected an object, got a number"),
            (without("start"), "entity 2: no field 'start'"),
            (without("label"), "entity 2: no field 'label'"),
            (with("label", json!("")), "entity 2: expected a name in field 'label', got \"\""),
            (with("end", json!(-1)), "entity 2: expected a number from 0 in field 'end', got -1"),
            (
                with("end", json!(14)),
                "entity 2: 'end' is 14, expected a place in the text, which ends at 13",
            ),
            (with("end", json!(2)), "entity 2: it ends where it starts, or before"),
            (
                with("text", json!("Paris")),
                "entity 2: its text is \"Paris\", but \"Łódź\" stands there (offsets count chars)",
            ),
        ] {
            assert_eq!(read(&entities, OffsetUnit::Char), Err(expected.to_owned()), "{entities}");
        }
    }

    #[test]
    fn gold_is_owed_unless_it_is_optional() {
        let ask = |gold, found: Option<Vec<Annotation>>| {
            let options = ReadOptions { gold, ..ReadOptions::default() };
            asked(&options, "no gold", |_| Ok(found))
        };
        let optional = GoldOptions { is_optional: true, ..GoldOptions::default() };
        assert_eq!(ask(None, None), Ok(None));
        assert_eq!(ask(Some(GoldOptions::default()), None), Err("no gold".to_owned()));
        assert_eq!(ask(Some(optional), None), Ok(None));
        assert_eq!(ask(Some(optional), Some(Vec::new())), Ok(Some(Vec::new())));
    }
}
