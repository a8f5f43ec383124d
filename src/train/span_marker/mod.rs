//! SpanMarker in training: a label for every candidate span of a sentence.

mod beginning;
mod examples;
mod options;
#[cfg(test)]
mod tests;
mod trainee;

pub use examples::SpanExample;
pub use options::SpanMarkerOptions;
pub use trainee::SpanMarkerTrainee;
