//! The integration tests, in one binary.

mod ambiguity;
mod bad_input;
mod cli;
mod corpus;
mod layers;
mod model;
mod reference;
mod registry;
