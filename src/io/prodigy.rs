//! Prodigy: annotation tasks, one object a line, as `ner.manual` takes and `db-out` gives them.

use serde_json::{Map, Value, json};

use super::gold::{Keys, Places, asked};
use super::json::{
    self, Draft, Problem, Reader, Writer, id, object, pass_through, take_id, take_text,
};
use super::spacy::read_tokens;
use super::tokens::{covered, words};
use super::{Documents, Format, Marking, ReadOptions, WriteOptions, options};
use crate::span::Entity;
use crate::text::Document;
use crate::text::Span;

/// The format `prodigy`.
pub const FORMAT: Format = Format {
    name: "prodigy",
    doc: "Prodigy: one task a line, `{\"text\", \"tokens\", \"spans\": [{\"start\", \"end\", \"token_start\", \"token_end\", \
          \"label\"}], \"answer\"}`; the spans of a task whose answer is not `accept` are no gold.",
    suffixes: &[],
    extension: "jsonl",
    marking: Marking::Offsets,
    companion: None,
    recognises: |value| {
        let is_task = ["_task_hash", "_input_hash"].iter().any(|key| !value[key].is_null());
        value["text"].is_string() && (value[SPANS].is_array() || is_task)
    },
    options: &[
        options::TEXT_FIELD,
        options::ID_FIELD,
        options::OFFSETS,
        options::MAX_ELEMENT_BYTES,
    ],
    read: |input, options| Box::new(Reader::new(input, options, document)) as Documents,
    write: Some(|output, options| Box::new(Writer::new(output, options, value))),
};

const SPANS: &str = "spans";
const TOKENS: &str = "tokens";
const ANSWER: &str = "answer";
const ACCEPT: &str = "accept";

fn document(value: Value, options: &ReadOptions) -> Result<Draft, Problem> {
    let mut fields = object(value)?;
    let text = take_text(&mut fields, &options.text_field)?;
    let [spans, tokens] = [SPANS, TOKENS].map(|field| fields.shift_remove(field));
    let tokens = tokens.map(|list| read_tokens(&list, &text, options)).transpose()?;
    let answer = fields.get(ANSWER).and_then(Value::as_str).unwrap_or(ACCEPT).to_owned();
    let missing = match answer.as_str() {
        ACCEPT => "no field 'spans' with the gold".to_owned(),
        other => format!("the answer is '{other}', so its spans are no gold"),
    };
    let gold = asked(options, &missing, |gold| {
        let places = Places::new(&text, gold.offsets);
        let list = spans.filter(|_| answer == ACCEPT);
        list.map(|list| places.of_list(SPANS, &list, &Keys::USUAL)).transpose()
    })?;
    let id = take_id(&mut fields, &options.id_field);
    Ok(Draft { id, text, tokens: tokens.flatten(), gold, fields })
}

/// A task, which is accepted unless it is still to be done; a span that ends inside a token has no `token_start` and `token_end`.
fn value(
    document: &Document,
    entities: &[Entity],
    options: &WriteOptions,
) -> Result<Value, String> {
    let places = Places::new(&document.text, options.offsets);
    let words = words(document);
    let token = |(number, word): (usize, &Span)| {
        let space = document.text.get(word.end..).is_some_and(|rest| rest.starts_with(' '));
        json!({
            "text": word.slice(&document.text),
            "start": places.offset(word.start),
            "end": places.offset(word.end),
            "id": number,
            "ws": space,
        })
    };
    let span = |entity: &Entity| {
        let range = covered(&words, entity.span);
        let (start, end) = (places.offset(entity.span.start), places.offset(entity.span.end));
        let label = entity.label.as_str();
        let fits = !range.is_empty()
            && words[range.start].start == entity.span.start
            && words[range.end - 1].end == entity.span.end;
        if !fits {
            return json!({ "start": start, "end": end, "label": label });
        }
        json!({
            "start": start,
            "end": end,
            "token_start": range.start,
            "token_end": range.end - 1,
            "label": label,
        })
    };
    let mut fields = Map::new();
    fields.insert(json::ID.to_owned(), id(document));
    fields.insert("text".to_owned(), document.text.as_str().into());
    fields.insert(TOKENS.to_owned(), words.iter().enumerate().map(token).collect());
    fields.insert(SPANS.to_owned(), entities.iter().map(span).collect());
    if !options.is_task {
        fields.insert(ANSWER.to_owned(), ACCEPT.into());
    }
    pass_through(document, &mut fields);
    Ok(Value::Object(fields))
}
