//! The program `spanloom`: parse, run, print the error once, choose the exit code.
//!
//! Exit codes: 0 all is well; 1 something could not be done, be it one document of many; 2 the command
//! line is wrong.

use std::process::ExitCode;

use spanloom::cli;

/// Says how often a waiting thread of candle looks for work before it sleeps, where the user has not.
const SPINS: &str = "CANDLE_BARRIER_POOL_SPIN_LIMIT";

/// By default 25,000 times, which takes the processor from threads that have work: where two programs share
/// two cores a step of training takes half the time with so few (see docs/train.md).
const FEW: &str = "100";

fn main() -> ExitCode {
    let_threads_sleep();
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

/// Sets [`SPINS`] for this process.
#[allow(
    unsafe_code,
    reason = "the environment can be set in no other way; see the argument inside"
)]
fn let_threads_sleep() {
    if std::env::var_os(SPINS).is_none() {
        // SAFETY: the first thing that `main` does; no other thread is there to read the environment.
        unsafe { std::env::set_var(SPINS, FEW) };
    }
}
