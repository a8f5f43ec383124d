//! Rotary positions (Su et al. 2021, arXiv:2104.09864): element *i* of the first half of a head and element *i* of the
//! second are turned by position · theta^(-2i / width).

use super::lanes::vectorised;

/// How far position 1 turns element *i* of either half of a head of this width.
pub(in super::super) fn speeds(width: usize, theta: f64) -> impl Iterator<Item = f32> + Clone {
    // In single precision, as the reference: far from the start the last bit of a speed shows.
    (0..width / 2).map(move |i| 1.0 / (theta as f32).powf((2 * i) as f32 / width as f32))
}

/// What each of some positions, counted from 0, turns by.
#[derive(Debug)]
pub(in super::super) struct Turns {
    /// Half the width of a head.
    half: usize,
    /// Both of shape `(positions, half)`.
    cosine: Vec<f32>,
    sine: Vec<f32>,
}

impl Turns {
    /// Those of so many positions of heads of this width, which is even.
    pub(in super::super) fn new(positions: usize, width: usize, theta: f64) -> Self {
        let speeds = speeds(width, theta);
        let angles =
            (0..positions).flat_map(|at| speeds.clone().map(move |speed| at as f32 * speed));
        let (sine, cosine) = angles.map(f32::sin_cos).unzip();
        Self { half: width / 2, cosine, sine }
    }

    /// Turns the rows of a sequence from its first on: into the rows of `to`, which have `hidden` numbers, a head beside
    /// the other, from the `hidden` numbers from `first` on of each row of `stride` numbers of `from`.
    pub(in super::super) fn turn(
        &self,
        to: &mut [f32],
        hidden: usize,
        from: &[f32],
        first: usize,
        stride: usize,
    ) {
        let rows = to.chunks_exact_mut(hidden).zip(from.chunks_exact(stride));
        let turns = self.cosine.chunks_exact(self.half).zip(self.sine.chunks_exact(self.half));
        for ((to, from), (cosine, sine)) in rows.zip(turns) {
            turn(to, &from[first..first + hidden], cosine, sine);
        }
    }
}

vectorised! {
    /// One row: all of its heads turn alike.
    fn turn<'v>(to: &'v mut [f32], from: &'v [f32], cosine: &'v [f32], sine: &'v [f32]) {
        let half = cosine.len();
        for (to, from) in to.chunks_exact_mut(2 * half).zip(from.chunks_exact(2 * half)) {
            let ((to_first, to_second), (first, second)) = (to.split_at_mut(half), from.split_at(half));
            for (i, (to_first, to_second)) in to_first.iter_mut().zip(to_second).enumerate() {
                *to_first = first[i] * cosine[i] - second[i] * sine[i];
                *to_second = second[i] * cosine[i] + first[i] * sine[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_definition(
            rows in 1usize..40,
            heads in 1usize..4,
            half in 1usize..20,
            theta in 100.0..200_000.0,
        ) {
            let (width, hidden) = (2 * half, 2 * half * heads);
            let stride = 3 * hidden;
            let from = noise(rows * stride, 1);
            let mut to = vec![0.0; rows * hidden];
            Turns::new(rows, width, theta).turn(&mut to, hidden, &from, hidden, stride);
            for (place, got) in to.iter().enumerate() {
                let (row, column) = (place / hidden, place % hidden);
                let (head, within) = (column / width * width, column % width);
                let i = within % half;
                let of = |k: usize| f64::from(from[row * stride + hidden + head + k]);
                let angle = row as f64 * theta.powf(-((2 * i) as f64) / width as f64);
                let expected = if within < half {
                    of(i) * angle.cos() - of(half + i) * angle.sin()
                } else {
                    of(half + i) * angle.cos() + of(i) * angle.sin()
                };
                prop_assert!((f64::from(*got) - expected).abs() < 2e-5, "{} is not {}", got, expected);
            }
        }
    }
}
