//! In how many bits matrices are multiplied.

use candle_core::{DType, Result, Tensor};

use super::kernel::narrow::{Bits, Numbers};

/// What the matrix products of a model are computed in. All else (sums, norms, softmax, losses, and the weights that
/// training changes) stays in 32 bits, as in the mixed precision of Micikevicius et al. 2018 (arXiv:1710.03740).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// Factors and products rounded to bfloat16, sums within a product in 32 bits: the rate of tensor cores on CUDA.
    /// The processor rounds in the same way and multiplies in 32 bits, which is slower than not to round.
    Bf16,
    /// The same in half precision, which has more digits and a smaller range: in inference on CUDA. Training would have
    /// to scale losses.
    #[serde(skip)]
    F16,
    /// Factors rounded to bfloat16 and multiplied so by instructions of the processor, sums in 32 bits (see the kernel `narrow`), in the linear layers of a
    /// model that is not trained, on the processor; else 32 bits.
    #[serde(skip)]
    Bf16Pairs,
    /// Whole numbers of 12 bits in 16, with a scale for each row of both factors (see the kernel `narrow`), in the same
    /// layers.
    #[serde(skip)]
    Int16,
    /// The same with whole numbers of 8 bits.
    #[serde(skip)]
    Int8,
}

impl Precision {
    /// As an engine file names it.
    pub(in crate::source::model) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 | Self::Bf16Pairs => "bf16",
            Self::F16 => "f16",
            Self::Int16 => "int16",
            Self::Int8 => "int8",
        }
    }

    /// The narrow numbers that the processor multiplies in linear layers.
    pub(super) fn narrow(self) -> Option<Numbers> {
        match self {
            Self::F32 | Self::Bf16 | Self::F16 => None,
            Self::Bf16Pairs => Some(Numbers::Bfloat),
            Self::Int16 => Some(Numbers::Whole(Bits::Twelve)),
            Self::Int8 => Some(Numbers::Whole(Bits::Eight)),
        }
    }

    /// The floating-point numbers of 16 bits that factors and products are rounded to, where they are.
    pub(in crate::source::model) fn half(self) -> Option<DType> {
        match self {
            Self::F32 | Self::Bf16Pairs | Self::Int16 | Self::Int8 => None,
            Self::Bf16 => Some(DType::BF16),
            Self::F16 => Some(DType::F16),
        }
    }

    /// A factor of a product, from 32 bits or from what [`Precision::half`] says.
    pub(super) fn factor(self, x: &Tensor) -> Result<Tensor> {
        match self.half() {
            None => Ok(x.clone()),
            Some(half) if x.device().is_cpu() => rounded(x, half),
            Some(half) => x.to_dtype(half),
        }
    }

    /// A product of factors, to 32 bits.
    pub(super) fn product(self, x: &Tensor) -> Result<Tensor> {
        match self.half() {
            None => Ok(x.clone()),
            Some(half) if x.device().is_cpu() => rounded(x, half),
            Some(_) => x.to_dtype(DType::F32),
        }
    }

    /// The product of two matrices, or of several, of 32 bits.
    pub(super) fn multiply(self, left: &Tensor, right: &Tensor) -> Result<Tensor> {
        self.product(&self.factor(left)?.matmul(&self.factor(right)?)?)
    }
}

fn rounded(x: &Tensor, half: DType) -> Result<Tensor> {
    x.to_dtype(half)?.to_dtype(DType::F32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn factors_and_products_have_eight_bits() {
        // 1 + 2^-8 is halfway between two numbers of bfloat16, and goes to the even one.
        let x = Tensor::new(&[[1.0f32 + 1.0 / 256.0, 3.0 + 3.0 / 64.0]], &Device::Cpu).unwrap();
        let one = Tensor::new(&[[1.0f32], [1.0]], &Device::Cpu).unwrap();
        let product = |precision: Precision| {
            precision.multiply(&x, &one).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(product(Precision::F32), [4.050_781_3]);
        assert_eq!(product(Precision::Bf16), [4.0625]);
        assert_eq!(product(Precision::F16), [4.050_781_3]);
    }

    #[test]
    fn gradients_flow_to_the_numbers_of_32_bits() {
        let x = Var::new(&[[1.003f32, -2.0]], &Device::Cpu).unwrap();
        let y = Tensor::new(&[[0.5f32], [4.0]], &Device::Cpu).unwrap();
        let product = Precision::Bf16.multiply(x.as_tensor(), &y).unwrap();
        let gradients = product.sum_all().unwrap().backward().unwrap();
        let by_x = gradients.get(&x).unwrap();
        assert_eq!(by_x.dtype(), DType::F32);
        assert_eq!(by_x.to_vec2::<f32>().unwrap(), [[0.5, 4.0]]);
    }
}
