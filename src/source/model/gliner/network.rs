//! The network: an encoder over labels and text, an LSTM over the words, and what scores labels there
//! (Zaratiana et al. 2023, arXiv:2311.08526; `gliner/modeling/base.py` of the library, 0.2.29).

use candle_core::{Result, Tensor};
use serde_json::Value;

use super::scorer::{SpanScorer, WordScorer};
use super::settings::{Settings, SpanMode};
use crate::error::{Error, Location};
use crate::source::model::arch::{self, Encoder, Linear, Mode};
use crate::source::model::batch::Batch;
use crate::source::model::head::{BiLstm, NewWeight};
use crate::source::model::weights::Weights;

/// What the names of the encoder's weights begin with in a folder.
const ENCODER: &str = "token_rep_layer.bert_layer.model.";

/// The layer from the width of the encoder to that of words and labels.
const PROJECTION: &str = "token_rep_layer.projection";

/// The LSTM over the words.
const LSTM: &str = "rnn.lstm";

/// The layers with their weights.
pub struct Network {
    encoder: Box<dyn Encoder>,
    /// From the width of the encoder to that of words and labels, where they differ.
    projection: Option<Linear>,
    lstm: Option<BiLstm>,
    scorer: Scorer,
    hidden_size: usize,
}

/// What scores labels.
enum Scorer {
    Spans(Box<SpanScorer>),
    Words(WordScorer),
}

impl Network {
    /// The weights of a folder by the names that they have here: those of the encoder as in a model of the
    /// encoder alone, the others as in the folder.
    ///
    /// # Errors
    /// Where the encoder is not supported, or has no weights.
    pub fn named(settings: &Settings, weights: Weights) -> crate::Result<Weights> {
        let names = [(Self::encoder_prefix(settings)?.to_owned(), ENCODER.to_owned())].into();
        weights.renamed(&names).map_err(|e| e.at(Location::file(&settings.place)))
    }

