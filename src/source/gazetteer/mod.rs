//! stub

use super::SourceKind;
use crate::error::{Error, ErrorKind};

pub(super) const KIND: SourceKind = SourceKind {
    name: "gazetteer",
    doc: "stub",
    options: &[],
    load: |_, _, _| Err(Error::new(ErrorKind::Config, "not built yet")),
};
