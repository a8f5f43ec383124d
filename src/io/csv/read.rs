//! Comma-separated values in, record by record.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read};
use std::sync::Arc;

use csv::{ByteRecord, ErrorKind as CsvErrorKind, StringRecord};
use serde_json::{Map, Value};

use super::super::gold::asked;
use super::super::json::{free_name, room_for_ours, take_id};
use super::super::table::{CsvHeader, CsvRow, ENTITIES, entities_of};
use super::super::{Input, ReadOptions};
use crate::error::{Error, ErrorKind, Location};
use crate::text::{Document, SourceRow};

/// Reads one document a record. A bad record is one error, and the next one still comes; a quote that is not
/// closed swallows the rest of the input, which is one error.
pub(super) struct Reader {
    name: String,
    options: ReadOptions,
    separator: u8,
    state: State,
    /// Records given so far, without the header.
    records: usize,
}

enum State {
    Unread(Option<Input>),
    Open {
        records: Box<Records>,
        header: Arc<CsvHeader>,
        /// The first record, where it is no header.
        first: Option<(ByteRecord, u64)>,
    },
    Done,
}

type Records = csv::Reader<Watched>;

impl Reader {
    pub(super) fn new(input: Input, options: &ReadOptions, separator: u8) -> Self {
        let (name, options) = (input.name().to_owned(), options.clone());
        Self { name, options, separator, state: State::Unread(Some(input)), records: 0 }
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Document, message).at(Location::file(&*self.name))
    }

    /// That something is wrong with the record that was read last and begins in this line.
    fn wrong(&self, line: u64, message: impl std::fmt::Display) -> Error {
        let place = Location::line(&*self.name, line as usize, 0);
        let message = format!("record {}: {message}", self.records);
        Error::new(ErrorKind::Document, message).at(place)
    }

    fn open(&self, input: Input) -> Result<State, Error> {
        let separator = match self.options.separator {
            None => self.separator,
            Some(character) => {
                u8::try_from(character).ok().filter(u8::is_ascii).ok_or_else(|| {
                    self.error(format!("expected a separator of one byte, got '{character}'"))
                })?
            }
        };
        let quotes = !self.options.no_quotes;
        let limit = self.options.max_line_bytes;
        let mut records = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(separator)
            .quoting(quotes)
            .from_reader(Watched::new(input, separator, quotes, limit));
        let mut first = ByteRecord::new();
        let line = match read(&mut records, &mut first) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(State::Done),
            Err(Problem { message, .. }) => return Err(self.error(message)),
        };
        let header = Arc::new(self.header(&first)?);
        let first = self.options.no_header.then_some((first, line));
        Ok(State::Open { records: Box::new(records), header, first })
    }

    fn header(&self, first: &ByteRecord) -> Result<CsvHeader, Error> {
        let is_written = !self.options.no_header;
        let names: Vec<String> = if is_written {
            let name = |name| String::from_utf8_lossy(name).into_owned();
            first.iter().map(name).collect()
        } else {
            (1..=first.len()).map(|number| number.to_string()).collect()
        };
        let field = &self.options.text_field;
        let only = (!is_written && names.len() == 1).then_some(0);
        let text = names.iter().position(|name| name == field).or(only).ok_or_else(|| {
            let mut help =
                format!("its columns: {}; `--text-field` names one of them", names.join(", "));
            let other = [';', '\t', ',', '|'].into_iter().find(|c| names[0].contains(*c));
            if let Some(other) = other.filter(|_| names.len() == 1) {
                help += &format!("; `--separator` says what parts columns: it may be {other:?}");
            }
            self.error(format!("no column '{field}' with the text")).with_help(help)
        })?;
        let entities =
            names.iter().position(|name| is_written && name == ENTITIES && name != field);
        Ok(CsvHeader { keys: unique(&names), names, is_written, text, entities })
    }

    fn document(
        &self,
        header: &Arc<CsvHeader>,
        record: ByteRecord,
        line: u64,
    ) -> Result<Document, Error> {
        let record = StringRecord::from_byte_record(record).map_err(|error| {
            let column = &header.names[error.utf8_error().field()];
            self.wrong(line, format!("invalid UTF-8 in column '{column}'"))
        })?;
        let text = record.get(header.text).unwrap_or("").to_owned();
        let gold = asked(&self.options, "no column 'entities' with the gold", |gold| {
            let cell = header.entities.and_then(|column| record.get(column));
            let cell = Value::from(cell.unwrap_or(""));
            entities_of(&cell, &text, gold.offsets)
        });
        let gold = gold.map_err(|message| self.wrong(line, message))?;
        let mut fields = Map::new();
        let id_field = &self.options.id_field;
        for column in header.columns().filter(|column| *column != header.text) {
            let key = room_for_ours(&header.keys[column], id_field, |name| {
                header.keys.iter().any(|key| key == name)
            });
            fields.insert(key, record.get(column).unwrap_or("").into());
        }
        let id = take_id(&mut fields, id_field).filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| format!("{}:{}", self.name, self.records));
        let row = SourceRow::new(Arc::new(CsvRow { header: header.clone(), record }), 0);
        Ok(Document { id, text, gold, fields, row: Some(row), ..Document::default() })
    }
}

