//! LSTMs (Hochreiter and Schmidhuber 1997), in one direction and in both (Graves and Schmidhuber 2005), with
//! the equations, the order of gates and the names of weights of PyTorch's `nn.LSTM`.

use candle_core::{Result, Tensor};

use super::fresh::{NewWeight, Start};
use crate::source::model::arch::{Memory, Mode, Recurrent, recurrent_states};
use crate::source::model::device::device_failed;
use crate::source::model::weights::Weights;

/// Layers of an LSTM, each of which reads its input in both directions.
pub(in crate::source::model) struct BiLstm {
    layers: Vec<[Direction; 2]>,
}

/// Layers of an LSTM that read their input from its beginning on.
pub(in crate::source::model) struct Lstm {
    layers: Vec<Direction>,
}

/// One direction of one layer.
struct Direction {
    /// Shape `(4 * hidden, inputs)`; input, forget, cell and output gate, one after another.
    input_weight: Tensor,
    /// Shape `(4 * hidden, hidden)`.
    recurrent_weight: Tensor,
    input_bias: Tensor,
    recurrent_bias: Tensor,
    /// The same for inference on the processor, where nobody trains them.
    laid_out: Option<Recurrent>,
}

impl BiLstm {
    /// Reads `{name}.weight_ih_l0`, `{name}.weight_hh_l0`, `{name}.bias_ih_l0`, `{name}.bias_hh_l0`, the
    /// same with `_reverse` behind, and so on for each layer.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub(in crate::source::model) fn load(
        weights: &Weights,
        name: &str,
        inputs: usize,
        hidden: usize,
        layers: usize,
    ) -> crate::Result<Self> {
        let direction = |layer: usize, suffix: &str| {
            let inputs = if layer == 0 { inputs } else { 2 * hidden };
            Direction::load(weights, name, &format!("l{layer}{suffix}"), inputs, hidden)
        };
        let layers = (0..layers)
            .map(|layer| Ok([direction(layer, "")?, direction(layer, "_reverse")?]))
            .collect::<crate::Result<_>>()?;
        Ok(Self { layers })
    }

    /// The weights that [`BiLstm::load`] reads, as PyTorch begins them.
    pub(in crate::source::model) fn fresh(
        name: &str,
        inputs: usize,
        hidden: usize,
        layers: usize,
    ) -> Vec<NewWeight> {
        let start = Start::Uniform(1.0 / (hidden.max(1) as f64).sqrt());
        let places = (0..layers).flat_map(|layer| [(layer, ""), (layer, "_reverse")]);
        let of_direction = |(layer, suffix): (usize, &str)| {
            let inputs = if layer == 0 { inputs } else { 2 * hidden };
            let weight = |part: &str, shape: &[usize]| {
                NewWeight::of_head(&format!("{name}.{part}_l{layer}{suffix}"), shape, start)
            };
            [
                weight("weight_ih", &[4 * hidden, inputs]),
                weight("weight_hh", &[4 * hidden, hidden]),
                weight("bias_ih", &[4 * hidden]),
                weight("bias_hh", &[4 * hidden]),
            ]
        };
        places.flat_map(of_direction).collect()
    }

    /// Both directions side by side: `(rows, length, inputs)` in, `(rows, length, 2 * hidden)` out. The
    /// reverse direction begins where a row ends, as for PyTorch's packed sequences. `dropout` is the rate
    /// between layers.
    ///
    /// # Errors
    /// Where the device fails.
    pub(in crate::source::model) fn forward(
        &self,
        x: &Tensor,
        lengths: &[usize],
        dropout: f64,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let (rows, length, _) = x.dims3()?;
        let turned: Vec<u32> = (0..rows)
            .flat_map(|row| {
                let end = lengths.get(row).copied().unwrap_or(length).min(length);
                let turn = move |i| if i < end { end - 1 - i } else { i };
                (0..length).map(move |i| (row * length + turn(i)) as u32)
            })
            .collect();
        let turned = Tensor::from_vec(turned, rows * length, x.device())?;
        let turn = |x: &Tensor| {
            let width = x.dim(2)?;
            let flat = x.reshape((rows * length, width))?;
            flat.index_select(&turned, 0)?.reshape((rows, length, width))
        };
        let mut x = x.clone();
        for (number, [forward, reverse]) in self.layers.iter().enumerate() {
            if number > 0 {
                x = mode.dropout(&x, dropout)?;
            }
            let ahead = forward.states(&x, lengths, mode)?;
            let back = turn(&reverse.states(&turn(&x)?, lengths, mode)?)?;
            x = Tensor::cat(&[ahead, back], 2)?;
        }
        Ok(x)
    }
}

