//! Rules as written in TOML: the keys of a rule and of its cases, each with its place. Whether they
//! make sense is `compile`'s question.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::error::{Error, ErrorKind, Result};
use crate::resource::{Section, TomlFile};

/// A rule as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rule {
    /// Names the rule; unique in its source.
    pub id: Spanned<String>,
    /// What it finds and why, in one sentence.
    #[serde(default)]
    pub doc: String,
    /// The label of what it finds.
    pub label: Spanned<String>,
    /// What it matches, in Oniguruma's Ruby syntax.
    pub pattern: Spanned<String>,
    /// The named group that is the entity.
    pub group: Option<Spanned<String>>,
    /// The score of what it finds.
    pub score: Option<Spanned<f64>>,
    /// What must end right before the entity.
    pub left: Option<Spanned<String>>,
    /// What must not end right before the entity.
    pub not_left: Option<Spanned<String>>,
    /// What must begin right after the entity.
    pub right: Option<Spanned<String>>,
    /// What must not begin right after the entity.
    pub not_right: Option<Spanned<String>>,
    /// The validator that the entity must pass.
    pub check: Option<Spanned<String>>,
    /// What the rule must find, and must not.
    #[serde(default, rename = "case")]
    pub cases: Vec<Spanned<Case>>,
}

/// A text and what a rule must find in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The text.
    pub text: String,
    /// The exact texts of the entities, in order; empty for a text that the rule must leave alone.
    pub finds: Vec<String>,
}

/// A rule and the file it stands in.
#[derive(Debug)]
pub(crate) struct Written {
    pub file: TomlFile,
    pub rule: Rule,
}

impl Written {
    /// An error about a part of the rule.
    pub(crate) fn error(&self, range: Range<usize>, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Rule, message).at(self.file.location(range))
    }
}

/// The rules of a file, which holds nothing else, and what is wrong with the others.
pub(crate) fn parse(file: &TomlFile) -> (Vec<Written>, Vec<Error>) {
    let read = |file: &TomlFile| -> Result<(Vec<Written>, Vec<Error>)> {
        let mut section = file.parse()?;
        let rules = section.take_tables("rule")?;
        let (rules, mut errors) = read_tables(rules);
        if let Err(error) = section.read::<Nothing>() {
            errors.insert(0, error);
        } else if rules.is_empty() && errors.is_empty() {
            return Err(Error::new(
                ErrorKind::Rule,
                "no rule in the file, expected [[rule]] tables",
            )
            .at(file.location(0..0)));
        }
        Ok((rules, errors))
    };
    read(file).unwrap_or_else(|error| (Vec::new(), error.into_list()))
}

/// The rules that these tables are, and what is wrong with the others.
pub(crate) fn read_tables(tables: Vec<Section<'_>>) -> (Vec<Written>, Vec<Error>) {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for table in tables {
        let file = table.file().clone();
        match table.read::<Rule>() {
            Ok(rule) => rules.push(Written { file, rule }),
            Err(error) => errors.push(error),
        }
    }
    (rules, errors)
}

/// What a rule file holds besides rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}
