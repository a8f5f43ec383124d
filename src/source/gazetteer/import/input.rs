//! An open input, and its lines with their places.

use std::io::BufRead;

use serde::Deserialize;

use super::sink::Sink;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::text::lines::{Lines, json_problem};

/// A longer line is an error. The longest of Wikidata have some megabytes.
const MAX_LINE: usize = 64 << 20;

/// Bytes, decompressed, and what to call them.
pub struct Input<'a> {
    /// Stands for the input in messages.
    pub name: &'a str,
    /// The bytes.
    pub reader: &'a mut dyn BufRead,
}

/// A line and its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    file: &'a str,
    number: usize,
    /// The line without its end.
    pub(super) text: &'a str,
}

impl Input<'_> {
    /// Calls `each` with every line. An error of a line is a problem of the input, at that line where
    /// `each` has no better place, and the next line comes; only one of input or output ends it.
    pub(super) fn each_line<'s>(
        self,
        sink: &mut Sink<'s>,
        mut each: impl FnMut(Row<'_>, &mut Sink<'s>) -> Result<()>,
    ) -> Result<()> {
        let mut lines = Lines::new(self.name, self.reader, MAX_LINE, ErrorKind::Gazetteer);
        let mut number = 0;
        while let Some(line) = lines.next_line() {
            number += 1;
            let done = line.and_then(|text| {
                let row = Row { file: self.name, number, text };
                each(row, sink).map_err(|error| match error.kind() {
                    ErrorKind::Io => error,
                    _ => error.at(row.at(0)),
                })
            });
            match done {
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Err(error) => sink.problem(error),
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

impl<'a> Row<'a> {
    /// The place of a column in code points, from 1; 0 is the whole line.
    pub(super) fn at(&self, column: usize) -> Location {
        Location::line(self.file, self.number, column)
    }

    /// The place of a cell of the line, which is cut at tabs; counted from 0.
    pub(super) fn at_cell(&self, cell: usize) -> Location {
        let before = self.text.split('\t').take(cell);
        self.at(before.map(|cell| cell.chars().count() + 1).sum::<usize>() + 1)
    }

    /// The place of a part of the line, a slice of its text.
    pub(super) fn at_part(&self, part: &str) -> Location {
        let byte = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.at(self.text.get(..byte).map_or(0, |before| before.chars().count() + 1))
    }

    /// The JSON object that the line begins with, `text`.
    pub(super) fn json_object<T: Deserialize<'a>>(&self, text: &'a str) -> Result<T> {
        if !text.trim_start().starts_with('{') {
            return Err(wrong("expected a JSON object"));
        }
        serde_json::from_str(text).map_err(|error| {
            let (message, column) = json_problem(text, &error);
            wrong(format!("invalid JSON: {message}")).at(self.at(column))
        })
    }
}

/// An error about what an input holds.
pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Gazetteer, message)
}
