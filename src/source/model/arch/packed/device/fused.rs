//! Steps between the products of a layer, each in one launch of a kernel of our own (`fused.cu`), on CUDA.
//!
//! `tests/kernels.rs` runs the same kernels on the processor and holds them to what they are to compute.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{
    CudaView, CudaViewMut, DeviceRepr, LaunchConfig, PushKernelArg,
};
use candle_core::cuda_backend::{CudaDType, CudaDevice, WrapErr};
use candle_core::{
    CpuStorage, CudaStorage, CustomOp3, DType, Device, InplaceOp2, InplaceOp3, Layout, Result,
    Shape, Tensor, bail,
};

use super::super::super::activation::Activation;
use super::super::super::layers::LayerNorm;
use super::Sequences;

#[expect(unreachable_pub, reason = "it is written so")]
mod compiled {
    include!(concat!(env!("OUT_DIR"), "/kernels.rs"));
}

/// What the code of the kernels is kept under once it is on the device.
const MODULE: &str = "spanloom-fused";

/// `WARP` and `WARPS` of the kernels.
const WARP: u32 = 32;
const WARPS: u32 = 4;

/// The shared memory that a block can have without being asked for, in bytes.
const ROOM: usize = 48 << 10;

/// The most blocks of a launch that goes over everything in steps.
const BLOCKS: usize = 1 << 16;

/// Longer sequences than this attend by products of matrices, which have units of their own. By count of operations; no GPU
/// was asked.
const LONGEST: usize = 64;

/// Whether rows of so many numbers are of whole packs, on a device that runs the kernels.
fn takes(device: &Device, numbers: DType, width: usize) -> bool {
    let is_known = matches!(numbers, DType::F32 | DType::F16 | DType::BF16);
    device.is_cuda() && is_known && (width * numbers.size_in_bytes()).is_multiple_of(16)
}

/// A launch on matrices of such numbers. Others than [`takes`] knows fail where a matrix of 32 bits is looked for.
macro_rules! by_numbers {
    ($numbers:expr, $launch:ident($($argument:expr),*)) => {
        match $numbers {
            DType::F16 => $launch::<half::f16>($($argument),*),
            DType::BF16 => $launch::<half::bf16>($($argument),*),
            _ => $launch::<f32>($($argument),*),
        }
    };
}

/// GELU of a product and a bias.
pub(super) struct BiasGelu(Tensor);

impl BiasGelu {
    /// `None` where there is no kernel for it.
    pub(super) fn new(bias: &Tensor, activation: Activation) -> Option<Self> {
        let is_one =
            activation == Activation::Gelu && takes(bias.device(), bias.dtype(), bias.elem_count());
        is_one.then(|| Self(bias.clone()))
    }

    /// Of `product`, of shape `(rows, width)`, which nobody else has.
    pub(super) fn apply(&self, product: Tensor) -> Result<Tensor> {
        product.inplace_op2(&self.0, self)?;
        Ok(product)
    }
}

impl InplaceOp2 for BiasGelu {
    fn name(&self) -> &'static str {
        "bias and GELU"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<()> {
        bail!("{} runs on CUDA alone", self.name())
    }

    fn cuda_fwd(
        &self,
        x: &mut CudaStorage,
        of_x: &Layout,
        bias: &CudaStorage,
        of_bias: &Layout,
    ) -> Result<()> {
        by_numbers!(x.dtype(), bias_gelu((x, of_x), (bias, of_bias)))
    }
}

/// The norm of the sum of a product, its bias and what went into the layer.
pub(super) struct SumNorm {
    /// The bias, and weight and bias of the norm: shape `(3, width)`.
    learnt: Tensor,
    epsilon: f64,
}

impl SumNorm {
    /// `None` where there is no kernel for it.
    pub(super) fn new(bias: &Tensor, norm: &LayerNorm) -> Result<Option<Self>> {
        let width = bias.elem_count();
        let fits = width * size_of::<f32>() * WARPS as usize <= ROOM;
        if !fits || !takes(bias.device(), bias.dtype(), width) {
            return Ok(None);
        }
        let learnt = Tensor::stack(&[bias, &norm.weight, &norm.bias], 0)?;
        Ok(Some(Self { learnt, epsilon: norm.epsilon }))
    }

    /// Of `product`, which nobody else has, and `residual`, both of shape `(rows, width)`.
    pub(super) fn apply(&self, product: Tensor, residual: &Tensor) -> Result<Tensor> {
        product.inplace_op3(residual, &self.learnt, self)?;
        Ok(product)
    }
}

