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

/// Gives the entries of a file of rows with the numbers of their lines, counted from 1; rows that are
/// wrong are left out.
pub(in crate::source::gazetteer) fn each_numbered(
    text: &str,
    mut accept: impl FnMut(usize, Entry),
) {
    let mut labels = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in text.lines().enumerate() {
        let columns: Vec<&str> = line.split('\t').collect();
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Ok(entry) = parse_row(&columns, &mut labels) {
            accept(number + 1, entry);
        }
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
    use super::*;
    use crate::source::gazetteer::Case;
    use crate::span::Label;

    fn parse(text: &[u8]) -> (Vec<Entry>, Vec<String>) {
        let mut entries = Vec::new();
        let mut accept = |entry| {
            entries.push(entry);
            Ok(())
        };
        let imported = super::super::read_tsv("f.tsv", text, &mut accept).unwrap();
        (entries, imported.problems.iter().map(ToString::to_string).collect())
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
            (b"P\xff\tL", "1:2: invalid UTF-8 at byte 1 of the input"),
        ];
        for (row, expected) in rows {
            let (entries, problems) = parse(row);
            assert!(entries.is_empty());
            assert_eq!(problems, [format!("f.tsv:{expected}")]);
        }
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
