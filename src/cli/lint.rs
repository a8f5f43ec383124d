//! `spanloom lint`: what in an engine can be built and yet has no effect, or not the one it seems to have.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::engine;
use super::format::FormatArgs;
use super::print::print;
use super::report::{self, Weight};
use super::table::{Cell, FAINT, STRONG, Table, styled};
use crate::error::{Location, Result};
use crate::pipeline::lint::Level;
use crate::pipeline::{EngineOptions, Finding, LINTS, Lint};

/// The name that stands for every lint.
const ALL: &str = "all";

/// Find shadowed, dead, duplicate and conflicting rules, entries and passes of an engine.
///
/// The engine file and all that it names must be sound (`spanloom check`); sources that are switched off
/// are looked at too. A lint is a warning or a note; `--allow` silences it, `--deny` makes it an error. The
/// exit code is 1 where there is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom lint
  spanloom lint -e my-engine.toml --deny all --allow ambiguous-surface
  spanloom lint --format json | jq .message
  spanloom list lints")]
pub struct Args {
    /// The engine file; without it `./spanloom.toml`, where there is one, else the built-in engine.
    #[arg(short, long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// Lints to leave out; names, parted by commas, or `all`. Where a lint is named besides `all`, its own
    /// name counts.
    #[arg(long, value_name = "LINT", value_delimiter = ',', hide_possible_values = true)]
    #[arg(value_parser = names())]
    allow: Vec<String>,
    /// Lints whose findings are errors; names, parted by commas, or `all`.
    #[arg(long, value_name = "LINT", value_delimiter = ',', hide_possible_values = true)]
    #[arg(value_parser = names())]
    deny: Vec<String>,
    #[command(flatten)]
    format: FormatArgs<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs, one object a line.
    Json,
}

/// The names of lints, and the one for all of them.
fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(LINTS.iter().map(|lint| lint.name).chain([ALL]))
}

impl Args {
    /// What the findings of a lint weigh; `None` where it is left out.
    fn weight(&self, lint: &Lint) -> Option<Weight> {
        let has = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        if has(&self.deny, lint.name) {
            Some(Weight::Error)
        } else if has(&self.allow, lint.name) {
            None
        } else if has(&self.deny, ALL) {
            Some(Weight::Error)
        } else if has(&self.allow, ALL) {
            None
        } else {
            Some(match lint.level {
                Level::Warn => Weight::Warning,
                Level::Note => Weight::Note,
            })
        }
    }
}

/// Runs the command.
///
/// # Errors
/// All problems of the engine file, or standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let options = EngineOptions { all: true, ..EngineOptions::default() };
    let engine = engine::load(args.engine.as_deref(), &options)?;
    let lints: Vec<(&Lint, Weight)> =
        LINTS.iter().filter_map(|lint| Some((lint, args.weight(lint)?))).collect();
    let bar = bar(lints.len());
    let mut findings: Vec<(Finding, Weight)> = Vec::new();
    for (lint, weight) in lints {
        bar.set_message(lint.name);
        findings.extend(engine.lint(lint).into_iter().map(|finding| (finding, weight)));
        bar.inc(1);
    }
    bar.finish_and_clear();
    findings.sort_by(|(a, _), (b, _)| a.compare(b));
    print(&match args.format.chosen() {
        Format::Text => as_text(&findings),
        Format::Json => {
            findings.iter().map(|(f, weight)| format!("{}\n", as_json(f, *weight))).collect()
        }
    })?;
    let is_denied = findings.iter().any(|(_, weight)| *weight == Weight::Error);
    Ok(if is_denied { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Which lint is at work, where somebody looks.
fn bar(lints: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}");
    ProgressBar::new(lints as u64).with_style(style.expect("a template"))
}

fn as_text(findings: &[(Finding, Weight)]) -> String {
    let mut text = String::new();
    for (finding, weight) in findings {
        text.push_str(&report::rendered_finding(finding, *weight));
    }
    let mut counts = Table::default();
    let seen: BTreeSet<(Weight, &str)> = findings.iter().map(|(f, w)| (*w, f.lint)).collect();
    for (weight, name) in seen {
        let count = findings.iter().filter(|(f, w)| (*w, f.lint) == (weight, name)).count();
        counts.row([Cell::from(count.to_string()), weight.name().into(), Cell::new(name, FAINT)]);
    }
    match findings {
        [] => text.push_str(&format!("{}\n", styled("no findings", STRONG))),
        _ => text.push_str(&counts.render(0)),
    }
    text
}

fn as_json(finding: &Finding, weight: Weight) -> Value {
    let place = |place: &Location| json!({ "file": place.file, "line": place.line, "column": place.column });
    json!({
        "lint": finding.lint,
        "level": weight.name(),
        "message": finding.message,
        "advice": finding.advice,
        "place": place(&finding.place),
        "others": finding.others.iter().map(place).collect::<Vec<_>>(),
    })
}
