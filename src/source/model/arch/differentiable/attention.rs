//! Attention of several heads (Vaswani et al. 2017, arXiv:1706.03762) within each of several sequences that stand one
//! after another, without padding.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::super::dropout::Kept;
use super::super::kernel::product::{Matrix, MatrixMut, multiply};
use super::super::kernel::softmax::{by_scores, softmax};
use super::{numbers, parted, tensor, with_all};

/// How long each of the sequences is, and how many heads there are.
#[derive(Debug, Clone)]
pub(in super::super) struct Sequences {
    lengths: Vec<usize>,
    heads: usize,
}

impl Sequences {
    /// Sequences of these lengths.
    pub(in super::super) fn new(lengths: &[usize], heads: usize) -> Self {
        Self { lengths: lengths.iter().copied().filter(|length| *length > 0).collect(), heads }
    }

    /// How many shares of attention all have together.
    pub(in super::super) fn shares(&self) -> usize {
        self.sizes_of_shares().sum()
    }

    fn sizes_of_shares(&self) -> impl Iterator<Item = usize> {
        self.lengths.iter().map(|length| self.heads * length * length)
    }

    fn sizes_of_rows(&self, hidden: usize) -> impl Iterator<Item = usize> {
        self.lengths.iter().map(move |length| length * hidden)
    }
}

/// What each query gathers: all of shape `(sub-words, heads * width)`. `kept` says which of the shares of attention
/// are used, sequence by sequence and head by head.
pub(in super::super) fn attend(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    sequences: Sequences,
    kept: Option<Kept>,
) -> Result<Tensor> {
    let (rows, _) = query.dims2()?;
    if rows != sequences.lengths.iter().sum::<usize>() {
        bail!("{rows} sub-words in sequences of {:?}", sequences.lengths);
    }
    let op = AttendOp { sequences, kept, shares: OnceLock::new() };
    query.apply_op3(key, value, op)
}

struct AttendOp {
    sequences: Sequences,
    kept: Option<Kept>,
    /// What the forward pass computed, before dropout.
    shares: OnceLock<Vec<f32>>,
}

/// Where a sequence begins: in the rows and in the shares.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    share: usize,
    length: usize,
}

/// A factor of attention: all sequences, a head beside the other.
#[derive(Clone, Copy)]
struct Rows<'v> {
    values: &'v [f32],
    hidden: usize,
    heads: usize,
}

impl<'v> Rows<'v> {
    /// A head of a sequence: `(length, width)`.
    fn of(self, place: Place, head: usize) -> Matrix<'v> {
        let width = self.hidden / self.heads;
        let begin = place.row * self.hidden + head * width;
        Matrix::new(&self.values[begin..], [place.length, width], self.hidden)
    }
}

impl AttendOp {
    fn rows<'v>(&self, values: &'v [f32], hidden: usize) -> Rows<'v> {
        Rows { values, hidden, heads: self.sequences.heads }
    }

    fn places(&self) -> Vec<Place> {
        let (mut row, mut share) = (0, 0);
        let sizes = self.sequences.lengths.iter().zip(self.sequences.sizes_of_shares());
        let next = |(length, size): (&usize, usize)| {
            let place = Place { row, share, length: *length };
            row += length;
            share += size;
            place
        };
        sizes.map(next).collect()
    }

    /// Shares as they are used.
    fn used(&self, shares: &[f32], begin: usize, to: &mut Vec<f32>) {
        to.clear();
        to.extend_from_slice(shares);
        if let Some(kept) = &self.kept {
            kept.apply_at(to, begin);
        }
    }
}

