//! Ctrl-C and SIGTERM as a wish: long work that is worth something before its end stops at the next good place.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};

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
