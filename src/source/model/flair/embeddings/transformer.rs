//! Vectors of a transformer over the sub-words of a sentence (flair's `TransformerWordEmbeddings`, without the
//! sentences around it).

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{Device, Result, Tensor};

use super::{Embeddings, Place};
use crate::error::{Error, ErrorKind, Location};
use crate::source::model::ModelFolder;
use crate::source::model::arch::{self, Encoder, Mode};
use crate::source::model::batch::Batch;
use crate::source::model::flair::description::{Pooling, TransformerOptions};
use crate::source::model::flair::sentence::Sentence;
use crate::source::model::folder_options::parse_config;
use crate::source::model::tokens::SubWords;
use crate::source::model::weights::Weights;

/// A transformer.
pub(super) struct TransformerEmbeddings {
    options: TransformerOptions,
    encoder: Box<dyn Encoder>,
    sub_words: SubWords,
    /// The longest sequence that is read at once, special tokens included.
    longest: usize,
    /// Whether what is longer is read in parts; it is cut off otherwise.
    reads_parts: bool,
    device: Device,
}

/// The key of a `config.json` that names the architecture.
#[derive(serde::Deserialize)]
struct Named {
    model_type: String,
}

/// The sub-words of a sentence: those that are read at once, and of which word each state is that counts.
struct Pieces {
    parts: Vec<Vec<u32>>,
    /// In order, the part, the place in it, and the word, if it is of one.
    states: Vec<(usize, usize, Option<usize>)>,
}

impl TransformerEmbeddings {
    /// Reads the configuration and the tokenizer in `options.folder`; weights have the names of the encoder.
    ///
    /// # Errors
    /// Where a file or a weight is missing or does not fit, or a layer is not there.
    pub(super) fn load(
        options: &TransformerOptions,
        weights: &Weights,
        place: &Place<'_>,
    ) -> crate::Result<Self> {
        let none = Weights::new(BTreeMap::new(), String::new());
        let folder = place.file(&options.folder);
        let read = ModelFolder::with_weights(place.files, &folder, none)?;
        let here = |e: Error| e.at(Location::file(&read.config_place));
        let named: Named = parse_config(&read.config, &read.config_place)?;
        let architecture = arch::architecture(&named.model_type, &read.config_place)?;
        let encoder = (architecture.load)(&read.config, weights).map_err(here)?;
        let sub_words =
            SubWords::load(&read.tokenizer, read.tokenizer_config.as_ref(), &read.tokenizer_place)?;
        let limit = encoder.max_length().min(encoder.usual_length());
        let longest = options.max_length.map_or(limit, |length| length.min(encoder.max_length()));
        let reads_parts = options.allow_long_sentences || options.max_length.is_none();
        let room = longest.saturating_sub(sub_words.before.len() + sub_words.after.len());
        if room == 0 || (reads_parts && room <= longest / 2) {
            let message = format!("max_length {longest} leaves no room beside special tokens");
            return Err(here(Error::new(ErrorKind::Model, message)));
        }
        if options.layers.is_empty() {
            let message = "layers is empty: a transformer needs at least one";
            return Err(here(Error::new(ErrorKind::Model, message)));
        }
        let (options, device) = (options.clone(), place.device.clone());
        Ok(Self { options, encoder, sub_words, longest, reads_parts, device })
    }

    /// The sub-words of a sentence, in parts of which neighbours share half the longest sequence; each gives up
    /// half of what is shared.
    fn pieces(&self, sentence: &Sentence<'_>) -> crate::Result<Pieces> {
        let (ids, words) = self.sub_words.encode_words(&sentence.words)?;
        let owner =
            |(word, places): (usize, &Range<usize>)| std::iter::repeat_n(word, places.len());
        let mut owners: Vec<usize> = words.iter().enumerate().flat_map(owner).collect();
        let mut ids: Vec<u32> = words.into_iter().flat_map(|places| ids[places].to_vec()).collect();
        let (before, after) = (&self.sub_words.before, &self.sub_words.after);
        let room = self.longest - before.len() - after.len();
        if !self.reads_parts {
            ids.truncate(room);
            owners.truncate(room);
        }
        let shared = self.longest / 2;
        let step = room.saturating_sub(shared).max(1);
        let mut starts = vec![0];
        while starts[starts.len() - 1] + room < ids.len() {
            starts.push(starts[starts.len() - 1] + step);
        }
        let part = |start: &usize| {
            let read = &ids[*start..ids.len().min(start + room)];
            [before, read, after].concat()
        };
        let state = |number: usize, place: usize| {
            let at = place.checked_sub(before.len()).filter(|at| *at < room);
            (number, place, at.and_then(|at| owners.get(starts[number] + at).copied()))
        };
        let (half, last) = (shared / 2, starts.len() - 1);
        let states = if last == 0 {
            (0..before.len() + ids.len()).map(|place| state(0, place)).collect()
        } else {
            let middle = half + 1..self.longest - 1 - half;
            let first = (0..=half).map(|place| state(0, place));
            let middles = (0..=last).flat_map(|number| middle.clone().map(move |p| (number, p)));
            let middles = middles.map(|(number, place)| state(number, place));
            let end = (self.longest - 1 - half..self.longest).map(|place| state(last, place));
            first.chain(middles).chain(end).collect()
        };
        Ok(Pieces { parts: starts.iter().map(part).collect(), states })
    }

