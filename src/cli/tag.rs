//! `spanloom tag`: documents in, entities out. A thread reads ahead while the engine works; memory is
//! bounded by `CHUNK_BYTES` and the largest document. `watch` does it again when something changes.

mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::engine::EngineArgs;
use super::progress::Progress;
use super::read::{FormatChoice, ReadArgs};
use super::report::{self, Failures};
use super::verbosity::Verbosity;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{
    self, DocumentStream, DocumentWriter, Format, Inputs, Output, WriteOptions, format_of,
};
use crate::pipeline::Engine;
use crate::span::TagScheme;
use crate::text::{Document, OffsetUnit};

/// A chunk of documents is closed when its texts have so many bytes: enough for full batches and all
/// cores, and seconds of a model's work on one core, so that progress shows.
const CHUNK_BYTES: usize = 64 << 10;

/// Tag documents.
///
/// Documents that cannot be read or tagged are reported and passed over; the exit code is then 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom tag examples/corpus
  spanloom tag 'news/**/*.txt' -o news.jsonl.zst
  spanloom tag tweets.jsonl.gz --text-field body --offsets utf16
  spanloom tag test.conll -o tagged.conll --scheme bioes
  spanloom tag samples -e my-engine.toml --watch
  echo 'Ada Lovelace was born in London.' | spanloom tag --format text")]
pub struct Args {
    /// Files, folders, globs, or `-` for standard input, which is read too where it is no terminal
    /// and nothing is named.
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Tag again whenever a file of the engine or an input changes, and print what became different and
    /// why, until Ctrl-C; entities are written only where `--output` names a file. Holds all inputs in
    /// memory: for a folder that the engine is tuned on.
    #[arg(long, conflicts_with = "model")]
    watch: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    read: ReadArgs,
    /// The file to write, compressed if it ends in `.gz`, `.bz2` or `.zst`; without it standard output.
    #[arg(short, long, value_name = "FILE", help_heading = "Writing")]
    output: Option<PathBuf>,
    /// The format to write; `auto` goes by the suffix of the output, then takes JSONL.
    #[arg(long, value_name = "FORMAT", default_value = "auto", help_heading = "Writing",
          value_parser = FormatChoice::parser())]
    format: FormatChoice,
    /// JSONL: what `start` and `end` count: Unicode code points, bytes of UTF-8, UTF-16 code units.
    #[arg(long, value_name = "UNIT", default_value = "char", help_heading = "Writing",
          value_parser = offset_unit())]
    offsets: OffsetUnit,
    /// CoNLL: how tags mark where entities begin and end.
    #[arg(long, value_name = "SCHEME", default_value = "bio", help_heading = "Writing",
          value_parser = tag_scheme())]
    scheme: TagScheme,
}

/// Reads the name of an offset unit.
pub(super) fn offset_unit() -> impl TypedValueParser<Value = OffsetUnit> {
    PossibleValuesParser::new(OffsetUnit::NAMES)
        .map(|name| name.parse().expect("a possible value is the name of a unit"))
}

fn tag_scheme() -> impl TypedValueParser<Value = TagScheme> {
    PossibleValuesParser::new(TagScheme::NAMES)
        .map(|name| name.parse().expect("a possible value is the name of a scheme"))
}

impl Args {
    /// Where no input is named, takes standard input if that `is_piped`; whether there now is one.
    pub(super) fn takes_stdin_if_none(&mut self, is_piped: bool) -> bool {
        if self.inputs.is_empty() && is_piped {
            self.inputs.push("-".into());
        }
        !self.inputs.is_empty()
    }

    /// The files to read: what a run wrote into its own input folder is no input of the next.
    fn files(&self) -> Inputs {
        let mut inputs = self.read.expand(&self.inputs);
        let resolved = |path: &Path| fs::canonicalize(path).ok();
        if let Some(output) = self.output.as_deref().and_then(resolved) {
            inputs.files.retain(|file| {
                let Some(path) = &file.path else { return true };
                self.inputs.contains(path) || resolved(path).as_ref() != Some(&output)
            });
        }
        inputs
    }

    /// Refuses an output that is a named input: the result would take the place of its source.
    fn check_output(&self) -> Result<()> {
        let resolved = |path: &Path| fs::canonicalize(path).ok();
        let Some(output) = self.output.as_deref().and_then(resolved) else { return Ok(()) };
        match self.inputs.iter().find(|input| resolved(input).as_ref() == Some(&output)) {
            Some(input) if output.is_file() => Err(Error::new(
                ErrorKind::Io,
                format!("{} is both input and output", input.display()),
            )
            .with_help("write to another file")),
            _ => Ok(()),
        }
    }

