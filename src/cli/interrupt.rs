//! Ctrl-C as a wish: long work that is worth something before its end stops at the next good place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that the first Ctrl-C sets; a second one ends the program as usual. Where no handler can be set,
/// the first one does, and a warning says that it `loses` something.
pub(super) fn stop_flag(loses: &str) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let handler = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::abort();
        }
    });
    if let Err(error) = handler {
        tracing::warn!("Ctrl-C loses {loses}: {error}");
    }
    stop
}
