//! Rows of Arrow as documents, some at a time. Where they come from, a format says as [`Open`].

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use serde_json::{Map, Value};

use super::super::gold::asked;
use super::super::json::{room_for_ours, take_id};
use super::super::tokens::{gold_of_tags, of_words};
use super::super::{Input, ReadOptions, tag_names};
use super::{ArrowTable, ENTITIES, cell, entities_of};
use crate::error::{Error, ErrorKind, Location};
use crate::text::{Document, SourceRow};

/// The column of the tokens.
pub(in crate::io) const TOKENS: &str = "tokens";
/// The columns that may hold the tags; the first is written.
pub(in crate::io) const TAGS: [&str; 2] = ["ner_tags", "tags"];
/// The key of the metadata under which the Python package `datasets` describes the columns.
pub(in crate::io) const METADATA: &str = "huggingface";

/// At most so many rows are documents at once.
pub(in crate::io) const BATCH_ROWS: usize = 256;

/// Batches of rows of one schema.
pub(in crate::io) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Opens an input of a format: the schema, and the rows. What is wrong with the bytes is a [`Problem::Damage`].
pub(in crate::io) type Open = fn(Input) -> Result<(SchemaRef, Batches), Problem>;

/// Why a table cannot be opened.
pub(in crate::io) enum Problem {
    /// The input cannot be read.
    Input(Error),
    /// It is no table of the format, or a damaged one.
    Damage(String),
}

impl From<ArrowError> for Problem {
    fn from(error: ArrowError) -> Self {
        Self::Damage(error.to_string())
    }
}

/// Reads one document a row. A bad row is one error, and the next one still comes; where the file itself is
/// damaged, the rest is one error.
pub(in crate::io) struct Reader {
    name: String,
    /// What the format is called in messages.
    kind: &'static str,
    open: Open,
    options: ReadOptions,
    state: State,
    /// Rows given so far.
    rows: usize,
}

enum State {
    Unread(Option<Input>),
    Open {
        batches: Batches,
        names: Option<Arc<[String]>>,
        /// What is left of the last batch.
        rest: Option<RecordBatch>,
        rows: Option<(Arc<Rows>, usize)>,
    },
    Done,
}

/// Rows that become documents, and what is read of them.
struct Rows {
    table: Arc<ArrowTable>,
    /// Text, tokens, tags and id, where they are there.
    columns: BTreeMap<String, ArrayRef>,
    entities: Option<Vec<Value>>,
    /// Of each row, the columns that have a form in JSON.
    fields: Vec<Map<String, Value>>,
    names: Option<Arc<[String]>>,
}

impl Reader {
    pub(in crate::io) fn new(
        input: Input,
        options: &ReadOptions,
        kind: &'static str,
        open: Open,
    ) -> Self {
        let (name, options) = (input.name().to_owned(), options.clone());
        Self { name, kind, open, options, state: State::Unread(Some(input)), rows: 0 }
    }

    /// Opens the input, and looks which columns it has.
    fn open(&self, input: Input) -> Result<State, Error> {
        let opened = catch_unwind(AssertUnwindSafe(|| (self.open)(input)))
            .unwrap_or_else(|_| Err(Problem::Damage("the file is damaged".to_owned())));
        let (schema, batches) = opened.map_err(|problem| match problem {
            Problem::Input(error) => error,
            Problem::Damage(message) => self.error(format!("not {}: {message}", self.kind)),
        })?;
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let field = &self.options.text_field;
        if !known.contains(&TOKENS) && !known.contains(&field.as_str()) {
            let message =
                format!("no column '{TOKENS}' with the tokens, and none '{field}' with the text");
            let help = format!("its columns: {}", known.join(", "));
            return Err(self.error(message).with_help(help));
        }
        let in_file = schema.metadata().get(METADATA).and_then(|text| names_in(text));
        let names = self.options.tag_names.clone().or(in_file);
        Ok(State::Open { batches, names, rest: None, rows: None })
    }

    fn error(&self, message: String) -> Error {
        Error::new(ErrorKind::Document, message).at(Location::file(&*self.name))
    }

