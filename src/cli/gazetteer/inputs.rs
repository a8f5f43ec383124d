//! Files that entries come from: of which format each is, and reading them with a count and a hash of
//! their bytes. Compressed files are read by their suffix.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::io::compression::Compression;
use crate::resource::OptionDoc;
use crate::source::gazetteer::import::{
    IMPORTERS, Import, Imported, Importer, Input, SHARED_OPTIONS, Settings, Sink, importer,
    recognise,
};
use crate::source::gazetteer::{Builder, Entry, Gazetteer, SourceFile};

/// What compiled files are called among the formats.
pub(super) const COMPILED: &str = "compiled";

/// The format that files are read as, and its options: those of all formats are options of the
/// command.
#[derive(Debug, Clone, Default)]
pub(super) struct ImportArgs {
    from: Option<&'static Importer>,
    settings: Settings,
}

/// The options of all formats, each once, with the formats that have it.
fn options() -> Vec<(&'static OptionDoc, Vec<&'static str>)> {
    let mut all: Vec<(&OptionDoc, Vec<&str>)> = Vec::new();
    for importer in IMPORTERS {
        for option in importer.options {
            match all.iter_mut().find(|(known, _)| known.name == option.name) {
                Some((_, formats)) => formats.push(importer.name),
                None => all.push((option, vec![importer.name])),
            }
        }
    }
    all.extend(SHARED_OPTIONS.iter().map(|option| (option, vec!["all"])));
    all
}

