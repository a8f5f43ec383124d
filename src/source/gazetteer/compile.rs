//! From entries to a compiled gazetteer: entries are gathered, brought into order by `runs` and
//! written by `sections`. Matching is `matcher`'s work.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::compiled::Gazetteer;
use super::context::Context;
use super::entry::Entry;
use super::format::{Header, SourceFile, is_compiled, wrong};
use super::import::read_tsv;
use super::record;
use super::runs::{Draft, Runs, Spill, Tables, spilled};
use super::sections::{Sections, assemble};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::FileBytes;
use crate::text::{FoldOptions, fold};

/// How many problems are reported one by one.
const SHOWN_PROBLEMS: usize = 20;

/// How many labels, and how many keys of attributes, a gazetteer may have: they are read when it is
/// opened.
pub(super) const MOST_NAMES: usize = 1 << 16;

/// The folded form of a surface, by which it is found.
pub(super) fn key(surface: &str) -> String {
    let folded = fold(surface, FoldOptions::ALL).into_text();
    match folded.trim() {
        trimmed if trimmed.len() == folded.len() => folded,
        trimmed => trimmed.to_owned(),
    }
}

/// Gathers entries, and what is wrong with them, until all are there.
#[derive(Debug, Default)]
pub struct Builder {
    runs: Runs,
    tables: Tables,
    sources: Vec<SourceFile>,
    problems: Vec<Error>,
    problem_count: usize,
    count: u64,
    detail: Vec<u8>,
}

impl Builder {
    /// How much memory a builder of a file takes for sorting where nothing else is said: 256 MiB.
    pub const MEMORY: usize = 256 << 20;

    /// A builder that keeps all entries in memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder that keeps about `memory` bytes of entries in memory and sorts more than that by way
    /// of files in `folder`. They have no names: nothing is left of them however the program ends.
    pub fn with_memory(memory: usize, folder: impl Into<PathBuf>) -> Self {
        let spill = Spill { memory, folder: folder.into() };
        Self { runs: Runs::new(Some(spill)), ..Self::default() }
    }

    /// How many entries were added.
    pub fn entry_count(&self) -> u64 {
        self.count
    }

