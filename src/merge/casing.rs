//! The pass `casing`: what capitals say, for models that do not see them. It chooses between none.

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks, LOG_ODDS};
use super::concern::{self, Concern};
use super::log_odds::shift;
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label, Span};
use crate::text::{CommonWords, Segments};

pub(super) const KIND: PassKind = PassKind {
    name: "casing",
    doc: "Adds to the log-odds of a candidate what its casing says, in sentences that show casing; \
          sentences all in capitals say nothing, those all in lower case only that a common word may \
          be no name (`common-caseless`). A document of given tokens is one sentence.",
    options: &[
        OptionDoc {
            name: "lower",
            value: "number, -2.0",
            doc: "Added where the candidate has lower-case letters and no capital, and another word of \
                  its sentence, other than I, begins with a capital.",
        },
        OptionDoc {
            name: "capital",
            value: "number, 0.0",
            doc: "Added where the first and the last word of the candidate begin with a capital, \
                  another word of its sentence does not, and the candidate does not begin the sentence.",
        },
        OptionDoc {
            name: "common",
            value: "number, the value of lower",
            doc: "Added instead of lower where all words of the candidate are on the lists of common \
                  words.",
        },
        OptionDoc {
            name: "common-capital",
            value: "number, the value of capital",
            doc: "Added instead of capital where all words of the candidate are on the lists of common \
                  words, it is not all in capitals, and the words beside it begin with none: a capital \
                  where the language asks for none.",
        },
        OptionDoc {
            name: "common-caseless",
            value: "number, 0.0",
            doc: "Added where the candidate is a single word on the lists of common words and its \
                  sentence has no capital at all, I aside.",
        },
        OptionDoc {
            name: "common-words",
            value: "list of files, []",
            doc: "Lists of common words: one lower-case word a line, lines with # are comments; globs.",
        },
        concern::SOURCES,
        concern::LABELS,
    ],
    flat: false,
    rescores: true,
    build: |section, scope| check::build(section, scope, build),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    lower: Option<Spanned<f64>>,
    capital: Option<Spanned<f64>>,
    common: Option<Spanned<f64>>,
    common_capital: Option<Spanned<f64>>,
    common_caseless: Option<Spanned<f64>>,
    #[serde(default)]
    common_words: Vec<Spanned<String>>,
    sources: Option<Vec<Spanned<String>>>,
    labels: Option<Vec<Spanned<String>>>,
}

/// The pass.
#[derive(Debug)]
struct Casing {
    lower: f64,
    capital: f64,
    common: f64,
    common_capital: f64,
    common_caseless: f64,
    common_words: CommonWords,
    concern: Concern,
}

fn build(options: Options, checks: &mut Checks<'_>) -> Casing {
    let mut common_words = CommonWords::default();
    for (_, list) in checks.named_texts(&options.common_words) {
        common_words.add(&list);
    }
    let mut number = |key, value: &Option<Spanned<f64>>, default| {
        checks.number_or(key, value.as_ref(), LOG_ODDS, default)
    };
    let lower = number("lower", &options.lower, -2.0);
    let capital = number("capital", &options.capital, 0.0);
    Casing {
        lower,
        capital,
        common: number("common", &options.common, lower),
        common_capital: number("common-capital", &options.common_capital, capital),
        common_caseless: number("common-caseless", &options.common_caseless, 0.0),
        common_words,
        concern: checks.concern(options.sources.as_deref(), options.labels.as_deref()),
    }
}

impl Pass for Casing {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        if !candidates.iter().any(|candidate| self.concern.takes(candidate)) {
            return candidates;
        }
        let words = Words {
            text: &context.document.text,
            segments: context.segments(),
            cases: context.cases(),
        };
        for candidate in candidates.iter_mut().filter(|c| self.concern.takes(c)) {
            let Some(verdict) = words.verdict(candidate.span) else { continue };
            let text = candidate.span.slice(&context.document.text).unwrap_or("");
            let is_common = || self.common_words.are_all_of(text);
            let add = match verdict {
                Verdict::Lower { .. } if is_common() => self.common,
                Verdict::Lower { .. } => self.lower,
                Verdict::Capital { is_lone: true, .. } if is_common() => self.common_capital,
                Verdict::Capital { .. } => self.capital,
                Verdict::Caseless { words: 1 } if is_common() => self.common_caseless,
                Verdict::Caseless { .. } => 0.0,
            };
            if add == 0.0 {
                continue;
            }
            let score = shift(candidate.score, add);
            trace.rescored(candidate, score, || match verdict {
                Verdict::Lower { capitals } => format!(
                    "no capital, where the sentence has {capitals} outside it: log-odds {add:+.2}"
                ),
                Verdict::Capital { lower, .. } => format!(
                    "capitals, where the sentence has {lower} words without: log-odds {add:+.2}"
                ),
                Verdict::Caseless { .. } => {
                    format!("a common word in a sentence without capitals: log-odds {add:+.2}")
                }
            });
            candidate.score = score;
        }
        candidates
    }

    fn effects(&self) -> Effects {
        Effects::SCORES
    }

    fn may_rescore(&self, source: &str, label: &Label) -> bool {
        self.concern.takes_pair(source, label)
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        self.concern.idle(incoming)
    }
}

