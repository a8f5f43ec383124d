//! What SpanMarker says of the candidate spans of documents, and which of them it takes.

use std::ops::Range;

use rayon::prelude::*;

use super::SpanMarker;
use super::sample::Sample;
use super::sentence::Sentence;
use crate::error::{Error, ErrorKind, Result};
use crate::source::Found;
use crate::source::model::arch::Mode;
use crate::source::model::batch::answers;
use crate::source::model::device::in_turn;
use crate::source::model::tags::{likeliest, shares};
use crate::span::Mention;
use crate::text::{Document, Span, layout};

/// A stretch of words that may be an entity, and how likely each label is for it.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) words: Range<usize>,
    /// The probability of every label, by id.
    pub(super) shares: Vec<f32>,
}

impl Judged {
    /// The likeliest label, by id, and its probability.
    pub(super) fn best(&self) -> (usize, f32) {
        let label = likeliest(&self.shares);
        (label, self.shares[label])
    }
}

/// The sentences of a document, and of each its candidates as far as they fit, by their first word and then
/// by their last.
pub(super) struct Work {
    pub(super) sentences: Vec<Sentence>,
    pub(super) judged: Vec<Vec<Judged>>,
}

/// A sample of a sentence of a document.
struct Task {
    document: usize,
    sentence: usize,
    sample: Sample,
}

impl SpanMarker {
    /// The sentences of each document and what the model says of their candidates.
    pub(super) fn work(&self, documents: &[&Document]) -> Vec<Result<Work>> {
        let read = |document: &&Document| {
            let sentences = self.sentences(document)?;
            let samples = (0..sentences.len()).map(|number| self.samples(&sentences, number));
            Ok((samples.collect::<Vec<_>>(), sentences))
        };
        let read: Vec<Result<_>> = documents.par_iter().map(read).collect();
        let mut tasks = Vec::new();
        let mut work: Vec<Result<Work>> = Vec::new();
        for (document, read) in read.into_iter().enumerate() {
            work.push(read.map(|(samples, sentences)| {
                for (sentence, samples) in samples.into_iter().enumerate() {
                    tasks.extend(samples.into_iter().map(|sample| Task {
                        document,
                        sentence,
                        sample,
                    }));
                }
                Work { judged: vec![Vec::new(); sentences.len()], sentences }
            }));
        }
        self.judge(&tasks, &mut work);
        for judged in work.iter_mut().flatten().flat_map(|work| &mut work.judged) {
            judged.sort_by_key(|judged| (judged.words.start, judged.words.end));
        }
        work
    }

    /// Puts what the model says of the tasks where they belong.
    fn judge(&self, tasks: &[Task], work: &mut [Result<Work>]) {
        let lengths: Vec<usize> = tasks.iter().map(|task| task.sample.len()).collect();
        let budget = self.config.batch_tokens;
        let answers = answers(&lengths, budget, &self.device, |members| {
            let samples: Vec<&Sample> = members.iter().map(|task| &tasks[*task].sample).collect();
            let logits = in_turn(&self.device, || {
                let logits = self.network.logits(&samples, &self.device, Mode::Inference)?;
                logits.flatten_all()?.to_vec1::<f32>()
            })?;
            let mut rows = logits.chunks_exact(self.labels.len()).map(shares);
            let of_sample =
                |sample: &&Sample| rows.by_ref().take(sample.candidates.len()).collect();
            Ok(samples.iter().map(of_sample).collect::<Vec<Vec<_>>>())
        });
        for (Task { document, sentence, sample }, answer) in tasks.iter().zip(answers) {
            match (&mut work[*document], answer) {
                (Ok(work), Ok(rows)) => {
                    let judged = sample.candidates.iter().cloned().zip(rows);
                    let judged = judged.map(|(words, shares)| Judged { words, shares });
                    work.judged[*sentence].extend(judged);
                }
                (Ok(_), Err(reason)) => {
                    let message = format!("the model failed: {reason}");
                    work[*document] = Err(Error::new(ErrorKind::Device, message));
                }
                (Err(_), _) => {}
            }
        }
    }

    /// The mentions of every label in a document.
    pub(super) fn proposals(&self, document: &Document, work: &Work) -> Vec<Mention> {
        let breaks = layout::row_breaks(&document.text);
        let mut mentions = Vec::new();
        for (sentence, judged) in work.sentences.iter().zip(&work.judged) {
            let is_open = |judged: &&Judged| {
                let span = sentence.span(&judged.words, &document.text);
                self.labels[judged.best().0].is_some()
                    && span.is_none_or(|span| !goes_over(span, &breaks))
            };
            let open: Vec<&Judged> = judged.iter().filter(is_open).collect();
            for taken in taken(open, sentence.words.len()) {
                let (label, score) = taken.best();
                let span = sentence.span(&taken.words, &document.text);
                if let (Some(span), Some(label)) = (span, self.labels[label].clone()) {
                    mentions.push(Mention { span, label, score, origin: self.origin.clone() });
                }
            }
        }
        mentions
    }

    /// What is found in a document.
    pub(super) fn found(&self, document: &Document, work: &Work) -> Found {
        let wanted = self.config.proposed(&self.known);
        let mut mentions = self.proposals(document, work);
        mentions.retain(|mention| wanted.contains(&mention.label));
        Found { mentions, ..Found::default() }
    }
}

/// Whether a row of a table or a list ends inside a span.
pub(super) fn goes_over(span: Span, row_breaks: &[usize]) -> bool {
    let next = row_breaks.partition_point(|&at| at < span.start);
    row_breaks.get(next).is_some_and(|&at| at < span.end)
}

/// Those that are taken where the likeliest is taken first, and what overlaps one that is taken never; of
/// equals the one that comes first. They are ordered by their words.
fn taken(mut judged: Vec<&Judged>, words: usize) -> Vec<&Judged> {
    judged.sort_by(|a, b| b.best().1.total_cmp(&a.best().1));
    let mut is_taken = vec![false; words];
    judged.retain(|judged| {
        let words = &mut is_taken[judged.words.clone()];
        let is_free = !words.contains(&true);
        if is_free {
            words.fill(true);
        }
        is_free
    });
    judged.sort_by_key(|judged| judged.words.start);
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_is_taken_first_and_of_equals_the_first() {
        let judged = |words: Range<usize>, p: f32| Judged { words, shares: vec![1.0 - p, p] };
        let all = [judged(0..2, 0.7), judged(1..2, 0.9), judged(2..3, 0.6), judged(2..4, 0.6)];
        let taken = taken(all.iter().collect(), 4);
        assert_eq!(taken.iter().map(|j| j.words.clone()).collect::<Vec<_>>(), [1..2, 2..3]);
    }

    #[test]
    fn a_span_goes_over_a_break_inside_it() {
        assert!(goes_over(Span::new(2, 6), &[1, 4, 9]));
        assert!(!goes_over(Span::new(2, 4), &[1, 4, 9]));
        assert!(!goes_over(Span::new(5, 9), &[1, 4, 9]));
    }
}
