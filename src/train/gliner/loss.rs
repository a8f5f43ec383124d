//! Binary cross entropy over pairs of span (or word and part) and label, with what the library offers against
//! the many that are not there: focal loss (Lin et al. 2017, arXiv:1708.02002), a weight for each side, and
//! passing over a share of them (`BaseModel._loss` of its `modeling/base.py`, `loss_functions.py`).

use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;

use super::examples::PromptedExample;
use super::options::{Masking, Options};
use crate::source::model::Dropout;
use crate::train::recipe::LossRecipe;

/// What is made small.
#[derive(Debug, Clone)]
pub(super) struct PairLoss {
    alpha: Option<f64>,
    focal: f64,
    smoothing: f64,
    negatives: f64,
    masking: Masking,
    /// Whether the parts are widths of spans.
    has_widths: bool,
}

impl PairLoss {
    pub(super) fn new(recipe: &LossRecipe, options: &Options, has_widths: bool) -> Self {
        Self {
            alpha: options.alpha,
            focal: recipe.focal,
            smoothing: recipe.label_smoothing,
            negatives: options.negatives,
            masking: options.masking,
            has_widths,
        }
    }

    /// The sum over all pairs of these examples, divided by `divisor`; `logits` are theirs, of shape `(rows,
    /// words, labels, parts)`.
    ///
    /// # Errors
    /// Where the device fails.
    pub(super) fn sum(
        &self,
        logits: &Tensor,
        examples: &[&PromptedExample],
        divisor: f64,
        dropout: &Dropout,
    ) -> Result<Tensor> {
        let (rows, words, labels, parts) = logits.dims4()?;
        let mut targets = vec![0f32; logits.elem_count()];
        let mut counts = vec![0f32; logits.elem_count()];
        // 1 for what may be passed over.
        let mut may_pass = vec![0f32; logits.elem_count()];
        for (row, example) in (0..rows).zip(examples) {
            let at = |[word, label, part]: [usize; 3]| {
                ((row * words + word) * labels + label) * parts + part
            };
            for pair in &example.there {
                targets[at(pair.map(|number| number as usize))] = 1.0;
            }
            for word in example.taught.clone() {
                let parts =
                    if self.has_widths { parts.min(example.words.len() - word) } else { parts };
                for part in 0..parts {
                    let span = |label| targets[at([word, label, part])] > 0.0;
                    let has_label = (0..example.labels.len()).any(span);
                    for label in 0..example.labels.len() {
                        let pair = at([word, label, part]);
                        let may = match self.masking {
                            Masking::None => false,
                            Masking::Global => targets[pair] == 0.0,
                            Masking::Span => !has_label,
                            Masking::Label => {
                                !example.there.iter().any(|there| there[1] as usize == label)
                            }
                        };
                        counts[pair] = 1.0;
                        may_pass[pair] = f32::from(u8::from(may));
                    }
                }
            }
        }
        let tensor = |numbers: Vec<f32>| Tensor::from_vec(numbers, logits.shape(), logits.device());
        let mut counts = tensor(counts)?;
        if self.negatives < 1.0 {
            // What dropout leaves is as large as it was or larger.
            let kept = dropout.apply(&counts.ones_like()?, 1.0 - self.negatives)?.ge(0.5f32)?;
            let passed = (1.0 - kept.to_dtype(counts.dtype())?)?.mul(&tensor(may_pass)?)?;
            counts = counts.mul(&(1.0 - passed)?)?;
        }
        let targets = tensor(targets)?;
        (self.of_pairs(logits, &targets)?.mul(&counts)?.sum_all()? / divisor)?.reshape(())
    }

    /// The loss of each pair.
    fn of_pairs(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
        let targets = ((targets * (1.0 - self.smoothing))? + 0.5 * self.smoothing)?;
        // -t log s(x) - (1 - t) log(1 - s(x)), where nothing overflows.
        let soft = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
        let mut loss = ((logits.relu()? - (logits * &targets)?)? + soft)?;
        if self.focal > 0.0 {
            let p = sigmoid(logits)?;
            let missed = ((&p + &targets)? - ((p * &targets)? * 2.0)?)?;
            loss = loss.mul(&missed.powf(self.focal)?)?;
        }
        match self.alpha {
            Some(alpha) => loss.mul(&((&targets * (2.0 * alpha - 1.0))? + (1.0 - alpha))?),
            None => Ok(loss),
        }
    }
}
