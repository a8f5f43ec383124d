//! The program `spanloom`: parse, run, print the error once, choose the exit code.
//!
//! Exit codes: 0 all is well; 1 something could not be done, be it one document of many; 2 the command
//! line is wrong.

use std::process::ExitCode;

use spanloom::cli;

fn main() -> ExitCode {
    let cli = cli::Cli::parse_or_exit();
    match cli::run(&cli) {
        Ok(code) => code,
        // Whoever read our output has what they wanted.
        Err(error) if cli::report::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            cli::report::report(&error);
            ExitCode::FAILURE
        }
    }
}
