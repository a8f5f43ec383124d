//! Named bytes: from a folder on disk, or from the files that the build put into the binary.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{FileBytes, NotedFolder, Reads};
use crate::error::{Error, ErrorKind, Result};

/// A file inside the binary.
#[derive(Debug)]
pub struct BuiltinFile {
    /// Its path relative to the repository root, with `/` between the parts.
    pub path: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
}

/// What the names in an engine file are relative to.
#[derive(Debug, Clone)]
pub enum Files {
    /// A folder: names are paths relative to it, or absolute.
    Folder(PathBuf),
    /// A folder, and what has been read of it.
    Noted(NotedFolder),
    /// Files inside the binary.
    Builtin(&'static [BuiltinFile]),
    /// Other files, and the names that were asked for.
    Listed(Box<Files>, Arc<Mutex<BTreeSet<String>>>),
}

/// Where the bytes are.
enum Place<'a> {
    Folder(&'a Path),
    Builtin(&'static [BuiltinFile]),
}

impl Files {
    /// The folder that holds `path`.
    pub fn beside(path: &Path) -> Self {
        Self::Folder(path.parent().unwrap_or(Path::new("")).to_owned())
    }

    /// The folder `folder`, of which it is noted what is read.
    pub fn noted(folder: PathBuf) -> Self {
        Self::Noted(NotedFolder::new(folder))
    }

    /// The same files, and a list of the names that are asked for.
    pub(crate) fn listed(self) -> Self {
        Self::Listed(Box::new(self), Arc::default())
    }

    /// The names that were asked for, whether there are such files or not; `None` where no list is kept.
    pub(crate) fn names_read(&self) -> Option<Vec<String>> {
        let Self::Listed(_, names) = self else { return None };
        Some(names.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect())
    }

    /// The same files, of which nothing has been read so far.
    pub(crate) fn anew(&self) -> Self {
        match self {
            Self::Noted(noted) => Self::noted(noted.folder.clone()),
            Self::Listed(files, _) => files.anew().listed(),
            other => other.clone(),
        }
    }

    /// What has been read; nothing where it is not noted.
    pub fn reads(&self) -> Reads {
        match self {
            Self::Noted(noted) => noted.reads(),
            Self::Listed(files, _) => files.reads(),
            Self::Folder(_) | Self::Builtin(_) => Reads::default(),
        }
    }

    fn place(&self) -> Place<'_> {
        match self {
            Self::Folder(folder) | Self::Noted(NotedFolder { folder, .. }) => Place::Folder(folder),
            Self::Builtin(files) => Place::Builtin(files),
            Self::Listed(files, _) => files.place(),
        }
    }

    fn note(&self, name: &str) {
        match self {
            Self::Noted(noted) => noted.note_file(name),
            Self::Listed(files, names) => {
                names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
                files.note(name);
            }
            Self::Folder(_) | Self::Builtin(_) => {}
        }
    }

    fn note_glob(&self, pattern: &str, names: &[String]) {
        match self {
            Self::Noted(noted) => noted.note_glob(pattern, names),
            Self::Listed(files, _) => files.note_glob(pattern, names),
            Self::Folder(_) | Self::Builtin(_) => {}
        }
    }

    /// The bytes of the file `name`.
    ///
    /// # Errors
    /// Where there is no such file or it cannot be read.
    pub fn read(&self, name: &str) -> Result<Cow<'static, [u8]>> {
        self.note(name);
        match self.place() {
            Place::Folder(folder) => {
                let path = folder.join(name);
                std::fs::read(&path)
                    .map(Cow::Owned)
                    .map_err(|e| Error::io("read", path.display(), e))
            }
            Place::Builtin(files) => {
                files.iter().find(|f| f.path == name).map(|f| Cow::Borrowed(f.bytes)).ok_or_else(
                    || Error::new(ErrorKind::Io, format!("no file {name} inside the program")),
                )
            }
        }
    }

    /// The bytes of the file `name`, mapped into memory where that can be done: for files that are
    /// too large to be read whole.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub fn map(&self, name: &str) -> Result<FileBytes> {
        self.note(name);
        match self.place() {
            Place::Folder(folder) => FileBytes::open(&folder.join(name)),
            Place::Builtin(_) => self.read(name).map(|bytes| match bytes {
                Cow::Borrowed(bytes) => bytes.into(),
                Cow::Owned(bytes) => bytes.into(),
            }),
        }
    }

    /// The text of the file `name`; a byte-order mark at its start is dropped.
    ///
    /// # Errors
    /// As [`Files::read`], and where it is not UTF-8.
    pub fn read_text(&self, name: &str) -> Result<String> {
        let bytes = self.read(name)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
            Err(e) => Err(Error::new(
                ErrorKind::Config,
                format!("{} is not UTF-8 at byte {}", self.display(name), e.valid_up_to()),
            )),
        }
    }

    /// The path of the file `name` on disk; `None` inside the binary.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        match self.place() {
            Place::Folder(folder) => Some(folder.join(name)),
            Place::Builtin(_) => None,
        }
    }

    /// Whether the file `name` is there.
    pub fn exists(&self, name: &str) -> bool {
        self.note(name);
        match self.place() {
            Place::Folder(folder) => folder.join(name).is_file(),
            Place::Builtin(files) => files.iter().any(|f| f.path == name),
        }
    }

    /// The names of the files that `pattern` stands for, sorted: itself where it holds no `*`, `?` or
    /// `[`; a glob otherwise.
    ///
    /// # Errors
    /// Where the glob is malformed or nothing matches it.
    pub fn expand(&self, pattern: &str) -> Result<Vec<String>> {
        if !pattern.contains(['*', '?', '[']) {
            return Ok(vec![pattern.to_owned()]);
        }
        let malformed = |e: glob::PatternError| {
            Error::new(ErrorKind::Config, format!("malformed glob '{pattern}': {e}"))
        };
        let mut names: Vec<String> = match self.place() {
            Place::Folder(folder) => {
                let folder_text = glob::Pattern::escape(&folder.to_string_lossy());
                let full = if folder_text.is_empty() {
                    pattern.to_owned()
                } else {
                    Path::new(&folder_text).join(pattern).to_string_lossy().into_owned()
                };
                glob::glob(&full)
                    .map_err(malformed)?
                    .filter_map(std::result::Result::ok)
                    .filter(|path| path.is_file())
                    .map(|path| {
                        let relative = path.strip_prefix(folder).unwrap_or(&path);
                        relative.to_string_lossy().into_owned()
                    })
                    .collect()
            }
            Place::Builtin(files) => {
                let options =
                    glob::MatchOptions { require_literal_separator: true, ..Default::default() };
                let glob = glob::Pattern::new(pattern).map_err(malformed)?;
                files
                    .iter()
                    .filter(|f| glob.matches_with(f.path, options))
                    .map(|f| f.path.to_owned())
                    .collect()
            }
        };
        names.sort();
        self.note_glob(pattern, &names);
        if names.is_empty() {
            return Err(Error::new(ErrorKind::Config, format!("no file matches '{pattern}'")));
        }
        Ok(names)
    }

    /// How to name the file `name` to a user.
    pub fn display(&self, name: &str) -> String {
        match self.place() {
            Place::Folder(folder) => folder.join(name).display().to_string(),
            Place::Builtin(_) => format!("builtin:{name}"),
        }
    }
}
