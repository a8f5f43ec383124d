//! The folder of a job: what the files in it are called, and how a shard comes to be in it as a whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::part::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::fingerprint::sha256_of;

/// What the names of shards begin with.
const SHARD: &str = "part";

/// The name of the journal without its suffix.
const JOURNAL: &str = "job";

/// The suffix of journals and lists of errors.
const LINES: &str = "jsonl";

/// The folder of a job, with the lock of a part of it.
#[derive(Debug)]
pub struct JobFolder {
    path: PathBuf,
    part: Part,
    _lock: Lock,
}

/// A shard that is where it belongs.
pub(super) struct Published {
    /// Its size on disk.
    pub(super) bytes: u64,
    /// The SHA-256 of it.
    pub(super) sha256: String,
    /// Whether the same bytes were there before.
    pub(super) is_same: bool,
}

impl JobFolder {
    /// Opens the folder at `path`, which is made where it is missing, to work on a part.
    ///
    /// # Errors
    /// Where it cannot be written to, or another process works on the same part.
    pub fn open(path: &Path, part: Part) -> Result<Self> {
        let made = fs::create_dir_all(path).and_then(|()| {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            flush_folder(parent.unwrap_or(Path::new(".")))
        });
        made.map_err(|error| Error::io("write", path.display(), error))?;
        let lock = Lock::take(&path.join(format!(".{}.lock", part.name(JOURNAL))))?;
        Ok(Self { path: path.to_owned(), part, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The part that is worked on.
    pub fn part(&self) -> Part {
        self.part
    }

    /// The journal of the part.
    pub fn journal(&self) -> PathBuf {
        self.path.join(format!("{}.{LINES}", self.part.name(JOURNAL)))
    }

    /// The list of errors of the part.
    pub fn errors(&self) -> PathBuf {
        self.path.join(format!("{}.{LINES}", self.part.name("errors")))
    }

    /// The journals of all parts, with their parts, sorted by path.
    pub(super) fn journals(&self) -> Result<Vec<(PathBuf, Part)>> {
        let mut journals = Vec::new();
        for name in self.names()? {
            let stem = name.strip_suffix(&format!(".{LINES}"));
            if let Some(part) = stem.and_then(|stem| Part::of_name(stem, JOURNAL)) {
                journals.push((self.path.join(&name), part));
            }
        }
        Ok(journals)
    }

    /// What a shard is called.
    fn shard_name(&self, number: u64, suffix: &str) -> String {
        format!("{}-{number:05}.{suffix}", self.part.name(SHARD))
    }

    /// Where a shard is written before it is whole. The folder for that is made where it is missing.
    pub(super) fn unfinished(&self, number: u64, suffix: &str) -> Result<PathBuf> {
        let folder = self.unfinished_folder();
        fs::create_dir_all(&folder).map_err(|e| Error::io("write", folder.display(), e))?;
        Ok(folder.join(self.shard_name(number, suffix)))
    }

    fn unfinished_folder(&self) -> PathBuf {
        self.path.join(self.part.name(".unfinished"))
    }

    /// Removes what was never finished.
    pub(super) fn remove_unfinished(&self) -> Result<()> {
        let folder = self.unfinished_folder();
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove", folder.display(), error))
            }
            _ => Ok(()),
        }
    }

    /// Gives a shard that is written its name. It is on the disk, under that name, when this returns. One with
    /// the same bytes that was there before stays as it is.
    pub(super) fn publish(&self, number: u64, suffix: &str) -> Result<Published> {
        let from = self.unfinished(number, suffix)?;
        let to = self.path.join(self.shard_name(number, suffix));
        let (bytes, sha256) = sha256_of(&from)?;
        let old = fs::metadata(&to).ok().filter(|old| old.is_file() && old.len() == bytes);
        let is_same = match old {
            Some(_) => sha256_of(&to)?.1 == sha256,
            None => false,
        };
        let published = match is_same {
            true => fs::remove_file(&from),
            // Some systems flush only what is open for writing.
            false => File::options()
                .write(true)
                .open(&from)
                .and_then(|file| file.sync_all())
                .and_then(|()| fs::rename(&from, &to)),
        };
        let published = published.and_then(|()| flush_folder(&self.path));
        published.map_err(|error| Error::io("write", to.display(), error))?;
        Ok(Published { bytes, sha256, is_same })
    }

    /// Checks that a shard is as it was when it was done.
    pub(super) fn check_size(&self, number: u64, suffix: &str, bytes: u64) -> Result<()> {
        let path = self.path.join(self.shard_name(number, suffix));
        let found = match fs::metadata(&path) {
            Ok(metadata) if metadata.len() == bytes => return Ok(()),
            Ok(metadata) => {
                format!("has {} bytes and had {bytes} when it was done", metadata.len())
            }
            Err(_) => "is gone".to_owned(),
        };
        Err(Error::new(ErrorKind::Io, format!("{} {found}", path.display()))
            .with_help("`--restart` begins the job anew"))
    }

    /// The names of shards of the part that are none of the first `count` with the suffix.
    pub(super) fn other_shards(&self, count: u64, suffix: &str) -> Result<Vec<String>> {
        let stem = format!("{}-", self.part.name(SHARD));
        let number = |name: &str| {
            let (digits, suffix) = name.strip_prefix(&stem)?.split_once('.')?;
            let is_number = digits.len() >= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| Some((digits.parse::<u64>().ok()?, suffix.to_owned())))?
        };
        let is_other = |name: &String| {
            number(name).is_some_and(|(number, other)| number >= count || other != suffix)
        };
        Ok(self.names()?.into_iter().filter(is_other).collect())
    }

