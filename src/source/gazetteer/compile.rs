//! From entries to a gazetteer: entries grouped by folded surface, and an index over the surfaces.
//! The file that a gazetteer can be kept in is `compiled`'s work, matching is `matcher`'s.

use std::ops::Range;

use super::casing::Shape;
use super::compiled::is_compiled;
use super::entry::{self, Entry};
use super::index::{AhoIndex, FstIndex, Hit, Index};
use crate::error::{Error, ErrorKind, Result};
use crate::span::Label;
use crate::text::{FoldOptions, fold};

/// Below this many surfaces, `auto` takes the Aho-Corasick automaton. At 500 surfaces it is built a
/// little faster than the transducer and matches about as fast; at 100,000 the transducer matches
/// nearly twice as fast (`benches/gazetteer.rs`).
const AHO_SURFACES: usize = 1000;

/// How many problems are reported one by one.
const SHOWN_PROBLEMS: usize = 20;

/// Which structure holds the surfaces; it shows in speed, never in what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexKind {
    /// `aho` for small lists, `fst` for others.
    #[default]
    Auto,
    /// A finite-state transducer.
    Fst,
    /// An Aho-Corasick automaton.
    Aho,
}

/// Entries, ready to be looked up by what a folded text holds.
pub struct Gazetteer {
    /// By folded surface, then label, then what names them.
    entries: Vec<Entry>,
    shapes: Vec<Shape>,
    /// Where in `entries` each surface begins, and the end of the last.
    starts: Vec<usize>,
    index: Box<dyn Index>,
}

impl Gazetteer {
    /// All entries, by folded surface, then label, then id or surface.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many surfaces differ after folding.
    pub fn surface_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The labels of the entries, sorted.
    pub fn labels(&self) -> Vec<Label> {
        let mut labels: Vec<&Label> = self.entries.iter().map(|entry| &entry.label).collect();
        labels.sort_unstable();
        labels.dedup();
        labels.into_iter().cloned().collect()
    }

    /// The entries of a surface, each with its shape.
    pub(super) fn of_surface(&self, surface: usize) -> impl Iterator<Item = (&Entry, Shape)> {
        let range = self.range_of(surface).unwrap_or_default();
        let shapes = self.shapes.get(range.clone()).unwrap_or_default();
        self.entries.get(range).unwrap_or_default().iter().zip(shapes.iter().copied())
    }

    fn range_of(&self, surface: usize) -> Option<Range<usize>> {
        Some(*self.starts.get(surface)?..*self.starts.get(surface + 1)?)
    }

    /// Every occurrence of a surface in a folded text.
    pub(super) fn hits(&self, folded: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.index.find(folded, &mut hits);
        hits
    }

    /// The folded surfaces, sorted.
    pub(super) fn keys(&self) -> Vec<String> {
        keys(&self.entries, &self.starts)
    }

    /// Where in [`Gazetteer::entries`] each surface begins, and the end of the last.
    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    pub(super) fn index(&self) -> &dyn Index {
        &*self.index
    }

    /// A gazetteer of parts that fit each other: see the fields.
    pub(super) fn from_parts(
        entries: Vec<Entry>,
        starts: Vec<usize>,
        index: Box<dyn Index>,
    ) -> Self {
        let shapes = entries.iter().map(|entry| Shape::of(&entry.surface)).collect();
        Self { entries, shapes, starts, index }
    }

    /// The same gazetteer with another index.
    #[cfg(test)]
    pub(super) fn with_index(mut self, index: Box<dyn Index>) -> Self {
        self.index = index;
        self
    }
}

/// The folded form of a surface, by which it is found.
pub(super) fn key(surface: &str) -> String {
    let folded = fold(surface, FoldOptions::ALL).into_text();
    match folded.trim() {
        trimmed if trimmed.len() == folded.len() => folded,
        trimmed => trimmed.to_owned(),
    }
}

/// The folded surfaces of entries that are grouped by them; see the fields of [`Gazetteer`].
pub(super) fn keys(entries: &[Entry], starts: &[usize]) -> Vec<String> {
    let firsts = starts.iter().filter_map(|&start| entries.get(start));
    firsts.map(|entry| key(&entry.surface)).collect()
}

/// Gathers entries, and what is wrong with them, until all are there.
#[derive(Debug, Default)]
pub struct Builder {
    entries: Vec<(String, Entry)>,
    problems: Vec<Error>,
    problem_count: usize,
}

impl Builder {
    /// A builder without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// Where nothing is left of its surface after folding.
    pub fn add(&mut self, entry: Entry) -> Result<()> {
        self.entries.push((checked_key(&entry)?, entry));
        Ok(())
    }

