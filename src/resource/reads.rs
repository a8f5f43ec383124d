//! What was read of a folder and what it looked like then, to tell later whether it has changed.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::Files;

/// Files up to this size are compared by what they hold, larger ones by size and time.
const SMALL: u64 = 1 << 20;

/// What a file looked like.
#[derive(Debug, Clone, PartialEq)]
enum Stamp {
    Absent,
    Small(u64),
    Large(u64, Option<SystemTime>),
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let Ok(metadata) = fs::metadata(path) else { return Self::Absent };
        if metadata.len() <= SMALL
            && let Ok(bytes) = fs::read(path)
        {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            return Self::Small(hasher.finish());
        }
        Self::Large(metadata.len(), metadata.modified().ok())
    }
}

/// Files and globs of files as they were when they were read.
#[derive(Debug, Clone, Default)]
pub struct Reads {
    files: BTreeMap<PathBuf, Stamp>,
    /// The names that a glob stood for, by the folder it is relative to.
    globs: BTreeMap<(PathBuf, String), Vec<String>>,
}

impl Reads {
    /// The reads of these files as they are now.
    pub fn of(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut reads = Self::default();
        paths.into_iter().for_each(|path| reads.note(path));
        reads
    }

    /// Notes what a file looks like now, where it is not noted yet. To be called before it is read: what
    /// changes in between is then seen as a change.
    fn note(&mut self, path: PathBuf) {
        self.files.entry(path).or_insert_with_key(|path| Stamp::of(path));
    }

    /// The files that were asked for, sorted, whether they were there or not.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Adds what others have read.
    pub fn extend(&mut self, other: Self) {
        for (path, stamp) in other.files {
            self.files.entry(path).or_insert(stamp);
        }
        for (glob, names) in other.globs {
            self.globs.entry(glob).or_insert(names);
        }
    }

    /// What is another now: files, and globs that stand for other files.
    pub fn changed(&self) -> Vec<PathBuf> {
        let files = self.files.iter().filter(|(path, stamp)| Stamp::of(path) != **stamp);
        let mut changed: Vec<PathBuf> = files.map(|(path, _)| path.clone()).collect();
        for ((folder, pattern), names) in &self.globs {
            let now = Files::Folder(folder.clone()).expand(pattern).unwrap_or_default();
            let came = now.iter().filter(|name| !names.contains(name));
            let went = names.iter().filter(|name| !now.contains(name));
            changed.extend(came.chain(went).map(|name| folder.join(name)));
        }
        changed.sort();
        changed.dedup();
        changed
    }

    /// The files that are other than in `old`: they came, went or changed.
    pub fn difference(&self, old: &Self) -> Vec<PathBuf> {
        let differs = |path: &&PathBuf| self.files.get(*path) != old.files.get(*path);
        let mut changed: Vec<PathBuf> =
            self.files.keys().chain(old.files.keys()).filter(differs).cloned().collect();
        changed.sort();
        changed.dedup();
        changed
    }

    /// The folders in which a change can be seen, and whether it may be deep in them. Folders, not files:
    /// editors put a new file in the place of the old one.
    pub fn folders(&self) -> BTreeMap<PathBuf, bool> {
        let mut folders = BTreeMap::new();
        let mut add = |folder: &Path, is_deep: bool| {
            let there = folder.ancestors().find(|f| f.is_dir()).unwrap_or(Path::new("."));
            let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
            *folders.entry(there.to_owned()).or_insert(false) |= is_deep;
        };
        for path in self.files.keys() {
            add(path.parent().unwrap_or(path), false);
            // A link may lead to where the file really is.
            if let Ok(real) = fs::canonicalize(path) {
                add(real.parent().unwrap_or(&real), false);
            }
        }
        for (folder, pattern) in self.globs.keys() {
            let is_plain = |part: &&str| !part.contains(['*', '?', '[']);
            let parts: Vec<&str> = pattern.split('/').collect();
            let plain = parts.iter().take_while(|part| is_plain(part)).count();
            let root = parts[..plain].iter().fold(folder.clone(), |path, part| {
                if part.is_empty() { PathBuf::from("/") } else { path.join(part) }
            });
            add(&root, plain + 1 < parts.len());
        }
        folders
    }
}

/// A folder whose reads are noted.
#[derive(Debug, Clone)]
pub struct NotedFolder {
    pub(super) folder: PathBuf,
    reads: Arc<Mutex<Reads>>,
}

impl NotedFolder {
    /// The folder, of which nothing has been read.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, reads: Arc::default() }
    }

    pub(super) fn note_file(&self, name: &str) {
        self.lock().note(self.folder.join(name));
    }

    pub(super) fn note_glob(&self, pattern: &str, names: &[String]) {
        self.lock().globs.insert((self.folder.clone(), pattern.to_owned()), names.to_vec());
    }

    pub(super) fn reads(&self) -> Reads {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Reads> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_compared_with_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("a.tsv", "Paris");
        let files = Files::noted(folder.path().to_owned());
        assert_eq!(files.expand("*.tsv").unwrap(), ["a.tsv"]);
        files.read("a.tsv").unwrap();
        assert!(files.read("b.txt").is_err());
        let reads = files.reads();
        let changed = || -> Vec<String> {
            let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            reads.changed().into_iter().map(name).collect()
        };
        assert!(changed().is_empty());
        write("other.txt", "of no interest");
        assert!(changed().is_empty());
        write("a.tsv", "Texas");
        assert_eq!(changed(), ["a.tsv"], "the same length, within a tick of the clock");
        write("b.txt", "it came to be");
        write("c.tsv", "the glob stands for more");
        assert_eq!(changed(), ["a.tsv", "b.txt", "c.tsv"]);
        let deep = reads.folders();
        assert_eq!(deep.get(folder.path()), Some(&false));
        assert!(files.expand("**/*.tsv").is_ok());
        assert_eq!(files.reads().folders().get(folder.path()), Some(&true));
    }
}
