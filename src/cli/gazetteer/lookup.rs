//! `spanloom gazetteer lookup`: the entries that texts mention.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::inputs;
use crate::cli::print::on_one_line;
use crate::cli::table::{Cell, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::source::gazetteer::{EntryRef, Fuzzy, Gazetteer, Matcher};
use crate::text::Document;

/// Show the entries that texts mention, whatever their casing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom gazetteer lookup loc.fst paris
  spanloom gazetteer lookup cities.tsv names.tsv 'Paris Hilton in Paris, Texas' --json
  spanloom gazetteer lookup loc.fst Pairs --fuzzy

Exit codes: 0 something was found; 1 nothing was, or a gazetteer cannot be read.")]
pub(super) struct Args {
    /// Gazetteers (`.fst`, `.tsv`, `.jsonl`, `.obo`), then the names or texts to look up.
    #[arg(required = true, num_args = 2.., value_name = "GAZETTEER… SURFACE")]
    arguments: Vec<String>,
    /// Forgive typographical errors: one from five letters on, two from nine.
    #[arg(long)]
    fuzzy: bool,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

/// The suffixes that make an argument a gazetteer.
const SUFFIXES: [&str; 4] = ["fst", "tsv", "jsonl", "obo"];

/// The entries that the texts mention, a line each; nothing where there are none.
pub(super) fn run(args: &Args) -> Result<String> {
    let is_gazetteer = |argument: &String| {
        let suffix = Path::new(argument).extension().and_then(|suffix| suffix.to_str());
        suffix.is_some_and(|suffix| SUFFIXES.contains(&suffix.to_lowercase().as_str()))
    };
    let count = args.arguments.iter().take_while(|argument| is_gazetteer(argument)).count();
    let (files, texts) = args.arguments.split_at(count);
    if files.is_empty() || texts.is_empty() {
        let missing =
            if files.is_empty() { "gazetteer (.fst, .tsv, …)" } else { "name to look up" };
        return Err(Error::new(ErrorKind::Config, format!("no {missing} is given"))
            .with_help("spanloom gazetteer lookup GAZETTEER… SURFACE…"));
    }
    let opened = files.iter().map(|file| inputs::gazetteer(&PathBuf::from(file)));
    let gazetteers: Vec<Gazetteer> = opened.collect::<Result<_>>()?;
    let mut matcher = Matcher::lookup();
    matcher.fuzzy = args.fuzzy.then(Fuzzy::default);
    let mut rows = Vec::new();
    let mut lines = String::new();
    for text in texts {
        for found in matcher.find_each(&gazetteers, &Document::new("", text.as_str())) {
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
