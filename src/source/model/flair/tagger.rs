//! A tagger of flair as a source.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::Device;

use super::description::{Description, EmbeddingOptions};
use super::embeddings::Place;
use super::network::{BOUNDARIES, Network};
use super::sentence::Sentence;
use super::spans;
use crate::error::{Location, Result};
use crate::resource::Files;
use crate::source::model::arch::Mode;
use crate::source::model::config::ModelConfig;
use crate::source::model::device::in_turn;
use crate::source::model::head::Constraint;
use crate::source::model::tags::TagSet;
use crate::source::model::weights::Weights;
use crate::source::model::why_not;
use crate::source::model::word_tagger::{
    self, Answer, Sequence, WordTagger, Work, stretches, words_of,
};
use crate::source::{BatchLimit, Found, LoadContext, Refusal, Source};
use crate::span::{Label, Origin};
use crate::text::window::{Window, windows};
use crate::text::{Document, Span};

/// The longest stretch of words that is read at once where the user says nothing: no sentence is as long.
const LONGEST: usize = 2048;

/// A tag for what was in no training data, which older models of flair have.
const UNKNOWN: &str = "<unk>";

/// A tagger, loaded.
pub struct FlairTagger {
    name: Arc<str>,
    origin: Origin,
    config: ModelConfig,
    network: Network,
    tags: TagSet,
    /// The tags as the folder calls them; outside where one is no label.
    names: Vec<String>,
    /// Whether tags mark spans; each word with a tag is an entity of its own otherwise.
    has_spans: bool,
    constraint: Constraint,
    device: Device,
    /// What it is made of, for people.
    description: String,
}

impl FlairTagger {
    /// Loads the tagger of the folder that `config` describes.
    ///
    /// # Errors
    /// Where a file of the folder is missing, damaged or does not fit the others, and where the device that was
    /// asked for is not there.
    pub fn load(name: Arc<str>, config: ModelConfig, context: &LoadContext) -> Result<Self> {
        let device = context.device.open()?;
        let weights = Weights::load(&context.files, config.path.trim_end_matches('/'), &device)?;
        Self::with_weights(name, config, &context.files, &weights, device)
    }

    /// [`FlairTagger::load`] with these weights, which are on `device`, instead of those of the folder.
    ///
    /// # Errors
    /// As [`FlairTagger::load`].
    pub fn with_weights(
        name: Arc<str>,
        config: ModelConfig,
        files: &Files,
        weights: &Weights,
        device: Device,
    ) -> Result<Self> {
        let (description, shown) = Description::read(files, config.path.trim_end_matches('/'))?;
        let made = Self::of_description(name, config, &description, files, weights, device);
        made.map_err(|e| if e.location().is_some() { e } else { e.at(Location::file(shown)) })
    }

    /// [`FlairTagger::with_weights`] where the folder is to have another description than its own.
    ///
    /// # Errors
    /// As [`FlairTagger::load`].
    pub fn of_description(
        name: Arc<str>,
        config: ModelConfig,
        description: &Description,
        files: &Files,
        weights: &Weights,
        device: Device,
    ) -> Result<Self> {
        let folder = config.path.trim_end_matches('/');
        description.check()?;
        let is_none = |tag: &str| tag == UNKNOWN || (description.crf && BOUNDARIES.contains(&tag));
        let no_labels: Vec<String> =
            description.tags.iter().filter(|tag| is_none(tag)).cloned().collect();
        let tags = TagSet::new(&description.tags, &config.map, &no_labels)?;
        config.check_labels(tags.labels())?;
        let place = Place { files, folder, device: &device };
        let network = Network::load(description, weights, &place)?;
        let begins =
            |tag: &&String| ["B-", "S-", "I-"].iter().any(|prefix| tag.starts_with(prefix));
        let outside = |tag: &String| if is_none(tag) { "O".to_owned() } else { tag.clone() };
        Ok(Self {
            origin: config.origin(&name),
            name,
            network,
            constraint: Constraint::none(description.tags.len()),
            has_spans: description.tags.iter().find(begins).is_some(),
            description: told(description),
            names: description.tags.iter().map(outside).collect(),
            tags,
            device,
            config,
        })
    }

    /// Its layers.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What its tags mean.
    pub fn tags(&self) -> &TagSet {
        &self.tags
    }

