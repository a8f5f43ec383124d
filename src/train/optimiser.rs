//! How gradients move weights: SGD with momentum, Adam and AdamW, each number for number as `torch.optim`
//! computes it. On the processor a step is one pass over each weight and its moments; elsewhere the same
//! formulas are written in tensors.

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use super::gradient::Gradients;
use super::recipe::{OptimiserName, OptimiserRecipe};

/// So many numbers are moved by one thread at once.
pub(super) const CHUNK: usize = 1 << 14;

/// An optimiser with its moments.
pub struct Optimiser {
    recipe: OptimiserRecipe,
    slots: Vec<Slot>,
    steps: u64,
}

/// One weight and what is remembered of its gradients.
struct Slot {
    name: String,
    variable: Var,
    /// Its rate as a share of the rate of the step.
    share: f64,
    decay: f64,
    moments: Moments,
}

/// The first and second moments; where there is no second, it is empty.
enum Moments {
    /// On the processor.
    Host(Vec<f32>, Vec<f32>),
    /// On a device.
    Device(Tensor, Tensor),
}

/// What one step does to one weight.
#[derive(Clone, Copy)]
struct Update {
    name: OptimiserName,
    nesterov: bool,
    rate: f64,
    decay: f64,
    /// What gradients are multiplied by first.
    scale: f64,
    momentum: f64,
    betas: (f64, f64),
    epsilon: f64,
    /// 1 - beta to the power of the number of the step.
    corrections: (f64, f64),
}

/// How a weight is treated besides what all have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Treatment {
    /// Its rate as a share of the rate of the step.
    pub share: f64,
    /// How much it shrinks.
    pub decay: f64,
}

impl Optimiser {
    /// An optimiser of these variables that has done nothing yet.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(recipe: &OptimiserRecipe, variables: &BTreeMap<String, Var>) -> Result<Self> {
        let layers =
            variables.keys().filter_map(|name| layer(name)).max().map_or(0, |most| most + 1);
        let slots = variables.iter().map(|(name, variable)| {
            let Treatment { share, decay } = treatment(recipe, name, layers);
            let has_second = recipe.name != OptimiserName::Sgd;
            let moments = if variable.device().is_cpu() && variable.dtype() == DType::F32 {
                let zeros = vec![0.0; variable.elem_count()];
                Moments::Host(zeros.clone(), if has_second { zeros } else { Vec::new() })
            } else {
                Moments::Device(variable.zeros_like()?, variable.zeros_like()?)
            };
            Ok(Slot { name: name.clone(), variable: variable.clone(), share, decay, moments })
        });
        Ok(Self { recipe: recipe.clone(), slots: slots.collect::<Result<_>>()?, steps: 0 })
    }

    /// Moves every weight by its gradient, multiplied by `scale`, at this rate.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn step(&mut self, gradients: &Gradients, rate: f64, scale: f64) -> Result<()> {
        self.steps += 1;
        let recipe = &self.recipe;
        let power = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        for slot in &mut self.slots {
            let Some(gradient) = gradients.of(&slot.name) else { continue };
            let update = Update {
                name: recipe.name,
                nesterov: recipe.nesterov,
                rate: rate * slot.share,
                decay: slot.decay,
                scale,
                momentum: recipe.momentum,
                betas: recipe.betas,
                epsilon: recipe.epsilon,
                corrections: (power(recipe.betas.0), power(recipe.betas.1)),
            };
            match &mut slot.moments {
                Moments::Host(first, second) => {
                    let moved = Moved { update, moments: RefCell::new((first, second)) };
                    slot.variable.inplace_op2(gradient, &moved)?;
                }
                Moments::Device(first, second) => {
                    let new = update.tensors(&slot.variable, gradient, first, second)?;
                    slot.variable.set(&new)?;
                }
            }
        }
        Ok(())
    }

    /// The number of steps so far and the moments by name, for a checkpoint.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn state(&self) -> Result<(u64, BTreeMap<String, Tensor>)> {
        let mut all = BTreeMap::new();
        for Slot { name, variable, moments, .. } in &self.slots {
            let of =
                |values: &Vec<f32>| Tensor::from_slice(values, variable.shape(), variable.device());
            let (first, second) = match moments {
                Moments::Host(first, second) if second.is_empty() => (of(first)?, None),
                Moments::Host(first, second) => (of(first)?, Some(of(second)?)),
                Moments::Device(first, second) => (first.clone(), Some(second.clone())),
            };
            all.insert(format!("first.{name}"), first);
            all.extend(second.map(|second| (format!("second.{name}"), second)));
        }
        Ok((self.steps, all))
    }

    /// Takes up what [`Optimiser::state`] gave.
    ///
    /// # Errors
    /// Where a moment is missing or has another shape.
    pub fn restore(&mut self, steps: u64, state: &BTreeMap<String, Tensor>) -> Result<()> {
        self.steps = steps;
        for Slot { name, variable, moments, .. } in &mut self.slots {
            let get = |key: String| match state.get(&key) {
                Some(tensor) if tensor.shape() == variable.shape() => Ok(tensor),
                Some(tensor) => bail!("'{key}' has shape {:?}", tensor.shape()),
                None => bail!("no tensor '{key}'"),
            };
            match moments {
                Moments::Host(first, second) => {
                    *first = get(format!("first.{name}"))?.flatten_all()?.to_vec1()?;
                    if !second.is_empty() {
                        *second = get(format!("second.{name}"))?.flatten_all()?.to_vec1()?;
                    }
                }
                Moments::Device(first, second) => {
                    *first = get(format!("first.{name}"))?.to_device(variable.device())?;
                    *second = get(format!("second.{name}"))?.to_device(variable.device())?;
                }
            }
        }
        Ok(())
    }
}

