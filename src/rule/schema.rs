//! Rules as written in TOML: the keys of a rule and of its cases, each with its place. Whether they
//! make sense is `compile`'s question for rules about text and `entity`'s for rules about entities.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::condition::When;
use crate::error::{Error, ErrorKind, Location};
use crate::resource::{Section, TomlFile};

/// A rule as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rule {
    /// Names the rule; unique in its source or pass.
    pub id: Spanned<String>,
    /// What it finds and why, in one sentence.
    #[serde(default)]
    pub doc: String,
    /// The label of what it finds or makes.
    pub label: Option<Spanned<String>>,
    /// What it matches, in Oniguruma's Ruby syntax.
    pub pattern: Option<Spanned<String>>,
    /// Several of them.
    pub patterns: Option<Vec<Spanned<String>>>,
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
    /// What it does to entities.
    pub action: Option<Spanned<String>>,
    /// The entity of the pattern that it does it to.
    pub on: Option<Spanned<String>>,
    /// How far an entity is extended or trimmed.
    pub to: Option<Spanned<String>>,
    /// Where an entity is split.
    pub at: Option<Spanned<String>>,
    /// What is added to the log-odds of the score.
    pub add: Option<Spanned<f64>>,
    /// What the score is multiplied with.
    pub scale: Option<Spanned<f64>>,
    /// Conditions on the entity that the rule is about.
    pub when: Option<Spanned<When>>,
    /// Conditions on other entities of the pattern, by their names.
    #[serde(default)]
    pub slot: BTreeMap<Spanned<String>, Spanned<When>>,
    /// What the rule must do, and must not.
    #[serde(default, rename = "case")]
    pub cases: Vec<Spanned<Case>>,
}

/// A text and what a rule must make of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The text; for a rule about entities, with the entities marked in it.
    pub text: String,
    /// The exact texts of what a rule about text finds, in order; empty where it must find nothing.
    pub finds: Option<Vec<String>>,
    /// What a rule about entities must make of `text`, marked like it.
    pub gives: Option<String>,
}

/// A rule and the file it stands in.
#[derive(Debug)]
pub(crate) struct Written {
    pub file: TomlFile,
    pub rule: Rule,
    /// What it says, without its name, documentation, label and cases: two rules of one source or pass
    /// that say the same do the same.
    pub content: String,
}

impl Written {
    /// An error about a part of the rule.
    pub(crate) fn error(&self, range: Range<usize>, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Rule, message).at(self.file.location(range))
    }

    /// Where the rule is written: its id.
    pub(crate) fn place(&self) -> Location {
        self.file.location(self.rule.id.span())
    }

    /// The patterns, however many keys they are written in.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.rule.pattern.iter().chain(self.rule.patterns.iter().flatten())
    }

    /// What every rule must have and this one has not.
    pub(super) fn missing(&self) -> Vec<Error> {
        let Rule { id, label, pattern, patterns, .. } = &self.rule;
        let mut errors = Vec::new();
        let mut add = |place: &Spanned<String>, message: String| {
            errors.push(self.error(place.span(), message));
        };
        let name = id.get_ref();
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(kebab) {
            add(
                id,
                format!("the rule id '{name}' is not in kebab-case, expected a-z, 0-9 and hyphens"),
            );
        }
        if let Some(label) = label.as_ref().filter(|label| label.get_ref().trim().is_empty()) {
            add(label, format!("rule '{name}' has an empty label"));
        }
        if let (Some(pattern), Some(_)) = (pattern, patterns) {
            add(pattern, format!("rule '{name}' has both 'pattern' and 'patterns', expected one"));
        }
        if patterns.as_ref().is_some_and(Vec::is_empty) {
            add(id, format!("rule '{name}' has no pattern in 'patterns', expected at least one"));
        }
        errors
    }

    /// What a rule can be tried without, but not be checked: a doc, and cases of both kinds. `is_positive`
    /// says which kind a case is, where it is of one; `expected` how positive and negative cases look.
    pub(crate) fn unproven(
        &self,
        is_positive: impl Fn(&Case) -> Option<bool>,
        expected: [&str; 2],
    ) -> Vec<Error> {
        let Rule { id, doc, cases, .. } = &self.rule;
        let name = id.get_ref();
        let mut errors = Vec::new();
        let mut add = |message: String| errors.push(self.error(id.span(), message));
        if doc.trim().is_empty() {
            add(format!(
                "rule '{name}' has no 'doc', expected a sentence on what it finds and why"
            ));
        }
        for ((kind, positive), expected) in
            [("positive", true), ("negative", false)].iter().zip(expected)
        {
            if !cases.iter().any(|case| is_positive(case.get_ref()) == Some(*positive)) {
                add(format!("rule '{name}' has no {kind} case, expected [[rule.case]] {expected}"));
            }
        }
        errors
    }
}

/// The rules that these tables are, and what is wrong with the others.
pub(crate) fn read_tables(tables: Vec<Section<'_>>) -> (Vec<Written>, Vec<Error>) {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for table in tables {
        let file = table.file().clone();
        let content = content(table.clone());
        match table.read::<Rule>() {
            Ok(rule) => rules.push(Written { file, rule, content }),
            Err(error) => errors.push(error),
        }
    }
    (rules, errors)
}

/// What a rule says besides what [`Written::content`] leaves out.
fn content(mut table: Section<'_>) -> String {
    for key in ["id", "doc", "label", "case"] {
        // What is not there or wrong is reported where the rule is read.
        table.take::<toml::Value>(key).ok();
    }
    table.written()
}
