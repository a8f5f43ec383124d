//! An axis over a part of the numbers: what is compared is seldom spread from nought to one.

use super::{Anchor, Drawing, Scale};

/// Steps between ticks that people like.
const STEPS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/// At most so many steps fit.
const MOST_STEPS: f64 = 6.0;

/// Numbers from `least` to `most` onto a scale, with ticks at round numbers.
pub(super) struct Axis {
    scale: Scale,
    least: f64,
    step: f64,
    steps: u32,
}

impl Axis {
    /// One on which all of `numbers` have their place.
    pub(super) fn over(scale: Scale, numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers = numbers.into_iter().filter(|number| number.is_finite());
        let first = numbers.next().unwrap_or(0.0);
        let (least, most) =
            numbers.fold((first, first), |(least, most), n| (least.min(n), most.max(n)));
        let fits = |step: &&f64| (most - least) / **step <= MOST_STEPS - 1.0;
        let step = STEPS.iter().find(fits).copied().unwrap_or(0.5);
        let from = (least / step).floor();
        let steps = ((most / step).ceil() - from).max(1.0);
        // There are at most a few.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let steps = steps as u32;
        Self { scale, least: from * step, step, steps }
    }

    /// Where a number is.
    pub(super) fn at(&self, number: f64) -> f64 {
        let whole = self.step * f64::from(self.steps);
        self.scale.at((number - self.least) / whole)
    }

    /// Draws lines down from `top` to `bottom` at round numbers, each with its number in percent.
    pub(super) fn draw(&self, drawing: &mut Drawing, (top, bottom): (f64, f64)) {
        for number in 0..=self.steps {
            let value = self.least + self.step * f64::from(number);
            let x = self.at(value);
            drawing.line("grid", (x, top), (x, bottom));
            let decimals = if self.step < 0.01 { 1 } else { 0 };
            let name = format!("{:.decimals$}%", value * 100.0);
            drawing.text("tick", (x, bottom + 18.0), Anchor::Middle, &name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_everything() {
        let scale = Scale { from: 100.0, to: 200.0 };
        let axis = Axis::over(scale, [0.563, 0.6112]);
        assert_eq!((axis.step, axis.steps), (0.01, 6));
        assert!((axis.at(0.56) - 100.0).abs() < 1e-9 && (axis.at(0.62) - 200.0).abs() < 1e-9);
        for numbers in [vec![], vec![0.5], vec![0.0, 1.0], vec![f64::NAN, 0.2], vec![-0.03, 0.01]] {
            let axis = Axis::over(scale, numbers.clone());
            for number in numbers.into_iter().filter(|number| number.is_finite()) {
                let at = axis.at(number);
                assert!((99.9..200.1).contains(&at), "{number} at {at}");
            }
            assert!((1..=7).contains(&axis.steps), "{}", axis.steps);
        }
    }
}
