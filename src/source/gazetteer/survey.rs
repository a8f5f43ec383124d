//! What do gazetteers hold, seen as a whole? All surfaces of several sources in one order, entries that
//! are there twice, entries that can never match, and the lines where entries stand. Nothing of it is
//! needed for matching.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::GazetteerSource;
use super::casing::{Judge, Spelling};
use super::compiled::{Entries, EntryRef};
use super::entry::Entry;
use super::import::each_numbered;
use super::matcher::{Candidate, Objection};
use crate::error::Location;
use crate::resource::Files;
use crate::span::Label;
use crate::text::{FoldOptions, fold};

/// Where the entries of a source were read.
#[derive(Debug)]
pub(super) struct Origins {
    /// What the names of `tables` are relative to.
    pub(super) files: Files,
    /// The files of TSV.
    pub(super) tables: Vec<String>,
    /// The compiled files, as the user would name them.
    pub(super) compiled: Vec<String>,
    /// How many entries of the files of TSV and of the engine file are there again.
    pub(super) repeated: u64,
}

/// Why no text can match an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Never {
    /// Its label is not among `labels`.
    Label,
    /// It is shorter than `min-length`.
    Short,
    /// It is among `stop`.
    Stop,
    /// It is not spelt as `ignore` wants even where the text is spelt like it.
    Spelling,
    /// No casing of it fits.
    Casing,
}

/// An entry that is written twice.
#[derive(Debug)]
pub(crate) struct Repeated {
    /// The entry.
    pub(crate) entry: Entry,
    /// Where it is written again.
    pub(crate) place: Location,
    /// Where it was written first.
    pub(crate) first: Location,
}

/// Where an entry stands: the number of a source among those asked, and of a gazetteer in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'g> {
    /// The source.
    pub(crate) source: usize,
    /// The gazetteer of the source.
    pub(crate) gazetteer: usize,
    /// The entry.
    pub(crate) entry: EntryRef<'g>,
}

