//! Heads: what is made of an encoder's hidden states. Heads do not know which encoder fed them. A new
//! head is one new file here and one entry in [`HEADS`].

mod bilstm;
mod chain;
mod constraint;
mod crf;
mod fresh;
mod lstm;
mod token;

use candle_core::Tensor;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::arch::{Encoder, Mode};
use super::batch::Batch;
use super::weights::Weights;
use crate::error::{Error, ErrorKind, Result};

pub use bilstm::BiLstmHead;
pub use chain::Chain;
pub use constraint::Constraint;
pub use crf::{Crf, Positions};
pub use fresh::{NewWeight, Start};
pub(super) use lstm::{BiLstm, Lstm};
pub use token::TokenHead;

/// A head with its weights.
pub trait Head: Send + Sync {
    /// The scores of every tag: hidden states of shape `(rows, length, hidden)` in, `(rows, length, tags)`
    /// out. Row `r` ends at `lengths[r]`; what stands behind changes nothing before it.
    ///
    /// # Errors
    /// Where the device fails.
    fn logits(
        &self,
        hidden: &Tensor,
        lengths: &[usize],
        mode: Mode<'_>,
    ) -> candle_core::Result<Tensor>;

    /// Whether the scores of a position hang on its own hidden state alone.
    fn is_local(&self) -> bool {
        true
    }

    /// What judges whole sequences of tags; `None` where the likeliest tag of each word is taken.
    fn crf(&self) -> Option<&Crf> {
        None
    }
}

/// The logits at some places of each row of a batch, one after another: shape `(places, tags)`. Of a head
/// that looks at each position alone no others are computed.
///
/// # Errors
/// Where the device fails.
pub fn logits_at(
    (encoder, head): (&dyn Encoder, &dyn Head),
    batch: &Batch,
    places: &[impl AsRef<[u32]>],
    mode: Mode<'_>,
) -> candle_core::Result<Tensor> {
    let length = batch.ids.dim(1)?;
    let in_row = |(row, places): (usize, &'_ _)| {
        let places: &[u32] = AsRef::as_ref(places);
        places.iter().map(|place| (row * length) as u32 + place).collect::<Vec<_>>()
    };
    let wanted: Vec<u32> = places.iter().enumerate().flat_map(in_row).collect();
    let count = wanted.len();
    let wanted = Tensor::from_vec(wanted, count, batch.ids.device())?;
    let at = |states: &Tensor| states.flatten(0, 1)?.index_select(&wanted, 0);
    let hidden = encoder.encode(batch, mode)?;
    if head.is_local() {
        head.logits(&at(&hidden)?.unsqueeze(0)?, &[count], mode)?.squeeze(0)
    } else {
        at(&head.logits(&hidden, &batch.lengths, mode)?)
    }
}

/// Builds a head from its options and weights, for an encoder and so many tags.
pub type Load = fn(&HeadOptions, &Weights, &dyn Encoder, usize) -> Result<Box<dyn Head>>;

/// A head that a `config.json` can name.
pub struct HeadKind {
    /// The value of `spanloom.head.kind`.
    pub name: &'static str,
    /// What it is, with its paper.
    pub doc: &'static str,
    /// The keys of `spanloom.head` that it reads, besides `kind`.
    pub keys: &'static [&'static str],
    /// Builds the head.
    pub load: Load,
    /// The weights that [`HeadKind::load`] reads, to begin training with; always in one order.
    pub fresh: fn(&HeadOptions, &dyn Encoder, usize) -> Vec<NewWeight>,
}

/// All heads; the first is that of a folder that names none.
pub static HEADS: &[HeadKind] = &[token::KIND, bilstm::KIND, crf::KIND, crf::BILSTM_KIND];

/// What `spanloom.head` says.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct HeadOptions {
    /// The width of one direction of a recurrent layer.
    pub hidden_size: Option<usize>,
    /// How many recurrent layers there are; 1 by default.
    pub layers: Option<usize>,
    /// The rate of dropout before the classifier and between recurrent layers, in training; by default
    /// that of the encoder's own classifiers.
    pub dropout: Option<f64>,
    /// Which positions a CRF reads.
    pub positions: Option<Positions>,
    /// Whether a CRF has scores for the first and the last tag; it has by default.
    pub boundaries: Option<bool>,
    /// Whether the rows of a CRF's transitions are the tags that follow, and not those they follow.
    pub transposed: Option<bool>,
}

impl HeadOptions {
    /// How many recurrent layers there are.
    fn layers(&self) -> usize {
        self.layers.unwrap_or(1)
    }
}

/// The kind and options of the head that `section`, the value of `spanloom.head`, describes.
///
/// # Errors
/// Where the kind is unknown, does not read one of the keys, or one has no fitting value.
pub fn kind(section: &Map<String, Value>) -> Result<(&'static HeadKind, HeadOptions)> {
    let mut section = section.clone();
    let name = section.remove("kind").unwrap_or_else(|| HEADS[0].name.into());
    let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let kind = HEADS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let known: Vec<&str> = HEADS.iter().map(|kind| kind.name).collect();
        Error::unknown("kind of head", &name, &known)
    })?;
    if let Some(key) = section.keys().find(|key| !kind.keys.contains(&key.as_str())) {
        return Err(Error::unknown(
            &format!("key of spanloom.head of kind '{name}'"),
            key,
            kind.keys,
        ));
    }
    let wrong = |message: String| Error::new(ErrorKind::Model, format!("spanloom.head: {message}"));
    let options: HeadOptions =
        serde_json::from_value(Value::Object(section)).map_err(|e| wrong(e.to_string()))?;
    match options.dropout {
        Some(rate) if !(0.0..=1.0).contains(&rate) => {
            Err(wrong(format!("dropout is {rate}, expected 0 to 1")))
        }
        _ => Ok((kind, options)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(section: &str) -> String {
        let section = serde_json::from_str(section).unwrap();
        let error = kind(&section).err().unwrap();
        format!("{error} {}", error.help_text().unwrap_or_default())
    }

    #[test]
    fn a_folder_that_says_nothing_has_a_linear_head() {
        assert_eq!(kind(&Map::new()).unwrap().0.name, "linear");
    }

    #[test]
    fn errors_name_what_is_wrong() {
        assert!(told(r#"{"kind": "lstm"}"#).contains("bilstm"));
        assert!(told(r#"{"kind": "crf", "layers": 2}"#).contains("'layers'"));
        assert!(told(r#"{"kind": "crf", "positions": "all"}"#).contains("pieces"));
        assert!(told(r#"{"kind": "bilstm", "dropout": 2}"#).contains("dropout is 2"));
        assert!(told(r#"{"kind": "bilstm", "hidden_size": -1}"#).contains("-1"));
    }
}
