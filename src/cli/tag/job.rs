//! `spanloom tag -o FOLDER/`: a job. What its options are and how it is opened; what it is stands in
//! [`crate::job`], how it looks while it runs in `screen`.

mod prometheus;
mod report;
mod screen;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use self::screen::Screen;
use super::Args;
use crate::cli::interrupt::{INTERRUPTED, stop_flag};
use crate::cli::print::print;
use crate::cli::profile::table;
use crate::cli::read::some_files;
use crate::cli::verbosity::Verbosity;
use crate::cli::write::{check_writable, without_output};
use crate::error::{Error, ErrorKind, Result};
use crate::io::compression::Compression;
use crate::io::{self, Format, InputPlace, Inputs, Output};
use crate::job::run::RunSoFar;
use crate::job::{Begin, Identity, Job, JobFolder, JobInputs, JobOptions, Outcome, Part};

/// The size of a shard where none is asked for: seconds of work without a model, minutes with one.
const SHARD_BYTES: u64 = 16_000_000;

/// How the output is made as a job.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Jobs: where --output is a folder")]
pub(super) struct JobArgs {
    /// Take `--output` for a folder, though it has no `/` at its end and is not there yet.
    #[arg(long)]
    job: bool,
    /// Close a shard when the texts in it have so many bytes (`500kB`, `16MB`, `1GB`, `64MiB`) [default: 16MB].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    shard_size: Option<u64>,
    /// Compress shards.
    #[arg(long, value_name = "COMPRESSION", value_parser = compression())]
    compress: Option<Compression>,
    /// Do one of several parts, `2/8`: so many processes with the same command each do another, into the same
    /// folder, and together do everything.
    #[arg(long, value_name = "I/N")]
    shard: Option<Part>,
    /// Begin anew where there is a job in the folder, and remove what it made.
    #[arg(long, conflicts_with = "only_changed")]
    restart: bool,
    /// Where engine, options or inputs are not those that the job in the folder had, begin anew, but replace only
    /// shards that come out otherwise. With `--evidence` sources that did not change do not run again.
    #[arg(long)]
    only_changed: bool,
    /// Stop when more documents than this have failed; what is done stays done.
    #[arg(long, value_name = "NUMBER")]
    max_errors: Option<u64>,
    /// How progress is told on standard error: a bar on a terminal, or a JSON object a line, at most one a
    /// second, or nothing [default: bar].
    #[arg(long, value_name = "KIND")]
    progress: Option<ProgressKind>,
    /// Keep this file up to date for Prometheus: the text format, as the node exporter's textfile collector reads
    /// it.
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
    /// Write a report of the job as a page when the run ends.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// How progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProgressKind {
    Bar,
    Json,
    None,
}

/// Reads how shards are compressed: `none`, or the suffix that says it.
fn compression() -> impl TypedValueParser<Value = Compression> {
    PossibleValuesParser::new(["none", "gz", "bz2", "zst"])
        .map(|name| Compression::split(Path::new(&format!("shard.{name}"))).1)
}