    /// The next row; `None` at the end.
    fn row(&mut self) -> Result<Option<(Arc<Rows>, usize)>, Error> {
        if let State::Unread(input) = &mut self.state {
            let Some(input) = input.take() else { return Ok(None) };
            self.state = State::Done;
            self.state = self.open(input)?;
        }
        loop {
            let State::Open { batches, names, rest, rows } = &mut self.state else {
                return Ok(None);
            };
            if let Some((rows, next)) = rows
                && *next < rows.fields.len()
            {
                *next += 1;
                return Ok(Some((rows.clone(), *next - 1)));
            }
            *rows = None;
            let options = &self.options;
            // Damage that makes the library panic is an error too.
            let read = catch_unwind(AssertUnwindSafe(|| {
                let batch = match rest.take() {
                    Some(batch) => batch,
                    None => match batches.next().transpose()? {
                        Some(batch) => batch,
                        None => return Ok(None),
                    },
                };
                let here = batch.num_rows().min(BATCH_ROWS);
                let left = batch.num_rows() - here;
                *rest = (left > 0).then(|| batch.slice(here, left));
                Rows::new(&batch.slice(0, here), options, names.clone()).map(Some)
            }));
            let problem = match read {
                Ok(Ok(Some(read))) => {
                    *rows = Some((Arc::new(read), 0));
                    continue;
                }
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("the file is damaged".to_owned()),
            };
            self.state = State::Done;
            let (kind, rows) = (self.kind, self.rows);
            return problem.map_or(Ok(None), |problem| {
                Err(self.error(format!("not {kind} after row {rows}: {problem}")))
            });
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (rows, row) = match self.row() {
            Ok(row) => row?,
            Err(error) => {
                self.state = State::Done;
                return Some(Err(error));
            }
        };
        self.rows += 1;
        let id = format!("{}:{}", self.name, self.rows);
        let document = rows.document(row, id, &self.options);
        Some(document.map_err(|message| self.error(format!("row {}: {message}", self.rows))))
    }
}

impl Rows {
    fn new(
        batch: &RecordBatch,
        options: &ReadOptions,
        names: Option<Arc<[String]>>,
    ) -> Result<Self, ArrowError> {
        let schema = batch.schema();
        let wanted = [TOKENS, TAGS[0], TAGS[1], &options.text_field];
        let column = |name: &str| batch.column_by_name(name).cloned();
        let columns: BTreeMap<String, ArrayRef> =
            wanted.iter().filter_map(|name| Some(((*name).to_owned(), column(name)?))).collect();
        let has_tokens = columns.contains_key(TOKENS);
        let is_written = |name: &str| {
            let is_made_of_tokens = has_tokens && wanted.contains(&name);
            name != ENTITIES && !is_made_of_tokens
        };
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|&index| is_written(schema.field(index).name()))
            .collect();
        let written = batch.project(&kept)?;
        let mut fields = vec![Map::new(); batch.num_rows()];
        for (field, column) in written.schema().fields().iter().zip(written.columns()) {
            let is_content = field.name() == &options.text_field;
            if is_content || !cell::has_json_form(field.data_type()) {
                continue;
            }
            let is_taken = |name: &str| schema.index_of(name).is_ok();
            let name = room_for_ours(field.name(), &options.id_field, is_taken);
            for (fields, value) in fields.iter_mut().zip(cell::json(field, column)?) {
                fields.insert(name.clone(), value);
            }
        }
        let entities = options.gold.and_then(|_| {
            let index = schema.index_of(ENTITIES).ok()?;
            let field = &schema.fields()[index];
            let has_form = cell::has_json_form(field.data_type());
            has_form.then(|| cell::json(field, batch.column(index)))
        });
        let text = written.schema().index_of(&options.text_field).ok();
        Ok(Self {
            table: Arc::new(ArrowTable::new(written, text)),
            columns,
            entities: entities.transpose()?,
            fields,
            names,
        })
    }

    fn document(&self, row: usize, id: String, options: &ReadOptions) -> Result<Document, String> {
        let column = |name: &str| self.columns.get(name).filter(|column| !column.is_null(row));
        let text = column(&options.text_field).and_then(|column| cell::text(column, row));
        let mut fields = self.fields.get(row).cloned().unwrap_or_default();
        let id = take_id(&mut fields, &options.id_field).unwrap_or(id);
        let entities = self.entities.as_ref().and_then(|entities| entities.get(row));
        let source = SourceRow::new(self.table.clone(), row);
        let document = Document { id, fields, row: Some(source), ..Document::default() };
        let Some(tokens) = column(TOKENS) else {
            let text = text.ok_or_else(|| self.no_text(row, options))?;
            let missing = "no column 'entities' or 'tokens' with the gold";
            let gold = asked(options, missing, |gold| {
                let cell = entities.map(|cell| entities_of(cell, &text, gold.offsets));
                cell.unwrap_or(Ok(None))
            })?;
            return Ok(Document { text, gold, ..document });
        };
        let words = list(TOKENS, tokens, row)?;
        let (text, tokens) = of_words(&words, text.as_deref());
        let gold = asked(options, "no column 'ner_tags' with the gold", |_| {
            let tags = TAGS.iter().find_map(|name| Some((*name, column(name)?)));
            let Some((name, tags)) = tags else { return Ok(None) };
            let names = self.names.as_deref();
            let named = |(number, tag): (usize, String)| match tag.parse() {
                Ok(tag) => tag_names::name(names, tag)
                    .map_err(|message| format!("token {}: {message}", number + 1)),
                Err(_) => Ok(tag),
            };
            let tags = list(name, tags, row)?.into_iter().enumerate().map(named);
            gold_of_tags(&tags.collect::<Result<Vec<_>, _>>()?, &tokens).map(Some)
        })?;
        Ok(Document { text, tokens: Some(tokens), gold, ..document })
    }

    fn no_text(&self, row: usize, options: &ReadOptions) -> String {
        let field = &options.text_field;
        match self.columns.get(field) {
            Some(column) if column.is_null(row) => format!("no text in column '{field}', but null"),
            Some(column) => {
                format!("expected a string in column '{field}', got {}", column.data_type())
            }
            None => "no text and no tokens".to_owned(),
        }
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
    use arrow_array::cast::AsArray;
    let values = match column.data_type() {
        DataType::List(_) => column.as_list::<i32>().value(row),
        DataType::LargeList(_) => column.as_list::<i64>().value(row),
        other => return Err(format!("expected lists in column '{name}', got {other}")),
    };
    let value = |index| {
        cell::text(&values, index).ok_or_else(|| {
            let (place, kind) = (index + 1, values.data_type());
            format!(
                "expected a string or a number at place {place} of '{name}', got nothing or {kind}"
            )
        })
    };
    (0..values.len()).map(value).collect()
}
