//! Linear layers over packed rows.

use candle_core::{Result, Tensor, bail};

use super::super::differentiable::with;
use super::super::kernel::narrow::{NarrowRows, Numbers};
use super::super::kernel::product::{Matrix, MatrixMut, multiply};
use super::super::layers::{LaidOut, Linear};

use super::room;

/// So many terms of a sum are added by one product. Within that, `gemm` adds them one after another; more it
/// parts, at places that depend on the number of rows.
const TERMS: usize = 512;

/// A result of no more elements than this `gemm` computes in another way.
const SMALL: usize = 256;

/// What goes into linear layers: rows one after another, and the same in narrow numbers once a layer has asked for it.
pub(super) struct Rows<'v> {
    values: &'v [f32],
    narrow: &'v mut NarrowRows,
    is_narrow: bool,
}

impl<'v> Rows<'v> {
    /// These rows; `narrow` is room to work in.
    pub(super) fn new(values: &'v [f32], narrow: &'v mut NarrowRows) -> Self {
        Self { values, narrow, is_narrow: false }
    }

    /// The same in narrow numbers. All layers that the same rows go into want the same.
    fn narrow(&mut self, inputs: usize, numbers: Numbers) -> &NarrowRows {
        if !self.is_narrow {
            self.narrow.set(self.values, inputs, numbers);
            self.is_narrow = true;
        }
        self.narrow
    }
}

/// `to = x W^T` and what the layer's adapter adds: without the bias, which what follows adds in passing. `x`
/// has the shape `(rows, inputs)`, `to` `(rows, outputs)`; `low` is room to work in. A row of the result
/// depends on no other row, to the last bit.
pub(super) fn linear(
    layer: &Linear,
    rows: &mut Rows<'_>,
    to: &mut [f32],
    low: &mut Vec<f32>,
) -> Result<()> {
    let x = rows.values;
    match layer.laid_out.as_deref() {
        None => weighted(to, x, &layer.weight, false)?,
        Some(LaidOut::Float(weight)) => weight.multiply(x, to),
        Some(LaidOut::Narrow(weight)) => {
            let inputs = layer.weight.dim(1)?;
            rows.narrow(inputs, weight.numbers()).multiply(weight, to);
        }
    }
    let Some(adapter) = &layer.adapter else { return Ok(()) };
    let (rank, inputs) = adapter.down.dims2()?;
    let low = room(low, x.len() / inputs * rank);
    weighted(low, x, &adapter.down, false)?;
    low.iter_mut().for_each(|value| *value *= adapter.scale as f32);
    weighted(to, low, &adapter.up, true)
}

/// [`linear`] and the layer's bias, where it has one.
pub(super) fn linear_with_bias(
    layer: &Linear,
    rows: &mut Rows<'_>,
    to: &mut [f32],
    low: &mut Vec<f32>,
) -> Result<()> {
    linear(layer, rows, to, low)?;
    if layer.bias.is_some() {
        with_bias(layer, |bias| add_bias(to, bias))?;
    }
    Ok(())
}

/// Calls `f` with the bias of a layer.
pub(super) fn with_bias<R>(layer: &Linear, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    match &layer.bias {
        Some(bias) => with(bias, f),
        None => bail!("expected a linear layer with a bias"),
    }
}

fn weighted(to: &mut [f32], x: &[f32], weight: &Tensor, is_added: bool) -> Result<()> {
    let (outputs, inputs) = weight.dims2()?;
    with(weight, |weight| Factors { x, weight, inputs, outputs }.by_rows(to, is_added))
}

/// What is multiplied: `x` of shape `(rows, inputs)` and W of shape `(outputs, inputs)`. Each way gives
/// `to = x W^T`, or `to += x W^T` where `is_added`.
#[derive(Debug, Clone, Copy)]
struct Factors<'v> {
    x: &'v [f32],
    weight: &'v [f32],
    inputs: usize,
    outputs: usize,
}

