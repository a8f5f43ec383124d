//! The pass `filter`: drops candidates by what is written, whoever proposed them and however they score.
//! It compares a candidate with nothing but its lists, so it can stand before every choice.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::check::{self, Checks};
use super::concern::{self, Concern};
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::error::{Error, ErrorKind, Location};
use crate::merge::trace::Reason;
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label};
use crate::text::{FoldOptions, fold};

pub(super) const KIND: PassKind = PassKind {
    name: "filter",
    doc: "Drops the candidates that `sources` and `labels` concern: all of them where nothing else is \
          written, those that read like an entry of `deny`, and, where `allow` is written, those that \
          read like none of its entries. Written before the passes that choose, it keeps a candidate that \
          is dropped from beating one that is not.",
    options: &[
        OptionDoc { name: "deny", value: "list of strings, []", doc: "Surfaces that are dropped." },
        OptionDoc {
            name: "deny-files",
            value: "list of files, []",
            doc: "Lists of surfaces that are dropped: one a line, lines with # are comments; globs.",
        },
        OptionDoc {
            name: "allow",
            value: "list of strings",
            doc: "The only surfaces that are not dropped.",
        },
        OptionDoc {
            name: "allow-files",
            value: "list of files",
            doc: "Lists of surfaces that are not dropped, as deny-files.",
        },
        OptionDoc {
            name: "compare",
            value: "folded | cased | exact, \"folded\"",
            doc: "How surfaces are compared: without differences of case, accents, width, apostrophes, \
                  hyphens and white space; with those of case; character by character.",
        },
        concern::SOURCES,
        concern::LABELS,
    ],
    flat: false,
    rescores: false,
    build: |section, scope| {
        let place = section.location();
        check::build(section, scope, |options, checks| build(options, place, checks))
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    deny: Vec<Spanned<String>>,
    #[serde(default)]
    deny_files: Vec<Spanned<String>>,
    allow: Option<Vec<Spanned<String>>>,
    allow_files: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    compare: Compare,
    sources: Option<Vec<Spanned<String>>>,
    labels: Option<Vec<Spanned<String>>>,
}

/// Which differences between surfaces count.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Compare {
    #[default]
    Folded,
    Cased,
    Exact,
}

impl Compare {
    /// The surface without the differences that do not count.
    fn key(self, surface: &str) -> String {
        match self {
            Self::Folded => fold(surface.trim(), FoldOptions::ALL).into_text(),
            Self::Cased => fold(surface.trim(), FoldOptions::CASED).into_text(),
            Self::Exact => surface.to_owned(),
        }
    }
}

/// Surfaces, each with the line that names it.
type Surfaces = BTreeMap<String, Location>;

/// The pass.
#[derive(Debug)]
struct Filter {
    deny: Surfaces,
    allow: Option<Surfaces>,
    /// Whether any list is written; without one, all that is concerned is dropped.
    has_lists: bool,
    compare: Compare,
    concern: Concern,
    place: Location,
}

fn build(options: Options, place: Location, checks: &mut Checks<'_>) -> Filter {
    let compare = options.compare;
    let has_deny = !options.deny.is_empty() || !options.deny_files.is_empty();
    let allows = options.allow.is_some() || options.allow_files.is_some();
    let deny = surfaces(&options.deny, &options.deny_files, compare, checks);
    let (written, files) =
        (options.allow.unwrap_or_default(), options.allow_files.unwrap_or_default());
    let allow = surfaces(&written, &files, compare, checks);
    for (surface, place) in &allow {
        if let Some(denied) = deny.get(surface) {
            let message = format!("'{surface}' is allowed here and denied at {denied}");
            checks.report_placed(Error::new(ErrorKind::Config, message).at(place.clone()));
        }
    }
    Filter {
        deny,
        allow: allows.then_some(allow),
        has_lists: has_deny || allows,
        compare,
        concern: checks.concern(options.sources.as_deref(), options.labels.as_deref()),
        place,
    }
}

fn surfaces(
    written: &[Spanned<String>],
    files: &[Spanned<String>],
    compare: Compare,
    checks: &mut Checks<'_>,
) -> Surfaces {
    let mut surfaces = Surfaces::new();
    for surface in written {
        let place = checks.location(surface.span());
        surfaces.entry(compare.key(surface.get_ref())).or_insert(place);
    }
    for (name, text) in checks.named_texts(files) {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let place = Location::line(name.as_str(), number + 1, 0);
                surfaces.entry(compare.key(line)).or_insert(place);
            }
        }
    }
    surfaces
}

impl Pass for Filter {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        candidates.retain(|candidate| {
            if !self.concern.takes(candidate) {
                return true;
            }
            match self.objection(candidate, &context.document.text) {
                None => true,
                Some((reason, place)) => {
                    trace.dropped(candidate, None, || {
                        Reason::from(reason.to_owned()).at(place.clone())
                    });
                    false
                }
            }
        });
        candidates
    }

    fn effects(&self) -> Effects {
        Effects::NONE
    }

    fn drops_all(&self, source: &str, label: &Label) -> bool {
        let all = !self.has_lists || self.allow.as_ref().is_some_and(Surfaces::is_empty);
        all && self.concern.takes_pair(source, label)
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        self.concern.idle(incoming)
    }
}

impl Filter {
    /// Why a candidate that is concerned is dropped, and the line that says so.
    fn objection(&self, candidate: &Candidate, text: &str) -> Option<(&'static str, &Location)> {
        if !self.has_lists {
            return Some(("its source and label are filtered out", &self.place));
        }
        let key = self.compare.key(candidate.span.slice(text).unwrap_or(""));
        if let Some(place) = self.deny.get(&key) {
            return Some(("its surface is denied", place));
        }
        let allow = self.allow.as_ref()?;
        (!allow.contains_key(&key))
            .then_some(("its surface is not among those allowed", &self.place))
    }
}
