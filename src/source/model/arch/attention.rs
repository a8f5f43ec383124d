//! Attention of several heads (Vaswani et al. 2017, arXiv:1706.03762).

use candle_core::{Result, Tensor};

use super::layers::softmax;
use super::{Mode, Precision, differentiable};

/// `(rows, length, heads * width)` as `(rows, heads, length, width)`.
pub(super) fn split_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (rows, length, hidden) = x.dims3()?;
    if differentiable::runs_here(x) {
        let width = hidden / heads;
        return differentiable::swapped(
            x,
            [rows, length, heads, width],
            &[rows, heads, length, width],
        );
    }
    x.reshape((rows, length, heads, hidden / heads))?.transpose(1, 2)?.contiguous()
}

/// Queries, keys and values, each of shape `(rows, heads, length, width)`.
pub(super) struct Attention {
    pub(super) query: Tensor,
    pub(super) key: Tensor,
    pub(super) value: Tensor,
    pub(super) precision: Precision,
}

impl Attention {
    /// What each query gathers: shape `(rows, length, heads * width)`.
    ///
    /// Scores are divided by the root of `scale`; then `bias` and `mask` are added, both of a shape
    /// that broadcasts to `(rows, heads, length, length)`. `dropout` is the rate on the shares.
    pub(super) fn context(
        &self,
        scale: usize,
        bias: Option<&Tensor>,
        mask: Option<&Tensor>,
        dropout: f64,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let (rows, heads, length, width) = self.query.dims4()?;
        let scores = self.precision.multiply(&self.query, &self.key.t()?)?;
        let scale = 1.0 / (scale as f64).sqrt();
        let is_here = matches!(mode, Mode::Training(_)) && differentiable::runs_here(&scores);
        let is_mask = |mask: &Tensor| {
            mask.dims() == [rows, 1, 1, length] || mask.dims() == [rows, 1, length, length]
        };
        let shares = if is_here && bias.is_none() && mask.is_none_or(is_mask) {
            differentiable::shares(&scores, scale, mask)?
        } else {
            let mut scores = (scores * scale)?;
            for added in [bias, mask].into_iter().flatten() {
                scores = scores.broadcast_add(added)?;
            }
            softmax(&scores, mode)?
        };
        let shares = mode.dropout(&shares, dropout)?;
        let context = self.precision.multiply(&shares, &self.value)?;
        if is_here {
            let dims = [rows, heads, length, width];
            return differentiable::swapped(&context, dims, &[rows, length, heads * width]);
        }
        context.transpose(1, 2)?.contiguous()?.reshape((rows, length, heads * width))
    }
}
