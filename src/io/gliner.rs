//! GLiNER: tokens with spans of tokens, as its training data has them.

use serde_json::{Map, Value, json};

use super::gold::{asked, each, kind, label};
use super::json::{
    self, Draft, Problem, Reader, Writer, id, missing, object, pass_through, take_id,
};
use super::tokens::{covered, of_words, strings, text_beyond, texts, words};
use super::{Documents, Format, Marking, ReadOptions, WriteOptions, options};
use crate::span::Entity;
use crate::text::{Annotation, Document, Span, Token};

/// The format `gliner`.
pub const FORMAT: Format = Format {
    name: "gliner",
    doc: "GLiNER: an array or lines of `{\"tokenized_text\": [\"New\", \"York\"], \"ner\": [[0, 1, \"LOC\"]]}`, the first and \
          last token of each entity; read also with `tokens`. A `text` is kept where tokens joined by spaces are not it.",
    suffixes: &[],
    extension: "jsonl",
    marking: Marking::TokenSpans,
    companion: None,
    recognises: |value| value[NER].is_array() && FIELDS.iter().any(|field| value[field].is_array()),
    options: &[options::ID_FIELD, options::MAX_ELEMENT_BYTES],
    read: |input, options| Box::new(Reader::new(input, options, document)) as Documents,
    write: Some(|output, options| Box::new(Writer::new(output, options, value))),
};

const NER: &str = "ner";
/// The fields that may hold the tokens.
const FIELDS: [&str; 2] = ["tokenized_text", "tokens"];

fn document(value: Value, options: &ReadOptions) -> Result<Draft, Problem> {
    let mut fields = object(value)?;
    let found = FIELDS.into_iter().find_map(|f| Some((f, fields.shift_remove(f)?)));
    let Some((field, list)) = found else {
        return Err(missing(&fields, "no field 'tokenized_text' with the tokens".to_owned()));
    };
    let given = fields.shift_remove("text");
    let given = given.as_ref().and_then(Value::as_str);
    let (text, tokens) = of_words(&strings(field, &list)?, given);
    let ner = fields.shift_remove(NER);
    let gold = asked(options, "no field 'ner' with the gold", |_| {
        ner.map(|ner| each(NER, &ner, |one| entity(one, &tokens))).transpose()
    })?;
    let id = take_id(&mut fields, &options.id_field);
    Ok(Draft { id, text, tokens: Some(tokens), gold, fields })
}

/// An entity from its first to its last token.
fn entity(value: &Value, tokens: &[Token]) -> Result<Annotation, String> {
    let Some([first, last, name]) = value.as_array().map(Vec::as_slice) else {
        let got = kind(value);
        return Err(format!("expected [first token, last token, label], got {got}"));
    };
    let place = |what: &str, value: &Value| {
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        number.filter(|&number| number < tokens.len()).ok_or_else(|| {
            format!("its {what} token is {value}, expected a number from 0 below {}", tokens.len())
        })
    };
    let (first, last) = (place("first", first)?, place("last", last)?);
    if first > last {
        return Err(format!("its first token, {first}, comes after its last, {last}"));
    }
    let span = Span::new(tokens[first].span.start, tokens[last].span.end);
    Ok(Annotation { span, label: label("label", name)? })
}

/// An entity reaches out to the edges of the tokens that it touches.
fn value(document: &Document, entities: &[Entity], _: &WriteOptions) -> Result<Value, String> {
    let words = words(document);
    let ner = |entity: &Entity| {
        let range = covered(&words, entity.span);
        (!range.is_empty()).then(|| json!([range.start, range.end - 1, entity.label.as_str()]))
    };
    let texts = texts(document, &words);
    let mut fields = Map::new();
    fields.insert(json::ID.to_owned(), id(document));
    if let Some(text) = text_beyond(document, &texts) {
        fields.insert("text".to_owned(), text.into());
    }
    fields.insert(FIELDS[0].to_owned(), texts.into());
    fields.insert(NER.to_owned(), entities.iter().filter_map(ner).collect());
    pass_through(document, &mut fields);
    Ok(Value::Object(fields))
}