impl InplaceOp3 for SumNorm {
    fn name(&self) -> &'static str {
        "sum and norm"
    }

    fn cpu_fwd(
        &self,
        _: &mut CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<()> {
        bail!("{} runs on CUDA alone", self.name())
    }

    fn cuda_fwd(
        &self,
        x: &mut CudaStorage,
        of_x: &Layout,
        residual: &CudaStorage,
        of_residual: &Layout,
        learnt: &CudaStorage,
        of_learnt: &Layout,
    ) -> Result<()> {
        let others = [(residual, of_residual), (learnt, of_learnt)];
        let epsilon = self.epsilon as f32;
        by_numbers!(x.dtype(), sum_norm((x, of_x), others, epsilon))
    }
}

/// How short sequences attend.
pub(super) struct ShortAttention(Sequences);

impl ShortAttention {
    /// For sequences of these lengths, longest first; `None` where the kernel does not take them.
    pub(super) fn new(
        lengths: &[usize],
        heads: [usize; 2],
        numbers: DType,
        device: &Device,
    ) -> Result<Option<Self>> {
        let [_, width] = heads;
        let longest = lengths[0];
        if longest > LONGEST || room(longest, width) > ROOM || !takes(device, numbers, width) {
            return Ok(None);
        }
        Sequences::new(lengths, heads, device).map(|sequences| Some(Self(sequences)))
    }

    /// What each query gathers, of shape `(sub-words, hidden)`: `projected`, of shape `(sub-words, 3 hidden)`, has queries,
    /// keys and values beside each other, to which `bias` is to be added. Scores are taken as they are, not divided.
    pub(super) fn context(&self, projected: &Tensor, bias: &Tensor) -> Result<Tensor> {
        projected.apply_op3_no_bwd(bias, &self.0.starts, self)
    }
}

/// The shared memory of a block of attention, in bytes.
fn room(longest: usize, width: usize) -> usize {
    size_of::<f32>() * (longest * (2 * width + 1) + WARPS as usize * (width + longest))
}

impl CustomOp3 for ShortAttention {
    fn name(&self) -> &'static str {
        "attention of short sequences"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        bail!("{} runs on CUDA alone", self.name())
    }

    fn cuda_fwd(
        &self,
        projected: &CudaStorage,
        of_projected: &Layout,
        bias: &CudaStorage,
        of_bias: &Layout,
        starts: &CudaStorage,
        of_starts: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let given = [(projected, of_projected), (bias, of_bias), (starts, of_starts)];
        by_numbers!(projected.dtype(), attention(&self.0, given))
    }
}

/// Numbers that there are kernels for.
trait Number: CudaDType + DeviceRepr {
    /// What the names of kernels for them end in.
    const SUFFIX: &str;
}

impl Number for f32 {
    const SUFFIX: &str = "f32";
}

impl Number for half::f16 {
    const SUFFIX: &str = "f16";
}

impl Number for half::bf16 {
    const SUFFIX: &str = "bf16";
}

/// The numbers of a matrix that has no gaps and begins where a pack can.
fn numbers<'s, T: CudaDType>(storage: &'s CudaStorage, layout: &Layout) -> Result<CudaView<'s, T>> {
    let (start, end) = bounds::<T>(layout)?;
    Ok(storage.as_cuda_slice::<T>()?.slice(start..end))
}

/// As [`numbers`], to be changed.
fn numbers_mut<'s, T: CudaDType>(
    storage: &'s mut CudaStorage,
    layout: &Layout,
) -> Result<CudaViewMut<'s, T>> {
    let (start, end) = bounds::<T>(layout)?;
    Ok(storage.as_cuda_slice_mut::<T>()?.slice_mut(start..end))
}

fn bounds<T>(layout: &Layout) -> Result<(usize, usize)> {
    match layout.contiguous_offsets() {
        Some((start, end)) if (start * size_of::<T>()).is_multiple_of(16) => Ok((start, end)),
        _ => bail!("expected a matrix without gaps, got one of {layout:?}"),
    }
}

/// A kernel for these numbers.
macro_rules! kernel {
    ($device:expr, $name:literal, $number:ty) => {
        $device.get_or_load_custom_func(
            &format!("{}_{}", $name, <$number>::SUFFIX),
            MODULE,
            compiled::FUSED,
        )
    };
}

fn blocks(grid: (usize, usize), room: usize) -> LaunchConfig {
    LaunchConfig {
        grid_dim: (grid.0 as u32, grid.1 as u32, 1),
        block_dim: (WARP * WARPS, 1, 1),
        shared_mem_bytes: room as u32,
    }
}

