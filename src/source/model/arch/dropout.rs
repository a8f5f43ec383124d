//! Dropout from a random stream of our own: candle's draws from a generator that can be neither
//! seeded nor resumed on the processor.

use std::sync::{Mutex, PoisonError};

use candle_core::{Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;

use super::differentiable;

/// Where dropout draws from, or that there is none (Srivastava et al. 2014).
///
/// The same seed and position give the same masks on every device. Calls draw one after another, so
/// a model must call it in a fixed order.
#[derive(Debug)]
pub struct Dropout {
    random: Option<Mutex<ChaCha8Rng>>,
}

impl Dropout {
    /// No dropout: [`Dropout::apply`] changes nothing.
    pub const fn off() -> Self {
        Self { random: None }
    }

    /// Draws from the stream that `seed` begins, from `position` (see [`Dropout::position`]) on.
    pub fn new(seed: u64, position: u128) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_word_pos(position);
        Self { random: Some(Mutex::new(random)) }
    }

    /// How many words of 32 bits have been drawn; with the seed, all there is to know to go on later.
    pub fn position(&self) -> u128 {
        let Some(random) = &self.random else { return 0 };
        random.lock().unwrap_or_else(PoisonError::into_inner).get_word_pos()
    }

    /// Sets each element to 0 with probability `rate` and divides the others by `1 - rate`, so that
    /// the expected value stays.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn apply(&self, x: &Tensor, rate: f64) -> Result<Tensor> {
        let Some(kept) = self.draw(x.elem_count(), rate) else { return Ok(x.clone()) };
        if differentiable::runs_here(x) {
            return differentiable::masked(x, kept);
        }
        let mask = kept.of(&vec![1.0; x.elem_count()]);
        let mask = Tensor::from_vec(mask, x.shape(), x.device())?.to_dtype(x.dtype())?;
        x.mul(&mask)
    }

    /// Draws a number, for what else is left to chance; `None` where there is no dropout.
    pub fn number(&self) -> Option<u32> {
        let random = self.random.as_ref()?;
        Some(random.lock().unwrap_or_else(PoisonError::into_inner).next_u32())
    }

    /// Draws which of `count` elements are kept; `None` where all are as they were.
    pub(super) fn draw(&self, count: usize, rate: f64) -> Option<Kept> {
        let random = self.random.as_ref().filter(|_| rate > 0.0)?;
        let factor = if rate < 1.0 { (1.0 / (1.0 - rate)) as f32 } else { 0.0 };
        // 2^32 for a rate of 1, which no draw reaches.
        let dropped_below = (rate * (u64::from(u32::MAX) + 1) as f64).round() as u64;
        let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = random.get_word_pos();
        let mut is_kept = vec![false; count];
        is_kept.par_chunks_mut(DRAWS).enumerate().for_each(|(block, is_kept)| {
            let mut random = random.clone();
            random.set_word_pos(begin + (block * DRAWS) as u128);
            is_kept.iter_mut().for_each(|k| *k = u64::from(random.next_u32()) >= dropped_below);
        });
        random.set_word_pos(begin + count as u128);
        Some(Kept { is_kept, factor })
    }
}

/// So many draws are made by one thread.
const DRAWS: usize = 1 << 14;

/// Which elements dropout keeps, and what it multiplies them with.
pub(super) struct Kept {
    is_kept: Vec<bool>,
    factor: f32,
}

impl Kept {
    /// The numbers of `x`, 0 where they are not kept.
    pub(super) fn of(&self, x: &[f32]) -> Vec<f32> {
        let mut y = x.to_vec();
        let blocks = y.par_chunks_mut(DRAWS).zip(self.is_kept.par_chunks(DRAWS));
        blocks.for_each(|(y, is_kept)| self.mask(y, is_kept));
        y
    }

    /// Sets those of `values` to 0 that stand at `begin` and after it, and are not kept.
    pub(super) fn apply_at(&self, values: &mut [f32], begin: usize) {
        self.mask(values, &self.is_kept[begin..begin + values.len()]);
    }

    fn mask(&self, values: &mut [f32], is_kept: &[bool]) {
        for (value, is_kept) in values.iter_mut().zip(is_kept) {
            *value = if *is_kept { *value * self.factor } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};

    fn masked(dropout: &Dropout, rate: f64) -> Vec<f32> {
        let x = Tensor::ones((100, 100), DType::F32, &Device::Cpu).unwrap();
        dropout.apply(&x, rate).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_rate_is_dropped_and_the_mean_stays() {
        let values = masked(&Dropout::new(7, 0), 0.2);
        let dropped = values.iter().filter(|v| **v == 0.0).count();
        assert!((1_850..2_150).contains(&dropped), "{dropped} of 10000");
        assert!(values.iter().all(|v| *v == 0.0 || *v == 1.25));
        assert!(masked(&Dropout::new(7, 0), 1.0).iter().all(|v| *v == 0.0));
    }

    #[test]
    fn nothing_is_drawn_where_nothing_is_dropped() {
        let dropout = Dropout::new(7, 0);
        assert!(masked(&dropout, 0.0).iter().all(|v| *v == 1.0));
        assert_eq!(dropout.position(), 0);
        let off = Dropout::off();
        assert!(masked(&off, 0.5).iter().all(|v| *v == 1.0));
        assert_eq!(off.position(), 0);
    }

    #[test]
    fn the_stream_goes_on_from_a_position() {
        let whole = Dropout::new(3, 0);
        let first = masked(&whole, 0.5);
        let position = whole.position();
        let second = masked(&whole, 0.5);
        assert_ne!(first, second);
        assert_eq!(masked(&Dropout::new(3, position), 0.5), second);
        assert_ne!(masked(&Dropout::new(4, 0), 0.5), first);
    }

    #[test]
    fn what_was_dropped_gets_no_gradient() {
        let x = Var::ones((50, 4), DType::F32, &Device::Cpu).unwrap();
        let y = Dropout::new(1, 0).apply(x.as_tensor(), 0.5).unwrap();
        let gradients = y.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(x.as_tensor()).unwrap();
        assert_eq!(gradient.to_vec2::<f32>().unwrap(), y.to_vec2::<f32>().unwrap());
    }
}
