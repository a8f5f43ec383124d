//! Arrow IPC, as a file (also called Feather) and as a stream. How rows become documents is the business of
//! `table`.

use std::io::{self, BufRead};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;

use super::table::read::{Batches, Problem, Reader};
use super::table::{BatchWriter, writer};
use super::{Documents, Format, Input, Marking, Output, options};
use crate::error::Error;

/// The format `arrow`.
pub const FORMAT: Format = Format {
    name: "arrow",
    doc: "Arrow IPC, file (Feather) or stream, one document a row: columns as in Parquet; written as a stream \
          where the output is none or ends in `.arrows`.",
    suffixes: &["arrow", "arrows", "feather", "ipc"],
    extension: "arrow",
    marking: Marking::Offsets,
    companion: None,
    recognises: super::nothing,
    options: &[options::TEXT_COLUMN, options::ID_COLUMN, options::FILE_TAG_NAMES, options::OFFSETS],
    read: |input, options| Box::new(Reader::new(input, options, "Arrow IPC", open)) as Documents,
    write: Some(|output, options| {
        let is_stream = is_stream(&output);
        writer(
            output,
            options.offsets,
            is_stream,
            if is_stream { Stream::open } else { File::open },
        )
    }),
};

/// What a file begins with, before the stream that is in it, and ends with.
const FILE_MARK: &[u8] = b"ARROW1";

/// Whether a beginning of bytes is that of Arrow IPC.
pub(super) fn begins_so(head: &[u8]) -> bool {
    // A stream begins with the mark of a message, which is no text, and its length.
    head.starts_with(FILE_MARK) || head.starts_with(&[0xFF; 4])
}

/// A file is read as the stream that is in it, so that a pipe will do and memory is bounded by its batches.
fn open(mut input: Input) -> Result<(SchemaRef, Batches), Problem> {
    let read = |error| Problem::Input(Error::io("read", "the input", error));
    let mut is_file = false;
    if input.fill_buf().map_err(read)?.starts_with(FILE_MARK) {
        is_file = true;
        input.consume(FILE_MARK.len());
        // Zeros go up to an alignment of the writer's choice; a message begins with none.
        while input.fill_buf().map_err(read)?.first() == Some(&0) {
            input.consume(1);
        }
    }
    let reader = StreamReader::try_new(input, None)?;
    Ok((reader.schema(), Box::new(Messages { reader, is_file })))
}

/// The batches of a stream, and the end of the file that it may lie in.
struct Messages {
    reader: StreamReader<Input>,
    is_file: bool,
}

impl Iterator for Messages {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(batch) = self.reader.next() {
            return Some(batch);
        }
        // A stream may end anywhere between two batches; a file has its own end.
        if !std::mem::take(&mut self.is_file) {
            return None;
        }
        match ends_as_file(self.reader.get_mut()) {
            Ok(true) => None,
            Ok(false) => {
                Some(Err(ArrowError::IpcError("the file breaks off before its end".to_owned())))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Whether what is left of an input ends as a file does.
fn ends_as_file(input: &mut Input) -> io::Result<bool> {
    let mut last = Vec::new();
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(last == FILE_MARK);
        }
        last.extend_from_slice(bytes);
        last.drain(..last.len().saturating_sub(FILE_MARK.len()));
        let count = bytes.len();
        input.consume(count);
    }
}

fn is_stream(output: &Output) -> bool {
    !["arrow", "feather", "ipc"].contains(&output.suffix().as_str())
}

/// Writes a stream.
struct Stream {
    name: String,
    writer: StreamWriter<Output>,
}

impl Stream {
    fn open(output: Output, schema: SchemaRef) -> Result<Box<dyn BatchWriter>, Error> {
        let name = output.name().to_owned();
        let writer = StreamWriter::try_new(output, &schema);
        let writer = writer.map_err(|error| write_problem(&name, error))?;
        Ok(Box::new(Self { name, writer }))
    }
}

impl BatchWriter for Stream {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.writer.write(batch).map_err(|error| write_problem(&self.name, error))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.writer.flush().map_err(|error| write_problem(&self.name, error))
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { name, writer } = *self;
        writer.into_inner().map_err(|error| write_problem(&name, error))?.finish()
    }
}

/// Writes a file. It knows one dictionary a column for all batches, so columns of a dictionary become columns
/// of its values.
struct File {
    name: String,
    schema: SchemaRef,
    writer: FileWriter<Output>,
}

impl File {
    fn open(output: Output, schema: SchemaRef) -> Result<Box<dyn BatchWriter>, Error> {
        let name = output.name().to_owned();
        let plain = |field: &Arc<Field>| match field.data_type() {
            DataType::Dictionary(_, values) => {
                Arc::new(field.as_ref().clone().with_data_type(values.as_ref().clone()))
            }
            _ => field.clone(),
        };
        let fields: Vec<_> = schema.fields().iter().map(plain).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let writer = FileWriter::try_new(output, &schema);
        let writer = writer.map_err(|error| write_problem(&name, error))?;
        Ok(Box::new(Self { name, schema, writer }))
    }
}

impl BatchWriter for File {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let plain = |column: &ArrayRef| match column.as_any_dictionary_opt() {
            Some(dictionary) => take(dictionary.values(), dictionary.keys(), None),
            None => Ok(column.clone()),
        };
        let columns: Result<Vec<ArrayRef>, ArrowError> =
            batch.columns().iter().map(plain).collect();
        let written = columns
            .and_then(|columns| RecordBatch::try_new(self.schema.clone(), columns))
            .and_then(|batch| self.writer.write(&batch));
        written.map_err(|error| write_problem(&self.name, error))
    }

    /// A reader of a file needs its end.
    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { name, writer, .. } = *self;
        writer.into_inner().map_err(|error| write_problem(&name, error))?.finish()
    }
}

/// That Arrow cannot be written; an error of the output is itself.
fn write_problem(name: &str, error: ArrowError) -> Error {
    let error = match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::other(other),
    };
    Error::io("write", name, error)
}
