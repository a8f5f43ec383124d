//! Does the casing of a text fit a surface? Asked about a match that the folded texts agree on, with
//! the original text at hand; it finds no matches itself.

use std::ops::Range;

use super::variants::bare;
use crate::error::{Error, Result};
use crate::text::common::words;
use crate::text::{CommonWords, FoldOptions, Span, fold, segment};

/// Which casing of a text matches a surface.
///
/// `exact`: the surface's own. `fold`: any. `smart` asks what the casing says:
/// - a surface without capitals matches any casing;
/// - an acronym (capitals only, at most five letters: `US`, `WHO`) matches capitals only, and in a
///   line that is all capitals it must not be a common word;
/// - any other surface matches where each of its capitalised words is capitalised in the text
///   (`of`, `the`, `de` and their like may vary);
/// - where casing says nothing (the text is all lower case, or its line is all capitals) or is odd
///   (`pARIS`), it matches if not all of its words are common; without a list of common words,
///   lower-case text does not match at all.
///
/// A single common word with its capital where a sentence, a line or the text begins ("Reading is
/// fun.") matches with half its score: the capital may be that of the sentence.
///
/// A hashtag (`#nato`) that is not a common word counts as capitals for an acronym.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// The casing of the surface.
    Exact,
    /// What the casing says, see above.
    #[default]
    Smart,
    /// Any casing.
    Fold,
}

impl Case {
    /// Its name as written in files.
    pub fn name(self) -> &'static str {
        match self {
            Case::Exact => "exact",
            Case::Smart => "smart",
            Case::Fold => "fold",
        }
    }

    /// The policy of this name.
    ///
    /// # Errors
    /// Where there is none; the error lists those there are.
    pub fn parse(name: &str) -> Result<Self> {
        [Case::Exact, Case::Smart, Case::Fold]
            .into_iter()
            .find(|case| case.name() == name)
            .ok_or_else(|| Error::unknown("case", name, &["exact", "smart", "fold"]))
    }
}

/// The part of its score that a single common word keeps where a sentence begins with it.
const SENTENCE_START_FACTOR: f32 = 0.5;

/// A line with fewer letters than this is not taken for one in capitals: it may be an acronym alone.
const CAPITALS_LINE_LETTERS: usize = 10;

/// Words of names whose casing varies, sorted.
const PARTICLES: &[&str] = &[
    "a", "al", "and", "at", "by", "da", "das", "de", "del", "della", "den", "der", "des", "di",
    "do", "dos", "du", "e", "el", "et", "for", "in", "la", "las", "le", "les", "los", "of", "on",
    "or", "the", "to", "und", "van", "von", "y", "zu",
];

/// How a text reads beside the surface that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// The same after folding.
    Same,
    /// With other hyphens, spaces or apostrophes.
    Variant,
    /// With so many typographical errors.
    Misspelt(usize),
}

/// How a surface is cased; what the smart policy needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It has no capitals.
    Lower,
    /// It has capitals only, at most five letters.
    Acronym,
    /// Anything else.
    Capitalised,
}

impl Shape {
    /// The shape of a surface.
    pub(super) fn of(surface: &str) -> Self {
        let letters = Letters::of(surface);
        match letters {
            Letters { upper: 0, .. } => Shape::Lower,
            Letters { lower: 0, total: ..=5, .. } => Shape::Acronym,
            _ => Shape::Capitalised,
        }
    }
}

/// How many letters there are of which case.
#[derive(Debug, Clone, Copy, Default)]
struct Letters {
    upper: usize,
    lower: usize,
    total: usize,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self::default();
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            letters.total += 1;
            letters.upper += usize::from(c.is_uppercase());
            letters.lower += usize::from(c.is_lowercase());
        }
        letters
    }
}

/// Judges the matches of one document; fastest in text order.
pub(super) struct Judge<'a> {
    text: &'a str,
    common: &'a CommonWords,
    /// The last line looked at, and whether it is all capitals.
    line: Option<(Range<usize>, bool)>,
}

