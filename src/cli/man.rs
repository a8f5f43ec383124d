//! `spanloom man`: manual pages, made from the command line itself.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_mangen::Man;

use super::Cli;
use super::print::print;
use crate::error::{Error, Result};

/// Print the manual page, or write the pages of the program and of each command to a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom man | man -l -
  spanloom man -o ~/.local/share/man/man1")]
pub struct Args {
    /// The folder to write all pages to; it is made where it is not there.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where the pages cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let command = Cli::command().disable_help_subcommand(true);
    match &args.output {
        Some(folder) => std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command, folder))
            .map_err(|error| Error::io("write", folder.display(), error))?,
        None => {
            let mut page = Vec::new();
            Man::new(command)
                .render(&mut page)
                .map_err(|error| Error::io("write", "the manual page", error))?;
            print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
