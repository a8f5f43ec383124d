//! Attention of several heads (Vaswani et al. 2017, arXiv:1706.03762) within one sequence.

use super::super::kernel::attention::{Head, HeadMut, Sight};
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
}

#[cfg(test)]
mod tests {
    use super::super::super::kernel::noise;
    use super::*;
    use proptest::prelude::*;

    /// The definition, in `f64`, where all see all.
    fn plain(sequence: &Sequence<'_>) -> Vec<f32> {
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
            let sight = Sight::new(length, 0).unwrap();
            let distances = None;
            let sequence = Sequence { query, key, value, hidden, heads, sight, distances };
            let mut context = vec![0.0; length * hidden];
            sequence.attend(&mut context, &mut Vec::new(), &mut Vec::new());
            for (got, expected) in context.iter().zip(plain(&sequence)) {
                prop_assert!((got - expected).abs() < 2e-5, "{} is not {}", got, expected);
            }
        }
    }
}
