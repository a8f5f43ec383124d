//! The model as a source: documents become units of words, units become windows, windows become
//! batches; the answers are put together again as mentions and evidence.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::arch::{self, Encoder, Mode};
use super::batch::{Batch, plan};
use super::config::{Context, ModelConfig, WordSource};
use super::folder_options::Common;
use super::head::{self, HEADS, Head};
use super::tags::TagSet;
use super::tokenizer_config::TokenizerConfig;
use super::tokens::{SubWords, Unit};
use super::vocabulary;
use super::weights::Weights;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;
use crate::source::{Found, LoadContext, Refusal, Source};
use crate::span::{Evidence, Label, Mention, Origin};
use crate::text::window::{Window, windows};
use crate::text::{Document, Span, layout, segment};

/// A token classifier, loaded.
pub struct Tagger {
    name: Arc<str>,
    pub(super) origin: Origin,
    config: ModelConfig,
    sub_words: SubWords,
    pub(super) encoder: Box<dyn Encoder>,
    pub(super) head: Box<dyn Head>,
    pub(super) tags: TagSet,
    device: Device,
    capacity: usize,
    architecture: &'static str,
    head_kind: &'static str,
}

/// What a model folder holds, read.
pub struct ModelFolder {
    /// The text of `config.json`.
    pub config: String,
    /// What to call it.
    pub config_place: String,
    /// The bytes of `tokenizer.json`, or of what stands for it.
    pub tokenizer: Cow<'static, [u8]>,
    /// What to call the file that they come from.
    pub tokenizer_place: String,
    /// What `tokenizer_config.json` says, where there is one.
    pub tokenizer_config: Option<TokenizerConfig>,
    /// The weights.
    pub weights: Weights,
}

impl ModelFolder {
    /// Reads the folder `folder`. Weights have the names that its `config.json` gives them.
    ///
    /// # Errors
    /// Where a file is missing or damaged.
    pub fn read(files: &Files, folder: &str, device: &Device) -> Result<Self> {
        let read = Self::with_weights(files, folder, Weights::new(BTreeMap::new(), String::new()))?;
        let names = Common::parse(&read.config, &read.config_place)?.spanloom.weights;
        let weights = Weights::load(files, folder, device)?.renamed(&names);
        let weights = weights.map_err(|e| e.at(Location::file(&read.config_place)))?;
        Ok(Self { weights, ..read })
    }

    /// Reads the folder `folder`, with other weights than its own.
    ///
    /// # Errors
    /// As [`ModelFolder::read`].
    pub fn with_weights(files: &Files, folder: &str, weights: Weights) -> Result<Self> {
        let [config, settings] =
            ["config.json", "tokenizer_config.json"].map(|name| format!("{folder}/{name}"));
        let tokenizer_config = if files.exists(&settings) {
            let text = files.read_text(&settings)?;
            Some(TokenizerConfig::parse(&text, &files.display(&settings))?)
        } else {
            None
        };
        let config_place = files.display(&config);
        let config = files.read_text(&config)?;
        let (tokenizer, tokenizer_place) = vocabulary::tokenizer_json(files, folder)?;
        Ok(Self { config_place, config, tokenizer_place, tokenizer, tokenizer_config, weights })
    }
}

/// One window of one unit of one document.
pub(super) struct Sequence {
    pub(super) document: usize,
    pub(super) unit: usize,
    pub(super) window: Window,
}

/// The units of one document, and the logits and tags of their words once they are known.
pub(super) struct Work {
    pub(super) units: Vec<Unit>,
    pub(super) logits: Vec<Vec<f32>>,
    pub(super) tags: Vec<Vec<usize>>,
    failed: Option<String>,
}

