//! Where documents come from: files, folders, globs and standard input, as a user names them. What a
//! file holds is the formats' concern.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, Read, Seek};
use std::path::{Path, PathBuf};

use super::compression::Compression;
use super::stream::ByteCounter;
use super::{FORMATS, Format, conll, csv, format_of, json, jsonl, sniff, text};
use crate::error::{Error, ErrorKind, Result};

/// An open input: bytes, decompressed, and what to call them.
pub struct Input {
    name: String,
    reader: Box<dyn BufRead + Send>,
    path: Option<PathBuf>,
}

impl Input {
    /// An input that `reader` gives; `name` stands for it in ids and messages.
    pub fn new(name: impl Into<String>, reader: impl BufRead + Send + 'static) -> Self {
        Self { name: name.into(), reader: Box::new(reader), path: None }
    }

    /// What to call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, where it is a file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
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

/// A file to read, and as what.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Where it is; `None` is standard input.
    pub path: Option<PathBuf>,
    /// How to read it; `None` where its beginning is to say it.
    pub format: Option<&'static Format>,
}

impl InputFile {
    /// What to call it in ids and messages: the path as given.
    pub fn name(&self) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => "stdin".to_owned(),
        }
    }

    /// Its size on disk, where it is a file.
    pub fn size(&self) -> Option<u64> {
        let metadata = fs::metadata(self.path.as_ref()?).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Opens it; a suffix of compression is heeded. `counter` counts the bytes as they lie on disk.
    ///
    /// # Errors
    /// Where it cannot be opened; the error names it.
    pub fn open(&self, counter: &ByteCounter) -> Result<Input> {
        let compression = self.path.as_ref().map(|path| Compression::split(path).1);
        let reader: io::Result<Box<dyn Read + Send>> = match &self.path {
            Some(path) => File::open(path).map(|file| Box::new(file) as _),
            None => Ok(Box::new(io::stdin())),
        };
        reader
            .map(|reader| Counted { reader, counter: counter.clone() })
            .and_then(|reader| compression.unwrap_or(Compression::None).reader(reader))
            .map(|reader| Input { name: self.name(), reader, path: self.path.clone() })
            .map_err(|error| Error::io("read", self.name(), error))
    }
}

struct Counted {
    reader: Box<dyn Read + Send>,
    counter: ByteCounter,
}

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(bytes)?;
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
    /// folders are passed over); a glob; `-` for standard input.
    ///
    /// A file is read as `format`, or else as its suffix says, or else as text. Several formats are JSON
    /// and share its suffixes: there the first value that can be of one only decides, and where there is
    /// none among the first 100 in the first MiB, it is `jsonl`. So do CoNLL and tables whose columns are
    /// parted by tabs, which their first MiB tells apart. What standard input is, its beginning says when it
    /// is read.
    pub fn expand(inputs: &[PathBuf], format: Option<&'static Format>) -> Self {
        let mut expanded = Self::default();
        for input in inputs {
            match paths(input, &mut expanded.errors) {
                Ok(paths) => expanded.files.extend(files_of(paths, input, format)),
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
    paths: Vec<Option<PathBuf>>,
    input: &Path,
    format: Option<&'static Format>,
) -> Vec<InputFile> {
    let present: BTreeSet<PathBuf> = paths.iter().flatten().cloned().collect();
    let has_suffix = |path: &Path, suffix: &str| path.extension().is_some_and(|s| s == suffix);
    let stands_alone = |path: &Option<PathBuf>| {
        let Some(path) = path.as_deref().filter(|path| *path != input) else { return true };
        let pairs = FORMATS.iter().filter_map(|format| Some((format, format.companion?)));
        let goes_with_another = pairs.into_iter().any(|(format, companion)| {
            let mut own = format.suffixes.iter();
            has_suffix(path, companion)
                && own.any(|suffix| present.contains(&path.with_extension(suffix)))
        });
        let is_stranger = format.is_some_and(|format| {
            format.companion.is_some_and(|companion| {
                let mut own = format.suffixes.iter();
                !has_suffix(path, companion) && !own.any(|suffix| has_suffix(path, suffix))
            })
        });
        !goes_with_another && !is_stranger
    };
    let file = |path: Option<PathBuf>| InputFile {
        format: format
            .or_else(|| path.as_deref().map(|path| format_in(path).unwrap_or(&text::FORMAT))),
        path,
    };
    paths.into_iter().filter(stands_alone).map(file).collect()
}

/// The format of a file, by its suffix and, where several formats share that (JSON; CoNLL and tables parted by
/// tabs), by what it holds.
fn format_in(path: &Path) -> Option<&'static Format> {
    let format = format_of(path)?;
    let recognise = match format.name {
        name if name == jsonl::FORMAT.name => json::recognise,
        name if name == csv::TSV.name => sentences_in,
        _ => return Some(format),
    };
    let file = InputFile { path: Some(path.to_owned()), format: Some(format) };
    // What cannot be opened is reported when its turn comes.
    let input = file.open(&ByteCounter::default()).ok();
    Some(input.and_then(recognise).unwrap_or(format))
}

/// CoNLL, where the beginning of an input parted by tabs is no table.
fn sentences_in(mut input: Input) -> Option<&'static Format> {
    let mut head = Vec::new();
    // What cannot be read is reported when it is read for good.
    let _ = input.by_ref().take(sniff::BYTES).read_to_end(&mut head);
    (!csv::is_table(&sniff::beginning(&head))).then_some(&conll::FORMAT)
}

fn paths(input: &Path, errors: &mut Vec<Error>) -> Result<Vec<Option<PathBuf>>> {
    if input == Path::new("-") {
        return Ok(vec![None]);
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
    Ok(files.into_iter().map(Some).collect())
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
        assert_eq!(
            files,
            ["a/deep/y.conll conll", "a/z.jsonl.gz jsonl", "b.txt text", "c.dat text"]
        );
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn the_order_of_inputs_is_kept() {
        let folder = corpus();
        let (files, errors) = expand(folder.path(), &["c.dat", "-", "a", "*.txt", ".hidden"]);
        let expected = [
            "c.dat text",
            "stdin ?",
            "a/deep/y.conll conll",
            "a/z.jsonl.gz jsonl",
            "b.txt text",
            ".hidden text",
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
