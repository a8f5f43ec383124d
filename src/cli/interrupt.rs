//! Ctrl-C and SIGTERM as a wish: long work that is worth something before its end stops at the next good place.

use std::sync::Arc;
#[cfg(unix)]
use std::sync::Once;
use std::sync::atomic::AtomicBool;
#[cfg(unix)]
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};
#[cfg(unix)]
use signal_hook::iterator::Signals;
#[cfg(unix)]
use signal_hook::low_level::exit;

#[cfg(unix)]
use crate::io::Output;

/// The exit code of a program that Ctrl-C ended, as a shell gives it.
pub(super) const INTERRUPTED: u8 = 130;

/// A flag that the first Ctrl-C sets, or the SIGTERM with which schedulers end a program; a second one ends it. Where no
/// handler can be set, the first one does, and a warning says that it `loses` something. SIGHUP stays as it is: `nohup`
/// has it ignored.
pub(super) fn stop_flag(loses: &str) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Handlers run in this order: the second signal finds what the first one set.
        let handled = register_conditional_shutdown(signal, INTERRUPTED.into(), stop.clone())
            .and_then(|_| register(signal, stop.clone()));
        if let Err(error) = handled {
            tracing::warn!("Ctrl-C loses {loses}: {error}");
        }
    }
    stop
}

/// From now on, Ctrl-C and SIGTERM take the outputs with them that are half written. A program that is killed
/// otherwise leaves them.
pub(super) fn remove_unfinished_outputs() {
    #[cfg(unix)]
    {
        static IS_WATCHED: Once = Once::new();
        IS_WATCHED.call_once(|| match Signals::new([SIGINT, SIGTERM]) {
            Ok(mut signals) => {
                // It lives as long as the program.
                thread::spawn(move || {
                    if signals.forever().next().is_some() {
                        Output::remove_unfinished();
                        exit(INTERRUPTED.into());
                    }
                });
            }
            Err(error) => tracing::warn!("Ctrl-C leaves half-written outputs: {error}"),
        });
    }
}
