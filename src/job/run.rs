//! The run of a job: from where the journal ends, shard by shard, to the end of the inputs or to where it is told
//! to stop. Nothing is printed here: what happens is told to an observer.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::error_log::{ErrorLog, Failure};
use super::folder::JobFolder;
use super::identity::{Identity, told};
use super::journal::{Header, Journal, ShardRecord};
use super::plan::{Chunk, Plan, PlanOptions, Position};
use super::tally::Tally;
use crate::ahead::Ahead;
use crate::error::{Error, ErrorKind, Result};
use crate::io::stream::ByteCounter;
use crate::io::{DocumentWriter, Format, Inputs, Output, ReadOptions, WriteOptions};
use crate::pipeline::{Engine, Tagged};
use crate::profile::{Profile, Stage};
use crate::text::Document;

/// How a job begins where there is one in the folder already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// It goes on; that anything is another than it was is an error.
    Resume,
    /// It begins anew, and what is there is removed.
    Restart,
    /// It goes on where nothing has changed; else it begins anew, and of what is there only those shards are
    /// replaced that come out otherwise.
    OnlyChanged,
}

/// How a job is done.
#[derive(Debug)]
pub struct JobOptions {
    /// The size of a shard in bytes of text.
    pub shard_bytes: u64,
    /// What shards are written as.
    pub format: &'static Format,
    /// The suffix of shards; one of compression is heeded.
    pub suffix: String,
    /// How documents are read.
    pub read: ReadOptions,
    /// How they are written.
    pub write: WriteOptions,
    /// The job stops when more documents than this have failed.
    pub max_errors: Option<u64>,
    /// What becomes of a job that is there.
    pub begin: Begin,
}

/// A job that is open, and nobody else's.
#[derive(Debug)]
pub struct Job {
    folder: JobFolder,
    journal: Journal,
    errors: ErrorLog,
    inputs: Inputs,
    options: JobOptions,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is done.
    Complete,
    /// It was asked to stop. What is done stays done.
    Stopped,
    /// More documents failed than may. What is done stays done.
    TooManyErrors,
}

/// What an observer is told.
#[derive(Debug)]
pub enum Event<'a> {
    /// Some documents were tagged.
    Progress(&'a Progress<'a>),
    /// Something is left out.
    Failed(&'a Error),
    /// A document is tagged, but something went wrong.
    Warned {
        /// The id of the document.
        document: &'a str,
        /// What went wrong.
        warning: &'a Error,
    },
    /// A shard is done.
    Shard(&'a ShardRecord),
}

/// How far a job is.
#[derive(Debug)]
pub struct Progress<'a> {
    /// What is in the shards that are done, in earlier runs too.
    pub done: &'a Tally,
    /// What is in the shard at hand.
    pub at_hand: &'a Tally,
    /// How many shards are done.
    pub shards: u64,
    /// Bytes of the inputs that are read, as they lie on disk; of dealt shards, by whomever they are tagged.
    pub bytes_read: u64,
    /// The size of the inputs, where it is known.
    pub bytes_total: Option<u64>,
    /// What this run has done.
    pub run: RunSoFar,
}

/// What one run of a job has done.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunSoFar {
    /// Documents tagged.
    pub documents: u64,
    /// Bytes of their texts.
    pub text_bytes: u64,
    /// Tokens in them.
    pub tokens: u64,
    /// Bytes of the inputs that were read for them.
    pub bytes_read: u64,
    /// The time since the first of them was read.
    pub elapsed: Duration,
}

impl RunSoFar {
    /// So many a second, where so many were done in this run.
    pub fn rate(&self, count: u64) -> f64 {
        count as f64 / self.elapsed.as_secs_f64().max(1e-3)
    }
}

impl Progress<'_> {
    /// The time that is left at the rate of this run, where that is known.
    pub fn eta(&self) -> Option<Duration> {
        let left = self.bytes_total?.saturating_sub(self.bytes_read) as f64;
        let rate = self.run.rate(self.run.bytes_read);
        (rate > 0.0).then(|| Duration::try_from_secs_f64(left / rate).ok())?
    }

    /// The sum of all shards, without surfaces.
    pub fn total(&self) -> Tally {
        let mut total = self.done.counts();
        total.add(&self.at_hand.counts());
        total
    }
}

