//! One direction of a layer of an LSTM on the processor. For inference its weights are laid out once, and a step is one product
//! and one pass over its gates. A row depends on no other row, to the last bit.

use candle_core::{Device, Result, Tensor};

use super::differentiable::{self, runs_here, with};
use super::kernel::lstm::Reading;
use super::kernel::panels::Panels;
use super::packed::add_bias;

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

/// The hidden state after each step of rows that begin without a memory, with gradients by all arguments: `(rows, length,
/// inputs)` in, `(rows, length, hidden)` out. Weights are those of [`Recurrent::new`], `bias` is the sum of both. Behind a row's
/// length, states are 0; `None` elsewhere than on the processor.
///
/// # Errors
/// Where shapes do not fit.
pub(in crate::source::model) fn recurrent_states(
    x: &Tensor,
    [input, recurrent]: [&Tensor; 2],
    bias: &Tensor,
    lengths: &[usize],
) -> Result<Option<Tensor>> {
    if !runs_here(x) {
        return Ok(None);
    }
    let projected = differentiable::linear(x, input, Some(bias))?;
    differentiable::lstm(&projected, recurrent, lengths).map(Some)
}

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
    /// length, hidden)` out. It begins with `memory`, or with zeros. A row that has ended, of these `lengths`, is not read
    /// on: its states are 0, and what it remembers stays.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub(in crate::source::model) fn run(
        &self,
        x: &Tensor,
        lengths: &[usize],
        memory: Option<&Memory>,
    ) -> Result<(Tensor, Memory)> {
        let (rows, length, _) = x.dims3()?;
        let (size, width) = (self.size, 4 * self.size);
        let mut projected = vec![0.0; rows * length * width];
        with(x, |x| self.input.multiply(x, &mut projected))?;
        add_bias(&mut projected, &self.bias);
        let reading = Reading::new(rows, length, lengths);
        let numbers = |number: usize| {
            let Some(memory) = memory else { return Ok(vec![0.0; rows * size]) };
            let memory = memory[number].flatten_all()?.to_vec1::<f32>()?;
            let of_row = |row: &usize| &memory[row * size..(row + 1) * size];
            Ok::<_, candle_core::Error>(
                reading.order.iter().map(of_row).collect::<Vec<_>>().concat(),
            )
        };
        let (mut hidden, mut cell) = (numbers(0)?, numbers(1)?);
        let states = reading.states(&self.recurrent, &projected, [&mut hidden, &mut cell]);
        let remembered = |sorted: Vec<f32>| {
            let mut numbers = vec![0.0; sorted.len()];
            for (row, sorted) in reading.order.iter().zip(sorted.chunks_exact(size)) {
                numbers[row * size..(row + 1) * size].copy_from_slice(sorted);
            }
            Tensor::from_vec(numbers, (rows, size), &Device::Cpu)
        };
        let states = Tensor::from_vec(states, (rows, length, size), &Device::Cpu)?;
        Ok((states, [remembered(hidden)?, remembered(cell)?]))
    }
}
