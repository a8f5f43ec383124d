//! A step of an LSTM (Hochreiter and Schmidhuber 1997) forward and back, with the order of gates of PyTorch's `nn.LSTM`, and
//! all steps of the rows of a batch.

use super::lanes::{exponential, vectorised};
use super::panels::Panels;

/// Rows of different lengths, of which those are read at each step that have not ended.
pub(in super::super) struct Reading {
    /// The rows from the longest on, so that those that are left stand together.
    pub(in super::super) order: Vec<usize>,
    /// Of each row how much is read.
    until: Vec<usize>,
    length: usize,
}

impl Reading {
    /// Of so many rows, `length` steps long at most; a row without a length is read to its end.
    pub(in super::super) fn new(rows: usize, length: usize, lengths: &[usize]) -> Self {
        let until = |row: usize| lengths.get(row).copied().unwrap_or(length).min(length);
        let until: Vec<usize> = (0..rows).map(until).collect();
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by_key(|row| std::cmp::Reverse(until[*row]));
        Self { order, until, length }
    }

    /// The rows that are read at a step, from the longest on.
    pub(in super::super) fn at(&self, step: usize) -> &[usize] {
        &self.order[..self.order.partition_point(|row| self.until[*row] > step)]
    }

    /// The hidden states after each step, of shape `(rows, length, size)`, 0 where a row has ended. `projected`, of shape
    /// `(rows, length, 4 * size)`, is what inputs and biases add to the gates; `hidden` and `cell`, of shape `(rows, size)`
    /// in the order of these rows, are what it begins with, and then what is remembered.
    pub(in super::super) fn states(
        &self,
        recurrent: &Panels,
        projected: &[f32],
        [hidden, cell]: [&mut [f32]; 2],
    ) -> Vec<f32> {
        let size = hidden.len() / self.order.len().max(1);
        let width = 4 * size;
        let mut gates = vec![0.0; self.order.len() * width];
        let mut states = vec![0.0; self.order.len() * self.length * size];
        for at in 0..self.length {
            let rows = self.at(at);
            if rows.is_empty() {
                break;
            }
            let gates = &mut gates[..rows.len() * width];
            recurrent.multiply(&hidden[..rows.len() * size], gates);
            let memory = cell.chunks_exact_mut(size).zip(hidden.chunks_exact_mut(size));
            for ((row, gates), (cell, hidden)) in
                rows.iter().zip(gates.chunks_exact(width)).zip(memory)
            {
                let place = row * self.length + at;
                step(gates, &projected[place * width..][..width], cell, hidden);
                states[place * size..][..size].copy_from_slice(hidden);
            }
        }
        states
    }
}

vectorised! {
    /// What a row remembers after a step: `gates` and `projected`, of `4 * size` numbers each, add up to the input, forget, cell
    /// and output gate before their activations; `cell` and `hidden` have `size` numbers.
    pub(in super::super) fn step<'v>(
        gates: &'v [f32],
        projected: &'v [f32],
        cell: &'v mut [f32],
        hidden: &'v mut [f32],
    ) {
        let size = cell.len();
        let [input, forget, proposed, output] = gates_of(gates, projected, size);
        for i in 0..size {
            let at = |(gates, projected): (&[f32], &[f32])| gates[i] + projected[i];
            let kept = sigmoid(at(forget)) * cell[i];
            cell[i] = kept + sigmoid(at(input)) * tanh(at(proposed));
            hidden[i] = sigmoid(at(output)) * tanh(cell[i]);
        }
    }
}

