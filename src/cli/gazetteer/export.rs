//! `spanloom gazetteer export`: the entries of a gazetteer as rows again.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::inputs;
use crate::error::Result;
use crate::io::Output;
use crate::io::compression::Compression;
use crate::source::gazetteer::import::{IMPORTERS, Importer, importer};

/// Write the entries of a gazetteer as TSV or JSONL.
///
/// What is built from the output holds the same entries as the input, byte for byte but for its header
/// (which names the files that were built from).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom gazetteer export loc.fst
  spanloom gazetteer export loc.fst -o loc.jsonl.zst")]
pub(super) struct Args {
    /// A compiled gazetteer, or a list of any format that is known by its name.
    #[arg(value_name = "GAZETTEER")]
    gazetteer: PathBuf,
    /// The file to write, compressed if it ends in `.gz`, `.bz2` or `.zst`; without it standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format; without it that of the output's suffix, or else `tsv`.
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    to: Option<&'static Importer>,
}

fn formats() -> impl TypedValueParser<Value = &'static Importer> {
    let written = IMPORTERS.iter().filter(|format| format.write.is_some());
    PossibleValuesParser::new(written.map(|format| format.name))
        .map(|name| importer(&name).expect("a possible value is the name of a format"))
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let gazetteer = inputs::gazetteer(&args.gazetteer)?;
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let suffix = output.map(|path| Compression::split(path).0).unwrap_or_default();
    let is_of = |format: &&Importer| suffix.extension().is_some_and(|suffix| suffix == format.name);
    let by_suffix = IMPORTERS.iter().filter(|format| format.write.is_some()).find(is_of);
    let format = args.to.or(by_suffix).or(IMPORTERS.first()).expect("there are formats");
    let write = format.write.expect("a format that is written was chosen");
    let mut output = output.map_or_else(Output::stdout, Output::create)?;
    let mut line = String::new();
    for entry in gazetteer.entries() {
        line.clear();
        write(&entry.to_entry(), &mut line)?;
        line.push('\n');
        output.put(line.as_bytes())?;
    }
    output.finish()
}
