//! What is made small: cross entropy over the tags of words, as PyTorch's `cross_entropy` with an
//! ignored index computes it, with class weights, label smoothing and the focal loss (Lin et al. 2017).
//!
//! Where a corpus does not annotate a label, a word that it calls outside may be of that label too: the
//! probability of all tags that are allowed counts, log Σ p(t), so that nothing is taught about the others.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, bail};

use super::examples::Targets;
use crate::train::recipe::LossRecipe;

/// How a word's loss comes about.
#[derive(Debug)]
pub struct TagLoss {
    /// By target, the tags that are right.
    allowed: Vec<Vec<usize>>,
    /// By target, how much a word counts.
    target_weights: Vec<f64>,
    /// By tag, how much it counts where targets are smoothed.
    tag_weights: Vec<f64>,
    smoothing: f64,
    focal: f64,
}

impl TagLoss {
    /// The loss that a recipe asks for, over these targets.
    pub fn new(recipe: &LossRecipe, targets: &Targets) -> Self {
        let weight = |tag: &String| {
            let label = tag.split_once('-').map_or(tag.as_str(), |(_, label)| label);
            recipe.class_weights.get(label).copied().unwrap_or(1.0)
        };
        let tag_weights: Vec<f64> = targets.tags.iter().map(weight).collect();
        // Where several tags are allowed, the corpus says outside.
        let outside = targets.tags.iter().position(|tag| tag == "O").unwrap_or(0);
        let of_target = |allowed: &Vec<usize>| match allowed.as_slice() {
            [tag] => tag_weights[*tag],
            _ => tag_weights[outside],
        };
        Self {
            target_weights: targets.allowed.iter().map(of_target).collect(),
            allowed: targets.allowed.clone(),
            tag_weights,
            smoothing: recipe.label_smoothing,
            focal: recipe.focal,
        }
    }

    /// How much these words count together: what the sum of their losses is divided by for a mean.
    pub fn weight(&self, targets: &[u32]) -> f64 {
        targets.iter().map(|target| self.target_weights[*target as usize]).sum()
    }

    /// The tags that are right where this is the target.
    pub fn allowed(&self, target: u32) -> &[usize] {
        &self.allowed[target as usize]
    }

    /// The sum of the losses of words divided by `divisor`: a scalar a gradient flows from. `logits` has the
    /// shape `(words, tags)`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn sum(
        self: &Arc<Self>,
        logits: &Tensor,
        targets: Vec<u32>,
        divisor: f64,
    ) -> Result<Tensor> {
        let words = Words { loss: self.clone(), targets, divisor };
        logits.to_device(&Device::Cpu)?.contiguous()?.apply_op1(words)
    }

    /// The loss of one word from its logits, and its gradient by them.
    fn word(&self, logits: &[f64], target: u32, gradient: &mut [f64]) -> f64 {
        let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let allowed = &self.allowed[target as usize];
        let total: f64 = logits.iter().map(|z| (z - most).exp()).sum();
        let right: f64 = allowed.iter().map(|tag| (logits[*tag] - most).exp()).sum();
        let log_total = most + total.ln();
        let nll = total.ln() - right.ln();
        let p = right / total;
        let weight = self.target_weights[target as usize] * (1.0 - self.smoothing);
        let (modulated, slope) = if self.focal == 0.0 {
            (nll, 1.0)
        } else {
            let rest = (1.0 - p).max(0.0);
            let slope = rest.powf(self.focal)
                + if rest > 0.0 { nll * self.focal * rest.powf(self.focal - 1.0) * p } else { 0.0 };
            (rest.powf(self.focal) * nll, slope)
        };
        let mut loss = weight * modulated;
        let smoothed = self.smoothing / logits.len() as f64;
        let all_weights: f64 = self.tag_weights.iter().sum();
        for (tag, z) in logits.iter().enumerate() {
            let p = (z - most).exp() / total;
            gradient[tag] = weight * slope * p;
            if self.smoothing > 0.0 {
                loss += smoothed * self.tag_weights[tag] * (log_total - z);
                gradient[tag] += smoothed * (all_weights * p - self.tag_weights[tag]);
            }
        }
        for tag in allowed {
            gradient[*tag] -= weight * slope * (logits[*tag] - most).exp() / right;
        }
        loss
    }
}

/// The words of a batch, as an operation on their logits.
struct Words {
    loss: Arc<TagLoss>,
    targets: Vec<u32>,
    divisor: f64,
}

impl Words {
    /// The sum of the losses, and the gradient by every logit.
    fn compute(&self, logits: &[f64]) -> (f64, Vec<f64>) {
        let width = self.loss.tag_weights.len();
        let mut gradient = vec![0.0; logits.len()];
        let rows = logits.chunks_exact(width).zip(gradient.chunks_exact_mut(width));
        let sum: f64 = rows
            .zip(&self.targets)
            .map(|((row, gradient), target)| self.loss.word(row, *target, gradient))
            .sum();
        gradient.iter_mut().for_each(|g| *g /= self.divisor);
        (sum / self.divisor, gradient)
    }
}

