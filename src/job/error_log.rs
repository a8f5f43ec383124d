//! The list of what could not be read, tagged or written, a JSON object a line. What was added after the last
//! shard that is done is taken off when the job goes on, and comes again with its shard.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Something that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The input it is in; nothing where it is about an input that stands for no file.
    pub input: Option<String>,
    /// The line in it, from 1, where that is known.
    pub line: Option<usize>,
    /// The column in it in code points, from 1, where that is known.
    pub column: Option<usize>,
    /// The id of the document, where it has one.
    pub document: Option<String>,
    /// What kind of error it is.
    pub kind: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Failure {
    /// What `error` says of an input, or of a document of it.
    pub(super) fn new(error: &Error, input: Option<&str>, document: Option<&str>) -> Self {
        let place = error.location();
        let known = |number: usize| (number > 0).then_some(number);
        Self {
            input: place.map(|place| place.file.clone()).or(input.map(str::to_owned)),
            line: place.and_then(|place| known(place.line)),
            column: place.and_then(|place| known(place.column)),
            document: document.map(str::to_owned),
            kind: error.kind().name().to_owned(),
            reason: error.message().to_owned(),
        }
    }
}

/// The list, open at its end.
#[derive(Debug)]
pub(super) struct ErrorLog {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    is_synced: bool,
}

impl ErrorLog {
    /// Opens the list at `path`, of which the first `bytes` hold; what is after them is taken off.
    ///
    /// # Errors
    /// Where it cannot be written, or is shorter than it was.
    pub(super) fn open(path: &Path, bytes: u64) -> Result<Self> {
        let wrong = |error| Error::io("write", path.display(), error);
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).truncate(false).write(true).open(path).map_err(wrong)?;
        let found = file.metadata().map_err(wrong)?.len();
        if found < bytes {
            let message =
                format!("{} has {found} bytes and had {bytes} in the last run", path.display());
            return Err(
                Error::new(ErrorKind::Io, message).with_help("`--restart` begins the job anew")
            );
        }
        let cut = file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(wrong)?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), bytes, is_synced: false })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn add(&mut self, failure: &Failure) -> Result<()> {
        let mut line = serde_json::to_vec(failure).expect("its keys are strings");
        line.push(b'\n');
        self.bytes += line.len() as u64;
        self.is_synced = false;
        self.file.write_all(&line).map_err(|e| Error::io("write", self.path.display(), e))
    }

    /// Hands on what is buffered, so that who follows the file sees it.
    ///
    /// # Errors
    /// As [`ErrorLog::add`].
    pub(super) fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|e| Error::io("write", self.path.display(), e))
    }

    /// Waits until all of it is on the disk, and gives its length in bytes.
    ///
    /// # Errors
    /// As [`ErrorLog::add`].
    pub(super) fn sync(&mut self) -> Result<u64> {
        if !self.is_synced {
            let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
            synced.map_err(|e| Error::io("write", self.path.display(), e))?;
            self.is_synced = true;
        }
        Ok(self.bytes)
    }
}

/// The first `limit` of a list.
///
/// # Errors
/// Where it cannot be read.
pub fn first(path: &Path, limit: usize) -> Result<Vec<Failure>> {
    let wrong = |error| Error::io("read", path.display(), error);
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.map_err(wrong)?,
    };
    let lines = BufReader::new(file).lines().take(limit);
    let lines = lines.collect::<std::io::Result<Vec<String>>>().map_err(wrong)?;
    Ok(lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Location;

    fn failure(number: usize) -> Failure {
        let error = Error::new(ErrorKind::Document, "no text");
        Failure::new(&error.at(Location::line("a.jsonl", number, 0)), Some("b"), None)
    }

    #[test]
    fn what_came_after_the_last_shard_is_taken_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("errors.jsonl");
        let mut log = ErrorLog::open(&path, 0).unwrap();
        log.add(&failure(1)).unwrap();
        let done = log.sync().unwrap();
        log.add(&failure(2)).unwrap();
        log.flush().unwrap();
        drop(log);
        assert_eq!(first(&path, 9).unwrap(), [failure(1), failure(2)]);
        let mut log = ErrorLog::open(&path, done).unwrap();
        assert_eq!(first(&path, 9).unwrap(), [failure(1)]);
        log.add(&failure(3)).unwrap();
        log.sync().unwrap();
        assert_eq!(first(&path, 9).unwrap(), [failure(1), failure(3)]);
        assert_eq!(first(&path, 1).unwrap(), [failure(1)]);
        let text = std::fs::read_to_string(&path).unwrap();
        let line = "{\"input\":\"a.jsonl\",\"line\":1,\"column\":null,\"document\":null,\
                    \"kind\":\"document\",\"reason\":\"no text\"}";
        assert_eq!(text.lines().next(), Some(line));
        let error = ErrorLog::open(&path, 10_000).unwrap_err().to_string();
        assert!(error.ends_with("and had 10000 in the last run"), "{error}");
        assert!(first(&folder.path().join("no"), 1).unwrap().is_empty());
    }
}
