//! One process at a time works on a part of a job. The lock belongs to the open file: however the process ends,
//! the system lets go of it.

use std::fs::File;
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
#[cfg(unix)]
#[allow(unsafe_code, reason = "the C library's function; see the argument inside")]
fn open_locked(path: &Path) -> io::Result<Option<File>> {
    use std::os::fd::AsRawFd;

    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    // SAFETY: `flock` takes a descriptor, which is open as long as `file` lives, and a number; it touches no
    // memory of ours.
    let locked = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    match locked {
        0 => Ok(Some(file)),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            error => Err(error),
        },
    }
}

/// The file, opened so that nobody else can open it; `None` where another has.
#[cfg(windows)]
fn open_locked(path: &Path) -> io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt;

    /// `ERROR_SHARING_VIOLATION`: the file is open elsewhere.
    const IS_OPEN_ELSEWHERE: i32 = 32;
    let mut options = File::options();
    match options.create(true).truncate(false).write(true).share_mode(0).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(IS_OPEN_ELSEWHERE) => Ok(None),
        Err(error) => Err(error),
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