/// Calls `each` with every folded surface of the sources, in order, and all entries that it has: never
/// more than those of one surface are held.
pub(crate) fn each_surface<'g>(
    sources: &[&'g GazetteerSource],
    mut each: impl FnMut(&str, &[Held<'g>]),
) {
    let mut streams = Vec::new();
    for (source, of_source) in sources.iter().enumerate() {
        for (gazetteer, one) in of_source.gazetteers.iter().enumerate() {
            streams.push((source, gazetteer, one.surfaces()));
        }
    }
    let mut current: Vec<Option<Entries<'g>>> = vec![None; streams.len()];
    let mut heap = BinaryHeap::new();
    let mut step = |number: usize, heap: &mut BinaryHeap<_>, current: &mut Vec<_>| {
        if let Some((surface, entries)) = streams[number].2.next() {
            current[number] = Some(entries);
            heap.push(Reverse((surface, number, streams[number].0, streams[number].1)));
        }
    };
    for number in 0..current.len() {
        step(number, &mut heap, &mut current);
    }
    let mut held: Vec<Held<'g>> = Vec::new();
    while let Some(Reverse((surface, number, source, gazetteer))) = heap.pop() {
        let entries = current[number].take().into_iter().flatten();
        held.extend(entries.map(|entry| Held { source, gazetteer, entry }));
        step(number, &mut heap, &mut current);
        if heap.peek().is_none_or(|Reverse((next, ..))| *next != surface) {
            each(&surface, &held);
            held.clear();
        }
    }
}

impl GazetteerSource {
    /// The file that a gazetteer of this number was compiled to; `None` for what is written as TSV or in
    /// the engine file.
    pub(crate) fn compiled_file(&self, gazetteer: usize) -> Option<&str> {
        let written = self.gazetteers.len() - self.origins.compiled.len();
        self.origins.compiled.get(gazetteer.checked_sub(written)?).map(String::as_str)
    }

    /// The score of a mention of the entry, at most.
    pub(crate) fn highest_score(&self, entry: EntryRef<'_>) -> f32 {
        (self.score * entry.weight()).clamp(0.0, 1.0)
    }

    /// How many characters an entry must have.
    pub(crate) fn min_length(&self) -> usize {
        self.matcher.min_length
    }

    /// Calls `each` with every entry, by gazetteer and surface, and why it can never match, where that is
    /// so. The judge is the one that matching asks, about the entry's own surface amid other words.
    pub(crate) fn each_judged<'g>(
        &'g self,
        mut each: impl FnMut(usize, EntryRef<'g>, Option<Never>),
    ) {
        for (number, gazetteer) in self.gazetteers.iter().enumerate() {
            for (surface, (_, entries)) in (0..).zip(gazetteer.surfaces()) {
                for entry in entries {
                    let candidate = Candidate {
                        start: 0,
                        end: 0,
                        gazetteer,
                        surface,
                        spelling: Spelling::Same,
                    };
                    each(number, entry, self.never(candidate, entry));
                }
            }
        }
    }

    fn never(&self, candidate: Candidate<'_>, entry: EntryRef<'_>) -> Option<Never> {
        let surface = entry.surface();
        let objection = self.objection(candidate, entry, surface)?;
        let cased = || [surface.to_lowercase(), surface.to_uppercase()];
        Some(match objection {
            Objection::Label => Never::Label,
            Objection::Short(_) => Never::Short,
            Objection::Stop => Never::Stop,
            Objection::Spelling => Never::Spelling,
            Objection::Casing => {
                let fits = |text: &String| self.objection(candidate, entry, text).is_none();
                return (!cased().iter().any(fits)).then_some(Never::Casing);
            }
            // It holds or not by what stands around.
            Objection::Context(_) => return None,
        })
    }

    /// What stands against the entry in a text of lower case that holds `written`.
    fn objection(
        &self,
        candidate: Candidate<'_>,
        entry: EntryRef<'_>,
        written: &str,
    ) -> Option<Objection> {
        const AROUND: &str = "x ";
        let text = format!("{AROUND}{written} x");
        let folded = fold(&text, FoldOptions::ALL);
        let (start, end) = (AROUND.len(), folded.text().len() - AROUND.len());
        let span = folded.span(start..end)?;
        let here = Candidate { start, end, ..candidate };
        let mut judge = Judge::new(&text, &self.matcher.common_words);
        self.matcher.judge(&mut judge, &here, entry, span, &folded, || (&text, span)).err()
    }

    /// The entries of TSV and of the engine file that are written again, in the order in which they are
    /// written: same surface, label, id, weight and attributes.
    pub(crate) fn repeated(&self) -> Vec<Repeated> {
        if self.origins.repeated == 0 {
            return Vec::new();
        }
        let mut first: HashMap<u64, Location> = HashMap::new();
        let mut repeated = Vec::new();
        self.each_written(|entry, place| {
            let known = first.entry(fingerprint(&entry));
            match known {
                std::collections::hash_map::Entry::Vacant(free) => drop(free.insert(place)),
                std::collections::hash_map::Entry::Occupied(first) => {
                    repeated.push(Repeated { entry, place, first: first.get().clone() });
                }
            }
        });
        repeated
    }

    /// Where entries of these surfaces and labels are written, in the order in which they are read; those
    /// of compiled files have no lines.
    pub(crate) fn lines(
        &self,
        mut wanted: Vec<(&str, &Label)>,
    ) -> BTreeMap<(String, Label), Vec<Location>> {
        wanted.sort();
        let mut lines: BTreeMap<(String, Label), Vec<Location>> = BTreeMap::new();
        self.each_written(|entry, place| {
            let short = entry.abbreviated();
            for one in std::iter::once(&entry).chain(&short) {
                if wanted.binary_search(&(&one.surface, &one.label)).is_ok() {
                    let key = (one.surface.clone(), one.label.clone());
                    lines.entry(key).or_default().push(place.clone());
                }
            }
        });
        lines
    }

    /// The place of the first entry with a label, where one is written in the engine file or as TSV.
    pub(crate) fn first_with(&self, label: &Label) -> Option<Location> {
        let mut first = None;
        self.each_written(|entry, place| {
            if entry.label == *label {
                first.get_or_insert(place);
            }
        });
        first
    }

    /// Calls `each` with the entries of the engine file, then with those of the files of TSV. A file that
    /// can no longer be read is passed over: it was read when the source was built.
    fn each_written(&self, mut each: impl FnMut(Entry, Location)) {
        self.places.all().iter().for_each(|(entry, place)| each(entry.clone(), place.clone()));
        for name in &self.origins.tables {
            let Ok(text) = self.origins.files.read_text(name) else { continue };
            let shown = self.origins.files.display(name);
            each_numbered(&text, |line, entry| {
                each(entry, Location::line(shown.as_str(), line, 1));
            });
        }
    }
}

/// A number for all that an entry says.
fn fingerprint(entry: &Entry) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Entry { surface, label, id, weight, case, attributes } = entry;
    (surface, label, id, weight.to_bits(), case.map(|c| c.name()), attributes).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::resource::TomlFile;
    use crate::source::LoadContext;
    use crate::source::gazetteer::{Builder, config};

    fn source(folder: &std::path::Path, toml: &str) -> GazetteerSource {
        let file = TomlFile::new("e.toml", toml);
        let files = Files::Folder(folder.to_owned());
        let context = LoadContext { files, device: Default::default() };
        config::load(Arc::from("s"), file.parse().unwrap(), &context).unwrap()
    }

    #[test]
    fn surfaces_of_all_come_in_one_order_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = Builder::new();
        builder.add_tsv("c", b"Rome\tLOC\nB\xc3\xa9ziers\tLOC\nOslo\tORG\n");
        builder.write(&folder.path().join("c.fst"), &mut |_| ()).unwrap();
        let a =
            source(folder.path(), "files = ['c.fst']\nentries = [['rome', 'PER'], ['Aix', 'LOC']]");
        let b = source(folder.path(), "entries = [['Beziers', 'LOC'], ['Z', 'LOC']]");
        let mut seen = Vec::new();
        each_surface(&[&a, &b], |surface, held| {
            let held: Vec<String> = held
                .iter()
                .map(|h| format!("{}.{} {}", h.source, h.gazetteer, h.entry.surface()))
                .collect();
            seen.push(format!("{surface}: {}", held.join(", ")));
        });
        let expected = [
            "aix: 0.0 Aix",
            "beziers: 0.1 Béziers, 1.0 Beziers",
            "oslo: 0.1 Oslo",
            "rome: 0.0 rome, 0.1 Rome",
            "z: 1.0 Z",
        ];
        assert_eq!(seen, expected);
        assert_eq!((a.compiled_file(0), b.compiled_file(0)), (None, None));
        assert!(a.compiled_file(1).is_some_and(|file| file.ends_with("c.fst")));
    }

    #[test]
    fn what_never_matches_is_what_matching_never_finds() {
        let folder = tempfile::tempdir().unwrap();
        let toml = "min-length = 3\nstop = ['the who']\nlabels = ['LOC']\nentries = [['Rome', 'LOC'], \
                    ['The Who', 'LOC'], ['UK', 'LOC'], ['Wien', 'ORG'], ['NEW YORK CITY', 'LOC'], \
                    ['iPhone', 'LOC', '', 1.0, 'case=exact'], ['İzmir', 'LOC'], [' São  Tomé ', 'LOC'], \
                    ['C++ 11', 'LOC'], ['東京都', 'LOC'], ['ﬁne', 'LOC'], ['Bath', 'LOC', '', 1.0, 'context.left=in']]";
        let source = source(folder.path(), toml);
        let mut never = Vec::new();
        source.each_judged(|_, entry, why| {
            let text = format!("x in {} x", entry.surface());
            let found =
                source.matcher.find(&source.gazetteers, &crate::text::Document::new("d", &*text));
            let is_found = found.iter().any(|m| m.entry.surface() == entry.surface());
            assert_eq!(why.is_none(), is_found, "{text}: {why:?}");
            never.extend(why.map(|why| (entry.surface().to_owned(), why)));
        });
        let expected = [("The Who", Never::Stop), ("UK", Never::Short), ("Wien", Never::Label)];
        assert_eq!(never, expected.map(|(surface, why)| (surface.to_owned(), why)));
    }

    #[test]
    fn lines_are_those_of_the_rows_and_tables() {
        let folder = tempfile::tempdir().unwrap();
        let tsv = "\u{feff}# names\nRome\tLOC\n\nOslo\tLOC\t\t\tabbreviations=OSL\nRome\tLOC\n";
        std::fs::write(folder.path().join("a.tsv"), tsv).unwrap();
        let source = source(folder.path(), "files = ['a.tsv']\nentries = [['Rome', 'LOC']]");
        let label = Label::new("LOC");
        let lines = source.lines(vec![("OSL", &label), ("Rome", &label), ("Bern", &label)]);
        let shown: Vec<(&str, Vec<usize>)> = lines
            .iter()
            .map(|((s, _), places)| (&**s, places.iter().map(|p| p.line).collect()))
            .collect();
        assert_eq!(shown, [("OSL", vec![4]), ("Rome", vec![2, 2, 5])]);
        let repeated: Vec<(usize, usize)> =
            source.repeated().iter().map(|r| (r.place.line, r.first.line)).collect();
        assert_eq!(repeated, [(2, 2), (5, 2)]);
        assert_eq!(source.first_with(&label).map(|place| place.file), Some("e.toml".to_owned()));
        assert!(source.first_with(&Label::new("PER")).is_none());
    }
}
