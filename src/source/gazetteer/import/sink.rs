//! Where imported entries go: past the filter that all formats share, on to whoever builds. Problems
//! and what was left out are counted here.

use std::collections::BTreeMap;

use super::Importer;
use super::settings::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::source::gazetteer::Entry;
use crate::span::Label;

/// How many problems are kept in full; the others are counted.
const SHOWN: usize = 20;

/// How many labels are kept once for all their entries.
const SHARED_LABELS: usize = 64;

/// Takes entries.
pub struct Sink<'a> {
    accept: &'a mut dyn FnMut(Entry) -> Result<()>,
    min_length: usize,
    skips_numbers: bool,
    labels: Vec<Label>,
    imported: Imported,
}

/// What an import came to.
#[derive(Debug, Default)]
pub struct Imported {
    /// The entries that were handed on.
    pub entries: u64,
    /// What was left out, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// What is wrong with the inputs, the first in full.
    pub problems: Vec<Error>,
    /// How many problems there are in all.
    pub problem_count: u64,
}

impl<'a> Sink<'a> {
    /// A sink of what `importer` reads with `settings`, which hands entries to `accept`.
    ///
    /// # Errors
    /// Where a setting has a wrong value.
    pub fn new(
        importer: &Importer,
        settings: &Settings,
        accept: &'a mut dyn FnMut(Entry) -> Result<()>,
    ) -> Result<Self> {
        let (length, numbers) = match importer.is_noisy {
            true => (3, ["skip", "keep"]),
            false => (1, ["keep", "skip"]),
        };
        Ok(Self {
            accept,
            min_length: settings.number("min-length", length, 0)?,
            skips_numbers: settings.choice("numbers", &numbers)? == "skip",
            labels: Vec::new(),
            imported: Imported::default(),
        })
    }

    /// Hands an entry on, or leaves it out.
    ///
    /// # Errors
    /// Where the entry is refused.
    pub(super) fn add(&mut self, entry: Entry) -> Result<()> {
        if length(&entry.surface) < self.min_length {
            self.leave_out("too short");
        } else if self.skips_numbers && !entry.surface.contains(char::is_alphabetic) {
            self.leave_out("without a letter");
        } else {
            (self.accept)(entry)?;
            self.imported.entries += 1;
        }
        Ok(())
    }

    /// As [`Sink::add`], for a name among many of one row: one of which nothing is left after folding
    /// is left out.
    pub(super) fn add_one_of_many(&mut self, entry: Entry) -> Result<()> {
        match self.add(entry) {
            Err(error) if error.kind() != ErrorKind::Io => self.leave_out("only punctuation"),
            other => return other,
        }
        Ok(())
    }

    /// Counts something that is left out, and why.
    pub(super) fn leave_out(&mut self, why: &'static str) {
        *self.imported.left_out.entry(why).or_default() += 1;
    }

    /// Counts something that is wrong.
    pub(super) fn problem(&mut self, error: Error) {
        self.imported.problem_count += 1;
        if self.imported.problems.len() < SHOWN {
            self.imported.problems.push(error);
        }
    }

    /// The label of this name; the first of them are made once.
    pub(super) fn label(&mut self, name: &str) -> Label {
        match self.labels.iter().find(|label| label.as_str() == name) {
            Some(label) => label.clone(),
            None => {
                let label = Label::new(name);
                if self.labels.len() < SHARED_LABELS {
                    self.labels.push(label.clone());
                }
                label
            }
        }
    }

    /// What it came to.
    pub fn finish(self) -> Imported {
        self.imported
    }
}

impl Imported {
    /// Adds what another import came to.
    pub fn add(&mut self, other: Imported) {
        self.entries += other.entries;
        for (why, count) in other.left_out {
            *self.left_out.entry(why).or_default() += count;
        }
        let room = SHOWN - self.problems.len().min(SHOWN);
        self.problems.extend(other.problems.into_iter().take(room));
        self.problem_count += other.problem_count;
    }
}

/// How long a name is; a character of a script without case says as much as two letters.
fn length(surface: &str) -> usize {
    let has_case = |c: char| c.is_lowercase() || c.is_uppercase();
    surface.chars().map(|c| 1 + usize::from(c.is_alphabetic() && !has_case(c))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_without_case_is_longer() {
        let lengths = ["Rome", "東京", "Łódź", "B-2", ""].map(length);
        assert_eq!(lengths, [4, 4, 4, 3, 0]);
    }
}
