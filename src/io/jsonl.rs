//! JSON Lines: one JSON object a line. Fields that are not ours pass through from input to output.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::gold::{Keys, Places, asked};
use super::json::{Draft, ID, Problem, Reader, TEXT, object, room_for_ours, take_id, take_text};
use super::{DocumentWriter, Documents, Format, Output, ReadOptions, options};
use crate::error::{Error, Result};
use crate::resource::OptionDoc;
use crate::span::Entity;
use crate::text::{Document, OffsetTable, OffsetUnit};

/// The format `jsonl`.
pub const FORMAT: Format = Format {
    name: "jsonl",
    doc: "One JSON object a line, `{\"id\", \"text\", \"entities\", …}`, or an array of them; other fields pass \
          through.",
    suffixes: &["jsonl", "ndjson", "json"],
    extension: "jsonl",
    marking: super::Marking::Offsets,
    companion: None,
    recognises: |value| value[ENTITIES][0]["start"].is_u64(),
    options: &[
        OptionDoc {
            name: "text-field",
            value: "string, text",
            doc: "Read: the field that holds the text; written as `text`.",
        },
        options::ID_FIELD,
        options::MAX_LINE_BYTES,
        options::OFFSETS,
    ],
    read: |input, options| Box::new(Reader::new(input, options, document)) as Documents,
    write: Some(|output, options| {
        Box::new(Writer { output, unit: options.offsets, line: Vec::new() })
    }),
};

const ENTITIES: &str = "entities";

/// A document of an object; blank lines are passed over.
///
/// The text and the id are taken out of the fields; an id that is no string stays in
/// [`Document::fields`] as `id`, so that it is written as it came. `entities` of the input are replaced by
/// ours (where gold is asked for, they are that); `text` and `id` become `text.2` and `id.2` where other fields were
/// asked for. Numbers keep their value, not their spelling, and integers beyond 64 bits are rounded to a
/// double.
fn document(value: Value, options: &ReadOptions) -> std::result::Result<Draft, Problem> {
    let mut fields = object(value)?;
    let text = take_text(&mut fields, &options.text_field)?;
    let gold = asked(options, "no field 'entities' with the gold", |gold| {
        let places = Places::new(&text, gold.offsets);
        let list = fields.get(ENTITIES).map(|l| places.of_list(ENTITIES, l, &Keys::USUAL));
        list.transpose()
    })?;
    if options.id_field != ENTITIES {
        fields.shift_remove(ENTITIES);
    }
    let makes_room = |name: &str| name != options.id_field && fields.contains_key(name);
    if [TEXT, ID].into_iter().any(makes_room) {
        let taken: Vec<String> = fields.keys().cloned().collect();
        let is_taken = |name: &str| taken.iter().any(|taken| taken == name);
        let named = fields.into_iter();
        fields = named
            .map(|(name, value)| (room_for_ours(&name, &options.id_field, is_taken), value))
            .collect();
    }
    let id = take_id(&mut fields, &options.id_field);
    Ok(Draft { id, text, gold, fields, ..Draft::default() })
}

/// Writes one object a line: `id`, `text`, `entities`, then the fields that pass through, in their
/// order. Scores are rounded to four decimals.
struct Writer {
    output: Output,
    unit: OffsetUnit,
    line: Vec<u8>,
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<()> {
        self.line.clear();
        let table = OffsetTable::new(&document.text, self.unit);
        serde_json::to_writer(&mut self.line, &Line { document, entities, table: &table })
            .map_err(|error| Error::io("write", self.output.name(), error.into()))?;
        self.line.push(b'\n');
        self.output.put(&self.line)
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.output.finish()
    }
}

struct Line<'a> {
    document: &'a Document,
    entities: &'a [Entity],
    table: &'a OffsetTable<'a>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Document { id, text, fields, .. } = self.document;
        let mut map = serializer.serialize_map(None)?;
        match fields.get(ID) {
            Some(id) => map.serialize_entry(ID, id)?,
            None => map.serialize_entry(ID, id)?,
        }
        map.serialize_entry(TEXT, text)?;
        let Self { document, entities, table } = *self;
        map.serialize_entry(ENTITIES, &Entities { document, entities, table })?;
        for (name, value) in
            fields.iter().filter(|(n, _)| ![ID, TEXT, ENTITIES].contains(&n.as_str()))
        {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The entities of a document as a list of objects.
pub(super) struct Entities<'a> {
    pub(super) document: &'a Document,
    pub(super) entities: &'a [Entity],
    pub(super) table: &'a OffsetTable<'a>,
}