impl Iterator for Reader {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let State::Unread(input) = &mut self.state {
            let input = input.take()?;
            self.state = match self.open(input) {
                Ok(state) => state,
                Err(error) => {
                    self.state = State::Done;
                    return Some(Err(error));
                }
            };
        }
        let State::Open { records, header, first } = &mut self.state else { return None };
        let header = header.clone();
        let mut record = ByteRecord::new();
        let read = match first.take() {
            Some((first, line)) => {
                record = first;
                Ok(Some(line))
            }
            None => read(records, &mut record),
        };
        self.records += 1;
        match read {
            Ok(None) => {
                self.state = State::Done;
                None
            }
            Ok(Some(line)) => Some(self.document(&header, record, line)),
            Err(Problem { message, line, is_last }) => {
                if is_last {
                    self.state = State::Done;
                }
                Some(Err(self.wrong(line, message)))
            }
        }
    }
}

/// What is wrong with a record.
struct Problem {
    message: String,
    /// Where the record begins.
    line: u64,
    /// Whether nothing comes after it.
    is_last: bool,
}

/// Reads the next record: the line where it begins, or `None` at the end.
fn read(records: &mut Records, record: &mut ByteRecord) -> Result<Option<u64>, Problem> {
    let read = records.read_byte_record(record);
    let is_last = records.get_ref().ended;
    let was_long = records.get_ref().is_too_long();
    records.get_mut().since = 0;
    let line = records.get_mut().starts.pop_front().unwrap_or(1);
    let problem = |message: String, is_last| Err(Problem { message, line, is_last });
    if is_last && !was_long && !matches!(read, Ok(false)) && records.get_ref().place.is_quoted() {
        let message = "a quote opens a value and is not closed before the end of the input; what stands there \
                       is lost";
        return problem(message.to_owned(), true);
    }
    match read {
        Ok(true) => Ok(Some(line)),
        Ok(false) => Ok(None),
        Err(_) if was_long => {
            let limit = records.get_ref().limit;
            problem(
                format!(
                    "expected a record of at most {limit} bytes, got a longer one (a quote may not be closed); \
                     the rest of the input is lost"
                ),
                true,
            )
        }
        Err(error) => match error.kind() {
            CsvErrorKind::UnequalLengths { expected_len, len, .. } => problem(
                format!("expected {expected_len} columns as in the first record, got {len}"),
                false,
            ),
            CsvErrorKind::Io(error) => problem(format!("cannot be read: {error}"), true),
            _ => problem(error.to_string(), true),
        },
    }
}

/// Names, each once: one that came before gets the number of its coming, and so a name of its own.
fn unique(names: &[String]) -> Vec<String> {
    let given: BTreeSet<&String> = names.iter().collect();
    let mut seen = BTreeSet::new();
    let mut unique = Vec::with_capacity(names.len());
    for name in names {
        let key = match seen.contains(name) {
            true => free_name(name, |key| seen.contains(key) || given.iter().any(|g| *g == key)),
            false => name.clone(),
        };
        seen.insert(key.clone());
        unique.push(key);
    }
    unique
}

/// An input that knows, as its bytes pass, whether a quote is open, which the library does not say; and that
/// ends with an error where a record is too long.
struct Watched {
    input: Input,
    separator: u8,
    quotes: bool,
    limit: usize,
    place: Place,
    /// Bytes since the last record; what is read ahead counts.
    since: usize,
    ended: bool,
    /// The line of the next byte.
    line: u64,
    /// Whether a record has begun and not ended.
    is_in_record: bool,
    /// The lines where records begin that are not given yet: the library takes the line of the end before, where that has
    /// two characters.
    starts: VecDeque<u64>,
}

/// Where a byte stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    ValueStart,
    Bare,
    Quoted,
    /// After a quote that closes, or is the first of two.
    AfterQuote,
}

impl Place {
    fn is_quoted(self) -> bool {
        self == Self::Quoted
    }
}

impl Watched {
    fn new(input: Input, separator: u8, quotes: bool, limit: usize) -> Self {
        let place = Place::ValueStart;
        Self {
            input,
            separator,
            quotes,
            limit,
            place,
            since: 0,
            ended: false,
            line: 1,
            is_in_record: false,
            starts: VecDeque::new(),
        }
    }

    fn is_too_long(&self) -> bool {
        self.since > self.limit
    }

    fn pass(&mut self, byte: u8) {
        let is_end = byte == self.separator || matches!(byte, b'\n' | b'\r');
        self.place = match (self.place, byte) {
            (Place::Quoted, b'"') => Place::AfterQuote,
            (Place::Quoted, _) => Place::Quoted,
            (Place::AfterQuote | Place::ValueStart, b'"') if self.quotes => Place::Quoted,
            _ if is_end => Place::ValueStart,
            // A byte-order mark at the beginning is no value.
            (Place::ValueStart, 0xEF | 0xBB | 0xBF) => Place::ValueStart,
            _ => Place::Bare,
        };
        let is_line_end = matches!(byte, b'\n' | b'\r');
        if !self.is_in_record && !is_line_end {
            self.is_in_record = true;
            self.starts.push_back(self.line);
        } else if is_line_end && !self.place.is_quoted() {
            self.is_in_record = false;
        }
        self.line += u64::from(byte == b'\n');
    }
}

impl Read for Watched {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(bytes)?;
        self.ended = count == 0;
        self.since = self.since.saturating_add(count);
        if self.is_too_long() {
            return Err(io::Error::other("a record is too long"));
        }
        for byte in bytes.get(..count).unwrap_or_default() {
            self.pass(*byte);
        }
        Ok(count)
    }
}
