//! The bytes of a file, mapped into memory where that can be done: a file of gigabytes is then there
//! at once, and threads and processes share one copy of it.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::{Error, Result};

/// Bytes that are read, mapped or inside the binary; cheap to clone.
#[derive(Debug, Clone)]
pub struct FileBytes(Kept);

#[derive(Debug, Clone)]
enum Kept {
    Mapped(Arc<Mmap>),
    Owned(Arc<Vec<u8>>),
    Static(&'static [u8]),
}

impl FileBytes {
    /// The bytes of the file at `path`: mapped, or read where it cannot be mapped (it is empty, or no
    /// file but a pipe).
    ///
    /// # Errors
    /// Where it cannot be opened or read.
    pub fn open(path: &Path) -> Result<Self> {
        let wrong = |e| Error::io("read", path.display(), e);
        let file = File::open(path).map_err(wrong)?;
        match map(&file) {
            Ok(mapped) => Ok(Self(Kept::Mapped(Arc::new(mapped)))),
            Err(_) => std::fs::read(path).map(Self::from).map_err(wrong),
        }
    }

    /// Whether the file is mapped, not read.
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Kept::Mapped(_))
    }
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Kept::Owned(Arc::new(bytes)))
    }
}

impl From<&'static [u8]> for FileBytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Kept::Static(bytes))
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kept::Mapped(mapped) => mapped,
            Kept::Owned(bytes) => bytes,
            Kept::Static(bytes) => bytes,
        }
    }
}

/// Maps a file for reading.
#[allow(unsafe_code, reason = "a mapping is unsafe by its nature; see the argument inside")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the mapping is read-only and lives as long as the `Mmap` that owns it. What Rust cannot
    // see is another process that writes to the file or cuts it off while it is mapped. Everything here
    // that writes such a file writes another one and renames it over the first, which leaves the mapped
    // one as it is; users are told to do the same. Readers trust nothing in the bytes: each number is
    // checked where it is used and each string where it is read, so bytes that change give wrong
    // answers and no access out of bounds. A file that is cut off in place ends the process with a bus
    // error, as it does for every program that maps files.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_mapped_and_an_empty_one_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"abc").unwrap();
        let bytes = FileBytes::open(&path).unwrap();
        assert!(bytes.is_mapped());
        assert_eq!(&*bytes.clone(), b"abc");
        std::fs::write(folder.path().join("b"), b"").unwrap();
        assert!(FileBytes::open(&folder.path().join("b")).unwrap().is_empty());
        let message = FileBytes::open(&folder.path().join("c")).unwrap_err().to_string();
        assert!(message.starts_with("cannot read "), "{message}");
    }
}
