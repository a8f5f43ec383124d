//! JSON inputs and outputs, value by value: one a line, or the elements of one array. What a value means is
//! the formats' business.

use std::io::{BufRead, BufReader, Cursor, Read};

use serde_json::{Map, Value};

use super::gold::kind;
use super::{DocumentWriter, FORMATS, Format, Input, Output, ReadOptions, WriteOptions};
use crate::error::{Error, ErrorKind, Location};
use crate::span::Entity;
use crate::text::lines::{Lines, json_problem};
use crate::text::{Annotation, Document, Token};

/// The field that holds the id, where a format has no other name for it.
pub(super) const ID: &str = "id";
/// The field that holds the text, likewise.
pub(super) const TEXT: &str = "text";

/// Fields in which one or another format has the text and the entities; they do not pass from one format
/// to another.
const CONTENT: &[&str] = &[
    "text",
    "tokens",
    "tokenized_text",
    "ner",
    "ner_tags",
    "tags",
    "ents",
    "spans",
    "label",
    "labels",
    "entities",
    "location_mentions",
    "data",
    "annotations",
    "predictions",
    "completions",
    "_input_hash",
    "_task_hash",
];

/// A document as a format finds it in a value.
#[derive(Default)]
pub(super) struct Draft {
    /// `None` where the value does not state it.
    pub(super) id: Option<String>,
    pub(super) text: String,
    pub(super) tokens: Option<Vec<Token>>,
    pub(super) gold: Option<Vec<Annotation>>,
    pub(super) fields: Map<String, Value>,
}

/// What a format makes of a value: the document, or what is wrong.
pub(super) type ReadValue = fn(Value, &ReadOptions) -> Result<Draft, Problem>;

/// What is wrong with a value, and what may help.
#[derive(Debug)]
pub(super) struct Problem {
    message: String,
    help: Option<String>,
}

impl Problem {
    pub(super) fn with_help(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self { message, help: None }
    }
}

/// Reads one document a value. A bad value is one error, and the next one still comes; an array that breaks
/// off is one error at its end.
pub(super) struct Reader {
    values: Values,
    options: ReadOptions,
    read: ReadValue,
}

impl Reader {
    pub(super) fn new(input: Input, options: &ReadOptions, read: ReadValue) -> Self {
        Self { values: Values::new(input, options.max_line_bytes), options: options.clone(), read }
    }
}

impl Iterator for Reader {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (value, place) = match self.values.next()? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let draft = (self.read)(value, &self.options);
        Some(match draft {
            Ok(Draft { id, text, tokens, gold, fields }) => {
                let id = id.unwrap_or_else(|| format!("{}:{}", place.file, place.number));
                Ok(Document { id, text, tokens, gold, fields, ..Document::default() })
            }
            Err(Problem { message, help }) => {
                let line = Location::line(place.file, place.line, 0);
                let error = Error::new(ErrorKind::Document, message).at(line);
                Err(help.into_iter().fold(error, Error::with_help))
            }
        })
    }
}

/// So much of an input is looked at to recognise its format.
const RECOGNISED_BY: u64 = 1 << 20;

/// So many values of an input are looked at to recognise its format.
const RECOGNISED_BY_VALUES: usize = 100;

/// The format of an input of JSON: that of the first value that can be of no other. `None` where nothing
/// at the input's beginning tells.
pub(super) fn recognise(input: Input) -> Option<&'static Format> {
    let name = input.name().to_owned();
    let head = Input::new(name, BufReader::new(input.take(RECOGNISED_BY)));
    let mut values = Values::new(head, RECOGNISED_BY as usize);
    let values = std::iter::from_fn(|| values.next()?.ok()).take(RECOGNISED_BY_VALUES);
    let format = |(value, _)| FORMATS.iter().find(|format| (format.recognises)(&value));
    values.into_iter().find_map(format)
}

/// The first value of an input of JSON; `None` where it begins with none.
pub(super) fn first_value(input: Input) -> Option<Value> {
    let first = Values::new(input, RECOGNISED_BY as usize).next()?;
    first.ok().map(|(value, _)| value)
}

/// Where a value stands.
struct Place {
    file: String,
    line: usize,
    /// The line, where there is one value a line; else the number of the element, from 1.
    number: usize,
}

/// The values of an input.
enum Values {
    /// Nothing is read yet.
    Unread(Option<Input>, usize),
    Lines(Lines<Input>),
    Elements(Elements),
}

impl Values {
    fn new(input: Input, limit: usize) -> Self {
        Self::Unread(Some(input), limit)
    }

    fn next(&mut self) -> Option<Result<(Value, Place), Error>> {
        if let Self::Unread(input, limit) = self {
            match begin(input.take()?, *limit) {
                Ok(values) => *self = values,
                Err(error) => return Some(Err(error)),
            }
        }
        match self {
            Self::Unread(..) => None,
            Self::Lines(lines) => next_line(lines),
            Self::Elements(elements) => elements.next(),
        }
    }
}

