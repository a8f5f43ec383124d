//! The fine-tuned transformer as a source.

mod device;

pub use device::DeviceChoice;

use super::SourceKind;
use crate::error::{Error, ErrorKind};

pub(super) const KIND: SourceKind = SourceKind {
    name: "model",
    doc: "A Hugging Face token-classification folder, run on candle.",
    options: &[],
    load: |_, _, _| Err(Error::new(ErrorKind::Model, "not built yet")),
};

/// stub
pub fn load_folder(
    _: std::sync::Arc<str>,
    _: &str,
    _: &super::LoadContext,
) -> crate::Result<Box<dyn super::Source>> {
    Err(Error::new(ErrorKind::Model, "not built yet"))
}
