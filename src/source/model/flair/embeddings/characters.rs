//! Contextual string embeddings (Akbik et al. 2018): a language model reads the characters of a sentence, forwards
//! or backwards, and a word has the state that the model is in when it has read it (flair's `FlairEmbeddings`).

use std::collections::HashMap;

use candle_core::{Result, Tensor};

use super::{Embeddings, Place};
use crate::error::{Error, ErrorKind, Location};
use crate::source::model::arch::{Linear, Mode};
use crate::source::model::flair::description::CharacterOptions;
use crate::source::model::flair::sentence::Sentence;
use crate::source::model::head::Lstm;
use crate::source::model::weights::Weights;

/// What stands behind every sentence.
const END: char = ' ';

/// A language model over characters.
pub(super) struct CharacterEmbeddings {
    options: CharacterOptions,
    /// The ids of characters; the others have the id 0.
    ids: HashMap<char, u32>,
    /// Shape `(characters, embedding)`.
    characters: Tensor,
    lstm: Lstm,
    projection: Option<Linear>,
}

/// A sentence as the model reads it.
struct Read {
    ids: Vec<u32>,
    /// After how many characters, less one, the state of each word stands.
    places: Vec<usize>,
}

impl CharacterEmbeddings {
    /// Reads `encoder.weight`, `rnn.` and, where states are projected, `proj.`, and the file of characters.
    ///
    /// # Errors
    /// Where one is missing or does not fit.
    pub(super) fn load(
        options: &CharacterOptions,
        weights: &Weights,
        place: &Place<'_>,
    ) -> crate::Result<Self> {
        let (files, name) = (place.files, place.file(&options.dictionary));
        let place = files.display(&name);
        let items: Vec<String> = serde_json::from_str(&files.read_text(&name)?).map_err(|e| {
            let message = format!("not a list of characters: {e}");
            Error::new(ErrorKind::Model, message).at(Location::line(&place, e.line(), e.column()))
        })?;
        let mut ids = HashMap::new();
        for (id, item) in items.iter().enumerate() {
            let mut characters = item.chars();
            // Items of several characters, as `<unk>`, stand for no character of a text.
            if let (Some(character), None) = (characters.next(), characters.next()) {
                ids.entry(character).or_insert(id as u32);
            }
        }
        let CharacterOptions { embedding_size, hidden_size, layers, outputs, .. } = *options;
        let projection = |outputs| Linear::load(weights, "proj", hidden_size, outputs);
        Ok(Self {
            characters: weights.tensor("encoder.weight", &[items.len(), embedding_size])?,
            lstm: Lstm::load(weights, "rnn", embedding_size, hidden_size, layers)?,
            projection: outputs.map(projection).transpose()?,
            options: options.clone(),
            ids,
        })
    }

    /// What the model reads of a sentence, and where the state of each word is.
    ///
    /// Places are counted in the text as it is written, and of words that are not parted by single spaces only one
    /// space is counted, as flair does: what is put in lower case, or stands further apart, may be longer.
    fn read(&self, sentence: &Sentence<'_>) -> Read {
        let CharacterOptions { forward, tokenized, whitespace, lower, .. } = self.options;
        let gap = |gap: usize| if tokenized { 1 } else { gap };
        let mut text = String::new();
        for (word, space) in sentence.words.iter().zip(&sentence.gaps) {
            text.push_str(word);
            text.extend(std::iter::repeat_n(' ', gap(*space)));
        }
        // The last word of a sentence has none behind it.
        let text =
            if tokenized { text.strip_suffix(' ').unwrap_or(&text) } else { text.trim_end() };
        let before = self.options.delimiter.chars().count();
        let (mut ahead, mut back) = (before, before + text.chars().count());
        let mut places = Vec::with_capacity(sentence.words.len());
        for (word, space) in sentence.words.iter().zip(&sentence.gaps) {
            let length = word.chars().count();
            ahead += length;
            let place = if forward { ahead } else { back };
            places.push(if whitespace { place } else { place.saturating_sub(1) });
            let space = gap(*space).min(1);
            ahead += space;
            back = back.saturating_sub(length + space);
        }
        let lowered = lower.then(|| text.to_lowercase());
        let text = lowered.as_deref().unwrap_or(text);
        let id = |character: char| self.ids.get(&character).copied().unwrap_or(0);
        let mut ids: Vec<u32> = self.options.delimiter.chars().map(id).collect();
        if forward {
            ids.extend(text.chars().map(id));
        } else {
            ids.extend(text.chars().rev().map(id));
        }
        ids.push(id(END));
        let last = ids.len() - 1;
        places.iter_mut().for_each(|place| *place = (*place).min(last));
        Read { ids, places }
    }
}

impl Embeddings for CharacterEmbeddings {
    fn width(&self) -> usize {
        self.options.outputs.unwrap_or(self.options.hidden_size)
    }

    fn embed(&self, sentences: &[Sentence<'_>], mode: Mode<'_>) -> Result<Tensor> {
        let mode = if self.options.fine_tune { mode } else { Mode::Inference };
        let rate = self.options.dropout;
        let rows: Vec<Read> = sentences.iter().map(|sentence| self.read(sentence)).collect();
        let longest = rows.iter().map(|row| row.ids.len()).max().unwrap_or(0);
        let (count, device) = (rows.len(), self.characters.device());
        let pad = self.ids.get(&END).copied().unwrap_or(0);
        let mut memories = None;
        // The states of words, and which word of all each is of.
        let mut states: Vec<Tensor> = Vec::new();
        let mut owners: Vec<usize> = Vec::new();
        for start in (0..longest).step_by(self.options.chars_per_chunk) {
            let end = longest.min(start + self.options.chars_per_chunk);
            let length = end - start;
            let id = |row: &Read, at: usize| row.ids.get(at).copied().unwrap_or(pad);
            let ids: Vec<u32> =
                rows.iter().flat_map(|row| (start..end).map(move |at| id(row, at))).collect();
            let ids = Tensor::from_vec(ids, count * length, device)?;
            let embedded = self.characters.index_select(&ids, 0)?;
            let embedded = mode.dropout(&embedded.reshape((count, length, ()))?, rate)?;
            let left = |row: &Read| row.ids.len().saturating_sub(start).min(length);
            let left: Vec<usize> = rows.iter().map(left).collect();
            let (read, after) =
                self.lstm.forward(&embedded, &left, memories.as_deref(), rate, mode)?;
            memories = Some(after);
            let places = rows.iter().enumerate();
            let places = places.flat_map(|(row, read)| read.places.iter().map(move |p| (row, *p)));
            let here = places.enumerate().filter(|(_, (_, place))| (start..end).contains(place));
            let (words, places): (Vec<usize>, Vec<u32>) = here
                .map(|(word, (row, place))| (word, (row * length + place - start) as u32))
                .unzip();
            if places.is_empty() {
                continue;
            }
            owners.extend(words);
            let places = Tensor::new(places, device)?;
            let mut of_words = read.flatten(0, 1)?.index_select(&places, 0)?;
            if let Some(projection) = &self.projection {
                of_words = projection.forward(&of_words)?;
            }
            states.push(mode.dropout(&of_words, rate)?);
        }
        if states.is_empty() {
            return Tensor::zeros((0, self.width()), self.characters.dtype(), device);
        }
        let mut order = vec![0; owners.len()];
        owners.iter().enumerate().for_each(|(at, word)| order[*word] = at as u32);
        Tensor::cat(&states, 0)?.index_select(&Tensor::new(order, device)?, 0)
    }
}
