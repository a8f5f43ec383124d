//! The default engine inside the binary: `spanloom.toml` and all it names.

use crate::error::Result;
use crate::resource::{BuiltinFile, Files};

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// The files of the default engine.
///
/// # Errors
/// Never in this build.
pub(super) fn files() -> Result<Files> {
    Ok(Files::Builtin(BUILTIN))
}
