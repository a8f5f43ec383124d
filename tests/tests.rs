//! The integration tests: one binary, one module a subject.

mod bad_input;
mod cli;