/// White space before the first value is looked through only so far.
const LOOKED_AHEAD: usize = 1 << 16;

/// Whether an input is one array: `[`, and then an object, an array or its end. A line may be a list
/// that begins with a string.
fn begin(mut input: Input, limit: usize) -> Result<Values, Error> {
    let mut head = Vec::new();
    let mut black = Vec::new();
    while black.len() < 2 && head.len() < LOOKED_AHEAD {
        let mut byte = [0];
        let read = input.read(&mut byte).map_err(|e| Error::io("read", input.name(), e))?;
        if read == 0 {
            break;
        }
        head.push(byte[0]);
        let mark = head.starts_with("\u{feff}".as_bytes()) && head.len() == 3;
        if mark {
            black.clear();
        } else if !byte[0].is_ascii_whitespace() {
            black.push(byte[0]);
        }
        let is_mark = "\u{feff}".as_bytes().starts_with(&head);
        if !is_mark && black.first().is_some_and(|&first| first != b'[') {
            break;
        }
    }
    let is_array = matches!(black[..], [b'[', b'{' | b'[' | b']']);
    let name = input.name().to_owned();
    let whole = Input::new(name, Cursor::new(head).chain(input));
    Ok(if is_array {
        Values::Elements(Elements::new(whole, limit))
    } else {
        Values::Lines(super::lines(whole, limit))
    })
}

