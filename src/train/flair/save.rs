//! A trained tagger of Flair as a folder: the files of its embeddings as they were, what is new of it beside them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::source::model::flair::{DESCRIPTION, Description};
use crate::train::recipe::Numbers;
use crate::train::save::{WEIGHTS, texts_and_weights};

/// Writes a tagger with these weights into `folder`: the files that the description names, from the folder
/// `start`, the description and the weights, the weights last. Files that are named by an absolute path stay where
/// they are.
///
/// # Errors
/// Where a file cannot be read or written.
pub(super) fn model(
    folder: &Path,
    start: &Path,
    description: &Description,
    weights: &BTreeMap<String, Tensor>,
    numbers: Numbers,
) -> Result<()> {
    let error = |path: &Path, e| Error::io("write", path.display(), e);
    for name in description.names().into_iter().filter(|name| !Path::new(name).is_absolute()) {
        let to = folder.join(name);
        copy(&start.join(name), &to).map_err(|e| error(&to, e))?;
    }
    let text = serde_json::to_string_pretty(description).expect("plain data");
    texts_and_weights(folder, &[(DESCRIPTION, text)], (WEIGHTS, weights), numbers)
}

/// Copies a file, or a folder with the files in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
