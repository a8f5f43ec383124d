//! The layers over the embeddings: dropout, a projection, a BiLSTM, and scores of tags (flair's `SequenceTagger`).

use candle_core::{DType, Device, Result, Tensor};

use super::description::{Description, EmbeddingOptions};
use super::embeddings::{self, Embeddings, Place};
use super::sentence::Sentence;
use crate::error::{Error, ErrorKind};
use crate::resource::Files;
use crate::source::model::arch::{Linear, Mode, Precision};
use crate::source::model::head::{BiLstm, Crf, NewWeight, Start};
use crate::source::model::weights::Weights;

/// The tags that stand before and behind every sentence where there is a CRF.
pub const BOUNDARIES: [&str; 2] = ["<START>", "<STOP>"];

/// The transition to the tag that stands before every sentence, and from the one that stands behind it.
pub const NEVER: f32 = -10_000.0;

/// The rate of dropout between the layers of an LSTM, as flair has it.
const BETWEEN_LAYERS: f64 = 0.5;

/// A tagger's layers with their weights.
pub struct Network {
    embeddings: Vec<Box<dyn Embeddings>>,
    projection: Option<Linear>,
    lstm: Option<BiLstm>,
    linear: Linear,
    crf: Option<Crf>,
    dropout: f64,
    word_dropout: f64,
    locked_dropout: f64,
    device: Device,
}

impl Network {
    /// Reads `embeddings.N.` for each of the embeddings, `embedding2nn.`, `rnn.`, `linear.` and
    /// `crf.transitions`, as far as `description` has them.
    ///
    /// # Errors
    /// Where a file or a weight is missing, or does not fit.
    pub(super) fn load(
        description: &Description,
        weights: &Weights,
        place: &Place<'_>,
    ) -> crate::Result<Self> {
        // In training too, those that stay as they are go the way of inference.
        let embeddings = embeddings_of(description, place, |options, prefix| {
            let weights = weights.within(prefix);
            match options.is_fine_tuned() {
                true => weights,
                false => weights.finished().with_precision(Precision::F32),
            }
        })?;
        let width: usize = embeddings.iter().map(|e| e.width()).sum();
        let tags = description.tags.len();
        let lstm = description
            .rnn
            .as_ref()
            .map(|rnn| BiLstm::load(weights, "rnn", width, rnn.hidden_size, rnn.layers));
        let read = description.rnn.as_ref().map_or(width, |rnn| 2 * rnn.hidden_size);
        let projection = || Linear::load(weights, "embedding2nn", width, width);
        let crf = || {
            let transitions = weights.tensor("crf.transitions", &[tags, tags])?;
            let place = |tag: &str| {
                description.tags.iter().position(|name| name == tag).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Model,
                        format!("a CRF needs the tag {tag}, which is none"),
                    )
                })
            };
            let [before, behind] = BOUNDARIES;
            Ok(Crf::of_boundary_tags(transitions, [place(before)?, place(behind)?]))
        };
        // Without a layer that looks at neighbours, flair drops no words.
        let looks_around = description.rnn.is_some() || description.crf;
        Ok(Self {
            embeddings,
            projection: description.reproject.then(projection).transpose()?,
            lstm: lstm.transpose()?,
            linear: Linear::load(weights, "linear", read, tags)?,
            crf: description.crf.then(crf).transpose()?,
            dropout: description.dropout,
            word_dropout: if looks_around { description.word_dropout } else { 0.0 },
            locked_dropout: description.locked_dropout,
            device: place.device.clone(),
        })
    }

    /// What judges whole sequences of tags; `None` where the likeliest tag of each word is taken.
    pub fn crf(&self) -> Option<&Crf> {
        self.crf.as_ref()
    }

    /// The scores of every tag for all words of some sentences, one after another (of a CRF its emissions): shape
    /// `(words, tags)`.
    ///
    /// # Errors
    /// Where the device fails, or what a file holds is no vector.
    pub fn emissions(&self, sentences: &[Sentence<'_>], mode: Mode<'_>) -> Result<Tensor> {
        let lengths: Vec<usize> = sentences.iter().map(|sentence| sentence.words.len()).collect();
        let vectors = self.embeddings.iter().map(|e| e.embed(sentences, mode));
        let vectors: Vec<Tensor> = vectors.collect::<Result<_>>()?;
        let mut x = Tensor::cat(&vectors, 1)?;
        x = mode.dropout(&x, self.dropout)?;
        x = self.drop_words(&x, mode)?;
        x = self.drop_locked(&x, &lengths, mode)?;
        if let Some(projection) = &self.projection {
            x = projection.forward(&x)?;
        }
        if let Some(lstm) = &self.lstm {
            x = self.padded(&x, &lengths)?;
            x = lstm.forward(&x, &lengths, BETWEEN_LAYERS, mode)?;
            x = self.packed(&x, &lengths)?;
        }
        x = mode.dropout(&x, self.dropout)?;
        x = self.drop_locked(&x, &lengths, mode)?;
        self.linear.forward(&x)
    }

    /// Sets all numbers of some words to 0, and leaves those of others as they are.
    fn drop_words(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        if matches!(mode, Mode::Inference) || self.word_dropout == 0.0 {
            return Ok(x.clone());
        }
        let ones = Tensor::ones((x.dim(0)?, 1), DType::F32, &self.device)?;
        let kept = mode.dropout(&ones, self.word_dropout)?.ge(0.5)?.to_dtype(x.dtype())?;
        x.broadcast_mul(&kept)
    }

    /// Sets the same numbers of all words of a sentence to 0 (Gal and Ghahramani 2016, arXiv:1512.05287).
    fn drop_locked(&self, x: &Tensor, lengths: &[usize], mode: Mode<'_>) -> Result<Tensor> {
        if matches!(mode, Mode::Inference) || self.locked_dropout == 0.0 {
            return Ok(x.clone());
        }
        let ones = Tensor::ones((lengths.len(), x.dim(1)?), x.dtype(), &self.device)?;
        let masks = mode.dropout(&ones, self.locked_dropout)?;
        let owner = |(row, length): (usize, &usize)| std::iter::repeat_n(row as u32, *length);
        let owners: Vec<u32> = lengths.iter().enumerate().flat_map(owner).collect();
        x.mul(&masks.index_select(&Tensor::new(owners, &self.device)?, 0)?)
    }

    /// The words of each sentence as a row, with zeros behind: shape `(sentences, longest, width)`.
    fn padded(&self, x: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let (words, width) = x.dims2()?;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let zeros = Tensor::zeros((1, width), x.dtype(), &self.device)?;
        let mut places: Vec<u32> = Vec::with_capacity(lengths.len() * longest);
        let mut first = 0;
        for length in lengths {
            places.extend((first..first + length).map(|place| place as u32));
            places.extend(std::iter::repeat_n(words as u32, longest - length));
            first += length;
        }
        let places = Tensor::new(places, &self.device)?;
        let rows = Tensor::cat(&[x, &zeros], 0)?.index_select(&places, 0)?;
        rows.reshape((lengths.len(), longest, width))
    }

    /// [`Network::padded`] backwards.
    fn packed(&self, x: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let longest = x.dim(1)?;
        let place = |(row, length): (usize, &usize)| {
            (0..*length).map(move |word| (row * longest + word) as u32)
        };
        let places: Vec<u32> = lengths.iter().enumerate().flat_map(place).collect();
        x.flatten(0, 1)?.index_select(&Tensor::new(places, &self.device)?, 0)
    }
}

