//! Where results go: a file or standard output, compressed by suffix. A file appears under its name
//! only when it is complete.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::compression::{Compression, Compressor};
use crate::error::{Error, ErrorKind, Result};

/// An open output.
///
/// A regular file is written under a temporary name in the same folder, `.NAME.PID.part`, and renamed
/// by [`Output::finish`]; an output that is dropped before leaves no file, and what was there before
/// as it was. Devices and pipes are written to directly.
pub struct Output {
    name: String,
    /// Always there but during [`Output::finish`].
    writer: Option<Compressor>,
    rename: Option<Rename>,
    /// Where it is a folder.
    folder: Option<PathBuf>,
}

/// The temporary files of this process.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Rename {
    from: PathBuf,
    to: PathBuf,
}

impl Output {
    /// Opens `path` for writing.
    ///
    /// # Errors
    /// Where it cannot be written to; the error names it.
    pub fn create(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let (_, compression) = Compression::split(path);
        Self::open(path)
            .and_then(|(file, rename)| {
                let writer = Some(compression.writer(Box::new(file))?);
                Ok(Self { name: name.clone(), writer, rename, folder: None })
            })
            .map_err(|error| Error::io("write", name, error))
    }

    fn open(path: &Path) -> io::Result<(File, Option<Rename>)> {
        let existing = match fs::metadata(path) {
            Ok(metadata) => Some((metadata, OpenOptions::new().write(true).open(path)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let to = match existing {
            Some((ref metadata, _)) if metadata.is_file() => fs::canonicalize(path)?,
            Some((_, device)) => return Ok((device, None)),
            None => path.to_owned(),
        };
        let Some(file_name) = to.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file name"));
        };
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(file_name);
        temporary.push(format!(".{}.part", std::process::id()));
        let from = to.with_file_name(temporary);
        let file = File::create(&from)?;
        unfinished().insert(from.clone());
        if let Some((metadata, _)) = existing {
            fs::set_permissions(&from, metadata.permissions())?;
        }
        Ok((file, Some(Rename { from, to })))
    }

    /// A folder, for a format of several files a document: each is an output of its own. The folder is made
    /// where it is not there.
    ///
    /// # Errors
    /// Where it cannot be made, or holds something already: what is old and what is new would be mixed.
    pub fn folder(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let error = |error| Error::io("write", path.display(), error);
        fs::create_dir_all(path).map_err(error)?;
        if fs::read_dir(path).map_err(error)?.next().is_some() {
            let full = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "the folder is not empty");
            return Err(error(full).with_help("name a new folder"));
        }
        let mut output = Self::new(name, io::sink())?;
        output.folder = Some(path.to_owned());
        Ok(output)
    }

    /// A file in the folder that this output is.
    ///
    /// # Errors
    /// Where it cannot be written, or this output is no folder.
    pub(super) fn file(&self, name: &str) -> Result<Self> {
        match &self.folder {
            Some(folder) => Self::create(&folder.join(name)),
            None => {
                let message = format!(
                    "{} is one file, and the format needs a folder: two files a document",
                    self.name
                );
                Err(Error::new(ErrorKind::Io, message))
            }
        }
    }

    /// Standard output.
    ///
    /// # Errors
    /// None today; see [`Output::new`].
    pub fn stdout() -> Result<Self> {
        Self::new("standard output", io::stdout())
    }

    /// Writes to `writer`, uncompressed; `name` stands for it in messages.
    ///
    /// # Errors
    /// Where it cannot be set up.
    pub fn new(name: impl Into<String>, writer: impl Write + Send + 'static) -> Result<Self> {
        let name = name.into();
        match Compression::None.writer(Box::new(writer)) {
            Ok(writer) => Ok(Self { name, writer: Some(writer), rename: None, folder: None }),
            Err(error) => Err(Error::io("write", name, error)),
        }
    }

    /// Removes the temporary files of all outputs of this process, which is about to end at once.
    pub fn remove_unfinished() {
        for path in std::mem::take(&mut *unfinished()) {
            // Nobody is left to report to.
            let _ = fs::remove_file(path);
        }
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The suffix of its name, lower case, after one of compression is taken off; empty where it has none.
    pub fn suffix(&self) -> String {
        let (path, _) = Compression::split(Path::new(&self.name));
        path.extension().and_then(|suffix| suffix.to_str()).unwrap_or("").to_lowercase()
    }

    /// Writes `bytes`.
    ///
    /// # Errors
    /// Where that fails; the error names this output, and its source is the [`io::Error`].
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.writer().write_all(bytes);
        written.map_err(|error| Error::io("write", &self.name, error))
    }

    /// Hands on what is buffered.
    ///
    /// # Errors
    /// As [`Output::put`].
    pub fn flush(&mut self) -> Result<()> {
        let flushed = self.writer().flush();
        flushed.map_err(|error| Error::io("write", &self.name, error))
    }

    fn writer(&mut self) -> &mut Compressor {
        self.writer.as_mut().expect("an output is open until it is finished")
    }

    /// Completes the output; a file now has its name.
    ///
    /// # Errors
    /// As [`Output::put`].
    pub fn finish(mut self) -> Result<()> {
        let finished = self.writer.take().map_or(Ok(()), Compressor::finish);
        let finished = finished.and_then(|()| match &self.rename {
            Some(Rename { from, to }) => fs::rename(from, to),
            None => Ok(()),
        });
        if finished.is_ok()
            && let Some(Rename { from, .. }) = self.rename.take()
        {
            unfinished().remove(&from);
        }
        finished.map_err(|error| Error::io("write", &self.name, error))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

impl Drop for Output {
    /// Removes the temporary file of an output that was not finished.
    fn drop(&mut self) {
        if let Some(Rename { from, .. }) = self.rename.take() {
            self.writer = None;
            unfinished().remove(&from);
            // Nobody is left to report to: the file stays where removing it fails.
            let _ = fs::remove_file(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        fs::write(&path, "old").unwrap();
        let mut output = Output::create(&path).unwrap();
        output.put(b"new").unwrap();
        output.flush().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["out.jsonl"]);
    }

    #[test]
    fn a_dropped_output_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = Output::create(&folder.path().join("out.txt")).unwrap();
        output.put(b"half").unwrap();
        drop(output);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn the_suffix_says_how_to_compress() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.txt", "a.txt.gz", "a.txt.bz2", "a.txt.zst"] {
            let path = folder.path().join(name);
            let mut output = Output::create(&path).unwrap();
            output.put("Łódź".as_bytes()).unwrap();
            output.finish().unwrap();
            let (_, compression) = Compression::split(&path);
            let mut text = String::new();
            let mut reader = compression.reader(File::open(&path).unwrap()).unwrap();
            reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, "Łódź", "{name}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/such/out.txt");
        for path in [missing.as_path(), folder.path()] {
            let error = Output::create(path).err().unwrap();
            let expected = format!("cannot write {}: ", path.display());
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut output = Output::create(&link).unwrap();
        output.put(b"new").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mut null = Output::create(Path::new("/dev/null")).unwrap();
        null.put(b"gone").unwrap();
        null.finish().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let mut output = Output::create(Path::new("/dev/full")).unwrap();
        output.put(b"x").unwrap();
        let error = output.finish().unwrap_err();
        assert!(error.to_string().starts_with("cannot write /dev/full: "), "{error}");
    }
}
