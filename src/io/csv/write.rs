//! Comma-separated values out: the columns that documents came with, and the entities as JSON.

use std::io;

use super::super::jsonl::Entities;
use super::super::table::ENTITIES;
use super::super::table::layout::{Layout, cells};
use super::super::{DocumentWriter, Output};
use crate::error::{Error, ErrorKind};
use crate::span::Entity;
use crate::text::{Document, OffsetTable, OffsetUnit};

/// Writes one record a document, after a header (where the input had none, there is none).
pub(super) struct Writer {
    output: Output,
    unit: OffsetUnit,
    separator: u8,
    layout: Option<Layout>,
}

impl Writer {
    pub(super) fn new(output: Output, unit: OffsetUnit, separator: u8) -> Self {
        Self { output, unit, separator, layout: None }
    }

    fn write_record(&mut self, cells: &[String]) -> Result<(), Error> {
        let mut writer =
            csv::WriterBuilder::new().delimiter(self.separator).from_writer(Vec::new());
        let record = writer.write_record(cells).map_err(io::Error::other);
        let record = record.and_then(|()| writer.into_inner().map_err(|e| e.into_error()));
        match record {
            Ok(record) => self.output.put(&record),
            Err(error) => Err(Error::io("write", self.output.name(), error)),
        }
    }

    fn write_header(&mut self, layout: &Layout) -> Result<(), Error> {
        let Some(mut names) = layout.header() else { return Ok(()) };
        names.push(ENTITIES.to_owned());
        self.write_record(&names)
    }
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<(), Error> {
        match &self.layout {
            Some(layout) => layout.check(document)?,
            None => {
                let layout = Layout::of(document);
                self.write_header(&layout)?;
                self.layout = Some(layout);
            }
        }
        let refused = |message: String| {
            Error::new(ErrorKind::Document, format!("document '{}': {message}", document.id))
        };
        let mut cells = cells(document).map_err(refused)?;
        let table = OffsetTable::new(&document.text, self.unit);
        let list = serde_json::to_string(&Entities { document, entities, table: &table });
        cells.push(list.map_err(|error| refused(error.to_string()))?);
        self.write_record(&cells)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.output.flush()
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        if self.layout.is_none() {
            self.write_header(&Layout::Own)?;
        }
        self.output.finish()
    }
}
