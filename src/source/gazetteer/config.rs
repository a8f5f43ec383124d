//! A gazetteer as an engine file writes it, and how it becomes a source.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::GazetteerSource;
use super::casing::Case;
use super::compile::{Builder, Gazetteer, IndexKind};
use super::compiled::is_compiled;
use super::entry::Entry;
use super::matcher::{MatchKind, Matcher};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::{Files, OptionDoc, Section};
use crate::source::LoadContext;
use crate::span::Label;
use crate::text::CommonWords;

/// The options as shown to users; `Options` is what is read.
pub(super) const OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        name: "files",
        value: "list of paths and globs",
        doc: "TSV files (surface, label, then optional id, weight 0 to 1, key=value attributes) and \
              files of `spanloom gazetteer build`.",
    },
    OptionDoc {
        name: "entries",
        value: "list of [surface, label, id, weight, attributes]",
        doc: "Entries written here, the last three parts optional: `[[\"Paris\", \"LOC\"]]`.",
    },
    OptionDoc {
        name: "case",
        value: "exact | smart | fold, \"smart\"",
        doc: "Which casing matches: that of the entry; what the casing says (a lower-case common \
              word is no city); any. The attribute `case` of an entry goes before it.",
    },
    OptionDoc {
        name: "common-words",
        value: "list of paths and globs",
        doc: "Lists of lower-case words, one a line, that `smart` takes for names only where their \
              casing speaks for it; a single one that begins a sentence scores half. Without any, \
              lower-case text matches only entries without capitals.",
    },
    OptionDoc {
        name: "match",
        value: "longest | all, \"longest\"",
        doc: "Of overlapping matches the leftmost longest whose casing fits, or all.",
    },
    OptionDoc {
        name: "index",
        value: "auto | fst | aho, \"auto\"",
        doc: "How the names are indexed; matters for speed only. `auto` takes aho for fewer than \
              1000 names.",
    },
    OptionDoc {
        name: "score",
        value: "number 0 to 1, 1.0",
        doc: "The score of a mention is this times the weight of its entry.",
    },
    OptionDoc {
        name: "labels",
        value: "list of labels",
        doc: "Only entries of these labels are taken; all where it is not written.",
    },
    OptionDoc {
        name: "min-length",
        value: "number, 2",
        doc: "Entries whose folded surface has fewer characters are left out.",
    },
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    files: Vec<Spanned<String>>,
    #[serde(default)]
    entries: Vec<Spanned<InlineEntry>>,
    #[serde(default)]
    case: Case,
    #[serde(default)]
    common_words: Vec<Spanned<String>>,
    #[serde(default, rename = "match")]
    matches: MatchKind,
    #[serde(default)]
    index: IndexKind,
    score: Option<Spanned<f32>>,
    labels: Option<Vec<Spanned<String>>>,
    #[serde(default = "default_min_length")]
    min_length: usize,
}

fn default_min_length() -> usize {
    2
}

/// `[surface, label, id, weight, attributes]`, the last three optional.
#[derive(Debug, Default)]
struct InlineEntry {
    surface: String,
    label: String,
    id: String,
    weight: Option<f32>,
    attributes: String,
}

impl<'de> Deserialize<'de> for InlineEntry {
    fn deserialize<D: Deserializer<'de>>(parts: D) -> std::result::Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = InlineEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[surface, label] and optionally id, weight, attributes")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut parts: A,
            ) -> std::result::Result<InlineEntry, A::Error> {
                let missing = |n| serde::de::Error::invalid_length(n, &self);
                let entry = InlineEntry {
                    surface: parts.next_element()?.ok_or_else(|| missing(0))?,
                    label: parts.next_element()?.ok_or_else(|| missing(1))?,
                    id: parts.next_element()?.unwrap_or_default(),
                    weight: parts.next_element()?,
                    attributes: parts.next_element()?.unwrap_or_default(),
                };
                match parts.next_element::<serde::de::IgnoredAny>()? {
                    Some(_) => Err(missing(6)),
                    None => Ok(entry),
                }
            }
        }
        parts.deserialize_seq(Parts)
    }
}

impl InlineEntry {
    fn entry(&self) -> Result<Entry> {
        for (name, value) in [("surface", &self.surface), ("label", &self.label)] {
            if value.trim().is_empty() {
                return Err(Error::new(ErrorKind::Gazetteer, format!("the {name} is empty")));
            }
        }
        let mut entry = Entry::new(self.surface.trim(), Label::new(self.label.trim()));
        entry.id = Some(self.id.trim()).filter(|id| !id.is_empty()).map(Into::into);
        if let Some(weight) = self.weight {
            entry.set_weight(weight)?;
        }
        entry.set_attributes(&self.attributes)?;
        Ok(entry)
    }
}

