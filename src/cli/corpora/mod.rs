//! `spanloom corpus`: corpora, looked at as data. One file a subcommand.

mod stats;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as ClapArgs, Subcommand};

use super::verbosity::Verbosity;
use crate::error::Result;

/// See what is in a corpus.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Stats(stats::Args),
}

impl Args {
    /// The inputs as they were named.
    pub(super) fn inputs_mut(&mut self) -> &mut Vec<PathBuf> {
        match &mut self.command {
            Command::Stats(args) => args.inputs_mut(),
        }
    }
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where there is nothing to read, or the output cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    match &args.command {
        Command::Stats(args) => stats::run(args, verbosity),
    }
}
