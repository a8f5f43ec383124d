//! Disentangled attention (He et al. 2021, arXiv:2006.03654): scores between what a sub-word is and how
//! far away another stands, as `transformers`' `DebertaV2Model` computes them.

use candle_core::{Device, Result, Tensor};

use super::Mode;
use super::attention::{Attention, split_heads};
use super::block::{Block, Shape};
use super::keys::Keys;
use super::layers::{LayerNorm, Linear};
use crate::source::model::weights::Weights;

/// Which distances are told apart, and which scores are taken.
#[derive(Debug, Clone)]
pub(super) struct Relative {
    /// How many buckets there are a direction, where distances fall into buckets.
    buckets: Option<usize>,
    /// The distance from which on all are one.
    most: usize,
    /// Content to position: the query asks for a distance.
    pub(super) of_query: bool,
    /// Position to content: the key answers to one.
    pub(super) of_key: bool,
    /// Whether distances go through the projections of the content.
    pub(super) shared: bool,
}

impl Relative {
    /// Reads the keys; `None` where attention is plain, but for its scale (see
    /// [`Relative::scale_parts`]).
    pub(super) fn read(keys: &Keys, positions: usize) -> crate::Result<Option<Self>> {
        let kinds = keys.words("pos_att_type")?;
        if kinds.iter().any(|kind| !["c2p", "p2c"].contains(&kind.as_str())) {
            return Err(keys.wrong("pos_att_type", "a list of c2p and p2c"));
        }
        let has = |kind: &str| kinds.iter().any(|k| k == kind);
        let relative = Self {
            buckets: keys.size_if_positive("position_buckets")?,
            most: keys.size_if_positive("max_relative_positions")?.unwrap_or(positions),
            of_query: has("c2p"),
            of_key: has("p2c"),
            shared: keys.flag("share_att_key", false)?,
        };
        if relative.buckets.is_some_and(|buckets| buckets < 4 || relative.most <= buckets / 2 + 1) {
            let expected = "at least 4, and less than twice max_relative_positions";
            return Err(keys.wrong("position_buckets", expected));
        }
        Ok(keys.flag("relative_attention", false)?.then_some(relative))
    }

    /// Of how many parts a score is the sum, by the keys; it divides the scores also where attention is
    /// plain.
    pub(super) fn scale_parts(keys: &Keys) -> crate::Result<usize> {
        let kinds = keys.words("pos_att_type")?;
        Ok(1 + ["c2p", "p2c"].iter().filter(|kind| kinds.iter().any(|k| k == *kind)).count())
    }

    /// How many distances of one direction have an embedding.
    pub(super) fn span(&self) -> usize {
        self.buckets.unwrap_or(self.most)
    }

    /// The bucket of a distance: distances up to half the buckets each have their own, longer ones fall
    /// into buckets by their logarithm.
    fn bucket(&self, distance: usize) -> usize {
        let Some(buckets) = self.buckets else { return distance };
        let half = buckets / 2;
        if distance <= half {
            return distance;
        }
        // In single precision, as the reference: its rounding decides at the edges of buckets.
        let middle = half as f32;
        let far = (distance as f32 / middle).ln() / ((self.most - 1) as f32 / middle).ln();
        (far * (half - 1) as f32).ceil() as usize + half
    }

    /// The distances in a sequence of `length` sub-words: the first row of the table of embeddings that any of them has, and
    /// the rows of all, counted from that one. The row of the pair (first, second) stands at `length - 1 - first +
    /// second`.
    pub(super) fn numbers(&self, length: usize) -> (usize, Vec<u32>) {
        let span = self.span();
        let far: Vec<usize> = (0..length).map(|d| self.bucket(d)).collect();
        let reach = far.last().map_or(0, |far| far + 1).min(span);
        let first = span - reach;
        let before = far.iter().rev().map(|far| span + far);
        let behind = far.iter().skip(1).map(|far| span.saturating_sub(*far));
        let number = |at: usize| (at.min(2 * span - 1) - first) as u32;
        (first, before.chain(behind).map(number).collect())
    }

    /// The embeddings of distances that sequences of `length` need, of the `2 * span` in `table`, and for
    /// every pair of positions (first, second) the number of its own among them, flat.
    fn distances(&self, table: &Tensor, length: usize) -> Result<(Tensor, Vec<u32>)> {
        let (first, numbers) = self.numbers(length);
        let near = table.narrow(0, first, 2 * (self.span() - first))?;
        let of = |from: usize| &numbers[length - 1 - from..][..length];
        Ok((near, (0..length).flat_map(of).copied().collect()))
    }
}

/// The embeddings of distances, ready for the batch at hand.
pub(super) struct Distances {
    /// Shape `(n, hidden)`.
    embeddings: Tensor,
    /// For each query the number of each key's distance, shape `(1, 1, length, length)`.
    of_query: Tensor,
    /// For each key the number of each query's distance, shape `(1, 1, length, length)`.
    of_key: Tensor,
}

