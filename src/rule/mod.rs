//! What does a rule say, and where does it hold? The one rule language, spoken by the source `rules`
//! and by the pass `rules`.
//!
//! `schema` is what a rule may hold, `pack` reads the rules of a source or pass with the `macros` and
//! `lists` that they share. A rule about text becomes one that runs in `compile`; one about entities in
//! `entity`, whose patterns `slots` takes apart into sequences that `sequence` matches. `context` and
//! `condition` say what else must hold, `action` what is done. `prefilter` tells where rules
//! can match (`syntax` reads patterns, `literal` finds what they require, `beside` what stands beside that, `automaton` what they look like), `sieve` which of many may match at one place, `limit` keeps patterns from
//! running for ever. `cases` and `marked` run what every rule promises, [`check`] holds the validators.
//! [`info`] and [`log`] are for reports: what a rule is, and how long it took.

pub mod action;
mod automaton;
mod beside;
pub(crate) mod cases;
pub mod check;
mod class;
pub(crate) mod compile;
pub mod condition;
mod context;
pub(crate) mod entity;
pub mod info;
pub mod keys;
pub(crate) mod limit;
mod lists;
mod literal;
pub mod log;
pub(crate) mod macros;
pub(crate) mod marked;
mod odd;
mod owed;
pub(crate) mod pack;
pub(crate) mod prefilter;
pub(crate) mod schema;
mod sequence;
pub mod shape;
pub(crate) mod sieve;
mod slots;
mod syntax;
pub(crate) mod tokens;
pub(crate) mod world;