    fn writer(&self) -> Result<Box<dyn DocumentWriter>> {
        let by_suffix: Option<&Format> = self.output.as_deref().and_then(format_of);
        let format = self.format.0.or(by_suffix).unwrap_or(&io::jsonl::FORMAT);
        let output = match &self.output {
            Some(path) if path != Path::new("-") => Output::create(path)?,
            _ => Output::stdout()?,
        };
        let options = WriteOptions { offsets: self.offsets, scheme: self.scheme };
        Ok((format.write)(output, &options))
    }
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where the engine cannot be loaded, there is nothing to read, or the output cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    args.check_output()?;
    if args.watch {
        return watch::run(args, verbosity);
    }
    let Inputs { files, errors } = args.files();
    if files.is_empty() {
        let nothing = || Error::new(ErrorKind::Io, "no file to read in the inputs");
        return Err(Error::several(errors).unwrap_or_else(nothing));
    }
    let writer = args.writer()?;
    let engine = Arc::new(args.engine.load()?);
    let stream = DocumentStream::new(files, args.read.options());
    let mut run = Run::new(engine, Some(writer), &stream, verbosity);
    errors.iter().for_each(|error| run.fail(error));
    run.tag_all(stream)?;
    run.finish()
}

/// A run over many documents.
struct Run {
    engine: Arc<Engine>,
    writer: Option<Box<dyn DocumentWriter>>,
    progress: Progress,
    failures: Failures,
    verbosity: Verbosity,
    /// What was found, where someone wants to compare it.
    seen: Option<watch::Seen>,
}

impl Run {
    fn new(
        engine: Arc<Engine>,
        writer: Option<Box<dyn DocumentWriter>>,
        stream: &DocumentStream,
        verbosity: Verbosity,
    ) -> Self {
        let (total, read) = (stream.total_bytes(), stream.bytes_read());
        let progress = Progress::new(verbosity.is_interactive(), total, read);
        Self { engine, writer, progress, failures: Failures::default(), verbosity, seen: None }
    }

    fn tag_all(&mut self, stream: DocumentStream) -> Result<()> {
        // Chunks do not depend on timing, so that two runs give a model the same batches.
        let (chunks, reader) = read_ahead(stream, self.engine.batch_size());
        for chunk in chunks {
            self.tag_chunk(chunk)?;
        }
        // The reader is at its end; should it have panicked, so do we.
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(())
    }

    fn tag_chunk(&mut self, chunk: Vec<Result<Document>>) -> Result<()> {
        let mut documents = Vec::with_capacity(chunk.len());
        for read in chunk {
            match read {
                Ok(document) => documents.push(document),
                Err(error) => self.fail(&error),
            }
        }
        let results = self.engine.tag_documents(&documents);
        for (document, result) in documents.iter().zip(results) {
            match result {
                Ok(tagged) => {
                    tagged.warnings.iter().for_each(|warning| self.warn(document, warning));
                    self.progress.count(&document.text, &tagged.entities);
                    if let Some(writer) = &mut self.writer {
                        writer.write(document, &tagged.entities)?;
                    }
                    if let Some(seen) = &mut self.seen {
                        seen.add(document, &tagged.entities);
                    }
                }
                Err(error) => self.fail(&error),
            }
        }
        self.progress.show();
        self.writer.as_mut().map_or(Ok(()), |writer| writer.flush())
    }

    fn fail(&mut self, error: &Error) {
        if let Some(text) = self.failures.failed(error) {
            self.progress.write(&text);
        }
    }

    fn warn(&mut self, document: &Document, warning: &Error) {
        if !self.verbosity.warns() {
            return;
        }
        let message = format!("document '{}': {warning}", document.id);
        let mut named = Error::new(warning.kind(), message);
        if let Some(help) = warning.help_text() {
            named = named.with_help(help);
        }
        if let Some(text) = self.failures.warned(&named) {
            self.progress.write(&text);
        }
    }

    fn finish(self) -> Result<ExitCode> {
        if let Some(writer) = self.writer {
            writer.finish()?;
        }
        let summary = self.progress.finish();
        if self.verbosity.is_interactive() {
            report::write(&summary);
        }
        if let Some(text) = self.failures.summary() {
            report::write(&text);
        }
        Ok(if self.failures.any() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// A chunk of what was read.
type Chunk = Vec<Result<Document>>;

/// Reads in a thread of its own, one chunk ahead. The thread ends with the stream, or at the next
/// chunk after the receiver is dropped.
fn read_ahead(stream: DocumentStream, size: usize) -> (Receiver<Chunk>, thread::JoinHandle<()>) {
    let (sender, receiver) = sync_channel(1);
    let reader = thread::spawn(move || {
        let mut chunk = Chunk::new();
        let mut bytes = 0;
        for item in stream {
            bytes += item.as_ref().map_or(0, |document| document.text.len());
            chunk.push(item);
            if chunk.len() >= size || bytes >= CHUNK_BYTES {
                bytes = 0;
                if sender.send(std::mem::take(&mut chunk)).is_err() {
                    return;
                }
            }
        }
        if !chunk.is_empty() {
            // The receiver may have gone, and with it the interest.
            let _ = sender.send(chunk);
        }
    });
    (receiver, reader)
}