    /// The states of all sub-words of a batch: shape `(rows * length, width)`.
    fn states(&self, batch: &Batch, mode: Mode<'_>) -> Result<Tensor> {
        if self.options.layers == [-1] && !self.encoder.ends_in_norm() {
            return self.encoder.encode(batch, mode)?.flatten(0, 1);
        }
        let mut layers: Vec<Tensor> = Vec::new();
        self.encoder.encode_layers(batch, mode, &mut |layer| layers.push(layer.clone()))?;
        let layer = |number: &i64| {
            let from_end = number.checked_add(layers.len() as i64).filter(|_| *number < 0);
            let found = usize::try_from(from_end.unwrap_or(*number)).ok();
            found.and_then(|found| layers.get(found).cloned()).ok_or_else(|| {
                let count = layers.len();
                candle_core::Error::msg(format!("no layer {number}: there are {count}"))
            })
        };
        let wanted: Vec<Tensor> = self.options.layers.iter().map(layer).collect::<Result<_>>()?;
        let states = match &wanted[..] {
            [one] => one.clone(),
            several if self.options.layer_mean => {
                let sum =
                    several[1..].iter().try_fold(several[0].clone(), |sum, next| sum + next)?;
                (sum / several.len() as f64)?
            }
            several => Tensor::cat(several, 2)?,
        };
        states.flatten(0, 1)
    }
}

impl Embeddings for TransformerEmbeddings {
    fn width(&self) -> usize {
        let layers = if self.options.layer_mean { 1 } else { self.options.layers.len() };
        let ends = if self.options.subtoken_pooling == Pooling::FirstLast { 2 } else { 1 };
        self.encoder.hidden_size() * layers * ends
    }

    fn embed(&self, sentences: &[Sentence<'_>], mode: Mode<'_>) -> Result<Tensor> {
        let mode = if self.options.fine_tune { mode } else { Mode::Inference };
        let pieces = |sentence| self.pieces(sentence).map_err(candle_core::Error::wrap);
        let pieces: Vec<Pieces> = sentences.iter().map(pieces).collect::<Result<_>>()?;
        let parts: Vec<Vec<u32>> = pieces.iter().flat_map(|p| &p.parts).cloned().collect();
        let length = parts.iter().map(Vec::len).max().unwrap_or(0);
        // By word of all, where the states of its sub-words are, in order.
        let mut of_words: Vec<Vec<usize>> = Vec::new();
        let mut first_part = 0;
        for (sentence, pieces) in sentences.iter().zip(&pieces) {
            let first_word = of_words.len();
            of_words.resize(first_word + sentence.words.len(), Vec::new());
            for (part, place, word) in &pieces.states {
                if let Some(word) = word {
                    of_words[first_word + word].push((first_part + part) * length + place);
                }
            }
            first_part += pieces.parts.len();
        }
        let device = &self.device;
        let states = self.states(&Batch::new(&parts, self.sub_words.pad, device)?, mode)?;
        // A word that the tokenizer made nothing of, or that was cut off, is 0 everywhere.
        let (nothing, width) = states.dims2()?;
        let zeros = Tensor::zeros((1, width), states.dtype(), device)?;
        let states = Tensor::cat(&[&states, &zeros], 0)?;
        let select = |which: fn(&Vec<usize>) -> Option<&usize>| {
            let places = of_words.iter().map(|p| which(p).copied().unwrap_or(nothing) as u32);
            let places: Vec<u32> = places.collect();
            states.index_select(&Tensor::from_vec(places, of_words.len(), device)?, 0)
        };
        match self.options.subtoken_pooling {
            Pooling::First => select(|places| places.first()),
            Pooling::Last => select(|places| places.last()),
            Pooling::FirstLast => {
                Tensor::cat(&[select(|places| places.first())?, select(|places| places.last())?], 1)
            }
            Pooling::Mean => {
                let mut places = Vec::new();
                let mut words = Vec::new();
                let mut shares = Vec::new();
                for (word, of_word) in of_words.iter().enumerate() {
                    for place in of_word {
                        places.push(*place as u32);
                        words.push(word as u32);
                        shares.push(1.0 / of_word.len() as f32);
                    }
                }
                let count = places.len();
                let states = states.index_select(&Tensor::from_vec(places, count, device)?, 0)?;
                let shares = Tensor::from_vec(shares, (count, 1), device)?;
                let states = states.broadcast_mul(&shares)?;
                let zeros = Tensor::zeros((of_words.len(), width), states.dtype(), device)?;
                zeros.index_add(&Tensor::from_vec(words, count, device)?, &states, 0)
            }
        }
    }
}
