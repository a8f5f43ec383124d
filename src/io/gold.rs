//! The entities that an input says are there: how they are asked for, and how JSON Lines and plain text
//! answer. The tags of CoNLL are `conll`'s business.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Location};
use crate::text::{Annotation, OffsetTable, OffsetUnit, Span};

/// How gold is read. A document without it, or whose gold is malformed, is then an error.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoldOptions {
    /// JSONL: what `start` and `end` count.
    pub offsets: OffsetUnit,
    /// CoNLL: the column of the tags, from 1; `None` is the last that holds nothing but tags.
    pub column: Option<usize>,
}

/// The entities of the field `entities`, as `tag` writes it: objects of `start`, `end` and `label`. A
/// `text`, where there is one, must be what stands there.
///
/// # Errors
/// What is wrong, and with which of them.
pub(super) fn of_json(
    entities: Option<&Value>,
    text: &str,
    unit: OffsetUnit,
) -> Result<Vec<Annotation>, String> {
    let list = match entities {
        Some(Value::Array(list)) => list,
        Some(other) => {
            return Err(format!("expected a list in field 'entities', got {}", kind(other)));
        }
        None => return Err("no field 'entities' with the gold".to_owned()),
    };
    let table = OffsetTable::new(text, unit);
    let read = list.iter().enumerate().map(|(number, entity)| {
        let named = |message: String| format!("entity {}: {message}", number + 1);
        match entity {
            Value::Object(fields) => annotation(fields, text, unit, &table).map_err(named),
            other => Err(named(format!("expected an object, got {}", kind(other)))),
        }
    });
    read.collect()
}

fn annotation(
    fields: &Map<String, Value>,
    text: &str,
    unit: OffsetUnit,
    table: &OffsetTable<'_>,
) -> Result<Annotation, String> {
    let offset = |key: &str| match fields.get(key) {
        None => Err(format!("no field '{key}'")),
        Some(value) => {
            let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
            let number = number
                .ok_or_else(|| format!("expected a number from 0 in field '{key}', got {value}"))?;
            table.to_byte(number).ok_or_else(|| {
                let end = table.from_byte(text.len());
                format!("'{key}' is {number}, expected a place in the text, which ends at {end}")
            })
        }
    };
    let (start, end) = (offset("start")?, offset("end")?);
    if start >= end {
        return Err("it ends where it starts, or before".to_owned());
    }
    let label = match fields.get("label") {
        Some(Value::String(label)) if !label.is_empty() => label.clone(),
        Some(other) => return Err(format!("expected a name in field 'label', got {other}")),
        None => return Err("no field 'label'".to_owned()),
    };
    let span = Span::new(start, end);
    let stands = span.slice(text).unwrap_or("");
    match fields.get("text") {
        Some(Value::String(said)) if said != stands => Err(format!(
            "its text is {said:?}, but {stands:?} stands there (offsets count {unit}s)"
        )),
        _ => Ok(Annotation { span, label }),
    }
}

/// That a format has no way to say which entities are there.
pub(super) fn none_in(format: &str, input: &str) -> Error {
    Error::new(ErrorKind::Document, format!("the format '{format}' holds no gold"))
        .at(Location::file(input))
        .with_help("gold is read from CoNLL with tags and from JSONL with 'entities'")
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
        let read = of_json(Some(entities), text, unit)?;
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
            (json!([[2, 6, "LOC"]]), "entity 1: expected an object, got an array"),
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
        let none = of_json(None, "", OffsetUnit::Char);
        assert_eq!(none, Err("no field 'entities' with the gold".to_owned()));
    }
}
