//! The log of a run: one JSON object a line, for steps and evaluations. A resumed run cuts off what came
//! after its checkpoint and goes on, so that no step is in it twice.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};

/// An open log.
pub struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Log {
    /// Opens the log at `path` and keeps its first `bytes`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn open(path: &Path, bytes: u64) -> Result<Self> {
        let (file, bytes) = open_after(path, bytes)?;
        Ok(Self { path: path.to_owned(), file, bytes })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, value: &Value) -> Result<()> {
        let line = format!("{value}\n");
        self.file
            .write_all(line.as_bytes())
            .map_err(|e| Error::io("write", self.path.display(), e))?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// How long it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Opens a file to go on after its first `bytes`, or after all of it where it is shorter; what came after is
/// gone. Gives also where that is.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn open_after(path: &Path, bytes: u64) -> Result<(File, u64)> {
    let open = || {
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        let bytes = bytes.min(file.metadata()?.len());
        file.set_len(bytes)?;
        file.seek(SeekFrom::End(0))?;
        Ok((file, bytes))
    };
    open().map_err(|e| Error::io("write", path.display(), e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_came_after_a_checkpoint_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = Log::open(&path, 0).unwrap();
        log.write(&json!({"step": 1})).unwrap();
        let bytes = log.bytes();
        log.write(&json!({"step": 2})).unwrap();
        let mut log = Log::open(&path, bytes).unwrap();
        log.write(&json!({"step": 3})).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "{\"step\":1}\n{\"step\":3}\n");
    }
}
