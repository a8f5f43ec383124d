//! What the tests of the formats share: inputs and outputs in memory, and an input without end.

use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex};

use super::{Format, Input, Output, ReadOptions, WriteOptions};
use crate::error::Result;
use crate::span::{Entity, Origin};
use crate::text::{Document, Span};

/// Everything that `format` reads from `bytes`, as an input named `in`.
pub(crate) fn read(format: &Format, bytes: &[u8], options: &ReadOptions) -> Vec<Result<Document>> {
    let input = Input::new("in", Cursor::new(bytes.to_vec()));
    (format.read)(input, options).collect()
}

/// What `format` writes, as text.
pub(crate) fn write(
    format: &Format,
    documents: &[(Document, Vec<Entity>)],
    options: &WriteOptions,
) -> String {
    String::from_utf8(write_bytes(format, documents, options)).unwrap()
}

/// What `format` writes.
pub(crate) fn write_bytes(
    format: &Format,
    documents: &[(Document, Vec<Entity>)],
    options: &WriteOptions,
) -> Vec<u8> {
    let buffer = Buffer::default();
    let mut writer = format.write.unwrap()(Output::new("out", buffer.clone()).unwrap(), options);
    for (document, entities) in documents {
        writer.write(document, entities).unwrap();
    }
    writer.finish().unwrap();
    buffer.0.lock().unwrap().clone()
}

/// An entity over the first place where `surface` stands in `text`.
pub(crate) fn entity(text: &str, surface: &str, label: &str, score: f32) -> Entity {
    let start = text.find(surface).unwrap();
    Entity {
        span: Span::new(start, start + surface.len()),
        label: label.into(),
        score,
        origins: vec![Origin::new(&"places".into(), "x"), Origin::new(&"tagger".into(), "")],
        overruled: vec![],
    }
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same text again and again, for ever.
pub(crate) struct Endless {
    text: Vec<u8>,
    at: usize,
}

impl Endless {
    pub(crate) fn of(text: &str) -> Self {
        Self { text: text.as_bytes().to_vec(), at: 0 }
    }
}

impl Read for Endless {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        for byte in bytes.iter_mut() {
            *byte = self.text[self.at];
            self.at = (self.at + 1) % self.text.len();
        }
        Ok(bytes.len())
    }
}
