//! Tables of Arrow through its formats: every type of column comes back as it was.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, Int32Builder, ListBuilder, MapBuilder, StringBuilder, StringDictionaryBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, LargeStringArray, RecordBatch, StringViewArray,
    StructArray, TimestampNanosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde_json::json;

use super::ENTITIES;
use crate::io::testing::{entity, read, write, write_bytes};
use crate::io::{FORMATS, Format, ReadOptions, WriteOptions, arrow, jsonl, parquet};
use crate::span::Entity;
use crate::text::Document;

/// A column of each kind, of two rows.
fn table() -> RecordBatch {
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), None]);
    lists.append_null();
    let mut bytes = BinaryBuilder::new();
    bytes.append_value(b"\x00\xff");
    bytes.append_null();
    let mut words = StringDictionaryBuilder::<Int32Type>::new();
    words.append_value("red");
    words.append_value("red");
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    maps.keys().append_value("k");
    maps.values().append_value(3);
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    let point = StructArray::from(vec![
        (
            Arc::new(Field::new("in", DataType::Boolean, true)),
            Arc::new(BooleanArray::from(vec![Some(true), None])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("name", DataType::Utf8View, true)),
            Arc::new(StringViewArray::from(vec![Some("é"), None])) as ArrayRef,
        ),
    ]);
    let price =
        Decimal128Array::from(vec![Some(1250), None]).with_precision_and_scale(9, 2).unwrap();
    let time = TimestampNanosecondArray::from(vec![Some(1_500_000_000), None]).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(lists.finish())),
        ("id", Arc::new(LargeStringArray::from(vec![Some("a"), None]))),
        ("bytes", Arc::new(bytes.finish())),
        ("text", Arc::new(LargeStringArray::from(vec!["In Paris", "Rome"]))),
        ("colour", Arc::new(words.finish())),
        ("map", Arc::new(maps.finish())),
        ("point", Arc::new(point)),
        ("price", Arc::new(price)),
        ("time", Arc::new(time)),
    ];
    let plain = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let schema = Schema::clone(&plain.schema())
        .with_metadata(HashMap::from([("made by".to_owned(), "a test".to_owned())]));
    plain.with_schema(Arc::new(schema)).unwrap()
}

fn arrow_bytes(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn documents(format: &Format, bytes: &[u8]) -> Vec<Document> {
    read(format, bytes, &ReadOptions::default()).into_iter().map(Result::unwrap).collect()
}

fn tagged(documents: Vec<Document>) -> Vec<(Document, Vec<Entity>)> {
    let tag = |document: Document| {
        let place = ["Paris", "Rome"].into_iter().find(|place| document.text.contains(place));
        let entities = place.map(|place| entity(&document.text, place, "LOC", 0.5)).into_iter();
        (document.clone(), entities.collect())
    };
    documents.into_iter().map(tag).collect()
}

/// The schema and the rows of a file of a format, as the format's library reads them.
fn rows(format: &Format, bytes: Vec<u8>) -> (SchemaRef, Vec<RecordBatch>) {
    if format.name == "arrow" {
        let reader = arrow_ipc::reader::StreamReader::try_new(&bytes[..], None).unwrap();
        return (reader.schema(), reader.map(Result::unwrap).collect());
    }
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = builder.schema().clone();
    (schema, builder.build().unwrap().map(Result::unwrap).collect())
}

#[test]
fn columns_of_every_type_pass_through_unchanged() {
    let table = table();
    let mut bytes = arrow_bytes(&table);
    let mut from = &arrow::FORMAT;
    // Twice: what was written is read again, and its entities make room for the new ones.
    for format in [&parquet::FORMAT, &arrow::FORMAT, &parquet::FORMAT] {
        bytes = write_bytes(format, &tagged(documents(from, &bytes)), &WriteOptions::default());
        let (schema, all) = rows(format, bytes.clone());
        assert_eq!(all.len(), 1);
        let width = table.num_columns();
        let passed = all[0].project(&(0..width).collect::<Vec<_>>()).unwrap();
        assert_eq!(schema.metadata()["made by"], "a test");
        assert_eq!(passed.columns(), table.columns(), "{}", format.name);
        assert_eq!(schema.fields()[..width], table.schema().fields()[..]);
        assert_eq!(schema.fields()[width].name(), ENTITIES);
        assert_eq!(schema.fields().len(), width + 1);
        from = format;
    }
}

#[test]
fn columns_with_a_form_in_json_become_fields() {
    let documents = documents(&arrow::FORMAT, &arrow_bytes(&table()));
    assert_eq!(documents[0].id, "a");
    assert_eq!(documents[1].id, "in:2");
    let lines = write(&jsonl::FORMAT, &tagged(documents), &WriteOptions::default());
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let expected = json!({
        "id": "a", "text": "In Paris",
        "entities": [{ "start": 3, "end": 8, "label": "LOC", "text": "Paris", "score": 0.5,
            "sources": ["places", "tagger"] }],
        "n": [1, null], "colour": "red", "map": { "k": 3 }, "point": { "in": true, "name": "é" },
        "price": 12.5, "time": "1970-01-01T00:00:01.500Z",
    });
    assert_eq!(first, expected);
}

#[test]
fn rows_of_many_batches_come_in_order() {
    let texts: Vec<String> = (0..2500).map(|number| format!("row {number}")).collect();
    let text = Arc::new(LargeStringArray::from(texts.clone())) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("text", text)]).unwrap();
    let mut bytes = arrow_bytes(&batch);
    for format in [&parquet::FORMAT, &arrow::FORMAT] {
        let from = FORMATS
            .iter()
            .find(|f| f.name == if bytes.starts_with(b"PAR1") { "parquet" } else { "arrow" });
        bytes = write_bytes(
            format,
            &tagged(documents(from.unwrap(), &bytes)),
            &WriteOptions::default(),
        );
        let back: Vec<String> = documents(format, &bytes).into_iter().map(|d| d.text).collect();
        assert_eq!(back, texts, "{}", format.name);
    }
}

#[test]
fn a_file_that_breaks_off_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.feather");
    let mut writer = arrow::FORMAT.write.unwrap()(
        crate::io::Output::create(&path).unwrap(),
        &WriteOptions::default(),
    );
    for document in documents(&arrow::FORMAT, &arrow_bytes(&table())) {
        writer.write(&document, &[]).unwrap();
    }
    writer.finish().unwrap();
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.starts_with(b"ARROW1"));
    assert_eq!(documents(&arrow::FORMAT, &bytes).len(), 2, "a category is a string in a file");
    for end in [bytes.len() - 1, bytes.len() - 200] {
        let all = read(&arrow::FORMAT, &bytes[..end], &ReadOptions::default());
        assert_eq!(all.len(), 3, "the rows before stand");
        let error = all[2].as_ref().unwrap_err().to_string();
        assert!(error.starts_with("in: not Arrow IPC after row 2: "), "{error}");
    }
}

#[test]
fn a_text_that_is_null_is_one_error() {
    let text = Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("b")])) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([("text", text, true)]).unwrap();
    let all = read(&arrow::FORMAT, &arrow_bytes(&batch), &ReadOptions::default());
    assert_eq!(all.len(), 3);
    let error = all[1].as_ref().unwrap_err().to_string();
    assert_eq!(error, "in: row 2: no text in column 'text', but null");
}
