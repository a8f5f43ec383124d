//! What must be near a match, and what must not: the conditions that an entry may carry. They are
//! attributes of the entry (`context.near=Hilton|Ms.|/Jacks?on/`); a table in an engine file is turned
//! into these. Which entries match at all is `matcher`'s question.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use onig::{MatchParam, Regex, SearchOptions};

use crate::error::{Error, ErrorKind, Result};
use crate::text::boundary::{is_boundary, is_word};
use crate::text::{FoldOptions, Span, fold};

/// What the names of attributes that are conditions begin with.
pub(super) const PREFIX: &str = "context.";

/// How many words on either side are looked at where an entry does not say.
const WORDS: usize = 5;

/// The most words that may be asked for.
const MOST_WORDS: usize = 50;

/// The most characters that a word and what parts it from the next count for: it bounds the work in
/// texts without spaces.
const CHARACTERS_A_WORD: usize = 40;

/// How often a pattern may backtrack at one place.
const RETRIES: u32 = 10_000;

/// How many conditions are kept compiled; when there are more, all are forgotten.
const KEPT: usize = 4096;

/// The conditions there are, with where each looks and whether it forbids.
const CONDITIONS: [(&str, Side, bool); 6] = [
    ("near", Side::Both, false),
    ("not-near", Side::Both, true),
    ("left", Side::Left, false),
    ("not-left", Side::Left, true),
    ("right", Side::Right, false),
    ("not-right", Side::Right, true),
];

/// Where a condition looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Left => "to the left",
            Side::Right => "to the right",
            Side::Both => "on either side",
        }
    }
}

/// The conditions of an entry: all must hold.
#[derive(Debug)]
pub(super) struct Context {
    conditions: Vec<Condition>,
    words: usize,
}

/// One of some cues must be on a side, or none.
#[derive(Debug)]
struct Condition {
    side: Side,
    forbids: bool,
    cues: Vec<Cue>,
}

/// A word or phrase, or a pattern.
#[derive(Debug)]
enum Cue {
    /// As written, and folded.
    Words(String, String),
    /// As written, and compiled.
    Pattern(String, Regex),
}

impl Context {
    /// The conditions among an entry's attributes; `None` where there are none.
    ///
    /// # Errors
    /// Where a condition is unknown or empty, a pattern is none, or `words` is no number in range.
    pub(super) fn of<'a>(
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<Self>> {
        let mut context = Self { conditions: Vec::new(), words: WORDS };
        let mut is_any = false;
        for (key, value) in attributes {
            let Some(name) = key.strip_prefix(PREFIX) else { continue };
            is_any = true;
            context.add(name, value)?;
        }
        if is_any && context.conditions.is_empty() {
            return Err(alone());
        }
        Ok(is_any.then_some(context))
    }

    fn add(&mut self, name: &str, value: &str) -> Result<()> {
        if name == "words" {
            self.words =
                value.parse().ok().filter(|words| (1..=MOST_WORDS).contains(words)).ok_or_else(
                    || wrong(format!("'context.words' is '{value}', expected 1 to {MOST_WORDS}")),
                )?;
            return Ok(());
        }
        let Some(&(_, side, forbids)) = CONDITIONS.iter().find(|(known, ..)| *known == name) else {
            let known: Vec<&str> =
                CONDITIONS.iter().map(|(known, ..)| *known).chain(["words"]).collect();
            return Err(Error::unknown("context condition", name, &known));
        };
        let cues = split(value).map(Cue::parse).collect::<Result<Vec<_>>>();
        let cues = cues.map_err(|e| wrong(format!("'context.{name}': {}", e.message())))?;
        self.conditions.push(Condition { side, forbids, cues });
        Ok(())
    }

    /// The first condition that does not hold around `span`, in words; `None` where all do.
    pub(super) fn refusal(&self, text: &str, span: Span) -> Option<String> {
        let left = text.get(left_end(text, span.start, self.words)..span.start).unwrap_or("");
        let right = text.get(span.end..right_end(text, span.end, self.words)).unwrap_or("");
        let sides = [
            (left, fold(left, FoldOptions::ALL).into_text()),
            (right, fold(right, FoldOptions::ALL).into_text()),
        ];
        self.conditions.iter().find_map(|condition| {
            let seen = match condition.side {
                Side::Left => &sides[..1],
                Side::Right => &sides[1..],
                Side::Both => &sides[..],
            };
            let there = condition
                .cues
                .iter()
                .find(|cue| seen.iter().any(|(text, folded)| cue.is_in(text, folded)));
            let place = format!("within {} words {}", self.words, condition.side.name());
            match there {
                Some(cue) if condition.forbids => Some(format!("{} is {place}", cue.shown())),
                None if !condition.forbids => {
                    let cues: Vec<String> = condition.cues.iter().map(Cue::shown).collect();
                    Some(match &cues[..] {
                        [cue] => format!("{cue} is not {place}"),
                        cues => format!("none of {} is {place}", cues.join(", ")),
                    })
                }
                _ => None,
            }
        })
    }
}

