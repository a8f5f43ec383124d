//! What a gazetteer holds, and how a row of TSV writes it: `surface`, `label`, `id`, `weight`,
//! `attributes`, the last three optional. How entries become an index is `compile`'s work.

use super::casing::Case;
use crate::error::{Error, ErrorKind, Result};
use crate::span::Label;

/// A name and what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The name as it is properly written.
    pub surface: String,
    /// What it is.
    pub label: Label,
    /// What it stands for, in the terms of whoever made the gazetteer.
    pub id: Option<String>,
    /// How sure one may be of it, 0..=1.
    pub weight: f32,
    /// Which casing of a text matches it, where it has a say of its own (the attribute `case`).
    pub case: Option<Case>,
    /// Everything else that is said about it, in the order written, without `case`.
    pub attributes: Vec<(String, String)>,
}

/// The attribute that holds the abbreviations of an entry, parted by `|`.
pub(super) const ABBREVIATIONS: &str = "abbreviations";

impl Entry {
    /// An entry of weight 1 without id and attributes.
    pub fn new(surface: &str, label: Label) -> Self {
        let surface = surface.to_owned();
        Self { surface, label, id: None, weight: 1.0, case: None, attributes: Vec::new() }
    }

    /// The entries that its abbreviations are: they stand for the same thing, say everything else that
    /// it says, and match in their own casing only.
    pub(super) fn abbreviated(&self) -> Vec<Entry> {
        let list = self.attributes.iter().find(|(key, _)| key == ABBREVIATIONS);
        let names = list.iter().flat_map(|(_, names)| names.split('|')).map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(|name| Entry {
                surface: name.to_owned(),
                id: Some(self.id.clone().unwrap_or_else(|| self.surface.clone())),
                case: Some(Case::Exact),
                attributes: self
                    .attributes
                    .iter()
                    .filter(|(k, _)| k != ABBREVIATIONS)
                    .cloned()
                    .collect(),
                ..self.clone()
            })
            .collect()
    }

    /// Reads `text` into the entry's attributes.
    ///
    /// # Errors
    /// Where a part is not `key=value`, a key comes twice or `case` has a value that is none.
    pub fn set_attributes(&mut self, text: &str) -> Result<()> {
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let pair = part.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
            let Some((key, value)) = pair.filter(|(key, _)| !key.is_empty()) else {
                return Err(wrong(format!("attribute '{part}' is not of the form key=value")));
            };
            if self.attributes.iter().any(|(k, _)| k == key) || key == "case" && self.case.is_some()
            {
                return Err(wrong(format!("attribute '{key}' is there twice")));
            }
            if key == "case" {
                self.case = Some(Case::parse(value)?);
            } else {
                self.attributes.push((key.to_owned(), value.to_owned()));
            }
        }
        Ok(())
    }

    /// Sets the weight.
    ///
    /// # Errors
    /// Where it does not lie in 0..=1.
    pub fn set_weight(&mut self, weight: f32) -> Result<()> {
        if !(0.0..=1.0).contains(&weight) {
            return Err(wrong(format!("weight {weight} is out of range, expected 0 to 1")));
        }
        self.weight = weight;
        Ok(())
    }
}

/// How many labels of a file are kept once for all their entries.
const SHARED_LABELS: usize = 64;

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Gazetteer, message)
}

/// The entry of a row, or the column that is wrong and why.
pub(super) fn parse_row(
    columns: &[&str],
    labels: &mut Vec<Label>,
) -> std::result::Result<Entry, (usize, Error)> {
    let count = columns.len();
    if !(2..=5).contains(&count) {
        let message = format!("the row has {count} columns, expected 2 to 5");
        let help = "surface<TAB>label[<TAB>id[<TAB>weight[<TAB>key=value;key=value]]]";
        return Err((count.min(6) - 1, wrong(message).with_help(help)));
    }
    let cell = |column: usize| columns.get(column).map_or("", |cell| cell.trim());
    for (column, name) in ["surface", "label"].into_iter().enumerate() {
        if cell(column).is_empty() {
            return Err((column, wrong(format!("the {name} is empty"))));
        }
    }
    let label = match labels.iter().find(|label| label.as_str() == cell(1)) {
        Some(label) => label.clone(),
        None => {
            let label = Label::new(cell(1));
            if labels.len() < SHARED_LABELS {
                labels.push(label.clone());
            }
            label
        }
    };
    let mut entry = Entry::new(cell(0), label);
    entry.id = (!cell(2).is_empty()).then(|| cell(2).into());
    if !cell(3).is_empty() {
        let weight = cell(3).parse().map_err(|_| {
            (3, wrong(format!("weight '{}' is not a number, expected 0 to 1", cell(3))))
        })?;
        entry.set_weight(weight).map_err(|error| (3, error))?;
    }
    entry.set_attributes(cell(4)).map_err(|error| (4, error))?;
    Ok(entry)
}
