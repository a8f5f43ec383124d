//! Parquet in: rows as documents, some at a time.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use serde_json::Value;

use super::super::gold::asked;
use super::super::tokens::{gold_of_tags, of_words};
use super::super::{Input, ReadOptions, tag_names};
use super::{METADATA, TAGS, TOKENS};
use crate::error::{Error, ErrorKind, Location};
use crate::text::Document;

/// So many rows are held at once.
const BATCH_ROWS: usize = 256;

/// Reads one document a row. A bad row is one error, and the next one still comes; where the file itself is
/// damaged, the rest is one error.
pub(super) struct Reader {
    name: String,
    options: ReadOptions,
    state: State,
    /// Rows given so far.
    rows: usize,
}

enum State {
    Unread(Option<Input>),
    Open {
        batches: ParquetRecordBatchReader,
        names: Option<Arc<[String]>>,
        batch: Option<(RecordBatch, usize)>,
    },
    Done,
}

/// A batch, which of its rows, and the names of its tags.
type Row = (RecordBatch, usize, Option<Arc<[String]>>);

impl Reader {
    pub(super) fn new(input: Input, options: &ReadOptions) -> Self {
        let (name, options) = (input.name().to_owned(), options.clone());
        Self { name, options, state: State::Unread(Some(input)), rows: 0 }
    }

    /// Opens the file, and looks which columns it has.
    fn open(&self, input: Input) -> Result<State, Error> {
        let file: File = input.into_file()?;
        let builder = self.guarded(|| ParquetRecordBatchReaderBuilder::try_new(file))?;
        let schema = builder.schema();
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let wanted = [TOKENS, TAGS[0], TAGS[1], &self.options.text_field, &self.options.id_field];
        let columns: Vec<usize> =
            (0..known.len()).filter(|&column| wanted.contains(&known[column])).collect();
        if ![TOKENS, &self.options.text_field].iter().any(|column| known.contains(column)) {
            let field = &self.options.text_field;
            let message =
                format!("no column 'tokens' with the tokens, and none '{field}' with the text");
            let help = format!("its columns: {}", known.join(", "));
            return Err(self.error(message).with_help(help));
        }
        let in_file = schema.metadata().get(METADATA).and_then(|text| names_in(text));
        let names = self.options.tag_names.clone().or(in_file);
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
        let batches =
            self.guarded(|| builder.with_projection(mask).with_batch_size(BATCH_ROWS).build())?;
        Ok(State::Open { batches, names, batch: None })
    }

    /// What the library makes of the file; damage that makes it panic is an error too.
    fn guarded<T, E: std::fmt::Display>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Error> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(made) => made.map_err(|error| self.error(format!("not Parquet: {error}"))),
            Err(_) => Err(self.error("not Parquet: the file is damaged".to_owned())),
        }
    }

    fn error(&self, message: String) -> Error {
        Error::new(ErrorKind::Document, message).at(Location::file(&*self.name))
    }

    /// The next row; `None` at the end.
    fn row(&mut self) -> Result<Option<Row>, Error> {
        if let State::Unread(input) = &mut self.state {
            let Some(input) = input.take() else { return Ok(None) };
            self.state = State::Done;
            self.state = self.open(input)?;
        }
        loop {
            let State::Open { batches, names, batch } = &mut self.state else { return Ok(None) };
            if let Some((rows, next)) = batch
                && *next < rows.num_rows()
            {
                *next += 1;
                return Ok(Some((rows.clone(), *next - 1, names.clone())));
            }
            let read = catch_unwind(AssertUnwindSafe(|| batches.next().transpose()));
            let problem = match read {
                Ok(Ok(Some(rows))) => {
                    *batch = Some((rows, 0));
                    continue;
                }
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("the file is damaged".to_owned()),
            };
            self.state = State::Done;
            return problem.map_or(Ok(None), |problem| {
                Err(self.error(format!("not Parquet after row {}: {problem}", self.rows)))
            });
        }
    }

    fn document(
        &self,
        batch: &RecordBatch,
        row: usize,
        names: Option<&[String]>,
    ) -> Result<Document, String> {
        let column = |name: &str| batch.column_by_name(name).filter(|column| !column.is_null(row));
        let string = |name: &str| column(name).and_then(|column| cell(column, row));
        let text = string(&self.options.text_field);
        let id = string(&self.options.id_field)
            .unwrap_or_else(|| format!("{}:{}", self.name, self.rows));
        let Some(tokens) = column(TOKENS) else {
            let text = text.ok_or("no text and no tokens")?;
            let gold = asked(&self.options, "no column 'tokens' with the gold", |_| Ok(None))?;
            return Ok(Document { gold, ..Document::new(id, text) });
        };
        let words = list(TOKENS, tokens, row)?;
        let (text, tokens) = of_words(&words, text.as_deref());
        let gold = asked(&self.options, "no column 'ner_tags' with the gold", |_| {
            let tags = TAGS.iter().find_map(|name| Some((*name, column(name)?)));
            let Some((name, tags)) = tags else { return Ok(None) };
            let named = |(number, tag): (usize, String)| match tag.parse() {
                Ok(tag) => tag_names::name(names, tag)
                    .map_err(|message| format!("token {}: {message}", number + 1)),
                Err(_) => Ok(tag),
            };
            let tags = list(name, tags, row)?.into_iter().enumerate().map(named);
            gold_of_tags(&tags.collect::<Result<Vec<_>, _>>()?, &tokens).map(Some)
        })?;
        Ok(Document { id, text, tokens: Some(tokens), gold, ..Document::default() })
    }
}

