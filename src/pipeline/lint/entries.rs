//! What lints about entries have in common: things found of many entries become one finding a group, or
//! one each where they are few, with the lines of those that are named.

use std::collections::BTreeMap;

use super::Findings;
use super::facts::some_of;
use crate::error::Location;
use crate::pipeline::build::Engine;
use crate::source::gazetteer::GazetteerSource;
use crate::source::gazetteer::survey::{Held, each_surface};
use crate::span::Label;

/// How many entries of a group are named.
pub(super) const NAMED: usize = 3;

/// Where an entry stands: the numbers of its source and gazetteer.
pub(super) type Holder = (usize, usize);

/// An entry that is there: where, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Side {
    pub holder: Holder,
    pub label: Label,
}

impl Side {
    /// That of an entry.
    pub(super) fn of(held: &Held<'_>) -> Self {
        let label = held.entry.label().clone();
        Self { holder: (held.source, held.gazetteer), label }
    }
}

/// An entry that is named.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub surface: String,
    /// It.
    pub side: Side,
    /// What it is compared with, where it is.
    pub other: Option<Side>,
    /// What is to be said of it besides its surface.
    pub detail: String,
}

/// Entries of which the same is to be said.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub count: u64,
    pub examples: Vec<Example>,
}

impl Group {
    /// Counts an entry, and keeps it where few are kept.
    pub(super) fn add(&mut self, example: impl FnOnce() -> Example) {
        self.count += 1;
        if self.examples.len() < NAMED {
            self.examples.push(example());
        }
    }

    /// The surfaces that are named, and how many more there are.
    pub(super) fn shown(&self) -> String {
        let names = self.examples.iter().map(|example| example.surface.as_str());
        some_of(names, usize::try_from(self.count).unwrap_or(usize::MAX))
    }
}

/// The gazetteers of an engine, with what they are called.
pub(super) struct Gazetteers<'e> {
    sources: Vec<(&'e str, &'e Location, &'e GazetteerSource)>,
}

impl<'e> Gazetteers<'e> {
    /// Those of the engine.
    pub(super) fn of(engine: &'e Engine) -> Self {
        let sources = engine.gazetteers();
        Self { sources: sources.into_iter().map(|(n, p, s)| (&**n, p, s)).collect() }
    }

    /// The sources in order.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&'e str, &'e GazetteerSource)> {
        self.sources.iter().map(|(name, _, source)| (*name, *source))
    }

    /// Calls `each` with every surface and all its entries, in order.
    pub(super) fn each_surface(&self, each: impl FnMut(&str, &[Held<'e>])) {
        let sources: Vec<&GazetteerSource> = self.sources.iter().map(|(_, _, s)| *s).collect();
        each_surface(&sources, each);
    }

    /// The entries for which an earlier one of the same surface is their twin, by the gazetteers of both
    /// and the label; `detail` says what is to be said of the two.
    pub(super) fn twins(
        &self,
        is_twin: impl Fn(&Held<'_>, &Held<'_>) -> bool,
        detail: impl Fn(&Held<'_>, &Held<'_>) -> String,
    ) -> BTreeMap<(Holder, Holder, Label), Group> {
        let mut groups: BTreeMap<(Holder, Holder, Label), Group> = BTreeMap::new();
        self.each_surface(|_, held| {
            for (number, one) in held.iter().enumerate() {
                let Some(first) = held[..number].iter().find(|first| is_twin(first, one)) else {
                    continue;
                };
                let (side, other) = (Side::of(one), Side::of(first));
                let key = (side.holder, other.holder, side.label.clone());
                groups.entry(key).or_default().add(|| Example {
                    surface: one.entry.surface().to_owned(),
                    side,
                    other: Some(other),
                    detail: detail(first, one),
                });
            }
        });
        groups
    }

    /// What a gazetteer is called in messages: its source, and its file where it is compiled.
    pub(super) fn name(&self, (source, gazetteer): Holder) -> String {
        let (name, _, of_source) = &self.sources[source];
        match of_source.compiled_file(gazetteer) {
            Some(file) => format!("source '{name}' ({file})"),
            None => format!("source '{name}'"),
        }
    }

    /// Adds a finding for each group. `say` says what is the matter with one example, where a group has
    /// few, or with the group; where that is `None`, always of the group.
    pub(super) fn report<K: Ord>(
        &self,
        groups: &BTreeMap<K, Group>,
        findings: &mut Findings,
        advice: &str,
        say: impl Fn(&K, Of<'_>) -> Option<String>,
    ) {
        let lines = self.lines(groups.values().flat_map(|group| &group.examples));
        let place = |surface: &str, side: &Side, nth: usize| {
            let (source, gazetteer) = side.holder;
            let (_, of_source, asked) = &self.sources[source];
            let key = (surface.to_owned(), side.label.clone());
            match (asked.compiled_file(gazetteer), lines[source].get(&key)) {
                (Some(file), _) => Location::file(file),
                (None, Some(known)) => known[nth.min(known.len() - 1)].clone(),
                (None, None) => (*of_source).clone(),
            }
        };
        for (key, group) in groups {
            let singly = (group.count <= NAMED as u64)
                .then(|| group.examples.iter().map(|e| say(key, Of::Entry(e))).collect())
                .flatten();
            let messages: Vec<(String, &Example)> = match singly {
                Some(messages) => {
                    let messages: Vec<String> = messages;
                    messages.into_iter().zip(&group.examples).collect()
                }
                None => say(key, Of::Group(group)).into_iter().zip(&group.examples).collect(),
            };
            for (message, example) in messages {
                let Example { surface, side, other, .. } = example;
                // Of what stands twice in one source, the second is the one to look at.
                let is_second = other.as_ref().is_some_and(|other| other == side);
                let here = place(surface, side, usize::from(is_second));
                let there = other.as_ref().map(|other| place(surface, other, 0));
                findings.add(here, message, advice, there);
            }
        }
    }

    /// The lines on which entries stand that are named, for each source: its files are read once.
    fn lines<'x>(
        &self,
        examples: impl Iterator<Item = &'x Example> + Clone,
    ) -> Vec<BTreeMap<(String, Label), Vec<Location>>> {
        let of_source = |(number, source): (usize, &GazetteerSource)| {
            let sides = examples
                .clone()
                .flat_map(|e| e.other.iter().chain([&e.side]).map(|side| (&*e.surface, side)));
            let here = sides.filter(|(_, side)| side.holder.0 == number);
            let wanted: Vec<(&str, &Label)> = here.map(|(s, side)| (s, &side.label)).collect();
            if wanted.is_empty() { BTreeMap::new() } else { source.lines(wanted) }
        };
        self.sources.iter().map(|(_, _, source)| *source).enumerate().map(of_source).collect()
    }
}

/// What a message is about.
pub(super) enum Of<'x> {
    /// One entry.
    Entry(&'x Example),
    /// All of a group.
    Group(&'x Group),
}
