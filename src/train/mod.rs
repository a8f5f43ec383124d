//! How does the model learn? A recipe and corpora in, a model folder out: fine-tuning on
//! candle. One file a concern; [`run`] puts them together. What a system learns from and what it makes
//! small is behind [`trainee::Trainee`]; [`token`] is that of token
//! classifiers, [`gliner`] that of GLiNER.
//!
//! Everything random comes from streams that the seed begins, everything that a run knows is in its
//! checkpoint: a run that is stopped and resumed ends with the weights, bit for bit, of one that was not.

pub mod active;
pub mod augment;
pub mod average;
pub mod batches;
pub mod card;
pub mod checkpoint;
pub mod data;
mod encoder;
pub mod evaluation;
pub mod events;
pub mod flair;
pub mod gliner;
pub mod gradient;
pub mod log;
mod lora;
pub mod optimiser;
pub mod recipe;
pub mod run;
pub mod save;
pub mod schedule;
mod setup;
pub mod span_marker;
pub mod step;
#[cfg(test)]
mod tests;
pub mod token;
pub mod trainee;
pub mod trainer;

pub use active::{ActiveOutcome, Labeller, Round, train_actively};
pub use recipe::Recipe;
pub use run::{Event, Outcome, TrainOptions, train};
