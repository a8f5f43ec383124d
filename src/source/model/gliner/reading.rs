//! Documents become units of words, units become windows beside groups of labels, windows become batches; the
//! logits are put together again as those of units.

use std::ops::Range;

use candle_core::Result;
use rayon::prelude::*;

use super::Gliner;
use super::prompts::Group;
use super::settings::SpanMode;
use super::words::words;
use crate::error::{self, Error, ErrorKind};
use crate::source::model::arch::Mode;
use crate::source::model::batch::{Batch, each_batch, plan};
use crate::source::model::config::{Context, WordSource};
use crate::source::model::device::in_turn;
use crate::source::model::tokens::Unit;
use crate::source::model::word_tagger::{stretches, words_by};
use crate::text::window::{Window, windows_of_words};
use crate::text::{Document, segment};

/// The units of one document, and the logits of their words once they are known.
pub(super) struct Work {
    pub(super) units: Vec<Unit>,
    /// Of each unit those of every word, label and part.
    pub(super) logits: Vec<Vec<f32>>,
    failed: Option<String>,
}

/// What the model reads at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The sub-words, special tokens included.
    pub ids: Vec<u32>,
    /// Where the sub-words of the text stand.
    pub text: Range<usize>,
    /// Where those stand that represent the words of the window.
    pub words: Vec<u32>,
    /// Where those stand that represent the labels.
    pub places: Vec<u32>,
    /// The labels, by number.
    pub labels: Vec<usize>,
    /// Which of the unit's words it holds.
    pub window: Window,
}

/// One window of one unit of one document, beside some of the labels.
struct Sequence<'g> {
    document: usize,
    unit: usize,
    window: Window,
    group: &'g Group,
}

