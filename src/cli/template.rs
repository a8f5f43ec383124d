//! `spanloom labels`: the labels that an engine gives.
//!
//! A template: copy it to a file of its own, beside this one, and put that file into the registry.
//! It is compiled and run by tests only.

use std::path::PathBuf;
use std::process::ExitCode;

use super::engine;
use super::print::print;
use crate::error::Result;
use crate::pipeline::EngineOptions;

/// List the labels that an engine gives.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  spanloom labels -e my-engine.toml")]
pub(super) struct Args {
    /// The engine file; without it the one that `tag` would take.
    #[arg(short, long, value_name = "FILE")]
    engine: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where the engine file is wrong, or standard output cannot be written.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let engine = engine::load(args.engine.as_deref(), &EngineOptions::default())?;
    print(&engine.labels().iter().map(|label| format!("{label}\n")).collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args as _;

    #[test]
    fn the_arguments_are_sound_and_a_missing_engine_is_an_error() {
        Args::augment_args(clap::Command::new("labels")).debug_assert();
        assert!(run(&Args { engine: Some("no-such-engine.toml".into()) }).is_err());
    }
}
