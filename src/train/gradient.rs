//! The gradients of one step: of several batches added up, and their norm.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, Result, Storage, Tensor, Var};
use rayon::prelude::*;

/// So many numbers are summed by one thread; the sum does not depend on how many threads there are.
const CHUNK: usize = 1 << 15;

/// The gradients of variables, by name.
#[derive(Default)]
pub struct Gradients {
    tensors: BTreeMap<String, Tensor>,
}

impl Gradients {
    /// Adds the gradients of one backward pass.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn add(&mut self, variables: &BTreeMap<String, Var>, mut store: GradStore) -> Result<()> {
        for (name, variable) in variables {
            let Some(gradient) = store.remove(variable) else { continue };
            let sum = match self.tensors.remove(name) {
                Some(before) => (before + gradient)?,
                None => gradient.contiguous()?,
            };
            self.tensors.insert(name.clone(), sum);
        }
        Ok(())
    }

    /// The gradient of a variable; `None` where the loss does not depend on it.
    pub fn of(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// The Euclidean norm of all of them together.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn norm(&self) -> Result<f64> {
        let mut sum = 0.0;
        for gradient in self.tensors.values() {
            sum += sum_of_squares(gradient)?;
        }
        Ok(sum.sqrt())
    }
}

fn sum_of_squares(tensor: &Tensor) -> Result<f64> {
    let (storage, layout) = tensor.storage_and_layout();
    let here = match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => &values[start..end],
        _ => {
            drop(storage);
            let sum = tensor.sqr()?.sum_all()?;
            return Ok(f64::from(sum.to_dtype(candle_core::DType::F32)?.to_scalar::<f32>()?));
        }
    };
    let chunk = |chunk: &[f32]| chunk.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>();
    let sums: Vec<f64> = here.par_chunks(CHUNK).map(chunk).collect();
    Ok(sums.into_iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn gradients_of_batches_add_up() {
        let x = Var::new(&[3f32, 4.0], &Device::Cpu).unwrap();
        let variables = BTreeMap::from([("x".to_owned(), x.clone())]);
        let mut gradients = Gradients::default();
        for _ in 0..2 {
            let store = (x.sqr().unwrap() * 0.5).unwrap().sum_all().unwrap().backward().unwrap();
            gradients.add(&variables, store).unwrap();
        }
        assert_eq!(gradients.of("x").unwrap().to_vec1::<f32>().unwrap(), [6.0, 8.0]);
        assert_eq!(gradients.norm().unwrap(), 10.0);
        assert!(gradients.of("y").is_none());
    }
}