vectorised! {
    /// The gates of a row behind their activations, in the place of what adds up to them, and the cell that they make of the
    /// one before.
    pub(in super::super) fn activate<'v>(
        gates: &'v mut [f32],
        before: &'v [f32],
        cell: &'v mut [f32],
    ) {
        let size = cell.len();
        let (shares, rest) = gates.split_at_mut(2 * size);
        let (proposed, output) = rest.split_at_mut(size);
        shares.iter_mut().for_each(|gate| *gate = sigmoid(*gate));
        proposed.iter_mut().for_each(|gate| *gate = tanh(*gate));
        output.iter_mut().for_each(|gate| *gate = sigmoid(*gate));
        let (input, forget) = shares.split_at(size);
        for i in 0..size {
            cell[i] = forget[i] * before[i] + input[i] * proposed[i];
        }
    }
}

vectorised! {
    /// A step back: `gates`, as [`activate`] leaves them, become the gradients by what added up to them; `by_hidden` and
    /// `by_cell` are the gradients by what the step remembers, and `by_cell` becomes that by the cell before.
    pub(in super::super) fn step_back<'v>(
        gates: &'v mut [f32],
        before: &'v [f32],
        cell: &'v [f32],
        by_hidden: &'v [f32],
        by_cell: &'v mut [f32],
    ) {
        let size = cell.len();
        let (shares, rest) = gates.split_at_mut(2 * size);
        let (proposed, output) = rest.split_at_mut(size);
        let (input, forget) = shares.split_at_mut(size);
        for i in 0..size {
            let [taken, kept, new, told] = [input[i], forget[i], proposed[i], output[i]];
            let turned = tanh(cell[i]);
            let by = by_hidden[i] * told * (1.0 - turned * turned) + by_cell[i];
            output[i] = by_hidden[i] * turned * told * (1.0 - told);
            input[i] = by * new * taken * (1.0 - taken);
            forget[i] = by * before[i] * kept * (1.0 - kept);
            proposed[i] = by * taken * (1.0 - new * new);
            by_cell[i] = by * kept;
        }
    }
}

/// What adds up to each gate of a row.
#[inline(always)]
fn gates_of<'v>(
    gates: &'v [f32],
    projected: &'v [f32],
    size: usize,
) -> [(&'v [f32], &'v [f32]); 4] {
    [0, 1, 2, 3].map(|number| {
        let place = number * size..(number + 1) * size;
        (&gates[place.clone()], &projected[place])
    })
}

/// `1 / (1 + e^-x)`, whichever sign `x` has without a power that grows.
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    let power = exponential(-x.abs());
    let share = 1.0 / (1.0 + power);
    if x < 0.0 { power * share } else { share }
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    let power = exponential(-2.0 * x.abs());
    ((1.0 - power) / (1.0 + power)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;

    #[test]
    fn activations_are_exact_to_some_places() {
        for i in -200_000..=200_000 {
            let x = i as f32 / 2_000.0;
            let wide = f64::from(x);
            assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-wide).exp())).abs() < 3e-7, "{x}");
            assert!((f64::from(tanh(x)) - wide.tanh()).abs() < 3e-7, "{x}");
        }
        assert!(sigmoid(f32::NEG_INFINITY) < 1e-37);
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert_eq!((tanh(f32::NEG_INFINITY), tanh(f32::INFINITY)), (-1.0, 1.0));
        assert!(sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
    }

    #[test]
    fn a_step_equals_its_definition() {
        let size = 21;
        let (gates, projected) = (noise(4 * size, 1), noise(4 * size, 2));
        let before = noise(size, 3);
        let (mut cell, mut hidden) = (before.clone(), vec![0.0; size]);
        step(&gates, &projected, &mut cell, &mut hidden);
        let share = |x: f64| 1.0 / (1.0 + (-x).exp());
        for i in 0..size {
            let gate = |number: usize| {
                let place = number * size + i;
                f64::from(gates[place]) + f64::from(projected[place])
            };
            let kept = share(gate(1)) * f64::from(before[i]);
            let expected = kept + share(gate(0)) * gate(2).tanh();
            assert!((f64::from(cell[i]) - expected).abs() < 1e-6);
            assert!((f64::from(hidden[i]) - share(gate(3)) * expected.tanh()).abs() < 1e-6);
        }
    }
}