/// The number of the layer that a weight is in; `None` for embeddings and heads.
pub fn layer(name: &str) -> Option<usize> {
    let mut parts = name.split('.');
    parts.find(|part| matches!(*part, "layer" | "layers"))?;
    parts.next()?.parse().ok()
}

/// How the recipe treats the weight `name` of a model of so many layers. With a layer decay of d the last
/// layer of n has d times the rate of the head, the first d^n, the embeddings d^(n+1).
pub fn treatment(recipe: &OptimiserRecipe, name: &str, layers: usize) -> Treatment {
    let is_embedding = name.contains("embeddings.");
    let depth = match layer(name) {
        Some(layer) => layers - layer.min(layers),
        None if is_embedding => layers + 1,
        None => 0,
    };
    let mut share = recipe.layer_decay.powi(i32::try_from(depth).unwrap_or(i32::MAX));
    if let Some(head_rate) = recipe.head_rate.filter(|_| depth == 0 && recipe.rate > 0.0) {
        share = head_rate / recipe.rate;
    }
    let keeps = recipe.no_decay.iter().any(|part| name.contains(part.as_str()));
    Treatment { share, decay: if keeps { 0.0 } else { recipe.weight_decay } }
}

impl Update {
    /// Moves a stretch of numbers.
    fn host(self, x: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let (rate, scale) = (self.rate as f32, self.scale as f32);
        let decay = self.decay as f32;
        if self.name == OptimiserName::Sgd {
            let momentum = self.momentum as f32;
            for ((x, g), buffer) in x.iter_mut().zip(gradient).zip(first) {
                let g = g * scale + decay * *x;
                *buffer = momentum * *buffer + g;
                let by = if self.nesterov { g + momentum * *buffer } else { *buffer };
                *x -= rate * by;
            }
            return;
        }
        let is_decoupled = self.name == OptimiserName::Adamw;
        let (b1, b2) = (self.betas.0 as f32, self.betas.1 as f32);
        let (rest1, rest2) = ((1.0 - self.betas.0) as f32, (1.0 - self.betas.1) as f32);
        let shrink = (1.0 - self.rate * self.decay) as f32;
        let step = (self.rate / self.corrections.0) as f32;
        let root = self.corrections.1.sqrt() as f32;
        let epsilon = self.epsilon as f32;
        for (((x, g), m), v) in x.iter_mut().zip(gradient).zip(first).zip(second) {
            let mut g = g * scale;
            if is_decoupled {
                *x *= shrink;
            } else {
                g += decay * *x;
            }
            *m = b1 * *m + rest1 * g;
            *v = b2 * *v + rest2 * g * g;
            *x -= step * *m / (v.sqrt() / root + epsilon);
        }
    }

