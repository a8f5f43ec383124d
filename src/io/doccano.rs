//! doccano: texts with labelled spans, one object a line, as it exports and imports them for sequence
//! labelling.

use serde_json::{Map, Value, json};

use super::gold::{Keys, Places, asked};
use super::json::{
    self, Draft, Problem, Reader, Writer, id, object, pass_through, take_id, take_text,
};
use super::{Documents, Format, Marking, ReadOptions, WriteOptions, options};
use crate::span::Entity;
use crate::text::Document;

/// The format `doccano`.
pub const FORMAT: Format = Format {
    name: "doccano",
    doc: "doccano: one JSON object a line, `{\"id\", \"text\", \"label\": [[start, end, \"PER\"]]}`; read also with \
          `labels`, and with `entities` of `start_offset`, `end_offset` and `label`.",
    suffixes: &[],
    extension: "jsonl",
    marking: Marking::Offsets,
    companion: None,
    recognises,
    options: &[
        options::TEXT_FIELD,
        options::ID_FIELD,
        options::OFFSETS,
        options::MAX_ELEMENT_BYTES,
    ],
    read: |input, options| Box::new(Reader::new(input, options, document)) as Documents,
    write: Some(|output, options| Box::new(Writer::new(output, options, value))),
};

/// The fields that may hold the entities.
const FIELDS: [&str; 3] = ["label", "labels", "entities"];

fn recognises(value: &Value) -> bool {
    let first = |field: &str| value[field].as_array().and_then(|list| list.first());
    let is_list =
        |one: &Value| one.as_array().is_some_and(|one| one.len() == 3 && one[2].is_string());
    ["label", "labels"].iter().filter_map(|field| first(field)).any(is_list)
        || first("entities").is_some_and(|one| one[Keys::LONG.start].is_u64())
}

fn document(value: Value, options: &ReadOptions) -> Result<Draft, Problem> {
    let mut fields = object(value)?;
    let text = take_text(&mut fields, &options.text_field)?;
    let found = FIELDS.map(|field| (field, fields.shift_remove(field)));
    let gold = asked(options, "no field 'label', 'labels' or 'entities' with the gold", |gold| {
        let places = Places::new(&text, gold.offsets);
        let list = found.iter().find_map(|(field, list)| Some((field, list.as_ref()?)));
        list.map(|(field, list)| places.of_list(field, list, &Keys::LONG)).transpose()
    })?;
    let id = take_id(&mut fields, &options.id_field);
    Ok(Draft { id, text, gold, fields, ..Draft::default() })
}

fn value(
    document: &Document,
    entities: &[Entity],
    options: &WriteOptions,
) -> Result<Value, String> {
    let places = Places::new(&document.text, options.offsets);
    let label = |e: &Entity| {
        json!([places.offset(e.span.start), places.offset(e.span.end), e.label.as_str()])
    };
    let mut fields = Map::new();
    fields.insert(json::ID.to_owned(), id(document));
    fields.insert("text".to_owned(), document.text.as_str().into());
    fields.insert("label".to_owned(), entities.iter().map(label).collect());
    pass_through(document, &mut fields);
    Ok(Value::Object(fields))
}
