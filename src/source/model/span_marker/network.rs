//! SpanMarker's network: an encoder, and a linear layer over the hidden states of both markers of a span
//! (`SpanMarkerModel.forward`).

use candle_core::{Device, Result, Tensor};

use super::config::SpanMarkerConfig;
use super::sample::{FIRST_POSITION, Sample, batch};
use crate::error::Error;
use crate::source::model::arch::{self, Architecture, Encoder, Linear, Mode, Precision};
use crate::source::model::weights::Weights;

/// The encoders that the library runs with positions and masks of its own: in `transformers` the others
/// take none.
const ENCODERS: &[&str] = &["bert", "camembert", "electra", "roberta", "xlm-roberta"];

/// What the names of the encoder's weights begin with in the file.
const PREFIX: &str = "encoder.";

/// An encoder and a classifier of spans, with their weights.
pub struct Network {
    encoder: Box<dyn Encoder>,
    classifier: Linear,
    dropout: f64,
    labels: usize,
    /// The ids of the markers of beginnings and of ends.
    markers: [u32; 2],
    pad: u32,
    /// How many numbers of positions the encoder knows.
    positions: usize,
}

impl Network {
    /// Whether a weight stands over the encoder.
    pub fn is_of_head(name: &str) -> bool {
        !name.starts_with(PREFIX)
    }

    /// Builds it from the weights of a file of the library; `markers` are the ids of the markers, `pad` is that
    /// of padding, and `place` names the `config.json`.
    ///
    /// # Errors
    /// Where the encoder is none that takes markers, or a weight is missing or does not fit.
    pub fn load(
        config: &SpanMarkerConfig,
        place: &str,
        weights: &Weights,
        markers: [u32; 2],
        pad: u32,
    ) -> crate::Result<Self> {
        let architecture = Self::encoder(&config.model_type, place)?;
        let encoder = (architecture.load)(&config.encoder, &weights.within(PREFIX))?;
        let positions = encoder.positions().ok_or_else(|| unfit(&config.model_type))?;
        let labels = config.labels.len();
        Ok(Self {
            classifier: Linear::load(weights, "classifier", 2 * encoder.hidden_size(), labels)?,
            encoder,
            dropout: config.dropout,
            labels,
            markers,
            pad,
            positions,
        })
    }

    /// The architecture of this `model_type`; `place` is the `config.json` that names it.
    ///
    /// # Errors
    /// Where there is none, or it takes no markers.
    pub fn encoder(model_type: &str, place: &str) -> crate::Result<&'static Architecture> {
        let architecture = arch::architecture(model_type, place)?;
        let is_one = ENCODERS.contains(&architecture.name);
        if is_one { Ok(architecture) } else { Err(unfit(model_type)) }
    }

    /// The longest text, special tokens included, whose positions the encoder knows.
    pub fn longest(&self) -> usize {
        self.positions.saturating_sub(FIRST_POSITION as usize)
    }

    /// What the products of the encoder are computed in.
    pub fn precision(&self) -> Precision {
        self.encoder.precision()
    }

    /// The logits of every label for the candidates of some samples, one after another: shape
    /// `(candidates, labels)`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn logits(&self, samples: &[&Sample], device: &Device, mode: Mode<'_>) -> Result<Tensor> {
        let batch = batch(samples, self.markers, self.pad, device)?;
        let length = batch.ids.dim(1)?;
        let (mut firsts, mut lasts) = (Vec::new(), Vec::new());
        for (row, sample) in samples.iter().enumerate() {
            let first = (row * length + sample.ids.len()) as u32;
            let count = sample.candidates.len() as u32;
            firsts.extend(first..first + count);
            lasts.extend(first + count..first + 2 * count);
        }
        let count = firsts.len();
        if count == 0 {
            return Tensor::zeros((0, self.labels), candle_core::DType::F32, device);
        }
        let hidden = mode.dropout(&self.encoder.encode(&batch, mode)?, self.dropout)?;
        let hidden = hidden.flatten(0, 1)?;
        let at = |rows| hidden.index_select(&Tensor::from_vec(rows, count, device)?, 0);
        let both = Tensor::cat(&[at(firsts)?, at(lasts)?], 1)?;
        self.classifier.forward_row_by_row(&mode.dropout(&both, self.dropout)?, mode)
    }
}

/// The error that an encoder takes no markers.
fn unfit(model_type: &str) -> Error {
    Error::unknown("encoder of SpanMarker", model_type, ENCODERS)
}
