//! The sum of what is learned of a sub-word, of its position and of the text it belongs to.

use candle_core::{Result, Tensor};

use crate::source::model::batch::Batch;
use crate::source::model::weights::Weights;

/// How many rows each table of embeddings has, and how wide they are. A table without rows is not
/// there.
pub(super) struct Sizes {
    pub(super) width: usize,
    pub(super) words: usize,
    pub(super) positions: usize,
    pub(super) types: usize,
}

/// Tables of embeddings.
pub(super) struct Embeddings {
    words: Tensor,
    positions: Option<Tensor>,
    types: Option<Tensor>,
}

impl Embeddings {
    /// Reads `{name}.word_embeddings`, `.position_embeddings` and `.token_type_embeddings`.
    pub(super) fn load(weights: &Weights, name: &str, sizes: &Sizes) -> crate::Result<Self> {
        let table = |table: &str, rows: usize| {
            weights.tensor(&format!("{name}.{table}_embeddings.weight"), &[rows, sizes.width])
        };
        let optional = |name: &str, rows: usize| (rows > 0).then(|| table(name, rows)).transpose();
        Ok(Self {
            words: table("word", sizes.words)?,
            positions: optional("position", sizes.positions)?,
            types: optional("token_type", sizes.types)?,
        })
    }

    /// The sums for a batch: shape `(rows, length, width)`. `positions` are the numbers of the
    /// positions, of the shape of the ids; without them they count from 0 in every row.
    pub(super) fn forward(&self, batch: &Batch, positions: Option<&Tensor>) -> Result<Tensor> {
        let (_, length) = batch.ids.dims2()?;
        let mut sum = look_up(&self.words, &batch.ids)?;
        match (&self.positions, positions) {
            (Some(table), Some(numbers)) => sum = (sum + look_up(table, numbers)?)?,
            (Some(table), None) => sum = sum.broadcast_add(&table.narrow(0, 0, length)?)?,
            (None, _) => {}
        }
        match (&self.types, &batch.types) {
            (Some(table), Some(types)) => sum + look_up(table, types)?,
            (Some(table), None) => sum.broadcast_add(&table.narrow(0, 0, 1)?),
            (None, _) => Ok(sum),
        }
    }
}

/// The rows of `table` of shape `(n, width)` that `ids` of shape `(rows, length)` name: shape
/// `(rows, length, width)`.
pub(super) fn look_up(table: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let (rows, length) = ids.dims2()?;
    let (_, width) = table.dims2()?;
    table.index_select(&ids.flatten_all()?, 0)?.reshape((rows, length, width))
}
