//! Attention by the kernel of FlashAttention 2 (Dao 2023, arXiv:2307.08691) for sequences one after another: no padding, and no
//! scores in memory. On CUDA in 16 bits.

use candle_core::{DType, Device, Result, Tensor};

use super::Sequences;

/// The widest head that the kernel takes.
const WIDEST: usize = 256;

/// How sequences attend.
pub(super) struct Varlen(Sequences);

impl Varlen {
    /// For sequences of these lengths, longest first; `None` where the kernel does not run.
    pub(super) fn new(
        lengths: &[usize],
        heads: [usize; 2],
        numbers: DType,
        device: &Device,
    ) -> Result<Option<Self>> {
        let [_, width] = heads;
        let fits = width.is_multiple_of(8) && width <= WIDEST;
        if !device.is_cuda() || !fits || !matches!(numbers, DType::BF16 | DType::F16) {
            return Ok(None);
        }
        Sequences::new(lengths, heads, device).map(|sequences| Some(Self(sequences)))
    }

    /// What each query gathers; see [`super::attention::Attention::context`]. `projected` holds queries, keys and values.
    pub(super) fn context(&self, projected: &Tensor) -> Result<Tensor> {
        let (rows, columns) = projected.dims2()?;
        let &Self(Sequences { ref starts, longest, heads: [count, width] }) = self;
        let parts = projected.reshape((rows, 3, count, width))?;
        let [query, key, value] = [0, 1, 2].map(|part| parts.narrow(1, part, 1)?.squeeze(1));
        candle_flash_attn::flash_attn_varlen(
            &query?, &key?, &value?, starts, starts, longest, longest, 1.0, false,
        )?
        .reshape((rows, columns / 3))
    }
}
