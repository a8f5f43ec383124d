//! Attention of several heads (Vaswani et al. 2017, arXiv:1706.03762) within one sequence: all see all, so
//! nothing is masked.

use super::super::kernel::product::{Matrix, MatrixMut, multiply};
use super::super::kernel::softmax::softmax;
use super::room;

/// Queries, keys and values of a sequence, each of shape `(length, hidden)`, a head beside the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence<'v> {
    pub(super) query: &'v [f32],
    pub(super) key: &'v [f32],
    pub(super) value: &'v [f32],
    pub(super) hidden: usize,
    pub(super) heads: usize,
}

impl Sequence<'_> {
    /// What the queries gather, of their shape, into `context`; `scores` is room to work in.
    pub(super) fn attend(&self, context: &mut [f32], scores: &mut Vec<f32>) {
        let (hidden, width) = (self.hidden, self.hidden / self.heads);
        let length = self.query.len() / hidden;
        let scores = room(scores, length * length);
        let scale = 1.0 / (width as f32).sqrt();
        for first in (0..hidden).step_by(width) {
            multiply(
                MatrixMut::new(scores, [length, length], length),
                self.head(self.query, first),
                self.head(self.key, first).transposed(),
                false,
            );
            softmax(scores, length, scale);
            multiply(
                MatrixMut::new(&mut context[first..], [length, width], hidden),
                Matrix::new(scores, [length, length], length),
                self.head(self.value, first),
                false,
            );
        }
    }

    /// The head whose columns begin at `first`.
    fn head<'v>(&self, x: &'v [f32], first: usize) -> Matrix<'v> {
        let shape = [x.len() / self.hidden, self.hidden / self.heads];
        Matrix::new(&x[first..], shape, self.hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::kernel::noise;
    use super::*;
    use proptest::prelude::*;

    /// The definition, in `f64`.
    fn plain(sequence: &Sequence<'_>) -> Vec<f32> {
        let Sequence { query, key, value, hidden, heads } = *sequence;
        let (length, width) = (query.len() / hidden, hidden / heads);
        let mut context = vec![0.0; length * hidden];
        for (head, i) in (0..heads).flat_map(|head| (0..length).map(move |i| (head, i))) {
            let at =
                |x: &[f32], row: usize, k: usize| f64::from(x[row * hidden + head * width + k]);
            let score = |j: usize| -> f64 {
                let product: f64 = (0..width).map(|k| at(query, i, k) * at(key, j, k)).sum();
                (product / (width as f64).sqrt()).exp()
            };
            let all: f64 = (0..length).map(score).sum();
            for k in 0..width {
                let gathered: f64 = (0..length).map(|j| score(j) / all * at(value, j, k)).sum();
                context[i * hidden + head * width + k] = gathered as f32;
            }
        }
        context
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            length in 1usize..40,
            heads in 1usize..4,
            width in 1usize..20,
            size in 0.1f32..3.0,
        ) {
            let hidden = heads * width;
            let noise = |seed| -> Vec<f32> {
                noise(length * hidden, seed).into_iter().map(|value| size * value).collect()
            };
            let (query, key, value) = (noise(1), noise(2), noise(3));
            let (query, key, value) = (&query[..], &key[..], &value[..]);
            let sequence = Sequence { query, key, value, hidden, heads };
            let mut context = vec![0.0; length * hidden];
            sequence.attend(&mut context, &mut Vec::new());
            for (got, expected) in context.iter().zip(plain(&sequence)) {
                prop_assert!((got - expected).abs() < 2e-5, "{} is not {}", got, expected);
            }
        }
    }
}
