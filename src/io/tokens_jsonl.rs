//! Tokens and tags, one object a line: what MultiNERD and WikiNEuRal are published as, and what the Python
//! package `datasets` writes as JSON.

use serde_json::{Map, Value};

use super::gold::{asked, kind};
use super::json::{
    self, Draft, Problem, Reader, Writer, id, missing, object, pass_through, take_id,
};
use super::tag_names;
use super::tokens::{gold_of_tags, of_words, strings, text_beyond, texts, words};
use super::{Documents, Format, Marking, ReadOptions, WriteOptions, options};
use crate::resource::OptionDoc;
use crate::span::Entity;
use crate::text::Document;

/// The format `tokens-jsonl`.
pub const FORMAT: Format = Format {
    name: "tokens-jsonl",
    doc: "Tokens and tags, one JSON object a line, `{\"tokens\": [\"New\", \"York\"], \"ner_tags\": [\"B-LOC\", \"I-LOC\"]}`, the \
          tags by name or number; read also with `tags`. A `text` is kept where tokens joined by spaces are not it.",
    suffixes: &[],
    extension: "jsonl",
    marking: Marking::TokenTags,
    companion: None,
    recognises: |value| {
        let is_word = |list: &Vec<Value>| list.first().is_none_or(Value::is_string);
        value[TOKENS].as_array().is_some_and(is_word) && FIELDS.iter().any(|f| value[f].is_array())
    },
    options: &[
        OptionDoc {
            name: "tag-names",
            value: "multinerd | wikineural | names | file",
            doc: "The names of tags that are numbers, from 0; written as numbers where it is given.",
        },
        options::SCHEME,
        options::ID_FIELD,
        options::MAX_ELEMENT_BYTES,
    ],
    read: |input, options| Box::new(Reader::new(input, options, document)) as Documents,
    write: Some(|output, options| Box::new(Writer::new(output, options, value))),
};

const TOKENS: &str = "tokens";
/// The fields that may hold the tags.
const FIELDS: [&str; 2] = ["ner_tags", "tags"];

fn document(value: Value, options: &ReadOptions) -> Result<Draft, Problem> {
    let mut fields = object(value)?;
    let Some(list) = fields.shift_remove(TOKENS) else {
        return Err(missing(&fields, "no field 'tokens' with the tokens".to_owned()));
    };
    let given = fields.shift_remove("text");
    let given = given.as_ref().and_then(Value::as_str);
    let (text, tokens) = of_words(&strings(TOKENS, &list)?, given);
    let tags = FIELDS.into_iter().find_map(|field| Some((field, fields.shift_remove(field)?)));
    let names = options.tag_names.as_deref();
    let gold = asked(options, "no field 'ner_tags' with the gold", |_| {
        let Some((field, list)) = tags else { return Ok(None) };
        gold_of_tags(&read_tags(field, &list, names)?, &tokens).map(Some)
    })?;
    let id = take_id(&mut fields, &options.id_field);
    Ok(Draft { id, text, tokens: Some(tokens), gold, fields })
}

/// The tags of a list of names or of numbers.
fn read_tags(field: &str, list: &Value, names: Option<&[String]>) -> Result<Vec<String>, String> {
    let Value::Array(tags) = list else {
        return Err(format!("expected a list in field '{field}', got {}", kind(list)));
    };
    let one = |(number, tag): (usize, &Value)| match tag {
        Value::String(name) => Ok(name.clone()),
        Value::Number(id) => tag_names::name(names, id.as_i64().unwrap_or(-1))
            .map_err(|message| format!("token {}: {message}", number + 1)),
        other => Err(format!("token {}: expected a tag, got {}", number + 1, kind(other))),
    };
    tags.iter().enumerate().map(one).collect()
}

/// An entity reaches out to the edges of the tokens that it touches; of two that share one, the first in
/// order is written.
fn value(
    document: &Document,
    entities: &[Entity],
    options: &WriteOptions,
) -> Result<Value, String> {
    let words = words(document);
    let tags = super::tokens::tags(options.scheme, &words, entities);
    let tags = match options.tag_names.as_deref() {
        None => Value::from(tags),
        Some(names) => tag_names::numbers(names, &tags)?.into(),
    };
    let texts = texts(document, &words);
    let mut fields = Map::new();
    fields.insert(json::ID.to_owned(), id(document));
    if let Some(text) = text_beyond(document, &texts) {
        fields.insert("text".to_owned(), text.into());
    }
    fields.insert(TOKENS.to_owned(), texts.into());
    fields.insert(FIELDS[0].to_owned(), tags);
    pass_through(document, &mut fields);
    Ok(Value::Object(fields))
}
