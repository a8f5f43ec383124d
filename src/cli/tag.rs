//! `spanloom tag`: documents in, entities out, chunk by chunk, into one file; `job` does it into a folder, so
//! that it can be killed and goes on. `watch` does it again when something changes.

mod job;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use self::job::JobArgs;
use super::corpus::CorpusRun;
use super::engine::EngineArgs;
use super::profile;
use super::read::{FormatChoice, ReadArgs, some_files};
use super::report;
use super::verbosity::Verbosity;
use super::write::{check_output, tag_scheme, without_output, writer};
use crate::cache::CacheUse;
use crate::error::Result;
use crate::io::{self, DocumentStream, DocumentWriter, Format, Inputs, WriteOptions, format_of};
use crate::pipeline::Engine;
use crate::profile::{Profile, Stage};
use crate::span::TagScheme;
use crate::text::OffsetUnit;

/// Tag documents.
///
/// Documents that cannot be read or tagged are reported and passed over; the exit code is then 1.
///
/// Where `--output` is a folder (it is there, it ends in `/`, or `--job` says so), the run is a job: shards appear
/// in it as a whole, `part-00000.jsonl` and so on, and a run that was killed or interrupted goes on where it was
/// when the same command is given again. docs/job.md has the rest.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom tag examples/corpus
  spanloom tag 'news/**/*.txt' -o news.jsonl.zst
  spanloom tag s3://crawl/2024/ https://example.org/news.jsonl.gz
  spanloom tag tweets.jsonl.gz --text-field body --offsets utf16
  spanloom tag test.conll -o tagged.conll --scheme bioes
  spanloom tag samples -e my-engine.toml --watch
  spanloom tag samples --model models/gliner --labels person,city
  spanloom tag 'crawl/*.jsonl.zst' -o tagged/ --compress zst --report tagged.html
  spanloom tag crawl -o tagged/ --shard $SLURM_ARRAY_TASK_ID/64 --progress json
  echo 'Ada Lovelace was born in London.' | spanloom tag --format text")]
pub struct Args {
    /// Files, folders, globs, addresses (`s3://BUCKET/KEY`), or `-` for standard input, which is read too where it is no terminal
    /// and nothing is named.
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Tag again whenever a file of the engine or an input changes, and print what became different and
    /// why, until Ctrl-C; entities are written only where `--output` names a file. Holds all inputs in
    /// memory: for a folder that the engine is tuned on.
    #[arg(long, conflicts_with = "model")]
    watch: bool,
    /// Say on standard error at the end where the time went: stage by stage, with the one that holds up the
    /// others.
    #[arg(long, conflicts_with = "watch")]
    profile: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    read: ReadArgs,
    /// The file to write, compressed if it ends in `.gz`, `.bz2` or `.zst`, or the folder of a job; without it
    /// standard output.
    #[arg(short, long, value_name = "FILE|FOLDER/", help_heading = "Writing")]
    output: Option<PathBuf>,
    /// The format to write; `auto` goes by the suffix of the output, then takes JSONL.
    #[arg(long, value_name = "FORMAT", default_value = "auto", help_heading = "Writing",
          value_parser = FormatChoice::parser())]
    format: FormatChoice,
    /// What offsets count, where the format does not say it: Unicode code points, bytes of UTF-8, UTF-16 code units.
    #[arg(long, value_name = "UNIT", default_value = "char", help_heading = "Writing",
          value_parser = offset_unit())]
    offsets: OffsetUnit,
    /// Tags: how they mark where entities begin and end.
    #[arg(long, value_name = "SCHEME", default_value = "bio", help_heading = "Writing",
          value_parser = tag_scheme())]
    scheme: TagScheme,
    #[command(flatten)]
    job: JobArgs,
}

/// Reads the name of an offset unit.
pub(super) fn offset_unit() -> impl TypedValueParser<Value = OffsetUnit> {
    PossibleValuesParser::new(OffsetUnit::NAMES)
        .map(|name| name.parse().expect("a possible value is the name of a unit"))
}

