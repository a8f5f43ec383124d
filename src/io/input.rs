//! Where documents come from: files, folders, globs, addresses and standard input, as a user names them. What a
//! file holds is the formats' concern, what is behind an address that of `remote`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::address::Address;
use super::compression::Compression;
use super::remote::{Remote, RemoteObject};
use super::stream::ByteCounter;
use super::{FORMATS, Format, ReadOptions, recognise, sniff};
use crate::error::{Error, ErrorKind, Result};

/// An open input: bytes, decompressed, and what to call them.
pub struct Input {
    name: String,
    reader: Box<dyn BufRead + Send>,
    path: Option<PathBuf>,
    failure: Failure,
}

impl Input {
    /// An input that `reader` gives; `name` stands for it in ids and messages.
    pub fn new(name: impl Into<String>, reader: impl BufRead + Send + 'static) -> Self {
        let (name, reader, failure) = (name.into(), Box::new(reader), Failure::default());
        Self { name, reader, path: None, failure }
    }

    /// What to call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, where it is a file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Why it gave nothing more, once it is known.
    pub(super) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// The same, which gives nothing more for a reason that another one knows.
    pub(super) fn failing_as(self, failure: Failure) -> Self {
        Self { failure, ..self }
    }

    /// All of it, as a file that can be read at any place: that which it is, or a copy where it is
    /// compressed or no file, which is gone when it is closed.
    ///
    /// # Errors
    /// Where it cannot be read, or copied.
    pub(super) fn into_file(mut self) -> Result<File> {
        let is_plain =
            |path: &&PathBuf| Compression::split(path).1 == Compression::None && path.is_file();
        let file = match self.path.as_ref().filter(is_plain) {
            Some(path) => File::open(path),
            None => tempfile::tempfile().and_then(|mut copy| {
                io::copy(&mut self.reader, &mut copy)?;
                copy.rewind()?;
                Ok(copy)
            }),
        };
        file.map_err(|error| Error::io("read", self.name, error))
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.reader.read(bytes)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}

/// Why an input from afar gave nothing more. Whoever reads it, behind decompression and a format, sees an error of
/// their own or an end, and asks here what it was.
#[derive(Debug, Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<Error>>>);

impl Failure {
    /// Keeps an error that says it all; what is left says as much to those who cannot ask.
    fn keep(&self, error: io::Error) -> io::Error {
        match error.downcast::<Error>() {
            Ok(error) => {
                let told = io::Error::other(error.to_string());
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                told
            }
            Err(error) => error,
        }
    }

    /// What it was, to who asks first.
    pub(super) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Where an input is.
#[derive(Debug, Clone)]
pub enum InputPlace {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// An object behind an address.
    Remote(RemoteObject),
}

/// A file to read, and as what.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Where it is.
    pub place: InputPlace,
    /// How to read it; `None` where its beginning is to say it.
    pub format: Option<&'static Format>,
}

impl InputFile {
    /// What to call it in ids and messages: the path as given, or the address.
    pub fn name(&self) -> String {
        match &self.place {
            InputPlace::Stdin => "stdin".to_owned(),
            InputPlace::File(path) => path.display().to_string(),
            InputPlace::Remote(object) => object.name(),
        }
    }

    /// Its path, where it is a file.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            InputPlace::File(path) => Some(path),
            InputPlace::Stdin | InputPlace::Remote(_) => None,
        }
    }

    /// Its size as it lies there, where it is a file or an object.
    pub fn size(&self) -> Option<u64> {
        match &self.place {
            InputPlace::Stdin => None,
            InputPlace::File(path) => {
                let metadata = fs::metadata(path).ok()?;
                metadata.is_file().then_some(metadata.len())
            }
            InputPlace::Remote(object) => Some(object.size()),
        }
    }

    /// Opens it; a suffix of compression is heeded. `counter` counts the bytes as they lie on disk.
    ///
    /// # Errors
    /// Where it cannot be opened; the error names it.
    pub fn open(&self, counter: &ByteCounter) -> Result<Input> {
        let name = self.name();
        let (reader, compression): (io::Result<Box<dyn Read + Send>>, _) = match &self.place {
            InputPlace::Stdin => (Ok(Box::new(io::stdin())), Compression::None),
            InputPlace::File(path) => {
                (File::open(path).map(|file| Box::new(file) as _), Compression::split(path).1)
            }
            InputPlace::Remote(object) => {
                (Ok(object.open()), Compression::split(Path::new(&name)).1)
            }
        };
        let (failure, path) = (Failure::default(), self.path().map(Path::to_owned));
        reader
            .map(|reader| Counted { reader, counter: counter.clone(), failure: failure.clone() })
            .and_then(|reader| compression.reader(reader))
            .map_err(|error| Error::io("read", &name, error))
            .map(|reader| Input { name, reader, path, failure })
    }

    /// What is in an input that is open, where its format is to be found by its beginning; all of it can still be
    /// read.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn recognise(
        &self,
        input: Input,
        options: &ReadOptions,
    ) -> Result<(&'static Format, Input)> {
        match (self.format, &self.place) {
            (Some(format), _) => Ok((format, input)),
            (None, InputPlace::Remote(object)) => Ok(recognise::of_open(&object.name(), input)),
            (None, _) => sniff::sniff(input, options),
        }
    }
}

