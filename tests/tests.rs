//! The integration tests: one binary, one module a subject.

// All of this is test code, where a failed `unwrap` is a failed test.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod cli;