    /// Adds the rows of a TSV file of the name `file`; what is wrong with them is kept for
    /// [`Builder::build`] to report.
    pub fn add_tsv(&mut self, file: &str, bytes: &[u8]) {
        let mut problems = Vec::new();
        let mut hidden = 0;
        entry::parse_tsv(
            file,
            bytes,
            |entry| self.add(entry),
            |problem| match problems.len() {
                ..SHOWN_PROBLEMS => problems.push(problem),
                _ => hidden += 1,
            },
        );
        problems.into_iter().for_each(|problem| self.report(problem));
        self.problem_count += hidden;
    }

    /// Adds the entries of a file of the name `file`, TSV or compiled. What is wrong with the rows of
    /// a TSV file is kept for [`Builder::build`] to report.
    ///
    /// # Errors
    /// Where a compiled file is damaged, or a file that is not compiled is called `.fst`.
    pub fn add_file(&mut self, file: &str, bytes: &[u8]) -> Result<()> {
        if is_compiled(bytes) || file.ends_with(".fst") {
            return self.add_gazetteer(Gazetteer::from_file(file, bytes)?);
        }
        self.add_tsv(file, bytes);
        Ok(())
    }

    /// Adds the entries of a gazetteer.
    pub(super) fn add_gazetteer(&mut self, gazetteer: Gazetteer) -> Result<()> {
        gazetteer.entries.into_iter().try_for_each(|entry| self.add(entry))
    }

    /// Keeps a problem for [`Builder::build`] to report.
    pub fn report(&mut self, problem: Error) {
        self.problem_count += 1;
        if self.problems.len() < SHOWN_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Whether there is anything to report.
    pub(super) fn has_problems(&self) -> bool {
        self.problem_count > 0
    }

    /// Drops the entries that `keep` refuses, given each with its folded surface.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str, &Entry) -> bool) {
        self.entries.retain(|(key, entry)| keep(key, entry));
    }

    /// The entries added so far.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// The gazetteer of all entries; the order in which they were added does not matter, and of
    /// equal ones one is kept.
    ///
    /// # Errors
    /// Everything that was wrong with the entries, the first 20 in full.
    pub fn build(mut self, index: IndexKind) -> Result<Gazetteer> {
        let hidden = self.problem_count - self.problems.len();
        if hidden > 0 {
            let message = format!("and {hidden} more problems in the gazetteer");
            self.problems.push(Error::new(ErrorKind::Gazetteer, message));
        }
        if let Some(error) = Error::several(self.problems) {
            return Err(error);
        }
        self.entries.sort_unstable_by(|(key_a, a), (key_b, b)| {
            key_a.cmp(key_b).then_with(|| compare_of_one_surface(a, b))
        });
        self.entries.dedup_by(|(_, a), (_, b)| a == b);
        let mut keys: Vec<String> = Vec::new();
        let mut starts = Vec::new();
        let mut entries = Vec::with_capacity(self.entries.len());
        for (key, entry) in self.entries {
            if keys.last() != Some(&key) {
                starts.push(entries.len());
                keys.push(key);
            }
            entries.push(entry);
        }
        starts.push(entries.len());
        Ok(Gazetteer::from_parts(entries, starts, build_index(&keys, index)?))
    }
}

fn checked_key(entry: &Entry) -> Result<String> {
    let key = key(&entry.surface);
    if key.is_empty() {
        let message = format!("nothing is left of the surface '{}' after folding", entry.surface);
        return Err(Error::new(ErrorKind::Gazetteer, message.escape_debug().to_string()));
    }
    Ok(key)
}

/// By label, then detail: mentions of equal score take the first. The rest makes the order total.
fn compare_of_one_surface(a: &Entry, b: &Entry) -> std::cmp::Ordering {
    (&a.label, a.detail(), &a.surface)
        .cmp(&(&b.label, b.detail(), &b.surface))
        .then_with(|| b.weight.total_cmp(&a.weight))
        .then_with(|| a.attributes_text().cmp(&b.attributes_text()))
        .then_with(|| a.id.cmp(&b.id))
}

fn build_index(keys: &[String], kind: IndexKind) -> Result<Box<dyn Index>> {
    let kind = match kind {
        IndexKind::Auto if keys.len() < AHO_SURFACES => IndexKind::Aho,
        IndexKind::Auto => IndexKind::Fst,
        kind => kind,
    };
    tracing::debug!(surfaces = keys.len(), index = ?kind, "gazetteer index");
    Ok(match kind {
        IndexKind::Aho => Box::new(AhoIndex::build(keys)?),
        IndexKind::Auto | IndexKind::Fst => Box::new(FstIndex::build(keys)),
    })
}
