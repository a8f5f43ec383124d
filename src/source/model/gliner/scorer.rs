//! What scores labels: of every span up to a width (`SpanMarker` and `SpanMarkerV0` of the library's
//! `span_rep.py`), or of every word (`Scorer` of its `scorers.py`).
//!
//! The library makes a representation of each span and multiplies it with that of each label. The last layer of
//! a span's representation is linear, so that here it is multiplied with the labels first, which are few: the
//! products are the same, in another order. A layer over two things side by side is the sum of a layer over
//! each.

use candle_core::{Result, Tensor};

use super::settings::{Settings, SpanMode};
use crate::source::model::arch::{Linear, Mode};
use crate::source::model::head::NewWeight;
use crate::source::model::weights::Weights;

/// The layers over the words of a span.
const SPANS: &str = "span_rep_layer.span_rep_layer";

/// The layers over a label.
const LABELS: &str = "prompt_rep_layer";

/// Two linear layers with ReLU between them.
struct Projection {
    first: Linear,
    second: Linear,
    dropout: f64,
}

impl Projection {
    /// Reads `{name}.0` from `size` to `inner`, and `{name}.3` back.
    fn load(
        weights: &Weights,
        name: &str,
        (size, inner): (usize, usize),
        dropout: f64,
    ) -> crate::Result<Self> {
        Ok(Self {
            first: Linear::load(weights, &format!("{name}.0"), size, inner)?,
            second: Linear::load(weights, &format!("{name}.3"), inner, size)?,
            dropout,
        })
    }

    /// What [`Projection::load`] reads where nothing has been learnt.
    fn fresh(name: &str, (size, inner): (usize, usize)) -> [NewWeight; 4] {
        let [first, first_bias] = NewWeight::linear(&format!("{name}.0"), size, inner);
        let [second, second_bias] = NewWeight::linear(&format!("{name}.3"), inner, size);
        [first, first_bias, second, second_bias]
    }

    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        self.second.forward(&mode.dropout(&self.first.forward(x)?.relu()?, self.dropout)?)
    }
}

/// A linear layer of which single columns are read.
struct Layer {
    /// Shape `(outputs, inputs)`.
    weight: Tensor,
    bias: Tensor,
}

