//! What distances between sub-words say in disentangled attention ([`super::super::disentangled`]), laid out: as no weight changes
//! any more, what each distance is asked for, and what it asks for, is computed once.

use candle_core::{Result, Tensor};

use super::super::Mode;
use super::super::block::Block;
use super::super::disentangled::{Projections, Relative};
use super::super::kernel::attention::Head;
use super::super::kernel::product::{Matrix, MatrixMut, multiply};
use super::super::layers::{LayerNorm, Linear};
use super::room;

/// Distances with what every layer makes of them.
pub(in super::super) struct LaidOutDistances {
    relative: Relative,
    layers: Vec<LayerDistances>,
}

/// What a layer makes of all distances: each of shape `(distances, hidden)`, a head beside the other.
pub(super) struct LayerDistances {
    /// What queries ask distances for; `None` where they do not.
    keys: Option<Vec<f32>>,
    /// What distances ask keys for; `None` where they do not.
    queries: Option<Vec<f32>>,
}

impl LaidOutDistances {
    /// From the embeddings `table` of distances, perhaps with a norm, and layers whose weights nobody trains.
    pub(in super::super) fn new<'m>(
        relative: &Relative,
        (table, norm): (&Tensor, Option<&LayerNorm>),
        layers: impl Iterator<Item = (&'m Block, &'m Projections)>,
    ) -> Result<Self> {
        let table = match norm {
            Some(norm) => norm.forward(table, Mode::Inference)?,
            None => table.clone(),
        };
        let projected =
            |projection: &Linear| projection.forward(&table)?.flatten_all()?.to_vec1::<f32>();
        let of_layer = |(block, projections): (&Block, &Projections)| {
            Ok(LayerDistances {
                keys: projections.of_query(relative, block).map(projected).transpose()?,
                queries: projections.of_key(relative, block).map(projected).transpose()?,
            })
        };
        let layers = layers.map(of_layer).collect::<Result<_>>()?;
        Ok(Self { relative: relative.clone(), layers })
    }

    /// How far the sub-words of a sequence of this length are from each other.
    pub(super) fn offsets(&self, length: usize) -> Offsets {
        let (first, numbers) = self.relative.numbers(length);
        let count = numbers.iter().max().map_or(0, |most| *most as usize + 1);
        Offsets { first, count, numbers }
    }

    /// What the layer of this number makes of them.
    pub(super) fn layer(&self, number: usize) -> &LayerDistances {
        &self.layers[number]
    }
}

/// The distances in a sequence (see [`Relative::numbers`]).
pub(super) struct Offsets {
    first: usize,
    /// How many distances there are from the first on.
    count: usize,
    numbers: Vec<u32>,
}

impl Offsets {
    fn length(&self) -> usize {
        self.numbers.len().div_ceil(2)
    }

    /// What a layer makes of them, of the columns of a head.
    fn near<'v>(&self, values: &'v [f32], head: Head<'_>) -> Matrix<'v> {
        Head { values: &values[self.first * head.hidden..], ..head }.matrix(0, self.count)
    }

    /// The numbers of the distances of a sub-word from all.
    fn of(&self, from: usize) -> &[u32] {
        &self.numbers[self.length() - 1 - from..][..self.length()]
    }
}

impl LayerDistances {
    /// Of how many parts a score is the sum.
    pub(super) fn parts(&self) -> usize {
        1 + [&self.keys, &self.queries].into_iter().flatten().count()
    }

    /// Adds what distances say to the scores of one head, of shape `(length, length)`; `relative` is room to work in.
    pub(super) fn add(
        &self,
        scores: &mut [f32],
        [query, key]: [Head<'_>; 2],
        offsets: &Offsets,
        relative: &mut Vec<f32>,
    ) {
        let (length, count) = (offsets.length(), offsets.count);
        let relative = room(relative, length * count);
        if let Some(keys) = &self.keys {
            let to = MatrixMut::new(relative, [length, count], count);
            multiply(to, query.matrix(0, length), offsets.near(keys, query).transposed(), false);
            let rows = scores.chunks_exact_mut(length).zip(relative.chunks_exact(count));
            for (from, (scores, relative)) in rows.enumerate() {
                for (score, number) in scores.iter_mut().zip(offsets.of(from)) {
                    *score += relative[*number as usize];
                }
            }
        }
        if let Some(queries) = &self.queries {
            let to = MatrixMut::new(relative, [count, length], length);
            multiply(to, offsets.near(queries, key), key.matrix(0, length).transposed(), false);
            for (from, scores) in scores.chunks_exact_mut(length).enumerate() {
                let seen = scores.iter_mut().zip(offsets.of(from)).enumerate();
                for (to, (score, number)) in seen {
                    *score += relative[*number as usize * length + to];
                }
            }
        }
    }
}