/// Builds the source that a section of an engine file describes.
pub(super) fn load(
    name: Arc<str>,
    section: Section<'_>,
    context: &LoadContext,
) -> Result<GazetteerSource> {
    let file = section.file();
    let place = section.location();
    let options: Options = section.read()?;
    let wrong = |message: &str, location: Location| {
        Err(Error::new(ErrorKind::Config, message).at(location))
    };
    if options.files.is_empty() && options.entries.is_empty() {
        return wrong("the gazetteer has neither 'files' nor 'entries'", place);
    }
    let score = options.score.as_ref().map_or(1.0, |score| *score.get_ref());
    if let Some(written) = options.score.as_ref().filter(|_| !(0.0..=1.0).contains(&score)) {
        let message = format!("score {score} is out of range, expected 0 to 1");
        return wrong(&message, file.location(written.span()));
    }
    let mut builder = Builder::new();
    for inline in &options.entries {
        if let Err(e) = inline.get_ref().entry().and_then(|entry| builder.add(entry)) {
            builder.report(e.at(file.location(inline.span())));
        }
    }
    let mut only = None;
    let names = expand(&options.files, &context.files, |range| file.location(range))?;
    let is_alone = names.len() == 1 && options.entries.is_empty();
    for (name, location) in &names {
        let shown = context.files.display(name);
        let read = context.files.read(name).map_err(|e| e.at(location.clone()));
        let added = read.and_then(|bytes| {
            if is_alone && is_compiled(&bytes) {
                only = Some(Gazetteer::from_file(&shown, &bytes)?);
                return Ok(());
            }
            builder.add_file(&shown, &bytes)
        });
        if let Err(error) = added {
            builder.report(error);
        }
    }
    let gazetteer = match only {
        Some(gazetteer) if options.takes_all_of(&gazetteer) => gazetteer,
        other => {
            if let Some(gazetteer) = other {
                builder.add_gazetteer(gazetteer)?;
            }
            options.filter(&mut builder, |range| file.location(range));
            builder.build(options.index)?
        }
    };
    let mut common_words = CommonWords::default();
    for (name, location) in
        expand(&options.common_words, &context.files, |range| file.location(range))?
    {
        common_words.add(&context.files.read_text(&name).map_err(|e| e.at(location))?);
    }
    let matcher = Matcher { case: options.case, matches: options.matches, common_words };
    Ok(GazetteerSource { name, labels: gazetteer.labels(), gazetteer, matcher, score })
}

impl Options {
    /// Whether a compiled gazetteer can be used as it is.
    fn takes_all_of(&self, gazetteer: &Gazetteer) -> bool {
        self.labels.is_none()
            && self.index != IndexKind::Aho
            && gazetteer.keys().iter().all(|key| key.chars().count() >= self.min_length)
    }

    /// Drops the entries that the options do not want, and reports labels that no entry has.
    fn filter(&self, builder: &mut Builder, location: impl Fn(Range<usize>) -> Location) {
        if let Some(wanted) = self.labels.as_ref().filter(|_| !builder.has_problems()) {
            let mut known: Vec<Label> = builder.entries().map(|e| e.label.clone()).collect();
            known.sort_unstable();
            known.dedup();
            let known: Vec<&str> = known.iter().map(Label::as_str).collect();
            for label in wanted.iter().filter(|label| !known.contains(&label.get_ref().as_str())) {
                let error = Error::unknown("label of the gazetteer", label.get_ref(), &known);
                builder.report(error.at(location(label.span())));
            }
        }
        builder.retain(|key, entry| {
            let is_wanted = self.labels.as_ref().is_none_or(|labels| {
                labels.iter().any(|label| label.get_ref() == entry.label.as_str())
            });
            is_wanted && key.chars().count() >= self.min_length
        });
    }
}

/// The files that `patterns` stand for, each once, with the place that named it.
fn expand(
    patterns: &[Spanned<String>],
    files: &Files,
    location: impl Fn(Range<usize>) -> Location,
) -> Result<Vec<(String, Location)>> {
    let mut names: Vec<(String, Location)> = Vec::new();
    for pattern in patterns {
        let place = location(pattern.span());
        for name in files.expand(pattern.get_ref()).map_err(|e| e.at(place.clone()))? {
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, place.clone()));
            }
        }
    }
    Ok(names)
}
