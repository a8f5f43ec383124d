//! What a gazetteer holds, and how it is written as TSV: `surface`, `label`, `id`, `weight`,
//! `attributes`, the last three optional. How entries become an index is `compile`'s work.

use super::casing::Case;
use crate::error::{Error, ErrorKind, Location, Result};
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

/// Reads a TSV file of the name `file` and gives each entry, or what is wrong with a line of it.
///
/// Blank lines and lines that begin with `#` are skipped; a byte-order mark and Windows line ends
/// are accepted; white space around a cell does not count. `accept` may refuse an entry: the error
/// is then reported at its surface.
pub(super) fn parse_tsv(
    file: &str,
    bytes: &[u8],
    mut accept: impl FnMut(Entry) -> Result<()>,
    mut report: impl FnMut(Error),
) {
    let mut labels: Vec<Label> = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let line = match std::str::from_utf8(line) {
            Ok(line) => line,
            Err(e) => {
                let valid = line.get(..e.valid_up_to()).unwrap_or_default();
                let column = String::from_utf8_lossy(valid).chars().count() + 1;
                let place = Location::line(file, number, column);
                report(wrong("the line is not UTF-8").at(place));
                continue;
            }
        };
        let line = if number == 1 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = line.split('\t').collect();
        let place = |column: usize| {
            let before: usize = columns.iter().take(column).map(|c| c.chars().count() + 1).sum();
            Location::line(file, number, before + 1)
        };
        match parse_row(&columns, &mut labels) {
            Err((column, error)) => report(error.at(place(column))),
            Ok(entry) => {
                if let Err(error) = accept(entry) {
                    report(error.at(place(0)));
                }
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> (Vec<Entry>, Vec<String>) {
        let (mut entries, mut problems) = (Vec::new(), Vec::new());
        let accept = |entry| {
            entries.push(entry);
            Ok(())
        };
        parse_tsv("f.tsv", text, accept, |error| problems.push(error.to_string()));
        (entries, problems)
    }

    #[test]
    fn rows_of_two_to_five_columns_are_read() {
        let text = "\u{feff}# places\r\nParis\tLOC\r\n\r\n Ä \tX\tid1\r\nb\tX\t\t0.25\nc\tX\t\t\tcase=fold; a = b=c ;\n";
        let (entries, problems) = parse(text.as_bytes());
        assert!(problems.is_empty(), "{problems:?}");
        let surfaces: Vec<_> = entries.iter().map(|e| &*e.surface).collect();
        assert_eq!(surfaces, ["Paris", "Ä", "b", "c"]);
        assert_eq!((entries[0].id.as_deref(), entries[1].id.as_deref()), (None, Some("id1")));
        assert_eq!(entries[2].weight, 0.25);
        assert_eq!(entries[3].case, Some(Case::Fold));
        assert_eq!(entries[3].attributes, [("a".to_owned(), "b=c".to_owned())]);
    }

    #[test]
    fn every_wrong_row_is_reported_at_its_column() {
        let rows: [(&[u8], &str); 12] = [
            (b"Paris", "1:1: the row has 1 columns, expected 2 to 5"),
            (b"a\tb\tc\td\te\tf\tg", "1:11: the row has 7 columns, expected 2 to 5"),
            (b"\tLOC", "1:1: the surface is empty"),
            (b"Paris\t ", "1:7: the label is empty"),
            (b"Paris\tLOC\t\tx", "1:12: weight 'x' is not a number, expected 0 to 1"),
            (b"Paris\tLOC\t\t1.5", "1:12: weight 1.5 is out of range, expected 0 to 1"),
            (b"Paris\tLOC\t\tNaN", "1:12: weight NaN is out of range, expected 0 to 1"),
            (b"P\tL\t\t\tx", "1:7: attribute 'x' is not of the form key=value"),
            (b"P\tL\t\t\t=x", "1:7: attribute '=x' is not of the form key=value"),
            (b"P\tL\t\t\ta=1;a=2", "1:7: attribute 'a' is there twice"),
            (b"P\tL\t\t\tcase=smrt", "1:7: unknown case 'smrt'"),
            (b"P\xff\tL", "1:2: the line is not UTF-8"),
        ];
        for (row, expected) in rows {
            let (entries, problems) = parse(row);
            assert!(entries.is_empty());
            assert_eq!(problems, [format!("f.tsv:{expected}")]);
        }
    }
}
