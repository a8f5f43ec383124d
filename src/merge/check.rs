//! Are the values of a pass's options right? Collects all that is wrong with them, each error at its
//! place. What the options mean is each pass's own business.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use toml::Spanned;

use super::PassScope;
use crate::error::{Error, ErrorKind, Result};
use crate::resource::TomlFile;
use crate::span::Label;

/// What a number that is added to or multiplied with log-odds may be.
pub(super) const LOG_ODDS: RangeInclusive<f64> = -1000.0..=1000.0;

/// What a score may be.
pub(super) const SCORE: RangeInclusive<f64> = 0.0..=1.0;

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
        let known = self.scope.sources;
        if !known.iter().any(|k| **k == **name.get_ref()) {
            let known: Vec<&str> = known.iter().map(|k| &**k).collect();
            self.report(Error::unknown("source", name.get_ref(), &known), name.span());
        }
        name.get_ref().as_str().into()
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
        let got = *value.get_ref();
        if !range.contains(&got) {
            let message =
                format!("'{key}' is {got}, expected {} to {}", range.start(), range.end());
            self.report(Error::new(ErrorKind::Config, message), value.span());
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
