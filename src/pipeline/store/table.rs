//! What a source found in some documents as columns, and back. One row a document:
//!
//! | column | type | what |
//! |---|---|---|
//! | `mentions` | list of `start`, `length` (bytes), `label`, `score`, `detail` | what the source proposes |
//! | `words` | list of `gap` (after the word before), `length` (bytes) | the words its model saw; null where they are the given tokens |
//! | `parts` | list of numbers | [`Evidence::parts`] |

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int32Type, UInt16Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float32Array, Int32Array, ListArray, RecordBatch,
    StringArray, StructArray, UInt16Array, UInt32Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};

use crate::source::Found;
use crate::span::{Evidence, Label, Mention, Origin};
use crate::text::{Document, Span};

/// A row group, which is read at once, is closed when its documents have so many bytes, or are so many. It
/// depends on nothing that a source finds, so that all sources close theirs at the same documents.
const BYTES: usize = 1 << 19;
const DOCUMENTS: usize = 1 << 13;

/// The column that only grows within a document: the difference to the value before takes little room.
pub(super) const GROWING: &[&str] = &["mentions", "list", "item", "start"];

/// The column of small numbers: their high bytes, kept together, take little room.
pub(super) const SMALL: &[&str] = &["parts", "list", "item"];

/// What is to be written, column by column.
#[derive(Default)]
pub(super) struct Columns {
    bytes: usize,
    mentions: Spans,
    labels: Names,
    scores: Vec<f32>,
    details: Names,
    words: Spans,
    are_words_written: Vec<bool>,
    part_counts: Vec<usize>,
    parts: Vec<u16>,
}

/// Lists of spans, one for each document: where they start, or how far from the one before; and how long
/// they are.
#[derive(Default)]
struct Spans {
    counts: Vec<usize>,
    starts: Vec<u32>,
    lengths: Vec<u32>,
}

impl Spans {
    fn push(&mut self, span: Span, from: usize) {
        self.starts.push((span.start - from) as u32);
        self.lengths.push((span.end - span.start) as u32);
    }
}

/// Strings, each kept once.
#[derive(Default)]
struct Names {
    numbers: BTreeMap<Arc<str>, i32>,
    names: Vec<Arc<str>>,
    rows: Vec<i32>,
}

impl Names {
    fn push(&mut self, name: &Arc<str>) {
        let next = self.names.len() as i32;
        let number = *self.numbers.entry(name.clone()).or_insert(next);
        if number == next {
            self.names.push(name.clone());
        }
        self.rows.push(number);
    }

    fn array(self) -> ArrayRef {
        let names = StringArray::from_iter_values(self.names);
        Arc::new(DictionaryArray::new(Int32Array::from(self.rows), Arc::new(names)))
    }
}

impl Columns {
    /// Adds what was found in a document of less than 4 GiB.
    pub(super) fn push(&mut self, document: &Document, found: &Found) {
        self.bytes += document.text.len();
        self.mentions.counts.push(found.mentions.len());
        for Mention { span, label, score, origin } in &found.mentions {
            self.mentions.push(*span, 0);
            self.labels.push(&label.as_str().into());
            self.scores.push(*score);
            self.details.push(&origin.detail);
        }
        let (words, parts) = match &found.evidence {
            Some(evidence) => (evidence.words(), evidence.parts()),
            None => (&[][..], &[][..]),
        };
        let is_given = document.token_spans().is_some_and(|tokens| tokens == words);
        self.are_words_written.push(!is_given);
        let words = if is_given { &[] } else { words };
        self.words.counts.push(words.len());
        let mut end = 0;
        for word in words {
            self.words.push(*word, end);
            end = word.end;
        }
        self.part_counts.push(parts.len());
        self.parts.extend(parts);
    }

    /// Whether there is no document.
    pub(super) fn is_empty(&self) -> bool {
        self.part_counts.is_empty()
    }

    /// Whether it is time to write them.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BYTES || self.part_counts.len() >= DOCUMENTS
    }

    pub(super) fn batch(self) -> Result<RecordBatch, ArrowError> {
        let numbers = |list: Vec<u32>| -> ArrayRef { Arc::new(UInt32Array::from(list)) };
        let mentions = vec![
            numbers(self.mentions.starts),
            numbers(self.mentions.lengths),
            self.labels.array(),
            Arc::new(Float32Array::from(self.scores)),
            self.details.array(),
        ];
        let mentions = StructArray::try_new(mention_fields(), mentions, None)?;
        let words = vec![numbers(self.words.starts), numbers(self.words.lengths)];
        let words = StructArray::try_new(word_fields(), words, None)?;
        let are_there = NullBuffer::from(self.are_words_written);
        let columns = vec![
            lists(&self.mentions.counts, Arc::new(mentions), None)?,
            lists(&self.words.counts, Arc::new(words), Some(are_there))?,
            lists(&self.part_counts, Arc::new(UInt16Array::from(self.parts)), None)?,
        ];
        RecordBatch::try_new(schema(), columns)
    }
}

fn lists(
    counts: &[usize],
    items: ArrayRef,
    are_there: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let item = Arc::new(Field::new("item", items.data_type().clone(), false));
    let offsets = OffsetBuffer::from_lengths(counts.iter().copied());
    Ok(Arc::new(ListArray::try_new(item, offsets, items, are_there)?))
}

