//! `spanloom tag --watch`: tags the inputs, and again whenever the engine's files or the inputs change;
//! says what has become another, and why.

mod diff;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

pub(super) use self::diff::Seen;
use self::diff::told;
use super::super::print::print;
use super::super::report;
use super::super::table::{FAINT, STRONG, styled};
use super::super::verbosity::Verbosity;
use super::{Args, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::io::address::Address;
use crate::io::{DocumentStream, Inputs};
use crate::pipeline::watch::Folders;
use crate::pipeline::{Engine, Reload};
use crate::resource::Reads;

/// How often the inputs are looked after while the engine stays as it is.
const TICK: Duration = Duration::from_millis(200);

/// Tags until the program is ended.
///
/// # Errors
/// Where the engine cannot be loaded at first, nothing can be watched, or an output cannot be written.
pub(super) fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    let unwatched = args.inputs.iter().find_map(|input| match input {
        input if input == Path::new("-") => {
            Some("standard input cannot be read again, as --watch does")
        }
        input if Address::is_address(input) => {
            Some("an address cannot be watched: no service tells of changes")
        }
        _ => None,
    });
    if let Some(message) = unwatched {
        return Err(Error::new(ErrorKind::Io, message).with_help("name files or folders"));
    }
    let watched = args.engine.watch()?;
    let (signs, heard) = channel();
    let mut folders = Folders::new(signs)?;
    let mut engine = watched.engine();
    let mut inputs = inputs(args);
    folders.set(&to_watch(args, &inputs))?;
    let mut seen = tag(args, verbosity, engine.clone())?;
    print(&format!("{}\n", styled(&seen.summary(), STRONG)))?;
    let mut has_heard = false;
    loop {
        let reload = watched.next(TICK);
        has_heard |= heard.try_iter().count() > 0;
        let (mut changed, kept) = match reload {
            Some(Reload::Failed { changed, error }) => {
                let lead =
                    format!("{}: the engine is broken, the one before goes on\n", files(&changed));
                report::write(&lead);
                report::report(&error);
                continue;
            }
            Some(Reload::Swapped { changed, kept }) => (changed, kept),
            None => (Vec::new(), Vec::new()),
        };
        if std::mem::take(&mut has_heard) {
            let now = self::inputs(args);
            changed.extend(now.difference(&inputs));
            inputs = now;
            folders.set(&to_watch(args, &inputs))?;
        }
        if changed.is_empty() {
            continue;
        }
        let mut changed = files(&changed);
        if !kept.is_empty() {
            changed.push_str(&styled(&format!("; kept {}", kept.join(", ")), FAINT));
        }
        let before = std::mem::replace(&mut engine, watched.engine());
        let was = std::mem::replace(&mut seen, tag(args, verbosity, engine.clone())?);
        print(&format!("{}\n{}", styled(&changed, STRONG), told(&was, &before, &seen, &engine)))?;
    }
}

/// The inputs as they are now.
fn inputs(args: &Args) -> Reads {
    Reads::of(args.files().files.iter().filter_map(|file| file.path().map(Path::to_owned)))
}

/// Where a change of the inputs can be seen: beside each, and in all folders that were named.
fn to_watch(args: &Args, inputs: &Reads) -> BTreeMap<PathBuf, bool> {
    let mut folders = inputs.folders();
    let named = args.inputs.iter().filter(|input| input.is_dir());
    folders.extend(named.map(|folder| (folder.clone(), true)));
    folders
}

fn files(changed: &[PathBuf]) -> String {
    let names: Vec<String> = changed.iter().map(|path| path.display().to_string()).collect();
    format!("changed: {}", names.join(", "))
}

/// Tags all inputs; what they became goes to the output, where one is named.
fn tag(args: &Args, verbosity: Verbosity, engine: Arc<Engine>) -> Result<Seen> {
    let Inputs { files, errors } = args.files();
    let writer = args.output.is_some().then(|| args.writer()).transpose()?;
    let stream = DocumentStream::new(files, args.read.options());
    let mut run = Run::new(engine, writer, (&stream, args.output.as_deref()), verbosity);
    run.seen = Some(Seen::default());
    errors.iter().for_each(|error| run.corpus.fail(error));
    run.tag_all(stream)?;
    let seen = run.seen.take().unwrap_or_default();
    run.finish()?;
    Ok(seen)
}