struct Counted {
    reader: Box<dyn Read + Send>,
    counter: ByteCounter,
    failure: Failure,
}

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(bytes).map_err(|error| self.failure.keep(error))?;
        self.counter.add(read);
        Ok(read)
    }
}

/// The files that a user's inputs stand for.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The files, in the order of the inputs; those of a folder or glob sorted by path.
    pub files: Vec<InputFile>,
    /// The inputs that stand for nothing, each with the reason.
    pub errors: Vec<Error>,
}

impl Inputs {
    /// Expands what a user named: a file; a folder, with all folders in it (hidden files and links to
    /// folders are passed over); a glob; `-` for standard input; an [`Address`].
    ///
    /// A file is read as `format`, or else as its suffix says, or else as text. Several formats are JSON
    /// and share its suffixes: there the first value that can be of one only decides, and where there is
    /// none among the first 100 in the first MiB, it is `jsonl`. So do CoNLL and tables whose columns are
    /// parted by tabs, which their first MiB tells apart. What standard input is, its beginning says when it
    /// is read.
    pub fn expand(inputs: &[PathBuf], format: Option<&'static Format>) -> Self {
        let (mut expanded, mut remote) = (Self::default(), Remote::default());
        for input in inputs {
            let places = match Address::parse(input) {
                Some(address) => address
                    .and_then(|address| remote.find(&address))
                    .map(|objects| objects.into_iter().map(InputPlace::Remote).collect::<Vec<_>>()),
                None => places(input, &mut expanded.errors),
            };
            match places {
                Ok(places) => expanded.files.extend(files_of(places, input, format)),
                Err(error) => expanded.errors.push(error),
            }
        }
        expanded
    }
}

/// The files of one input, as their formats. Where two go together, such as a text and its annotations, that
/// with the suffix of the format stands for both; of a folder whose format is said to be such a one, files
/// that are neither are passed over.
fn files_of(
    places: Vec<InputPlace>,
    input: &Path,
    format: Option<&'static Format>,
) -> Vec<InputFile> {
    let named = |place: &InputPlace| match place {
        InputPlace::Stdin => None,
        InputPlace::File(path) => Some(path.clone()),
        InputPlace::Remote(object) => Some(PathBuf::from(object.name())),
    };
    let present: BTreeSet<PathBuf> = places.iter().filter_map(named).collect();
    let has_suffix = |path: &Path, suffix: &str| path.extension().is_some_and(|s| s == suffix);
    let stands_alone = |place: &InputPlace| {
        let Some(path) = named(place).filter(|path| path != input) else { return true };
        let pairs = FORMATS.iter().filter_map(|format| Some((format, format.companion?)));
        let goes_with_another = pairs.into_iter().any(|(format, companion)| {
            let mut own = format.suffixes.iter();
            has_suffix(&path, companion)
                && own.any(|suffix| present.contains(&path.with_extension(suffix)))
        });
        let is_stranger = format.is_some_and(|format| {
            format.companion.is_some_and(|companion| {
                let mut own = format.suffixes.iter();
                !has_suffix(&path, companion) && !own.any(|suffix| has_suffix(&path, suffix))
            })
        });
        !goes_with_another && !is_stranger
    };
    let file = |place: InputPlace| InputFile {
        format: format.or_else(|| match &place {
            InputPlace::Stdin => None,
            // A suffix that says nothing leaves it to what the file holds.
            InputPlace::File(path) => recognise::of_file(path),
            // Asking each object what it holds would take its time: that is found when its turn comes.
            InputPlace::Remote(object) => match recognise::by_suffix(Path::new(&object.name())) {
                (format, None) => Some(format),
                (_, Some(_)) => None,
            },
        }),
        place,
    };
    places.into_iter().filter(stands_alone).map(file).collect()
}

