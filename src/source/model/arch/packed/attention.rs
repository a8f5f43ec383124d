//! Attention of several heads (Vaswani et al. 2017, arXiv:1706.03762) within one sequence.

use super::super::kernel::attention::{Head, HeadMut, Sight};
use super::super::kernel::product::{Matrix, MatrixMut, multiply};
use super::super::kernel::softmax;
use super::distances::{LayerDistances, Offsets};
use super::room;

/// Queries, keys and values of a sequence, each of shape `(length, hidden)`, a head beside the other.
#[derive(Clone, Copy)]
pub(super) struct Sequence<'v> {
    pub(super) query: &'v [f32],
    pub(super) key: &'v [f32],
    pub(super) value: &'v [f32],
    pub(super) hidden: usize,
    pub(super) heads: usize,
    /// Which of its sub-words see which.
    pub(super) sight: Sight,
    /// What distances between sub-words say, where all see all; and how far these are from each other.
    pub(super) distances: Option<(&'v LayerDistances, &'v Offsets)>,
}

impl Sequence<'_> {
    /// What the queries gather, of their shape, into `context`; `scores` and `relative` are room to work in.
    pub(super) fn attend(
        &self,
        context: &mut [f32],
        scores: &mut Vec<f32>,
        relative: &mut Vec<f32>,
    ) {
        let (hidden, width) = (self.hidden, self.hidden / self.heads);
        let scores = room(scores, self.sight.seen());
        let parts = self.distances.map_or(1, |(distances, _)| distances.parts());
        let scale = 1.0 / ((width * parts) as f32).sqrt();
        for first in (0..hidden).step_by(width) {
            let head = |values| Head { values, first, hidden, width };
            self.sight.products(scores, head(self.query), head(self.key));
            if let Some((distances, offsets)) = self.distances {
                distances.add(scores, [head(self.query), head(self.key)], offsets, relative);
            }
            self.sight.softmax(scores, scale);
            let to = HeadMut { values: context, first, hidden, width };
            self.sight.gather(to, scores, head(self.value));
        }
    }

    /// The same where each sub-word sees those alone that are at most `reach` away (Beltagy et al. 2020,
    /// arXiv:2004.05150), as many at a time as see nearly the same.
    pub(super) fn attend_near(&self, reach: usize, context: &mut [f32], scores: &mut Vec<f32>) {
        let (hidden, width, length) = (self.hidden, self.hidden / self.heads, self.sight.length());
        let scale = 1.0 / (width as f32).sqrt();
        let step = reach.max(LEAST_STEP);
        for first in (0..hidden).step_by(width) {
            let head = |values| Head { values, first, hidden, width };
            for begin in (0..length).step_by(step) {
                let rows = step.min(length - begin);
                let from = begin.saturating_sub(reach);
                let seen = (begin + rows).saturating_add(reach).min(length) - from;
                let scores = room(scores, rows * seen);
                multiply(
                    MatrixMut::new(scores, [rows, seen], seen),
                    head(self.query).matrix(begin, rows),
                    head(self.key).matrix(from, seen).transposed(),
                    false,
                );
                for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
                    let own = begin + row - from;
                    scores[..own.saturating_sub(reach)].fill(f32::NEG_INFINITY);
                    let end = own.saturating_add(reach).saturating_add(1).min(seen);
                    scores[end..].fill(f32::NEG_INFINITY);
                }
                softmax::softmax(scores, seen, scale);
                multiply(
                    MatrixMut::new(&mut context[begin * hidden + first..], [rows, width], hidden),
                    Matrix::new(scores, [rows, seen], seen),
                    head(self.value).matrix(from, seen),
                    false,
                );
            }
        }
    }
}

/// So many sub-words at least look around at once.
const LEAST_STEP: usize = 32;

#[cfg(test)]
mod tests {
    use super::super::super::kernel::noise;
    use super::*;
    use proptest::prelude::*;

    /// The definition, in `f64`, where all see all that are at most `reach` away.
    fn plain(sequence: &Sequence<'_>, reach: usize) -> Vec<f32> {
        let Sequence { query, key, value, hidden, heads, .. } = *sequence;
        let (length, width) = (query.len() / hidden, hidden / heads);
        let mut context = vec![0.0; length * hidden];
        for (head, i) in (0..heads).flat_map(|head| (0..length).map(move |i| (head, i))) {
            let at =
                |x: &[f32], row: usize, k: usize| f64::from(x[row * hidden + head * width + k]);
            let score = |j: usize| -> f64 {
                let product: f64 = (0..width).map(|k| at(query, i, k) * at(key, j, k)).sum();
                (product / (width as f64).sqrt()).exp()
            };
            let seen = || (0..length).filter(|j| j.abs_diff(i) <= reach);
            let all: f64 = seen().map(score).sum();
            for k in 0..width {
                let gathered: f64 = seen().map(|j| score(j) / all * at(value, j, k)).sum();
                context[i * hidden + head * width + k] = gathered as f32;
            }
        }
        context
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            length in 1usize..90,
            heads in 1usize..4,
            width in 1usize..20,
            size in 0.1f32..3.0,
            reach in 0usize..100,
        ) {
            let hidden = heads * width;
            let noise = |seed| -> Vec<f32> {
                noise(length * hidden, seed).into_iter().map(|value| size * value).collect()
            };
            let (query, key, value) = (noise(1), noise(2), noise(3));
            let (query, key, value) = (&query[..], &key[..], &value[..]);
            let sight = Sight::new(length, 0).unwrap();
            let distances = None;
            let sequence = Sequence { query, key, value, hidden, heads, sight, distances };
            let mut context = vec![0.0; length * hidden];
            sequence.attend(&mut context, &mut Vec::new(), &mut Vec::new());
            let mut near = vec![0.0; length * hidden];
            sequence.attend_near(reach, &mut near, &mut Vec::new());
            for (context, reach) in [(context, length), (near, reach)] {
                for (got, expected) in context.iter().zip(plain(&sequence, reach)) {
                    prop_assert!((got - expected).abs() < 2e-5, "{} is not {}", got, expected);
                }
            }
        }
    }
}