impl CustomOp3 for AttendOp {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn cpu_fwd(
        &self,
        query: &CpuStorage,
        query_layout: &Layout,
        key: &CpuStorage,
        key_layout: &Layout,
        value: &CpuStorage,
        value_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, hidden) = query_layout.shape().dims2()?;
        let (heads, sequences) = (self.sequences.heads, &self.sequences);
        let query = self.rows(numbers(query, query_layout)?, hidden);
        let key = self.rows(numbers(key, key_layout)?, hidden);
        let value = self.rows(numbers(value, value_layout)?, hidden);
        let scale = 1.0 / ((hidden / heads) as f32).sqrt();
        let mut context = vec![0.0; query.values.len()];
        let mut shares = vec![0.0; sequences.shares()];
        let parts = parted(&mut shares, sequences.sizes_of_shares())
            .into_par_iter()
            .zip(parted(&mut context, sequences.sizes_of_rows(hidden)));
        parts.zip(self.places()).for_each(|((shares, context), place)| {
            let length = place.length;
            let mut used = Vec::with_capacity(length * length);
            for (head, shares) in shares.chunks_exact_mut(length * length).enumerate() {
                multiply(
                    MatrixMut::new(shares, [length, length], length),
                    query.of(place, head),
                    key.of(place, head).transposed(),
                    false,
                );
                softmax(shares, length, scale);
                self.used(shares, place.share + head * length * length, &mut used);
                let width = hidden / heads;
                multiply(
                    MatrixMut::new(&mut context[head * width..], [length, width], hidden),
                    Matrix::new(&used, [length, length], length),
                    value.of(place, head),
                    false,
                );
            }
        });
        let _ = self.shares.set(shares);
        Ok((CpuStorage::F32(context), query_layout.shape().clone()))
    }

    fn bwd(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (_, hidden) = query.dims2()?;
        let [by_query, by_key, by_value] = with_all([query, key, value, gradient], |of_all| {
            self.backward(of_all.map(|values| self.rows(values, hidden)))
        })??;
        let tensor = |values| tensor(values, query.shape()).map(Some);
        Ok((tensor(by_query)?, tensor(by_key)?, tensor(by_value)?))
    }
}

impl AttendOp {
    /// The gradients by query, key and value, of that by the context.
    fn backward(&self, [query, key, value, gradient]: [Rows<'_>; 4]) -> Result<[Vec<f32>; 3]> {
        let Some(all_shares) = self.shares.get() else { bail!("a backward pass without forward") };
        let (heads, sequences, hidden) = (self.sequences.heads, &self.sequences, query.hidden);
        let width = hidden / heads;
        let scale = 1.0 / (width as f32).sqrt();
        let mut by = [(); 3].map(|()| vec![0.0; query.values.len()]);
        let parts = by.each_mut().map(|by| parted(by, sequences.sizes_of_rows(hidden)));
        let [by_query, by_key, by_value] = parts;
        let parts = by_query.into_par_iter().zip(by_key).zip(by_value).zip(self.places());
        parts.for_each(|(((by_query, by_key), by_value), place)| {
            let length = place.length;
            let size = length * length;
            let mut used = Vec::with_capacity(size);
            let mut by_shares = vec![0.0; size];
            for head in 0..heads {
                let begin = place.share + head * size;
                let shares = &all_shares[begin..begin + size];
                let to = |by| MatrixMut::new(by, [length, width], hidden);
                let square = |values| Matrix::new(values, [length, length], length);
                let gradient = gradient.of(place, head);
                let at = head * width;
                self.used(shares, begin, &mut used);
                multiply(to(&mut by_value[at..]), square(&used).transposed(), gradient, false);
                multiply(
                    MatrixMut::new(&mut by_shares, [length, length], length),
                    gradient,
                    value.of(place, head).transposed(),
                    false,
                );
                if let Some(kept) = &self.kept {
                    kept.apply_at(&mut by_shares, begin);
                }
                by_scores(&mut by_shares, shares, length, scale);
                let by_scores = square(&by_shares);
                multiply(to(&mut by_query[at..]), by_scores, key.of(place, head), false);
                let turned = by_scores.transposed();
                multiply(to(&mut by_key[at..]), turned, query.of(place, head), false);
            }
        });
        Ok(by)
    }
}
