//! What was found is kept: findings of each source on disk, so that a later run only merges. `key` says
//! when two findings are the same, `table` how they look as columns, `segment` how these lie on disk.
//!
//! A store is a folder with a folder for every source and state of it, `NAME-KEY`: a change of one
//! gazetteer leaves what was kept of the model as it was. Nothing is ever changed or deleted; folders of
//! states that are no longer wanted may be deleted at any time.

mod key;
mod segment;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

pub(super) use self::key::{DocumentKey, SourceKey};
use self::segment::{Segment, SegmentWriter};
use self::table::{Columns, Rows};
use crate::error::{Error, Result};
use crate::source::Found;
use crate::span::{Evidence, Label};
use crate::text::Document;

/// The version of what is kept: another one is not read.
const VERSION: u32 = 1;

/// So many row groups are kept in memory: neighbours in a corpus mostly lie in one.
const CACHED_GROUPS: usize = 8;

/// What one source found in documents.
pub(super) struct SourceStore {
    name: Arc<str>,
    place: StorePlace,
    state: Mutex<State>,
}

/// Where a source's findings are kept.
struct StorePlace {
    root: PathBuf,
    folder: PathBuf,
}

#[derive(Default)]
struct State {
    places: HashMap<DocumentKey, Place>,
    segments: Vec<Segment>,
    cache: VecDeque<((u32, u32), Arc<Rows>)>,
    /// What is not written yet, and the documents added in this run.
    columns: Columns,
    documents: Vec<DocumentKey>,
    added: HashSet<DocumentKey>,
    labels: Option<Vec<Label>>,
    writer: Option<SegmentWriter>,
    usage: EvidenceUse,
    error: Option<Error>,
}

/// Where a document lies.
#[derive(Clone, Copy)]
struct Place {
    segment: u32,
    group: u32,
    row: u32,
}

/// How often a source was spared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceUse {
    /// The source.
    pub source: Arc<str>,
    /// So many documents were found in the store.
    pub reused: u64,
    /// So many were not, and the source ran.
    pub run: u64,
    /// So many of those were added to the store.
    pub added: u64,
}

