//! Tables with named columns, as spreadsheets and databases write them.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use csv::{ErrorKind as CsvError, ReaderBuilder, StringRecord};

use super::input::wrong;
use super::settings::invalid;
use super::{Import, Importer, Input, Settings, Sink};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::OptionDoc;
use crate::source::gazetteer::{Case, Entry};

/// The format `csv`.
pub(super) const IMPORTER: Importer = Importer {
    name: "csv",
    doc: "A table with a heading: quotes, line feeds in quotes, a byte-order mark and Windows line \
          ends are read; blank lines are passed over.",
    options: &[
        OptionDoc {
            name: "columns",
            value: "KEY=COLUMN,…, surface=surface,…",
            doc: "Which column is what: `surface`, `label`, `id`, `weight`, `case`, or the name of an \
                  attribute; a column by its heading or its number. Without it the columns of these \
                  names.",
        },
        OptionDoc {
            name: "label",
            value: "label",
            doc: "The label of entries for which no column gives one.",
        },
        OptionDoc {
            name: "delimiter",
            value: "character or tab, ,",
            doc: "What stands between the cells.",
        },
        OptionDoc {
            name: "heading",
            value: "yes | no, yes",
            doc: "Whether the first row names the columns; without a heading columns are numbers.",
        },
        OptionDoc {
            name: "split",
            value: "text",
            doc: "What stands between several names in one cell.",
        },
        OptionDoc {
            name: "quoting",
            value: "yes | no, yes",
            doc: "Whether `\"` quotes a cell; `no` takes it as it is.",
        },
    ],
    is_noisy: false,
    recognises: |name, _| name.ends_with(".csv"),
    open: |settings| Ok(Box::new(Csv::open(settings)?)),
    write: None,
};

/// A longer row is an error: a quote that is never closed would take the whole file into memory.
const MAX_ROW: u64 = 16 << 20;

/// The keys that are no attributes.
const KEYS: [&str; 5] = ["surface", "label", "id", "weight", "case"];

struct Csv {
    /// Key and column, as written; empty where the headings decide.
    columns: Vec<(String, String)>,
    label: Option<String>,
    delimiter: u8,
    has_heading: bool,
    split: Option<String>,
    has_quotes: bool,
}

impl Csv {
    fn open(settings: &Settings) -> Result<Self> {
        let pairs = settings.pairs("columns")?;
        let columns: Vec<(String, String)> =
            pairs.iter().map(|(key, column)| ((*key).to_owned(), (*column).to_owned())).collect();
        if let Some((key, _)) =
            (1..pairs.len()).find_map(|at| pairs[..at].iter().find(|(key, _)| *key == pairs[at].0))
        {
            return Err(invalid("columns", format!("'{key}' is there twice")));
        }
        if !columns.is_empty() && !columns.iter().any(|(key, _)| key == "surface") {
            return Err(invalid("columns", "none is the surface: surface=COLUMN"));
        }
        let has_heading = settings.choice("heading", &["yes", "no"])? == "yes";
        if !has_heading && columns.is_empty() {
            return Err(invalid("heading", "a table without one needs --columns with numbers"));
        }
        let delimiter = match settings.text("delimiter").unwrap_or(",") {
            "tab" | "\\t" | "" => b'\t',
            text => match text.as_bytes() {
                [byte] if byte.is_ascii() => *byte,
                _ => return Err(invalid("delimiter", format!("'{text}' is no ASCII character"))),
            },
        };
        Ok(Self {
            columns,
            label: settings.text("label").map(str::to_owned),
            delimiter,
            has_heading,
            split: settings.text("split").filter(|split| !split.is_empty()).map(str::to_owned),
            has_quotes: settings.choice("quoting", &["yes", "no"])? == "yes",
        })
    }

