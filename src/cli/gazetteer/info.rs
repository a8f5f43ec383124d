//! `spanloom gazetteer info`: what a gazetteer holds and where it comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::{grouped, hex, inputs};
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::error::Result;
use crate::source::gazetteer::{Gazetteer, SourceFile};

/// Show what a gazetteer holds: counts, labels, the files it was built from, and its size by section.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom gazetteer info loc.fst
  spanloom gazetteer info loc.fst --verify --json")]
pub(super) struct Args {
    /// A compiled gazetteer, or a list of any format that is known by its name.
    #[arg(value_name = "GAZETTEER")]
    gazetteer: PathBuf,
    /// Read all of it, and fail where it is not what was written.
    #[arg(long)]
    verify: bool,
    /// Print a JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<String> {
    let gazetteer = inputs::gazetteer(&args.gazetteer)?;
    if args.verify {
        gazetteer.verify().map_err(|e| {
            e.at(crate::error::Location::file(args.gazetteer.display().to_string()))
        })?;
    }
    let mut labels: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in gazetteer.entries() {
        *labels.entry(entry.label().as_str()).or_default() += 1;
    }
    Ok(if args.json { as_json(&gazetteer, &labels) } else { as_text(args, &gazetteer, &labels) })
}

fn as_json(gazetteer: &Gazetteer, labels: &BTreeMap<&str, u64>) -> String {
    let header = gazetteer.header();
    let sections: BTreeMap<&str, usize> = gazetteer.sections().collect();
    let sources: Vec<_> = header
        .sources
        .iter()
        .map(|s| {
            let SourceFile { name, options, sha256, entries } = s;
            json!({ "name": name, "options": options, "sha256": hex(sha256), "entries": entries })
        })
        .collect();
    let value = json!({
        "version": header.version,
        "builder": header.builder,
        "bytes": gazetteer.as_bytes().len(),
        "entries": header.entries,
        "surfaces": header.surfaces,
        "longest_surface_bytes": header.longest_surface,
        "sha256": hex(&header.sha256),
        "labels": labels,
        "sections": sections,
        "sources": sources,
    });
    format!("{value:#}\n")
}

fn as_text(args: &Args, gazetteer: &Gazetteer, labels: &BTreeMap<&str, u64>) -> String {
    let header = gazetteer.header();
    let mut text = format!("{}\n", styled(&args.gazetteer.display().to_string(), STRONG));
    let mut table = Table::default();
    let facts = [
        ("format", format!("version {}, written by {}", header.version, header.builder)),
        ("size", format!("{} bytes", grouped(gazetteer.as_bytes().len() as u64))),
        ("entries", grouped(header.entries)),
        ("surfaces", grouped(header.surfaces)),
        ("longest", format!("{} bytes", grouped(header.longest_surface.into()))),
        ("sha256", hex(&header.sha256)),
    ];
    for (what, value) in facts {
        table.row([Cell::new(what, FAINT), value.into()]);
    }
    if args.verify {
        table.row([Cell::new("verified", FAINT), "all of it is what was written".into()]);
    }
    text.push_str(&table.render(2));
    let mut section = |title: &str, rows: Vec<[String; 4]>| {
        if rows.is_empty() {
            return;
        }
        let mut table = Table::default();
        for [name, count, options, hash] in rows {
            table.row([name.into(), count.into(), options.into(), Cell::new(hash, FAINT)]);
        }
        text.push_str(&format!("{}\n", styled(title, STRONG)));
        text.push_str(&table.render(2));
    };
    let none = String::new;
    section(
        "labels",
        labels.iter().map(|(l, n)| [(*l).to_owned(), grouped(*n), none(), none()]).collect(),
    );
    let bytes = |(name, bytes): (&str, usize)| {
        [name.to_owned(), format!("{} bytes", grouped(bytes as u64)), none(), none()]
    };
    section("sections", gazetteer.sections().map(bytes).collect());
    let sources = header.sources.iter();
    let source = |s: &SourceFile| {
        let entries = format!("{} entries", grouped(s.entries));
        [s.name.clone(), entries, s.options.clone(), hex(&s.sha256)]
    };
    section("built from", sources.map(source).collect());
    text
}