impl Layer {
    fn load(weights: &Weights, name: &str, inputs: usize, outputs: usize) -> crate::Result<Self> {
        Ok(Self {
            weight: weights.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: weights.tensor(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// The columns of part `number` where the input is made of parts of this size.
    fn columns(&self, number: usize, size: usize) -> Result<Tensor> {
        self.weight.narrow(1, number * size, size)
    }
}

/// `x W^T` over the last dimension of `x` of shape `(rows, length, inputs)`.
fn product(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (rows, length, inputs) = x.dims3()?;
    let outputs = weight.dim(0)?;
    let weight = weight.t()?.contiguous()?;
    x.reshape((rows * length, inputs))?.matmul(&weight)?.reshape((rows, length, outputs))
}

/// Scores spans from their first and last word.
pub(super) struct SpanScorer {
    start: Projection,
    end: Projection,
    out: SpanOutput,
    label: Projection,
    widths: usize,
    size: usize,
    dropout: f64,
}

/// What makes a span's representation of its two words.
enum SpanOutput {
    One(Layer),
    Two(Layer, Layer),
}

/// Whether the spans are scored by one layer (see [`SpanOutput::One`]), and how wide the layers over their words are.
fn shape(settings: &Settings) -> (bool, usize) {
    let is_first = settings.span_mode == SpanMode::Marker;
    (is_first, if is_first { 2 } else { 4 } * settings.hidden_size)
}

impl SpanScorer {
    /// # Errors
    /// Where a weight is missing or has another shape.
    pub(super) fn load(settings: &Settings, weights: &Weights) -> crate::Result<Self> {
        let (size, dropout) = (settings.hidden_size, settings.dropout);
        let (is_first, inner) = shape(settings);
        let part = |part: &str| {
            Projection::load(weights, &format!("{SPANS}.{part}"), (size, inner), dropout)
        };
        let out = if is_first {
            SpanOutput::One(Layer::load(weights, &format!("{SPANS}.out_project"), 2 * size, size)?)
        } else {
            let layer = |number: usize, inputs, outputs| {
                Layer::load(weights, &format!("{SPANS}.out_project.{number}"), inputs, outputs)
            };
            SpanOutput::Two(layer(0, 2 * size, 4 * size)?, layer(3, 4 * size, size)?)
        };
        Ok(Self {
            start: part("project_start")?,
            end: part("project_end")?,
            out,
            label: Projection::load(weights, LABELS, (size, 4 * size), dropout)?,
            widths: settings.max_width,
            size,
            dropout,
        })
    }

    /// What [`SpanScorer::load`] reads where nothing has been learnt.
    pub(super) fn fresh(settings: &Settings) -> Vec<NewWeight> {
        let size = settings.hidden_size;
        let (is_first, inner) = shape(settings);
        let out = format!("{SPANS}.out_project");
        let mut fresh = Vec::new();
        fresh.extend(Projection::fresh(&format!("{SPANS}.project_start"), (size, inner)));
        fresh.extend(Projection::fresh(&format!("{SPANS}.project_end"), (size, inner)));
        if is_first {
            fresh.extend(NewWeight::linear(&out, 2 * size, size));
        } else {
            fresh.extend(NewWeight::linear(&format!("{out}.0"), 2 * size, 4 * size));
            fresh.extend(NewWeight::linear(&format!("{out}.3"), 4 * size, size));
        }
        fresh.extend(Projection::fresh(LABELS, (size, 4 * size)));
        fresh
    }

    /// How many words the longest span has.
    pub(super) fn widths(&self) -> usize {
        self.widths
    }

    /// `words` of shape `(rows, words, hidden)` and `labels` of shape `(rows, labels, hidden)` in, `(rows, words,
    /// labels, widths)` out.
    ///
    /// # Errors
    /// Where the device fails.
    pub(super) fn logits(&self, words: &Tensor, labels: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        let (rows, count, _) = words.dims3()?;
        let labels = self.label.forward(labels, mode)?;
        let start = self.start.forward(words, mode)?.relu()?;
        let end = self.end.forward(words, mode)?.relu()?;
        let (Layer { weight, bias }, start, end) = match &self.out {
            SpanOutput::One(out) => (out, start, end),
            SpanOutput::Two(first, second) => {
                let start = product(&start, &first.columns(0, self.size)?)?;
                let start = start.broadcast_add(&first.bias)?;
                (second, start, product(&end, &first.columns(1, self.size)?)?)
            }
        };
        let of_bias = product(&labels, &bias.unsqueeze(0)?)?.transpose(1, 2)?;
        // What a label makes of a span's representation before its last layer: `(rows, inputs, labels)`.
        let of_labels = product(&labels, &weight.t()?)?.transpose(1, 2)?.contiguous()?;
        let mut of_widths = Vec::with_capacity(self.widths);
        for width in 0..self.widths {
            let spans = count.saturating_sub(width);
            if spans == 0 {
                let shape = (rows, count, labels.dim(1)?);
                of_widths.push(Tensor::zeros(shape, words.dtype(), words.device())?);
                continue;
            }
            let (first, last) = (start.narrow(1, 0, spans)?, end.narrow(1, width, spans)?);
            let spans = match self.out {
                SpanOutput::One(_) => Tensor::cat(&[first, last], 2)?,
                SpanOutput::Two(..) => mode.dropout(&(first + last)?.relu()?, self.dropout)?,
            };
            let logits = spans.contiguous()?.matmul(&of_labels)?.broadcast_add(&of_bias)?;
            of_widths.push(logits.pad_with_zeros(1, 0, width)?);
        }
        Tensor::stack(&of_widths, 3)
    }
}

/// Scores words: whether each begins, ends or is inside an entity of a label.
pub(super) struct WordScorer {
    word: Linear,
    label: Linear,
    first: Layer,
    second: Linear,
    size: usize,
    dropout: f64,
}

impl WordScorer {
    /// # Errors
    /// Where a weight is missing or has another shape.
    pub(super) fn load(settings: &Settings, weights: &Weights) -> crate::Result<Self> {
        let size = settings.hidden_size;
        let parts = super::decode::WORD_PARTS;
        Ok(Self {
            word: Linear::load(weights, "scorer.proj_token", size, 2 * size)?,
            label: Linear::load(weights, "scorer.proj_label", size, 2 * size)?,
            first: Layer::load(weights, "scorer.out_mlp.0", 3 * size, 4 * size)?,
            second: Linear::load(weights, "scorer.out_mlp.3", 4 * size, parts)?,
            size,
            dropout: settings.dropout,
        })
    }

    /// What [`WordScorer::load`] reads where nothing has been learnt.
    pub(super) fn fresh(settings: &Settings) -> Vec<NewWeight> {
        let size = settings.hidden_size;
        let layers = [
            NewWeight::linear("scorer.proj_token", size, 2 * size),
            NewWeight::linear("scorer.proj_label", size, 2 * size),
            NewWeight::linear("scorer.out_mlp.0", 3 * size, 4 * size),
            NewWeight::linear("scorer.out_mlp.3", 4 * size, super::decode::WORD_PARTS),
        ];
        layers.into_iter().flatten().collect()
    }

    /// `words` of shape `(rows, words, hidden)` and `labels` of shape `(rows, labels, hidden)` in, `(rows, words,
    /// labels, 3)` out.
    ///
    /// # Errors
    /// Where the device fails.
    pub(super) fn logits(&self, words: &Tensor, labels: &Tensor, mode: Mode<'_>) -> Result<Tensor> {
        let (words, labels) = (self.word.forward(words)?, self.label.forward(labels)?);
        let half = |x: &Tensor, number: usize| x.narrow(2, number * self.size, self.size);
        let of_words = product(&half(&words, 0)?, &self.first.columns(0, self.size)?)?;
        let of_words = of_words.broadcast_add(&self.first.bias)?;
        let of_labels = product(&half(&labels, 0)?, &self.first.columns(1, self.size)?)?;
        let (word_factors, label_factors) = (half(&words, 1)?, half(&labels, 1)?);
        let of_products = self.first.columns(2, self.size)?;
        let of_label = |label: usize| {
            let factors = word_factors.broadcast_mul(&label_factors.narrow(1, label, 1)?)?;
            let sum = (product(&factors, &of_products)? + &of_words)?;
            let sum = sum.broadcast_add(&of_labels.narrow(1, label, 1)?)?;
            self.second.forward(&mode.dropout(&sum, self.dropout)?.relu()?)
        };
        let scores = (0..labels.dim(1)?).map(of_label).collect::<Result<Vec<_>>>()?;
        Tensor::stack(&scores, 2)
    }
}
