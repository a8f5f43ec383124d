//! spaCy: documents as `Doc.to_json` gives them, and the forms in which training data is written down.

use serde_json::{Map, Value, json};

use super::gold::{Keys, Places, asked};
use super::json::{
    self, Draft, Problem, Reader, Writer, id, object, pass_through, take_id, take_text,
};
use super::{Documents, Format, Marking, ReadOptions, WriteOptions, options};
use crate::span::Entity;
use crate::text::Document;
use crate::text::{Span, Token};

/// The format `spacy`.
pub const FORMAT: Format = Format {
    name: "spacy",
    doc: "spaCy: JSON or JSON Lines, `{\"text\", \"ents\": [{\"start\", \"end\", \"label\"}]}`; read also with `spans` of \
          any key, and as training data, `[\"text\", {\"entities\": [[start, end, \"PER\"]]}]`. Entities that overlap \
          are written into `spans` under the key `sc`.",
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

const ENTS: &str = "ents";
const SPANS: &str = "spans";
const ENTITIES: &str = "entities";
const TOKENS: &str = "tokens";
/// The key under which spaCy's span categoriser keeps spans.
const SPANS_KEY: &str = "sc";

fn recognises(value: &Value) -> bool {
    let is_training = |value: &Value| {
        value[ENTITIES].as_array().is_some_and(|list| {
            list.first().is_some_and(|one| one.as_array().is_some_and(|one| one.len() == 3))
        })
    };
    match value {
        Value::Array(pair) => {
            pair.len() == 2 && pair[0].is_string() && pair[1][ENTITIES].is_array()
        }
        _ => value[ENTS].is_array() || value[SPANS].is_object() || is_training(value),
    }
}

/// A document of an object, or of a pair of a text and an object.
fn document(value: Value, options: &ReadOptions) -> Result<Draft, Problem> {
    let (text, mut fields) = match value {
        Value::Array(mut pair) => match (pair.pop(), pair.pop()) {
            (Some(Value::Object(fields)), Some(Value::String(text))) if pair.is_empty() => {
                (text, fields)
            }
            _ => return Err("expected a list of a text and an object".to_owned().into()),
        },
        value => {
            let mut fields = object(value)?;
            (take_text(&mut fields, &options.text_field)?, fields)
        }
    };
    let [ents, entities, spans, tokens] =
        [ENTS, ENTITIES, SPANS, TOKENS].map(|field| fields.shift_remove(field));
    let tokens = tokens.map(|list| read_tokens(&list, &text, options)).transpose()?;
    let missing = "no field 'ents', 'spans' or 'entities' with the gold";
    let gold = asked(options, missing, |gold| {
        let places = Places::new(&text, gold.offsets);
        let list = |field, list: &Value| places.of_list(field, list, &Keys::USUAL);
        let is_filled = |list: &&Value| list.as_array().is_none_or(|list| !list.is_empty());
        if let Some(ents) = ents.as_ref().filter(is_filled) {
            return list(ENTS, ents).map(Some);
        }
        if let Some(entities) = &entities {
            return list(ENTITIES, entities).map(Some);
        }
        match &spans {
            Some(Value::Object(groups)) => {
                let groups = groups.iter().map(|(key, spans)| list(key, spans));
                Ok(Some(groups.collect::<Result<Vec<_>, _>>()?.concat()))
            }
            Some(spans) => list(SPANS, spans).map(Some),
            None => Ok(ents.as_ref().map(|_| Vec::new())),
        }
    })?;
    let id = take_id(&mut fields, &options.id_field);
    Ok(Draft { id, text, tokens: tokens.flatten(), gold, fields })
}

/// The tokens of a list of objects with `start` and `end`, those of nothing but white space left out;
/// `None` for lists of anything else.
///
/// # Errors
/// Where one is no place in the text, or does not follow the one before.
pub(super) fn read_tokens(
    list: &Value,
    text: &str,
    options: &ReadOptions,
) -> Result<Option<Vec<Token>>, String> {
    let Some(list) = list.as_array() else { return Ok(None) };
    let places = Places::new(text, options.gold.map(|gold| gold.offsets).unwrap_or_default());
    let mut tokens: Vec<Token> = Vec::with_capacity(list.len());
    for (number, token) in list.iter().enumerate() {
        let (Some(start), Some(end)) = (token.get("start"), token.get("end")) else {
            return Ok(None);
        };
        let named = |message: String| format!("token {}: {message}", number + 1);
        let span = places.span(("start", start), ("end", end)).map_err(named)?;
        if tokens.last().is_some_and(|last| last.span.end > span.start) {
            return Err(named("it begins before the one before it ends".to_owned()));
        }
        if !span.trim(text).is_empty() {
            tokens.push(Token { span, line: String::new() });
        }
    }
    Ok(Some(tokens))
}

fn value(
    document: &Document,
    entities: &[Entity],
    options: &WriteOptions,
) -> Result<Value, String> {
    let places = Places::new(&document.text, options.offsets);
    let place = |span: Span| (places.offset(span.start), places.offset(span.end));
    let ent = |entity: &Entity| {
        let (start, end) = place(entity.span);
        json!({ "start": start, "end": end, "label": entity.label.as_str() })
    };
    let overlap = entities.windows(2).any(|pair| pair[0].span.overlaps(pair[1].span));
    let list: Value = entities.iter().map(ent).collect();
    let mut fields = Map::new();
    fields.insert(json::ID.to_owned(), id(document));
    fields.insert("text".to_owned(), document.text.as_str().into());
    if overlap {
        fields.insert(SPANS.to_owned(), json!({ SPANS_KEY: list }));
    } else {
        fields.insert(ENTS.to_owned(), list);
    }
    if let Some(tokens) = document.token_spans() {
        let token = |(number, span)| {
            let (start, end) = place(span);
            json!({ "id": number, "start": start, "end": end })
        };
        let tokens: Value = tokens.into_iter().enumerate().map(token).collect();
        fields.insert(TOKENS.to_owned(), tokens);
    }
    pass_through(document, &mut fields);
    Ok(Value::Object(fields))
}
