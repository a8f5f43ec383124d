//! `spanloom gazetteer`: lists of names, compiled, looked into, compared and written out again. One
//! file a subcommand.

mod build;
mod diff;
mod export;
mod info;
mod inputs;
mod lookup;

use std::process::ExitCode;

use clap::{Args as ClapArgs, Subcommand};

use super::print::{grouped, print};
use super::verbosity::Verbosity;
use crate::error::Result;

/// Compile gazetteers from lists of many formats, look into them, compare and export them.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(Box<build::Args>),
    Info(info::Args),
    Lookup(lookup::Args),
    Export(export::Args),
    Diff(diff::Args),
}

/// Runs the command. The exit code is 1 where `lookup` finds nothing and where `diff` finds a
/// difference.
///
/// # Errors
/// Where a gazetteer cannot be read or is wrong, or the output cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    match &args.command {
        Command::Build(args) => print(&build::run(args, verbosity)?)?,
        Command::Info(args) => print(&info::run(args)?)?,
        Command::Export(args) => export::run(args)?,
        Command::Lookup(args) => {
            let found = lookup::run(args)?;
            print(&found)?;
            return Ok(exit_code(!found.is_empty()));
        }
        Command::Diff(args) => {
            let (text, is_same) = diff::run(args)?;
            print(&text)?;
            return Ok(exit_code(is_same));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn exit_code(is_well: bool) -> ExitCode {
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let numbers = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }
}
