//! What the passes of inference ([`super::packed`]) and training ([`super::differentiable`]) on the processor are
//! made of: functions of slices on one thread, without tensors.
//!
//! A new kernel is one new file here.

pub(super) mod attention;
pub(super) mod gelu;
pub(super) mod lanes;
pub(super) mod lstm;
pub(super) mod narrow;
pub(super) mod norm;
pub(super) mod panels;
pub(super) mod product;
pub(super) mod rotary;
pub(super) mod softmax;

/// Numbers that look like noise, in -1..1.
#[cfg(test)]
pub(super) fn noise(count: usize, seed: u32) -> Vec<f32> {
    let scrambled = |i: u32| {
        let x = (i ^ seed.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
        (x ^ (x >> 15)).wrapping_mul(0xc2b2_ae35)
    };
    (0..count as u32).map(|i| scrambled(i) as i32 as f32 / 2f32.powi(31)).collect()
}
