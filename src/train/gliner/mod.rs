//! GLiNER in training: for every span (or word) and label, whether the text has it there. A folder that the
//! library saved is trained further, on the labels of the run; of an encoder a new model is made.

mod beginning;
mod drawn;
mod examples;
mod loss;
mod options;
#[cfg(test)]
mod tests;
mod trainee;

pub use examples::PromptedExample;
pub(super) use options::model_config;
pub use trainee::GlinerTrainee;