/// What the casing of a candidate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It has no capital, and so many other words of the sentence begin with one.
    Lower { capitals: usize },
    /// It begins with capitals, and so many other words of the sentence do not; alone of its kind
    /// where it is not all in capitals and the words beside it begin with none.
    Capital { lower: usize, is_lone: bool },
    /// Of so many words, it has no capital, and no other word of the sentence begins with one.
    Caseless { words: usize },
}

/// How many words of a document before each begin with a capital, other than I, or with a lower-case letter.
#[derive(Debug)]
pub(super) struct Cases {
    capitals: Vec<usize>,
    lower: Vec<usize>,
}

impl Cases {
    /// Those of the words of `text`.
    pub(super) fn of(text: &str, segments: &Segments) -> Self {
        let room = segments.words().len() + 1;
        let (mut capitals, mut lower) = (Vec::with_capacity(room), Vec::with_capacity(room));
        let (mut capital, mut small) = (0, 0);
        capitals.push(0);
        lower.push(0);
        for span in segments.words() {
            let word = span.slice(text).unwrap_or("");
            let begins = |test: fn(char) -> bool| usize::from(word.starts_with(test));
            capital += if is_i(word) { 0 } else { begins(char::is_uppercase) };
            small += begins(char::is_lowercase);
            capitals.push(capital);
            lower.push(small);
        }
        Self { capitals, lower }
    }
}

/// The words of a document.
struct Words<'a> {
    text: &'a str,
    segments: &'a Segments,
    cases: &'a Cases,
}

impl Words<'_> {
    fn verdict(&self, span: Span) -> Option<Verdict> {
        let inside = span.slice(self.text).unwrap_or("");
        let sentence = self.segments.sentence_of(span);
        let around = self.segments.words_in(sentence);
        let own = self.segments.words_in(span);
        let outside = |counts: &[usize]| {
            let count = |range: &std::ops::Range<usize>| counts[range.end] - counts[range.start];
            count(&around).saturating_sub(count(&own))
        };
        if inside.contains(char::is_lowercase) && !inside.contains(char::is_uppercase) {
            let capitals = outside(&self.cases.capitals);
            return Some(match capitals {
                0 => Verdict::Caseless { words: own.len() },
                _ => Verdict::Lower { capitals },
            });
        }
        let words = &self.segments.words()[own.clone()];
        let has_capital = |word: Option<&Span>| {
            let word = word.and_then(|w| w.slice(self.text)).unwrap_or("");
            word.starts_with(char::is_uppercase)
        };
        let before = self.segments.words().get(around.start..own.start).unwrap_or(&[]);
        let is_word =
            |word: &Span| word.slice(self.text).is_some_and(|w| w.contains(char::is_alphanumeric));
        let lower = outside(&self.cases.lower);
        let says = has_capital(words.first())
            && has_capital(words.last())
            && before.iter().any(is_word)
            && lower > 0;
        let capitals = |range: std::ops::Range<usize>| {
            self.cases.capitals[range.end] - self.cases.capitals[range.start.min(range.end)]
        };
        let beside = capitals(around.start.max(own.start.saturating_sub(1))..own.start)
            + capitals(own.end..around.end.min(own.end + 1));
        let is_lone = beside == 0 && inside.contains(char::is_lowercase);
        says.then_some(Verdict::Capital { lower, is_lone })
    }
}

/// Whether a word is the English pronoun, alone or shortened with a verb: it is written with a
/// capital by people who write nothing else so.
fn is_i(word: &str) -> bool {
    word.strip_prefix('I')
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['\'', '\u{2019}']))
}
