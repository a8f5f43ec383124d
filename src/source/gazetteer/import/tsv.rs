//! Spanloom's own rows: `surface`, `label`, and optionally id, weight and attributes.

use super::input::wrong;
use super::{Import, Importer, Input, Settings, Sink};
use crate::error::Result;
use crate::source::gazetteer::Entry;
use crate::source::gazetteer::entry::parse_row;

/// The format `tsv`.
pub(super) const IMPORTER: Importer = Importer {
    name: "tsv",
    doc: "Rows of `surface<TAB>label`, then optionally an id, a weight from 0 to 1 and attributes \
          (`key=value;key=value`); lines that begin with `#` are comments.",
    options: &[],
    is_noisy: false,
    recognises: |name, head| name.ends_with(".tsv") && !super::geonames::is_dump(head),
    open: |_: &Settings| Ok(Box::new(Tsv)),
    write: Some(write),
};

struct Tsv;

impl Import for Tsv {
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()> {
        let mut labels = Vec::new();
        input.each_line(sink, |row, sink| {
            if row.text.trim().is_empty() || row.text.starts_with('#') {
                return Ok(());
            }
            let columns: Vec<&str> = row.text.split('\t').collect();
            let entry = parse_row(&columns, &mut labels)
                .map_err(|(column, error)| error.at(row.at_cell(column)))?;
            sink.add(entry).map_err(|error| error.at(row.at_cell(0)))
        })
    }
}

/// An entry as a row, without the cells at the end that say nothing.
pub fn row(entry: &Entry) -> String {
    let mut row = format!("{}\t{}", entry.surface, entry.label);
    let id = entry.id.as_deref().unwrap_or("");
    let weight = if entry.weight == 1.0 { String::new() } else { entry.weight.to_string() };
    let case = entry.case.map(|case| ("case", case.name()));
    let others = entry.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let attributes: Vec<String> =
        case.into_iter().chain(others).map(|(key, value)| format!("{key}={value}")).collect();
    for cell in [id, &weight, &attributes.join(";")] {
        row.push('\t');
        row.push_str(cell);
    }
    row.truncate(row.trim_end_matches('\t').len());
    row
}

/// Writes an entry as a row.
fn write(entry: &Entry, line: &mut String) -> Result<()> {
    let row = row(entry);
    let cells: Vec<&str> = row.split('\t').collect();
    let is_line = !row.contains(['\n', '\r']) && !row.starts_with('#');
    let is_same = parse_row(&cells, &mut Vec::new()).is_ok_and(|read| read == *entry);
    if !is_line || !is_same {
        let message = format!("the entry '{}' is no row of TSV", entry.surface.escape_debug());
        let help = "tabs, line feeds, `;` in attributes and `#` at the beginning need --to jsonl";
        return Err(wrong(message).with_help(help));
    }
    line.push_str(&row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::import;
    use super::*;
    use crate::source::gazetteer::Case;
    use crate::span::Label;

    #[test]
    fn rows_are_read_and_wrong_ones_named() {
        let text = "\u{feff}# places\r\nParis\tLOC\tQ90\t0.5\ta=b\r\nÉ\r\nX\tLOC\t\t2\n\nB\tC\n";
        let (entries, imported) = import(&IMPORTER, &[], text);
        assert_eq!(entries, ["Paris LOC Q90 0.5 a=b", "B C - 1 "]);
        let problems: Vec<String> = imported.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "in:3:1: the row has 1 columns, expected 2 to 5",
                "in:4:8: weight 2 is out of range, expected 0 to 1"
            ]
        );
    }

    #[test]
    fn what_is_written_is_read_back_or_refused() {
        let written = |entry: &Entry| {
            let mut line = String::new();
            write(entry, &mut line).map(|()| line).map_err(|error| error.to_string())
        };
        let mut entry = Entry::new("Paris", Label::new("LOC"));
        assert_eq!(written(&entry).unwrap(), "Paris\tLOC");
        entry.case = Some(Case::Fold);
        entry.weight = 0.1;
        entry.attributes.push(("a".to_owned(), "b=c".to_owned()));
        assert_eq!(written(&entry).unwrap(), "Paris\tLOC\t\t0.1\tcase=fold;a=b=c");
        for surface in ["#nato", "a\tb", "a\nb", " a"] {
            let message = format!("the entry '{}' is no row of TSV", surface.escape_debug());
            assert_eq!(written(&Entry::new(surface, Label::new("ORG"))).unwrap_err(), message);
        }
        entry.attributes[0].1 = "b;c".to_owned();
        assert!(written(&entry).is_err());
    }
}
