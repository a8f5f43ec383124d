//! One process at a time works on a part of a job. The lock belongs to the open file: however the process ends,
//! the system lets go of it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// The lock of a file, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the file at `path`, which is made where it is missing and stays.
    ///
    /// # Errors
    /// Where another process holds it, or the file cannot be opened.
    pub(super) fn take(path: &Path) -> Result<Self> {
        let wrong = |error| Error::io("write", path.display(), error);
        match open_locked(path) {
            Ok(Some(file)) => Ok(Self { _file: file }),
            Ok(None) => {
                let folder = path.parent().unwrap_or(path).display();
                let message = format!("another process works on the job in {folder}");
                Err(Error::new(ErrorKind::Io, message)
                    .with_help("wait for it, or stop it: its lock goes with it"))
            }
            Err(error) => Err(wrong(error)),
        }
    }
}

/// The file, locked; `None` where another holds the lock.
fn open_locked(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".job.lock");
        let first = Lock::take(&path).unwrap();
        let error = Lock::take(&path).unwrap_err().to_string();
        assert!(error.starts_with("another process works on the job in "), "{error}");
        drop(first);
        Lock::take(&path).unwrap();
    }
}
