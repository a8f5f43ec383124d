//! The journal of a job, in its folder: what it was begun with, and a line for every shard that is done. Lines
//! are only added, each waits until it is on the disk, and a last line that was cut off is as if it were not there.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder::flush_folder;
use super::identity::Identity;
use super::plan::Position;
use super::tally::Tally;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::io::Output;

/// The version of the journal: another one is not read.
const VERSION: u32 = 1;

/// A line of a journal, as it is read.
#[derive(Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
enum Record {
    Job(Header),
    Shard(Box<ShardRecord>),
    End,
}

/// A line of a journal, as it is written.
#[derive(Serialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
enum Line<'a> {
    Job(&'a Header),
    Shard(&'a ShardRecord),
    End,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    version: u32,
    /// What the job was begun with.
    pub(super) identity: Identity,
    /// Whether shards of an earlier job are in the folder until they are replaced.
    pub(super) replaces: bool,
}

impl Header {
    pub(super) fn new(identity: Identity, replaces: bool) -> Self {
        Self { version: VERSION, identity, replaces }
    }
}

/// A shard that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardRecord {
    /// Its number, from 0, among those of its part of the job.
    pub number: u64,
    /// Its size in bytes, as it lies on disk.
    pub bytes: u64,
    /// The SHA-256 of those bytes.
    pub sha256: String,
    /// What is in it.
    pub tally: Tally,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Where the next one begins.
    pub(super) next: Position,
    /// The length of the list of errors when it was done, in bytes.
    pub(super) errors_bytes: u64,
}

/// How much came of how much time: a point of the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The time that a shard took, in seconds.
    pub seconds: f64,
    /// Documents in it.
    pub documents: u64,
    /// Bytes of text in it.
    pub text_bytes: u64,
    /// Tokens in it.
    pub tokens: u64,
    /// Its size on disk in bytes.
    pub bytes: u64,
}

/// A journal that is open.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    header: Header,
    shards: u64,
    tally: Tally,
    paces: Vec<Pace>,
    next: Position,
    errors_bytes: u64,
    is_complete: bool,
}

impl Journal {
    /// Begins a journal at `path`, in the place of any that is there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn create(path: &Path, header: Header) -> Result<Self> {
        let mut output = Output::create(path)?;
        output.put(&Line::Job(&header).bytes())?;
        output.finish()?;
        let folder = path.parent().unwrap_or(path);
        let file = OpenOptions::new().append(true).open(path);
        let file = file.and_then(|file| {
            file.sync_all()?;
            flush_folder(folder)?;
            Ok(file)
        });
        let file = file.map_err(|error| Error::io("write", path.display(), error))?;
        Ok(Self::begun(path, file, header))
    }

    fn begun(path: &Path, file: File, header: Header) -> Self {
        Self {
            path: path.to_owned(),
            file,
            header,
            shards: 0,
            tally: Tally::default(),
            paces: Vec::new(),
            next: Position::default(),
            errors_bytes: 0,
            is_complete: false,
        }
    }

    /// Reads the journal at `path` and opens it to go on; `None` where there is none. A last line that has
    /// no end is taken off.
    ///
    /// # Errors
    /// Where it cannot be read, or is damaged.
    pub(super) fn open(path: &Path) -> Result<Option<Self>> {
        let wrong = |error| Error::io("read", path.display(), error);
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(wrong)?,
        };
        let mut reader = BufReader::new(&mut file);
        let (mut journal, mut whole, mut number) = (None::<Self>, 0, 0);
        let mut written = Vec::new();
        loop {
            written.clear();
            let read = reader.read_until(b'\n', &mut written).map_err(wrong)?;
            if !written.ends_with(b"\n") {
                break;
            }
            number += 1;
            let damaged = |reason: String| damaged(path, number, &reason);
            let record = serde_json::from_slice(&written).map_err(|e| damaged(e.to_string()))?;
            match (&mut journal, record) {
                (None, Record::Job(header)) if header.version == VERSION => {
                    // The file itself takes the place of this one below.
                    let other = File::open(path).map_err(wrong)?;
                    journal = Some(Self::begun(path, other, header));
                }
                (None, Record::Job(header)) => {
                    return Err(damaged(format!(
                        "it has version {}, this program reads {VERSION}",
                        header.version
                    )));
                }
                (Some(journal), Record::Shard(shard)) if shard.number == journal.shards => {
                    journal.note(&shard);
                }
                (Some(journal), Record::End) => journal.is_complete = true,
                _ => return Err(damaged("the line does not follow from those before it".into())),
            }
            whole += read as u64;
        }
        let Some(mut journal) = journal else {
            return Err(damaged(path, 1, "it does not begin with the job"));
        };
        let cut = file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(|error| Error::io("write", path.display(), error))?;
        journal.file = file;
        Ok(Some(journal))
    }

    /// What the job of a journal was begun with, without opening it.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub(super) fn identity_at(path: &Path) -> Result<Identity> {
        let file = File::open(path).map_err(|e| Error::io("read", path.display(), e))?;
        let mut first = String::new();
        let read = BufReader::new(file).read_line(&mut first);
        read.map_err(|error| Error::io("read", path.display(), error))?;
        match serde_json::from_str(&first) {
            Ok(Record::Job(header)) => Ok(header.identity),
            Ok(_) => Err(damaged(path, 1, "it does not begin with the job")),
            Err(error) => Err(damaged(path, 1, &error.to_string())),
        }
    }

    /// Adds a shard. It is on the disk when this returns.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn add(&mut self, shard: &ShardRecord) -> Result<()> {
        self.append(&Line::Shard(shard))?;
        self.note(shard);
        Ok(())
    }

    /// Notes that everything is done.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn end(&mut self) -> Result<()> {
        self.append(&Line::End)?;
        self.is_complete = true;
        Ok(())
    }

    fn append(&mut self, line: &Line<'_>) -> Result<()> {
        let written = self.file.write_all(&line.bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| Error::io("write", self.path.display(), error))
    }

    fn note(&mut self, shard: &ShardRecord) {
        let Tally { documents, text_bytes, tokens, .. } = shard.tally;
        let ShardRecord { seconds, bytes, .. } = *shard;
        self.paces.push(Pace { seconds, documents, text_bytes, tokens, bytes });
        self.tally.add(&shard.tally);
        self.shards += 1;
        self.next = shard.next;
        self.errors_bytes = shard.errors_bytes;
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The sum over the shards that are done.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many shards are done.
    pub fn shards(&self) -> u64 {
        self.shards
    }

    /// How fast each of them was.
    pub fn paces(&self) -> &[Pace] {
        &self.paces
    }

    /// Whether everything is done.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Where the next shard begins.
    pub(super) fn next(&self) -> Position {
        self.next
    }

    /// The length of the list of errors when the last shard was done.
    pub(super) fn errors_bytes(&self) -> u64 {
        self.errors_bytes
    }
}

