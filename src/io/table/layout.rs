//! Which columns a table that is written has: those of the table that its first document came from.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Metadata, Schema, SchemaRef};
use serde_json::Value;

use super::{ArrowTable, CsvHeader, CsvRow, FIELDS, ID, TEXT, cell, entities_field};
use crate::error::{Error, ErrorKind};
use crate::text::Document;

/// The row that a document came from.
pub(in crate::io) enum Row {
    Arrow(Arc<ArrowTable>, usize),
    Csv(Arc<CsvRow>),
    /// It came from no table.
    None,
}

impl Row {
    pub(in crate::io) fn of(document: &Document) -> Self {
        let Some(row) = &document.row else { return Self::None };
        match (row.table(), row.table()) {
            (Some(table), _) => Self::Arrow(table, row.number()),
            (_, Some(record)) => Self::Csv(record),
            _ => Self::None,
        }
    }
}

/// The columns of a table, before that of the entities.
pub(in crate::io) enum Layout {
    /// Of documents that come from no table: `id`, `text`, and `fields` with all the rest as JSON.
    Own,
    /// Those of a table of Arrow, and the text where the table has none.
    Arrow { columns: SchemaRef, adds_text: bool },
    /// Those of a file of comma-separated values: strings.
    Csv(Arc<CsvHeader>),
}

impl Layout {
    /// The layout of the table that a document came from.
    pub(in crate::io) fn of(document: &Document) -> Self {
        match Row::of(document) {
            Row::Arrow(table, _) => {
                Self::Arrow { columns: table.batch.schema(), adds_text: table.text.is_none() }
            }
            Row::Csv(row) => Self::Csv(row.header.clone()),
            Row::None => Self::Own,
        }
    }

    /// All columns, with that of the entities.
    pub(in crate::io) fn schema(&self) -> SchemaRef {
        let string = |name: &str| Arc::new(Field::new(name, DataType::Utf8, false));
        let mut metadata = Metadata::default();
        let mut columns = match self {
            Self::Own => {
                let json = [("ARROW:extension:name".to_owned(), cell::JSON_EXTENSION.to_owned())];
                let fields = Field::new(FIELDS, DataType::Utf8, true);
                let fields = fields.with_metadata(HashMap::from(json));
                vec![string(ID), string(TEXT), Arc::new(fields)]
            }
            Self::Arrow { columns, adds_text } => {
                metadata = columns.metadata().clone();
                let text = adds_text.then(|| string(TEXT));
                columns.fields().iter().cloned().chain(text).collect()
            }
            Self::Csv(header) => header.columns().map(|at| string(&header.keys[at])).collect(),
        };
        columns.push(Arc::new(entities_field()));
        Arc::new(Schema::new_with_metadata(columns, metadata))
    }

    /// Looks whether a document can stand in one table with the others.
    ///
    /// # Errors
    /// Where it comes from a table of other columns, or from none and the others do from one.
    pub(in crate::io) fn check(&self, document: &Document) -> Result<(), Error> {
        let own = Self::of(document);
        if self.takes(&own) {
            return Ok(());
        }
        let (first, here) = (self.names(), own.names());
        let message = format!(
            "document '{}': expected the columns of the first document, {first}, got {here}",
            document.id
        );
        let help = "a table has the same columns, of the same types, in all rows: write these inputs into \
                    tables of their own, or write jsonl";
        Err(Error::new(ErrorKind::Document, message).with_help(help))
    }

    fn takes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own, Self::Own) => true,
            (Self::Csv(one), Self::Csv(other)) => {
                let names = |header: &CsvHeader| -> Vec<String> {
                    header.columns().map(|at| header.names[at].clone()).collect()
                };
                Arc::ptr_eq(one, other) || names(one) == names(other)
            }
            (
                Self::Arrow { columns: one, adds_text },
                Self::Arrow { columns: other, adds_text: other_adds_text },
            ) => {
                let same = |(one, other): (&Arc<Field>, &Arc<Field>)| {
                    one.name() == other.name() && one.data_type() == other.data_type()
                };
                adds_text == other_adds_text
                    && one.fields().len() == other.fields().len()
                    && one.fields().iter().zip(other.fields()).all(same)
            }
            _ => false,
        }
    }

    /// The columns in words.
    fn names(&self) -> String {
        let schema = self.schema();
        let columns = schema.fields().iter().take(schema.fields().len() - 1);
        let shown = |field: &Arc<Field>| match self {
            Self::Arrow { .. } => format!("{} ({})", field.name(), field.data_type()),
            _ => field.name().clone(),
        };
        columns.map(shown).collect::<Vec<_>>().join(", ")
    }

    /// The names of the columns that have a form as text, for a file of comma-separated values; `None` where
    /// the file that the documents came from had none.
    pub(in crate::io) fn header(&self) -> Option<Vec<String>> {
        match self {
            Self::Own => Some([ID, TEXT, FIELDS].map(str::to_owned).to_vec()),
            Self::Arrow { columns, adds_text } => {
                let shown = columns.fields().iter().filter(|f| cell::has_json_form(f.data_type()));
                let text = adds_text.then(|| TEXT.to_owned());
                Some(shown.map(|field| field.name().clone()).chain(text).collect())
            }
            Self::Csv(header) if header.is_written => {
                Some(header.columns().map(|at| header.names[at].clone()).collect())
            }
            Self::Csv(_) => None,
        }
    }
}

/// The cells of a document's row as text, one for each column of [`Layout::header`]: a string is itself,
/// nothing is empty, and what else there is is JSON.
///
/// # Errors
/// Where a cell has no form in JSON although its type has.
pub(in crate::io) fn cells(document: &Document) -> Result<Vec<String>, String> {
    match Row::of(document) {
        Row::None => {
            let fields = other_fields(document).unwrap_or_default();
            Ok(vec![document.id.clone(), document.text.clone(), fields])
        }
        Row::Csv(row) => {
            let cell = |at| row.record.get(at).unwrap_or("").to_owned();
            Ok(row.header.columns().map(cell).collect())
        }
        Row::Arrow(table, number) => {
            let schema = table.batch.schema();
            let mut cells = Vec::with_capacity(schema.fields().len() + 1);
            for (field, column) in schema.fields().iter().zip(table.batch.columns()) {
                if !cell::has_json_form(field.data_type()) {
                    continue;
                }
                let one = cell::json(field, &column.slice(number, 1));
                let one = one.map_err(|error| format!("column '{}': {error}", field.name()))?;
                cells.push(match one.into_iter().next() {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text,
                    Some(other) => other.to_string(),
                });
            }
            cells.extend(table.text.is_none().then(|| document.text.clone()));
            Ok(cells)
        }
    }
}

/// What a document has besides id and text, as an object of JSON; `None` where that is nothing.
pub(in crate::io) fn other_fields(document: &Document) -> Option<String> {
    let mut fields = document.fields.clone();
    fields.shift_remove(ID);
    (!fields.is_empty()).then(|| Value::from(fields).to_string())
}
