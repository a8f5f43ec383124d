//! What `--why-not` asks about: a surface, an occurrence of one, or a span, with or without a label.

use crate::error::{Error, ErrorKind, Result};
use crate::span::{Label, Span};
use crate::text::{Document, OffsetTable, OffsetUnit};

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    what: What,
    /// The label that was expected; `None` for any.
    pub(super) label: Option<Label>,
    written: String,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    /// Code points `start..end`.
    Span(usize, usize),
    /// A text, and which of its occurrences, from 1.
    Surface(String, Option<usize>),
}

/// That a label is none of an engine's.
type Unknown<'a> = &'a dyn Fn(&str) -> Error;

impl Question {
    /// Reads `Paris/LOC`, `Paris`, `Paris#2/LOC` or `10..15/LOC`; `known` are the labels of the engine, `unknown` says that
    /// one is none of them.
    ///
    /// What follows the last `/` is a label where the engine knows it, or where it looks like one and
    /// `texts` do not hold the whole.
    ///
    /// # Errors
    /// Where it is empty or names a label that is not known.
    pub(super) fn parse(
        written: &str,
        (known, unknown): (&[Label], Unknown<'_>),
        texts: &[&str],
    ) -> Result<Self> {
        let is_in_texts = |surface: &str| texts.iter().any(|text| text.contains(surface));
        let (what, label) = match written.rsplit_once('/') {
            Some((what, name)) if known.iter().any(|l| l.as_str() == name) => {
                (what, Some(Label::new(name)))
            }
            Some((what, name)) if !is_in_texts(written) && !what.is_empty() => {
                return Err(unknown(name));
            }
            _ => (written, None),
        };
        if what.is_empty() {
            let message = format!("'{written}' asks about nothing");
            return Err(Error::new(ErrorKind::Config, message).with_help(FORMS));
        }
        let what = match (span(what), what.rsplit_once('#')) {
            _ if is_in_texts(what) => What::Surface(what.to_owned(), None),
            (Some((start, end)), _) => What::Span(start, end),
            (None, Some((surface, number))) if number.parse().is_ok_and(|n: usize| n > 0) => {
                What::Surface(surface.to_owned(), number.parse().ok())
            }
            _ => What::Surface(what.to_owned(), None),
        };
        Ok(Self { what, label, written: written.to_owned() })
    }

    /// The spans of a document that it is about; none where the surface does not occur.
    ///
    /// # Errors
    /// Where it asks for an occurrence or code points that the document does not have.
    pub(super) fn spans(&self, document: &Document) -> Result<Vec<Span>> {
        let text = &document.text;
        match &self.what {
            What::Span(start, end) => {
                let offsets = OffsetTable::new(text, OffsetUnit::Char);
                let byte = |offset| offsets.to_byte(offset);
                match (byte(*start), byte(*end)) {
                    (Some(start), Some(end)) if start < end => Ok(vec![Span::new(start, end)]),
                    _ => {
                        let count = text.chars().count();
                        Err(self.error(format!(
                            "{start}..{end} is no part of document '{}', which has {count} characters",
                            document.id
                        )))
                    }
                }
            }
            What::Surface(surface, number) => {
                let found = occurrences(text, surface);
                match number {
                    None => Ok(found),
                    Some(_) if found.is_empty() => Ok(found),
                    Some(number) => {
                        found.get(number - 1).map(|span| vec![*span]).ok_or_else(|| {
                            self.error(format!(
                                "'{surface}' stands {} times in document '{}', not {number}",
                                found.len(),
                                document.id
                            ))
                        })
                    }
                }
            }
        }
    }

    /// That none of the documents holds it; `texts` are theirs.
    pub(super) fn nowhere(&self, texts: &[&str]) -> Error {
        let What::Surface(surface, _) = &self.what else {
            return self.error("there is no document".to_owned());
        };
        let error = Error::new(ErrorKind::Config, format!("'{surface}' is not in the text"));
        let near = texts.iter().find_map(|text| like(text, surface));
        error.with_help(match near {
            Some(near) => format!("did you mean '{near}'?"),
            None => FORMS.to_owned(),
        })
    }

    fn error(&self, message: String) -> Error {
        Error::new(ErrorKind::Config, format!("--why-not '{}': {message}", self.written))
            .with_help(FORMS)
    }
}

/// What may be asked.
const FORMS: &str =
    "ask for 'Paris', 'Paris/LOC', the second one 'Paris#2/LOC', or code points '10..15/LOC'";

fn span(text: &str) -> Option<(usize, usize)> {
    let (start, end) = text.split_once("..")?;
    Some((start.parse().ok()?, end.parse().ok()?))
}

/// Where `surface` stands in `text`: as words of its own, or anywhere where it is never that.
fn occurrences(text: &str, surface: &str) -> Vec<Span> {
    let all: Vec<Span> =
        text.match_indices(surface).map(|(at, s)| Span::new(at, at + s.len())).collect();
    let is_word = |span: &&Span| {
        let before = text.get(..span.start).and_then(|t| t.chars().next_back());
        let after = text.get(span.end..).and_then(|t| t.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    };
    let words: Vec<Span> = all.iter().filter(is_word).copied().collect();
    if words.is_empty() { all } else { words }
}

/// The part of `text` that differs from `surface` only in case.
fn like<'t>(text: &'t str, surface: &str) -> Option<&'t str> {
    let wanted = surface.to_lowercase();
    let count = surface.chars().count();
    let starts = text.char_indices().map(|(at, _)| at);
    starts
        .filter_map(|at| {
            let rest = text.get(at..)?;
            let end = rest.char_indices().nth(count).map_or(rest.len(), |(end, _)| end);
            rest.get(..end)
        })
        .find(|part| part.to_lowercase() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "é Paris and/or Paris, Parisian 1..2";

    fn parse(written: &str) -> Result<Question> {
        let known = ["LOC".into(), "PER".into()];
        let unknown = |name: &str| Error::unknown("label", name, &["LOC", "PER"]);
        Question::parse(written, (&known, &unknown), &[TEXT])
    }

    fn found(written: &str) -> Vec<(usize, usize)> {
        let spans = parse(written).unwrap().spans(&Document::new("d", TEXT)).unwrap();
        spans.iter().map(|span| (span.start, span.end)).collect()
    }

    #[test]
    fn surfaces_occurrences_and_spans_are_told_apart() {
        assert_eq!(found("Paris"), [(3, 8), (16, 21)], "words of their own");
        assert_eq!(found("Paris#2/LOC"), [(16, 21)]);
        assert_eq!(found("Pari"), [(3, 7), (16, 20), (23, 27)], "no word of its own");
        assert_eq!(found("2..7/PER"), [(3, 8)], "code points");
        assert_eq!(found("and/or"), [(9, 15)], "a slash of the text");
        assert_eq!(found("1..2"), [(32, 36)], "the text goes before code points");
        assert_eq!(parse("Paris/PER").unwrap().label, Some("PER".into()));
        assert_eq!(found("London"), []);
    }

    #[test]
    fn what_cannot_be_asked_is_told() {
        let message = |written: &str| parse(written).unwrap_err().to_string();
        assert_eq!(message("Paris/LCO"), "unknown label 'LCO'");
        assert_eq!(message("/LOC"), "'/LOC' asks about nothing");
        let document = Document::new("d", TEXT);
        let wrong = |written: &str| parse(written).unwrap().spans(&document).unwrap_err();
        assert!(wrong("Paris#3").to_string().contains("stands 2 times"));
        for span in ["7..99/LOC", "7..7", "9..7"] {
            assert!(wrong(span).to_string().contains("has 35 characters"), "{span}");
        }
        let nowhere = parse("paris#1").unwrap().nowhere(&[TEXT]);
        assert_eq!(nowhere.help_text(), Some("did you mean 'Paris'?"));
    }
}