impl SourceStore {
    /// What is kept in the store at `root` of the source `name` in the state `key`.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub(super) fn open(root: &Path, name: &Arc<str>, key: SourceKey) -> Result<Self> {
        let folder = key.folder(root, name);
        let paths = segment::paths(&folder)?.into_par_iter();
        let opened: Vec<_> = paths.map(|path| Segment::open(root, path)).collect::<Result<_>>()?;
        let usage = EvidenceUse { source: name.clone(), ..EvidenceUse::default() };
        let mut state = State { usage, ..State::default() };
        for (number, (segment, groups)) in opened.into_iter().enumerate() {
            state.segments.push(segment);
            for (group, documents) in groups.into_iter().enumerate() {
                for (row, document) in documents.into_iter().enumerate() {
                    let [segment, group, row] = [number, group, row].map(|n| n as u32);
                    state.places.insert(document, Place { segment, group, row });
                }
            }
        }
        let place = StorePlace { root: root.to_owned(), folder };
        Ok(Self { name: name.clone(), place, state: Mutex::new(state) })
    }

    /// What the source finds in each document: what is kept, and for the others what `find` gives, which
    /// is kept from now on; `keys` are the documents'. What came with warnings is not kept, so that they come again.
    pub(super) fn find(
        &self,
        documents: &[&Document],
        keys: &[DocumentKey],
        find: impl FnOnce(&[&Document]) -> Vec<Result<Found>>,
    ) -> Vec<Result<Found>> {
        let rows = self.lock().rows(keys);
        let mut all: Vec<Option<Result<Found>>> = rows
            .into_par_iter()
            .zip(documents)
            .map(|(kept, document)| {
                let (rows, row, labels) = kept?;
                rows.found(row, &self.name, labels.as_deref(), document).map(Ok)
            })
            .collect();
        let is_missing = |number: &usize| all[*number].is_none();
        let missing: Vec<usize> = (0..documents.len()).filter(is_missing).collect();
        let asked: Vec<&Document> = missing.iter().map(|&number| documents[number]).collect();
        let found = if asked.is_empty() { Vec::new() } else { find(&asked) };
        let mut state = self.lock();
        state.usage.reused += (documents.len() - missing.len()) as u64;
        state.usage.run += missing.len() as u64;
        for (number, found) in missing.into_iter().zip(found) {
            let fits = u32::try_from(documents[number].text.len()).is_ok();
            if let Ok(found) = &found
                && fits
                && found.warnings.is_empty()
            {
                state.keep(&self.place, keys[number], documents[number], found);
            }
            all[number] = Some(found);
        }
        all.into_iter().map(|found| found.expect("kept or asked for")).collect()
    }

    /// Writes what is not written yet, and says how often the source was spared.
    ///
    /// # Errors
    /// The first that happened since the store was opened; from then on it kept nothing.
    pub(super) fn finish(&self) -> Result<EvidenceUse> {
        let mut state = self.lock();
        state.write(&self.place, true);
        match state.error.take() {
            Some(error) => Err(error),
            None => Ok(state.usage.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SourceStore {
    /// Writes what is not written yet; who wants to know whether that went well calls
    /// [`SourceStore::finish`] before.
    fn drop(&mut self) {
        self.lock().write(&self.place, true);
    }
}

/// The rows a document is in, its number there, and the labels of the model.
type Kept = (Arc<Rows>, usize, Option<Vec<Label>>);

impl State {
    /// Where each document lies. What cannot be read counts as not kept, and is an error at the end.
    fn rows(&mut self, keys: &[DocumentKey]) -> Vec<Option<Kept>> {
        let row = |key: &DocumentKey| {
            let Place { segment, group, row } = *self.places.get(key)?;
            let rows = self.group(segment, group)?;
            let labels = self.segments[segment as usize].labels.clone();
            Some((rows, row as usize, labels))
        };
        keys.iter().map(row).collect()
    }

    fn group(&mut self, segment: u32, group: u32) -> Option<Arc<Rows>> {
        let place = (segment, group);
        if let Some((_, rows)) = self.cache.iter().find(|(cached, _)| *cached == place) {
            return Some(rows.clone());
        }
        match self.segments[segment as usize].rows(group as usize) {
            Ok(rows) => {
                let rows = Arc::new(rows);
                self.cache.truncate(CACHED_GROUPS - 1);
                self.cache.push_front((place, rows.clone()));
                Some(rows)
            }
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }

    fn keep(&mut self, place: &StorePlace, key: DocumentKey, document: &Document, found: &Found) {
        if self.error.is_some() || !self.added.insert(key) {
            return;
        }
        if let Some(evidence) = &found.evidence {
            self.labels.get_or_insert_with(|| Evidence::labels(evidence).to_vec());
        }
        self.documents.push(key);
        self.columns.push(document, found);
        self.usage.added += 1;
        if self.columns.is_full() {
            self.write(place, false);
        }
    }

    fn write(&mut self, place: &StorePlace, all: bool) {
        if let Err(error) = self.try_write(place, all) {
            self.error.get_or_insert(error);
        }
    }

    fn try_write(&mut self, place: &StorePlace, all: bool) -> Result<()> {
        let columns = std::mem::take(&mut self.columns);
        let documents = std::mem::take(&mut self.documents);
        if self.error.is_some() {
            self.writer = None;
            return Ok(());
        }
        if !columns.is_empty() {
            if self.writer.is_none() {
                let StorePlace { root, folder } = place;
                let writer = SegmentWriter::create(root, folder, self.labels.as_deref())?;
                self.writer = Some(writer);
            }
            let writer = self.writer.as_mut().expect("it was created just now");
            writer.write(&documents, columns)?;
        }
        match self.writer.take() {
            Some(writer) if all || writer.is_full() => writer.finish(),
            writer => {
                self.writer = writer;
                Ok(())
            }
        }
    }
}