impl Job {
    /// Opens the job in `folder`, or begins it there.
    ///
    /// # Errors
    /// Where it was begun with something else and [`Begin::Resume`] is asked for, a shard is not as it was,
    /// and where something cannot be read or written.
    pub fn open(
        folder: JobFolder,
        identity: Identity,
        inputs: Inputs,
        options: JobOptions,
    ) -> Result<Self> {
        let path = folder.journal();
        let found = match options.begin {
            Begin::Restart if path.is_file() => None,
            _ => Journal::open(&path)?,
        };
        let (is_new, is_restart) = (!path.is_file(), options.begin == Begin::Restart);
        check_others(&folder, &identity, options.begin)?;
        if is_new {
            check_strangers(&folder, &options.suffix)?;
        }
        let journal = match found {
            Some(journal) if journal.header().identity == identity => {
                for (number, pace) in journal.paces().iter().enumerate() {
                    folder.check_size(number as u64, &options.suffix, pace.bytes)?;
                }
                journal
            }
            Some(journal) if options.begin == Begin::Resume => {
                let changes = journal.header().identity.changes(&identity);
                return Err(is_another(&folder, &changes));
            }
            _ => {
                let replaces = !is_new && !is_restart;
                Journal::create(&path, Header::new(identity, replaces))?
            }
        };
        folder.remove_unfinished()?;
        if !journal.header().replaces {
            folder.remove(&folder.other_shards(journal.shards(), &options.suffix)?)?;
        }
        let errors = ErrorLog::open(&folder.errors(), journal.errors_bytes())?;
        Ok(Self { folder, journal, errors, inputs, options })
    }

    /// What is done.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Where it is.
    pub fn folder(&self) -> &JobFolder {
        &self.folder
    }

