//! GLiNER in training: for every span (or word) and label, whether the text has it there. A folder that the
//! library saved is trained further, on the labels of the run.

mod examples;
mod loss;
mod options;
#[cfg(test)]
mod tests;
mod trainee;

pub use examples::PromptedExample;
pub use trainee::GlinerTrainee;
