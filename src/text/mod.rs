//! What are we reading? Documents, their offsets, their folded copies, their words and sentences.

pub(crate) mod boundary;
pub mod common;
pub mod document;
pub mod edit;
pub mod fold;
pub mod layout;
pub(crate) mod lines;
pub mod offsets;
pub(crate) mod pieces;
pub mod readings;
pub mod segment;
pub mod segments;
pub mod span;
pub mod stop_words;
pub mod window;

pub use common::CommonWords;
pub use document::{Annotation, Document, SourceRow, Token};
pub use edit::Edit;
pub use fold::{FoldOptions, Folded, fold};
pub use offsets::{OffsetTable, OffsetUnit};
pub use readings::Readings;
pub use segments::Segments;
pub use span::Span;
