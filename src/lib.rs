//! Spanloom: a declarative, hybrid named-entity recogniser.
//!
//! Gazetteers (finite-state transducers), regex rules and a fine-tuned transformer each propose
//! [mentions](span::Mention); a merge written in TOML weaves them into [entities](span::Entity) and
//! can say why.
//!
//! ```
//! # fn main() -> spanloom::Result<()> {
//! let engine = spanloom::Engine::parse(
//!     r#"
//!     labels = ["LOC"]
//!     [[source]]
//!     kind = "gazetteer"
//!     name = "places"
//!     entries = [["Paris", "LOC"], ["New York", "LOC"]]
//!     [[merge]]
//!     pass = "longest"
//!     "#,
//! )?;
//! let entities = engine.tag("From Paris to New\nYork.")?;
//! assert_eq!(entities.len(), 2);
//! assert_eq!(entities[1].text("From Paris to New\nYork."), "New\nYork");
//! # Ok(())
//! # }
//! ```
//!
//! `ARCHITECTURE.md` in the repository says where everything lives.

pub mod ahead;
pub mod cache;
pub mod cli;
pub mod error;
pub mod eval;
pub mod io;
pub mod job;
pub mod merge;
pub mod pipeline;
pub mod profile;
pub mod resource;
pub mod rule;
pub mod source;
pub mod span;
pub mod text;
pub mod train;
pub mod tune;

pub use error::{Error, ErrorKind, Result};
pub use pipeline::Engine;
pub use span::{Entity, Label, Mention};
pub use text::{Document, Span};
