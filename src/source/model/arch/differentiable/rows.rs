//! Rows taken from a table, and set apart by padding.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{numbers, tensor, with};

/// The rows of `table` of shape `(n, width)` that `ids` number: shape `(ids, width)`.
pub(in super::super) fn look_up(table: &Tensor, ids: &[u32]) -> Result<Tensor> {
    let (rows, _) = table.dims2()?;
    if let Some(id) = ids.iter().find(|id| **id as usize >= rows) {
        bail!("number {id} in a table of {rows} embeddings");
    }
    table.apply_op1(LookUpOp { ids: ids.to_vec() })
}

struct LookUpOp {
    ids: Vec<u32>,
}

impl CustomOp1 for LookUpOp {
    fn name(&self) -> &'static str {
        "look-up"
    }

    fn cpu_fwd(&self, table: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let table = numbers(table, layout)?;
        let row = |id: &u32| &table[*id as usize * width..][..width];
        let rows: Vec<f32> = self.ids.iter().flat_map(row).copied().collect();
        Ok((CpuStorage::F32(rows), Shape::from((self.ids.len(), width))))
    }

    fn bwd(&self, table: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, width) = table.dims2()?;
        let mut by_table = vec![0.0; table.elem_count()];
        with(gradient, |gradient| {
            for (id, gradient) in self.ids.iter().zip(gradient.chunks_exact(width)) {
                let row = &mut by_table[*id as usize * width..][..width];
                row.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
            }
        })?;
        Ok(Some(tensor(by_table, table.shape())?))
    }
}

/// Sequences of these lengths, one after another in `x` of shape `(sub-words, hidden)`, each as a row of `length`
/// sub-words: shape `(rows, length, hidden)`, 0 at padding.
pub(in super::super) fn padded(x: &Tensor, lengths: &[usize], length: usize) -> Result<Tensor> {
    let (sub_words, hidden) = x.dims2()?;
    if lengths.iter().sum::<usize>() != sub_words || lengths.iter().any(|l| *l > length) {
        bail!("{sub_words} sub-words as rows of {lengths:?}, of {length} at most");
    }
    x.apply_op1(PadOp { lengths: lengths.to_vec(), length, hidden })
}

struct PadOp {
    lengths: Vec<usize>,
    length: usize,
    hidden: usize,
}

impl CustomOp1 for PadOp {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Self { lengths, length, hidden } = self;
        let mut rest = numbers(x, layout)?;
        let mut y = vec![0.0; lengths.len() * length * hidden];
        for (row, of_row) in y.chunks_exact_mut(length * hidden).zip(lengths) {
            let (sequence, behind) = rest.split_at(of_row * hidden);
            row[..sequence.len()].copy_from_slice(sequence);
            rest = behind;
        }
        Ok((CpuStorage::F32(y), Shape::from((lengths.len(), *length, *hidden))))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let Self { lengths, length, hidden } = self;
        let by_x = with(gradient, |gradient| {
            let rows = gradient.chunks_exact(length * hidden).zip(lengths);
            rows.flat_map(|(row, of_row)| &row[..of_row * hidden]).copied().collect()
        })?;
        Ok(Some(tensor(by_x, x.shape())?))
    }
}
