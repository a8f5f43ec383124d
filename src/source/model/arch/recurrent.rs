//! One direction of a layer of an LSTM for inference on the processor: its weights are laid out once, and a step is one product
//! and one pass over its gates. A row depends on no other row, to the last bit.

use candle_core::{Device, Result, Tensor};

use super::differentiable::{runs_here, with};
use super::kernel::lstm::step;
use super::kernel::panels::Panels;

/// Its weights, laid out.
pub(in crate::source::model) struct Recurrent {
    input: Panels,
    recurrent: Panels,
    /// Of the gates: the sum of both.
    bias: Vec<f32>,
    size: usize,
}

/// What a layer remembers of what it has read: its hidden state and its cell, of shape `(rows, hidden)` each.
pub(in crate::source::model) type Memory = [Tensor; 2];

impl Recurrent {
    /// From weights that nothing changes any more, of shape `(4 * hidden, inputs)` and `(4 * hidden, hidden)`, and both
    /// biases; `None` where they are on another device than the processor.
    ///
    /// # Errors
    /// Where they do not fit.
    pub(in crate::source::model) fn new(
        input: &Tensor,
        recurrent: &Tensor,
        biases: [&Tensor; 2],
    ) -> Result<Option<Self>> {
        if !runs_here(input) || input.is_variable() || recurrent.is_variable() {
            return Ok(None);
        }
        let (inputs, size) = (input.dim(1)?, recurrent.dim(1)?);
        Ok(Some(Self {
            input: with(input, |weight| Panels::new(weight, inputs))?,
            recurrent: with(recurrent, |weight| Panels::new(weight, size))?,
            bias: (biases[0] + biases[1])?.to_vec1()?,
            size,
        }))
    }

    /// The hidden state after each step, and the memory after the last: `(rows, length, inputs)` in, `(rows,
    /// length, hidden)` out. It begins with `memory`, or with zeros.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub(in crate::source::model) fn run(
        &self,
        x: &Tensor,
        memory: Option<&Memory>,
    ) -> Result<(Tensor, Memory)> {
        let (rows, length, _) = x.dims3()?;
        let (size, width) = (self.size, 4 * self.size);
        let mut projected = vec![0.0; rows * length * width];
        with(x, |x| self.input.multiply(x, &mut projected))?;
        for row in projected.chunks_exact_mut(width) {
            row.iter_mut().zip(&self.bias).for_each(|(gate, bias)| *gate += bias);
        }
        let numbers = |number: usize| match memory {
            Some(memory) => memory[number].flatten_all()?.to_vec1::<f32>(),
            None => Ok(vec![0.0; rows * size]),
        };
        let (mut hidden, mut cell) = (numbers(0)?, numbers(1)?);
        let mut gates = vec![0.0; rows * width];
        let mut states = vec![0.0; rows * length * size];
        for at in 0..length {
            self.recurrent.multiply(&hidden, &mut gates);
            let projected = &projected[at * width..];
            step(&gates, projected, length * width, &mut cell, &mut hidden, size);
            for (row, hidden) in hidden.chunks_exact(size).enumerate() {
                states[(row * length + at) * size..][..size].copy_from_slice(hidden);
            }
        }
        let tensor = |numbers, shape: &[usize]| Tensor::from_vec(numbers, shape, &Device::Cpu);
        let states = tensor(states, &[rows, length, size])?;
        Ok((states, [tensor(hidden, &[rows, size])?, tensor(cell, &[rows, size])?]))
    }
}
