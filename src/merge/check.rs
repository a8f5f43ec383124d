//! Are the values of a pass's options right? Collects all that is wrong with them, each error at its
//! place. What the options mean is each pass's own business.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::concern::Concern;
use super::pattern::{Pattern, Where};
use super::{Pass, PassScope};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::{Section, TomlFile};
use crate::span::Label;

/// What a number that is added to or multiplied with log-odds may be.
pub(super) const LOG_ODDS: RangeInclusive<f64> = -1000.0..=1000.0;

/// What a score may be.
pub(super) const SCORE: RangeInclusive<f64> = 0.0..=1.0;

/// The pass that `make` makes of the options in a section.
///
/// # Errors
/// Where a key is unknown or of a wrong type, else all that `make` reported.
pub(super) fn build<O: DeserializeOwned, P: Pass + 'static>(
    section: Section<'_>,
    scope: &PassScope<'_>,
    make: impl FnOnce(O, &mut Checks<'_>) -> P,
) -> Result<Box<dyn Pass>> {
    let mut checks = Checks::new(section.file(), scope);
    let pass = make(section.read()?, &mut checks);
    checks.finish(Box::new(pass))
}

/// [`build`] for a pass whose section holds one array of tables, `[[merge.KEY]]`, besides its options;
/// `make` gets the tables that can be read, each with its place.
///
/// # Errors
/// As [`build`], for the section and every table, and where there is no table.
pub(super) fn build_of_tables<O: DeserializeOwned, T: DeserializeOwned, P: Pass + 'static>(
    mut section: Section<'_>,
    scope: &PassScope<'_>,
    (pass, key): (&str, &str),
    make: impl FnOnce(O, Vec<(T, Location)>, &mut Checks<'_>) -> P,
) -> Result<Box<dyn Pass>> {
    let mut checks = Checks::new(section.file(), scope);
    let tables = section.take_tables(key)?;
    if tables.is_empty() {
        let message = format!("pass '{pass}' has no {key}, expected [[merge.{key}]] tables");
        checks.report_placed(section.error(message));
    }
    let mut read = Vec::new();
    for table in tables {
        let place = table.location();
        match table.read() {
            Ok(table) => read.push((table, place)),
            Err(error) => checks.report_placed(error),
        }
    }
    match section.read() {
        Ok(options) => {
            let pass = make(options, read, &mut checks);
            checks.finish(Box::new(pass))
        }
        Err(error) => {
            checks.report_placed(error);
            Err(Error::several(checks.errors).expect("one error was reported"))
        }
    }
}

/// A section that holds nothing besides its tables.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// One name or a list of names.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(super) enum Names {
    /// `"PER"`
    One(String),
    /// `["PER", "LOC"]`
    Several(Vec<String>),
}

impl Names {
    /// The names.
    pub(super) fn list(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

/// A check of one section under way.
pub(super) struct Checks<'a> {
    file: &'a TomlFile,
    scope: &'a PassScope<'a>,
    errors: Vec<Error>,
}

impl<'a> Checks<'a> {
    /// A check of a section that stands in `file`.
    pub(super) fn new(file: &'a TomlFile, scope: &'a PassScope<'a>) -> Self {
        Self { file, scope, errors: Vec::new() }
    }

    /// Notes an error at its place.
    pub(super) fn report(&mut self, error: Error, place: Range<usize>) {
        self.errors.push(error.at(self.file.location(place)));
    }

