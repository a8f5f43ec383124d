//! A step of an LSTM (Hochreiter and Schmidhuber 1997), with the order of gates of PyTorch's `nn.LSTM`.

use super::lanes::{exponential, vectorised};

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
