//! `spanloom gazetteer`: compiles gazetteers to a file, and looks names up in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Map, Value, json};

use super::print::{on_one_line, print};
use super::table::{Cell, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::FileBytes;
use crate::source::gazetteer::{Builder, Case, EntryRef, MatchKind, Matcher};
use crate::text::Document;

/// Compile gazetteers, or look names up in them.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile TSV files to one file that loads at once.
    ///
    /// A row is `surface<TAB>label`, then optionally an id, a weight from 0 to 1 and attributes
    /// (`key=value;key=value`). Lines that begin with `#` are comments.
    #[command(
        after_help = "Examples:\n  spanloom gazetteer build cities.tsv countries.tsv -o loc.fst"
    )]
    Build(Build),
    /// Show the entries that texts mention, whatever their casing.
    #[command(after_help = "Examples:\n  spanloom gazetteer lookup loc.fst paris\n  \
                      spanloom gazetteer lookup cities.tsv names.tsv 'Paris Hilton in Paris, Texas' --json")]
    Lookup(Lookup),
}

#[derive(Debug, ClapArgs)]
struct Build {
    /// TSV files, or files that were compiled before.
    #[arg(required = true, value_name = "IN.tsv")]
    inputs: Vec<PathBuf>,
    /// The file to write.
    #[arg(short, long, value_name = "OUT.fst")]
    output: PathBuf,
}