impl<'a> Judge<'a> {
    /// A judge of matches in `text`.
    pub(super) fn new(text: &'a str, common: &'a CommonWords) -> Self {
        Self { text, common, line: None }
    }

    /// A part of the text.
    pub(super) fn slice(&self, span: Span) -> &'a str {
        span.slice(self.text).unwrap_or("")
    }

    /// What the match of `surface` at `span` is worth by its casing: a factor of its score, or `None`
    /// where it is refused. `key` is what the text there folds to.
    ///
    /// What is misspelt is compared by the first letters of its words: `exact` wants them cased as those
    /// of the surface, `smart` wants its capitals (or a line of capitals) and takes no acronyms.
    pub(super) fn judge(
        &mut self,
        case: Case,
        (surface, shape): (&str, Shape),
        spelling: Spelling,
        span: Span,
        key: &str,
    ) -> Option<f32> {
        let matched = span.slice(self.text)?;
        let is_misspelt = matches!(spelling, Spelling::Misspelt(_));
        match case {
            Case::Fold => Some(1.0),
            Case::Exact if is_misspelt => (has_the_capitals_of(matched, surface)
                && has_the_capitals_of(surface, matched))
            .then_some(1.0),
            Case::Exact => is_cased_alike(matched, surface, spelling).then_some(1.0),
            Case::Smart => match shape {
                Shape::Lower => Some(1.0),
                Shape::Acronym if is_misspelt => None,
                Shape::Acronym => self.accepts_acronym(matched, span, key).then_some(1.0),
                Shape::Capitalised if is_misspelt => {
                    let is_in_capitals =
                        Letters::of(matched).lower == 0 && self.is_in_capitals_line(span.start);
                    (is_in_capitals || has_the_capitals_of(matched, surface)).then_some(1.0)
                }
                Shape::Capitalised => self.judge_capitalised(matched, surface, span, key),
            },
        }
    }

    /// Why [`Judge::judge`] refused, in words.
    pub(super) fn refusal(
        &self,
        case: Case,
        (surface, shape): (&str, Shape),
        spelling: Spelling,
        span: Span,
        key: &str,
    ) -> String {
        let matched = span.slice(self.text).unwrap_or("");
        let is_common = self.common.are_all(key);
        let because = match (case, shape, spelling) {
            (Case::Smart, Shape::Acronym, Spelling::Misspelt(_)) => {
                "an acronym may not be misspelt"
            }
            (Case::Smart, Shape::Acronym, _) if Letters::of(matched).lower > 0 => {
                "an acronym needs capitals"
            }
            (Case::Smart, Shape::Acronym, _) => "in a line of capitals a common word is no acronym",
            (Case::Smart, _, Spelling::Misspelt(_)) => "what is misspelt needs its capitals",
            (Case::Smart, ..) if !self.common.is_given() => {
                "without 'common-words' a name needs its capitals"
            }
            (Case::Smart, ..) if is_common => "common words need their capitals",
            (Case::Smart, ..) => "its capitals differ",
            _ => "the casing must be the same",
        };
        format!(
            "case = \"{}\": the entry is '{surface}', the text has '{matched}', and {because}",
            case.name()
        )
    }

    fn accepts_acronym(&mut self, matched: &str, span: Span, key: &str) -> bool {
        if Letters::of(matched).lower > 0 {
            let before = self.text.get(..span.start).unwrap_or("");
            return before.ends_with('#') && self.common.is_given() && !self.common.are_all(key);
        }
        !self.is_in_capitals_line(span.start) || !self.common.are_all(key)
    }

    fn judge_capitalised(
        &mut self,
        matched: &str,
        surface: &str,
        span: Span,
        key: &str,
    ) -> Option<f32> {
        let letters = Letters::of(matched);
        if letters.upper == 0 {
            return (self.common.is_given() && !self.common.are_all(key)).then_some(1.0);
        }
        if letters.lower == 0 && self.is_in_capitals_line(span.start) {
            return (!self.common.are_all(key)).then_some(1.0);
        }
        if matched != surface && !has_the_capitals_of(matched, surface) {
            return (!self.common.are_all(key)).then_some(1.0);
        }
        let weak = words(key).nth(1).is_none()
            && self.common.are_all(key)
            && is_sentence_start(self.text, span.start);
        Some(if weak { SENTENCE_START_FACTOR } else { 1.0 })
    }

    /// Whether the line around `at` has letters enough and none of them is lower case. A line is
    /// looked at once, however many matches it has.
    fn is_in_capitals_line(&mut self, at: usize) -> bool {
        if let Some((line, is_capitals)) = &self.line
            && line.contains(&at)
        {
            return *is_capitals;
        }
        let start = self.text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
        let rest = self.text.get(at..).unwrap_or("");
        let end = at + rest.find('\n').unwrap_or(rest.len());
        let line = self.text.get(start..end).unwrap_or("");
        let is_capitals = !line.contains(char::is_lowercase)
            && line.chars().filter(|c| c.is_uppercase()).nth(CAPITALS_LINE_LETTERS - 1).is_some();
        self.line = Some((start..end.max(at + 1), is_capitals));
        is_capitals
    }
}

