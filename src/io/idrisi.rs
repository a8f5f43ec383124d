//! IDRISI: tweets with location mentions, one object a line.

use serde_json::{Map, Value, json};

use super::gold::{Keys, Places, asked};
use super::json::{Draft, Problem, Reader, Writer, id, object, pass_through, take_id, take_text};
use super::{Documents, Format, Marking, ReadOptions, WriteOptions, options};
use crate::resource::OptionDoc;
use crate::span::Entity;
use crate::text::Document;

/// The format `idrisi`.
pub const FORMAT: Format = Format {
    name: "idrisi",
    doc: "IDRISI: one JSON object a line, `{\"tweet_id\", \"text\", \"location_mentions\": [{\"text\", \"type\", \
          \"start_offset\", \"end_offset\"}]}`; a mention without a type is a `LOC`.",
    suffixes: &[],
    extension: "jsonl",
    marking: Marking::Offsets,
    companion: None,
    recognises: |value| value[MENTIONS].is_array(),
    options: &[
        options::TEXT_FIELD,
        OptionDoc {
            name: "offsets",
            value: "char | byte | utf16, char",
            doc: "What `start_offset` and `end_offset` count.",
        },
        options::MAX_ELEMENT_BYTES,
    ],
    read: |input, options| Box::new(Reader::new(input, options, document)) as Documents,
    write: Some(|output, options| Box::new(Writer::new(output, options, value))),
};

const TWEET_ID: &str = "tweet_id";
const MENTIONS: &str = "location_mentions";

fn document(value: Value, options: &ReadOptions) -> Result<Draft, Problem> {
    let mut fields = object(value)?;
    let text = take_text(&mut fields, &options.text_field)?;
    let mut mentions = fields.shift_remove(MENTIONS);
    for mention in mentions.iter_mut().filter_map(Value::as_array_mut).flatten() {
        if let Value::Object(mention) = mention
            && matches!(&mention.get("type"), None | Some(Value::Null))
        {
            mention.insert("type".to_owned(), "LOC".into());
        }
    }
    let gold = asked(options, "no field 'location_mentions' with the gold", |gold| {
        let places = Places::new(&text, gold.offsets);
        mentions.map(|list| places.of_list(MENTIONS, &list, &Keys::LOCATION)).transpose()
    })?;
    let mut id = take_id(&mut fields, &options.id_field);
    if let Some(tweet) = fields.shift_remove(TWEET_ID) {
        id = id.or_else(|| Some(tweet.as_str().map_or_else(|| tweet.to_string(), str::to_owned)));
    }
    Ok(Draft { id, text, gold, fields, ..Draft::default() })
}

fn value(
    document: &Document,
    entities: &[Entity],
    options: &WriteOptions,
) -> Result<Value, String> {
    let places = Places::new(&document.text, options.offsets);
    let mention = |entity: &Entity| {
        json!({
            "text": entity.text(&document.text),
            "type": entity.label.as_str(),
            "start_offset": places.offset(entity.span.start),
            "end_offset": places.offset(entity.span.end),
        })
    };
    let mut fields = Map::new();
    fields.insert(TWEET_ID.to_owned(), id(document));
    fields.insert("text".to_owned(), document.text.as_str().into());
    pass_through(document, &mut fields);
    fields.insert(MENTIONS.to_owned(), entities.iter().map(mention).collect());
    Ok(Value::Object(fields))
}
