//! All steps of one direction of an LSTM. What a step computes is kept nowhere: the way back computes it anew, in one
//! product for all steps.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::super::kernel::lstm::{Reading, activate, step_back};
use super::super::kernel::panels::Panels;
use super::{ROWS, numbers, tensor, with_all};

/// The hidden states of rows that begin without a memory, each read for as long as `lengths` say: shape `(rows, length, size)`,
/// 0 behind the end of a row. `projected`, of shape `(rows, length, 4 * size)`, is what inputs and biases add to the gates,
/// `recurrent` of shape `(4 * size, size)`.
pub(in super::super) fn lstm(
    projected: &Tensor,
    recurrent: &Tensor,
    lengths: &[usize],
) -> Result<Tensor> {
    projected
        .contiguous()?
        .apply_op2(&recurrent.contiguous()?, LstmOp { lengths: lengths.to_vec() })
}

struct LstmOp {
    lengths: Vec<usize>,
}

/// How many rows there are, how long they are, and how wide a hidden state is.
fn sizes(projected: &Shape, recurrent: &Shape) -> Result<[usize; 3]> {
    let ((rows, length, width), (outputs, size)) = (projected.dims3()?, recurrent.dims2()?);
    if width != outputs || width != 4 * size {
        bail!("gates of {width} and weights of shape ({outputs}, {size}) do not fit");
    }
    Ok([rows, length, size])
}

impl CustomOp2 for LstmOp {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn cpu_fwd(
        &self,
        projected: &CpuStorage,
        projected_layout: &Layout,
        recurrent: &CpuStorage,
        recurrent_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let [rows, length, size] = sizes(projected_layout.shape(), recurrent_layout.shape())?;
        let recurrent = Panels::new(numbers(recurrent, recurrent_layout)?, size);
        let projected = numbers(projected, projected_layout)?;
        let (mut hidden, mut cell) = (vec![0.0; rows * size], vec![0.0; rows * size]);
        let reading = Reading::new(rows, length, &self.lengths);
        let states = reading.states(&recurrent, projected, [&mut hidden, &mut cell]);
        Ok((CpuStorage::F32(states), Shape::from((rows, length, size))))
    }

    fn bwd(
        &self,
        projected: &Tensor,
        recurrent: &Tensor,
        states: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [rows, length, size] = sizes(projected.shape(), recurrent.shape())?;
        if projected.elem_count() == 0 {
            return Ok((Some(projected.zeros_like()?), Some(recurrent.zeros_like()?)));
        }
        let reading = Reading::new(rows, length, &self.lengths);
        let turned = recurrent.detach().t()?.contiguous()?;
        let all = [projected, recurrent, &turned, states, gradient];
        let (by_projected, before) =
            with_all(all, |[projected, recurrent, turned, states, gradient]| {
                let before = hidden_before(states, [length, size]);
                let forth = Panels::new(recurrent, size);
                let (mut gates, cells) = again(projected, &before, &forth, [length, size]);
                let back = Panels::new(turned, 4 * size);
                go_back(&reading, &mut gates, &cells, gradient, (&back, [length, size]));
                (gates, before)
            })?;
        let by_projected = tensor(by_projected, projected.shape())?;
        if !recurrent.is_variable() {
            return Ok((Some(by_projected), None));
        }
        let before = tensor(before, &Shape::from((rows * length, size)))?;
        let by_recurrent = by_projected.reshape((rows * length, 4 * size))?.t()?.matmul(&before)?;
        Ok((Some(by_projected), Some(by_recurrent)))
    }
}

/// The hidden states before each step.
fn hidden_before(states: &[f32], [length, size]: [usize; 2]) -> Vec<f32> {
    let mut before = vec![0.0; states.len()];
    let rows = before.chunks_exact_mut(length * size).zip(states.chunks_exact(length * size));
    for (before, states) in rows {
        before[size..].copy_from_slice(&states[..(length - 1) * size]);
    }
    before
}

/// The gates of each step behind their activations, and the cell after it. Steps behind the end of a row are arbitrary.
fn again(
    projected: &[f32],
    before: &[f32],
    recurrent: &Panels,
    [length, size]: [usize; 2],
) -> (Vec<f32>, Vec<f32>) {
    let width = 4 * size;
    let mut gates = vec![0.0; projected.len()];
    let blocks = gates.par_chunks_mut(ROWS * width).zip(before.par_chunks(ROWS * size));
    blocks.zip(projected.par_chunks(ROWS * width)).for_each(|((gates, before), projected)| {
        recurrent.multiply(before, gates);
        gates.iter_mut().zip(projected).for_each(|(gate, projected)| *gate += projected);
    });
    let mut cells = vec![0.0; before.len()];
    let rows = gates.par_chunks_mut(length * width).zip(cells.par_chunks_mut(length * size));
    rows.for_each(|(gates, cells)| {
        let mut last = vec![0.0; size];
        for (gates, cell) in gates.chunks_exact_mut(width).zip(cells.chunks_exact_mut(size)) {
            activate(gates, &last, cell);
            last.copy_from_slice(cell);
        }
    });
    (gates, cells)
}

/// Makes of the gates of each step the gradients by what adds up to them; 0 behind the end of a row. `turned` multiplies by
/// the recurrent weight from the right.
fn go_back(
    reading: &Reading,
    gates: &mut [f32],
    cells: &[f32],
    gradient: &[f32],
    (turned, [length, size]): (&Panels, [usize; 2]),
) {
    let (rows, width) = (reading.order.len(), 4 * size);
    let none = vec![0.0; size];
    // In the order of the rows that are read: what the steps behind give back.
    let (mut by_hidden, mut by_cell) = (vec![0.0; rows * size], vec![0.0; rows * size]);
    let mut by_gates = vec![0.0; rows * width];
    for at in (0..length).rev() {
        let here = reading.at(at);
        for row in &reading.order[here.len()..] {
            gates[(row * length + at) * width..][..width].fill(0.0);
        }
        let memory = by_hidden.chunks_exact_mut(size).zip(by_cell.chunks_exact_mut(size));
        for ((row, by_gates), (by_hidden, by_cell)) in
            here.iter().zip(by_gates.chunks_exact_mut(width)).zip(memory)
        {
            let place = row * length + at;
            let gates = &mut gates[place * width..][..width];
            let by_state = &gradient[place * size..][..size];
            by_hidden.iter_mut().zip(by_state).for_each(|(by, state)| *by += state);
            let before = if at == 0 { &none } else { &cells[(place - 1) * size..][..size] };
            step_back(gates, before, &cells[place * size..][..size], by_hidden, by_cell);
            by_gates.copy_from_slice(gates);
        }
        let count = here.len();
        turned.multiply(&by_gates[..count * width], &mut by_hidden[..count * size]);
    }
}