    /// Notes an error that has its place.
    pub(super) fn report_placed(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// The source of this name, which the engine must have.
    pub(super) fn source(&mut self, name: &Spanned<String>) -> Arc<str> {
        self.source_at(name.get_ref(), name.span())
    }

    fn source_at(&mut self, name: &str, place: Range<usize>) -> Arc<str> {
        let known = self.scope.sources;
        if !known.iter().any(|k| **k == *name) {
            let known: Vec<&str> = known.iter().map(|k| &**k).collect();
            self.report(Error::unknown("source", name, &known), place);
        }
        name.into()
    }

    /// What this section belongs to.
    pub(super) fn scope(&self) -> &'a PassScope<'a> {
        self.scope
    }

    /// The place of a byte range of the section's file.
    pub(super) fn location(&self, place: Range<usize>) -> Location {
        self.file.location(place)
    }

    /// The candidates that the options `sources` and `labels` speak of.
    pub(super) fn concern(
        &mut self,
        sources: Option<&[Spanned<String>]>,
        labels: Option<&[Spanned<String>]>,
    ) -> Concern {
        Concern::new(sources, labels, self)
    }

    /// The labels of these names, which the engine must declare.
    pub(super) fn labels(&mut self, names: &Spanned<Names>) -> Vec<Label> {
        let list = names.get_ref().list();
        list.iter().map(|name| self.label(name, names.span())).collect()
    }

    /// The sources of these names, which the engine must have.
    pub(super) fn sources(&mut self, names: &Spanned<Names>) -> Vec<Arc<str>> {
        let list = names.get_ref().list();
        list.iter().map(|name| self.source_at(name, names.span())).collect()
    }

    /// The compiled `pattern`; `None` where there is none or it is wrong, which is reported.
    pub(super) fn pattern(
        &mut self,
        pattern: Option<&Spanned<String>>,
        place: Where,
    ) -> Option<Pattern> {
        let pattern = pattern?;
        match Pattern::new(pattern.get_ref(), place) {
            Ok(compiled) => Some(compiled),
            Err(message) => {
                self.report(Error::new(ErrorKind::Config, message), pattern.span());
                None
            }
        }
    }

    /// The names and texts of the files that `names`, which may be globs, stand for.
    pub(super) fn named_texts(&mut self, names: &[Spanned<String>]) -> Vec<(String, String)> {
        let files = self.scope.files;
        let mut texts = Vec::new();
        for pattern in names {
            let read = files.expand(pattern.get_ref()).and_then(|found| {
                let read = |name: String| Ok((files.display(&name), files.read_text(&name)?));
                found.into_iter().map(read).collect::<Result<Vec<_>>>()
            });
            match read {
                Ok(found) => texts.extend(found),
                Err(error) => self.report(error, pattern.span()),
            }
        }
        texts
    }

    /// The label `name` at `place`, which the engine must declare.
    pub(super) fn label(&mut self, name: &str, place: Range<usize>) -> Label {
        let known = self.scope.labels;
        if !known.iter().any(|k| k.as_str() == name) {
            let known: Vec<&str> = known.iter().map(Label::as_str).collect();
            self.report(Error::unknown("label", name, &known), place);
        }
        Label::new(name)
    }

    /// The value of the option `key`, which must lie in `range`.
    pub(super) fn number(
        &mut self,
        key: &str,
        value: &Spanned<f64>,
        range: RangeInclusive<f64>,
    ) -> f64 {
        self.number_at(key, *value.get_ref(), range, value.span())
    }

    /// [`Checks::number`] of a value that stands at `place`.
    pub(super) fn number_at(
        &mut self,
        key: &str,
        got: f64,
        range: RangeInclusive<f64>,
        place: Range<usize>,
    ) -> f64 {
        if !range.contains(&got) {
            let message =
                format!("'{key}' is {got}, expected {} to {}", range.start(), range.end());
            self.report(Error::new(ErrorKind::Config, message), place);
        }
        got
    }

    /// [`Checks::number`] of an option that may be left out.
    pub(super) fn number_or(
        &mut self,
        key: &str,
        value: Option<&Spanned<f64>>,
        range: RangeInclusive<f64>,
        default: f64,
    ) -> f64 {
        value.map_or(default, |value| self.number(key, value, range))
    }

    /// `value` where nothing was wrong.
    ///
    /// # Errors
    /// All that was.
    pub(super) fn finish<T>(self, value: T) -> Result<T> {
        Error::several(self.errors).map_or(Ok(value), Err)
    }
}
