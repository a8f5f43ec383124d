//! `spanloom gazetteer build`: lists of any format to one file that opens at once.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::grouped;
use super::inputs::ImportArgs;
use crate::cli::progress::bar;
use crate::cli::report;
use crate::cli::table::{Cell, FAINT, Table};
use crate::cli::verbosity::Verbosity;
use crate::error::{Error, ErrorKind, Result};
use crate::source::gazetteer::import::Imported;
use crate::source::gazetteer::{Builder, Gazetteer};

/// Compile lists of names to one file that loads at once.
///
/// The format of an input is known by its name and how it begins; compressed files (`.gz`, `.bz2`,
/// `.zst`) are read as what is inside. Files that were compiled before are inputs too. `spanloom list
/// importers` explains the formats. Memory is bounded whatever the size of the inputs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom gazetteer build cities.tsv countries.tsv -o loc.fst
  spanloom gazetteer build cities5000.txt --from geonames --feature P=LOC -o cities.fst
  spanloom gazetteer build latest-all.json.bz2 --class Q515=LOC,Q5=PER --language en,de -o wiki.fst
  spanloom gazetteer build constituents.csv --columns surface=Name,id=Symbol --label ORG -o org.fst")]
pub(super) struct Args {
    /// The lists.
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The file to write.
    #[arg(short, long, value_name = "OUT.fst")]
    output: PathBuf,
    /// Leave out what cannot be read, with a warning, instead of building nothing.
    #[arg(long)]
    skip_bad: bool,
    /// Memory for sorting, in MiB; what is more goes through files beside the output.
    #[arg(long, value_name = "MIB", default_value = "256",
          value_parser = clap::value_parser!(u32).range(1..))]
    memory: u32,
    #[command(flatten)]
    import: ImportArgs,
}

/// Runs the command, and says what was written.
pub(super) fn run(args: &Args, verbosity: Verbosity) -> Result<String> {
    let start = Instant::now();
    let resolved = |path: &Path| fs::canonicalize(path).ok();
    let output = resolved(&args.output);
    if let Some(input) = args.inputs.iter().find(|i| output.is_some() && resolved(i) == output) {
        let message = format!("{} is both input and output", input.display());
        return Err(Error::new(ErrorKind::Io, message).with_help("write to another file"));
    }
    let sources = args.import.sources(&args.inputs)?;
    let folder = args.output.parent().filter(|folder| *folder != Path::new(""));
    let memory = (args.memory as usize) << 20;
    let mut builder = Builder::with_memory(memory, folder.unwrap_or(Path::new(".")));
    let sizes: Vec<u64> =
        args.inputs.iter().map(|path| fs::metadata(path).map_or(0, |m| m.len())).collect();
    let progress = bar(verbosity.is_interactive(), Some(sizes.iter().sum()));
    let mut all = Imported::default();
    for (number, source) in sources.iter().enumerate() {
        let before: u64 = sizes[..number].iter().sum();
        let imported = args.import.add(source, &mut builder, &mut |bytes, entries| {
            progress.set_position(before + bytes);
            progress.set_message(format!("{} entries", grouped(entries)));
        });
        match imported {
            Ok(imported) => all.add(imported),
            Err(error) => builder.report(error),
        }
    }
    progress.finish_and_clear();
    if args.skip_bad {
        warn(&all, verbosity);
    } else {
        report_to(&mut builder, &mut all);
    }
    let added = builder.entry_count();
    let progress = bar(verbosity.is_interactive(), None);
    let header = builder.write(&args.output, &mut |written| {
        progress.set_message(format!("{} of {} entries", grouped(written), grouped(added)));
    })?;
    progress.finish_and_clear();
    let gazetteer = Gazetteer::open(&args.output)?;
    let facts = [
        ("entries", grouped(header.entries)),
        ("surfaces", grouped(header.surfaces)),
        ("labels", gazetteer.labels().iter().map(|l| l.as_str()).collect::<Vec<_>>().join(", ")),
        ("duplicates", grouped(added - header.entries)),
        ("left out", left_out(&all.left_out, if args.skip_bad { all.problem_count } else { 0 })),
        ("size", format!("{} bytes", grouped(gazetteer.as_bytes().len() as u64))),
        ("time", format!("{:.1} s", start.elapsed().as_secs_f64())),
    ];
    let mut table = Table::default();
    for (what, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        table.row([Cell::new(what, FAINT), value.into()]);
    }
    let mut text = format!("{}\n", args.output.display());
    text.push_str(&table.render(2));
    Ok(text)
}

/// Hands all problems to the builder, which then refuses to build.
fn report_to(builder: &mut Builder, imported: &mut Imported) {
    let hidden = imported.problem_count - imported.problems.len() as u64;
    imported.problems.drain(..).for_each(|problem| builder.report(problem));
    if hidden > 0 {
        let message = format!("and {} more problems in the lists", grouped(hidden));
        builder.report(Error::new(ErrorKind::Gazetteer, message));
    }
}

/// Shows all problems as what was left out.
fn warn(imported: &Imported, verbosity: Verbosity) {
    if !verbosity.warns() {
        return;
    }
    for problem in &imported.problems {
        report::write(&report::rendered_as_warning(problem));
    }
    let hidden = imported.problem_count - imported.problems.len() as u64;
    if hidden > 0 {
        report::write(&format!("and {} more problems in the lists\n", grouped(hidden)));
    }
}

fn left_out(reasons: &BTreeMap<&'static str, u64>, bad: u64) -> String {
    let mut text = String::new();
    let bad = Some(("with problems", bad)).filter(|(_, count)| *count > 0);
    for (why, count) in reasons.iter().map(|(why, count)| (*why, *count)).chain(bad) {
        let separator = if text.is_empty() { "" } else { ", " };
        write!(text, "{separator}{} {why}", grouped(count)).expect("a string takes everything");
    }
    text
}
