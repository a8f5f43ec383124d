//! The integration tests, in one binary.

// All of this is test code: a failed `unwrap` is a failed test, and what a test prints explains it.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod ambiguity;
mod architectures;
mod bad_input;
mod cli;
mod corpus;
mod flair;
mod formats;
mod gliner;
mod heads;
mod kernels;
mod layers;
mod lint;
mod model;
mod recipes;
mod reference;
mod registry;
mod slope;
mod span_marker;
mod tutorial;
