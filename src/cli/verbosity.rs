//! `-v` and `-q`: how much the program says on standard error besides errors.

use std::io::{self, IsTerminal};
use std::path::Path;

use anstream::ColorChoice;
use clap::{ArgAction, Args};
use tracing::level_filters::LevelFilter;

/// How much the program says.
#[derive(Debug, Clone, Copy, Args)]
pub struct Verbosity {
    /// Say on standard error what was chosen and loaded; twice: say more.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "General")]
    verbose: u8,
    /// Say nothing on standard error but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "General")]
    quiet: bool,
}

impl Verbosity {
    /// Whether a progress bar and a summary are welcome: not `--quiet`, and there is a terminal.
    pub(super) fn is_interactive(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether a progress bar is welcome beside results that go to `output`, or to standard output: where both are one
    /// terminal, it would stand between them.
    pub(super) fn wants_bar_beside(self, output: Option<&Path>) -> bool {
        let is_apart = output.is_some_and(|path| path != Path::new("-"));
        self.is_interactive() && (is_apart || !io::stdout().is_terminal())
    }

    /// Whether warnings are welcome.
    pub(super) fn warns(self) -> bool {
        !self.quiet
    }

    /// Sends the log to standard error from now on.
    pub(super) fn start_log(self) {
        let level = match (self.quiet, self.verbose) {
            (true, _) => LevelFilter::ERROR,
            (_, 0) => LevelFilter::WARN,
            (_, 1) => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        };
        let is_coloured = anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        let log = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(io::stderr)
            .with_ansi(is_coloured)
            .with_target(false)
            .without_time();
        // Fails only where a log was started before, which then stays.
        let _ = log.try_init();
    }
}