impl Args for ImportArgs {
    fn augment_args(command: Command) -> Command {
        let names = std::iter::once("auto").chain(IMPORTERS.iter().map(|importer| importer.name));
        let parser = PossibleValuesParser::new(names).map(|name| importer(&name).ok());
        let from = Arg::new("from")
            .long("from")
            .value_name("FORMAT")
            .default_value("auto")
            .value_parser(parser)
            .help("The format of the inputs; `auto` goes by name and content, where that is sure");
        options().into_iter().fold(command.arg(from), |command, (option, formats)| {
            let help = format!("{}: {} [{}]", formats.join(", "), option.doc, option.value);
            let arg = Arg::new(option.name)
                .long(option.name)
                .value_name("VALUE")
                .action(ArgAction::Append)
                .help_heading("Options of the formats")
                .help(help);
            command.arg(arg)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ImportArgs {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        self.from = matches.get_one("from").copied().flatten();
        for (option, _) in options() {
            for value in matches.get_many::<String>(option.name).into_iter().flatten() {
                self.settings.set(option.name, value);
            }
        }
        Ok(())
    }
}

/// A file, and what reads it.
pub(super) struct Source {
    path: PathBuf,
    reads: Reads,
}

enum Reads {
    Compiled,
    Imported(&'static Importer, Box<dyn Import>),
}

impl Source {
    /// The name of its format.
    pub(super) fn format(&self) -> &'static str {
        match &self.reads {
            Reads::Compiled => COMPILED,
            Reads::Imported(importer, _) => importer.name,
        }
    }
}

impl ImportArgs {
    /// What reads each of `paths`. An option that none of their formats has is an error.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub(super) fn sources(&self, paths: &[PathBuf]) -> Result<Vec<Source>> {
        let mut sources = Vec::new();
        let mut errors = Vec::new();
        let mut formats: Vec<&Importer> = Vec::new();
        for path in paths {
            match self.format_of(path) {
                Ok(Some(importer)) => {
                    formats.push(importer);
                    match importer.open(&self.settings.heeded_by(importer)) {
                        Ok(import) => sources.push(Source {
                            path: path.clone(),
                            reads: Reads::Imported(importer, import),
                        }),
                        Err(error) => errors.push(error),
                    }
                }
                Ok(None) => sources.push(Source { path: path.clone(), reads: Reads::Compiled }),
                Err(error) => errors.push(error),
            }
        }
        let is_heeded = |name: &&str| formats.iter().any(|format| format.has_option(name));
        if errors.is_empty()
            && let Some(name) = self.settings.names().find(|name| !is_heeded(name))
        {
            let formats: Vec<&str> = sources.iter().map(Source::format).collect();
            let message = format!("--{name} is no option of {}", formats.join(", "));
            errors.push(Error::new(ErrorKind::Config, message));
        }
        Error::several(errors).map_or(Ok(sources), Err)
    }

    /// The format of a file; `None` for a compiled one.
    fn format_of(&self, path: &Path) -> Result<Option<&'static Importer>> {
        let shown = path.display().to_string();
        let (name, _) = Compression::split(path);
        let mut reader = open(path, &Tracker::default())?;
        let head = reader.fill_buf().map_err(|e| Error::io("read", &shown, e))?;
        if Gazetteer::is_compiled(head) || name.extension().is_some_and(|e| e == "fst") {
            return Ok(None);
        }
        let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.from.or_else(|| recognise(&name, head)).map(Some).ok_or_else(|| {
            let known: Vec<&str> = IMPORTERS.iter().map(|importer| importer.name).collect();
            Error::new(ErrorKind::Gazetteer, "the format of the file cannot be told")
                .at(Location::file(shown))
                .with_help(format!("--from FORMAT, one of {}", known.join(", ")))
        })
    }

    /// Adds the entries of `source` to `builder`, and to `labels` what labels they have; `tick` is told
    /// the bytes read so far and the entries so far, now and then.
    ///
    /// # Errors
    /// Where it cannot be read, or the builder cannot take it.
    pub(super) fn add(
        &self,
        source: &Source,
        builder: &mut Builder,
        tick: &mut dyn FnMut(u64, u64),
    ) -> Result<Imported> {
        let shown = source.path.display().to_string();
        let before = builder.entry_count();
        let (importer, import) = match &source.reads {
            Reads::Compiled => {
                let gazetteer = Gazetteer::open(&source.path)?;
                builder.add_gazetteer(&gazetteer)?;
                let entries = builder.entry_count() - before;
                return Ok(Imported { entries, ..Imported::default() });
            }
            Reads::Imported(importer, import) => (importer, import),
        };
        let tracker = Tracker::default();
        let mut reader = open(&source.path, &tracker)?;
        let mut accept = |entry: Entry| {
            builder.add(&entry)?;
            let count = builder.entry_count();
            if count.is_multiple_of(4096) {
                tick(tracker.bytes(), count);
            }
            Ok(())
        };
        let mut sink = Sink::new(importer, &self.settings, &mut accept)?;
        import.import(Input { name: &shown, reader: &mut reader }, &mut sink)?;
        let imported = sink.finish();
        // The hash is that of the whole file, also where the format did not need all of it.
        io::copy(&mut reader, &mut io::sink()).map_err(|e| Error::io("read", &shown, e))?;
        let (sha256, entries) = (tracker.sha256(), builder.entry_count() - before);
        let options = format!("{}{}", importer.name, self.settings.heeded_by(importer));
        builder.add_source(SourceFile { name: shown, options, sha256, entries });
        Ok(imported)
    }
}

/// The entries of one file as a gazetteer: a compiled file as it is, any other compiled in memory.
pub(super) fn gazetteer(path: &Path) -> Result<Gazetteer> {
    let args = ImportArgs::default();
    let sources = args.sources(&[path.to_owned()])?;
    if let [Source { reads: Reads::Compiled, .. }] = sources.as_slice() {
        return Gazetteer::open(path);
    }
    let mut builder = Builder::new();
    for source in &sources {
        let imported = args.add(source, &mut builder, &mut |_, _| ())?;
        imported.problems.into_iter().for_each(|problem| builder.report(problem));
    }
    builder.build()
}

/// Opens a file for reading, decompressed; `tracker` sees its bytes as they lie on disk.
fn open(path: &Path, tracker: &Tracker) -> Result<Box<dyn BufRead + Send>> {
    let (_, compression) = Compression::split(path);
    File::open(path)
        .and_then(|file| compression.reader(Tracked { file, tracker: tracker.clone() }))
        .map_err(|error| Error::io("read", path.display(), error))
}

/// What has been read of a file.
#[derive(Clone, Default)]
struct Tracker(Arc<Mutex<(u64, Sha256)>>);

impl Tracker {
    fn bytes(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn sha256(&self) -> [u8; 32] {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone().finalize().into()
    }
}

struct Tracked {
    file: File,
    tracker: Tracker,
}

impl Read for Tracked {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        let mut seen = self.tracker.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0 += read as u64;
        seen.1.update(&bytes[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_of_two_formats_means_the_same_in_both() {
        for (option, formats) in options().iter().filter(|(_, formats)| formats.len() > 1) {
            let docs = IMPORTERS.iter().flat_map(|importer| importer.options);
            let same = docs.filter(|known| known.name == option.name);
            assert!(same.map(|o| o.value).all(|value| value == option.value), "{formats:?}");
        }
    }
}