    /// The stretches of a document that it reads each on its own, cut into words; none is empty.
    pub fn units(&self, document: &Document) -> Vec<Vec<Span>> {
        let text = &document.text;
        let units = match document.token_spans() {
            Some(tokens) => vec![tokens],
            None => {
                let stretches = stretches(text, self.config.context.unwrap_or_default());
                stretches.into_iter().map(|stretch| words_of(text, stretch)).collect()
            }
        };
        units.into_iter().filter(|words| !words.is_empty()).collect()
    }

    /// The windows through which a unit goes.
    pub fn windows_of(&self, unit: &[Span]) -> Vec<Window> {
        let longest = self.config.max_length.unwrap_or(LONGEST).max(1);
        windows(&vec![1; unit.len()], longest, self.config.overlap.min(longest / 2))
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A label by its new name.
    fn renamed(&self, label: &str) -> Label {
        let renamed: &BTreeMap<String, String> = &self.config.map;
        Label::new(renamed.get(label).map_or(label, String::as_str))
    }
}

impl WordTagger for FlairTagger {
    type Unit = Vec<Span>;

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

    fn cut(&self, document: &Document) -> Result<Vec<Vec<Span>>> {
        Ok(self.units(document))
    }

    fn windows(&self, unit: &Vec<Span>) -> Vec<(Window, usize)> {
        let windows = self.windows_of(unit).into_iter();
        windows.map(|window| (window.clone(), window.words.len())).collect()
    }

    fn answer(
        &self,
        documents: &[(&Document, Work<Vec<Span>>)],
        sequences: &[&Sequence],
    ) -> candle_core::Result<Vec<Answer>> {
        let sentence = |sequence: &&Sequence| {
            let (document, work) = &documents[sequence.document];
            let words = &work.units[sequence.unit][sequence.window.words.clone()];
            Sentence::of_text(&document.text, words)
        };
        let sentences: Vec<Sentence<'_>> = sequences.iter().map(sentence).collect();
        let emissions: Vec<f32> = in_turn(&self.device, || {
            let emissions = self.network.emissions(&sentences, Mode::Inference)?;
            emissions.flatten_all()?.to_vec1()
        })?;
        let chain = self.network.crf().map(|crf| crf.chain()).transpose()?;
        let width = self.tags.count();
        let mut rest = emissions.as_slice();
        let mut answers = Vec::with_capacity(sequences.len());
        for Sequence { window: Window { words, keep }, .. } in sequences {
            let (scores, after) = rest.split_at(words.len() * width);
            rest = after;
            let kept = keep.start - words.start..keep.end - words.start;
            answers.push(match &chain {
                Some(chain) => Answer::of_chain(chain, scores, &self.constraint, |_| true, kept),
                None => {
                    let logits = scores[kept.start * width..kept.end * width].to_vec();
                    Answer { tags: self.tags.likeliest(&logits), logits }
                }
            });
        }
        Ok(answers)
    }

    fn decode(&self, tags: &[usize]) -> Vec<(Range<usize>, Label)> {
        let names: Vec<&str> = tags.iter().map(|tag| self.names[*tag].as_str()).collect();
        if self.has_spans {
            let spans = spans::decode(&names).into_iter();
            return spans.map(|(range, label)| (range, self.renamed(label))).collect();
        }
        let labelled = names.iter().enumerate().filter(|(_, name)| !matches!(**name, "O" | "_"));
        labelled.map(|(word, name)| (word..word + 1, self.renamed(name))).collect()
    }
}

impl Source for FlairTagger {
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
        format!("model, {}, {} tags, on {device}", self.description, self.tags.count())
    }

    fn is_off_processor(&self) -> bool {
        !self.device.is_cpu()
    }

    fn batch_limit(&self) -> Option<BatchLimit> {
        Some(BatchLimit::of_model(256))
    }
}

/// What a tagger is made of: `flair 0.15.1 with word vectors, a BiLSTM`.
fn told(description: &Description) -> String {
    let kind = |options: &EmbeddingOptions| match options {
        EmbeddingOptions::Words(_) => "word vectors",
        EmbeddingOptions::Characters(_) => "a character model",
        EmbeddingOptions::Transformer(_) => "a transformer",
    };
    let mut parts: Vec<&str> = description.embeddings.iter().map(kind).collect();
    parts.extend(description.rnn.as_ref().map(|_| "a BiLSTM"));
    parts.extend(description.crf.then_some("a CRF"));
    let version = description.flair.get("version").map_or("", String::as_str);
    format!("{} with {}", format!("flair {version}").trim_end(), parts.join(", "))
}
