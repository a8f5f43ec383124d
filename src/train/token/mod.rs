//! Token classifiers in training: a target for every word, one loss for each or a CRF over all.

mod examples;
mod forward;
mod loss;
mod trainee;

pub(super) use examples::ranges;
pub use examples::{TagExample, Targets, Teaching, examples, tag_names};
pub use loss::TagLoss;
pub use trainee::TokenTrainee;
