//! A gazetteer as an engine file writes it, and how it becomes a source.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::GazetteerSource;
use super::casing::Case;
use super::compile::Builder;
use super::compiled::Gazetteer;
use super::entry::Entry;
use super::format::is_compiled;
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
        doc: "Entries whose folded surface has fewer characters do not count.",
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
        if let Err(e) = inline.get_ref().entry().and_then(|entry| builder.add(&entry)) {
            builder.report(e.at(file.location(inline.span())));
        }
    }
    let mut gazetteers = Vec::new();
    for (name, location) in expand(&options.files, &context.files, |range| file.location(range))? {
        let shown = context.files.display(&name);
        let read = context.files.map(&name).map_err(|e| e.at(location));
        let added = read.and_then(|bytes| {
            if is_compiled(&bytes) || name.ends_with(".fst") {
                gazetteers.push(Gazetteer::from_file(&shown, bytes)?);
            } else {
                builder.add_tsv(&shown, &bytes);
            }
            Ok(())
        });
        if let Err(error) = added {
            builder.report(error);
        }
    }
    let is_all_compiled = builder.is_empty() && !gazetteers.is_empty();
    if !is_all_compiled {
        gazetteers.insert(0, builder.build()?);
    }
    let known = labels(&gazetteers);
    let wanted = options.wanted(&known, |range| file.location(range))?;
    let mut common_words = CommonWords::default();
    for (name, location) in
        expand(&options.common_words, &context.files, |range| file.location(range))?
    {
        common_words.add(&context.files.read_text(&name).map_err(|e| e.at(location))?);
    }
    let labels = wanted.clone().unwrap_or(known);
    let matcher = Matcher {
        case: options.case,
        matches: options.matches,
        common_words,
        labels: wanted,
        min_length: options.min_length,
    };
    Ok(GazetteerSource { name, labels, gazetteers, matcher, score })
}

/// The labels of all entries, sorted.
fn labels(gazetteers: &[Gazetteer]) -> Vec<Label> {
    let mut labels: Vec<Label> = gazetteers.iter().flat_map(|g| g.labels()).cloned().collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

impl Options {
    /// The labels that are wanted, sorted, where that is written.
    fn wanted(
        &self,
        known: &[Label],
        location: impl Fn(Range<usize>) -> Location,
    ) -> Result<Option<Vec<Label>>> {
        let Some(written) = &self.labels else { return Ok(None) };
        let names: Vec<&str> = known.iter().map(Label::as_str).collect();
        let unknown = written.iter().filter(|label| !names.contains(&label.get_ref().as_str()));
        let errors = unknown.map(|label| {
            Error::unknown("label of the gazetteer", label.get_ref(), &names)
                .at(location(label.span()))
        });
        if let Some(error) = Error::several(errors.collect()) {
            return Err(error);
        }
        let mut wanted: Vec<Label> =
            written.iter().map(|label| Label::new(label.get_ref())).collect();
        wanted.sort_unstable();
        wanted.dedup();
        Ok(Some(wanted))
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