    /// The key and the place in a row of every column that is read.
    fn layout(&self, headings: &StringRecord) -> Result<Vec<(String, usize)>> {
        let named = |name: &str| headings.iter().position(|heading| heading.trim() == name);
        let layout: Vec<(String, usize)> = if self.columns.is_empty() {
            KEYS.iter().filter_map(|key| Some(((*key).to_owned(), named(key)?))).collect()
        } else {
            let place = |column: &str| {
                let number = column.parse().ok().filter(|number| *number > 0);
                named(column).or(number.map(|number: usize| number - 1)).ok_or_else(|| {
                    let known: Vec<&str> = headings.iter().collect();
                    Error::unknown("column", column, &known)
                })
            };
            let columns = self.columns.iter();
            columns.map(|(key, column)| Ok((key.clone(), place(column)?))).collect::<Result<_>>()?
        };
        let has = |key: &str| layout.iter().any(|(known, _)| known == key);
        if !has("surface") {
            let help = format!(
                "--columns surface=COLUMN; its columns: {}",
                headings.iter().collect::<Vec<_>>().join(", ")
            );
            return Err(wrong("no column is the surface").with_help(help));
        }
        if self.label.is_none() && !has("label") {
            return Err(wrong("no column is the label").with_help("--label LABEL gives one to all"));
        }
        Ok(layout)
    }

    /// The entries of a row, one for each of its names.
    fn add(
        &self,
        row: &StringRecord,
        layout: &[(String, usize)],
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let cell = |key: &str| {
            let column = layout.iter().find(|(known, _)| known == key)?.1;
            row.get(column).map(str::trim).filter(|cell| !cell.is_empty())
        };
        let surfaces = cell("surface").ok_or_else(|| wrong("the surface is empty"))?;
        let label = cell("label").or(self.label.as_deref());
        let label = sink.label(label.ok_or_else(|| wrong("the label is empty"))?);
        let mut entry = Entry::new("", label);
        entry.id = cell("id").map(Into::into);
        if let Some(text) = cell("weight") {
            let weight = text
                .parse()
                .map_err(|_| wrong(format!("weight '{text}' is not a number, expected 0 to 1")))?;
            entry.set_weight(weight)?;
        }
        entry.case = cell("case").map(Case::parse).transpose()?;
        for (key, _) in layout.iter().filter(|(key, _)| !KEYS.contains(&key.as_str())) {
            entry.attributes.extend(cell(key).map(|value| (key.clone(), value.to_owned())));
        }
        let Some(split) = &self.split else {
            entry.surface = surfaces.into();
            return sink.add(entry);
        };
        for surface in surfaces.split(split).map(str::trim).filter(|name| !name.is_empty()) {
            sink.add_one_of_many(Entry { surface: surface.into(), ..entry.clone() })?;
        }
        Ok(())
    }
}

impl Import for Csv {
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()> {
        let name = input.name;
        let begun = Rc::new(Cell::new(0));
        let bounded = Bounded { reader: input.reader, read: 0, begun: Rc::clone(&begun) };
        let mut reader = ReaderBuilder::new()
            .delimiter(self.delimiter)
            .quoting(self.has_quotes)
            .has_headers(self.has_heading)
            .from_reader(bounded);
        let headings = match self.has_heading {
            true => match reader.headers() {
                Ok(headings) => headings.clone(),
                Err(error) => {
                    sink.problem(explained(name, error)?);
                    return Ok(());
                }
            },
            false => StringRecord::new(),
        };
        let layout = match self.layout(&headings) {
            Ok(layout) => layout,
            Err(error) => {
                sink.problem(error.at(Location::line(name, 1, 0)));
                return Ok(());
            }
        };
        let mut row = StringRecord::new();
        loop {
            begun.set(reader.position().byte());
            let done = match reader.read_record(&mut row) {
                Ok(false) => return Ok(()),
                Ok(true) => self.add(&row, &layout, sink),
                Err(error) => Err(explained(name, error)?),
            };
            if let Err(error) = done {
                if error.kind() == ErrorKind::Io {
                    return Err(error);
                }
                let line = row.position().map_or(0, csv::Position::line) as usize;
                sink.problem(error.at(Location::line(name, line, 0)));
            }
        }
    }
}

/// What is wrong with a row; an error where the input itself fails.
fn explained(name: &str, error: csv::Error) -> Result<Error> {
    let place = |position: Option<&csv::Position>| {
        Location::line(name, position.map_or(0, csv::Position::line) as usize, 0)
    };
    match error.into_kind() {
        CsvError::Io(error) => Err(Error::io("read", name, error)),
        CsvError::Utf8 { pos, err } => {
            let message = format!("cell {} is not UTF-8", err.field() + 1);
            Ok(wrong(message).at(place(pos.as_ref())))
        }
        CsvError::UnequalLengths { pos, expected_len, len } => {
            let message = format!("the row has {len} cells, expected {expected_len}");
            Ok(wrong(message).at(place(pos.as_ref())))
        }
        other => Ok(wrong(format!("the row cannot be read: {other:?}")).at(place(None))),
    }
}

