//! TOML that remembers its place: a file is parsed once, each part of it is then read by the
//! component it belongs to, and every error points at the line that caused it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, ValueDeserializer};

use crate::error::{Error, ErrorKind, Location, Result};

/// The name and text of a TOML file.
#[derive(Debug, Clone)]
pub struct TomlFile {
    /// As the user would name it.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl TomlFile {
    /// A file of a name and a text.
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The place of a byte range of this file.
    pub fn location(&self, range: Range<usize>) -> Location {
        Location::range(&*self.name, self.text.clone(), range)
    }

    /// The file as one section.
    ///
    /// # Errors
    /// Where it is not TOML.
    pub fn parse(&self) -> Result<Section<'_>> {
        let table = DeTable::parse(&self.text).map_err(|e| self.error(&e))?;
        Ok(Section { file: self, table, whole: true })
    }

    /// What `toml` says is wrong, in our words and at its place.
    fn error(&self, error: &toml::de::Error) -> Error {
        let message = error.message().trim().replace('\n', ", ").replace('`', "'");
        let made = Error::new(ErrorKind::Config, message);
        match error.span() {
            Some(range) => made.at(self.location(range)),
            None => made.at(Location::file(&*self.name)),
        }
    }
}

/// A table of a TOML file, as written.
#[derive(Debug, Clone)]
pub struct Section<'f> {
    file: &'f TomlFile,
    table: Spanned<DeTable<'f>>,
    whole: bool,
}

