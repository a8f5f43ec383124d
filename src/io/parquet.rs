//! Parquet: tables of which one column is the text. How rows become documents is the business of `table`.

use std::fs::File;
use std::io;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::table::read::{BATCH_ROWS, Batches, Problem, Reader};
use super::table::{BatchWriter, writer};
use super::{Documents, Format, Input, Marking, Output, ReadOptions, options};
use crate::error::Error;

/// The format `parquet`.
pub const FORMAT: Format = Format {
    name: "parquet",
    doc: "Parquet, one document a row: the text is one column, all others pass through in their types, and \
          `entities` is a column of lists. Tables of tokens and tags, as Hugging Face `datasets` writes them, are \
          read too.",
    suffixes: &["parquet"],
    extension: "parquet",
    marking: Marking::Offsets,
    companion: None,
    recognises: super::nothing,
    options: &[options::TEXT_COLUMN, options::ID_COLUMN, options::FILE_TAG_NAMES, options::OFFSETS],
    read: |input, options| Box::new(reader(input, options)) as Documents,
    write: Some(|output, options| writer(output, options.offsets, false, Rows::open)),
};

/// Reads one document a row.
pub(super) fn reader(input: Input, options: &ReadOptions) -> Reader {
    Reader::new(input, options, "Parquet", open)
}

/// A batch takes about so many bytes: rows may be large.
const BATCH_BYTES: u64 = 16 << 20;

fn open(input: Input) -> Result<(SchemaRef, Batches), Problem> {
    let file: File = input.into_file().map_err(Problem::Input)?;
    let damage = |error: ParquetError| Problem::Damage(error.to_string());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damage)?;
    let groups = builder.metadata().row_groups();
    let (bytes, rows) = groups.iter().fold((0, 0), |(bytes, rows), group| {
        (group.total_byte_size().max(0) as u64 + bytes, group.num_rows().max(0) as u64 + rows)
    });
    let row_bytes = (bytes / rows.max(1)).max(1);
    let batch_rows = (BATCH_BYTES / row_bytes).clamp(1, BATCH_ROWS as u64) as usize;
    let schema = builder.schema().clone();
    let batches = builder.with_batch_size(batch_rows).build().map_err(damage)?;
    // The metadata of the schema is not with the batches.
    let whole = Arc::clone(&schema);
    let batches = batches.map(move |batch| batch.and_then(|rows| rows.with_schema(whole.clone())));
    Ok((schema, Box::new(batches)))
}

/// A row group has so many rows, or takes about so many bytes.
const GROUP_ROWS: usize = 100_000;
const GROUP_BYTES: usize = 32 << 20;

/// Writes rows as row groups.
struct Rows {
    name: String,
    file: ArrowWriter<Output>,
}

impl Rows {
    fn open(output: Output, schema: SchemaRef) -> Result<Box<dyn BatchWriter>, Error> {
        let name = output.name().to_owned();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let file = ArrowWriter::try_new(output, Arc::clone(&schema), Some(properties))
            .map_err(|error| write_problem(&name, error))?;
        Ok(Box::new(Self { name, file }))
    }
}

impl BatchWriter for Rows {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let mut written = self.file.write(batch);
        if self.file.in_progress_size() >= GROUP_BYTES {
            written = written.and_then(|()| self.file.flush());
        }
        written.map_err(|error| write_problem(&self.name, error))
    }

    /// A reader sees nothing before the file is complete.
    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { name, file } = *self;
        file.into_inner().map_err(|error| write_problem(&name, error))?.finish()
    }
}

/// That Parquet cannot be written; an error of the output is itself.
pub(super) fn write_problem(name: &str, error: ParquetError) -> Error {
    let error = match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    };
    Error::io("write", name, error)
}
