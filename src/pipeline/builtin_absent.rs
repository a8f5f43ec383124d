//! Stands in for the default engine in builds without the feature `builtin`.

use crate::error::{Error, ErrorKind, Result};
use crate::resource::Files;

/// The files of the default engine, which this build does not carry.
///
/// # Errors
/// Always.
pub(super) fn files() -> Result<Files> {
    Err(Error::new(ErrorKind::Config, "this program was built without the default engine")
        .with_help("name an engine file with `--engine FILE`, or build with `--features builtin`"))
}
