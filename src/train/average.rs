//! The exponential moving average of the weights (Polyak and Juditsky 1992; Izmailov et al. 2018, "Averaging
//! Weights Leads to Wider Optima and Better Generalization"): what a run wanders around, which often
//! generalises better than where it stands.

use std::collections::BTreeMap;

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use super::optimiser::{CHUNK, numbers};

/// What the names of averaged weights begin with in a checkpoint.
const PREFIX: &str = "average.";

/// The average of the weights that are trained.
pub struct Average {
    decay: f64,
    weights: BTreeMap<String, Var>,
}

impl Average {
    /// The average of these weights before the first step: the weights. After a step it keeps the share
    /// `decay` of what it was.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(decay: f64, variables: &BTreeMap<String, Var>) -> Result<Self> {
        let copied =
            variables.iter().map(|(name, v)| Ok((name.clone(), Var::from_tensor(&v.copy()?)?)));
        Ok(Self { decay, weights: copied.collect::<Result<_>>()? })
    }

    /// Takes in the weights after step number `step`, from 1. In the first steps less is kept, so that the
    /// beginning is soon forgotten: (1 + step) / (10 + step), as TensorFlow's `ExponentialMovingAverage`
    /// has it.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn note(&self, variables: &BTreeMap<String, Var>, step: u64) -> Result<()> {
        let kept = self.decay.min((1.0 + step as f64) / (10.0 + step as f64));
        for (average, variable) in self.weights.values().zip(variables.values()) {
            let now = variable.as_detached_tensor();
            if average.device().is_cpu() {
                average.inplace_op2(&now, &Towards(kept))?;
            } else {
                average.set(&((average.as_detached_tensor() * kept)? + (now * (1.0 - kept))?)?)?;
            }
        }
        Ok(())
    }

    /// Exchanges the average with the weights; a second time, and both are as they were.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn exchange(&self, variables: &BTreeMap<String, Var>) -> Result<()> {
        for (average, variable) in self.weights.values().zip(variables.values()) {
            let weights = variable.copy()?;
            variable.set(average)?;
            average.set(&weights)?;
        }
        Ok(())
    }

    /// It by name, for a checkpoint.
    pub fn state(&self) -> impl Iterator<Item = (String, Tensor)> {
        let named = self.weights.iter();
        named.map(|(name, average)| (format!("{PREFIX}{name}"), average.as_detached_tensor()))
    }

    /// Takes up what [`Average::state`] gave.
    ///
    /// # Errors
    /// Where a weight is missing or has another shape.
    pub fn restore(&self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        for (name, average) in &self.weights {
            let key = format!("{PREFIX}{name}");
            let Some(tensor) = state.get(&key) else { bail!("no tensor '{key}'") };
            average.set(&tensor.to_device(average.device())?)?;
        }
        Ok(())
    }
}

/// An average that keeps this share of what it was and takes the rest from its weight, in one pass.
struct Towards(f64);

impl InplaceOp2 for Towards {
    fn name(&self) -> &'static str {
        "weight-average"
    }

    fn cpu_fwd(
        &self,
        average: &mut CpuStorage,
        average_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<()> {
        let (average, weight) = numbers((average, average_layout), (weight, weight_layout))?;
        let (kept, taken) = (self.0 as f32, (1.0 - self.0) as f32);
        let pairs = average.par_chunks_mut(CHUNK).zip(weight.par_chunks(CHUNK));
        pairs.for_each(|(average, weight)| {
            for (a, w) in average.iter_mut().zip(weight) {
                *a = kept * *a + taken * w;
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn weights(numbers: &[f32]) -> BTreeMap<String, Var> {
        BTreeMap::from([("w".to_owned(), Var::new(numbers, &Device::Cpu).unwrap())])
    }

    fn of(weights: &BTreeMap<String, Var>) -> Vec<f32> {
        weights["w"].to_vec1().unwrap()
    }

    #[test]
    fn it_keeps_its_share_of_what_it_was_and_less_in_the_first_steps() {
        let variables = weights(&[1.0, -2.0]);
        let average = Average::new(0.5, &variables).unwrap();
        variables["w"].set(&Tensor::new(&[12f32, 9.0], &Device::Cpu).unwrap()).unwrap();
        average.note(&variables, 1).unwrap();
        // 2/11 are kept after step 1.
        for (got, expected) in of(&average.weights).iter().zip([10.0, 7.0]) {
            assert!((got - expected).abs() < 1e-5, "{got} is not {expected}");
        }
        average.note(&variables, 100).unwrap();
        for (got, expected) in of(&average.weights).iter().zip([11.0, 8.0]) {
            assert!((got - expected).abs() < 1e-5, "{got} is not {expected}");
        }
    }

    #[test]
    fn exchanged_twice_nothing_has_changed() {
        let variables = weights(&[1.0, 2.0]);
        let average = Average::new(0.9, &variables).unwrap();
        variables["w"].set(&Tensor::new(&[3f32, 4.0], &Device::Cpu).unwrap()).unwrap();
        average.exchange(&variables).unwrap();
        assert_eq!((of(&variables), of(&average.weights)), (vec![1.0, 2.0], vec![3.0, 4.0]));
        average.exchange(&variables).unwrap();
        assert_eq!((of(&variables), of(&average.weights)), (vec![3.0, 4.0], vec![1.0, 2.0]));
    }

    #[test]
    fn a_checkpoint_without_it_is_an_error() {
        let average = Average::new(0.9, &weights(&[1.0])).unwrap();
        let error = average.restore(&BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("no tensor 'average.w'"), "{error}");
        let copied = average.state().map(|(name, tensor)| (name, tensor.copy().unwrap()));
        let state: BTreeMap<_, _> = copied.collect();
        average.restore(&state).unwrap();
    }
}