impl<'f> Section<'f> {
    /// The file it stands in.
    pub fn file(&self) -> &'f TomlFile {
        self.file
    }

    /// Its place: the table's header line, or the file where it is the whole file.
    pub fn location(&self) -> Location {
        if self.whole {
            return Location::file(&*self.file.name);
        }
        let range = self.table.span();
        let header = self.file.text.get(range.clone()).unwrap_or("");
        let length = header.lines().next().unwrap_or("").len();
        self.file.location(range.start..range.start + length)
    }

    /// What it holds, as a text that says nothing of how it is laid out. Where it holds tables or lists in
    /// a list (entries, rules), which know their lines, also where it stands.
    pub fn written(&self) -> String {
        let values = self.table();
        let knows_lines = values.values().any(|value| {
            let items = value.as_array().into_iter().flatten();
            items.into_iter().any(|item| item.is_array() || item.is_table())
        });
        let place = if knows_lines { self.location().to_string() } else { String::new() };
        format!("{place}\n{values:?}")
    }

    /// What it holds, as a text that says nothing of how it is laid out or where it stands.
    pub fn values(&self) -> String {
        format!("{:?}", self.table())
    }

    fn table(&self) -> toml::Table {
        toml::Table::deserialize(Deserializer::from(self.table.clone())).unwrap_or_default()
    }

    /// Puts a string in the place of what it holds under `key`, be it nothing. An error about it is one about the section.
    pub fn set_str(&mut self, key: &'static str, value: &'static str) {
        let place = self.table.span();
        let value = DeValue::String(Cow::Borrowed(value));
        let key = Spanned::new(place.clone(), Cow::Borrowed(key));
        self.table.get_mut().insert(key, Spanned::new(place, value));
    }

    /// An error about this section.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Config, message).at(self.location())
    }

    /// An error about the value of `key`, or about the section where the key is not written.
    pub fn error_at(&self, key: &str, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Config, message).at(self.location_of(key))
    }

    /// Whether `key` is written.
    pub fn has(&self, key: &str) -> bool {
        self.table.get_ref().contains_key(key)
    }

    /// The keys that are written and were not taken, sorted.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.table.get_ref().keys().map(|k| k.to_string()).collect();
        keys.sort();
        keys
    }

    /// The place of the value of `key`, or of the section where the key is not written.
    pub fn location_of(&self, key: &str) -> Location {
        match self.table.get_ref().get(key) {
            Some(value) => self.file.location(value.span()),
            None => self.location(),
        }
    }

    /// Removes `key`, which must be a string, and gives its value and place.
    ///
    /// # Errors
    /// Where the key is missing or is not a string.
    pub fn take_str(&mut self, key: &str) -> Result<(String, Location)> {
        let location = self.location_of(key);
        match self.table.get_mut().remove(key) {
            None => Err(self.error(format!("missing key '{key}'"))),
            Some(value) => match value.get_ref().as_str() {
                Some(text) => Ok((text.to_owned(), location)),
                None => {
                    let got = value.get_ref().type_str();
                    let message = format!("'{key}' is of type {got}, expected a string");
                    Err(Error::new(ErrorKind::Config, message).at(location))
                }
            },
        }
    }

    /// Removes `key` and gives its value as a `T`; `None` where the key is not written.
    ///
    /// # Errors
    /// Where the value is of another type.
    pub fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.table.get_mut().remove(key) else { return Ok(None) };
        let place = self.file.location(value.span());
        T::deserialize(ValueDeserializer::from(value))
            .map(Some)
            .map_err(|e| self.file.error(&e).at(place))
    }

    /// Removes `key`, which must be an array of tables where it is there, and gives the tables.
    ///
    /// # Errors
    /// Where the value is something else.
    pub fn take_tables(&mut self, key: &str) -> Result<Vec<Section<'f>>> {
        let Some(value) = self.table.get_mut().remove(key) else { return Ok(Vec::new()) };
        let location = self.file.location(value.span());
        let wrong = |got: &str| {
            let message = format!("'{key}' holds {got}, expected tables ([[{key}]])");
            Error::new(ErrorKind::Config, message).at(location.clone())
        };
        let DeValue::Array(items) = value.into_inner() else { return Err(wrong("no array")) };
        items
            .into_iter()
            .map(|item| {
                let range = item.span();
                match item.into_inner() {
                    DeValue::Table(table) => Ok(Section {
                        file: self.file,
                        table: Spanned::new(range, table),
                        whole: false,
                    }),
                    other => Err(wrong(other.type_str())),
                }
            })
            .collect()
    }

    /// Removes `key`, which must be a table where it is there, and gives it.
    ///
    /// # Errors
    /// Where the value is something else.
    pub fn take_table(&mut self, key: &str) -> Result<Option<Section<'f>>> {
        let Some(value) = self.table.get_mut().remove(key) else { return Ok(None) };
        let range = value.span();
        match value.into_inner() {
            DeValue::Table(table) => {
                let table = Spanned::new(range, table);
                Ok(Some(Section { file: self.file, table, whole: false }))
            }
            other => {
                let message =
                    format!("'{key}' is of type {}, expected a table ([{key}])", other.type_str());
                Err(Error::new(ErrorKind::Config, message).at(self.file.location(range)))
            }
        }
    }

    /// What is left of the section as a value of type `T`; `T` should deny unknown fields.
    ///
    /// # Errors
    /// Where a key is unknown, missing or of the wrong type; the error points at it.
    pub fn read<T: DeserializeOwned>(self) -> Result<T> {
        let (file, place) = (self.file, self.location());
        T::deserialize(Deserializer::from(self.table)).map_err(|e| file.error(&e).at(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        name: String,
    }

    #[test]
    fn an_unknown_key_is_reported_at_its_line() {
        let file = TomlFile::new("e.toml", "[[source]]\nname = \"a\"\nnmae = 1\n");
        let mut section = file.parse().unwrap();
        let tables = section.take_tables("source").unwrap();
        let error = tables.into_iter().next().unwrap().read::<Options>().unwrap_err();
        assert!(error.to_string().starts_with("e.toml:3:1: unknown field 'nmae'"), "{error}");
    }

    #[test]
    fn a_missing_key_is_reported_at_the_section() {
        let file = TomlFile::new("e.toml", "x = 1\n[[source]]\n");
        let mut section = file.parse().unwrap();
        let mut table = section.take_tables("source").unwrap().remove(0);
        let error = table.take_str("kind").unwrap_err();
        assert_eq!(error.to_string(), "e.toml:2:1: missing key 'kind'");
    }

    #[test]
    fn wrong_types_are_named() {
        let file = TomlFile::new("e.toml", "kind = 3\nsource = 4\n[t]\nname = \"x\"\n");
        let mut section = file.parse().unwrap();
        assert!(section.take_str("kind").unwrap_err().to_string().contains("e.toml:1:8"));
        assert!(section.take_tables("source").unwrap_err().to_string().contains("e.toml:2:10"));
        assert_eq!(
            TomlFile::new("o", "name = 'x'").parse().unwrap().read::<Options>().unwrap().name,
            "x"
        );
    }

    #[test]
    fn tables_in_tables_keep_their_places() {
        let file = TomlFile::new("e.toml", "[data]\n[[data.train]]\npath = 1\n[other]\n");
        let mut section = file.parse().unwrap();
        let mut data = section.take_table("data").unwrap().unwrap();
        let train = data.take_tables("train").unwrap().remove(0);
        assert_eq!(train.location_of("path").to_string(), "e.toml:3:8");
        assert!(section.take_table("missing").unwrap().is_none());
        let file = TomlFile::new("e.toml", "data = 3");
        let error = file.parse().unwrap().take_table("data").unwrap_err();
        assert!(error.to_string().starts_with("e.toml:1:8: 'data' is of type"), "{error}");
    }

    #[test]
    fn broken_toml_is_reported_where_it_breaks() {
        let error = TomlFile::new("e.toml", "a = 1\nb = = 2\n").parse().unwrap_err();
        assert!(error.to_string().starts_with("e.toml:2:5"), "{error}");
    }
}
