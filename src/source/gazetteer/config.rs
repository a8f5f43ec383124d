//! A gazetteer as an engine file writes it, and how it becomes a source.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::GazetteerSource;
use super::compile::{self, Builder};
use super::compiled::Gazetteer;
use super::format::is_compiled;
use super::inline;
use super::matcher::{MatchKind, Matcher};
use super::options::Options;
use super::spelling::SpellingOptions;
use super::survey::Origins;
use super::why::Places;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::{Files, Section};
use crate::source::LoadContext;
use crate::span::Label;
use crate::text::CommonWords;

/// How many entries a place may have where it is not written.
const DEFAULT_N: usize = 3;

/// Builds the source that a section of an engine file describes.
pub(super) fn load(
    name: Arc<str>,
    mut section: Section<'_>,
    context: &LoadContext,
) -> Result<GazetteerSource> {
    let file = section.file();
    let place = section.location();
    let tables = section.take_tables("entry")?;
    let options: Options = section.read()?;
    let wrong = |message: &str, location: Location| {
        Err(Error::new(ErrorKind::Config, message).at(location))
    };
    if options.files.is_empty() && options.entries.is_empty() && tables.is_empty() {
        return wrong("the gazetteer has neither 'files' nor 'entries'", place);
    }
    let score = options.score.as_ref().map_or(1.0, |score| *score.get_ref());
    if let Some(written) = options.score.as_ref().filter(|_| !(0.0..=1.0).contains(&score)) {
        let message = format!("score {score} is out of range, expected 0 to 1");
        return wrong(&message, file.location(written.span()));
    }
    let mut builder = Builder::new();
    let mut places = Places::default();
    let inline = options.entries.iter().map(|inline| {
        let place = file.location(inline.span());
        (inline.get_ref().entry(), place)
    });
    let tables = tables.into_iter().map(|table| {
        let place = table.location();
        (inline::read_table(table), place)
    });
    for (entry, place) in inline.chain(tables) {
        let added = entry.and_then(|entry| {
            places.add(&entry, &place);
            builder.add(&entry)
        });
        for error in added.err().into_iter().flat_map(Error::into_list) {
            builder.report(error.at(place.clone()));
        }
    }
    let mut gazetteers = Vec::new();
    let (mut tables_read, mut compiled) = (Vec::new(), Vec::new());
    for (name, location) in expand(&options.files, &context.files, |range| file.location(range))? {
        let shown = context.files.display(&name);
        let read = context.files.map(&name).map_err(|e| e.at(location));
        let added = read.and_then(|bytes| {
            if is_compiled(&bytes) || name.ends_with(".fst") {
                gazetteers.push(Gazetteer::from_file(&shown, bytes)?);
                compiled.push(shown);
            } else {
                builder.add_tsv(&shown, &bytes);
                tables_read.push(name);
            }
            Ok(())
        });
        if let Err(error) = added {
            builder.report(error);
        }
    }
    let is_all_compiled = builder.is_empty() && !gazetteers.is_empty();
    let added = builder.entry_count();
    if !is_all_compiled {
        gazetteers.insert(0, builder.build()?);
    }
    let origins = Origins {
        files: context.files.clone(),
        tables: tables_read,
        compiled,
        repeated: added
            - gazetteers.first().filter(|_| !is_all_compiled).map_or(0, Gazetteer::entry_count),
    };
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
        n: options.n(|range| file.location(range))?,
        common_words,
        labels: wanted,
        min_length: options.min_length,
        stop: options.stop_surfaces(&context.files, |range| file.location(range))?,
        spelling: options.ignore.as_deref().map(SpellingOptions::ignoring).unwrap_or_default(),
        fuzzy: options.fuzzy.and_then(|fuzzy| fuzzy.into_inner().0),
        hashtags: options.hashtags,
        ..Matcher::default()
    };
    Ok(GazetteerSource { name, labels, gazetteers, origins, matcher, score, places })
}

/// The labels of all entries, sorted.
fn labels(gazetteers: &[Gazetteer]) -> Vec<Label> {
    let mut labels: Vec<Label> = gazetteers.iter().flat_map(|g| g.labels()).cloned().collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

impl Options {
    /// How many entries a place may have.
    fn n(&self, location: impl Fn(Range<usize>) -> Location) -> Result<usize> {
        let Some(written) = &self.n else { return Ok(DEFAULT_N) };
        let problem = match *written.get_ref() {
            0 => "'n' is 0, expected at least 1",
            _ if self.matches != MatchKind::NBest => {
                "'n' has no meaning without match = \"n-best\""
            }
            n => return Ok(n),
        };
        Err(Error::new(ErrorKind::Config, problem).at(location(written.span())))
    }

    /// What is never matched, folded.
    fn stop_surfaces(
        &self,
        files: &Files,
        location: impl Fn(Range<usize>) -> Location,
    ) -> Result<BTreeSet<String>> {
        let mut stop = BTreeSet::new();
        for surface in &self.stop {
            let key = compile::key(surface.get_ref());
            if key.is_empty() {
                let message = "nothing is left of the stop entry after folding";
                return Err(Error::new(ErrorKind::Config, message).at(location(surface.span())));
            }
            stop.insert(key);
        }
        for (name, place) in expand(&self.stop_files, files, location)? {
            let list = files.read_text(&name).map_err(|e| e.at(place))?;
            let lines = list.lines().filter(|line| !line.starts_with('#')).map(compile::key);
            stop.extend(lines.filter(|key| !key.is_empty()));
        }
        Ok(stop)
    }

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