/// Whether two texts of one fold differ in nothing but what the cased fold removes, and variants may.
fn is_cased_alike(matched: &str, surface: &str, spelling: Spelling) -> bool {
    let cased = |text| match spelling {
        Spelling::Same => fold(text, FoldOptions::CASED).into_text(),
        _ => bare(fold(text, FoldOptions::CASED).text()),
    };
    matched == surface || cased(matched) == cased(surface)
}

/// Whether each capitalised word of `surface`, but for particles, is capitalised in `matched`; both
/// have the same fold.
fn has_the_capitals_of(matched: &str, surface: &str) -> bool {
    let matched = fold(matched, FoldOptions::CASED).into_text();
    let surface = fold(surface, FoldOptions::CASED).into_text();
    let starts_upper = |word: &str| word.starts_with(char::is_uppercase);
    let is_single = words(&surface).nth(1).is_none();
    words(&matched).zip(words(&surface)).all(|(matched, surface)| {
        starts_upper(matched)
            || !starts_upper(surface)
            || !is_single && PARTICLES.binary_search(&matched).is_ok()
    })
}

/// Whether a sentence, a line or the text begins at `at`, opening quotes and brackets aside.
fn is_sentence_start(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or("");
    let before = before.trim_end_matches(|c: char| "\"'“‘„«([{*_#-–—•".contains(c));
    let trimmed = before.trim_end();
    if trimmed.is_empty() || before.get(trimmed.len()..).is_some_and(|gap| gap.contains('\n')) {
        return true;
    }
    if trimmed.len() == before.len() {
        return false;
    }
    let closed = trimmed.trim_end_matches(|c: char| "\"'”’»)]}".contains(c));
    closed.ends_with(['.', '!', '?', '…', ':']) && segment::ends_sentence(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_are_sorted() {
        assert!(PARTICLES.is_sorted());
    }

    #[test]
    fn shapes_are_told_apart() {
        let cases = [
            ("iphone", Shape::Lower),
            ("東京", Shape::Lower),
            ("U.S.", Shape::Acronym),
            ("US", Shape::Acronym),
            ("UNESCO", Shape::Capitalised),
            ("eBay", Shape::Capitalised),
            ("Paris", Shape::Capitalised),
        ];
        for (surface, shape) in cases {
            assert_eq!(Shape::of(surface), shape, "{surface}");
        }
    }

    #[test]
    fn sentences_begin_after_their_ends() {
        let text = "May I? “May I?” He met Mr. May. (May) in May:\nMay - 5. May";
        let starts: Vec<bool> =
            text.match_indices("May").map(|(at, _)| is_sentence_start(text, at)).collect();
        assert_eq!(starts, [true, true, false, true, false, true, true]);
    }

    #[test]
    fn possessives_and_apostrophes_are_part_of_a_word() {
        let mut common = CommonWords::default();
        common.add("# list\n\nmay\nDon’t\nthe\n");
        assert!(common.are_all("the may's"));
        assert!(common.are_all("don't"));
        assert!(!common.are_all("may paris"));
        assert!(!CommonWords::default().are_all("may"));
    }
}
