//! Taggers of Flair in training: a target for every word of a sentence, one loss for each or a CRF over all.

mod examples;
mod options;
mod save;
#[cfg(test)]
mod tests;
mod trainee;

pub use examples::SentenceExample;
pub use options::FlairOptions;
pub use trainee::FlairTrainee;