impl Distances {
    /// Those of sequences of `length`, from the whole `table`.
    pub(super) fn new(
        relative: &Relative,
        table: &Tensor,
        norm: Option<&LayerNorm>,
        length: usize,
        mode: Mode<'_>,
    ) -> Result<Self> {
        let device: &Device = table.device();
        let (mut embeddings, numbers) = relative.distances(table, length)?;
        if let Some(norm) = norm {
            embeddings = norm.forward(&embeddings, mode)?;
        }
        let of_query = Tensor::from_vec(numbers, (1, 1, length, length), device)?;
        let of_key = of_query.t()?.contiguous()?;
        Ok(Self { embeddings, of_query, of_key })
    }
}

/// The projections of distances of one layer; absent where those of the content are taken, or where
/// that kind of score is not.
pub(super) struct Projections {
    key: Option<Linear>,
    query: Option<Linear>,
}

impl Projections {
    /// Reads those of the attention called `name`.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        relative: &Relative,
        hidden: usize,
    ) -> crate::Result<Self> {
        let load = |part: &str, is_there: bool| {
            let name = format!("{name}.{part}");
            (is_there && !relative.shared)
                .then(|| Linear::load(weights, &name, hidden, hidden))
                .transpose()
        };
        Ok(Self {
            key: load("pos_key_proj", relative.of_query)?,
            query: load("pos_query_proj", relative.of_key)?,
        })
    }

    /// What makes of distances what queries ask them for; `None` where they do not.
    pub(super) fn of_query<'m>(
        &'m self,
        relative: &Relative,
        block: &'m Block,
    ) -> Option<&'m Linear> {
        relative.of_query.then(|| self.key.as_ref().unwrap_or(&block.key))
    }

    /// What makes of distances what they ask keys for; `None` where they do not.
    pub(super) fn of_key<'m>(
        &'m self,
        relative: &Relative,
        block: &'m Block,
    ) -> Option<&'m Linear> {
        relative.of_key.then(|| self.query.as_ref().unwrap_or(&block.query))
    }

    /// What distances add to the scores: shape `(rows, heads, length, length)`; `None` where nothing.
    pub(super) fn bias(
        &self,
        attention: &Attention,
        distances: &Distances,
        relative: &Relative,
        block: &Block,
        shape: &Shape,
        mode: Mode<'_>,
    ) -> Result<Option<Tensor>> {
        let dropped = mode.dropout(&distances.embeddings, shape.dropout)?.unsqueeze(0)?;
        let scores = |content: &Tensor, projection: &Linear, numbers: &Tensor| {
            let (rows, heads, length, _) = content.dims4()?;
            let projected = split_heads(&projection.forward(&dropped)?, shape.heads)?;
            let scores = content.broadcast_matmul(&projected.t()?)?;
            let numbers = numbers.broadcast_as((rows, heads, length, length))?.contiguous()?;
            scores.contiguous()?.gather(&numbers, 3)
        };
        let mut sum = None;
        if let Some(projection) = self.of_query(relative, block) {
            sum = Some(scores(&attention.query, projection, &distances.of_query)?);
        }
        if let Some(projection) = self.of_key(relative, block) {
            // The distance of key j from query i is that of row j, column i.
            let added = scores(&attention.key, projection, &distances.of_key)?.t()?.contiguous()?;
            sum = Some(match sum {
                Some(sum) => (sum + added)?,
                None => added,
            });
        }
        let parts = 1 + usize::from(relative.of_query) + usize::from(relative.of_key);
        let scale = 1.0 / ((shape.hidden / shape.heads * parts) as f64).sqrt();
        sum.map(|sum| sum * scale).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(buckets: Option<usize>, most: usize) -> Relative {
        Relative { buckets, most, of_query: true, of_key: true, shared: true }
    }

    #[test]
    fn buckets_equal_the_reference() {
        let text = include_str!("../../../../tests/data/architectures/deberta-buckets.json");
        let expected: Vec<usize> = serde_json::from_str(text).unwrap();
        let relative = relative(Some(256), 512);
        let got: Vec<usize> = (0..expected.len()).map(|d| relative.bucket(d)).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn only_the_distances_at_hand_are_taken_and_far_ones_are_one() {
        let rows: Vec<f32> = (0..8).map(|n| n as f32).collect();
        let table = Tensor::from_vec(rows, (8, 1), &Device::Cpu).unwrap();
        let relative = relative(None, 4);
        let of = |length: usize| {
            let (near, numbers) = relative.distances(&table, length).unwrap();
            let near = near.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            numbers.into_iter().map(|n| near[n as usize]).collect::<Vec<_>>()
        };
        assert_eq!(of(1), [4.0]);
        assert_eq!(of(2), [4.0, 3.0, 5.0, 4.0]);
        // From the first position: its own distance is row 4; the farthest are row 0 one way and row 7
        // the other.
        let far = of(7);
        assert_eq!(far[..7], [4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(far[42..], [7.0, 7.0, 7.0, 7.0, 6.0, 5.0, 4.0]);
    }
}