/// Reads a number of bytes.
fn size(written: &str) -> std::result::Result<u64, String> {
    let wrong = || format!("expected a size such as 500kB, 16MB or 64MiB, got '{written}'");
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = written.split_at_checked(digits).ok_or_else(wrong)?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().trim_end_matches('b') {
        "" => 1,
        "k" => 1000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

impl JobArgs {
    /// The first option that only a job has.
    fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("--shard-size", self.shard_size.is_some()),
            ("--compress", self.compress.is_some()),
            ("--shard", self.shard.is_some()),
            ("--restart", self.restart),
            ("--only-changed", self.only_changed),
            ("--max-errors", self.max_errors.is_some()),
            ("--progress", self.progress.is_some()),
            ("--prometheus", self.prometheus.is_some()),
            ("--report", self.report.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// How shards are compressed.
    fn compression(&self) -> Compression {
        self.compress.unwrap_or(Compression::None)
    }

    fn begin(&self) -> Begin {
        match (self.restart, self.only_changed) {
            (true, _) => Begin::Restart,
            (_, true) => Begin::OnlyChanged,
            _ => Begin::Resume,
        }
    }
}

/// The folder of the job that is asked for; `None` where a file or standard output is.
///
/// # Errors
/// Where options of a job are given without a folder.
pub(super) fn folder(args: &Args) -> Result<Option<&Path>> {
    let job = &args.job;
    let is_folder = |path: &&Path| {
        let ends = path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        job.job || ends || path.is_dir()
    };
    let folder = args.output.as_deref().filter(is_folder);
    // Two files a document go into a folder without a job.
    let folder = folder.filter(|_| format(args).companion.is_none());
    let given = if job.job { Some("--job") } else { job.first_given() };
    match given {
        Some(option) if folder.is_none() => {
            let message = match args.format.0.and_then(|format| format.companion) {
                Some(_) => {
                    format!("{option} is for a job, which cannot write two files a document")
                }
                None => format!("{option} is for a job, which writes into a folder"),
            };
            Err(Error::new(ErrorKind::Config, message)
                .with_help("name a folder with `--output FOLDER/` and another format"))
        }
        _ => Ok(folder),
    }
}

/// The format of the shards.
fn format(args: &Args) -> &'static Format {
    args.format.0.unwrap_or(&io::jsonl::FORMAT)
}

/// The suffix of the shards.
fn suffix(args: &Args) -> String {
    format!("{}{}", format(args).extension, args.job.compression().suffix())
}

/// Runs the job; the exit code is 1 where a document failed or the run was told to stop at so many, and that of an
/// interrupted program after Ctrl-C.
///
/// # Errors
/// Where the engine cannot be loaded, there is nothing to read, the job in the folder is another, and where
/// something cannot be written.
pub(super) fn run(args: &Args, folder: &Path, verbosity: Verbosity) -> Result<ExitCode> {
    // A format that is only read is told before there is a job.
    format(args).writer(Output::new("no output", std::io::sink())?, &args.write_options())?;
    let inputs = some_files(inputs(args, folder)?)?;
    let folder = JobFolder::open(folder, args.job.shard.unwrap_or(Part::WHOLE))?;
    let (engine, files) = args.engine.load_with_files()?;
    let shard_bytes = args.job.shard_size.unwrap_or(SHARD_BYTES);
    let identity = Identity {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        engine: files,
        options: told(args, shard_bytes),
        inputs: JobInputs::of(&inputs),
    };
    let options = JobOptions {
        shard_bytes,
        format: format(args),
        suffix: suffix(args),
        read: args.read.options(),
        write: args.write_options(),
        max_errors: args.job.max_errors,
        begin: args.job.begin(),
    };
    args.job.report.as_deref().map_or(Ok(()), check_writable)?;
    let mut job = Job::open(folder, identity, inputs, options)?;
    let stop = stop_flag("the shard at hand");
    let mut screen = Screen::new(&job, &args.job, verbosity);
    let profile = args.profile(&engine);
    let ran = job.run(&engine, &profile, &stop, &mut |event| screen.show(&event));
    screen.keep_evidence(engine.finish_evidence());
    screen.finish(&job, ran.as_ref().ok());
    if let Some(path) = &args.job.report {
        report::write(path, &job)?;
    }
    let outcome = ran?;
    if verbosity.warns() && args.job.progress != Some(ProgressKind::Json) {
        print(&summary::render(&job, outcome, screen.run()))?;
    }
    if profile.is_on() {
        let RunSoFar { documents, text_bytes, .. } = *screen.run();
        crate::cli::report::write(&table(&profile, &engine, documents, text_bytes));
    }
    Ok(match outcome {
        Outcome::Stopped => ExitCode::from(INTERRUPTED),
        Outcome::TooManyErrors => ExitCode::FAILURE,
        Outcome::Complete if job.journal().tally().errors > 0 => ExitCode::FAILURE,
        Outcome::Complete => ExitCode::SUCCESS,
    })
}

/// The inputs, without what the job itself writes.
///
/// # Errors
/// Where they cannot be read a second time, lie in the folder of the job, or a service cannot be asked for them.
fn inputs(args: &Args, folder: &Path) -> Result<Inputs> {
    let evidence = args.engine.options().evidence;
    let own = [
        Some(folder),
        evidence.as_deref(),
        args.job.report.as_deref(),
        args.job.prometheus.as_deref(),
    ];
    let mut expanded = args.read.expand(&args.inputs);
    // A service that does not answer now would be an input that is not there, and another when it answers.
    let (unreached, errors) =
        expanded.errors.into_iter().partition(|error| error.kind() == ErrorKind::Remote);
    if let Some(error) = Error::several(unreached) {
        return Err(error);
    }
    expanded.errors = errors;
    let inputs =
        own.into_iter().fold(expanded, |inputs, own| without_output(inputs, &args.inputs, own));
    let is_gone_once_read =
        |path: &Path| fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    let once = inputs.files.iter().find(|file| match &file.place {
        InputPlace::Stdin => true,
        InputPlace::File(path) => is_gone_once_read(path),
        InputPlace::Remote(_) => false,
    });
    if let Some(file) = once {
        let name = file.path().map_or("standard input".to_owned(), |_| file.name());
        let message = format!("a job cannot read {name}: it may have to read it again");
        return Err(Error::new(ErrorKind::Io, message).with_help("name a file"));
    }
    let real = fs::canonicalize(folder).ok();
    let inside = |input: &&PathBuf| {
        let input = fs::canonicalize(input).ok();
        input.zip(real.as_ref()).is_some_and(|(input, folder)| input.starts_with(folder))
    };
    match args.inputs.iter().find(inside) {
        Some(input) => {
            let message = format!("{} is in the folder of the job", input.display());
            Err(Error::new(ErrorKind::Io, message).with_help("write into another folder"))
        }
        None => Ok(inputs),
    }
}

/// The options that show in the output.
fn told(args: &Args, shard_bytes: u64) -> Vec<(String, String)> {
    let own = [
        ("format", format(args).name.to_owned()),
        ("compress", args.job.compression().suffix().to_owned()),
        ("shard-size", shard_bytes.to_string()),
        ("offsets", args.offsets.to_string()),
        ("scheme", args.scheme.to_string()),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    own.chain(args.read.told()).chain(args.engine.told()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        let sizes = ["7", "500kB", "16MB", "16m", "1 GB", "64MiB", "2Ki"];
        let expected = [7, 500_000, 16_000_000, 16_000_000, 1_000_000_000, 64 << 20, 2048];
        assert_eq!(sizes.map(|written| size(written).unwrap()), expected);
        for wrong in ["", "0", "MB", "1TBx", "-1", "1.5MB", "99999999999GB", "é"] {
            assert!(size(wrong).unwrap_err().contains("such as 500kB"), "{wrong}");
        }
    }
}
