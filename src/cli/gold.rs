//! The options that say how gold is read and what it calls its labels, shared by the commands that
//! judge by it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::corpus::CorpusRun;
use super::tag::offset_unit;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Discontinuous, GoldOptions, LabelNames};
use crate::pipeline::Engine;
use crate::resource::TomlFile;
use crate::span::scheme::LetterPlace;
use crate::text::OffsetUnit;

/// How gold is read, and what it calls its labels.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gold")]
pub(super) struct GoldArgs {
    /// What gold calls otherwise: its label, and the one that stands for it; parted by commas.
    #[arg(long, value_name = "GOLD=LABEL", value_delimiter = ',', value_parser = renaming)]
    map: Vec<(String, String)>,
    /// Labels of gold to leave out, before or after `--map`; parted by commas.
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    drop: Vec<String>,
    /// A TOML file with both: `drop = ["LABEL", …]`, and a table `[map]` of `GOLD = "LABEL"`; what is
    /// said on the command line goes before it.
    #[arg(long, value_name = "FILE")]
    map_file: Option<PathBuf>,
    /// What offsets count, where the format does not say it: Unicode code points, bytes of UTF-8,
    /// UTF-16 code units.
    #[arg(long, value_name = "UNIT", default_value = "char", value_parser = offset_unit())]
    offsets: OffsetUnit,
    /// CoNLL: the column of the tags, from 1; without it the last that holds nothing but tags.
    #[arg(long, value_name = "NUMBER")]
    tag_column: Option<NonZeroUsize>,
    /// CoNLL: the letter of a tag is at its end, `PER-B` instead of `B-PER`.
    #[arg(long)]
    tag_suffix: bool,
    /// brat: what becomes of an entity of several pieces: an error, or an entity each.
    #[arg(long, value_name = "WAY", default_value = "refuse", value_parser = discontinuous())]
    discontinuous: Discontinuous,
}

/// Reads `person=PER`.
pub(super) fn renaming(written: &str) -> std::result::Result<(String, String), String> {
    match written.split_once('=') {
        Some((gold, label)) if !gold.is_empty() && !label.is_empty() => {
            Ok((gold.to_owned(), label.to_owned()))
        }
        _ => Err("expected a label of gold and another, such as person=PER".to_owned()),
    }
}

fn discontinuous() -> impl TypedValueParser<Value = Discontinuous> {
    PossibleValuesParser::new(Discontinuous::NAMES)
        .map(|name| name.parse().expect("a possible value is the name of a way"))
}

impl GoldArgs {
    /// How to read it, where it is owed.
    pub(super) fn options(&self) -> GoldOptions {
        GoldOptions {
            offsets: self.offsets,
            column: self.tag_column.map(NonZeroUsize::get),
            letter: if self.tag_suffix { LetterPlace::Last } else { LetterPlace::First },
            is_optional: false,
            discontinuous: self.discontinuous,
        }
    }

    /// What the labels of gold are to be called.
    ///
    /// # Errors
    /// Where the file that says it cannot be read, or is wrong.
    pub(super) fn names(&self) -> Result<LabelNames> {
        let mut names = match &self.map_file {
            Some(path) => load(path)?,
            None => LabelNames::default(),
        };
        names.map.extend(self.map.iter().cloned());
        names.drop.extend(self.drop.iter().cloned());
        Ok(names)
    }

    /// What the labels of gold are called in the engines.
    ///
    /// # Errors
    /// As [`GoldArgs::names`], and where none of them gives such a label.
    pub(super) fn names_in(&self, engines: &[&Engine]) -> Result<LabelNames> {
        let names = self.names()?;
        let known = labels_of(engines);
        let is_given =
            |label: &&String| known.contains(&label.as_str()) || names.drop.contains(*label);
        match names.map.values().find(|label| !is_given(label)) {
            Some(label) => Err(Error::unknown("label of the engine", label, &known)),
            None => Ok(names),
        }
    }
}

/// Reads labels and what they are to be called from a TOML file.
fn load(path: &Path) -> Result<LabelNames> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", &name, e))?;
    TomlFile::new(&name, &text).parse()?.read()
}

/// The labels that the engines give, each once.
fn labels_of<'e>(engines: &[&'e Engine]) -> Vec<&'e str> {
    let mut known: Vec<&str> = Vec::new();
    for label in engines.iter().flat_map(|engine| engine.labels()) {
        if !known.contains(&label.as_str()) {
            known.push(label.as_str());
        }
    }
    known
}

/// Says which of gold's labels, `names`, no engine gives: as they stand, nothing is right about them.
pub(super) fn warn_of_labels<'a>(
    corpus: &mut CorpusRun,
    names: impl Iterator<Item = &'a str>,
    engines: &[&Engine],
) {
    let known = labels_of(engines);
    let unknown: Vec<&str> = names.filter(|name| !known.contains(name)).collect();
    if !unknown.is_empty() {
        let message =
            format!("gold has labels that the engine does not give: {}", unknown.join(", "));
        let help = format!("`--map {}=LABEL` says what they are: {}", unknown[0], known.join(", "));
        let warning = Error::new(ErrorKind::Document, message).with_help(help);
        corpus.warn(&warning, warning.to_string());
    }
}