impl Factors<'_> {
    fn rows(self) -> usize {
        self.x.len() / self.inputs
    }

    /// Each row by itself.
    fn by_rows(self, to: &mut [f32], is_added: bool) {
        let Self { x, inputs, outputs, .. } = self;
        // These `gemm` has ways of its own for, which differ from row to row.
        if inputs <= 2 || outputs == 1 {
            return self.plain(to, is_added);
        }
        let least = (SMALL / outputs + 1).max(2);
        if self.rows() >= least {
            return self.by_terms(to, is_added);
        }
        let mut more = vec![0.0; least * (inputs + outputs)];
        let (x_more, to_more) = more.split_at_mut(least * inputs);
        x_more[..x.len()].copy_from_slice(x);
        to_more[..to.len()].copy_from_slice(to);
        Factors { x: x_more, ..self }.by_terms(to_more, is_added);
        to.copy_from_slice(&to_more[..to.len()]);
    }

    /// [`TERMS`] at a time.
    fn by_terms(self, to: &mut [f32], is_added: bool) {
        let Self { x, weight, inputs, outputs } = self;
        let step = inputs.div_ceil(inputs.div_ceil(TERMS));
        for start in (0..inputs).step_by(step) {
            let terms = step.min(inputs - start);
            multiply(
                MatrixMut::new(to, [self.rows(), outputs], outputs),
                Matrix::new(&x[start..], [self.rows(), terms], inputs),
                Matrix::new(&weight[start..], [outputs, terms], inputs).transposed(),
                is_added || start > 0,
            );
        }
    }

    /// By three loops.
    fn plain(self, to: &mut [f32], is_added: bool) {
        let Self { x, weight, inputs, outputs } = self;
        for (to, x) in to.chunks_exact_mut(outputs).zip(x.chunks_exact(inputs)) {
            for (to, weight) in to.iter_mut().zip(weight.chunks_exact(inputs)) {
                let before = if is_added { *to } else { 0.0 };
                *to = before + x.iter().zip(weight).map(|(x, w)| x * w).sum::<f32>();
            }
        }
    }
}

/// Adds `bias` to each row.
pub(in super::super) fn add_bias(values: &mut [f32], bias: &[f32]) {
    for row in values.chunks_exact_mut(bias.len()) {
        row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::kernel::noise;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_three_loops(
            [rows, inputs, outputs] in [1usize..40, 1usize..1100, 1usize..70],
            is_added: bool,
        ) {
            let (x, weight) = (noise(rows * inputs, 1), noise(outputs * inputs, 2));
            let mut to = noise(rows * outputs, 3);
            let mut expected = to.clone();
            let factors = Factors { x: &x, weight: &weight, inputs, outputs };
            factors.by_rows(&mut to, is_added);
            factors.plain(&mut expected, is_added);
            for (got, expected) in to.iter().zip(&expected) {
                prop_assert!((got - expected).abs() < 1e-3, "{} is not {}", got, expected);
            }
        }
    }

    #[test]
    fn a_row_is_the_same_whatever_rows_stand_beside_it() {
        for inputs in [1, 2, 3, 8, 33, 384, 768, 1536] {
            for outputs in [1, 2, 7, 8, 16, 64, 65, 200, 388] {
                let (x, weight) = (noise(150 * inputs, 1), noise(outputs * inputs, 2));
                let of = |rows: std::ops::Range<usize>| {
                    let mut to = vec![0.0; rows.len() * outputs];
                    let x = &x[rows.start * inputs..rows.end * inputs];
                    Factors { x, weight: &weight, inputs, outputs }.by_rows(&mut to, false);
                    to
                };
                let all = of(0..150);
                for rows in [0..1, 149..150, 3..5, 7..20, 1..66, 2..129] {
                    let expected = &all[rows.start * outputs..rows.end * outputs];
                    assert_eq!(of(rows.clone()), expected, "{inputs} {outputs} {rows:?}");
                }
            }
        }
    }
}
