//! A corpus in a recipe: where it is, how it is read, and what of it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::error::{Error, Location, Result};
use crate::io::address::Address;
use crate::io::{Format, GoldOptions, LabelNames, ReadOptions, tag_names};
use crate::text::{OffsetUnit, stop_words};

/// One of `[[data.train]]`, `[[data.dev]]` or `[[data.exclude]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CorpusRecipe {
    /// Files, folders, globs or addresses.
    pub path: OneOrMore,
    /// What to call it; the path where it is not given.
    #[serde(default)]
    pub name: Option<String>,
    /// The format, where the suffix does not say it.
    #[serde(default, deserialize_with = "format")]
    pub format: Option<&'static Format>,
    /// JSON: the field of the text.
    #[serde(default)]
    pub text_field: Option<String>,
    /// CoNLL: the column of the tokens, from 1.
    #[serde(default)]
    pub token_column: Option<usize>,
    /// CoNLL: the column of the tags, from 1.
    #[serde(default)]
    pub tag_column: Option<usize>,
    /// CoNLL: what parts the columns.
    #[serde(default)]
    pub separator: Option<char>,
    /// The names of tags that are numbers.
    #[serde(default)]
    pub tag_names: Option<String>,
    /// What offsets count.
    #[serde(default, deserialize_with = "parsed")]
    pub offsets: OffsetUnit,
    /// Given tokens that are joined with the one after them, such as the `@` of a handle.
    #[serde(default)]
    pub join_tokens: BTreeSet<String>,
    /// Words that are left out, in whichever case.
    #[serde(default)]
    pub remove_words: BTreeSet<String>,
    /// Whether English stop words are left out.
    #[serde(default)]
    pub remove_stop_words: bool,
    /// Whether entities that cut a word are widened to the whole of it.
    #[serde(default)]
    pub widen_to_words: bool,
    /// Whether documents that cannot be read are left out, with a warning, and are no error.
    #[serde(default)]
    pub skip_damaged: bool,
    /// New names for labels.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// Labels to leave out.
    #[serde(default)]
    pub drop: BTreeSet<String>,
    /// The labels that are annotated in it, where they are not all: of the others it says nothing.
    #[serde(default)]
    pub labels: Option<BTreeSet<String>>,
    /// How often each of its sentences is seen in an epoch, on average.
    #[serde(default = "one")]
    pub weight: f64,
    /// The place of `path`.
    #[serde(skip, default = "nowhere")]
    pub place: Location,
}

/// A string, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

impl CorpusRecipe {
    /// What to call it.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.path.all().join(" "))
    }

    /// Its paths, relative to `base`, and its addresses.
    pub fn paths(&self, base: &Path) -> Vec<PathBuf> {
        let place = |path: &String| match Address::is_address(Path::new(path)) {
            true => PathBuf::from(path),
            false => base.join(path),
        };
        self.path.all().iter().map(place).collect()
    }

    /// What its labels are called.
    pub fn label_names(&self) -> LabelNames {
        LabelNames { map: self.map.clone(), drop: self.drop.clone() }
    }

    /// Whether words are left out.
    pub fn removes_any(&self) -> bool {
        !self.remove_words.is_empty() || self.remove_stop_words
    }

    /// Whether a word is left out.
    pub fn removes(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let is_named = self.remove_words.iter().any(|removed| removed.to_lowercase() == word);
        is_named || (self.remove_stop_words && stop_words::is_english(&word))
    }

    /// How it is read.
    ///
    /// # Errors
    /// Where the names of tags cannot be read.
    pub fn read_options(&self) -> Result<ReadOptions> {
        let default = ReadOptions::default();
        let names = self.tag_names.as_deref().map(tag_names::load).transpose();
        Ok(ReadOptions {
            text_field: self.text_field.clone().unwrap_or(default.text_field),
            token_column: self.token_column,
            separator: self.separator,
            tag_names: names.map_err(|error| error.at(self.place.clone()))?,
            gold: Some(GoldOptions {
                offsets: self.offsets,
                column: self.tag_column,
                ..GoldOptions::default()
            }),
            ..ReadOptions::default()
        })
    }
}

fn one() -> f64 {
    1.0
}

fn nowhere() -> Location {
    Location::file("")
}

/// A value by the name that users type.
pub(super) fn parsed<'de, D: Deserializer<'de>, T>(
    deserializer: D,
) -> std::result::Result<T, D::Error>
where
    T: FromStr<Err = Error>,
{
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|error| serde::de::Error::custom(told(&error)))
}

fn format<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<&'static Format>, D::Error> {
    let name = String::deserialize(deserializer)?;
    crate::io::format(&name).map(Some).map_err(|error| serde::de::Error::custom(told(&error)))
}

/// An error with what helps, on one line.
fn told(error: &Error) -> String {
    match error.help_text() {
        Some(help) => format!("{}; {help}", error.message()),
        None => error.message().to_owned(),
    }
}