    /// The same in tensors: the new weight; the moments are replaced.
    fn tensors(
        self,
        x: &Tensor,
        gradient: &Tensor,
        first: &mut Tensor,
        second: &mut Tensor,
    ) -> Result<Tensor> {
        let x = x.detach();
        let g = (gradient.detach() * self.scale)?;
        if self.name == OptimiserName::Sgd {
            let g = (g + (&x * self.decay)?)?;
            *first = ((&*first * self.momentum)? + &g)?;
            let by = if self.nesterov { (g + (&*first * self.momentum)?)? } else { first.clone() };
            return x - (by * self.rate)?;
        }
        let is_decoupled = self.name == OptimiserName::Adamw;
        let g = if is_decoupled { g } else { (g + (&x * self.decay)?)? };
        let shrunk = if is_decoupled { (&x * (1.0 - self.rate * self.decay))? } else { x };
        *first = ((&*first * self.betas.0)? + (&g * (1.0 - self.betas.0))?)?;
        *second = ((&*second * self.betas.1)? + (g.sqr()? * (1.0 - self.betas.1))?)?;
        let root = ((second.sqrt()? / self.corrections.1.sqrt())? + self.epsilon)?;
        shrunk - ((&*first / root)? * (self.rate / self.corrections.0))?
    }
}

/// The numbers of a weight that is changed in place and of the tensor that changes it, both of 32 bits and
/// contiguous.
pub(super) fn numbers<'s>(
    (weight, layout): (&'s mut CpuStorage, &Layout),
    (other, other_layout): (&'s CpuStorage, &Layout),
) -> Result<(&'s mut [f32], &'s [f32])> {
    let (CpuStorage::F32(weight), CpuStorage::F32(other)) = (weight, other) else {
        bail!("expected weights of 32 bits")
    };
    match (layout.contiguous_offsets(), other_layout.contiguous_offsets()) {
        (Some((start, end)), Some((from, to))) => Ok((&mut weight[start..end], &other[from..to])),
        _ => bail!("expected contiguous weights"),
    }
}

/// [`Update::host`] as an operation on a weight and its gradient.
struct Moved<'m> {
    update: Update,
    moments: RefCell<(&'m mut Vec<f32>, &'m mut Vec<f32>)>,
}