/// A reader that fails where a row becomes too long.
struct Bounded<'a> {
    reader: &'a mut dyn BufRead,
    read: u64,
    /// Where the row begins that is being read.
    begun: Rc<Cell<u64>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.read.saturating_sub(self.begun.get()) > MAX_ROW {
            let message = format!("a row is longer than {MAX_ROW} bytes, maybe by a lone quote");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let read = self.reader.read(bytes)?;
        self.read += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{import, messages, refusal};
    use super::*;

    #[test]
    fn columns_are_named_or_have_the_names_of_the_keys() {
        let text = "\u{feff}Symbol,Name,Sector\r\nMMM,\"3M, Inc.\",Industrials\r\n\r\nAOS,\"A. O.\n\"\"Smith\"\"\",\r\n";
        let options = [("columns", "surface=Name,id=Symbol,sector=3"), ("label", "ORG")];
        let (entries, imported) = import(&IMPORTER, &options, text);
        assert_eq!(
            entries,
            ["3M, Inc. ORG MMM 1 sector=Industrials", "A. O.\n\"Smith\" ORG AOS 1 "]
        );
        assert_eq!(imported.problem_count, 0);
        let text = "label,weight,case,surface,more\nLOC,0.5,exact,Paris,x\n";
        let (entries, _) = import(&IMPORTER, &[], text);
        assert_eq!(entries, ["Paris LOC - 0.5 case=exact"]);
    }

    #[test]
    fn tables_without_heading_and_quotes_are_read() {
        let text = "AD.06\tSant \"Julià\"|Julia|!\t3039162\n";
        let options = [
            ("columns", "surface=2,id=3"),
            ("heading", "no"),
            ("delimiter", "tab"),
            ("quoting", "no"),
            ("split", "|"),
            ("label", "LOC"),
        ];
        let (entries, _) = import(&IMPORTER, &options, text);
        let expected =
            ["Sant \"Julià\" LOC 3039162 1 ", "Julia LOC 3039162 1 ", "! LOC 3039162 1 "];
        assert_eq!(entries, expected);
    }

    #[test]
    fn every_wrong_row_is_named() {
        let text = "surface,label,weight\n,LOC,\na,,\nb,LOC,x\nc,LOC\nd,LOC,1.5\ne,LOC,\n";
        assert_eq!(
            messages(&IMPORTER, &[], text),
            [
                "in:2: the surface is empty",
                "in:3: the label is empty",
                "in:4: weight 'x' is not a number, expected 0 to 1",
                "in:5: the row has 2 cells, expected 3",
                "in:6: weight 1.5 is out of range, expected 0 to 1",
            ]
        );
        let no = |text, options: &[_]| messages(&IMPORTER, options, text);
        assert_eq!(no("a,b\n", &[]), ["in:1: no column is the surface"]);
        assert_eq!(no("surface\n", &[]), ["in:1: no column is the label"]);
        let options = [("columns", "surface=nmae"), ("label", "X")];
        assert_eq!(no("name\nx\n", &options), ["in:1: unknown column 'nmae'"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_fills_no_memory() {
        let text = format!("surface,label\n\"{}", "x".repeat((MAX_ROW as usize) * 2));
        let mut settings = Settings::default();
        settings.set("min-length", "1");
        let mut accept = |_| Ok(());
        let mut sink = Sink::new(&IMPORTER, &settings, &mut accept).unwrap();
        let input = Input { name: "in", reader: &mut text.as_bytes() };
        let error = IMPORTER.open(&settings).unwrap().import(input, &mut sink).unwrap_err();
        assert!(error.to_string().contains("a row is longer than "), "{error}");
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let cases: [(&[(&str, &str)], &str); 5] = [
            (&[("columns", "id=a")], "--columns: none is the surface: surface=COLUMN"),
            (&[("columns", "surface=a,surface=b")], "--columns: 'surface' is there twice"),
            (&[("delimiter", "é")], "--delimiter: 'é' is no ASCII character"),
            (&[("heading", "no")], "--heading: a table without one needs --columns with numbers"),
            (&[("heading", "maybe")], "unknown value of --heading 'maybe'"),
        ];
        for (options, expected) in cases {
            assert_eq!(refusal(&IMPORTER, options), expected);
        }
    }
}
