//! What all models that give a tag to each word do alike, whatever computes the tags: documents become units
//! of words, units become windows, windows become batches; the answers are put together again as mentions and
//! evidence.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Device;
use rayon::prelude::*;

use super::batch;
use super::config::Context;
use super::head::{Chain, Constraint};
use super::tags::TagSet;
use crate::cache::{Cache, Sorted};
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Found, Source};
use crate::span::{Evidence, Label, Mention, Origin};
use crate::text::window::Window;
use crate::text::{Document, Span, layout, segment};

/// A probability of a tag below this counts as this, so that it has a logarithm.
const LEAST: f64 = 1e-30;

/// A model that gives a tag to each word.
pub(super) trait WordTagger: Source {
    /// A stretch of words that it reads on its own.
    type Unit: AsRef<[Span]> + Send + Sync;

    /// What its mentions say of where they come from.
    fn origin(&self) -> &Origin;

    /// Its tags.
    fn tag_set(&self) -> &TagSet;

    /// The device it runs on.
    fn runs_on(&self) -> &Device;

    /// How much a batch holds, in the unit of [`WordTagger::windows`].
    fn budget(&self) -> usize;

    /// The units of a document; none is empty.
    ///
    /// # Errors
    /// Where a tokenizer fails.
    fn cut(&self, document: &Document) -> Result<Vec<Self::Unit>>;

    /// The windows through which a unit goes, and how long each is.
    fn windows(&self, unit: &Self::Unit) -> Vec<(Window, usize)>;

    /// What it says of the kept words of some sequences of `documents`, a batch.
    ///
    /// # Errors
    /// Where the device fails.
    fn answer(
        &self,
        documents: &[(&Document, Work<Self::Unit>)],
        sequences: &[&Sequence],
    ) -> candle_core::Result<Vec<Answer>>;

    /// Where it keeps answers, and what one of them is kept by: all of a sequence that the answer depends on.
    /// `None` where it keeps none.
    fn kept_answers(&self) -> Option<(&KeptAnswers, SequenceKey<'_, Self::Unit>)> {
        None
    }

    /// The entities of one unit whose words have these tags, by id.
    fn decode(&self, tags: &[usize]) -> Vec<(Range<usize>, Label)> {
        self.tag_set().decode(tags)
    }
}

/// Answers by the sequences that they are about.
pub(super) type KeptAnswers = Cache<Box<[u32]>, Arc<Answer>>;

/// All of a window of a unit that decides the answer about it.
pub(super) type SequenceKey<'t, U> = Box<dyn Fn(&U, &Window) -> Box<[u32]> + Sync + 't>;

/// One window of one unit of one document.
pub(super) struct Sequence {
    pub(super) document: usize,
    pub(super) unit: usize,
    pub(super) window: Window,
}

/// What a model says of the kept words of a sequence.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The logits of every tag, row after row; of a CRF the logarithms of the tags' probabilities, whose
    /// softmax they are.
    pub(super) logits: Vec<f32>,
    /// The tag of each word, by id.
    pub(super) tags: Vec<usize>,
}

impl Answer {
    /// What a CRF says of the words at `places` of a sequence with these emissions: the tags of the likeliest
    /// path that `constraint` allows (see [`Chain::viterbi`]), and their probabilities over all paths.
    pub(super) fn of_chain(
        chain: &Chain,
        emissions: &[f32],
        constraint: &Constraint,
        is_word: impl Fn(usize) -> bool,
        places: impl Iterator<Item = usize>,
    ) -> Self {
        let width = chain.tags();
        let emissions: Vec<f64> = emissions.iter().copied().map(f64::from).collect();
        let path = chain.viterbi(&emissions, constraint, is_word);
        let marginals = chain.marginals(&emissions);
        let mut answer = Self::default();
        for place in places {
            let probabilities = &marginals[place * width..][..width];
            answer.logits.extend(probabilities.iter().map(|p| p.max(LEAST).ln() as f32));
            answer.tags.push(path[place]);
        }
        answer
    }
}

/// The units of one document, and the logits and tags of their words once they are known.
pub(super) struct Work<U> {
    pub(super) units: Vec<U>,
    pub(super) logits: Vec<Vec<f32>>,
    pub(super) tags: Vec<Vec<usize>>,
    failed: Option<Error>,
}

