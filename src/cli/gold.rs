//! The options that say how gold is read and what it calls its labels, shared by the commands that
//! judge by it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use clap::Args;

use super::corpus::CorpusRun;
use super::tag::offset_unit;
use crate::error::{Error, ErrorKind, Result};
use crate::io::GoldOptions;
use crate::pipeline::Engine;
use crate::span::Label;
use crate::text::{Document, OffsetUnit};

/// How gold is read, and what it calls its labels.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gold")]
pub(super) struct GoldArgs {
    /// What gold calls otherwise: its label, and the engine's; parted by commas.
    #[arg(long, value_name = "GOLD=LABEL", value_delimiter = ',', value_parser = renaming)]
    map: Vec<(String, String)>,
    /// JSONL: what `start` and `end` count: Unicode code points, bytes of UTF-8, UTF-16 code units.
    #[arg(long, value_name = "UNIT", default_value = "char", value_parser = offset_unit())]
    offsets: OffsetUnit,
    /// CoNLL: the column of the tags, from 1; without it the last that holds nothing but tags.
    #[arg(long, value_name = "NUMBER")]
    tag_column: Option<NonZeroUsize>,
}

/// Reads `person=PER`.
fn renaming(written: &str) -> std::result::Result<(String, String), String> {
    match written.split_once('=') {
        Some((gold, label)) if !gold.is_empty() && !label.is_empty() => {
            Ok((gold.to_owned(), label.to_owned()))
        }
        _ => Err("expected a label of gold and one of the engine, such as person=PER".to_owned()),
    }
}

impl GoldArgs {
    /// How to read it.
    pub(super) fn options(&self) -> GoldOptions {
        GoldOptions { offsets: self.offsets, column: self.tag_column.map(NonZeroUsize::get) }
    }

    /// What the labels of gold are to be called.
    pub(super) fn names(&self) -> GoldNames {
        GoldNames(self.map.iter().cloned().collect())
    }

    /// What the labels of gold are called in the engine.
    ///
    /// # Errors
    /// Where the engine does not give such a label.
    pub(super) fn names_in(&self, engine: &Engine) -> Result<GoldNames> {
        let known: Vec<&str> = engine.labels().iter().map(Label::as_str).collect();
        for (_, label) in &self.map {
            if !known.contains(&label.as_str()) {
                return Err(Error::unknown("label of the engine", label, &known));
            }
        }
        Ok(self.names())
    }
}

/// Labels of gold and what they are to be called.
pub(super) struct GoldNames(BTreeMap<String, String>);

impl GoldNames {
    /// Calls the labels of the document's gold so.
    pub(super) fn rename(&self, document: &mut Document) {
        for annotation in document.gold.iter_mut().flatten() {
            if let Some(name) = self.0.get(&annotation.label) {
                annotation.label.clone_from(name);
            }
        }
    }
}

/// Says which of gold's labels, `names`, the engine does not give: as they stand, nothing is right about
/// them.
pub(super) fn warn_of_labels<'a>(
    corpus: &mut CorpusRun,
    names: impl Iterator<Item = &'a str>,
    engine: &Engine,
) {
    let gives = |name: &str| engine.labels().iter().any(|label| label.as_str() == name);
    let unknown: Vec<&str> = names.filter(|name| !gives(name)).collect();
    if !unknown.is_empty() {
        let message =
            format!("gold has labels that the engine does not give: {}", unknown.join(", "));
        let known: Vec<&str> = engine.labels().iter().map(Label::as_str).collect();
        let help = format!("`--map {}=LABEL` says what they are: {}", unknown[0], known.join(", "));
        let warning = Error::new(ErrorKind::Document, message).with_help(help);
        corpus.warn(&warning, warning.to_string());
    }
}