impl Cue {
    fn parse(written: &str) -> Result<Self> {
        let written = written.trim();
        if let Some(pattern) = written.strip_prefix('/').and_then(|w| w.strip_suffix('/')) {
            if pattern.is_empty() {
                return Err(wrong("the pattern is empty"));
            }
            let regex = Regex::new(pattern)
                .map_err(|e| wrong(format!("bad pattern /{pattern}/: {}", e.description())))?;
            return Ok(Cue::Pattern(pattern.to_owned(), regex));
        }
        let folded = fold(written, FoldOptions::ALL).into_text();
        if folded.trim().is_empty() {
            return Err(wrong("a word is empty, expected words and /patterns/ parted by |"));
        }
        Ok(Cue::Words(written.to_owned(), folded.trim().to_owned()))
    }

    fn is_in(&self, text: &str, folded: &str) -> bool {
        match self {
            Cue::Words(_, words) => folded.match_indices(words.as_str()).any(|(start, _)| {
                is_boundary(folded, start) && is_boundary(folded, start + words.len())
            }),
            Cue::Pattern(_, regex) => {
                let mut limits = MatchParam::default();
                limits.set_retry_limit_in_match(RETRIES);
                let options = SearchOptions::SEARCH_OPTION_NONE;
                matches!(
                    regex.search_with_param(text, 0, text.len(), options, None, limits),
                    Ok(Some(_))
                )
            }
        }
    }

    fn shown(&self) -> String {
        match self {
            Cue::Words(written, _) => format!("'{written}'"),
            Cue::Pattern(pattern, _) => format!("/{pattern}/"),
        }
    }
}

/// The error about a number of words without anything to look for.
pub(super) fn alone() -> Error {
    wrong("'context.words' stands alone, expected a condition beside it")
}

/// Whether `value` may be the value of the condition `name`.
///
/// # Errors
/// As [`Context::of`].
pub(super) fn check(name: &str, value: &str) -> Result<()> {
    Context { conditions: Vec::new(), words: WORDS }.add(name, value)
}

/// Cues as one value. In patterns, what would part attributes or rows of TSV is written otherwise.
///
/// # Errors
/// Where a word holds such a character, or a bar.
pub(super) fn joined(cues: &[String]) -> Result<String> {
    let mut parts = Vec::new();
    for cue in cues {
        let is_pattern = cue.len() > 1 && cue.starts_with('/') && cue.ends_with('/');
        if !is_pattern && cue.contains(['|', ';', '\t', '\n']) {
            return Err(wrong(format!(
                "the word '{}' holds a bar, semicolon, tab or line break",
                cue.escape_debug()
            ))
            .with_help("write it as a pattern: /…/"));
        }
        parts.push(cue.replace(';', r"\x3b").replace('\t', r"\t").replace('\n', r"\n"));
    }
    Ok(parts.join("|"))
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Gazetteer, message)
}

/// The cues of a value: parted by `|`, but not inside `/…/`.
fn split(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let begun = text.trim_start();
        let inside = text.len() - begun.len() + 1;
        // A pattern ends with the first slash that a bar or nothing follows.
        let from = match begun.starts_with('/') {
            true => text
                .match_indices('/')
                .map(|(at, _)| at + 1)
                .filter(|&end| end > inside)
                .find(|&end| {
                    let after = text.get(end..).unwrap_or("").trim_start();
                    after.is_empty() || after.starts_with('|')
                })
                .unwrap_or(0),
            false => 0,
        };
        let bar = text.get(from..).and_then(|t| t.find('|')).map(|at| from + at);
        let cue = bar.map_or(Some(text), |bar| text.get(..bar));
        rest = bar.and_then(|bar| text.get(bar + 1..));
        cue
    })
}

/// Where the words begin that end before `at`, so many of them.
fn left_end(text: &str, at: usize, words: usize) -> usize {
    let before = text.get(..at).unwrap_or("").char_indices().rev();
    let mut end = at;
    let (mut seen, mut inside) = (0, false);
    for (index, c) in before.take(words * CHARACTERS_A_WORD) {
        if is_word(c) && !inside {
            seen += 1;
            if seen > words {
                break;
            }
        }
        inside = is_word(c);
        end = index;
    }
    end
}

/// Where the words end that begin after `at`, so many of them.
fn right_end(text: &str, at: usize, words: usize) -> usize {
    let after = text.get(at..).unwrap_or("").chars();
    let mut end = at;
    let (mut seen, mut inside) = (0, false);
    for c in after.take(words * CHARACTERS_A_WORD) {
        if is_word(c) && !inside {
            seen += 1;
            if seen > words {
                break;
            }
        }
        inside = is_word(c);
        end += c.len_utf8();
    }
    end
}

