//! How sure may one be of a name, by how much is known of what it stands for? One formula for all
//! counts: inhabitants, articles.

use crate::error::Result;

use super::settings::Settings;

/// Weights by a count: `1 / (1 + sqrt(half / count))`, that is, log-odds of `ln(count / half) / 2`.
/// A hundred times the count adds `ln 10 = 2.3` to the log-odds, whatever it was before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    /// The count that has the weight 0.5; 0 gives everything the weight 1.
    half: f64,
}

impl Prior {
    /// The prior that the option `name` describes.
    pub(super) fn read(settings: &Settings, name: &str, half: f64) -> Result<Self> {
        Ok(Self { half: settings.number(name, half, 0.0)? })
    }

    /// The weight of a count, to three decimals, from 0.05: what is unknown is not impossible.
    pub(super) fn weight(self, count: f64) -> f32 {
        if self.half == 0.0 {
            return 1.0;
        }
        let weight = 1.0 / (1.0 + (self.half / count.max(f64::MIN_POSITIVE)).sqrt());
        ((weight.max(0.05) * 1e3).round() / 1e3) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_grow_with_the_count() {
        let prior = Prior { half: 10_000.0 };
        let weights = [0.0, 100.0, 5_000.0, 10_000.0, 1e6, 3e7].map(|count| prior.weight(count));
        assert_eq!(weights, [0.05, 0.091, 0.414, 0.5, 0.909, 0.982]);
        assert_eq!(Prior { half: 0.0 }.weight(0.0), 1.0);
    }
}
