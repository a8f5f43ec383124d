//! The sum of what is learned of a sub-word, of its position and of the text it belongs to.

use candle_core::{Result, Tensor, bail};

use super::differentiable::{self, residual, with};
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

/// Sub-words one after another, whatever rows of a batch they are of.
#[derive(Default)]
pub(super) struct SubWords {
    pub(super) ids: Vec<u32>,
    /// The numbers of their positions.
    pub(super) positions: Vec<u32>,
    pub(super) types: Vec<u32>,
}

impl Embeddings {
    /// The width of an embedding.
    pub(super) fn width(&self) -> Result<usize> {
        self.words.dim(1)
    }

    /// The sums for sub-words without padding, of shape `(sub-words, width)`, through which a gradient flows.
    pub(super) fn look_up(&self, sub_words: &SubWords) -> Result<Tensor> {
        let mut sum = differentiable::look_up(&self.words, &sub_words.ids)?;
        let others = [(&self.positions, &sub_words.positions), (&self.types, &sub_words.types)];
        for (table, numbers) in others {
            let Some(table) = table else { continue };
            sum = residual(&sum, &differentiable::look_up(table, numbers)?, None)?;
        }
        Ok(sum)
    }

    /// The sums for sub-words without padding whose numbers are on any device, of shape `(sub-words, width)`.
    pub(super) fn select(
        &self,
        ids: &Tensor,
        positions: &Tensor,
        types: Option<&Tensor>,
    ) -> Result<Tensor> {
        let mut sum = self.words.index_select(ids, 0)?;
        if let Some(table) = &self.positions {
            sum = (sum + table.index_select(positions, 0)?)?;
        }
        match (&self.types, types) {
            (Some(table), Some(types)) => sum + table.index_select(types, 0)?,
            (Some(table), None) => sum.broadcast_add(&table.narrow(0, 0, 1)?),
            (None, _) => Ok(sum),
        }
    }

    /// The sums for sub-words without padding, of shape `(sub-words, width)`, into `to`, which is zero.
    pub(super) fn add(&self, sub_words: &SubWords, to: &mut [f32]) -> Result<()> {
        add_rows(to, &self.words, &sub_words.ids)?;
        if let Some(table) = &self.positions {
            add_rows(to, table, &sub_words.positions)?;
        }
        if let Some(table) = &self.types {
            add_rows(to, table, &sub_words.types)?;
        }
        Ok(())
    }
}

/// Adds to each row of `to` the row of `table` of this number.
pub(super) fn add_rows(to: &mut [f32], table: &Tensor, numbers: &[u32]) -> Result<()> {
    let (rows, width) = table.dims2()?;
    if let Some(number) = numbers.iter().find(|number| **number as usize >= rows) {
        bail!("number {number} in a table of {rows} embeddings");
    }
    with(table, |table| {
        for (to, number) in to.chunks_exact_mut(width).zip(numbers) {
            let row = &table[*number as usize * width..][..width];
            to.iter_mut().zip(row).for_each(|(to, value)| *to += value);
        }
    })
}

/// The rows of `table` of shape `(n, width)` that `ids` of shape `(rows, length)` name: shape
/// `(rows, length, width)`.
pub(super) fn look_up(table: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let (rows, length) = ids.dims2()?;
    let (_, width) = table.dims2()?;
    table.index_select(&ids.flatten_all()?, 0)?.reshape((rows, length, width))
}
