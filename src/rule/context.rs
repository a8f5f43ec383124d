//! What must, and must not, stand beside an entity, and what its own text must pass: the keys
//! `left`, `not-left`, `right`, `not-right` and `check`, which mean the same wherever they are written.

use std::ops::Range;

use onig::Regex;
use toml::Spanned;

use super::check::{self, Check};
use super::limit::{Budget, Exceeded, matches_at, matches_in};
use super::macros::Vocabulary;
use crate::error::{Error, ErrorKind};
use crate::resource::TomlFile;
use crate::text::Span;

/// How far back `left` and `not-left` see, in characters.
const LEFT_CONTEXT: usize = 200;

/// The keys as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrittenContexts<'w> {
    pub left: Option<&'w Spanned<String>>,
    pub not_left: Option<&'w Spanned<String>>,
    pub right: Option<&'w Spanned<String>>,
    pub not_right: Option<&'w Spanned<String>>,
    pub check: Option<&'w Spanned<String>>,
}

/// What stands against an entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Objection<'c> {
    /// The key that decided.
    pub key: &'static str,
    /// Its value, with all names replaced.
    pub value: &'c str,
    /// Where the value stands in the rule's file.
    pub place: &'c Range<usize>,
}

/// The contexts and the validator of a rule or condition.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    check: Option<(&'static Check, Range<usize>)>,
    sides: Vec<Side>,
}

/// One context.
#[derive(Debug)]
struct Side {
    key: &'static str,
    /// With all names replaced.
    pattern: String,
    regex: Regex,
    place: Range<usize>,
    is_left: bool,
    expected: bool,
}

impl Contexts {
    /// The contexts that the keys say.
    ///
    /// # Errors
    /// Every pattern that is wrong and an unknown validator, each at its place.
    pub(super) fn build(
        written: &WrittenContexts<'_>,
        vocabulary: &Vocabulary,
        file: &TomlFile,
    ) -> Result<Self, Vec<Error>> {
        let mut contexts = Self::default();
        let mut errors = Vec::new();
        for (key, pattern, is_left, expected) in [
            ("left", written.left, true, true),
            ("not-left", written.not_left, true, false),
            ("right", written.right, false, true),
            ("not-right", written.not_right, false, false),
        ] {
            let Some(pattern) = pattern else { continue };
            match compile(pattern, vocabulary, file, is_left) {
                Ok((text, regex)) => {
                    let place = pattern.span();
                    contexts.sides.push(Side {
                        key,
                        pattern: text,
                        regex,
                        place,
                        is_left,
                        expected,
                    });
                }
                Err(wrong) => errors.extend(wrong),
            }
        }
        // What stands after an entity costs less to look at.
        contexts.sides.sort_by_key(|side| side.is_left);
        if let Some(name) = written.check {
            match check::check(name.get_ref()) {
                Ok(check) => contexts.check = Some((check, name.span())),
                Err(error) => errors.push(as_rule_error(&error).at(file.location(name.span()))),
            }
        }
        if errors.is_empty() { Ok(contexts) } else { Err(errors) }
    }

    /// All conditions, with all names replaced: their keys and values, sorted.
    pub(super) fn conditions(&self) -> Vec<(&'static str, &str)> {
        let sides = self.sides.iter().map(|side| (side.key, side.pattern.as_str()));
        let check = self.check.iter().map(|(check, _)| ("check", check.name));
        let mut all: Vec<_> = sides.chain(check).collect();
        all.sort_unstable();
        all
    }

    /// The patterns that must match beside the entity, with all names replaced.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        self.sides.iter().filter(|side| side.expected).map(|side| side.pattern.as_str())
    }

    /// The first of them that does not accept the entity.
    ///
    /// # Errors
    /// Where a limit is exceeded.
    pub(super) fn objection(
        &self,
        text: &str,
        entity: Span,
        budget: &Budget,
    ) -> Result<Option<Objection<'_>>, Exceeded> {
        if let Some((check, place)) = &self.check
            && !(check.valid)(entity.slice(text).unwrap_or(""))
        {
            return Ok(Some(Objection { key: "check", value: check.name, place }));
        }
        for side in &self.sides {
            let matches = if side.is_left {
                let (before, from) = left_of(text, entity.start);
                matches_in(&side.regex, before, from, budget)?
            } else {
                matches_at(&side.regex, text, entity.end, budget)?
            };
            if matches != side.expected {
                let Side { key, pattern, place, .. } = side;
                return Ok(Some(Objection { key, value: pattern, place }));
            }
        }
        Ok(None)
    }
}

/// Compiles a pattern with all names replaced, so that it ends at the end of the text where `at_end`.
///
/// # Errors
/// Unknown names, and what Oniguruma says, at the place of the pattern.
pub(super) fn compile(
    pattern: &Spanned<String>,
    vocabulary: &Vocabulary,
    file: &TomlFile,
    at_end: bool,
) -> Result<(String, Regex), Vec<Error>> {
    let text = vocabulary.expand(pattern, file)?;
    let regex = Regex::new(&text)
        .and_then(|regex| if at_end { Regex::new(&format!("(?:{text})\\z")) } else { Ok(regex) });
    match regex {
        Ok(regex) => Ok((text, regex)),
        Err(error) => Err(vec![bad_pattern(&error).at(file.location(pattern.span()))]),
    }
}

/// What Oniguruma says is wrong with a pattern.
pub(super) fn bad_pattern(error: &onig::Error) -> Error {
    Error::new(ErrorKind::Rule, format!("bad pattern: {}", error.description()))
}

/// A failed look-up as an error of a rule.
pub(super) fn as_rule_error(error: &Error) -> Error {
    let made = Error::new(ErrorKind::Rule, error.message());
    match error.help_text() {
        Some(help) => made.with_help(help),
        None => made,
    }
}

/// The text before the byte `end` as far as a left context sees it, and where in it a match may
/// begin: one character more is there where the text was cut, so that the cut does not look like the
/// beginning of the text or of a word.
pub(super) fn left_of(text: &str, end: usize) -> (&str, usize) {
    let before = text.get(..end).unwrap_or("");
    let mut backwards = before.char_indices().rev();
    let Some((first, _)) = backwards.nth(LEFT_CONTEXT - 1) else { return (before, 0) };
    let start = backwards.next().map_or(first, |(index, _)| index);
    (before.get(start..).unwrap_or(""), first - start)
}