#[expect(unsafe_code, reason = "a launch gives pointers to code that no compiler has checked")]
fn bias_gelu<T: Number>(
    (x, of_x): (&mut CudaStorage, &Layout),
    (bias, of_bias): (&CudaStorage, &Layout),
) -> Result<()> {
    let pack = 16 / size_of::<T>();
    let (rows, width) = of_x.shape().dims2()?;
    if of_bias.shape().elem_count() != width || !width.is_multiple_of(pack) {
        bail!("expected a bias for each of {width} columns, got {:?}", of_bias.shape());
    }
    let (packs, columns) = ((rows * width / pack) as u64, (width / pack) as u32);
    if packs == 0 {
        return Ok(());
    }
    let device: CudaDevice = x.device().clone();
    let kernel = kernel!(device, "bias_gelu", T)?;
    let (mut x, bias) = (numbers_mut::<T>(x, of_x)?, numbers::<T>(bias, of_bias)?);
    let mut launch = kernel.builder();
    launch.arg(&mut x).arg(&bias).arg(&packs).arg(&columns);
    let grid = (packs as usize).div_ceil((WARP * WARPS) as usize).min(BLOCKS);
    // SAFETY: the arguments are those of the kernel, in number, order and type; it changes `packs` packs of `x`, which has as
    // many, and reads `columns` packs of `bias`, which has as many. Both begin at addresses divisible by 16.
    unsafe { launch.launch(blocks((grid, 1), 0)) }.w()?;
    Ok(())
}

#[expect(unsafe_code, reason = "a launch gives pointers to code that no compiler has checked")]
fn sum_norm<T: Number>(
    (x, of_x): (&mut CudaStorage, &Layout),
    [(residual, of_residual), (learnt, of_learnt)]: [(&CudaStorage, &Layout); 2],
    epsilon: f32,
) -> Result<()> {
    let (rows, width) = of_x.shape().dims2()?;
    let fits = (width * size_of::<T>()).is_multiple_of(16);
    if of_residual.dims() != of_x.dims() || of_learnt.dims() != [3, width] || !fits {
        bail!("expected rows of {width}, got {:?}, {:?}", of_residual.shape(), of_learnt.shape());
    }
    if rows == 0 {
        return Ok(());
    }
    let device: CudaDevice = x.device().clone();
    let kernel = kernel!(device, "sum_norm", T)?;
    let mut x = numbers_mut::<T>(x, of_x)?;
    let residual = numbers::<T>(residual, of_residual)?;
    let learnt = numbers::<T>(learnt, of_learnt)?;
    let (of_rows, of_width) = (rows as u32, width as u32);
    let mut launch = kernel.builder();
    launch.arg(&mut x).arg(&residual).arg(&learnt).arg(&of_rows).arg(&of_width).arg(&epsilon);
    let room = width * size_of::<f32>() * WARPS as usize;
    // SAFETY: the arguments are those of the kernel, in number, order and type; `x` and `residual` have `rows` rows of `width`,
    // `learnt` three, all of whole packs and beginning at addresses divisible by 16; each warp has `width` floats of room.
    unsafe { launch.launch(blocks((rows.div_ceil(WARPS as usize), 1), room)) }.w()?;
    Ok(())
}

#[expect(
    unsafe_code,
    reason = "a launch gives pointers to code that no compiler has checked; what it fills need not be zero before"
)]
fn attention<T: Number>(
    &Sequences { heads: [heads, width], longest, .. }: &Sequences,
    [(projected, of_projected), (bias, of_bias), (starts, of_starts)]: [(&CudaStorage, &Layout); 3],
) -> Result<(CudaStorage, Shape)> {
    let hidden = heads * width;
    let (rows, columns) = of_projected.shape().dims2()?;
    let sequences = of_starts.shape().dims1()? - 1;
    if columns != 3 * hidden || of_bias.shape().elem_count() != columns {
        bail!("expected {heads} heads of {width}, got rows of {columns}");
    }
    let device: CudaDevice = projected.device().clone();
    let kernel = kernel!(device, "attention", T)?;
    let projected = numbers::<T>(projected, of_projected)?;
    let bias = numbers::<T>(bias, of_bias)?;
    let starts = numbers::<u32>(starts, of_starts)?;
    // SAFETY: every number of it is written by the kernel, since each row is a query of the one sequence that it is in.
    let mut context = unsafe { device.alloc::<T>(rows * hidden) }?;
    let dims = [heads, width, longest].map(|number| number as u32);
    let mut launch = kernel.builder();
    launch.arg(&mut context).arg(&projected).arg(&bias).arg(&starts);
    dims.iter().for_each(|number| {
        launch.arg(number);
    });
    let room = room(longest, width);
    // SAFETY: the arguments are those of the kernel, in number, order and type; `starts` rises from 0 to `rows` by no more
    // than `longest`, rows of `projected` and `bias` have three times `hidden` numbers, and `room` is what it asks for.
    unsafe { launch.launch(blocks((sequences, heads), room)) }.w()?;
    Ok((CudaStorage::wrap_cuda_slice(context, device), (rows, hidden).into()))
}