    /// Whether it has neither entries nor anything to report.
    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.problem_count == 0
    }

    /// Adds an entry, and those that its abbreviations are.
    ///
    /// # Errors
    /// Where nothing is left of its surface after folding or its `context` cannot be read
    /// ([`ErrorKind::Gazetteer`]; the builder goes on without the entry), or entries cannot be written
    /// to disk ([`ErrorKind::Io`]).
    pub fn add(&mut self, entry: &Entry) -> Result<()> {
        Context::of(entry.attributes.iter().map(|(key, value)| (&**key, &**value)))?;
        self.add_single(entry)?;
        entry.abbreviated().iter().try_for_each(|short| self.add_single(short))
    }

    fn add_single(&mut self, entry: &Entry) -> Result<()> {
        let key = key(&entry.surface);
        if key.is_empty() {
            let message =
                format!("nothing is left of the surface '{}' after folding", entry.surface);
            return Err(wrong(message.escape_debug().to_string()));
        }
        self.detail.clear();
        let keys = &mut self.tables.keys;
        let attributes = entry.attributes.iter().map(|(k, v)| (u64::from(keys.number(k)), &**v));
        record::put_detail(&mut self.detail, entry.id.as_deref(), attributes);
        let label = self.tables.labels.number(entry.label.as_str());
        for (names, what) in
            [(&self.tables.labels, "labels"), (&self.tables.keys, "attribute keys")]
        {
            if names.len() > MOST_NAMES {
                return Err(wrong(format!("the gazetteer has more than {MOST_NAMES} {what}")));
            }
        }
        let draft = Draft {
            key: &key,
            surface: &entry.surface,
            label,
            case: record::case_number(entry.case),
            weight: entry.weight,
            detail: &self.detail,
        };
        self.count += 1;
        self.runs.push(&draft, &self.tables)
    }

    /// Adds the rows of a TSV file of the name `file`; what is wrong with them is kept for
    /// [`Builder::build`] to report.
    pub fn add_tsv(&mut self, file: &str, bytes: &[u8]) {
        let before = self.count;
        match read_tsv(file, bytes, &mut |entry| self.add(&entry)) {
            Ok(imported) => {
                self.problem_count += imported.problem_count as usize - imported.problems.len();
                imported.problems.into_iter().for_each(|problem| self.report(problem));
            }
            Err(error) => self.report(error),
        }
        let (name, options) = (file.to_owned(), "tsv".to_owned());
        let (sha256, entries) = (Sha256::digest(bytes).into(), self.count - before);
        self.add_source(SourceFile { name, options, sha256, entries });
    }

    /// Adds the entries of a file of the name `file`, TSV or compiled. What is wrong with the rows of
    /// a TSV file is kept for [`Builder::build`] to report.
    ///
    /// # Errors
    /// Where a compiled file is damaged, or a file that is not compiled is called `.fst`.
    pub fn add_file(&mut self, file: &str, bytes: FileBytes) -> Result<()> {
        if is_compiled(&bytes) || file.ends_with(".fst") {
            return self.add_gazetteer(&Gazetteer::from_file(file, bytes)?);
        }
        self.add_tsv(file, &bytes);
        Ok(())
    }

    /// Adds the entries of a gazetteer, and the files that it was built from.
    ///
    /// # Errors
    /// Where it is damaged, and as [`Builder::add`].
    pub fn add_gazetteer(&mut self, gazetteer: &Gazetteer) -> Result<()> {
        let before = self.count;
        gazetteer.entries().try_for_each(|entry| self.add_single(&entry.to_entry()))?;
        let (got, expected) = (self.count - before, gazetteer.entry_count());
        if got != expected {
            return Err(wrong(format!(
                "the compiled gazetteer is damaged: {got} of {expected} entries can be read"
            )));
        }
        gazetteer.header().sources.iter().for_each(|source| self.add_source(source.clone()));
        Ok(())
    }

    /// Notes a file that entries came from.
    pub fn add_source(&mut self, mut source: SourceFile) {
        if let Some(name) = Path::new(&source.name).file_name() {
            source.name = name.to_string_lossy().into_owned();
        }
        self.sources.push(source);
    }

    /// Keeps a problem for [`Builder::build`] to report.
    pub fn report(&mut self, problem: Error) {
        self.problem_count += 1;
        if self.problems.len() < SHOWN_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Everything that was wrong with the entries, the first 20 in full.
    fn check(&mut self) -> Result<()> {
        let hidden = self.problem_count - self.problems.len();
        let mut problems = std::mem::take(&mut self.problems);
        if hidden > 0 {
            let message = format!("and {hidden} more problems in the gazetteer");
            problems.push(Error::new(ErrorKind::Gazetteer, message));
        }
        Error::several(problems).map_or(Ok(()), Err)
    }

    /// The gazetteer of all entries, in memory; the order in which they were added does not matter,
    /// and of equal ones one is kept.
    ///
    /// # Errors
    /// Everything that was wrong with the entries, the first 20 in full.
    pub fn build(mut self) -> Result<Gazetteer> {
        self.check()?;
        let mut file = io::Cursor::new(Vec::new());
        self.finish(&mut file, None, &mut |_| ())?;
        Gazetteer::from_bytes(file.into_inner())
    }

    /// Writes the gazetteer of all entries to the file at `path`, which comes to be only when it is
    /// complete: the same bytes as those of [`Builder::build`]. Now and then `progress` is told how
    /// many entries were written, of [`Builder::entry_count`].
    ///
    /// # Errors
    /// As [`Builder::build`], and where files cannot be written.
    pub fn write(mut self, path: &Path, progress: &mut dyn FnMut(u64)) -> Result<Header> {
        self.check()?;
        let unwritten = |e| Error::io("write", path.display(), e);
        let name = path.file_name().ok_or_else(|| unwritten(io::ErrorKind::InvalidInput.into()))?;
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = path.with_file_name(beside);
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut file = File::create(&beside).map_err(unwritten)?;
        let written = self.finish(&mut file, Some(folder), progress).and_then(|header| {
            fs::rename(&beside, path).map_err(unwritten)?;
            Ok(header)
        });
        if written.is_err() {
            // What could not be finished must not stay; the first error is the one to report.
            fs::remove_file(&beside).ok();
        }
        written
    }

    /// Writes everything to `file`, by way of files in `folder` where there is one.
    fn finish<F: Write + Seek>(
        self,
        file: &mut F,
        folder: Option<&Path>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Header> {
        let wrong = |e| spilled(folder.unwrap_or(Path::new("memory")), e);
        let Self { runs, tables, mut sources, .. } = self;
        let mut merge = runs.into_merge(&tables)?;
        let mut sections = Sections::new(&tables, folder).map_err(wrong)?;
        sections.add_all(&mut merge, &tables, progress).map_err(wrong)?;
        drop(merge);
        sources.sort();
        sources.dedup();
        let header = sections.header(sources);
        let parts = sections.finish().map_err(wrong)?;
        assemble(file, header, parts).map_err(|e| Error::io("write", "the gazetteer", e))?
    }
}
