//! One entry a line as a JSON object: what `gazetteer export` writes and any surface fits into.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::input::{Row, wrong};
use super::{Import, Importer, Input, Settings, Sink};
use crate::error::Result;
use crate::source::gazetteer::{Case, Entry};

/// The format `jsonl`.
pub(super) const IMPORTER: Importer = Importer {
    name: "jsonl",
    doc: "One JSON object a line: `surface` and `label`, then optionally `id`, `weight` and \
          `attributes`, an object.",
    options: &[],
    is_noisy: false,
    recognises: |name, head| {
        let first = head.lines().next().unwrap_or("");
        let is_named = name.ends_with(".jsonl") || name.ends_with(".ndjson");
        is_named && first.starts_with('{') && first.contains("\"surface\":")
    },
    open: |_: &Settings| Ok(Box::new(Jsonl)),
    write: Some(write),
};

struct Jsonl;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    surface: String,
    label: String,
    id: Option<Value>,
    weight: Option<f32>,
    #[serde(default)]
    attributes: Map<String, Value>,
}

impl Import for Jsonl {
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()> {
        input.each_line(sink, |row, sink| {
            if row.text.trim().is_empty() {
                return Ok(());
            }
            let entry = entry(row, sink)?;
            sink.add(entry)
        })
    }
}

fn entry(row: Row<'_>, sink: &mut Sink<'_>) -> Result<Entry> {
    let line: Line = row.json_object(row.text)?;
    for (name, value) in [("surface", &line.surface), ("label", &line.label)] {
        if value.trim().is_empty() {
            return Err(wrong(format!("the {name} is empty")));
        }
    }
    let mut entry = Entry::new(&line.surface, sink.label(&line.label));
    entry.id = match line.id {
        None | Some(Value::Null) => None,
        Some(id) => Some(scalar("id", id)?),
    };
    if let Some(weight) = line.weight {
        entry.set_weight(weight)?;
    }
    for (name, value) in line.attributes {
        let value = scalar(&name, value)?;
        if name == "case" {
            entry.case = Some(Case::parse(&value)?);
        } else {
            entry.attributes.push((name, value));
        }
    }
    Ok(entry)
}

/// Writes an entry as an object.
fn write(entry: &Entry, line: &mut String) -> Result<()> {
    let mut object = Map::new();
    object.insert("surface".to_owned(), (*entry.surface).into());
    object.insert("label".to_owned(), entry.label.as_str().into());
    if let Some(id) = &entry.id {
        object.insert("id".to_owned(), (**id).into());
    }
    if entry.weight != 1.0 {
        // Through its shortest spelling: a widened `f32` shows digits that nobody wrote.
        let weight: Option<f64> = entry.weight.to_string().parse().ok();
        object.insert("weight".to_owned(), weight.into());
    }
    let case = entry.case.map(|case| ("case".to_owned(), case.name().into()));
    let others = entry.attributes.iter().map(|(key, value)| (key.clone(), value.as_str().into()));
    let attributes: Map<String, Value> = case.into_iter().chain(others).collect();
    if !attributes.is_empty() {
        object.insert("attributes".to_owned(), attributes.into());
    }
    line.push_str(&Value::Object(object).to_string());
    Ok(())
}

/// A string, number or boolean as text.
fn scalar(name: &str, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(bool) => Ok(bool.to_string()),
        _ => Err(wrong(format!("'{name}' is neither a string, a number nor a boolean"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{import, messages};
    use super::*;

    #[test]
    fn objects_are_read() {
        let text = concat!(
            r##"{"surface": "#nato", "label": "ORG", "id": 7, "weight": 0.25, "attributes": {"case": "fold", "a": true}}"##,
            "\n\n",
            r#"{"label": "LOC", "surface": "Łódź", "id": null}"#,
        );
        let (entries, imported) = import(&IMPORTER, &[], text);
        assert_eq!(entries, ["#nato ORG 7 0.25 case=fold;a=true", "Łódź LOC - 1 "]);
        assert_eq!(imported.problem_count, 0);
    }

    #[test]
    fn wrong_lines_are_named() {
        let cases = [
            ("{\"surface\": \"é\" 1}", "in:1:17: invalid JSON: expected `,` or `}`"),
            ("{\"surface\": \"a\"}", "in:1:16: invalid JSON: missing field `label`"),
            (r#"{"surface": " ", "label": "X"}"#, "in:1: the surface is empty"),
            (r#"{"surface": "a", "label": "X", "weight": 2}"#, "in:1: weight 2 is out of range"),
            (r#"{"surface": "a", "label": "X", "id": []}"#, "in:1: 'id' is neither a string"),
            (
                r#"{"surface": "a", "label": "X", "extra": 1}"#,
                "in:1:38: invalid JSON: unknown field",
            ),
            ("[1]", "in:1: expected a JSON object"),
        ];
        for (line, start) in cases {
            let problems = messages(&IMPORTER, &[], line);
            assert!(problems.len() == 1 && problems[0].starts_with(start), "{line}: {problems:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            surface in "\\PC*[\\t\\n]?\\PC*x",
            label in "[A-Z]{1,4}",
            id in proptest::option::of(".*"),
            weight in 0.0f32..=1.0,
            value in ".*",
        ) {
            let mut entry = Entry::new(&surface, crate::span::Label::new(&label));
            entry.id = id;
            entry.weight = weight;
            entry.attributes.push(("k".to_owned(), value));
            let mut line = String::new();
            write(&entry, &mut line).unwrap();
            let mut entries = Vec::new();
            let mut accept = |entry| {
                entries.push(entry);
                Ok(())
            };
            let settings = Settings::default();
            let mut sink = Sink::new(&IMPORTER, &settings, &mut accept).unwrap();
            let input = Input { name: "in", reader: &mut line.as_bytes() };
            Jsonl.import(input, &mut sink).unwrap();
            prop_assert_eq!(sink.finish().problem_count, 0);
            prop_assert_eq!(entries, [entry]);
        }
    }
}