    /// Removes files of the folder.
    pub(super) fn remove(&self, names: &[String]) -> Result<()> {
        for name in names {
            let path = self.path.join(name);
            fs::remove_file(&path).map_err(|e| Error::io("remove", path.display(), e))?;
        }
        Ok(())
    }

    /// The names of what is in the folder, sorted.
    fn names(&self) -> Result<Vec<String>> {
        let wrong = |error| Error::io("read", self.path.display(), error);
        let entries = fs::read_dir(&self.path).map_err(wrong)?;
        let name = |entry: io::Result<fs::DirEntry>| {
            entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
        };
        let names: io::Result<Vec<String>> = entries.map(name).collect();
        let mut names = names.map_err(wrong)?;
        names.sort();
        Ok(names)
    }
}

/// Waits until a folder's names are on the disk, where the system can do that.
pub(super) fn flush_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &JobFolder, number: u64, text: &str) -> Published {
        fs::write(folder.unfinished(number, "txt").unwrap(), text).unwrap();
        folder.publish(number, "txt").unwrap()
    }

    #[test]
    fn shards_appear_whole_and_same_bytes_stay() {
        let place = tempfile::tempdir().unwrap();
        let part: Part = "2/3".parse().unwrap();
        let folder = JobFolder::open(&place.path().join("new/out"), part).unwrap();
        assert!(!put(&folder, 0, "abc").is_same);
        let path = folder.path().join("part-2-of-3-00000.txt");
        assert_eq!(fs::read_to_string(&path).unwrap(), "abc");
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        assert!(put(&folder, 0, "abc").is_same);
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), time);
        assert!(!put(&folder, 0, "abd").is_same);
        assert_eq!(fs::read_to_string(&path).unwrap(), "abd");
        folder.check_size(0, "txt", 3).unwrap();
        let error = folder.check_size(0, "txt", 4).unwrap_err().to_string();
        assert!(error.ends_with("has 3 bytes and had 4 when it was done"), "{error}");
        assert!(folder.check_size(1, "txt", 4).unwrap_err().to_string().ends_with("is gone"));
        folder.remove_unfinished().unwrap();
        folder.remove_unfinished().unwrap();
        assert!(!folder.path().join(".unfinished-2-of-3").exists());
    }

    #[test]
    fn only_shards_of_the_part_are_told_apart() {
        let place = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(place.path(), Part::WHOLE).unwrap();
        let names =
            ["part-00000.txt", "part-00001.txt", "part-00001.conll", "part-1-of-2-00007.txt"];
        for name in names.iter().chain(&["part-x.txt", "part-123.txt", "errors.jsonl"]) {
            fs::write(place.path().join(name), "").unwrap();
        }
        let other = folder.other_shards(1, "txt").unwrap();
        assert_eq!(other, ["part-00001.conll", "part-00001.txt"]);
        folder.remove(&other).unwrap();
        assert_eq!(folder.other_shards(0, "txt").unwrap(), ["part-00000.txt"]);
        assert!(JobFolder::open(place.path(), Part::WHOLE).is_err());
    }
}
