//! What did we find? The small vocabulary that every source, pass and format speaks.

pub mod candidate;
pub mod entity;
pub mod evidence;
pub mod label;
pub mod mention;
pub mod order;
pub mod scheme;

pub use candidate::Candidate;
pub use entity::{Entity, Overruled};
pub use evidence::Evidence;
pub use label::Label;
pub use mention::{Mention, Origin};
pub use scheme::TagScheme;

pub use crate::text::Span;