impl Tagger {
    /// Loads the model that `config` describes.
    ///
    /// # Errors
    /// Where a file of the folder is missing, damaged or does not fit the others, and where the
    /// device that was asked for is not there.
    pub fn load(name: Arc<str>, config: ModelConfig, context: &LoadContext) -> Result<Self> {
        let device = context.device.open()?;
        let folder = config.path.trim_end_matches('/').to_owned();
        let folder = ModelFolder::read(&context.files, &folder, &device)?;
        Self::of_folder(name, config, &folder, device)
    }

    /// The model of a folder that has been read; its weights are on `device`.
    ///
    /// # Errors
    /// Where its parts do not fit each other.
    pub fn of_folder(
        name: Arc<str>,
        config: ModelConfig,
        folder: &ModelFolder,
        device: Device,
    ) -> Result<Self> {
        let common = Common::parse(&folder.config, &folder.config_place)?;
        let here = |e: Error| e.at(Location::file(&folder.config_place));
        let tag_names = common.tag_names().map_err(here)?;
        let ignored = &common.spanloom.ignored_tags;
        let tags = TagSet::new(&tag_names, &config.map, ignored).map_err(here)?;
        let sub_words = SubWords::load(
            &folder.tokenizer,
            folder.tokenizer_config.as_ref(),
            &folder.tokenizer_place,
        )?;
        let weights = &folder.weights;
        let architecture = arch::architecture(&common.model_type, &folder.config_place)?;
        let encoder = (architecture.load)(&folder.config, weights).map_err(here)?;
        let (kind, options) = head::kind(&common.spanloom.head).map_err(here)?;
        let head = (kind.load)(&options, weights, encoder.as_ref(), tags.count()).map_err(here)?;
        let specials = sub_words.before.len() + sub_words.after.len();
        let usual = encoder.usual_length();
        let longest = config.max_length.unwrap_or(usual).min(encoder.max_length());
        let capacity = longest.saturating_sub(specials);
        if capacity == 0 {
            let message = format!("max-length {longest} leaves no room beside special tokens");
            return Err(here(Error::new(ErrorKind::Model, message)));
        }
        let path = config.path.trim_end_matches('/');
        let detail = Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned());
        Ok(Self {
            origin: Origin::new(&name, detail.unwrap_or_else(|| path.to_owned())),
            name,
            config,
            sub_words,
            encoder,
            head,
            tags,
            device,
            capacity,
            architecture: architecture.name,
            head_kind: kind.name,
        })
    }

    /// The logits of every tag at every position of a batch, special tokens and padding included (of a
    /// CRF its emissions): shape `(rows, length, tags)`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(&self, batch: &Batch, mode: Mode<'_>) -> Result<Tensor> {
        self.encoder
            .encode(batch, mode)
            .and_then(|hidden| self.head.logits(&hidden, &batch.lengths, mode))
            .map_err(|e| Error::new(ErrorKind::Device, format!("the model failed: {e}")))
    }

    /// What makes logits of hidden states.
    pub fn head(&self) -> &dyn Head {
        self.head.as_ref()
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Checks that the labels it was told to propose are the model's.
    ///
    /// # Errors
    /// Where one is not.
    pub fn check_label_filter(&self) -> Result<()> {
        let known: Vec<&str> = self.tags.labels().iter().map(Label::as_str).collect();
        let chosen = self.config.labels.iter().flatten();
        match chosen.into_iter().find(|label| !known.contains(&label.as_str())) {
            Some(label) => Err(Error::unknown("label of the model", label, &known)),
            None => Ok(()),
        }
    }

    /// The model's tokenizer.
    pub fn sub_words(&self) -> &SubWords {
        &self.sub_words
    }

    /// What the model's tags mean.
    pub fn tags(&self) -> &TagSet {
        &self.tags
    }

    /// The stretches of a document that the model reads each on its own, cut into words; none is empty.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn units(&self, document: &Document) -> Result<Vec<Unit>> {
        let text = &document.text;
        if let Some(tokens) = document.token_spans() {
            return Ok(vec![self.sub_words.of_words(text, tokens)?]);
        }
        let stretches = match self.config.context {
            Context::Sentence => segment::sentences(text),
            Context::Document => vec![Span::new(0, text.len())],
        };
        let unit = |stretch: Span| match self.config.words {
            WordSource::Tokenizer => self.sub_words.of_text(text, stretch),
            WordSource::Text => {
                let words = segment::words(stretch.slice(text).unwrap_or(""));
                let shift = |w: Span| Span::new(w.start + stretch.start, w.end + stretch.start);
                self.sub_words.of_words(text, words.into_iter().map(shift).collect())
            }
        };
        stretches
            .into_iter()
            .map(unit)
            .filter(|u| !matches!(u, Ok(u) if u.words.is_empty()))
            .collect()
    }

    /// How many sub-words of each word of a unit the model sees.
    fn sizes(&self, unit: &Unit) -> Vec<usize> {
        (0..unit.words.len()).map(|w| unit.pieces(w).len().min(self.capacity)).collect()
    }

    /// The windows through which words of these sizes go; one where they fit.
    fn windows(&self, sizes: &[usize]) -> Vec<Window> {
        windows(sizes, self.capacity, self.config.overlap.min(self.capacity / 2))
    }

    /// The windows through which a unit goes.
    pub fn windows_of(&self, unit: &Unit) -> Vec<Window> {
        self.windows(&self.sizes(unit))
    }

    /// The sub-words of a sequence with special tokens, and where in it the sub-word stands that labels
    /// each kept word. A word longer than the model's limit is cut to it.
    pub fn pieces(&self, unit: &Unit, window: &Window) -> (Vec<u32>, Vec<u32>) {
        let (ids, firsts) = self.sequence(unit, &window.words);
        let kept = firsts.into_iter().zip(window.words.clone());
        let kept = kept.filter(|(_, word)| window.keep.contains(word));
        (ids, kept.map(|(first, _)| first).collect())
    }

    /// [`Tagger::pieces`] of some words of a unit, all of which are kept.
    pub(super) fn sequence(&self, unit: &Unit, words: &Range<usize>) -> (Vec<u32>, Vec<u32>) {
        let mut ids = self.sub_words.before.clone();
        let mut firsts = Vec::with_capacity(words.len());
        for word in words.clone() {
            let pieces = unit.pieces(word);
            let pieces = &pieces[..pieces.len().min(self.capacity)];
            firsts.push((ids.len() + unit.first(word).min(pieces.len() - 1)) as u32);
            ids.extend(pieces);
        }
        ids.extend(&self.sub_words.after);
        (ids, firsts)
    }

    fn compute(&self, work: &mut [Work]) {
        let mut sequences = Vec::new();
        let mut lengths = Vec::new();
        for (document, one) in work.iter().enumerate() {
            for (unit, words) in one.units.iter().enumerate() {
                let sizes = self.sizes(words);
                for window in self.windows(&sizes) {
                    lengths.push(sizes[window.words.clone()].iter().sum::<usize>());
                    sequences.push(Sequence { document, unit, window });
                }
            }
        }
        let (order, batches) = plan(&lengths, self.config.batch_tokens);
        let run = |batch: &std::ops::Range<usize>| {
            let members: Vec<&Sequence> =
                order[batch.clone()].iter().map(|&i| &sequences[i]).collect();
            self.answer(work, &members)
        };
        // A device does one batch at a time; processor cores do one each.
        let answers: Vec<_> = if self.device.is_cpu() {
            batches.par_iter().map(run).collect()
        } else {
            batches.iter().map(run).collect()
        };
        for (batch, answer) in batches.into_iter().zip(answers) {
            let members = order[batch].iter().map(|&i| &sequences[i]);
            match answer {
                Ok(answers) => {
                    for (Sequence { document, unit, window }, answer) in members.zip(answers) {
                        let (width, work) = (self.tags.count(), &mut work[*document]);
                        let kept = window.keep.clone();
                        work.logits[*unit][kept.start * width..kept.end * width]
                            .copy_from_slice(&answer.logits);
                        work.tags[*unit][kept].copy_from_slice(&answer.tags);
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

    /// The units of each document and what the model answers about their words.
    pub(super) fn work(&self, documents: &[&Document]) -> Vec<Result<Work>> {
        let width = self.tags.count();
        let mut failures: Vec<Option<Error>> = Vec::new();
        let mut work: Vec<Work> = Vec::new();
        let units: Vec<Result<Vec<Unit>>> =
            documents.par_iter().map(|document| self.units(document)).collect();
        for units in units {
            let (units, failure) = match units {
                Ok(units) => (units, None),
                Err(error) => (Vec::new(), Some(error)),
            };
            let logits = units.iter().map(|u| vec![0.0; u.words.len() * width]).collect();
            let tags = units.iter().map(|u| vec![0; u.words.len()]).collect();
            work.push(Work { units, logits, tags, failed: None });
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

    pub(super) fn found(&self, document: &Document, work: &Work) -> Found {
        let mut words = Vec::new();
        let mut parts = Vec::new();
        let mut proposed: Vec<(Span, Label)> = Vec::new();
        let row_breaks = layout::row_breaks(&document.text);
        for ((unit, logits), tags) in work.units.iter().zip(&work.logits).zip(&work.tags) {
            for (range, label) in self.tags.decode(tags) {
                let words = unit.words.get(range).unwrap_or_default();
                let in_one_row = |a: &Span, b: &Span| {
                    let next = row_breaks.partition_point(|&at| at < a.end);
                    row_breaks.get(next).is_none_or(|&at| at >= b.start)
                };
                for row in words.chunk_by(in_one_row) {
                    let span = Span::new(row[0].start, row[row.len() - 1].end);
                    proposed.push((span, label.clone()));
                }
            }
            for row in logits.chunks_exact(self.tags.count()) {
                self.tags.evidence_row(row, &mut parts);
            }
            words.extend_from_slice(&unit.words);
        }
        let evidence = Evidence::new(self.name.clone(), self.tags.labels().to_vec(), words, parts);
        let wanted = self.labels();
        let mentions = proposed
            .into_iter()
            .filter(|(_, label)| wanted.contains(label))
            .map(|(span, label)| Mention {
                span,
                score: evidence.score(span, &label).expect("the model knows its own labels"),
                label,
                origin: self.origin.clone(),
            })
            .collect();
        Found { mentions, evidence: Some(evidence), warnings: Vec::new() }
    }
}

impl Source for Tagger {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn gives_evidence(&self) -> bool {
        true
    }

    fn labels(&self) -> Vec<Label> {
        let chosen = self.config.labels.as_ref();
        let mut labels: Vec<Label> = self.tags.labels().to_vec();
        labels.retain(|l| chosen.is_none_or(|chosen| chosen.iter().any(|c| c == l.as_str())));
        labels.sort();
        labels
    }

    fn find(&self, document: &Document) -> Result<Found> {
        self.find_batch(&[document]).pop().expect("one document in, one answer out")
    }

    fn find_batch(&self, documents: &[&Document]) -> Vec<Result<Found>> {
        let work = self.work(documents);
        work.into_par_iter()
            .zip(documents)
            .map(|(work, document)| Ok(self.found(document, &work?)))
            .collect()
    }

    fn why_not(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Result<Vec<Refusal>> {
        self.refusals(document, span, label)
    }

    fn describe(&self) -> String {
        let device = if self.device.is_cpu() { "the processor" } else { "a CUDA device" };
        let head = match self.head_kind {
            kind if kind == HEADS[0].name => String::new(),
            kind => format!(" with {kind}"),
        };
        format!(
            "model, {}{head}, {} tags, sequences of {} sub-words, on {device}",
            self.architecture,
            self.tags.count(),
            self.capacity
        )
    }

    fn batch_size(&self) -> Option<usize> {
        Some(256)
    }
}