impl Lstm {
    /// Reads `{name}.weight_ih_l0`, `{name}.weight_hh_l0`, `{name}.bias_ih_l0`, `{name}.bias_hh_l0`, and so on
    /// for each layer.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub(in crate::source::model) fn load(
        weights: &Weights,
        name: &str,
        inputs: usize,
        hidden: usize,
        layers: usize,
    ) -> crate::Result<Self> {
        let layer = |layer: usize| {
            let inputs = if layer == 0 { inputs } else { hidden };
            Direction::load(weights, name, &format!("l{layer}"), inputs, hidden)
        };
        Ok(Self { layers: (0..layers).map(layer).collect::<crate::Result<_>>()? })
    }

    /// `(rows, length, inputs)` in, `(rows, length, hidden)` out, and what the layers then remember, with which
    /// the next stretch of the same rows goes on. `lengths` say how much of each row is read: what stands behind that is
    /// arbitrary. `dropout` is the rate between layers.
    ///
    /// # Errors
    /// Where the device fails.
    pub(in crate::source::model) fn forward(
        &self,
        x: &Tensor,
        lengths: &[usize],
        memories: Option<&[Memory]>,
        dropout: f64,
        mode: Mode<'_>,
    ) -> Result<(Tensor, Vec<Memory>)> {
        let mut x = x.clone();
        let mut after = Vec::with_capacity(self.layers.len());
        for (number, layer) in self.layers.iter().enumerate() {
            if number > 0 {
                x = mode.dropout(&x, dropout)?;
            }
            let (states, memory) =
                layer.run(&x, lengths, memories.map(|memories| &memories[number]), mode)?;
            after.push(memory);
            x = states;
        }
        Ok((x, after))
    }
}

impl Direction {
    /// Reads `{name}.weight_ih_{place}` and its like.
    fn load(
        weights: &Weights,
        name: &str,
        place: &str,
        inputs: usize,
        hidden: usize,
    ) -> crate::Result<Self> {
        let tensor =
            |part: &str, shape: &[usize]| weights.tensor(&format!("{name}.{part}_{place}"), shape);
        let input_weight = tensor("weight_ih", &[4 * hidden, inputs])?;
        let recurrent_weight = tensor("weight_hh", &[4 * hidden, hidden])?;
        let (input_bias, recurrent_bias) =
            (tensor("bias_ih", &[4 * hidden])?, tensor("bias_hh", &[4 * hidden])?);
        let laid_out = match weights.are_final() {
            true => {
                Recurrent::new(&input_weight, &recurrent_weight, [&input_bias, &recurrent_bias])
            }
            false => Ok(None),
        };
        let laid_out = laid_out.map_err(device_failed)?;
        Ok(Self { input_weight, recurrent_weight, input_bias, recurrent_bias, laid_out })
    }

    /// The hidden state after each step of rows that begin without a memory: as [`Direction::run`].
    fn states(&self, x: &Tensor, lengths: &[usize], mode: Mode<'_>) -> Result<Tensor> {
        if self.laid_out.is_none() || !matches!(mode, Mode::Inference) {
            let weights = [&self.input_weight, &self.recurrent_weight];
            let bias = (&self.input_bias + &self.recurrent_bias)?;
            if let Some(states) = recurrent_states(x, weights, &bias, lengths)? {
                return Ok(states);
            }
        }
        Ok(self.run(x, lengths, None, mode)?.0)
    }

    /// The hidden state after each step, and the memory after the last: `(rows, length, inputs)` in, `(rows,
    /// length, hidden)` out. It begins with `memory`, or with zeros. Behind a row's length, states are arbitrary.
    fn run(
        &self,
        x: &Tensor,
        lengths: &[usize],
        memory: Option<&Memory>,
        mode: Mode<'_>,
    ) -> Result<(Tensor, Memory)> {
        if let (Mode::Inference, Some(laid_out)) = (mode, &self.laid_out) {
            return laid_out.run(x, lengths, memory);
        }
        let (rows, length, inputs) = x.dims3()?;
        let size = self.recurrent_weight.dim(1)?;
        let bias = (&self.input_bias + &self.recurrent_bias)?;
        let projected = x.reshape((rows * length, inputs))?.matmul(&self.input_weight.t()?)?;
        let projected = projected.broadcast_add(&bias)?.reshape((rows, length, 4 * size))?;
        let mut steps = Vec::with_capacity(length);
        cut(&projected, &mut steps)?;
        // As it lies it would be turned in every step.
        let recurrent = self.recurrent_weight.t()?.contiguous()?;
        let [mut hidden, mut cell] = match memory {
            Some(memory) => memory.clone(),
            None => {
                let zeros = Tensor::zeros((rows, size), x.dtype(), x.device())?;
                [zeros.clone(), zeros]
            }
        };
        let mut states = Vec::with_capacity(length);
        for step in steps {
            let gates = (step + hidden.matmul(&recurrent)?)?;
            let shares = candle_nn::ops::sigmoid(&gates)?;
            let input = shares.narrow(1, 0, size)?;
            let forget = shares.narrow(1, size, size)?;
            let proposed = gates.narrow(1, 2 * size, size)?.tanh()?;
            let output = shares.narrow(1, 3 * size, size)?;
            cell = ((forget * &cell)? + (input * proposed)?)?;
            hidden = (output * cell.tanh()?)?;
            states.push(hidden.clone());
        }
        Ok((Tensor::stack(&states, 1)?, [hidden, cell]))
    }
}

/// The steps of `x`, of shape `(rows, width)` each. It is halved again and again: the gradient of a part is
/// as large as what it is a part of, so parts of the whole would need the square of the length.
fn cut(x: &Tensor, steps: &mut Vec<Tensor>) -> Result<()> {
    let length = x.dim(1)?;
    if length <= 1 {
        steps.extend((length == 1).then(|| x.squeeze(1)).transpose()?);
        return Ok(());
    }
    let half = length / 2;
    cut(&x.narrow(1, 0, half)?, steps)?;
    cut(&x.narrow(1, half, length - half)?, steps)
}
