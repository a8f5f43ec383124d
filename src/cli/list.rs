//! `spanloom list`: what the registries hold, each with its documentation and options.

use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::print::print;
use super::table::{Cell, FAINT, STRONG, Table, paragraph, styled};
use crate::error::Result;
use crate::io::FORMATS;
use crate::merge::{PASSES, PRESETS};
use crate::pipeline::LINTS;
use crate::pipeline::config::{ENGINE_OPTIONS, PASS_OPTIONS, SOURCE_OPTIONS};
use crate::resource::OptionDoc;
use crate::rule::check::CHECKS;
use crate::source::SOURCES;
use crate::source::gazetteer::import::{IMPORTERS, SHARED_OPTIONS};
use crate::source::model::{ARCHITECTURES, HEADS, SYSTEMS};

/// List what an engine file or the command line can name, with documentation and options.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom list passes
  spanloom list sources --json")]
pub struct Args {
    /// What to list.
    #[arg(value_name = "WHAT")]
    registry: Registry,
    /// Print a JSON array instead.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Registry {
    /// Kinds of `[[source]]`.
    Sources,
    /// Kinds of `[[merge]]` passes.
    Passes,
    /// Lists of passes that `[[merge]] preset = "…"` names.
    Presets,
    /// Formats that are read and written.
    Formats,
    /// Formats that gazetteers are built from.
    Importers,
    /// Systems that model folders are of.
    Systems,
    /// Model types that a `config.json` can name.
    Architectures,
    /// Kinds of heads that a `config.json` can name.
    Heads,
    /// Validators that a rule can name.
    Checks,
    /// What `spanloom lint` looks for.
    Lints,
}

/// An entry of a registry.
struct Item {
    name: &'static str,
    doc: &'static str,
    options: &'static [OptionDoc],
    /// Whether it is no entry but says what all entries have.
    is_common: bool,
    /// More to say: what, and the values.
    facts: Vec<(&'static str, Vec<&'static str>)>,
}

impl Item {
    fn new(name: &'static str, doc: &'static str, options: &'static [OptionDoc]) -> Self {
        Self { name, doc, options, is_common: false, facts: Vec::new() }
    }

    fn common(name: &'static str, doc: &'static str, options: &'static [OptionDoc]) -> Self {
        Self { is_common: true, ..Self::new(name, doc, options) }
    }
}

/// Runs the command.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let items = items(args.registry);
    print(&if args.json { as_json(&items) } else { as_text(&items) })?;
    Ok(ExitCode::SUCCESS)
}

fn items(registry: Registry) -> Vec<Item> {
    match registry {
        Registry::Sources => {
            let kinds = SOURCES.iter().map(|kind| Item::new(kind.name, kind.doc, kind.options));
            let common = [
                Item::common("the engine file", "Its keys besides the tables.", ENGINE_OPTIONS),
                Item::common("every [[source]]", "The keys of all kinds.", SOURCE_OPTIONS),
            ];
            common.into_iter().chain(kinds).collect()
        }
        Registry::Passes => {
            let all = Item::common("every [[merge]]", "The keys of all passes.", PASS_OPTIONS);
            let passes = PASSES.iter().map(|kind| Item::new(kind.name, kind.doc, kind.options));
            std::iter::once(all).chain(passes).collect()
        }
        Registry::Presets => PRESETS.iter().map(|p| Item::new(p.name, p.doc, p.options)).collect(),
        Registry::Formats => FORMATS
            .iter()
            .map(|format| {
                let facts = vec![("suffixes", format.suffixes.to_vec())];
                Item { facts, ..Item::new(format.name, format.doc, format.options) }
            })
            .collect(),
        Registry::Importers => {
            let all = Item::common("every format", "The options of all.", SHARED_OPTIONS);
            let importers = IMPORTERS.iter().map(|i| Item::new(i.name, i.doc, i.options));
            std::iter::once(all).chain(importers).collect()
        }
        Registry::Systems => SYSTEMS.iter().map(|s| Item::new(s.name, s.doc, &[])).collect(),
        Registry::Architectures => ARCHITECTURES
            .iter()
            .map(|a| {
                let facts = vec![("class", vec![a.token_classifier])];
                Item { facts, ..Item::new(a.name, a.doc, &[]) }
            })
            .collect(),
        Registry::Heads => HEADS
            .iter()
            .map(|head| {
                let facts = vec![("keys", head.keys.to_vec())];
                Item { facts, ..Item::new(head.name, head.doc, &[]) }
            })
            .collect(),
        Registry::Checks => CHECKS
            .iter()
            .map(|check| {
                let facts =
                    vec![("passes", check.passes.to_vec()), ("fails", check.fails.to_vec())];
                Item { facts, ..Item::new(check.name, check.doc, &[]) }
            })
            .collect(),
        Registry::Lints => LINTS
            .iter()
            .map(|lint| {
                let facts = vec![("level", vec![lint.level.name()])];
                Item { facts, ..Item::new(lint.name, lint.doc, &[]) }
            })
            .collect(),
    }
}

fn as_text(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        text.push_str(&format!("{}\n", styled(item.name, STRONG)));
        text.push_str(&paragraph(item.doc, 2));
        let mut facts = Table::default();
        for (what, values) in &item.facts {
            facts.row([Cell::new(*what, FAINT), values.join(", ").into()]);
        }
        text.push_str(&facts.render(4));
        for option in item.options {
            let value = styled(option.value, FAINT);
            text.push_str(&format!("    {}  {value}\n", styled(option.name, STRONG)));
            text.push_str(&paragraph(option.doc, 8));
        }
        text.push('\n');
    }
    text
}

/// The entries as an array; what all have in common is among the options of each.
fn as_json(items: &[Item]) -> String {
    let (common, entries): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|i| i.is_common);
    let every = common.iter().filter(|item| item.name.starts_with("every"));
    let shared: Vec<&OptionDoc> = every.flat_map(|item| item.options).collect();
    let entries = entries.into_iter().map(|item| {
        let options: Vec<Value> = shared.iter().copied().chain(item.options).map(option).collect();
        let mut value = json!({ "name": item.name, "doc": item.doc, "options": options });
        for (what, values) in &item.facts {
            value[*what] = json!(values);
        }
        value
    });
    format!("{:#}\n", Value::Array(entries.collect()))
}

fn option(option: &OptionDoc) -> Value {
    json!({ "name": option.name, "value": option.value, "doc": option.doc })
}