/// Conditions that were read before, by the text of the attributes.
#[derive(Debug, Default)]
pub(super) struct Contexts(RwLock<HashMap<String, Option<Arc<Context>>>>);

impl Contexts {
    /// The conditions among the attributes; an error where they cannot be read (a compiled gazetteer
    /// that was not made by us).
    pub(super) fn of<'a>(
        &self,
        attributes: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<Arc<Context>>> {
        let conditions: Vec<(&str, &str)> =
            attributes.filter(|(key, _)| key.starts_with(PREFIX)).collect();
        if conditions.is_empty() {
            return Ok(None);
        }
        let text: String =
            conditions.iter().flat_map(|(key, value)| [*key, "\0", *value, "\0"]).collect();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = known.get(&text) {
            return Ok(context.clone());
        }
        drop(known);
        let context = Context::of(conditions)?.map(Arc::new);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(text, context.clone());
        Ok(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(attributes: &[(&str, &str)]) -> Context {
        Context::of(attributes.iter().copied()).unwrap().unwrap()
    }

    fn refusal(attributes: &[(&str, &str)], text: &str) -> Option<String> {
        let start = text.find("Paris").unwrap();
        context(attributes).refusal(text, Span::new(start, start + 5))
    }

    #[test]
    fn cues_are_looked_for_within_so_many_words() {
        let near = [("context.near", "Hilton|Ms.|/Jacks?on/")];
        for text in ["Paris Hilton", "ms. Paris", "Paris, or Jakson", "hïlton: a b c d Paris"] {
            let expected = text.contains("Jakson");
            assert_eq!(refusal(&near, text).is_some(), expected, "{text}");
        }
        assert!(refusal(&near, "Hilton a b c d e Paris").is_some());
        assert!(refusal(&near, "Jackson in Paris").is_none());
        assert!(refusal(&near, "Hiltons Paris").is_some());
        let one = [("context.left", "in|near the"), ("context.words", "2")];
        assert!(refusal(&one, "near the Paris").is_none());
        assert!(refusal(&one, "near the old Paris").is_some());
        assert!(refusal(&one, "Paris in").is_some());
    }

    #[test]
    fn refusals_say_which_word() {
        let cases = [
            (
                vec![("context.near", "Hilton|/Jackson/")],
                "none of 'Hilton', /Jackson/ is within 5 words on either side",
            ),
            (
                vec![("context.not-right", "Texas"), ("context.words", "3")],
                "'Texas' is within 3 words to the right",
            ),
            (vec![("context.left", "Ms.")], "'Ms.' is not within 5 words to the left"),
        ];
        for (attributes, expected) in cases {
            assert_eq!(refusal(&attributes, "a Paris, Texas").as_deref(), Some(expected));
        }
    }

    #[test]
    fn values_are_split_at_bars_outside_patterns() {
        let cases = [
            ("a|b c", vec!["a", "b c"]),
            ("/a|b/|c", vec!["/a|b/", "c"]),
            (" /a/b|c/ | d", vec![" /a/b|c/ ", " d"]),
            ("/a", vec!["/a"]),
            ("a|", vec!["a", ""]),
        ];
        for (value, expected) in cases {
            assert_eq!(split(value).collect::<Vec<_>>(), expected, "{value}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("context.naer", "x", "unknown context condition 'naer'"),
            ("context.near", "", "'context.near': a word is empty"),
            ("context.near", "a||b", "'context.near': a word is empty"),
            ("context.left", "/(/", "'context.left': bad pattern /(/: "),
            ("context.left", "//", "'context.left': the pattern is empty"),
            ("context.words", "0", "'context.words' is '0', expected 1 to 50"),
            ("context.words", "3", "'context.words' stands alone"),
        ];
        for (key, value, expected) in cases {
            let error = Context::of([(key, value)]).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(Context::of([("cc", "FR")]).unwrap().is_none());
    }

    #[test]
    fn windows_are_bounded() {
        let long = "x".repeat(100_000);
        assert_eq!(left_end(&long, long.len(), 5), long.len() - 200);
        assert_eq!(right_end(&long, 0, 5), 200);
        let text = format!("{} Paris", "a".repeat(190));
        assert!(refusal(&[("context.left", "/(a|a)*c/")], &text).is_some());
    }

    #[test]
    fn what_was_read_is_kept() {
        let contexts = Contexts::default();
        let attributes = [("cc", "FR"), ("context.near", "Hilton")];
        let first = contexts.of(attributes.into_iter()).unwrap().unwrap();
        let again = contexts.of(attributes.into_iter()).unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(contexts.of([("cc", "FR")].into_iter()).unwrap().is_none());
    }
}
