//! What formats of tables share: rows as documents, documents as rows. Which bytes a table is, is the business
//! of `parquet`, `arrow` and `csv`.
//!
//! A document keeps the row that it came from ([`SourceRow`](crate::text::SourceRow)), so that a table that is written has all
//! columns of the table that was read, in their types and order, and `entities` as the last.

pub(super) mod cell;
pub(super) mod layout;
pub(super) mod read;
#[cfg(test)]
mod tests;
pub(super) mod write;

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Fields, SchemaRef};
use serde_json::Value;

use super::gold::{Keys, Places};
use super::{DocumentWriter, Output};
use crate::error::Error;
use crate::text::{Annotation, OffsetUnit};

/// The column of the id.
pub(super) const ID: &str = "id";
/// The column of the text.
pub(super) const TEXT: &str = "text";
/// The column of the entities.
pub(super) const ENTITIES: &str = "entities";
/// The column of what documents that come from no table have besides, as JSON.
pub(super) const FIELDS: &str = "fields";

/// Rows of Arrow that documents came from: the columns that pass through.
pub(super) struct ArrowTable {
    /// The rows, without columns of entities and tags.
    pub(super) batch: RecordBatch,
    /// The column of the text; `None` where the text was made of tokens.
    pub(super) text: Option<usize>,
    /// What a row takes, in bytes, on average.
    pub(super) row_bytes: usize,
}

impl ArrowTable {
    pub(super) fn new(batch: RecordBatch, text: Option<usize>) -> Self {
        let size = |column: &Arc<dyn Array>| {
            let whole = column.get_array_memory_size();
            column.to_data().get_slice_memory_size().unwrap_or(whole)
        };
        let bytes: usize = batch.columns().iter().map(size).sum();
        let row_bytes = bytes / batch.num_rows().max(1);
        Self { batch, text, row_bytes }
    }
}

/// The first row of a file of comma-separated values, or the numbers of its columns where it has none.
#[derive(Debug, PartialEq)]
pub(super) struct CsvHeader {
    /// The names of the columns, as they stand there.
    pub(super) names: Vec<String>,
    /// The same, each once: a name that comes again gets a number.
    pub(super) keys: Vec<String>,
    /// Whether they stand in the file.
    pub(super) is_written: bool,
    /// The column of the text.
    pub(super) text: usize,
    /// The column of the entities that the file came with.
    pub(super) entities: Option<usize>,
}

impl CsvHeader {
    /// The columns that pass through: all but that of the entities.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        (0..self.names.len()).filter(|column| Some(*column) != self.entities)
    }
}

/// A record of comma-separated values that a document came from.
pub(super) struct CsvRow {
    pub(super) header: Arc<CsvHeader>,
    pub(super) record: csv::StringRecord,
}

/// The entities of a cell: a list of objects, or such a list as the text of JSON.
///
/// # Errors
/// Where it is neither, or an entity is wrong.
pub(super) fn entities_of(
    cell: &Value,
    text: &str,
    unit: OffsetUnit,
) -> Result<Option<Vec<Annotation>>, String> {
    let places = Places::new(text, unit);
    let parsed;
    let list = match cell {
        Value::Null => return Ok(None),
        Value::String(json) if json.trim().is_empty() => return Ok(None),
        Value::String(json) => {
            parsed = serde_json::from_str(json)
                .map_err(|error| format!("invalid JSON in column '{ENTITIES}': {error}"))?;
            &parsed
        }
        list => list,
    };
    places.of_list(ENTITIES, list, &Keys::USUAL).map(Some)
}

/// What an entity is in a column.
fn entity_type() -> DataType {
    let string = || DataType::Utf8;
    let sources = DataType::List(Arc::new(Field::new_list_field(string(), true)));
    DataType::Struct(Fields::from(vec![
        Field::new("start", DataType::Int64, false),
        Field::new("end", DataType::Int64, false),
        Field::new("label", string(), false),
        Field::new("text", string(), false),
        Field::new("score", DataType::Float64, false),
        Field::new("sources", sources, false),
    ]))
}

/// The column of the entities.
fn entities_field() -> Field {
    let list = Field::new_list_field(entity_type(), false);
    Field::new(ENTITIES, DataType::List(Arc::new(list)), false)
}

/// Writes batches of rows as one or another format does.
pub(super) trait BatchWriter: Send {
    /// Writes rows; all have the schema that it was opened with.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error>;

    /// Hands on what is written, where the format can.
    fn flush(&mut self) -> Result<(), Error>;

    /// Completes the output.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// Opens a writer of rows of a schema.
pub(super) type OpenWriter = fn(Output, SchemaRef) -> Result<Box<dyn BatchWriter>, Error>;

/// A writer of documents as rows.
pub(super) fn writer(
    output: Output,
    unit: OffsetUnit,
    is_streamed: bool,
    open: OpenWriter,
) -> Box<dyn DocumentWriter> {
    Box::new(write::Writer::new(output, unit, is_streamed, open))
}