/// All embeddings; `weights` gives those whose names begin with a prefix.
fn embeddings_of(
    description: &Description,
    place: &Place<'_>,
    weights: impl Fn(&EmbeddingOptions, &str) -> Weights,
) -> crate::Result<Vec<Box<dyn Embeddings>>> {
    let load = |(number, options): (usize, &EmbeddingOptions)| {
        let weights = weights(options, &format!("embeddings.{number}."));
        embeddings::load(options, &weights, place)
    };
    description.embeddings.iter().enumerate().map(load).collect()
}

/// The weights of the layers over the embeddings of the folder `folder`, as flair begins them; of the transitions,
/// those that are never to be have to be set to [`NEVER`] still.
///
/// # Errors
/// Where the embeddings cannot be loaded.
pub fn fresh(
    description: &Description,
    weights: &Weights,
    (files, folder): (&Files, &str),
    device: &Device,
) -> crate::Result<Vec<NewWeight>> {
    let place = Place { files, folder, device };
    // They say how wide they are, and compute nothing: no weight has to be laid out for that.
    let embeddings = embeddings_of(description, &place, |_, prefix| weights.within(prefix))?;
    let width: usize = embeddings.iter().map(|e| e.width()).sum();
    let tags = description.tags.len();
    let mut all = Vec::new();
    if description.reproject {
        all.extend(NewWeight::linear("embedding2nn", width, width));
    }
    let mut read = width;
    if let Some(rnn) = &description.rnn {
        all.extend(BiLstm::fresh("rnn", width, rnn.hidden_size, rnn.layers));
        read = 2 * rnn.hidden_size;
    }
    let of_tags = NewWeight::linear("linear", read, tags).map(NewWeight::that_belongs_to_tags);
    all.extend(of_tags);
    if description.crf {
        let transitions = NewWeight::of_tags("crf.transitions", &[tags, tags], Start::Normal);
        all.push(transitions);
    }
    Ok(all)
}