impl CustomOp1 for Words {
    fn name(&self) -> &'static str {
        "tag-loss"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("tag-loss needs contiguous logits")
        };
        match storage {
            CpuStorage::F32(values) => {
                let logits: Vec<f64> = values[start..end].iter().map(|z| f64::from(*z)).collect();
                Ok((CpuStorage::F32(vec![self.compute(&logits).0 as f32]), Shape::from(())))
            }
            CpuStorage::F64(values) => {
                let loss = self.compute(&values[start..end]).0;
                Ok((CpuStorage::F64(vec![loss]), Shape::from(())))
            }
            _ => bail!("tag-loss needs logits of 32 or 64 bits"),
        }
    }

    fn bwd(&self, arg: &Tensor, _: &Tensor, grad_res: &Tensor) -> Result<Option<Tensor>> {
        let logits = arg.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        let scale = grad_res.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let (_, mut gradient) = self.compute(&logits);
        gradient.iter_mut().for_each(|g| *g *= scale);
        Ok(Some(Tensor::from_vec(gradient, arg.shape(), &Device::Cpu)?.to_dtype(arg.dtype())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    const PLAIN: f64 = 0.5513466595250943;
    const WEIGHTED: f64 = 0.8963560041746338;

    fn targets() -> Targets {
        let tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"].map(str::to_owned).to_vec();
        let mut targets = Targets::new(tags);
        // A corpus that annotates LOC alone: what it calls outside may be a person.
        targets.allowed.push(vec![0, 1, 2]);
        targets
    }

    const LOGITS: [[f64; 5]; 3] =
        [[0.5, -1.0, 2.0, 0.1, 0.0], [3.0, 0.2, -0.7, 1.5, -2.0], [0.0, 0.4, 0.3, -0.2, 1.1]];

    fn loss(recipe: &LossRecipe, chosen: [u32; 3]) -> (f64, Vec<Vec<f64>>) {
        let loss = Arc::new(TagLoss::new(recipe, &targets()));
        let logits = Var::new(&LOGITS, &Device::Cpu).unwrap();
        let divisor = loss.weight(&chosen);
        let value = loss.sum(&logits, chosen.to_vec(), divisor).unwrap();
        let gradients = value.backward().unwrap();
        let gradient = gradients.get(&logits).unwrap().to_vec2().unwrap();
        (value.to_scalar().unwrap(), gradient)
    }

    fn weighted() -> LossRecipe {
        let class_weights = [("O".to_owned(), 0.5), ("LOC".to_owned(), 2.0)].into();
        LossRecipe { class_weights, label_smoothing: 0.1, focal: 0.0 }
    }

    #[test]
    fn values_are_those_of_pytorch() {
        // torch.nn.functional.cross_entropy(logits, [2, 0, 4], weight=…, label_smoothing=…) in f64.
        let (plain, _) = loss(&LossRecipe::default(), [2, 0, 4]);
        assert!((plain - PLAIN).abs() < 1e-12, "{plain}");
        let (value, _) = loss(&weighted(), [2, 0, 4]);
        assert!((value - WEIGHTED).abs() < 1e-12, "{value}");
    }

    #[test]
    fn what_is_not_annotated_is_not_taught() {
        let (value, gradient) = loss(&LossRecipe::default(), [5, 5, 5]);
        let row = |row: &[f64; 5]| {
            let exps: Vec<f64> = row.iter().map(|z| z.exp()).collect();
            -(exps[..3].iter().sum::<f64>() / exps.iter().sum::<f64>()).ln()
        };
        let expected: f64 = LOGITS.iter().map(row).sum::<f64>() / 3.0;
        assert!((value - expected).abs() < 1e-12);
        // The gradient moves the allowed tags together: in proportion to what they are already.
        let first = &gradient[0];
        let shares: Vec<f64> = (0..3).map(|tag| first[tag] / LOGITS[0][tag].exp()).collect();
        assert!(shares.windows(2).all(|s| (s[0] - s[1]).abs() < 1e-12), "{shares:?}");
        assert!(first[0] < 0.0 && first[3] > 0.0 && first[4] > 0.0);
    }

    #[test]
    fn gradients_match_finite_differences() {
        let focal = LossRecipe { focal: 2.0, ..weighted() };
        for recipe in [LossRecipe::default(), weighted(), focal] {
            for chosen in [[2, 0, 4], [5, 1, 5]] {
                let (_, gradient) = loss(&recipe, chosen);
                let loss = Arc::new(TagLoss::new(&recipe, &targets()));
                let value = |row: usize, tag: usize, by: f64| {
                    let mut logits = LOGITS;
                    logits[row][tag] += by;
                    let words = Words {
                        loss: loss.clone(),
                        targets: chosen.to_vec(),
                        divisor: loss.weight(&chosen),
                    };
                    words.compute(&logits.concat()).0
                };
                for (row, row_gradient) in gradient.iter().enumerate() {
                    for (tag, got) in row_gradient.iter().enumerate() {
                        let step = 1e-6;
                        let expected =
                            (value(row, tag, step) - value(row, tag, -step)) / (2.0 * step);
                        assert!((got - expected).abs() < 1e-8, "{got} is not {expected}");
                    }
                }
            }
        }
    }
}
