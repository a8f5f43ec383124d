//! What can I type? The program's command line: one file a subcommand, one line each in `Command`;
//! what they share stands beside them.
//!
//! A new subcommand is one new file with `Args` and `run`, its `mod` line and its two lines in
//! `Command` and [`run`].

mod allocator;
pub mod check;
pub mod completions;
pub mod convert;
pub mod corpora;
mod corpus;
mod decision;
pub mod diff;
mod difference;
mod engine;
pub mod eval;
pub mod explain;
mod format;
pub mod gazetteer;
mod gold;
mod html;
mod interrupt;
pub mod lint;
pub mod list;
pub mod man;
mod print;
mod profile;
mod progress;
mod read;
pub mod report;
pub mod rules;
pub mod select;
mod table;
pub mod tag;
#[cfg(test)]
mod template;
pub mod train;
pub mod tune;
mod verbosity;
mod write;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::error::Result;

/// Tag names of people, places and organisations in text, with gazetteers, rules and a transformer.
///
/// An engine file (`spanloom.toml`) says which sources propose entities and how they are merged into
/// one answer; without one, the built-in engine for English runs.
#[derive(Debug, Parser)]
#[command(
    name = "spanloom",
    version,
    max_term_width = 100,
    after_help = "Examples:
  spanloom tag examples/corpus -o entities.jsonl
  spanloom explain 'Paris Hilton landed in Paris'
  spanloom check -e my-engine.toml
  spanloom lint -e my-engine.toml
  spanloom eval dev.conll -e my-engine.toml
  spanloom diff spanloom.toml my-engine.toml corpus/
  spanloom tune --gold dev.conll -e my-engine.toml --in-place
  spanloom train recipe.toml
  spanloom convert train.conll --to spacy -o train.jsonl
  spanloom rules stats dev.conll --gold
  spanloom select corpus/ --n 200 --format doccano -o tasks.jsonl
  spanloom list passes

Exit codes: 0 all is well; 1 something could not be done, be it one document of many;
2 the command line is wrong."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: verbosity::Verbosity,
}

/// All subcommands.
#[derive(Debug, Subcommand)]
enum Command {
    Tag(tag::Args),
    Explain(explain::Args),
    Check(check::Args),
    Lint(lint::Args),
    Eval(eval::Args),
    Diff(diff::Args),
    Tune(tune::Args),
    Train(train::Args),
    Convert(convert::Args),
    Corpus(corpora::Args),
    Gazetteer(gazetteer::Args),
    Rules(rules::Args),
    Select(select::Args),
    List(list::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    /// The command line of this process. Prints help, version and what is wrong with it, and ends
    /// the process then.
    pub fn parse_or_exit() -> Self {
        let mut cli = Self::parse();
        // Those that read a corpus take standard input where nothing is named, if it is piped.
        let (names, inputs): (&[&str], _) = match &mut cli.command {
            Command::Tag(args) => (&["tag"], args.inputs_mut()),
            Command::Eval(args) => (&["eval"], args.inputs_mut()),
            Command::Convert(args) => (&["convert"], args.inputs_mut()),
            Command::Corpus(args) => (&["corpus", "stats"], args.inputs_mut()),
            Command::Rules(args) => (&["rules", "stats"], args.inputs_mut()),
            Command::Select(args) => (&["select"], args.inputs_mut()),
            _ => return cli,
        };
        if inputs.is_empty() && !io::stdin().is_terminal() {
            inputs.push("-".into());
        }
        if inputs.is_empty() {
            let message = "no input: name files, folders or globs, or `-` for standard input";
            let mut root = Self::command();
            root.build();
            let command = names.iter().fold(&mut root, |command, name| {
                command.find_subcommand_mut(name).expect("it was parsed as one")
            });
            command.error(ErrorKind::MissingRequiredArgument, message).exit();
        }
        cli
    }
}

/// Runs what was asked for.
///
/// # Errors
/// What kept the command from its work, to be reported by the caller; what concerns single documents
/// or sources has been reported already and is in the exit code.
pub fn run(cli: &Cli) -> Result<ExitCode> {
    cli.verbosity.start_log();
    match &cli.command {
        Command::Tag(args) => tag::run(args, cli.verbosity),
        Command::Explain(args) => explain::run(args),
        Command::Check(args) => check::run(args),
        Command::Lint(args) => lint::run(args),
        Command::Eval(args) => eval::run(args, cli.verbosity),
        Command::Diff(args) => diff::run(args, cli.verbosity),
        Command::Tune(args) => tune::run(args, cli.verbosity),
        Command::Train(args) => train::run(args, cli.verbosity),
        Command::Convert(args) => convert::run(args, cli.verbosity),
        Command::Corpus(args) => corpora::run(args, cli.verbosity),
        Command::Gazetteer(args) => gazetteer::run(args, cli.verbosity),
        Command::Rules(args) => rules::run(args, cli.verbosity),
        Command::Select(args) => select::run(args, cli.verbosity),
        Command::List(args) => list::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command, with the names that lead to it.
    fn commands() -> Vec<(String, clap::Command)> {
        fn walk(name: &str, command: &clap::Command, all: &mut Vec<(String, clap::Command)>) {
            all.push((name.to_owned(), command.clone()));
            for child in command.get_subcommands().filter(|c| c.get_name() != "help") {
                walk(&format!("{name} {}", child.get_name()), child, all);
            }
        }
        let mut command = Cli::command();
        command.build();
        let mut all = Vec::new();
        walk("spanloom", &command, &mut all);
        all
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_is_documented_and_every_leaf_has_examples() {
        for (name, command) in commands() {
            assert!(command.get_about().is_some(), "{name}");
            if !command.has_subcommands() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains(&format!("  {name}")), "{name} has no example");
            }
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: {}", argument.get_id());
            }
        }
    }
}
