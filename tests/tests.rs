//! The integration tests, in one binary.

mod bad_input;
mod cli;
mod corpus;
mod model;
