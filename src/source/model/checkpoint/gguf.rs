//! Tensors from GGUF, dequantised on the processor, so that every architecture sees plain `f32`.

use std::io::Cursor;

use candle_core::quantized::gguf_file;
use candle_core::{Device, Tensor};

/// The tensors of a GGUF file, dequantised.
pub(super) fn read(bytes: &[u8]) -> candle_core::Result<Vec<(String, Tensor)>> {
    if declares_no_alignment(bytes) {
        return Err(candle_core::Error::Msg("general.alignment is 0".to_owned()));
    }
    let mut reader = Cursor::new(bytes);
    let content = gguf_file::Content::read(&mut reader)?;
    let mut names: Vec<&String> = content.tensor_infos.keys().collect();
    names.sort();
    // The reader multiplies dimensions unchecked, and makes slices of tensors without elements that are not aligned. No format
    // packs weights tighter than a bit each.
    let most = bytes.len().saturating_mul(8);
    for name in &names {
        let info = &content.tensor_infos[*name];
        let mut dimensions = info.shape.dims().iter();
        let elements = dimensions.try_fold(1usize, |n, d| n.checked_mul(*d));
        if elements.is_none_or(|n| n == 0 || n > most) {
            let message = format!("tensor '{name}' of shape {:?} is not in the file", info.shape);
            return Err(candle_core::Error::Msg(message));
        }
    }
    names
        .into_iter()
        .map(|name| {
            let tensor = content.tensor(&mut reader, name, &Device::Cpu)?;
            Ok((name.clone(), tensor.dequantize(&Device::Cpu)?))
        })
        .collect()
}

/// Whether the header says that tensors are aligned to 0 bytes, which the reader divides by.
fn declares_no_alignment(bytes: &[u8]) -> bool {
    const KEY: &[u8] = b"general.alignment";
    // After the key come the type of the value (4 bytes) and the value (4 bytes for a `u32`).
    bytes
        .windows(KEY.len() + 8)
        .take(1 << 20)
        .any(|window| window.starts_with(KEY) && window[KEY.len() + 4..] == [0; 4])
}