    /// What the names of the encoder's weights begin with here, and no other.
    ///
    /// # Errors
    /// Where the encoder is not supported.
    pub fn encoder_prefix(settings: &Settings) -> crate::Result<&'static str> {
        Ok(arch::architecture(&settings.model_type, &settings.place)?.prefix)
    }

    /// What a folder calls the weight `name`.
    ///
    /// # Errors
    /// Where the encoder is not supported.
    pub fn name_in_folder(settings: &Settings, name: &str) -> crate::Result<String> {
        Ok(match name.strip_prefix(Self::encoder_prefix(settings)?) {
            Some(rest) => format!("{ENCODER}{rest}"),
            None => name.to_owned(),
        })
    }

    /// The network of these settings, from weights as [`Network::named`] gives them.
    ///
    /// # Errors
    /// Where a weight is missing or has another shape, and where the encoder is not supported.
    pub fn load(settings: &Settings, weights: &Weights) -> crate::Result<Self> {
        let here = |e: Error| e.at(Location::file(&settings.place));
        let encoder = encoder(settings, weights)?;
        let (inner, hidden) = (encoder.hidden_size(), settings.hidden_size);
        let projection = || Linear::load(weights, PROJECTION, inner, hidden).map_err(here);
        let layers = settings.lstm_layers;
        let lstm = || BiLstm::load(weights, LSTM, hidden, hidden / 2, layers).map_err(here);
        let scorer = match settings.span_mode {
            SpanMode::TokenLevel => Scorer::Words(WordScorer::load(settings, weights)?),
            _ => Scorer::Spans(Box::new(SpanScorer::load(settings, weights)?)),
        };
        Ok(Self {
            projection: (inner != hidden).then(projection).transpose()?,
            lstm: (layers > 0).then(lstm).transpose()?,
            encoder,
            scorer,
            hidden_size: hidden,
        })
    }

    /// The name of the embeddings of sub-words, where they are among `weights`.
    ///
    /// # Errors
    /// Where the encoder is not supported.
    pub fn embeddings(settings: &Settings, weights: &Weights) -> crate::Result<Option<String>> {
        let prefix = Self::encoder_prefix(settings)?;
        let tables = ["word_embeddings", "tok_embeddings"];
        let mut names =
            tables.map(|table| format!("{prefix}embeddings.{table}.weight")).into_iter();
        Ok(names.find(|name| weights.shape(name).is_some()))
    }

    /// The weights over the encoder where nothing has been learnt; those of the encoder are among `weights`.
    ///
    /// # Errors
    /// Where one is missing or has another shape, and where the encoder is not supported.
    pub fn fresh(settings: &Settings, weights: &Weights) -> crate::Result<Vec<NewWeight>> {
        let (inner, hidden) = (encoder(settings, weights)?.hidden_size(), settings.hidden_size);
        let mut fresh = BiLstm::fresh(LSTM, hidden, hidden / 2, settings.lstm_layers);
        if inner != hidden {
            fresh.extend(NewWeight::linear(PROJECTION, inner, hidden));
        }
        fresh.extend(match settings.span_mode {
            SpanMode::TokenLevel => WordScorer::fresh(settings),
            _ => SpanScorer::fresh(settings),
        });
        Ok(fresh)
    }

    /// The encoder.
    pub fn encoder(&self) -> &dyn Encoder {
        self.encoder.as_ref()
    }

    /// How many numbers a word has of each label: of spans one for each width, of words one for beginning,
    /// ending and being inside.
    pub fn parts(&self) -> usize {
        match &self.scorer {
            Scorer::Spans(spans) => spans.widths(),
            Scorer::Words(_) => super::decode::WORD_PARTS,
        }
    }

    /// The logits of a batch, of shape `(rows, words, labels, parts)`, where `words` and `labels` are the most
    /// that a row has. `words` and `labels` say of each row where the sub-words stand that represent its words
    /// and labels. What stands behind them, and where a span ends behind the last word, is arbitrary.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(
        &self,
        batch: &Batch,
        words: &[Vec<u32>],
        labels: &[Vec<u32>],
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let hidden = self.encoder.encode(batch, mode)?;
        let labels = self.at(&hidden, labels)?;
        let lengths: Vec<usize> = words.iter().map(Vec::len).collect();
        let mut words = self.at(&hidden, words)?;
        if let Some(lstm) = &self.lstm {
            words = lstm.forward(&words, &lengths, 0.0, mode)?;
        }
        match &self.scorer {
            Scorer::Spans(spans) => spans.logits(&words, &labels, mode),
            Scorer::Words(scorer) => scorer.logits(&words, &labels, mode),
        }
    }

    /// The hidden states at some places of each row, of the width that the rest reads: shape `(rows, most
    /// places, hidden)`. A row with fewer places is filled with its first state.
    fn at(&self, hidden: &Tensor, places: &[Vec<u32>]) -> Result<Tensor> {
        let (rows, length, _) = hidden.dims3()?;
        let most = places.iter().map(Vec::len).max().unwrap_or(0);
        let of_row = |(row, places): (usize, &Vec<u32>)| {
            let filled = places.iter().copied().chain(std::iter::repeat(0)).take(most);
            filled.map(|place| (row * length) as u32 + place).collect::<Vec<_>>()
        };
        let wanted: Vec<u32> = places.iter().enumerate().flat_map(of_row).collect();
        let wanted = Tensor::from_vec(wanted, rows * most, hidden.device())?;
        let states = hidden.flatten(0, 1)?.index_select(&wanted, 0)?;
        let states = match &self.projection {
            Some(projection) => projection.forward(&states)?,
            None => states,
        };
        states.reshape((rows, most, self.hidden_size))
    }
}

/// The encoder of these settings, from weights as [`Network::named`] gives them.
fn encoder(settings: &Settings, weights: &Weights) -> crate::Result<Box<dyn Encoder>> {
    let architecture = arch::architecture(&settings.model_type, &settings.place)?;
    // The library resizes the embeddings to the tokenizer and may say so nowhere.
    let table = Network::embeddings(settings, weights)?;
    let mut config = settings.encoder.clone();
    if let Some(rows) = table.and_then(|name| weights.shape(&name)?.first().copied()) {
        config.insert("vocab_size".to_owned(), rows.into());
    }
    let config = Value::Object(config).to_string();
    (architecture.load)(&config, weights).map_err(|e| e.at(Location::file(&settings.place)))
}
