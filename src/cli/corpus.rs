//! A run over the documents of many inputs, chunk by chunk: what commands share that read a corpus. Documents are
//! read, tagged and written side by side, a chunk each; memory is bounded by a chunk's [`BatchLimit`] and the largest document.

use std::path::Path;
use std::process::ExitCode;
use std::thread::{self, Scope};

use super::progress::Progress;
use super::report::{self, Failures};
use super::verbosity::Verbosity;
use crate::ahead::Ahead;
use crate::error::{Error, Result};
use crate::io::DocumentStream;
use crate::pipeline::{Engine, EvidenceUse, Tagged};
use crate::profile::{Profile, Stage};
use crate::source::BatchLimit;
use crate::text::Document;

/// How far a run is, and what went wrong in it.
pub(super) struct CorpusRun {
    progress: Progress,
    failures: Failures,
    verbosity: Verbosity,
    profile: Profile,
}

impl CorpusRun {
    /// A run over what `stream` gives, whose results are told at its end.
    pub(super) fn new(stream: &DocumentStream, verbosity: Verbosity) -> Self {
        Self::showing(verbosity.is_interactive(), stream, verbosity)
    }

    /// A run over what `stream` gives, whose results go to `output` one after another, or to standard output.
    pub(super) fn writing(
        output: Option<&Path>,
        stream: &DocumentStream,
        verbosity: Verbosity,
    ) -> Self {
        Self::showing(verbosity.wants_bar_beside(output), stream, verbosity)
    }

    fn showing(has_bar: bool, stream: &DocumentStream, verbosity: Verbosity) -> Self {
        let progress = Progress::new(has_bar, stream.total_bytes());
        Self { progress, failures: Failures::default(), verbosity, profile: Profile::off() }
    }

