//! A token classifier as a source: an encoder over the sub-words of words, and a head.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::adapter::{self, AdapterConfig};
use super::arch::{self, Encoder, Mode};
use super::batch::Batch;
use super::config::{ModelConfig, WordSource};
use super::folder_options::Common;
use super::head::{self, HEADS, Head};
use super::tags::TagSet;
use super::tokenizer_config::TokenizerConfig;
use super::tokens::{SubWords, Unit};
use super::vocabulary;
use super::weights::Weights;
use super::why_not;
use super::word_tagger::{
    self, Answer, KeptAnswers, Sequence, SequenceKey, WordTagger, Work, stretches, words_of,
};
use crate::cache::{Cache, CacheUse};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;
use crate::source::{BatchLimit, Found, LoadContext, Refusal, Source};
use crate::span::{Label, Origin};
use crate::text::window::{Window, windows};
use crate::text::{Document, Span};

/// The bytes that answers which are kept may take.
const KEPT_BYTES: usize = 64 << 20;

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
    /// What it answered before; `None` where its weights may change, and where an answer hangs on the batch: it would
    /// then hang on what was asked before.
    kept: Option<KeptAnswers>,
    /// Keeps the weights for others that are made of the same.
    _origin: Option<Arc<BTreeMap<String, Tensor>>>,
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
        if let Some(adapter) = AdapterConfig::read(files, folder)? {
            return Self::adapted(files, folder, &adapter, device);
        }
        let read = Self::with_weights(files, folder, Weights::new(BTreeMap::new(), String::new()))?;
        let names = Common::parse(&read.config, &read.config_place)?.spanloom.weights;
        let weights = Weights::load(files, folder, device)?.renamed(&names);
        let weights = weights.map_err(|e| e.at(Location::file(&read.config_place)))?;
        Ok(Self { weights, ..read })
    }

    /// Reads an adapter and the model that it changes. What `config.json` of the adapter's folder says goes
    /// before that of the model.
    fn adapted(
        files: &Files,
        folder: &str,
        adapter: &AdapterConfig,
        device: &Device,
    ) -> Result<Self> {
        let base = adapter.base(files, folder)?;
        let mut read = Self::read(files, &base, device)?;
        let tensors = adapter::tensors(files, folder, device)?;
        read.weights = read.weights.with_adapter(tensors, adapter.scale());
        let config = format!("{folder}/config.json");
        if files.exists(&config) {
            read.config_place = files.display(&config);
            read.config = files.read_text(&config)?;
        }
        Ok(read)
    }

    /// Reads the folder `folder`, with other weights than its own.
    ///
    /// # Errors
    /// As [`ModelFolder::read`].
    pub fn with_weights(files: &Files, folder: &str, weights: Weights) -> Result<Self> {
        let config = format!("{folder}/config.json");
        let tokenizer_config = TokenizerConfig::of_folder(files, folder)?;
        let config_place = files.display(&config);
        let is_there = files.exists(&config);
        let config = files.read_text(&config).map_err(|error| match is_there {
            true => error,
            false => error.with_help(
                "a model is a folder on this machine, with config.json, tokenizer.json and weights; nothing is downloaded",
            ),
        })?;
        let (tokenizer, tokenizer_place) = vocabulary::tokenizer_json(files, folder)?;
        Ok(Self { config_place, config, tokenizer_place, tokenizer, tokenizer_config, weights })
    }
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
        let mut folder = ModelFolder::read(&context.files, &folder, &device)?;
        folder.weights = folder.weights.with_precision(config.precision.on(&device));
        let tagger = Self::of_folder(name, config, &folder, device)?;
        let computed = tagger.encoder.precision();
        tagger.config.check_precision(
            &tagger.name,
            tagger.architecture,
            computed,
            &tagger.device,
        )?;
        let kept = (!tagger.may_vary_with_batch()).then(|| Cache::new(KEPT_BYTES));
        Ok(Self { kept, ..tagger })
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
        Ok(Self {
            origin: config.origin(&name),
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
            kept: None,
            // In 16 bits the encoder has weights of its own.
            _origin: weights.origin().filter(|_| weights.precision().half().is_none()),
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

    /// What the engine file says of it.
    pub(super) fn config(&self) -> &ModelConfig {
        &self.config
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
        let unit = |stretch: Span| match self.config.words.unwrap_or_default() {
            WordSource::Tokenizer => self.sub_words.of_text(text, stretch),
            WordSource::Text => self.sub_words.of_words(text, words_of(text, stretch)),
        };
        stretches(text, self.config.context.unwrap_or_default())
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
    fn windows_over(&self, sizes: &[usize]) -> Vec<Window> {
        windows(sizes, self.capacity, self.config.overlap.min(self.capacity / 2))
    }

    /// The windows through which a unit goes.
    pub fn windows_of(&self, unit: &Unit) -> Vec<Window> {
        self.windows_over(&self.sizes(unit))
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
}

impl Source for Tagger {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn gives_evidence(&self) -> bool {
        true
    }

    fn labels(&self) -> Vec<Label> {
        self.config.proposed(self.tags.labels())
    }

    fn find(&self, document: &Document) -> Result<Found> {
        self.find_batch(&[document]).pop().expect("one document in, one answer out")
    }

    fn find_batch(&self, documents: &[&Document]) -> Vec<Result<Found>> {
        word_tagger::find_batch(self, documents)
    }

    fn why_not(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Result<Vec<Refusal>> {
        why_not::refusals(self, document, span, label)
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

    fn known(&self) -> Option<CacheUse> {
        self.kept.as_ref().map(Cache::usage)
    }

    fn is_off_processor(&self) -> bool {
        !self.device.is_cpu()
    }

    fn batch_limit(&self) -> Option<BatchLimit> {
        // As much as fills a large batch of short documents, or several of long ones.
        let tokens = self.config.batch_tokens;
        let of_batches = BatchLimit { documents: tokens / 8, bytes: tokens.saturating_mul(32) };
        Some(BatchLimit::of_model(256).max(of_batches))
    }

    fn may_vary_with_batch(&self) -> bool {
        let has_rows_alone = self.head.is_local() && self.head.crf().is_none();
        !(self.encoder.is_same_in_any_batch() && has_rows_alone)
    }
}

impl WordTagger for Tagger {
    type Unit = Unit;

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn tag_set(&self) -> &TagSet {
        &self.tags
    }

    fn runs_on(&self) -> &Device {
        &self.device
    }

    fn budget(&self) -> usize {
        self.config.batch_tokens
    }

    fn cut(&self, document: &Document) -> Result<Vec<Unit>> {
        self.units(document)
    }

    fn windows(&self, unit: &Unit) -> Vec<(Window, usize)> {
        let sizes = self.sizes(unit);
        let length = |window: &Window| sizes[window.words.clone()].iter().sum();
        self.windows_over(&sizes).into_iter().map(|w| (w.clone(), length(&w))).collect()
    }

    fn kept_answers(&self) -> Option<(&KeptAnswers, SequenceKey<'_, Unit>)> {
        let key = |unit: &Unit, window: &Window| self.key(unit, window);
        self.kept.as_ref().map(|kept| (kept, Box::new(key) as SequenceKey<'_, Unit>))
    }

    fn answer(
        &self,
        documents: &[(&Document, Work<Unit>)],
        sequences: &[&Sequence],
    ) -> candle_core::Result<Vec<Answer>> {
        self.answers(documents, sequences)
    }
}
