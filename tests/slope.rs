//! Gradients held to what they are: how much a loss changes when a weight is moved.

use candle_core::{Device, Tensor, Var};

/// `gradient` says within 3 % how much `loss` changes when `variable` is moved in some direction. It is left
/// as it was; `what` names it where that is not so.
pub(crate) fn assert_is_slope(
    what: &str,
    gradient: &Tensor,
    variable: &Var,
    loss: impl Fn() -> f64,
) {
    let before = variable.as_tensor().copy().expect("a copy");
    let direction = |i: usize| (i as f32 * 1.3 + 0.5).cos();
    let direction: Vec<f32> = (0..before.elem_count()).map(direction).collect();
    let direction = Tensor::from_vec(direction, before.shape(), &Device::Cpu).expect("a direction");
    let slope = (gradient * &direction).and_then(|t| t.sum_all());
    let slope = slope.and_then(|t| t.to_scalar::<f32>()).expect("a slope");
    let step = 2e-3;
    let at = |step: f64| {
        let moved = (&before + (&direction * step).expect("a step")).expect("a sum");
        variable.set(&moved).expect("another value");
        loss()
    };
    let measured = (at(step) - at(-step)) / (2.0 * step);
    variable.set(&before).expect("the old value");
    let difference = (f64::from(slope) - measured).abs();
    let tolerance = 0.03 * f64::from(slope).abs().max(1.0);
    assert!(difference < tolerance, "{what}: {slope} is not {measured}");
}
