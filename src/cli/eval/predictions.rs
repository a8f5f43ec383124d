//! Predictions from files, matched with the documents of gold: in order, by text and, where both sides
//! state ids, by id.

use crate::cli::print::on_one_line;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::{EntityReport, LetterPlace, Mode, SequenceCounts};
use crate::io::{DocumentStream, InputFile, LabelNames, ReadOptions, conll};
use crate::pipeline::Tagged;
use crate::span::{Entity, Label};
use crate::text::{Annotation, Document};

/// Of texts that differ, so many code points are shown.
const SHOWN: usize = 30;

/// What is done to predictions when they have been read, as to gold.
pub(super) struct Reading {
    /// What their labels are to be called.
    pub(super) names: LabelNames,
    /// Whether texts become lower case.
    pub(super) lowercase: bool,
}

impl Reading {
    /// Does it to a document.
    pub(super) fn apply(&self, document: &mut Document) {
        self.names.rename(document);
        if self.lowercase {
            document.lowercase();
        }
    }
}

/// Tags of gold and predictions, which are scored as sequences.
pub(super) struct TagSequences {
    counts: SequenceCounts,
    letter: LetterPlace,
    /// The columns of gold and predictions, from 1.
    columns: [Option<usize>; 2],
}

impl TagSequences {
    /// Nothing counted yet.
    pub(super) fn new(mode: Mode, letter: LetterPlace, columns: [Option<usize>; 2]) -> Self {
        Self { counts: SequenceCounts::new(mode, letter), letter, columns }
    }

    /// Counts a document.
    ///
    /// # Errors
    /// Where one side has no tags, or some that the scheme does not know.
    fn add(&mut self, gold: &Document, predicted: &Document) -> Result<()> {
        let [of_gold, of_predicted] = self.columns;
        let sides = [("gold", gold, of_gold), ("the predictions", predicted, of_predicted)];
        let [gold_tags, predicted_tags] = sides.map(|(side, document, column)| {
            conll::tags(document, column, self.letter).ok_or_else(|| {
                let id = &document.id;
                let message =
                    format!("document '{id}' has no tags in {side}, which `--tags` is about");
                Error::new(ErrorKind::Document, message)
            })
        });
        self.counts.add(&gold_tags?, &predicted_tags?).map_err(|error| {
            let message = format!("document '{}': {error}", gold.id);
            let named = Error::new(error.kind(), message);
            match error.help_text() {
                Some(help) => named.with_help(help),
                None => named,
            }
        })
    }
}

/// The documents of files of predictions, in order.
pub(super) struct Predictions {
    stream: DocumentStream,
    /// The names of the files of gold, which begin the ids that it does not state.
    gold_files: Vec<String>,
    files: Vec<String>,
    reading: Reading,
    sequences: Option<TagSequences>,
    /// How many were taken.
    taken: usize,
}

impl Predictions {
    /// The predictions in `files` for the documents of the files of `gold`.
    pub(super) fn new(
        gold: &[InputFile],
        files: Vec<InputFile>,
        options: ReadOptions,
        reading: Reading,
        sequences: Option<TagSequences>,
    ) -> Self {
        let names = |files: &[InputFile]| files.iter().map(InputFile::name).collect();
        Self {
            gold_files: names(gold),
            files: names(&files),
            reading,
            sequences,
            stream: DocumentStream::new(files, options),
            taken: 0,
        }
    }

    /// What was predicted for the next documents.
    ///
    /// # Errors
    /// Where they cannot be read, or are not those of `documents`; the first that differs is named.
    pub(super) fn of(&mut self, documents: &[Document]) -> Result<Vec<Result<Tagged>>> {
        documents.iter().map(|document| self.of_one(document).map(Ok)).collect()
    }

    fn of_one(&mut self, gold: &Document) -> Result<Tagged> {
        let Some(mut predicted) = self.stream.next().transpose()? else {
            let id = &gold.id;
            return Err(different(format!("the predictions end before document '{id}' of gold")));
        };
        self.reading.apply(&mut predicted);
        self.taken += 1;
        let number = self.taken;
        let is_stated =
            is_stated(&gold.id, &self.gold_files) && is_stated(&predicted.id, &self.files);
        if is_stated && gold.id != predicted.id {
            return Err(different(format!(
                "document {number} is '{}' in gold, but '{}' in the predictions",
                gold.id, predicted.id
            )));
        }
        if gold.text != predicted.text {
            let same = gold.text.chars().zip(predicted.text.chars());
            let place = same.take_while(|(gold, predicted)| gold == predicted).count();
            let shown = |text: &str| -> String {
                on_one_line(&text.chars().skip(place).take(SHOWN).collect::<String>())
            };
            return Err(different(format!(
                "document {number} ('{}' in gold, '{}' in the predictions) has two texts; from character \
                 {} on gold has '{}', the predictions '{}'",
                gold.id,
                predicted.id,
                place + 1,
                shown(&gold.text),
                shown(&predicted.text)
            )));
        }
        if let Some(sequences) = &mut self.sequences {
            sequences.add(gold, &predicted)?;
        }
        let entities = predicted.gold.unwrap_or_default().into_iter().map(entity).collect();
        Ok(Tagged { entities, warnings: Vec::new() })
    }

    /// The scores of the tags, where they are asked for.
    pub(super) fn sequences(&self) -> Option<EntityReport> {
        self.sequences.as_ref().map(|sequences| sequences.counts.report())
    }

    /// Looks whether all were taken.
    ///
    /// # Errors
    /// Where one is left, or cannot be read.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.stream.next().transpose()? {
            None => Ok(()),
            Some(left) => {
                let id = left.id;
                Err(different(format!("gold ends before document '{id}' of the predictions")))
            }
        }
    }
}

/// Whether an id is the input's own: what the input does not name is called `FILE:NUMBER`.
fn is_stated(id: &str, files: &[String]) -> bool {
    let number =
        |file: &String| id.strip_prefix(file.as_str()).and_then(|rest| rest.strip_prefix(':'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    !files.iter().filter_map(number).any(is_number)
}

fn entity(Annotation { span, label }: Annotation) -> Entity {
    let label = Label::new(&label);
    Entity { span, label, score: 1.0, origins: Vec::new(), overruled: Vec::new() }
}

fn different(message: String) -> Error {
    Error::new(ErrorKind::Document, message)
        .with_help("predictions are read in the order of gold; each document must be there once")
}