    /// Tags what is not done yet. `stop` is heeded when a shard is done, `profile` counts the time of stages.
    ///
    /// # Errors
    /// Where something cannot be written, or the inputs do not hold what they held.
    pub fn run(
        &mut self,
        engine: &Engine,
        profile: &Profile,
        stop: &AtomicBool,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<Outcome> {
        if self.journal.is_complete() {
            return Ok(Outcome::Complete);
        }
        let plan = Plan::new(
            std::mem::take(&mut self.inputs),
            self.options.read.clone(),
            PlanOptions {
                part: self.folder.part(),
                shard_bytes: self.options.shard_bytes,
                chunk: engine.batch_limit(),
            },
            self.journal.shards(),
            self.journal.next(),
        );
        let names = plan.files().iter().map(|file| file.name()).collect();
        let stream = plan.stream();
        let bytes = Bytes {
            passed: plan.bytes_passed(),
            read: stream.bytes_read(),
            total: stream.total_bytes(),
        };
        let before = self.journal.tally().counts();
        let mut work = Work { names, bytes: &bytes, before, at_hand: None };
        let begun = OnceLock::new();
        let outcome = thread::scope(|scope| {
            let read = profile.clone().times(Stage::Read, plan);
            let chunks = profile.clone().times(Stage::Wait, Ahead::new(scope, read));
            let tag = |chunk: Result<Chunk>| {
                let chunk = chunk?;
                let begun = *begun.get_or_init(|| Begun::now(&bytes));
                Ok(profile.time(Stage::Tag, || TaggedChunk::new(chunk, begun, engine)))
            };
            for chunk in Ahead::working(scope, chunks, engine.batches_at_once(), tag) {
                let chunk = chunk?;
                if work.at_hand.is_none() && stop.load(Ordering::Relaxed) {
                    return Ok(Outcome::Stopped);
                }
                if !profile.time(Stage::Write, || self.write(chunk, &mut work, observe))? {
                    return Ok(Outcome::TooManyErrors);
                }
            }
            Ok(Outcome::Complete)
        })?;
        drop(work);
        if outcome == Outcome::Complete {
            self.journal.end()?;
            let suffix = &self.options.suffix;
            self.folder.remove(&self.folder.other_shards(self.journal.shards(), suffix)?)?;
        }
        self.errors.flush()?;
        self.folder.remove_unfinished()?;
        Ok(outcome)
    }

    /// Writes a chunk, and completes the shard where it is its last; false where too much failed.
    fn write(
        &mut self,
        chunk: TaggedChunk,
        work: &mut Work<'_>,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<bool> {
        let TaggedChunk { shard, errors, documents, files, results, end, begun } = chunk;
        check_device(&results)?;
        let mut at_hand = match work.at_hand.take() {
            Some(at_hand) => at_hand,
            None => self.begin_shard(shard)?,
        };
        let name = |file: Option<usize>| {
            file.and_then(|number| work.names.get(number)).map(String::as_str)
        };
        for (file, error) in errors {
            let failure = Failure::new(&error, name(file), None);
            observe(Event::Failed(&error));
            if self.leave_out(&failure, &mut at_hand.tally)? {
                return Ok(false);
            }
        }
        for ((document, file), tagged) in documents.into_iter().zip(files).zip(results) {
            let written = tagged.and_then(|tagged| {
                at_hand.writer.write(&document, &tagged.entities)?;
                Ok(tagged)
            });
            match written {
                Ok(tagged) => {
                    at_hand.tally.count(&document, &tagged.entities);
                    for warning in &tagged.warnings {
                        observe(Event::Warned { document: &document.id, warning });
                    }
                }
                // What cannot be written at all is no fault of the document.
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Err(error) => {
                    let failure = Failure::new(&error, name(file), Some(&document.id));
                    observe(Event::Failed(&error));
                    if self.leave_out(&failure, &mut at_hand.tally)? {
                        return Ok(false);
                    }
                }
            }
        }
        self.errors.flush()?;
        self.tell(begun, work, &at_hand.tally, observe);
        match end {
            Some(end) => {
                self.complete(at_hand, end, observe)?;
                self.tell(begun, work, &Tally::default(), observe);
            }
            None => work.at_hand = Some(at_hand),
        }
        Ok(true)
    }

    fn begin_shard(&self, number: u64) -> Result<AtHand> {
        let path = self.folder.unfinished(number, &self.options.suffix)?;
        let output = Output::create(&path)?;
        let writer = self.options.format.writer(output, &self.options.write)?;
        Ok(AtHand { number, writer, tally: Tally::default(), begun: Instant::now() })
    }

    /// Makes a shard appear, and notes it.
    fn complete(
        &mut self,
        at_hand: AtHand,
        next: Position,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<()> {
        let AtHand { number, writer, mut tally, begun } = at_hand;
        writer.finish()?;
        let published = self.folder.publish(number, &self.options.suffix)?;
        tracing::debug!(
            "shard {number}: {} bytes, replaced: {}",
            published.bytes,
            !published.is_same
        );
        let errors_bytes = self.errors.sync()?;
        tally.shorten();
        let record = ShardRecord {
            number,
            bytes: published.bytes,
            sha256: published.sha256,
            tally,
            seconds: begun.elapsed().as_secs_f64(),
            next,
            errors_bytes,
        };
        self.journal.add(&record)?;
        observe(Event::Shard(&record));
        Ok(())
    }

    /// Notes what is left out; whether that makes too many.
    fn leave_out(&mut self, failure: &Failure, at_hand: &mut Tally) -> Result<bool> {
        at_hand.errors += 1;
        self.errors.add(failure)?;
        let errors = self.journal.tally().errors + at_hand.errors;
        Ok(self.options.max_errors.is_some_and(|most| errors > most))
    }

    fn tell(
        &self,
        begun: Begun,
        work: &Work<'_>,
        at_hand: &Tally,
        observe: &mut dyn FnMut(Event<'_>),
    ) {
        let Work { bytes, before, .. } = work;
        let done = self.journal.tally();
        let bytes_read = bytes.count();
        let run = RunSoFar {
            documents: done.documents + at_hand.documents - before.documents,
            text_bytes: done.text_bytes + at_hand.text_bytes - before.text_bytes,
            tokens: done.tokens + at_hand.tokens - before.tokens,
            bytes_read: bytes_read.saturating_sub(begun.bytes),
            elapsed: begun.at.elapsed(),
        };
        let (shards, bytes_total) = (self.journal.shards(), bytes.total);
        observe(Event::Progress(&Progress { done, at_hand, shards, bytes_read, bytes_total, run }));
    }
}

/// What a run works with.
struct Work<'a> {
    /// The names of the files.
    names: Vec<String>,
    bytes: &'a Bytes,
    /// What earlier runs have done.
    before: Tally,
    at_hand: Option<AtHand>,
}

/// A shard that is being written.
struct AtHand {
    number: u64,
    writer: Box<dyn DocumentWriter>,
    tally: Tally,
    begun: Instant,
}

/// When the first documents of the run were read, and how many bytes of the inputs then.
#[derive(Clone, Copy)]
struct Begun {
    at: Instant,
    bytes: u64,
}

impl Begun {
    fn now(bytes: &Bytes) -> Self {
        Self { at: Instant::now(), bytes: bytes.count() }
    }
}

/// Bytes of inputs.
struct Bytes {
    passed: u64,
    read: ByteCounter,
    total: Option<u64>,
}

impl Bytes {
    fn count(&self) -> u64 {
        self.passed + self.read.count()
    }
}

/// A chunk, and what the engine made of it.
struct TaggedChunk {
    shard: u64,
    /// Why something could not be read, with the number of its input among the files.
    errors: Vec<(Option<usize>, Error)>,
    documents: Vec<Document>,
    /// Of each document, the number of its input among the files.
    files: Vec<Option<usize>>,
    results: Vec<Result<Tagged>>,
    end: Option<Position>,
    begun: Begun,
}

impl TaggedChunk {
    fn new(chunk: Chunk, begun: Begun, engine: &Engine) -> Self {
        let Chunk { shard, items, end } = chunk;
        let (mut errors, mut documents, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for (file, item) in items {
            match item {
                Ok(document) => {
                    documents.push(document);
                    files.push(file);
                }
                Err(error) => errors.push((file, error)),
            }
        }
        let results = engine.tag_documents(&documents);
        Self { shard, errors, documents, files, results, end, begun }
    }
}

/// Where the device failed for several documents and for all, it is not the documents that are bad: the run ends,
/// and they are not lost.
fn check_device(results: &[Result<Tagged>]) -> Result<()> {
    let failed = |result: &Result<Tagged>| match result {
        Err(error) if error.kind() == ErrorKind::Device => Some(error.to_string()),
        _ => None,
    };
    if results.len() < 2 || !results.iter().all(|result| failed(result).is_some()) {
        return Ok(());
    }
    let first = results.first().and_then(failed).unwrap_or_default();
    Err(Error::new(ErrorKind::Device, first)
        .with_help("what is done stays done; the same command goes on from there"))
}

/// The other parts of the job must be parts of the same.
fn check_others(folder: &JobFolder, identity: &Identity, begin: Begin) -> Result<()> {
    for (path, part) in folder.journals()? {
        if part == folder.part() {
            continue;
        }
        if part.of() != folder.part().of() {
            let message = format!(
                "{} belongs to a job in {} parts, and this is part {}",
                path.display(),
                part.of(),
                folder.part()
            );
            return Err(Error::new(ErrorKind::Config, message)
                .with_help("name another folder, or remove this one"));
        }
        let changes = match begin {
            Begin::Resume => Journal::identity_at(&path)?.changes(identity),
            Begin::Restart | Begin::OnlyChanged => Vec::new(),
        };
        if !changes.is_empty() {
            return Err(is_another(folder, &changes));
        }
    }
    Ok(())
}

/// What looks like a part of a job that is not there is not ours to write over.
fn check_strangers(folder: &JobFolder, suffix: &str) -> Result<()> {
    let mut strangers = folder.other_shards(0, suffix)?;
    if folder.errors().exists() {
        strangers.push("a list of errors".to_owned());
    }
    let Some(first) = strangers.first() else { return Ok(()) };
    let message = format!(
        "{} holds {first}, but no job ({} is not there)",
        folder.path().display(),
        folder.journal().display()
    );
    Err(Error::new(ErrorKind::Io, message).with_help("name another folder"))
}

/// The job in the folder is not the one that is asked for.
fn is_another(folder: &JobFolder, changes: &[String]) -> Error {
    let message =
        format!("the job in {} was begun otherwise: {}", folder.path().display(), told(changes));
    Error::new(ErrorKind::Config, message).with_help(
        "`--restart` begins it anew, `--only-changed` too but leaves shards alone that come out the same; or \
         name another folder",
    )
}