impl Args {
    /// The inputs as they were named.
    pub(super) fn inputs_mut(&mut self) -> &mut Vec<PathBuf> {
        &mut self.inputs
    }

    /// The files to read.
    fn files(&self) -> Inputs {
        without_output(self.read.expand(&self.inputs), &self.inputs, self.output.as_deref())
    }

    fn writer(&self) -> Result<Box<dyn DocumentWriter>> {
        let output = self.output.as_deref();
        let by_suffix: Option<&Format> = output.and_then(format_of);
        let format = self.format.0.or(by_suffix).unwrap_or(&io::jsonl::FORMAT);
        writer(output, format, &self.write_options())
    }

    /// What counts the time of stages, where that is asked for.
    fn profile(&self, engine: &Engine) -> Profile {
        match self.profile {
            true => Profile::recording(engine.sources().len()),
            false => Profile::off(),
        }
    }

    /// How documents are written.
    fn write_options(&self) -> WriteOptions {
        WriteOptions { offsets: self.offsets, scheme: self.scheme, ..WriteOptions::default() }
    }
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where the engine cannot be loaded, there is nothing to read, or the output cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    check_output(&args.inputs, args.output.as_deref())?;
    if args.watch {
        return watch::run(args, verbosity);
    }
    if let Some(folder) = job::folder(args)? {
        return job::run(args, folder, verbosity);
    }
    let Inputs { files, errors } = some_files(args.files())?;
    let writer = args.writer()?;
    let engine = Arc::new(args.engine.load()?);
    let stream = DocumentStream::new(files, args.read.options());
    let profile = args.profile(&engine);
    let output = args.output.as_deref();
    let mut run = Run::new(engine, Some(writer), (&stream, output), verbosity);
    run.profile = profile.clone();
    run.corpus = run.corpus.profiled(profile);
    errors.iter().for_each(|error| run.corpus.fail(error));
    run.tag_all(stream)?;
    run.finish()
}

/// A run over many documents.
struct Run {
    engine: Arc<Engine>,
    writer: Option<Box<dyn DocumentWriter>>,
    corpus: CorpusRun,
    profile: Profile,
    /// What was found, where someone wants to compare it.
    seen: Option<watch::Seen>,
}

impl Run {
    fn new(
        engine: Arc<Engine>,
        writer: Option<Box<dyn DocumentWriter>>,
        (stream, output): (&DocumentStream, Option<&Path>),
        verbosity: Verbosity,
    ) -> Self {
        let corpus = CorpusRun::writing(output, stream, verbosity);
        Self { engine, writer, corpus, profile: Profile::off(), seen: None }
    }

    fn tag_all(&mut self, stream: DocumentStream) -> Result<()> {
        let Self { engine, writer, corpus, profile, seen } = self;
        corpus.each_tagged(stream, engine, |corpus, documents, results| {
            for (document, tagged) in documents.iter().zip(results) {
                let Some(tagged) = corpus.count(document, tagged) else { continue };
                if let Some(writer) = writer {
                    profile.time(Stage::Write, || writer.write(document, &tagged.entities))?;
                }
                if let Some(seen) = seen {
                    seen.add(document, &tagged.entities);
                }
            }
            let flush = |writer: &mut Box<dyn DocumentWriter>| writer.flush();
            profile.time(Stage::Write, || writer.as_mut().map_or(Ok(()), flush))
        })
    }

    fn finish(mut self) -> Result<ExitCode> {
        self.corpus.keep_evidence(self.engine.finish_evidence());
        if let Some(writer) = self.writer {
            writer.finish()?;
        }
        let CacheUse { asked, known } = self.engine.documents_known();
        tracing::info!("{known} of {asked} documents said what one before them said");
        let done = self.corpus.done();
        let code = self.corpus.finish();
        if self.profile.is_on() {
            let (documents, bytes) = done;
            report::write(&profile::table(
                &self.profile,
                &self.engine,
                documents as u64,
                bytes as u64,
            ));
        }
        Ok(code)
    }
}