#[derive(Debug, ClapArgs)]
struct Lookup {
    /// Gazetteers (`.tsv` or `.fst`), then the names or texts to look up.
    #[arg(required = true, num_args = 2.., value_name = "GAZETTEER… SURFACE")]
    arguments: Vec<String>,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the command; the exit code is 1 where nothing was found.
///
/// # Errors
/// Where a gazetteer cannot be read or is wrong, or the output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let output = match &args.command {
        Command::Build(args) => build(args)?,
        Command::Lookup(args) => lookup(args)?,
    };
    print(&output)?;
    Ok(if output.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Compiles, and says what was written.
fn build(args: &Build) -> Result<String> {
    let folder = args.output.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let builder = load(&args.inputs, Builder::with_memory(Builder::MEMORY, folder));
    let header = builder.write(&args.output, &mut |_| ())?;
    let size =
        fs::metadata(&args.output).map_err(|e| Error::io("read", args.output.display(), e))?.len();
    Ok(format!(
        "{}: {} entries, {} surfaces, {size} bytes\n",
        args.output.display(),
        header.entries,
        header.surfaces,
    ))
}

/// The entries that the texts mention, a line each; nothing where there are none.
fn lookup(args: &Lookup) -> Result<String> {
    let is_gazetteer = |argument: &String| {
        let extension = Path::new(argument).extension();
        extension.is_some_and(|e| e.eq_ignore_ascii_case("tsv") || e.eq_ignore_ascii_case("fst"))
    };
    let count = args.arguments.iter().take_while(|argument| is_gazetteer(argument)).count();
    let (files, texts) = args.arguments.split_at(count);
    if files.is_empty() || texts.is_empty() {
        let missing = if files.is_empty() { "gazetteer (.tsv or .fst)" } else { "name to look up" };
        return Err(Error::new(ErrorKind::Config, format!("no {missing} is given"))
            .with_help("spanloom gazetteer lookup GAZETTEER… SURFACE…"));
    }
    let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    let gazetteer = [load(&files, Builder::new()).build()?];
    let matcher = Matcher { case: Case::Fold, matches: MatchKind::All, ..Matcher::default() };
    let mut rows = Vec::new();
    let mut lines = String::new();
    for text in texts {
        for found in matcher.find_each(&gazetteer, &Document::new("", text.as_str())) {
            let matched = found.span.slice(text).unwrap_or_default();
            if args.json {
                lines.push_str(&as_json(matched, found.entry).to_string());
                lines.push('\n');
            } else {
                rows.push(as_row(matched, found.entry));
            }
        }
    }
    if rows.is_empty() {
        return Ok(lines);
    }
    let mut table = Table::new(["match", "surface", "label", "id", "weight", "attributes"]);
    for row in rows {
        table.row(row.map(Cell::from));
    }
    Ok(table.render(0))
}

/// The builder with the entries of all files, and with what is wrong with any of them.
fn load(files: &[PathBuf], mut builder: Builder) -> Builder {
    for path in files {
        let shown = path.display().to_string();
        if let Err(error) = FileBytes::open(path).and_then(|b| builder.add_file(&shown, b)) {
            builder.report(error);
        }
    }
    builder
}

fn as_json(matched: &str, entry: EntryRef<'_>) -> Value {
    let attributes: Map<String, Value> =
        entry.attributes().map(|(key, value)| (key.to_owned(), value.into())).collect();
    json!({
        "match": matched,
        "surface": entry.surface(),
        "label": entry.label().as_str(),
        "id": entry.id(),
        // Through its shortest spelling: a widened `f32` shows digits that nobody wrote.
        "weight": entry.weight().to_string().parse::<f64>().ok(),
        "attributes": attributes,
    })
}

fn as_row(matched: &str, entry: EntryRef<'_>) -> [String; 6] {
    [
        on_one_line(matched),
        entry.surface().to_owned(),
        entry.label().to_string(),
        entry.id().unwrap_or("").to_owned(),
        entry.weight().to_string(),
        entry.attributes_text(),
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// What the command line gives, run in `folder`.
    fn output(folder: &Path, line: &[&str]) -> Result<String> {
        let place = |part: &&str| match part.contains('.') {
            true => folder.join(part).display().to_string(),
            false => (*part).to_owned(),
        };
        let line: Vec<String> =
            std::iter::once("gazetteer".to_owned()).chain(line.iter().map(place)).collect();
        match Line::try_parse_from(line).unwrap().args.command {
            Command::Build(args) => build(&args),
            Command::Lookup(args) => lookup(&args),
        }
    }

    #[test]
    fn what_is_built_is_looked_up() {
        let folder = tempfile::tempdir().unwrap();
        let rows = "Paris\tLOC\tQ90\t0.5\tcc=FR\nPARIS\tLOC\nSão Paulo\tLOC\n";
        fs::write(folder.path().join("a.tsv"), rows).unwrap();
        let said = output(folder.path(), &["build", "a.tsv", "-o", "a.fst"]).unwrap();
        assert!(said.contains("a.fst: 3 entries, 2 surfaces, "), "{said}");
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(files.len(), 2, "nothing but a.tsv and a.fst");
        let found = output(folder.path(), &["lookup", "a.fst", "sao paulo", "paris"]).unwrap();
        let expected = "match      surface    label  id   weight  attributes\n\
                        sao paulo  São Paulo  LOC         1\n\
                        paris      PARIS      LOC         1\n\
                        paris      Paris      LOC    Q90  0.5     cc=FR\n";
        assert_eq!(anstream::adapter::strip_str(&found).to_string(), expected);
        let found =
            output(folder.path(), &["lookup", "a.tsv", "a.fst", "PARIS", "--json"]).unwrap();
        assert_eq!(found.lines().count(), 2);
        assert_eq!(
            found.lines().last().unwrap(),
            r#"{"match":"PARIS","surface":"Paris","label":"LOC","id":"Q90","weight":0.5,"attributes":{"cc":"FR"}}"#
        );
        assert_eq!(output(folder.path(), &["lookup", "a.fst", "rome"]).unwrap(), "");
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.tsv"), "Paris\tLOC\n").unwrap();
        let error = |line: &[&str]| output(folder.path(), line).unwrap_err().to_string();
        assert_eq!(error(&["lookup", "a.tsv", "a.tsv"]), "no name to look up is given");
        assert_eq!(error(&["lookup", "paris", "rome"]), "no gazetteer (.tsv or .fst) is given");
        let message = error(&["build", "a.tsv", "b.tsv", "-o", "c.fst"]);
        assert!(message.starts_with("cannot read ") && message.contains("b.tsv"), "{message}");
        let message = error(&["build", "a.tsv", "-o", "none/c.fst"]);
        assert!(message.starts_with("cannot write ") && message.contains("c.fst"), "{message}");
        assert!(!folder.path().join("c.fst").exists());
    }
}
