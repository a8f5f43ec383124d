//! What a user set of a format's options: names and values as typed, read by the format itself.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use super::Importer;
use crate::error::{Error, ErrorKind, Result};

/// Options by name, each with its values in the order in which they were given.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<String, Vec<String>>);

impl Settings {
    /// Adds a value of an option.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.entry(name.to_owned()).or_default().push(value.to_owned());
    }

    /// The names of the options that are set, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The settings that a format heeds.
    pub fn heeded_by(&self, importer: &Importer) -> Self {
        let heeded = self.0.iter().filter(|(name, _)| importer.has_option(name));
        Self(heeded.map(|(name, values)| (name.clone(), values.clone())).collect())
    }

    /// The value that was given last.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.last().map(|value| value.trim())
    }

    /// All values, each cut at its commas.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.get(name).map_or(&[][..], |values| values);
        values.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|v| !v.is_empty())
    }

    /// All values, each cut at its commas, as `key=value`.
    pub(super) fn pairs<'s>(&'s self, name: &str) -> Result<Vec<(&'s str, &'s str)>> {
        let pair = |part: &'s str| match part.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
                Ok((key.trim(), value.trim()))
            }
            _ => Err(invalid(name, format!("'{part}' is not of the form KEY=VALUE"))),
        };
        self.list(name).map(pair).collect()
    }

    /// A number of at least `least`.
    pub(super) fn number<T: FromStr + PartialOrd + Display>(
        &self,
        name: &str,
        default: T,
        least: T,
    ) -> Result<T> {
        let Some(text) = self.text(name) else { return Ok(default) };
        match text.parse() {
            Ok(number) if number >= least => Ok(number),
            _ => Err(invalid(name, format!("'{text}' is no number of at least {least}"))),
        }
    }

    /// One of `known`, the first where nothing is set.
    pub(super) fn choice(&self, name: &str, known: &[&'static str]) -> Result<&'static str> {
        let text = self.text(name).or(known.first().copied()).unwrap_or("");
        let found = known.iter().find(|choice| **choice == text);
        found.copied().ok_or_else(|| Error::unknown(&format!("value of --{name}"), text, known))
    }
}

/// As they are typed on the command line, each after a space.
impl Display for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut all =
            self.0.iter().flat_map(|(name, values)| values.iter().map(move |v| (name, v)));
        all.try_for_each(|(name, value)| {
            let is_plain = |c: char| c.is_alphanumeric() || "=,.;:_-/*+".contains(c);
            match value.chars().all(is_plain) && !value.is_empty() {
                true => write!(f, " --{name} {value}"),
                false => write!(f, " --{name} '{}'", value.replace('\'', "'\\''")),
            }
        })
    }
}

/// What is wrong with a value.
pub(super) fn invalid(name: &str, message: impl Display) -> Error {
    Error::new(ErrorKind::Config, format!("--{name}: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_asked_for() {
        let mut settings = Settings::default();
        for (name, value) in
            [("a", "1"), ("a", "x=y, z = w"), ("n", "2.5"), ("n", "-1"), ("c", "two")]
        {
            settings.set(name, value);
        }
        assert_eq!(settings.to_string(), " --a 1 --a 'x=y, z = w' --c two --n 2.5 --n -1");
        assert_eq!(settings.list("a").collect::<Vec<_>>(), ["1", "x=y", "z = w"]);
        let error = settings.pairs("a").unwrap_err().to_string();
        assert_eq!(error, "--a: '1' is not of the form KEY=VALUE");
        let error = settings.number("n", 1.0, 0.0).unwrap_err().to_string();
        assert_eq!(error, "--n: '-1' is no number of at least 0");
        assert_eq!(settings.number("none", 7, 0).unwrap(), 7);
        assert_eq!(settings.choice("c", &["one", "two"]).unwrap(), "two");
        assert_eq!(settings.choice("none", &["one", "two"]).unwrap(), "one");
        let error = settings.choice("c", &["one"]).unwrap_err();
        assert_eq!(error.to_string(), "unknown value of --c 'two'");
    }
}
