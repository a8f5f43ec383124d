//! Documents as rows of Arrow, some at a time. What becomes of the rows, a format says as [`BatchWriter`].

use std::sync::Arc;

use arrow_array::builder::{Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, ListArray, RecordBatch, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, SchemaRef};
use arrow_select::interleave::interleave_record_batch;

use super::super::jsonl::rounded;
use super::layout::{Layout, Row, other_fields};
use super::{ArrowTable, BatchWriter, CsvRow, OpenWriter, entities_field};
use crate::error::Error;
use crate::io::{DocumentWriter, Output};
use crate::span::Entity;
use crate::text::{Document, OffsetTable, OffsetUnit};

/// So many rows, or rows of so many bytes, are written together.
const GROUP_ROWS: usize = 1000;
const GROUP_BYTES: usize = 16 << 20;

/// Writes one row a document: all columns of the table that the first document came from, and the entities.
/// Where it came from none, the columns are `id`, `text`, `fields` (an object of JSON) and the entities.
pub(super) struct Writer {
    /// Always there but during [`DocumentWriter::finish`] and before the first row.
    file: Option<Box<dyn BatchWriter>>,
    output: Option<Output>,
    open: OpenWriter,
    is_streamed: bool,
    unit: OffsetUnit,
    layout: Option<Layout>,
    rows: Rows,
}

/// Rows that are not written yet.
#[derive(Default)]
struct Rows {
    count: usize,
    bytes: usize,
    /// The tables that rows are of, and of each row its table and its number there.
    tables: Vec<Arc<ArrowTable>>,
    places: Vec<(usize, usize)>,
    /// Columns of strings, in the order of the layout's.
    strings: Vec<StringBuilder>,
    entities: Entities,
}

/// The entities of rows, column by column.
#[derive(Default)]
struct Entities {
    counts: Vec<usize>,
    starts: Int64Builder,
    ends: Int64Builder,
    labels: StringBuilder,
    texts: StringBuilder,
    scores: Float64Builder,
    sources: ListBuilder<StringBuilder>,
}

impl Writer {
    pub(super) fn new(
        output: Output,
        unit: OffsetUnit,
        is_streamed: bool,
        open: OpenWriter,
    ) -> Self {
        let output = Some(output);
        Self { file: None, output, open, is_streamed, unit, layout: None, rows: Rows::default() }
    }

    /// The open output, of the first layout.
    fn file(&mut self) -> Result<&mut Box<dyn BatchWriter>, Error> {
        if let Some(output) = self.output.take() {
            let schema = self.layout.get_or_insert(Layout::Own).schema();
            self.file = Some((self.open)(output, schema)?);
        }
        Ok(self.file.as_mut().expect("an output is open until it is finished"))
    }

    fn write_rows(&mut self) -> Result<(), Error> {
        let layout = self.layout.get_or_insert(Layout::Own);
        let rows = std::mem::take(&mut self.rows);
        if rows.count == 0 {
            return self.file().map(|_| ());
        }
        let batch = rows.into_batch(layout.schema());
        let batch = batch.map_err(|error| {
            let name = self.output.as_ref().map_or("the output", Output::name);
            Error::io("write", name, std::io::Error::other(error))
        })?;
        self.file()?.write(&batch)
    }
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<(), Error> {
        self.layout.get_or_insert_with(|| Layout::of(document)).check(document)?;
        self.rows.add(document, entities, self.unit);
        if self.rows.count >= GROUP_ROWS || self.rows.bytes >= GROUP_BYTES {
            self.write_rows()?;
        }
        Ok(())
    }

    /// Rows are written in groups; a reader sees them when a group is full, but in a stream.
    fn flush(&mut self) -> Result<(), Error> {
        if !self.is_streamed || self.rows.count == 0 {
            return Ok(());
        }
        self.write_rows()?;
        self.file()?.flush()
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        self.write_rows()?;
        self.file()?;
        self.file.take().expect("an output is open until it is finished").finish()
    }
}

impl Rows {
    fn add(&mut self, document: &Document, entities: &[Entity], unit: OffsetUnit) {
        self.count += 1;
        self.bytes += document.text.len();
        match Row::of(document) {
            Row::Arrow(table, number) => {
                self.bytes += table.row_bytes;
                if !self.tables.last().is_some_and(|last| Arc::ptr_eq(last, &table)) {
                    self.tables.push(table.clone());
                }
                self.places.push((self.tables.len() - 1, number));
                if table.text.is_none() {
                    self.append([Some(document.text.as_str())]);
                }
            }
            Row::Csv(row) => {
                let CsvRow { header, record } = &*row;
                self.bytes += record.as_slice().len();
                let cells = header.columns().map(|column| record.get(column));
                self.append(cells.map(|cell| Some(cell.unwrap_or(""))));
            }
            Row::None => {
                let fields = other_fields(document);
                self.append([Some(&*document.id), Some(&*document.text), fields.as_deref()]);
            }
        }
        self.entities.add(document, entities, unit);
    }

    /// Adds a row to the columns of strings.
    fn append<'a>(&mut self, cells: impl IntoIterator<Item = Option<&'a str>>) {
        for (column, cell) in cells.into_iter().enumerate() {
            if self.strings.len() == column {
                self.strings.push(StringBuilder::new());
            }
            self.strings[column].append_option(cell);
        }
    }

    fn into_batch(mut self, schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        if !self.tables.is_empty() {
            let batches: Vec<&RecordBatch> = self.tables.iter().map(|t| &t.batch).collect();
            // A table may have no column but the text that was made of its tokens.
            if batches[0].num_columns() > 0 {
                columns
                    .extend_from_slice(interleave_record_batch(&batches, &self.places)?.columns());
            }
        }
        columns.extend(self.strings.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.push(Arc::new(self.entities.finish()?));
        RecordBatch::try_new(schema, columns)
    }
}

impl Entities {
    fn add(&mut self, document: &Document, entities: &[Entity], unit: OffsetUnit) {
        let table = OffsetTable::new(&document.text, unit);
        let offset = |byte| i64::try_from(table.from_byte(byte)).unwrap_or(i64::MAX);
        self.counts.push(entities.len());
        for entity in entities {
            self.starts.append_value(offset(entity.span.start));
            self.ends.append_value(offset(entity.span.end));
            self.labels.append_value(entity.label.as_str());
            self.texts.append_value(entity.text(&document.text));
            self.scores.append_value(rounded(entity.score));
            entity.sources().iter().for_each(|name| self.sources.values().append_value(name));
            self.sources.append(true);
        }
    }

    fn finish(&mut self) -> Result<ListArray, ArrowError> {
        let field = entities_field();
        let DataType::List(item) = field.data_type() else { unreachable!("entities are a list") };
        let DataType::Struct(fields) = item.data_type() else { unreachable!("of structs") };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.starts.finish()),
            Arc::new(self.ends.finish()),
            Arc::new(self.labels.finish()),
            Arc::new(self.texts.finish()),
            Arc::new(self.scores.finish()),
            Arc::new(self.sources.finish()),
        ];
        let structs = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(self.counts.drain(..));
        ListArray::try_new(item.clone(), offsets, Arc::new(structs), None)
    }
}