fn next_line(lines: &mut Lines<Input>) -> Option<Result<(Value, Place), Error>> {
    loop {
        let line = match lines.next_line()? {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        let value = serde_json::from_str(line).map_err(|error| json_problem(line, &error));
        let (file, line) = (lines.name().to_owned(), lines.number());
        return Some(match value {
            Ok(value) => Ok((value, Place { file, line, number: line })),
            Err((message, column)) => {
                Err(Error::new(ErrorKind::Document, format!("invalid JSON: {message}"))
                    .at(Location::line(file, line, column)))
            }
        });
    }
}

/// The elements of one array, each of which is held alone.
struct Elements {
    input: Input,
    limit: usize,
    /// Of the byte that is read next.
    line: usize,
    column: usize,
    number: usize,
    is_open: bool,
    done: bool,
}

impl Elements {
    fn new(input: Input, limit: usize) -> Self {
        Self { input, limit, line: 1, column: 1, number: 0, is_open: false, done: false }
    }

    fn next(&mut self) -> Option<Result<(Value, Place), Error>> {
        if self.done {
            return None;
        }
        let element = self.element();
        if !matches!(element, Ok(Some(_))) {
            self.done = true;
        }
        let (bytes, line, column) = match element {
            Ok(found) => found?,
            Err(error) => return Some(Err(error)),
        };
        self.number += 1;
        let file = self.input.name().to_owned();
        let value = match std::str::from_utf8(&bytes) {
            Ok(text) => serde_json::from_str(text).map_err(|error| {
                let at = error.line() - 1;
                let (message, within) = json_problem(text.lines().nth(at).unwrap_or(""), &error);
                let column = if at == 0 { column + within - 1 } else { within };
                (format!("invalid JSON: {message}"), line + at, column)
            }),
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let feeds = before.iter().filter(|&&byte| byte == b'\n').count();
                Err(("invalid UTF-8".to_owned(), line + feeds, 0))
            }
        };
        Some(match value {
            Ok(value) => Ok((value, Place { file, line, number: self.number })),
            Err((message, line, column)) => {
                Err(Error::new(ErrorKind::Document, message).at(Location::line(file, line, column)))
            }
        })
    }

    /// The bytes of the next element, and the line and column where it begins; `None` after the array.
    fn element(&mut self) -> Result<Option<(Vec<u8>, usize, usize)>, Error> {
        let mut bytes = Vec::new();
        let mut start = (0, 0);
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        loop {
            let here = (self.line, self.column);
            let Some(byte) = self.byte()? else {
                return Err(self.error(here, "expected `]` at the end of the array, got the end"));
            };
            if !self.is_open {
                self.is_open = byte == b'[';
                continue;
            }
            if !in_string && depth == 0 && matches!(byte, b',' | b']') {
                if !bytes.is_empty() {
                    if byte == b']' {
                        self.end()?;
                    }
                    return Ok(Some((bytes, start.0, start.1)));
                }
                if byte == b']' {
                    self.end()?;
                    return Ok(None);
                }
                continue;
            }
            if bytes.is_empty() {
                if byte.is_ascii_whitespace() {
                    continue;
                }
                start = here;
            }
            bytes.push(byte);
            if bytes.len() > self.limit {
                let message = format!(
                    "expected an element of at most {} bytes, got a longer one",
                    self.limit
                );
                return Err(self.error(start, &message));
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// After the closing bracket nothing may follow.
    fn end(&mut self) -> Result<(), Error> {
        self.done = true;
        loop {
            let here = (self.line, self.column);
            match self.byte()? {
                None => return Ok(()),
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(_) => {
                    return Err(self.error(here, "expected nothing after the array, got more"));
                }
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, Error> {
        let buffer = self.input.fill_buf();
        let byte = match buffer {
            Ok(buffer) => buffer.first().copied(),
            Err(error) => return Err(Error::io("read", self.input.name(), error)),
        };
        if let Some(byte) = byte {
            self.input.consume(1);
            if byte == b'\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += usize::from(byte & 0xC0 != 0x80);
            }
        }
        Ok(byte)
    }

    fn error(&self, (line, column): (usize, usize), message: &str) -> Error {
        let place = Location::line(self.input.name(), line, column);
        Error::new(ErrorKind::Document, message).at(place)
    }
}

/// The fields of an object.
///
/// # Errors
/// Where the value is none.
pub(super) fn object(value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(fields) => Ok(fields),
        other => Err(Problem::with_help(
            format!("expected a JSON object, got {}", kind(&other)),
            "there is one object a line, or one array of objects",
        )),
    }
}

/// Takes the text out of a field.
///
/// # Errors
/// Where it is not there, or no string.
pub(super) fn take_text(fields: &mut Map<String, Value>, field: &str) -> Result<String, Problem> {
    match fields.shift_remove(field) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => {
            let got = kind(&other);
            Err(format!("expected a string in field '{field}', got {got}").into())
        }
        None => Err(missing(fields, format!("no field '{field}' with the text"))),
    }
}

/// That a field is missing from others.
pub(super) fn missing(fields: &Map<String, Value>, message: String) -> Problem {
    let known: Vec<&str> = fields.keys().map(String::as_str).take(12).collect();
    if known.is_empty() {
        return message.into();
    }
    Problem::with_help(message, format!("its fields: {}", known.join(", ")))
}

/// The name under which a field or column passes through: `text` and `id` that were not asked for as these make room
/// for ours.
pub(super) fn room_for_ours(name: &str, id_field: &str, is_taken: impl Fn(&str) -> bool) -> String {
    match [TEXT, ID].contains(&name) && name != id_field {
        true => free_name(name, is_taken),
        false => name.to_owned(),
    }
}

/// A name with the first number from 2 behind it under which there is nothing yet.
pub(super) fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{name}.{number}"));
    numbered.into_iter().find(|name| !is_taken(name)).expect("one of all numbers is free")
}

/// The id in a field: a string is taken out of `id`; what is none stays there, so that it is written as it
/// came.
pub(super) fn take_id(fields: &mut Map<String, Value>, field: &str) -> Option<String> {
    let id = match fields.get(field) {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(other) => {
            let (id, other) = (other.to_string(), other.clone());
            fields.insert(ID.to_owned(), other);
            Some(id)
        }
    };
    if fields.get(ID).is_some_and(|id| id.is_string() || id.is_null()) {
        fields.shift_remove(ID);
    }
    id
}

/// The id of a document as it came.
pub(super) fn id(document: &Document) -> Value {
    document.fields.get(ID).cloned().unwrap_or_else(|| document.id.clone().into())
}

/// Adds the fields of a document that are no format's content and are not there yet.
pub(super) fn pass_through(document: &Document, fields: &mut Map<String, Value>) {
    for (name, value) in &document.fields {
        if !CONTENT.contains(&name.as_str()) && !fields.contains_key(name) {
            fields.insert(name.clone(), value.clone());
        }
    }
}

/// What a format writes of a document.
pub(super) type WriteValue = fn(&Document, &[Entity], &WriteOptions) -> Result<Value, String>;

/// Writes one value a document: a line each, or elements of one array.
pub(super) struct Writer {
    output: Output,
    options: WriteOptions,
    value: WriteValue,
    is_array: bool,
    written: usize,
    line: Vec<u8>,
}

impl Writer {
    /// A writer of lines, or of an array where the name of the output ends in `.json`.
    pub(super) fn new(output: Output, options: &WriteOptions, value: WriteValue) -> Self {
        let is_array = output.suffix() == "json";
        let (options, line) = (options.clone(), Vec::new());
        Self { output, options, value, is_array, written: 0, line }
    }

    /// A writer of an array, whatever the output.
    pub(super) fn array(output: Output, options: &WriteOptions, value: WriteValue) -> Self {
        Self { is_array: true, ..Self::new(output, options, value) }
    }
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<(), Error> {
        let value = (self.value)(document, entities, &self.options).map_err(|message| {
            Error::new(ErrorKind::Document, format!("document '{}': {message}", document.id))
        })?;
        self.line.clear();
        if self.is_array {
            self.line.extend(if self.written == 0 { "[\n" } else { ",\n" }.bytes());
        }
        serde_json::to_writer(&mut self.line, &value)
            .map_err(|error| Error::io("write", self.output.name(), error.into()))?;
        if !self.is_array {
            self.line.push(b'\n');
        }
        self.written += 1;
        self.output.put(&self.line)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.output.flush()
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        if self.is_array {
            self.output.put(if self.written == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        self.output.finish()
    }
}
