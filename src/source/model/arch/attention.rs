//! Attention of several heads (Vaswani et al. 2017, arXiv:1706.03762).

use candle_core::{Result, Tensor};

use super::Mode;
use super::layers::softmax;

/// `(rows, length, heads * width)` as `(rows, heads, length, width)`.
pub(super) fn split_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (rows, length, hidden) = x.dims3()?;
    x.reshape((rows, length, heads, hidden / heads))?.transpose(1, 2)?.contiguous()
}

/// Queries, keys and values, each of shape `(rows, heads, length, width)`.
pub(super) struct Attention {
    pub(super) query: Tensor,
    pub(super) key: Tensor,
    pub(super) value: Tensor,
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
        let mut scores = (self.query.matmul(&self.key.t()?)? * (1.0 / (scale as f64).sqrt()))?;
        for added in [bias, mask].into_iter().flatten() {
            scores = scores.broadcast_add(added)?;
        }
        let shares = mode.dropout(&softmax(&scores, mode)?, dropout)?;
        let context = shares.matmul(&self.value)?;
        context.transpose(1, 2)?.contiguous()?.reshape((rows, length, heads * width))
    }
}