impl Serialize for Entities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Self { document, entities, table } = self;
        serializer.collect_seq(entities.iter().map(|entity| EntityFields {
            start: table.from_byte(entity.span.start),
            end: table.from_byte(entity.span.end),
            label: entity.label.as_str(),
            text: entity.text(&document.text),
            score: rounded(entity.score),
            sources: Names(entity.sources()),
        }))
    }
}

#[derive(serde::Serialize)]
struct EntityFields<'a> {
    start: usize,
    end: usize,
    label: &'a str,
    text: &'a str,
    score: f64,
    sources: Names,
}

struct Names(Vec<Arc<str>>);

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|name| &**name))
    }
}

/// A score to four decimals.
pub(super) fn rounded(score: f32) -> f64 {
    (f64::from(score) * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::{Endless, entity, read, write};
    use crate::io::{Input, WriteOptions};
    use proptest::prelude::*;

    fn parse(text: &str) -> Vec<Result<Document>> {
        read(&FORMAT, text.as_bytes(), &ReadOptions::default())
    }

    fn one(line: &str) -> Document {
        parse(line).remove(0).unwrap()
    }

    fn fails(line: &str) -> String {
        let mut all = parse(&format!("{line}\n{{\"text\": \"next\"}}"));
        assert_eq!(all.pop().unwrap().unwrap().text, "next");
        all.pop().unwrap().unwrap_err().to_string()
    }

    fn round_trip(line: &str, options: &ReadOptions) -> String {
        let document = read(&FORMAT, line.as_bytes(), options).remove(0).unwrap();
        write(&FORMAT, &[(document, vec![])], &WriteOptions::default())
    }

    #[test]
    fn fields_pass_through_in_order() {
        let line = r#"{"z": [1, 2.5], "text": "a", "entities": [9], "b": null, "id": "x", "a": {"y": 1, "x": 2}}"#;
        assert_eq!(
            round_trip(line, &ReadOptions::default()),
            "{\"id\":\"x\",\"text\":\"a\",\"entities\":[],\"z\":[1,2.5],\"b\":null,\"a\":{\"y\":1,\"x\":2}}\n"
        );
    }

    #[test]
    fn numbers_pass_through_to_the_last_digit() {
        for number in ["0.9073038322028689", "0.48183792520110524", "18446744073709551615", "-7"] {
            let line = format!("{{\"id\":\"a\",\"text\":\"\",\"entities\":[],\"n\":{number}}}\n");
            assert_eq!(round_trip(&line, &ReadOptions::default()), line);
        }
    }

    #[test]
    fn an_id_is_kept_as_it_came() {
        let document = one(r#"{"id": 18446744073709551615, "text": ""}"#);
        assert_eq!(document.id, "18446744073709551615");
        let ids = [("7", "7"), ("\"7\"", "\"7\""), ("null", "\"in:1\""), ("[1]", "[1]")];
        for (given, written) in ids {
            let line =
                round_trip(&format!("{{\"id\":{given},\"text\":\"\"}}"), &ReadOptions::default());
            assert_eq!(line, format!("{{\"id\":{written},\"text\":\"\",\"entities\":[]}}\n"));
        }
        assert_eq!(one("{\"text\": \"\"}").id, "in:1");
    }

    #[test]
    fn other_fields_may_hold_text_and_id() {
        let options = ReadOptions {
            text_field: "body".to_owned(),
            id_field: "key".to_owned(),
            ..ReadOptions::default()
        };
        let line = r#"{"id": 1, "key": 5, "body": "x", "text": "old", "more": true}"#;
        let expected = "{\"id\":5,\"text\":\"x\",\"entities\":[],\"id.2\":1,\"key\":5,\"text.2\":\"old\",\"more\":true}\n";
        assert_eq!(round_trip(line, &options), expected);
        let line = r#"{"key": "k", "body": "x"}"#;
        let expected = "{\"id\":\"k\",\"text\":\"x\",\"entities\":[],\"key\":\"k\"}\n";
        assert_eq!(round_trip(line, &options), expected);
    }

    #[test]
    fn bad_lines_are_named_and_passed_over() {
        let cases = [
            ("{\"text\": \"é\" 1}", "in:1:14: invalid JSON: expected `,` or `}`"),
            ("{\"text\": \"\\ud800\"}", "in:1:"),
            ("[1]", "in:1: expected a JSON object, got an array"),
            ("{\"txt\": \"\"}", "in:1: no field 'text' with the text"),
            ("{\"text\": 5}", "in:1: expected a string in field 'text', got a number"),
            ("{\"text\": \"a", "in:1:11: invalid JSON: EOF while parsing a string"),
            ("nonsense", "in:1:2: invalid JSON: expected ident"),
        ];
        for (line, start) in cases {
            let error = fails(line);
            assert!(error.starts_with(start), "{line}: {error}");
        }
        assert!(fails(&"{\"a\":".repeat(100_000)).contains("recursion limit"));
        let all =
            read(&FORMAT, b"{\"text\": \"\xff\"}\n{\"text\": \"b\"}\n", &ReadOptions::default());
        assert_eq!(
            all[0].as_ref().unwrap_err().to_string(),
            "in:1:11: invalid UTF-8 at byte 10 of the input"
        );
        assert_eq!(all[1].as_ref().unwrap().text, "b");
    }

    #[test]
    fn surrogate_pairs_nul_and_empty_texts_are_read() {
        assert_eq!(one(r#"{"text": "\ud83d\ude00\u0000"}"#).text, "😀\0");
        assert_eq!(one(r#"{"text": ""}"#).text, "");
        assert!(parse("").is_empty());
        assert_eq!(parse("\n \r\n{\"text\": \"a\"}\r\n\n").len(), 1);
    }

    #[test]
    fn entities_are_written_in_the_unit_asked_for() {
        let text = "😀 Łódź, Paris";
        let entities =
            vec![entity(text, "Łódź", "LOC", 0.123_456), entity(text, "Paris", "LOC", 1.0)];
        let documents = [(Document::new("a", text), entities)];
        let starts =
            [(OffsetUnit::Char, [2, 8]), (OffsetUnit::Byte, [5, 14]), (OffsetUnit::Utf16, [3, 9])];
        for (offsets, starts) in starts {
            let line = write(&FORMAT, &documents, &WriteOptions { offsets, ..Default::default() });
            let value: Value = serde_json::from_str(&line).unwrap();
            for (i, start) in starts.into_iter().enumerate() {
                assert_eq!(value["entities"][i]["start"], start, "{offsets}");
            }
            assert_eq!(value["entities"][0]["sources"], serde_json::json!(["places", "tagger"]));
        }
        let line = write(&FORMAT, &documents, &WriteOptions::default());
        let expected = r#"{"start":2,"end":6,"label":"LOC","text":"Łódź","score":0.1235,"sources":["places","tagger"]}"#;
        assert!(line.contains(expected), "{line}");
        assert!(line.contains(r#""score":1.0,"#), "{line}");
    }

    #[test]
    fn a_line_of_fifty_megabytes_is_read() {
        let line = format!("{{\"text\": \"{}\"}}", "Paris ".repeat(50_000_000 / 6));
        assert_eq!(one(&line).text.len(), 50_000_000 / 6 * 6);
    }

    #[test]
    fn an_endless_input_is_read_line_by_line() {
        let options = ReadOptions { max_line_bytes: 1000, ..ReadOptions::default() };
        let endless = Endless::of("{\"text\": \"Paris\"}\n");
        let input = Input::new("endless", std::io::BufReader::new(endless));
        let documents = (FORMAT.read)(input, &options).take(1000);
        assert!(documents.map(Result::unwrap).all(|d| d.text == "Paris"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            texts in proptest::collection::vec("\\PC{0,9}|[\u{0}-\u{20}\"\\\\\u{2028}😀]{0,9}", 0..5),
        ) {
            let documents: Vec<_> =
                texts.iter().map(|t| (Document::new(format!("i{t}"), t.as_str()), vec![])).collect();
            let lines = write(&FORMAT, &documents, &WriteOptions::default());
            let back: Vec<Document> = parse(&lines).into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(back, documents.into_iter().map(|(d, _)| d).collect::<Vec<_>>());
        }

        #[test]
        fn no_line_makes_it_panic(line in "\\PC{0,30}|[{}\\[\\]\":,tex\\\\ud80 ]{0,30}") {
            parse(&line).into_iter().for_each(drop);
        }
    }
}
