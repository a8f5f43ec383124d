//! Entries written in an engine file: `[surface, label, …]` in `entries`, and `[[source.entry]]`
//! tables, which have a key for everything an entry may say.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::casing::Case;
use super::context;
use super::entry::{ABBREVIATIONS, Entry};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::{Section, TomlFile};
use crate::span::Label;

/// `[surface, label, id, weight, attributes]`, the last three optional.
#[derive(Debug, Default)]
pub(super) struct InlineEntry {
    surface: String,
    label: String,
    id: String,
    weight: Option<f32>,
    attributes: String,
}

impl<'de> Deserialize<'de> for InlineEntry {
    fn deserialize<D: Deserializer<'de>>(parts: D) -> std::result::Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = InlineEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[surface, label] and optionally id, weight, attributes")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut parts: A,
            ) -> std::result::Result<InlineEntry, A::Error> {
                let missing = |n| serde::de::Error::invalid_length(n, &self);
                let entry = InlineEntry {
                    surface: parts.next_element()?.ok_or_else(|| missing(0))?,
                    label: parts.next_element()?.ok_or_else(|| missing(1))?,
                    id: parts.next_element()?.unwrap_or_default(),
                    weight: parts.next_element()?,
                    attributes: parts.next_element()?.unwrap_or_default(),
                };
                match parts.next_element::<serde::de::IgnoredAny>()? {
                    Some(_) => Err(missing(6)),
                    None => Ok(entry),
                }
            }
        }
        parts.deserialize_seq(Parts)
    }
}

impl InlineEntry {
    /// The entry.
    ///
    /// # Errors
    /// Where a part of it is empty or wrong.
    pub(super) fn entry(&self) -> Result<Entry> {
        let mut entry = named(&self.surface, &self.label)?;
        entry.id = Some(self.id.trim()).filter(|id| !id.is_empty()).map(Into::into);
        if let Some(weight) = self.weight {
            entry.set_weight(weight)?;
        }
        entry.set_attributes(&self.attributes)?;
        Ok(entry)
    }
}

fn named(surface: &str, label: &str) -> Result<Entry> {
    for (name, value) in [("surface", surface), ("label", label)] {
        if value.trim().is_empty() {
            return Err(wrong(format!("the {name} is empty")));
        }
    }
    Ok(Entry::new(surface.trim(), Label::new(label.trim())))
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Gazetteer, message)
}

/// A `[[source.entry]]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    surface: Spanned<String>,
    label: Spanned<String>,
    id: Option<String>,
    weight: Option<Spanned<f32>>,
    case: Option<Case>,
    #[serde(default)]
    abbreviations: Vec<Spanned<String>>,
    #[serde(default)]
    attributes: BTreeMap<String, Spanned<String>>,
    context: Option<Conditions>,
}

/// The `context` of such a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Conditions {
    near: Option<Spanned<Vec<String>>>,
    not_near: Option<Spanned<Vec<String>>>,
    left: Option<Spanned<Vec<String>>>,
    not_left: Option<Spanned<Vec<String>>>,
    right: Option<Spanned<Vec<String>>>,
    not_right: Option<Spanned<Vec<String>>>,
    words: Option<Spanned<u32>>,
}

/// The entry of a `[[source.entry]]` table.
///
/// # Errors
/// Everything that is wrong with it, each at its place.
pub(super) fn read_table(section: Section<'_>) -> Result<Entry> {
    let file = section.file();
    let table: Table = section.read()?;
    let mut errors: Vec<Error> = Vec::new();
    let mut entry = match named(table.surface.get_ref(), table.label.get_ref()) {
        Ok(entry) => entry,
        Err(error) => {
            let is_label = !table.surface.get_ref().trim().is_empty();
            let place = if is_label { table.label.span() } else { table.surface.span() };
            return Err(error.at(file.location(place)));
        }
    };
    entry.id = table.id.filter(|id| !id.trim().is_empty());
    entry.case = table.case;
    if let Some(weight) = &table.weight
        && let Err(error) = entry.set_weight(*weight.get_ref())
    {
        errors.push(error.at(file.location(weight.span())));
    }
    for (key, value) in &table.attributes {
        if ["case", ABBREVIATIONS].contains(&key.as_str()) || key.starts_with(context::PREFIX) {
            let message = format!("attribute '{key}' has a key of its own in [[source.entry]]");
            errors.push(wrong(message).at(file.location(value.span())));
        }
        entry.attributes.push((key.clone(), value.get_ref().clone()));
    }
    if !table.abbreviations.is_empty() {
        let barred = table.abbreviations.iter().find(|short| short.get_ref().contains(['|', ';']));
        if let Some(short) = barred {
            let message = format!("abbreviation '{}' holds a bar or semicolon", short.get_ref());
            errors.push(wrong(message).at(file.location(short.span())));
        }
        let list: Vec<&str> = table.abbreviations.iter().map(|s| s.get_ref().as_str()).collect();
        entry.attributes.push((ABBREVIATIONS.to_owned(), list.join("|")));
    }
    if let Some(conditions) = table.context {
        conditions.add_to(&mut entry, file, &mut errors);
    }
    Error::several(errors).map_or(Ok(entry), Err)
}

impl Conditions {
    /// Writes the conditions as attributes, and reports what is wrong with them.
    fn add_to(self, entry: &mut Entry, file: &TomlFile, errors: &mut Vec<Error>) {
        let lists = [
            ("near", self.near),
            ("not-near", self.not_near),
            ("left", self.left),
            ("not-left", self.not_left),
            ("right", self.right),
            ("not-right", self.not_right),
        ];
        let lists = lists.into_iter().filter_map(|(name, cues)| {
            let cues = cues?;
            Some((name, cues.span(), context::joined(cues.get_ref())))
        });
        let words =
            self.words.map(|words| ("words", words.span(), Ok(words.get_ref().to_string())));
        let (mut is_any, mut place) = (false, None);
        for (name, span, value) in lists.chain(words) {
            place.get_or_insert(span.clone());
            let key = format!("{}{name}", context::PREFIX);
            let checked = value.and_then(|value| context::check(name, &value).map(|()| value));
            match checked {
                Ok(value) => entry.attributes.push((key, value)),
                Err(error) => errors.push(error.at(file.location(span))),
            }
            is_any |= name != "words";
        }
        if let Some(place) = place.filter(|_| !is_any) {
            errors.push(context::alone().at(file.location(place)));
        }
    }
}