impl InplaceOp2 for Moved<'_> {
    fn name(&self) -> &'static str {
        "optimiser-step"
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        weight_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        let (weight, gradient) = numbers((weight, weight_layout), (gradient, gradient_layout))?;
        let mut moments = self.moments.borrow_mut();
        let (first, second) = &mut *moments;
        let update = self.update;
        let pairs = weight
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(first.par_chunks_mut(CHUNK));
        if second.is_empty() {
            pairs.for_each(|((x, g), m)| update.host(x, g, m, &mut []));
        } else {
            pairs
                .zip(second.par_chunks_mut(CHUNK))
                .for_each(|(((x, g), m), v)| update.host(x, g, m, v));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn recipe(name: OptimiserName) -> OptimiserRecipe {
        let momentum = if name == OptimiserName::Sgd { 0.9 } else { 0.0 };
        OptimiserRecipe { name, momentum, ..OptimiserRecipe::default() }
    }

    /// The weights after some steps on a made-up gradient, by either form of the formulas.
    fn moved(recipe: &OptimiserRecipe, by_tensors: bool) -> Vec<f32> {
        let x = Var::new(&[1f32, -2.0, 0.5], &Device::Cpu).unwrap();
        let variables = BTreeMap::from([("w".to_owned(), x.clone())]);
        let mut optimiser = Optimiser::new(recipe, &variables).unwrap();
        if by_tensors {
            let zeros = || x.zeros_like().unwrap();
            optimiser.slots[0].moments = Moments::Device(zeros(), zeros());
        }
        for step in 1..=5 {
            let loss = (x.sqr().unwrap().sum_all().unwrap() * f64::from(step)).unwrap();
            let mut gradients = Gradients::default();
            gradients.add(&variables, loss.backward().unwrap()).unwrap();
            optimiser.step(&gradients, 0.01, 0.5).unwrap();
        }
        x.to_vec1().unwrap()
    }

    #[test]
    fn both_forms_of_each_optimiser_agree() {
        for name in [OptimiserName::Sgd, OptimiserName::Adam, OptimiserName::Adamw] {
            for nesterov in [false, true] {
                let recipe = OptimiserRecipe { nesterov, ..recipe(name) };
                let (host, tensors) = (moved(&recipe, false), moved(&recipe, true));
                for (a, b) in host.iter().zip(&tensors) {
                    assert!((a - b).abs() < 1e-6, "{name:?}: {host:?} is not {tensors:?}");
                }
            }
        }
    }

    #[test]
    fn layers_have_their_own_rates_and_some_weights_do_not_shrink() {
        let recipe = OptimiserRecipe {
            layer_decay: 0.5,
            head_rate: Some(1e-3),
            rate: 1e-4,
            ..OptimiserRecipe::default()
        };
        let of = |name: &str| treatment(&recipe, name, 2);
        assert_eq!(of("bert.encoder.layer.1.output.dense.weight").share, 0.5);
        assert_eq!(of("bert.encoder.layer.0.output.dense.weight").share, 0.25);
        assert_eq!(of("bert.embeddings.word_embeddings.weight").share, 0.125);
        assert!((of("classifier.weight").share - 10.0).abs() < 1e-12);
        assert_eq!(of("classifier.bias").decay, 0.0);
        assert_eq!(of("bert.embeddings.LayerNorm.weight").decay, 0.0);
        assert_eq!(of("classifier.weight").decay, 0.01);
    }

    #[test]
    fn moments_can_be_kept_and_taken_up() {
        let x = Var::new(&[1f32, 2.0], &Device::Cpu).unwrap();
        let variables = BTreeMap::from([("w".to_owned(), x.clone())]);
        let mut optimiser = Optimiser::new(&recipe(OptimiserName::Adam), &variables).unwrap();
        let mut gradients = Gradients::default();
        gradients.add(&variables, x.sqr().unwrap().sum_all().unwrap().backward().unwrap()).unwrap();
        optimiser.step(&gradients, 0.1, 1.0).unwrap();
        let (steps, state) = optimiser.state().unwrap();
        assert_eq!(state.keys().collect::<Vec<_>>(), ["first.w", "second.w"]);
        let at = x.copy().unwrap();
        optimiser.step(&gradients, 0.1, 1.0).unwrap();
        let expected = x.to_vec1::<f32>().unwrap();
        x.set(&at).unwrap();
        let mut other = Optimiser::new(&recipe(OptimiserName::Adam), &variables).unwrap();
        other.restore(steps, &state).unwrap();
        other.step(&gradients, 0.1, 1.0).unwrap();
        assert_eq!(x.to_vec1::<f32>().unwrap(), expected);
        assert!(other.restore(1, &BTreeMap::new()).unwrap_err().to_string().contains("first.w"));
    }
}