impl Line<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("its keys are strings");
        line.push(b'\n');
        line
    }
}

fn damaged(path: &Path, line: usize, reason: &str) -> Error {
    Error::new(ErrorKind::Io, format!("damaged journal of a job: {reason}"))
        .at(Location::line(path.display().to_string(), line, 0))
        .with_help("`--restart` begins the job anew")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::identity::JobInputs;

    fn header() -> Header {
        let inputs = JobInputs { count: 0, bytes: 0, sha256: String::new(), list: Vec::new() };
        let (program, engine, options) = ("1".to_owned(), Vec::new(), Vec::new());
        Header::new(Identity { program, engine, options, inputs }, false)
    }

    fn shard(number: u64) -> ShardRecord {
        let tally = Tally { documents: 10 + number, errors: 1, ..Tally::default() };
        ShardRecord {
            number,
            bytes: 5,
            sha256: "ab".to_owned(),
            tally,
            seconds: 0.5,
            next: Position { input: 0, item: 11 * (number + 1) },
            errors_bytes: 7 * (number + 1),
        }
    }

    fn write(path: &Path, shards: u64) {
        let mut journal = Journal::create(path, header()).unwrap();
        (0..shards).for_each(|number| journal.add(&shard(number)).unwrap());
    }

    #[test]
    fn a_journal_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.jsonl");
        assert!(Journal::open(&path).unwrap().is_none());
        write(&path, 2);
        let mut journal = Journal::open(&path).unwrap().unwrap();
        assert_eq!((journal.shards(), journal.tally().documents), (2, 21));
        assert_eq!((journal.next().item, journal.errors_bytes()), (22, 14));
        journal.add(&shard(2)).unwrap();
        journal.end().unwrap();
        let journal = Journal::open(&path).unwrap().unwrap();
        assert!(journal.is_complete() && journal.shards() == 3 && journal.paces().len() == 3);
        assert_eq!(journal.header(), &header());
        assert_eq!(Journal::identity_at(&path).unwrap(), header().identity);
    }

    #[test]
    fn wherever_the_last_line_is_cut_the_lines_before_it_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.jsonl");
        write(&path, 2);
        let one = std::fs::metadata(&path).unwrap().len();
        let mut journal = Journal::open(&path).unwrap().unwrap();
        journal.add(&shard(2)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in one as usize..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut journal = Journal::open(&path).unwrap().unwrap();
            assert_eq!(journal.shards(), 2, "cut at {cut}");
            journal.add(&shard(2)).unwrap();
            assert!(std::fs::read(&path).unwrap() == whole, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_damaged_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.jsonl");
        write(&path, 3);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let told = |lines: &[&str]| {
            std::fs::write(&path, lines.concat()).unwrap();
            Journal::open(&path).unwrap_err().to_string()
        };
        assert!(told(&[lines[0], "{}\n", lines[2]]).contains("job.jsonl:2: damaged journal"));
        assert!(
            told(&[lines[0], lines[2]]).contains(":2: damaged journal of a job: the line does")
        );
        assert!(told(&[lines[1]]).contains(":1: "));
        assert!(told(&[""]).contains("it does not begin with the job"));
        let other = lines[0].replace("\"version\":1", "\"version\":9");
        assert!(told(&[&other]).contains("it has version 9, this program reads 1"));
    }
}
