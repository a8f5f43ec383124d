//! Attention of several heads (Vaswani et al. 2017, arXiv:1706.03762) within each of several sequences that stand one
//! after another, without padding.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::super::dropout::Kept;
use super::super::kernel::attention::{Head, HeadMut, Sight};
use super::{numbers, parted, tensor, with_all};

/// Which sub-words of each of the sequences see which, and how many heads there are.
#[derive(Debug, Clone)]
pub(in super::super) struct Sequences {
    sights: Vec<Sight>,
    heads: usize,
}

impl Sequences {
    /// Sequences in which sub-words see so.
    pub(in super::super) fn new(sights: &[Sight], heads: usize) -> Self {
        Self { sights: sights.iter().copied().filter(|sight| sight.length() > 0).collect(), heads }
    }

    /// How many shares of attention all have together.
    pub(in super::super) fn shares(&self) -> usize {
        self.sizes_of_shares().sum()
    }

    fn lengths(&self) -> impl Iterator<Item = usize> {
        self.sights.iter().map(|sight| sight.length())
    }

    fn sizes_of_shares(&self) -> impl Iterator<Item = usize> {
        self.sights.iter().map(|sight| self.heads * sight.seen())
    }

    fn sizes_of_rows(&self, hidden: usize) -> impl Iterator<Item = usize> {
        self.lengths().map(move |length| length * hidden)
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
    if rows != sequences.lengths().sum::<usize>() {
        bail!("{rows} sub-words in sequences of {:?}", sequences.lengths().collect::<Vec<_>>());
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

/// Where a sequence begins, in the rows and in the shares, and which of its sub-words see which.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    share: usize,
    sight: Sight,
}

/// A factor of attention: all sequences, a head beside the other.
#[derive(Clone, Copy)]
struct Rows<'v> {
    values: &'v [f32],
    hidden: usize,
    heads: usize,
}

impl<'v> Rows<'v> {
    /// A head of a sequence.
    fn of(self, place: Place, head: usize) -> Head<'v> {
        let (hidden, width) = (self.hidden, self.hidden / self.heads);
        Head { values: &self.values[place.row * hidden..], first: head * width, hidden, width }
    }
}

impl AttendOp {
    fn rows<'v>(&self, values: &'v [f32], hidden: usize) -> Rows<'v> {
        Rows { values, hidden, heads: self.sequences.heads }
    }

    fn places(&self) -> Vec<Place> {
        let (mut row, mut share) = (0, 0);
        let sizes = self.sequences.sights.iter().zip(self.sequences.sizes_of_shares());
        let next = |(sight, size): (&Sight, usize)| {
            let place = Place { row, share, sight: *sight };
            row += sight.length();
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
            let (sight, width) = (place.sight, hidden / heads);
            let mut used = Vec::with_capacity(sight.seen());
            for (head, shares) in shares.chunks_exact_mut(sight.seen()).enumerate() {
                sight.products(shares, query.of(place, head), key.of(place, head));
                sight.softmax(shares, scale);
                self.used(shares, place.share + head * sight.seen(), &mut used);
                let to = HeadMut { values: context, first: head * width, hidden, width };
                sight.gather(to, &used, value.of(place, head));
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
            let (sight, size) = (place.sight, place.sight.seen());
            let mut used = Vec::with_capacity(size);
            let mut by_shares = vec![0.0; size];
            for head in 0..heads {
                let begin = place.share + head * size;
                let shares = &all_shares[begin..begin + size];
                let first = head * width;
                let gradient = gradient.of(place, head);
                self.used(shares, begin, &mut used);
                sight.scatter(HeadMut { values: by_value, first, hidden, width }, &used, gradient);
                sight.products(&mut by_shares, gradient, value.of(place, head));
                if let Some(kept) = &self.kept {
                    kept.apply_at(&mut by_shares, begin);
                }
                sight.by_scores(&mut by_shares, shares, scale);
                let to = HeadMut { values: by_query, first, hidden, width };
                sight.gather(to, &by_shares, key.of(place, head));
                let to = HeadMut { values: by_key, first, hidden, width };
                sight.scatter(to, &by_shares, query.of(place, head));
            }
        });
        Ok(by)
    }
}