fn places(input: &Path, errors: &mut Vec<Error>) -> Result<Vec<InputPlace>> {
    if input == Path::new("-") {
        return Ok(vec![InputPlace::Stdin]);
    }
    let mut files = BTreeSet::new();
    match fs::metadata(input) {
        Ok(metadata) if metadata.is_dir() => walk(input, &mut files, errors),
        Ok(_) => {
            files.insert(input.to_owned());
        }
        Err(error) => match input.to_str().filter(|name| name.contains(['*', '?', '['])) {
            Some(pattern) => {
                expand_glob(pattern, &mut files, errors)?;
                if files.is_empty() {
                    let message = format!("no file matches '{pattern}'");
                    return Err(Error::new(ErrorKind::Io, message));
                }
            }
            None => return Err(Error::io("read", input.display(), error)),
        },
    }
    Ok(files.into_iter().map(InputPlace::File).collect())
}

/// The files that a pattern matches, and all files of the folders that it matches.
fn expand_glob(
    pattern: &str,
    files: &mut BTreeSet<PathBuf>,
    errors: &mut Vec<Error>,
) -> Result<()> {
    let options =
        glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let matches = glob::glob_with(pattern, options).map_err(|error| {
        let message =
            format!("'{pattern}' is no glob: {} at character {}", error.msg, error.pos + 1);
        Error::new(ErrorKind::Io, message)
    })?;
    for path in matches {
        match path {
            Ok(path) if path.is_dir() => walk(&path, files, errors),
            Ok(path) => {
                files.insert(path);
            }
            Err(error) => {
                let path = error.path().display().to_string();
                errors.push(Error::io("read", path, error.into()));
            }
        }
    }
    Ok(())
}

/// All regular files in a folder and the folders in it.
fn walk(folder: &Path, files: &mut BTreeSet<PathBuf>, errors: &mut Vec<Error>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return errors.push(Error::io("read", folder.display(), error)),
    };
    for entry in entries {
        let kind = entry.and_then(|entry| Ok((entry.file_type()?, entry)));
        let (kind, entry) = match kind {
            Ok(found) => found,
            Err(error) => {
                errors.push(Error::io("read", folder.display(), error));
                continue;
            }
        };
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_dir() {
            walk(&path, files, errors);
        } else if path.is_file() {
            files.insert(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.txt", "a/z.jsonl.gz", "a/deep/y.conll", "c.dat", ".hidden", ".git/x.txt"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn expand(folder: &Path, inputs: &[&str]) -> (Vec<String>, Vec<String>) {
        let inputs: Vec<PathBuf> = inputs
            .iter()
            .map(|i| if *i == "-" { PathBuf::from(i) } else { folder.join(i) })
            .collect();
        let Inputs { files, errors } = Inputs::expand(&inputs, None);
        let relative = |s: String| s.replace(&format!("{}/", folder.display()), "");
        (
            files
                .iter()
                .map(|f| {
                    relative(format!("{} {}", f.name(), f.format.map_or("?", |format| format.name)))
                })
                .collect(),
            errors.iter().map(|e| relative(e.to_string())).collect(),
        )
    }

    #[test]
    fn folders_are_walked_in_sorted_order() {
        let folder = corpus();
        let (files, errors) = expand(folder.path(), &[""]);
        assert_eq!(files, ["a/deep/y.conll conll", "a/z.jsonl.gz jsonl", "b.txt text", "c.dat ?"]);
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn the_order_of_inputs_is_kept() {
        let folder = corpus();
        let (files, errors) = expand(folder.path(), &["c.dat", "-", "a", "*.txt", ".hidden"]);
        let expected = [
            "c.dat ?",
            "stdin ?",
            "a/deep/y.conll conll",
            "a/z.jsonl.gz jsonl",
            "b.txt text",
            ".hidden ?",
        ];
        assert_eq!(files, expected);
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn a_glob_names_a_file_once() {
        let folder = corpus();
        let (files, _) = expand(folder.path(), &["**/*"]);
        assert_eq!(files.len(), 4, "{files:?}");
    }

    #[test]
    fn a_name_with_brackets_is_a_file_where_there_is_one() {
        let folder = corpus();
        fs::write(folder.path().join("[b].txt"), "").unwrap();
        assert_eq!(expand(folder.path(), &["[b].txt"]).0, ["[b].txt text"]);
    }

    #[test]
    fn inputs_that_stand_for_nothing_are_named() {
        let folder = corpus();
        let (files, errors) = expand(folder.path(), &["no.txt", "b.txt", "*.csv", "x[.txt"]);
        assert_eq!(files, ["b.txt text"]);
        assert_eq!(errors.len(), 3);
        assert!(errors[0].starts_with("cannot read no.txt: "), "{errors:?}");
        assert_eq!(
            errors[1].replace(&folder.path().display().to_string(), ""),
            "no file matches '*.csv'"
        );
        assert!(errors[2].contains("is no glob"), "{errors:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_runs_in_a_circle_is_passed_over() {
        let folder = corpus();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        assert_eq!(expand(folder.path(), &[""]).0.len(), 4);
    }
}
