//! How the rate of learning changes over the steps: a warm-up, then constant, linear or cosine, as the
//! schedules of `transformers` (`get_linear_schedule_with_warmup` and its siblings) have it.

use serde::{Deserialize, Serialize};

use super::recipe::{ScheduleRecipe, Shape};

/// The rate of each step as a share of the highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    shape: Shape,
    warm_up: u64,
    steps: u64,
}

impl Schedule {
    /// The schedule of a run of `steps` steps.
    pub fn new(recipe: &ScheduleRecipe, steps: u64) -> Self {
        let share = (steps as f64 * recipe.warm_up).ceil() as u64;
        Self { shape: recipe.shape, warm_up: recipe.warm_up_steps.unwrap_or(share), steps }
    }

    /// The share of the highest rate that the step after `done` steps has, 0 to 1.
    pub fn factor(&self, done: u64) -> f64 {
        if done < self.warm_up {
            return done as f64 / self.warm_up as f64;
        }
        let all = self.steps.saturating_sub(self.warm_up).max(1) as f64;
        let progress = ((done - self.warm_up) as f64 / all).min(1.0);
        match self.shape {
            Shape::Constant | Shape::Plateau => 1.0,
            Shape::Linear => 1.0 - progress,
            Shape::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
        }
    }
}

/// What is left of the rate where it becomes smaller as nothing is gained: the schedule of flair's trainer
/// (`AnnealOnPlateau`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plateau {
    /// The share of the highest rate.
    pub share: f64,
    /// How many evaluations were without gain since the last, or since the rate became smaller.
    pub without_gain: u64,
}

impl Plateau {
    /// The beginning: nothing of the rate is gone.
    pub fn new() -> Self {
        Self { share: 1.0, without_gain: 0 }
    }

    /// Takes note of an evaluation; true where the rate is now less than it may be.
    pub fn note(&mut self, recipe: &ScheduleRecipe, rate: f64, is_best: bool) -> bool {
        if recipe.shape != Shape::Plateau {
            return false;
        }
        self.without_gain = if is_best { 0 } else { self.without_gain + 1 };
        if self.without_gain > recipe.plateau_patience {
            self.without_gain = 0;
            self.share *= recipe.plateau_factor;
        }
        rate * self.share < recipe.least_rate
    }
}

impl Default for Plateau {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(shape: Shape, warm_up_steps: Option<u64>) -> Vec<f64> {
        let recipe =
            ScheduleRecipe { shape, warm_up: 0.0, warm_up_steps, ..ScheduleRecipe::default() };
        let schedule = Schedule::new(&recipe, 6);
        (0..7).map(|done| (schedule.factor(done) * 1e4).round() / 1e4).collect()
    }

    #[test]
    fn factors_are_those_of_transformers() {
        // What `get_*_schedule_with_warmup(optimizer, 2, 6)` of transformers 4.57.6 gives.
        assert_eq!(factors(Shape::Linear, Some(2)), [0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0]);
        assert_eq!(factors(Shape::Constant, Some(2)), [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let cosine = [0.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 0.0];
        assert_eq!(factors(Shape::Cosine, Some(2)), cosine);
        assert_eq!(factors(Shape::Linear, None)[0], 1.0);
    }

    #[test]
    fn the_warm_up_may_be_a_share() {
        let recipe = ScheduleRecipe { warm_up: 0.1, ..ScheduleRecipe::default() };
        let schedule = Schedule::new(&recipe, 95);
        assert_eq!(schedule.factor(5), 0.5);
        assert_eq!(schedule.factor(10), 1.0);
    }

    #[test]
    fn the_rate_becomes_smaller_on_a_plateau() {
        let recipe = ScheduleRecipe {
            shape: Shape::Plateau,
            plateau_patience: 1,
            least_rate: 0.02,
            ..ScheduleRecipe::default()
        };
        let mut plateau = Plateau::new();
        // What flair 0.15.1's `AnnealOnPlateau` does with factor 0.5 and patience 1 from a rate of 0.1.
        let gains = [true, false, true, false, false, false, false, false, false];
        let mut rates = Vec::new();
        let ends: Vec<bool> = gains
            .map(|gain| {
                let ends = plateau.note(&recipe, 0.1, gain);
                rates.push(0.1 * plateau.share);
                ends
            })
            .into();
        assert_eq!(rates, [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125]);
        assert_eq!(ends.iter().position(|end| *end), Some(8));
        let constant = ScheduleRecipe { shape: Shape::Constant, ..recipe };
        assert!(!Plateau::new().note(&constant, 0.0, false));
    }
}