fn fields(fields: &[(&str, DataType)]) -> Fields {
    fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), false)).collect()
}

fn name_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn mention_fields() -> Fields {
    fields(&[
        ("start", DataType::UInt32),
        ("length", DataType::UInt32),
        ("label", name_type()),
        ("score", DataType::Float32),
        ("detail", name_type()),
    ])
}

fn word_fields() -> Fields {
    fields(&[("gap", DataType::UInt32), ("length", DataType::UInt32)])
}

/// The columns of a file.
pub(super) fn schema() -> SchemaRef {
    let list = |name, item, is_nullable| {
        let item = Field::new("item", item, false);
        Field::new(name, DataType::List(Arc::new(item)), is_nullable)
    };
    Arc::new(Schema::new(vec![
        list("mentions", DataType::Struct(mention_fields()), false),
        list("words", DataType::Struct(word_fields()), true),
        list("parts", DataType::UInt16, false),
    ]))
}

/// Rows that were read.
pub(super) struct Rows {
    mentions: List,
    starts: UInt32Array,
    lengths: UInt32Array,
    labels: Vec<Label>,
    label_numbers: Int32Array,
    scores: Float32Array,
    details: Vec<Arc<str>>,
    detail_numbers: Int32Array,
    words: List,
    are_words_written: Option<NullBuffer>,
    word_gaps: UInt32Array,
    word_lengths: UInt32Array,
    parts: List,
    part_values: UInt16Array,
}

/// Where the items of each row begin.
struct List(Vec<usize>);

impl List {
    fn of(&self, row: usize) -> Option<std::ops::Range<usize>> {
        Some(*self.0.get(row)?..*self.0.get(row + 1)?)
    }
}

impl Rows {
    /// The rows of a batch; `None` where it has not the columns of [`schema`].
    pub(super) fn new(batch: &RecordBatch) -> Option<Self> {
        if batch.schema().fields() != schema().fields() {
            return None;
        }
        let list = |column: usize| {
            let list = batch.column(column).as_list::<i32>();
            let offsets = list.offsets().iter().map(|&offset| offset as usize).collect();
            (List(offsets), list.values().clone())
        };
        let ((mentions, mention), (words, word), (parts, part)) = (list(0), list(1), list(2));
        let (mention, word) = (mention.as_struct(), word.as_struct());
        let numbers = |items: &StructArray, column: usize| {
            items.column(column).as_primitive::<UInt32Type>().clone()
        };
        let named = |column| {
            let names = mention.column(column).as_dictionary::<Int32Type>();
            let values = names.values().as_string::<i32>();
            let values: Vec<Arc<str>> = values.iter().map(|v| v.unwrap_or("").into()).collect();
            (values, names.keys().clone())
        };
        let ((labels, label_numbers), (details, detail_numbers)) = (named(2), named(4));
        Some(Self {
            starts: numbers(mention, 0),
            lengths: numbers(mention, 1),
            labels: labels.iter().map(|label| Label::new(label)).collect(),
            label_numbers,
            scores: mention.column(3).as_primitive::<Float32Type>().clone(),
            details,
            detail_numbers,
            mentions,
            word_gaps: numbers(word, 0),
            word_lengths: numbers(word, 1),
            are_words_written: batch.column(1).nulls().cloned(),
            words,
            part_values: part.as_primitive::<UInt16Type>().clone(),
            parts,
        })
    }

    /// What the source `name` found in `document`, which is row `row`; `evidence` are the labels of its
    /// model, where it is one. `None` where the row does not fit the text.
    pub(super) fn found(
        &self,
        row: usize,
        name: &Arc<str>,
        evidence: Option<&[Label]>,
        document: &Document,
    ) -> Option<Found> {
        let text = &document.text;
        let span = |start: usize, length: u32| {
            let span = Span::new(start, start + length.max(1) as usize);
            span.slice(text).map(|_| span)
        };
        let mention = |item: usize| {
            let score = self.scores.value(item);
            let label = self.labels.get(self.label_numbers.value(item) as usize)?;
            let detail = self.details.get(self.detail_numbers.value(item) as usize)?;
            Some(Mention {
                span: span(self.starts.value(item) as usize, self.lengths.value(item))?,
                label: label.clone(),
                score: (0.0..=1.0).contains(&score).then_some(score)?,
                origin: Origin::new(name, detail.clone()),
            })
        };
        let mentions = self.mentions.of(row)?.map(mention).collect::<Option<Vec<_>>>()?;
        let Some(labels) = evidence else {
            return Some(Found { mentions, ..Found::default() });
        };
        let are_written = self.are_words_written.as_ref().is_none_or(|rows| rows.is_valid(row));
        let words = if are_written {
            let mut end = 0;
            let word = |item: usize| {
                let word =
                    span(end + self.word_gaps.value(item) as usize, self.word_lengths.value(item))?;
                end = word.end;
                Some(word)
            };
            self.words.of(row)?.map(word).collect::<Option<Vec<_>>>()?
        } else {
            document.token_spans()?
        };
        let parts = self.part_values.values().get(self.parts.of(row)?)?.to_vec();
        if parts.len() != words.len() * 2 * labels.len() {
            return None;
        }
        let evidence = Evidence::new(name.clone(), labels.to_vec(), words, parts);
        Some(Found { mentions, evidence: Some(evidence), ..Found::default() })
    }
}
