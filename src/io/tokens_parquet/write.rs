//! Parquet out: some rows at a time; the names of the tags come last, when they are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::ArrowWriterOptions;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow_array::RecordBatch;
use arrow_array::builder::{Int64Builder, ListBuilder, StringBuilder};
use arrow_schema::{DataType, Field, Schema};
use serde_json::json;

use super::super::parquet::write_problem;
use super::super::table::read::{TAGS, TOKENS};
use super::super::table::{ID, TEXT};
use super::super::tokens::{tags, texts, words};
use super::super::{DocumentWriter, Output, WriteOptions, tag_names};
use super::METADATA;
use crate::error::{Error, ErrorKind};
use crate::span::{Entity, TagScheme};
use crate::text::Document;

/// So many rows, or texts of so many bytes, are written together: a row group, as `datasets` makes them.
const GROUP_ROWS: usize = 1000;
const GROUP_BYTES: usize = 16 << 20;

/// Writes one row a document: its id, its text, its tokens, and a number a token; the names of the numbers
/// are described as `datasets` does it.
///
/// An entity reaches out to the edges of the tokens that it touches; of two that share one, the first in
/// order is written.
pub(super) struct Writer {
    /// Always there but during [`DocumentWriter::finish`]; open from the first row on.
    file: Option<ArrowWriter<Output>>,
    output: Option<Output>,
    scheme: TagScheme,
    names: Names,
    rows: Rows,
    bytes: usize,
}

/// The columns of rows that are not written yet.
#[derive(Default)]
struct Rows {
    count: usize,
    ids: StringBuilder,
    texts: StringBuilder,
    tokens: ListBuilder<StringBuilder>,
    tags: ListBuilder<Int64Builder>,
}

/// The names of tags by number.
enum Names {
    /// As the user said.
    Given(Arc<[String]>),
    /// In the order in which labels come, all tags of a label together.
    Found(Vec<String>, BTreeMap<String, i64>),
}

impl Names {
    fn numbers(&mut self, tags: &[String], scheme: TagScheme) -> Result<Vec<i64>, String> {
        let (names, known) = match self {
            Self::Given(names) => return tag_names::numbers(names, tags),
            Self::Found(names, known) => (names, known),
        };
        let mut number = |tag: &String| {
            if let Some(number) = known.get(tag) {
                return *number;
            }
            let letters = match scheme {
                TagScheme::Bio => "BI",
                TagScheme::Bioes => "BIES",
                TagScheme::Bilou => "BILU",
                TagScheme::Io => "I",
            };
            let label = tag.split_once('-').map_or("", |(_, label)| label);
            for letter in letters.chars() {
                let name = format!("{letter}-{label}");
                known.insert(name.clone(), names.len() as i64);
                names.push(name);
            }
            known.get(tag).copied().unwrap_or(0)
        };
        Ok(tags.iter().map(&mut number).collect())
    }

    fn list(&self) -> &[String] {
        match self {
            Self::Given(names) => names,
            Self::Found(names, _) => names,
        }
    }
}

impl Writer {
    pub(super) fn new(output: Output, options: &WriteOptions) -> Self {
        let names = match &options.tag_names {
            Some(names) => Names::Given(names.clone()),
            None => Names::Found(vec!["O".to_owned()], BTreeMap::from([("O".to_owned(), 0)])),
        };
        Self {
            file: None,
            output: Some(output),
            scheme: options.scheme,
            names,
            rows: Rows::default(),
            bytes: 0,
        }
    }

    /// The open file.
    fn file(&mut self) -> Result<&mut ArrowWriter<Output>, Error> {
        if let Some(output) = self.output.take() {
            let name = output.name().to_owned();
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_row_count(Some(GROUP_ROWS))
                .build();
            // What arrow would add of its own hides the description from `datasets`.
            let options = ArrowWriterOptions::new()
                .with_properties(properties)
                .with_skip_arrow_metadata(true);
            let file = ArrowWriter::try_new_with_options(output, Arc::new(schema()), options);
            self.file = Some(file.map_err(|error| write_problem(&name, error))?);
        }
        Ok(self.file.as_mut().expect("a file is open until it is finished"))
    }

    fn write_group(&mut self) -> Result<(), Error> {
        self.bytes = 0;
        let mut rows = std::mem::take(&mut self.rows);
        let batch = RecordBatch::try_new(
            Arc::new(schema()),
            vec![
                Arc::new(rows.ids.finish()),
                Arc::new(rows.texts.finish()),
                Arc::new(rows.tokens.finish()),
                Arc::new(rows.tags.finish()),
            ],
        )
        .expect("the builders are those of the schema's columns");
        let file = self.file()?;
        let written = if batch.num_rows() == 0 {
            Ok(())
        } else {
            file.write(&batch).and_then(|()| file.flush())
        };
        written.map_err(|error| write_problem("the output", error))
    }
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<(), Error> {
        let words = words(document);
        let tags = tags(self.scheme, &words, entities);
        let numbers = self.names.numbers(&tags, self.scheme).map_err(|message| {
            Error::new(ErrorKind::Document, format!("document '{}': {message}", document.id))
        })?;
        let Rows { count, ids, texts: row_texts, tokens, tags } = &mut self.rows;
        *count += 1;
        ids.append_value(&document.id);
        row_texts.append_value(&document.text);
        texts(document, &words).iter().for_each(|word| tokens.values().append_value(word));
        tokens.append(true);
        tags.values().append_slice(&numbers);
        tags.append(true);
        self.bytes += document.text.len();
        if self.rows.count >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    /// Rows are written in groups; a reader sees none before the file is complete.
    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        self.write_group()?;
        let described = described(self.names.list());
        let file = self.file()?;
        file.append_key_value_metadata(KeyValue::new(METADATA.to_owned(), described));
        let file = self.file.take().expect("a file is open until it is finished");
        file.into_inner().map_err(|error| write_problem("the output", error))?.finish()
    }
}

fn schema() -> Schema {
    let list = |kind| DataType::List(Arc::new(Field::new_list_field(kind, true)));
    Schema::new(vec![
        Field::new(ID, DataType::Utf8, true),
        Field::new(TEXT, DataType::Utf8, true),
        Field::new(TOKENS, list(DataType::Utf8), true),
        Field::new(TAGS[0], list(DataType::Int64), true),
    ])
}

/// What `datasets` wants to know of the columns.
fn described(names: &[String]) -> String {
    let string = json!({ "dtype": "string", "_type": "Value" });
    let tag = json!({ "names": names, "_type": "ClassLabel" });
    let features = json!({
        ID: string,
        TEXT: string,
        TOKENS: { "feature": string, "_type": "Sequence" },
        TAGS[0]: { "feature": tag, "_type": "Sequence" },
    });
    json!({ "info": { "features": features } }).to_string()
}