    /// The same run, whose stages `profile` counts.
    pub(super) fn profiled(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// Gives all documents, in chunks of at most `limit`, to `work`; those that cannot be read are
    /// reported and passed over.
    ///
    /// # Errors
    /// Those of `work`, which end the run.
    pub(super) fn each_chunk(
        &mut self,
        stream: DocumentStream,
        limit: BatchLimit,
        mut work: impl FnMut(&mut Self, Vec<Document>) -> Result<()>,
    ) -> Result<()> {
        thread::scope(|scope| {
            for chunk in read_ahead(scope, stream, limit, &self.profile) {
                chunk.errors.iter().for_each(|error| self.fail(error));
                work(self, chunk.documents)?;
                self.progress.show(chunk.bytes_read);
            }
            Ok(())
        })
    }

    /// Gives all documents and what the engine makes of them to `work`, while the next are tagged; those that cannot be
    /// read are reported and passed over.
    ///
    /// # Errors
    /// Those of `work`, which end the run.
    pub(super) fn each_tagged(
        &mut self,
        stream: DocumentStream,
        engine: &Engine,
        mut work: impl FnMut(&mut Self, Vec<Document>, Vec<Result<Tagged>>) -> Result<()>,
    ) -> Result<()> {
        let profile = self.profile.clone();
        thread::scope(|scope| {
            let chunks = read_ahead(scope, stream, engine.batch_limit(), &profile);
            let tag = |chunk: Chunk| {
                let tag = || engine.tag_documents(&chunk.documents);
                let tagged = profile.time(Stage::Tag, tag);
                (chunk, tagged)
            };
            for (chunk, tagged) in Ahead::working(scope, chunks, engine.batches_at_once(), tag) {
                chunk.errors.iter().for_each(|error| self.fail(error));
                work(self, chunk.documents, tagged)?;
                self.progress.show(chunk.bytes_read);
            }
            Ok(())
        })
    }

    /// Counts a document and reports its warnings, or that it failed.
    pub(super) fn count(&mut self, document: &Document, tagged: Result<Tagged>) -> Option<Tagged> {
        match tagged {
            Ok(tagged) => {
                tagged.warnings.iter().for_each(|warning| {
                    self.warn(warning, format!("document '{}': {warning}", document.id));
                });
                self.progress.count(&document.text, &tagged.entities);
                Some(tagged)
            }
            Err(error) => {
                self.fail(&error);
                None
            }
        }
    }

    /// [`CorpusRun::count`] of a document that several systems have tagged: the entities of the first
    /// are counted, and the warnings of all reported.
    pub(super) fn count_systems(
        &mut self,
        document: &Document,
        mut tagged: Vec<Tagged>,
    ) -> Option<Vec<Tagged>> {
        let (first, others) = tagged.split_first_mut()?;
        first.warnings.extend(others.iter_mut().flat_map(|other| other.warnings.drain(..)));
        *first = self.count(document, Ok(std::mem::take(first)))?;
        Some(tagged)
    }

    /// Reports that something was left out.
    pub(super) fn fail(&mut self, error: &Error) {
        if let Some(text) = self.failures.failed(error) {
            self.progress.write(&text);
        }
    }

    /// Reports `warning`, saying `message` instead of its own.
    pub(super) fn warn(&mut self, warning: &Error, message: String) {
        if !self.verbosity.warns() {
            return;
        }
        if let Some(text) = self.failures.warned(&saying(warning, message)) {
            self.progress.write(&text);
        }
    }

    /// Says what came of keeping an engine's findings, after the last document. What went wrong with it is
    /// a warning: the entities are right all the same.
    pub(super) fn keep_evidence(&mut self, finished: Result<Vec<EvidenceUse>>) {
        if let Err(error) = told_evidence(finished) {
            let message = format!("not all evidence could be kept: {error}");
            self.warn(&error, message);
        }
    }

    /// How many documents were counted, and the bytes of their texts.
    pub(super) fn done(&self) -> (usize, usize) {
        self.progress.done()
    }

    /// Ends the progress bar and closes with what there is to say; the exit code is 1 where something
    /// was left out.
    pub(super) fn finish(self) -> ExitCode {
        let summary = self.progress.finish();
        if self.verbosity.is_interactive() {
            report::write(&summary);
        }
        if let Some(text) = self.failures.summary() {
            report::write(&text);
        }
        if self.failures.any() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// An error that says `message` instead of its own.
pub(super) fn saying(error: &Error, message: String) -> Error {
    let named = Error::new(error.kind(), message);
    match error.help_text() {
        Some(help) => named.with_help(help),
        None => named,
    }
}

/// Logs how often each source was spared.
///
/// # Errors
/// What went wrong with keeping findings.
pub(super) fn told_evidence(finished: Result<Vec<EvidenceUse>>) -> Result<()> {
    for EvidenceUse { source, reused, run, added } in finished? {
        tracing::info!("{source}: {reused} documents reused, {run} run, {added} kept");
    }
    Ok(())
}

/// A chunk of what was read.
#[derive(Default)]
struct Chunk {
    documents: Vec<Document>,
    /// Why others are not among them.
    errors: Vec<Error>,
    /// The bytes of the inputs up to its end.
    bytes_read: u64,
}

/// Reads ahead in chunks. They do not depend on timing, so that two runs give a model the same batches.
fn read_ahead<'scope>(
    scope: &'scope Scope<'scope, '_>,
    stream: DocumentStream,
    limit: BatchLimit,
    profile: &Profile,
) -> impl Iterator<Item = Chunk> + Send + use<'scope> {
    let bytes_read = stream.bytes_read();
    let mut stream = stream.fuse();
    let read = move || {
        let (mut chunk, mut bytes) = (Chunk::default(), 0);
        while !limit.is_reached(chunk.documents.len() + chunk.errors.len(), bytes) {
            match stream.next() {
                Some(Ok(document)) => {
                    bytes += document.text.len();
                    chunk.documents.push(document);
                }
                Some(Err(error)) => chunk.errors.push(error),
                None if chunk.documents.is_empty() && chunk.errors.is_empty() => return None,
                None => break,
            }
        }
        chunk.bytes_read = bytes_read.count();
        Some(chunk)
    };
    let chunks = profile.clone().times(Stage::Read, std::iter::from_fn(read));
    profile.clone().times(Stage::Wait, Ahead::new(scope, chunks))
}