impl Iterator for Reader {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (batch, row, names) = match self.row() {
            Ok(row) => row?,
            Err(error) => {
                self.state = State::Done;
                return Some(Err(error));
            }
        };
        self.rows += 1;
        let document = self.document(&batch, row, names.as_deref());
        Some(document.map_err(|message| self.error(format!("row {}: {message}", self.rows))))
    }
}

/// The names of the tags, as `datasets` describes the column in the file's metadata.
fn names_in(metadata: &str) -> Option<Arc<[String]>> {
    fn names(value: &Value) -> Option<Arc<[String]>> {
        if let Some(list) = value["names"].as_array() {
            return list.iter().map(|name| name.as_str().map(str::to_owned)).collect();
        }
        match value {
            Value::Object(fields) => fields.values().find_map(names),
            Value::Array(list) => list.iter().find_map(names),
            _ => None,
        }
    }
    let described: Value = serde_json::from_str(metadata).ok()?;
    let features = &described["info"]["features"];
    TAGS.iter().find_map(|column| names(&features[column]))
}

/// The values of a list in a row, as texts.
fn list(name: &str, column: &ArrayRef, row: usize) -> Result<Vec<String>, String> {
    let values = match column.data_type() {
        DataType::List(_) => column.as_list::<i32>().value(row),
        DataType::LargeList(_) => column.as_list::<i64>().value(row),
        other => return Err(format!("expected lists in column '{name}', got {other}")),
    };
    let value = |index| {
        cell(&values, index).ok_or_else(|| {
            let (place, kind) = (index + 1, values.data_type());
            format!(
                "expected a string or a number at place {place} of '{name}', got nothing or {kind}"
            )
        })
    };
    (0..values.len()).map(value).collect()
}

/// A string or a whole number, as a text; `None` for nothing and for other types.
fn cell(values: &ArrayRef, index: usize) -> Option<String> {
    if values.is_null(index) {
        return None;
    }
    Some(match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value(index).to_owned(),
        DataType::LargeUtf8 => values.as_string::<i64>().value(index).to_owned(),
        DataType::Utf8View => values.as_string_view().value(index).to_owned(),
        DataType::Int8 => values.as_primitive::<Int8Type>().value(index).to_string(),
        DataType::Int16 => values.as_primitive::<Int16Type>().value(index).to_string(),
        DataType::Int32 => values.as_primitive::<Int32Type>().value(index).to_string(),
        DataType::Int64 => values.as_primitive::<Int64Type>().value(index).to_string(),
        DataType::UInt8 => values.as_primitive::<UInt8Type>().value(index).to_string(),
        DataType::UInt16 => values.as_primitive::<UInt16Type>().value(index).to_string(),
        DataType::UInt32 => values.as_primitive::<UInt32Type>().value(index).to_string(),
        DataType::UInt64 => values.as_primitive::<UInt64Type>().value(index).to_string(),
        DataType::Dictionary(..) => {
            let dictionary = values.as_any_dictionary_opt()?;
            let key = *dictionary.normalized_keys().get(index)?;
            return cell(dictionary.values(), key);
        }
        _ => return None,
    })
}