impl Gliner {
    /// The stretches of a document that the model reads each on its own, cut into words; none is empty.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn units(&self, document: &Document) -> error::Result<Vec<Unit>> {
        let context = self.config.context.unwrap_or(Context::Document);
        let cut = match self.config.words {
            Some(WordSource::Text) => segment::words,
            _ => words,
        };
        let text = &document.text;
        let units = match document.token_spans() {
            Some(tokens) => vec![tokens],
            None => stretches(text, context).into_iter().map(|s| words_by(text, s, cut)).collect(),
        };
        let units = units.into_iter().filter(|words| !words.is_empty());
        units.map(|words| self.sub_words.of_words(text, words)).collect()
    }

    /// The logits of a document: of each unit (see [`Gliner::units`]) those of every word, label and part, where
    /// the parts are the widths of the spans that the word begins, or whether it begins, ends and is inside an
    /// entity. Minus infinity where a span ends behind the unit.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(&self, document: &Document) -> error::Result<Vec<Vec<f32>>> {
        let work = self.work(&[document]).pop().expect("one document, one answer")?;
        Ok(work.logits)
    }

    /// The units of each document and their logits.
    pub(super) fn work(&self, documents: &[&Document]) -> Vec<error::Result<Work>> {
        let width = self.labels.len() * self.network.parts();
        let units: Vec<error::Result<Vec<Unit>>> =
            documents.par_iter().map(|document| self.units(document)).collect();
        let mut failures = Vec::with_capacity(units.len());
        let mut work = Vec::with_capacity(units.len());
        for units in units {
            let (units, failure) = match units {
                Ok(units) => (units, None),
                Err(error) => (Vec::new(), Some(error)),
            };
            let none = |unit: &Unit| vec![f32::NEG_INFINITY; unit.words.len() * width];
            work.push(Work { logits: units.iter().map(none).collect(), units, failed: None });
            failures.push(failure);
        }
        self.compute(&mut work);
        let failed = |e| Error::new(ErrorKind::Device, format!("the model failed: {e}"));
        work.into_iter()
            .zip(failures)
            .map(|(mut work, failure)| match (failure, work.failed.take()) {
                (Some(error), _) => Err(error),
                (None, Some(reason)) => Err(failed(reason)),
                (None, None) => Ok(work),
            })
            .collect()
    }

    /// How many sub-words are left for a text beside labels of so many.
    fn room(&self, of_labels: usize) -> usize {
        let specials = self.sub_words.before.len() + self.sub_words.after.len();
        self.longest.saturating_sub(specials + of_labels)
    }

    /// The windows through which words of so many sub-words go beside labels of so many.
    fn windows(&self, sizes: &[usize], of_labels: usize) -> Vec<Window> {
        let room = self.room(of_labels);
        let overlap = self.config.overlap.min(room / 2);
        windows_of_words(sizes, room, self.settings.max_words, overlap)
    }

    /// Whether words of so many sub-words can be read at once beside labels of so many.
    fn fits(&self, sizes: &[usize], of_labels: usize) -> bool {
        sizes.len() <= self.settings.max_words
            && sizes.iter().sum::<usize>() <= self.room(of_labels)
    }

    /// The sequences of a unit whose words have so many sub-words.
    fn sequences_of(
        &self,
        (document, unit): (usize, usize),
        sizes: &[usize],
    ) -> impl Iterator<Item = Sequence<'_>> {
        let fits = self.fits(sizes, self.whole.pieces.len());
        let groups = if fits { std::slice::from_ref(&self.whole) } else { &self.groups };
        groups.iter().flat_map(move |group| {
            let windows = self.windows(sizes, group.pieces.len());
            windows.into_iter().map(move |window| Sequence { document, unit, window, group })
        })
    }

    /// What the model reads of a unit where it is asked for these of its labels, by number: a few rows where
    /// not all fits in one. With `has_others`, texts of many windows leave room for the prompts of other labels: all of
    /// them, or half of what is read at once.
    pub fn rows(&self, unit: &Unit, labels: &[usize], has_others: bool) -> Vec<Row> {
        let sizes = sizes(unit);
        let reserved = match has_others {
            true => self.whole.pieces.len().min(self.room_for_labels()),
            false => 0,
        };
        let taken = |group: &Group| group.pieces.len().max(reserved);
        let whole = self.prompts.groups(labels, usize::MAX);
        let whole = whole.filter(|groups| self.fits(&sizes, taken(&groups[0])));
        let groups = whole.or_else(|| self.prompts.groups(labels, self.room_for_labels()));
        let mut rows = Vec::new();
        for group in groups.unwrap_or_default() {
            for window in self.windows(&sizes, taken(&group)) {
                let (ids, words) = self.row(unit, &window, &group);
                let places = self.places(&group);
                let text = self.text(&group)..ids.len() - self.sub_words.after.len();
                rows.push(Row { ids, text, words, places, labels: group.labels.clone(), window });
            }
        }
        rows
    }

    /// What the model reads where it is asked for these of its labels, by number, of a text of these sub-words: all
    /// sub-words, where the labels are represented, and where the text begins; `None` where it is too long.
    pub fn beside(&self, labels: &[usize], text: &[u32]) -> Option<(Vec<u32>, Vec<u32>, usize)> {
        let group = self.prompts.group(labels);
        let ids = self.around(&group, text);
        (ids.len() <= self.longest).then(|| (ids, self.places(&group), self.text(&group)))
    }

    /// Where in a sequence the text begins.
    fn text(&self, group: &Group) -> usize {
        self.sub_words.before.len() + group.pieces.len()
    }

    /// The sub-words of a text beside a group of labels, special tokens included.
    fn around(&self, group: &Group, text: &[u32]) -> Vec<u32> {
        [&self.sub_words.before[..], &group.pieces, text, &self.sub_words.after].concat()
    }

    /// Where in a sequence the labels of a group are represented.
    fn places(&self, group: &Group) -> Vec<u32> {
        let before = self.sub_words.before.len() as u32;
        group.places.iter().map(|place| place + before).collect()
    }

    fn compute(&self, work: &mut [Work]) {
        let mut sequences = Vec::new();
        for (document, one) in work.iter().enumerate() {
            for (number, unit) in one.units.iter().enumerate() {
                sequences.extend(self.sequences_of((document, number), &sizes(unit)));
            }
        }
        // The rows of a batch are asked for the same labels.
        sequences.sort_by(|a, b| a.group.labels.cmp(&b.group.labels));
        let mut batches: Vec<Vec<&Sequence<'_>>> = Vec::new();
        for same in sequences.chunk_by(|a, b| a.group.labels == b.group.labels) {
            let length = |sequence: &Sequence<'_>| {
                let unit = &work[sequence.document].units[sequence.unit];
                let words = sequence.window.words.clone();
                words.map(|word| unit.pieces(word).len()).sum::<usize>()
                    + sequence.group.pieces.len()
            };
            let lengths: Vec<usize> = same.iter().map(length).collect();
            let (order, ranges) = plan(&lengths, self.config.batch_tokens);
            let members =
                |range: Range<usize>| order[range].iter().map(|number| &same[*number]).collect();
            batches.extend(ranges.into_iter().map(members));
        }
        let run = |members: &Vec<&Sequence<'_>>| self.answer(work, members);
        let answers = each_batch(&self.device, &batches, run);
        let parts = self.network.parts();
        for (members, answer) in batches.into_iter().zip(answers) {
            match answer {
                Ok(rows) => {
                    for (sequence, row) in members.into_iter().zip(rows) {
                        let logits = &mut work[sequence.document].logits[sequence.unit];
                        let labels = &sequence.group.labels;
                        let width = labels.len() * parts;
                        let rows = row.chunks_exact(width);
                        for (word, row) in sequence.window.keep.clone().zip(rows) {
                            for (label, row) in labels.iter().zip(row.chunks_exact(parts)) {
                                let at = (word * self.labels.len() + label) * parts;
                                logits[at..at + parts].copy_from_slice(row);
                            }
                        }
                    }
                }
                Err(error) => {
                    for sequence in members {
                        work[sequence.document].failed = Some(error.to_string());
                    }
                }
            }
        }
    }

    /// The logits of the kept words of some sequences of one group of labels: of every word, label of the group
    /// and part.
    fn answer(&self, work: &[Work], sequences: &[&Sequence<'_>]) -> Result<Vec<Vec<f32>>> {
        let mut ids = Vec::with_capacity(sequences.len());
        let mut words = Vec::with_capacity(sequences.len());
        let mut labels = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            let unit = &work[sequence.document].units[sequence.unit];
            let (row, firsts) = self.row(unit, &sequence.window, sequence.group);
            ids.push(row);
            words.push(firsts);
            labels.push(self.places(sequence.group));
        }
        let logits = in_turn(&self.device, || {
            let batch = Batch::new(&ids, self.sub_words.pad, &self.device)?;
            let logits = self.network.logits(&batch, &words, &labels, Mode::Inference)?;
            logits.flatten_from(1)?.to_vec2::<f32>()
        })?;
        let widths = self.network.parts();
        let has_widths = self.settings.span_mode != SpanMode::TokenLevel;
        let kept = |(sequence, mut logits): (&&Sequence<'_>, Vec<f32>)| {
            let Window { words, keep } = &sequence.window;
            let width = sequence.group.labels.len() * widths;
            logits.truncate(words.len() * width);
            if has_widths {
                for (word, row) in logits.chunks_exact_mut(width).enumerate() {
                    for spans in row.chunks_exact_mut(widths) {
                        let beyond = spans.iter_mut().skip(words.len() - word);
                        beyond.for_each(|logit| *logit = f32::NEG_INFINITY);
                    }
                }
            }
            let first = keep.start - words.start;
            logits[first * width..(first + keep.len()) * width].to_vec()
        };
        Ok(sequences.iter().zip(logits).map(kept).collect())
    }

    /// The sub-words of a window beside a group of labels, special tokens included, and where those stand that
    /// represent its words. A word longer than what is left beside the labels is cut to it.
    fn row(&self, unit: &Unit, window: &Window, group: &Group) -> (Vec<u32>, Vec<u32>) {
        let (room, begin) = (self.room(group.pieces.len()), self.text(group));
        let mut text = Vec::new();
        let mut firsts = Vec::with_capacity(window.words.len());
        for word in window.words.clone() {
            let pieces = unit.pieces(word);
            firsts.push((begin + text.len()) as u32);
            text.extend(&pieces[..pieces.len().min(room)]);
        }
        (self.around(group, &text), firsts)
    }
}

/// How many sub-words each word of a unit has.
fn sizes(unit: &Unit) -> Vec<usize> {
    (0..unit.words.len()).map(|word| unit.pieces(word).len()).collect()
}
