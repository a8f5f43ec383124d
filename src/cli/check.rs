//! `spanloom check`: is an engine file sound, and all that it names?

use std::path::PathBuf;
use std::process::ExitCode;

use super::engine;
use super::print::print;
use super::report;
use super::table::{Cell, FAINT, STRONG, Table, styled};
use crate::error::{Error, Result};
use crate::pipeline::{Engine, EngineOptions};
use crate::span::Label;

/// Check an engine file and everything it names: files, rules and their cases, labels, passes.
///
/// Sources that are switched off are checked too. All problems are reported; the exit code is 1 where
/// there is one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom check
  spanloom check my-engine.toml")]
pub struct Args {
    /// The engine file; without it `./spanloom.toml`, where there is one, else the built-in engine.
    #[arg(value_name = "FILE", conflicts_with = "engine")]
    file: Option<PathBuf>,
    /// The same, as other commands name it.
    #[arg(short, long, value_name = "FILE")]
    engine: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// All problems of the engine file, or standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let options = EngineOptions { all: true, ..EngineOptions::default() };
    let engine = engine::load(args.file.as_deref().or(args.engine.as_deref()), &options)?;
    if let Some(error) = Error::several(engine.check()) {
        report::report(&error);
        return Ok(ExitCode::FAILURE);
    }
    print(&summary(&engine))?;
    Ok(ExitCode::SUCCESS)
}

/// What the engine is made of.
fn summary(engine: &Engine) -> String {
    let mut text = format!("{}\n", styled("sources", STRONG));
    let mut sources = Table::default();
    for source in engine.sources() {
        let name = Cell::from(&**source.name());
        let is_off = engine.on_demand().iter().any(|(off, _)| off == source.name());
        let switch = if is_off { format!("off; --with {}", source.name()) } else { String::new() };
        let labels = Cell::new(names(&source.labels()), FAINT);
        sources.row([name, source.describe().into(), labels, Cell::new(switch, FAINT)]);
    }
    text.push_str(&sources.render(2));
    text.push_str(&format!("{}\n", styled("merge", STRONG)));
    let mut steps = Table::default();
    for (number, step) in engine.steps().iter().enumerate() {
        let place = Cell::new(step.place.to_string(), FAINT);
        steps.row([(number + 1).to_string().into(), step.kind.name.into(), place]);
    }
    text.push_str(&steps.render(2));
    let on_demand: Vec<&Label> = engine.on_demand().iter().flat_map(|(_, labels)| labels).collect();
    let is_always = |label: &&Label| !on_demand.contains(label);
    let labels: Vec<Label> = engine.labels().iter().filter(is_always).cloned().collect();
    text.push_str(&format!("{}\n  {}\n", styled("labels", STRONG), names(&labels)));
    for (source, labels) in engine.on_demand().iter().filter(|(_, labels)| !labels.is_empty()) {
        let with = styled(&format!("--with {source}"), FAINT);
        text.push_str(&format!("  {} {with}\n", names(labels)));
    }
    text
}

fn names(labels: &[Label]) -> String {
    labels.iter().map(Label::as_str).collect::<Vec<_>>().join(" ")
}