impl<U: AsRef<[Span]>> Work<U> {
    fn new(units: Result<Vec<U>>, width: usize) -> Self {
        let (units, failed) = match units {
            Ok(units) => (units, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let sizes = || units.iter().map(|unit| unit.as_ref().len());
        let logits = sizes().map(|words| vec![0.0; words * width]).collect();
        let tags = sizes().map(|words| vec![0; words]).collect();
        Self { logits, tags, units, failed }
    }
}

/// The units of each document and what the model answers about their words.
pub(super) fn work<T: WordTagger>(
    tagger: &T,
    documents: &[&Document],
) -> Vec<Result<Work<T::Unit>>> {
    let width = tagger.tag_set().count();
    let cut = |document: &&Document| Work::new(tagger.cut(document), width);
    let cut: Vec<_> = documents.par_iter().map(cut).collect();
    let mut work: Vec<_> = documents.iter().copied().zip(cut).collect();
    let mut sequences = Vec::new();
    let mut lengths = Vec::new();
    for (document, (_, one)) in work.iter().enumerate() {
        for (unit, words) in one.units.iter().enumerate() {
            for (window, length) in tagger.windows(words) {
                lengths.push(length);
                sequences.push(Sequence { document, unit, window });
            }
        }
    }
    let answers = distinct_answers(tagger, &work, &sequences, &lengths);
    for (Sequence { document, unit, window }, answer) in sequences.iter().zip(answers) {
        let (_, work) = &mut work[*document];
        let kept = window.keep.clone();
        match answer {
            Ok(answer) => {
                work.logits[*unit][kept.start * width..kept.end * width]
                    .copy_from_slice(&answer.logits);
                work.tags[*unit][kept].copy_from_slice(&answer.tags);
            }
            Err(reason) => {
                let message = format!("the model failed: {reason}");
                work.failed = Some(Error::new(ErrorKind::Device, message));
            }
        }
    }
    let result = |(_, mut work): (_, Work<T::Unit>)| work.failed.take().map_or(Ok(work), Err);
    work.into_iter().map(result).collect()
}

/// What the model answers about each sequence. About those that are the same it is asked once, and about those
/// whose answers it has kept not at all.
fn distinct_answers<T: WordTagger>(
    tagger: &T,
    work: &[(&Document, Work<T::Unit>)],
    sequences: &[Sequence],
    lengths: &[usize],
) -> Vec<std::result::Result<Arc<Answer>, String>> {
    let ask = |asked: &[usize]| {
        let lengths: Vec<usize> = asked.iter().map(|number| lengths[*number]).collect();
        let answers = batch::answers(&lengths, tagger.budget(), tagger.runs_on(), |members| {
            let members: Vec<&Sequence> = members.iter().map(|i| &sequences[asked[*i]]).collect();
            tagger.answer(work, &members)
        });
        answers.into_iter().map(|answer| answer.map(Arc::new))
    };
    let Some((kept, key)) = tagger.kept_answers().filter(|(kept, _)| kept.is_on()) else {
        return ask(&(0..sequences.len()).collect::<Vec<_>>()).collect();
    };
    let key = |Sequence { document, unit, window }: &Sequence| {
        key(&work[*document].1.units[*unit], window)
    };
    let keys: Vec<Box<[u32]>> = sequences.par_iter().map(key).collect();
    let questions: Vec<&[u32]> = keys.iter().map(|key| &**key).collect();
    let Sorted { known, asked, repeated, hashes } = kept.sort(&questions);
    let mut answers: Vec<Option<_>> = known.into_iter().map(|answer| answer.map(Ok)).collect();
    for (number, answer) in asked.iter().zip(ask(&asked)) {
        if let Ok(answer) = &answer {
            let key = keys[*number].clone();
            let bytes = size_of_val(&*key)
                + size_of_val(&*answer.logits)
                + size_of_val(&*answer.tags)
                + size_of::<Answer>();
            kept.put(hashes[*number], key, answer.clone(), bytes);
        }
        answers[*number] = Some(answer);
    }
    for (number, first) in repeated {
        answers[number] = answers[first].clone();
        kept.count_as_known();
    }
    answers.into_iter().map(|answer| answer.expect("each was asked or is known")).collect()
}

/// The mentions and the evidence of a document whose words have been answered for.
pub(super) fn found<T: WordTagger>(tagger: &T, document: &Document, work: &Work<T::Unit>) -> Found {
    let tags_of = tagger.tag_set();
    let mut words = Vec::new();
    let mut parts = Vec::new();
    let mut proposed: Vec<(Span, Label)> = Vec::new();
    let row_breaks = layout::row_breaks(&document.text);
    for ((unit, logits), tags) in work.units.iter().zip(&work.logits).zip(&work.tags) {
        let unit = unit.as_ref();
        for (range, label) in tagger.decode(tags) {
            let words = unit.get(range).unwrap_or_default();
            let in_one_row = |a: &Span, b: &Span| {
                let next = row_breaks.partition_point(|&at| at < a.end);
                row_breaks.get(next).is_none_or(|&at| at >= b.start)
            };
            for row in words.chunk_by(in_one_row) {
                let span = Span::new(row[0].start, row[row.len() - 1].end);
                proposed.push((span, label.clone()));
            }
        }
        for row in logits.chunks_exact(tags_of.count()) {
            tags_of.evidence_row(row, &mut parts);
        }
        words.extend_from_slice(unit);
    }
    let evidence = Evidence::new(tagger.name().clone(), tags_of.labels().to_vec(), words, parts);
    let wanted = tagger.labels();
    let mentions = proposed
        .into_iter()
        .filter(|(_, label)| wanted.contains(label))
        .map(|(span, label)| Mention {
            span,
            score: evidence.score(span, &label).expect("the model knows its own labels"),
            label,
            origin: tagger.origin().clone(),
        })
        .collect();
    Found { mentions, evidence: Some(evidence), warnings: Vec::new() }
}

/// [`Source::find_batch`] of a model that tags words.
pub(super) fn find_batch<T: WordTagger>(tagger: &T, documents: &[&Document]) -> Vec<Result<Found>> {
    let work = work(tagger, documents);
    work.into_par_iter()
        .zip(documents)
        .map(|(work, document)| Ok(found(tagger, document, &work?)))
        .collect()
}

/// The stretches of running text that a model reads each on its own.
pub(super) fn stretches(text: &str, context: Context) -> Vec<Span> {
    match context {
        Context::Sentence => segment::sentences(text),
        Context::Document => vec![Span::new(0, text.len())],
    }
}

/// The words of a stretch of running text, in bytes of the text.
pub(super) fn words_of(text: &str, stretch: Span) -> Vec<Span> {
    words_by(text, stretch, segment::words)
}

/// [`words_of`] as `cut` finds them in a text.
pub(super) fn words_by(text: &str, stretch: Span, cut: impl Fn(&str) -> Vec<Span>) -> Vec<Span> {
    let words = cut(stretch.slice(text).unwrap_or(""));
    let shift = |w: Span| Span::new(w.start + stretch.start, w.end + stretch.start);
    words.into_iter().map(shift).collect()
}
