//! Comma- and tab-separated values: tables of strings, one document a record. This file knows what parts
//! columns; its children read and write.

mod read;
mod write;

use super::{Documents, Format, Marking, options};
use crate::resource::OptionDoc;

/// The format `csv`.
pub const FORMAT: Format = Format {
    name: "csv",
    doc: "Comma-separated values (RFC 4180), one document a record: the text is one column, all others pass \
          through, and `entities` is a column of JSON.",
    suffixes: &["csv"],
    extension: "csv",
    marking: Marking::Offsets,
    companion: None,
    recognises: super::nothing,
    options: OPTIONS,
    read: |input, options| Box::new(read::Reader::new(input, options, b',')) as Documents,
    write: Some(|output, options| Box::new(write::Writer::new(output, options.offsets, b','))),
};

/// The format `tsv`.
pub const TSV: Format = Format {
    name: "tsv",
    doc: "Tab-separated values: as `csv`, with tabs.",
    suffixes: &["tsv"],
    extension: "tsv",
    read: |input, options| Box::new(read::Reader::new(input, options, b'\t')) as Documents,
    write: Some(|output, options| Box::new(write::Writer::new(output, options.offsets, b'\t'))),
    ..FORMAT
};

const OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        name: "text-field",
        value: "string, text",
        doc: "Read: the column that holds the text.",
    },
    OptionDoc {
        name: "id-field",
        value: "string, id",
        doc: "Read: the column that holds the id; `FILE:RECORD` where it is missing or empty.",
    },
    OptionDoc {
        name: "no-header",
        value: "yes | no, no",
        doc: "Read: whether the first record is a document already; columns are then named 1, 2, 3, ….",
    },
    OptionDoc {
        name: "no-quotes",
        value: "yes | no, no",
        doc: "Read: whether quotes are text, and a line always is a record.",
    },
    OptionDoc {
        name: "separator",
        value: "tab | space | comma | a character",
        doc: "Read: what parts the columns.",
    },
    OptionDoc {
        name: "max-line-bytes",
        value: "number, 268435456",
        doc: "Read: a longer record is an error, and ends the input.",
    },
    options::OFFSETS,
];

/// Whether a text that may be CoNLL is a table: its first line has tabs, and no line of it says that it is
/// sentences, as a comment, a blank line or a column of tags does.
pub(super) fn is_table(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let is_quoted = text.lines().any(|line| line.starts_with('"') || line.contains("\t\""));
    let last = text.trim_end_matches(['\n', '\r']);
    let parts_sentences = last.lines().any(|line| line.trim().is_empty());
    first.contains('\t')
        && !first.starts_with("-DOCSTART-")
        && !first.starts_with("# ")
        && (is_quoted || !parts_sentences)
        && !super::conll::is_tagged(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::{entity, read, write};
    use crate::io::{GoldOptions, ReadOptions, WriteOptions, jsonl};
    use crate::text::Document;
    use proptest::prelude::*;

    fn documents(text: &str, options: &ReadOptions) -> Vec<Document> {
        read(&FORMAT, text.as_bytes(), options).into_iter().map(Result::unwrap).collect()
    }

    fn errors(bytes: &[u8], options: &ReadOptions) -> Vec<String> {
        let shown = |read: crate::Result<Document>| {
            read.map_or_else(|error| format!("! {error}"), |document| document.text)
        };
        read(&FORMAT, bytes, options).into_iter().map(shown).collect()
    }

    fn written(format: &Format, documents: Vec<Document>) -> String {
        let documents: Vec<_> = documents.into_iter().map(|one| (one, vec![])).collect();
        write(format, &documents, &WriteOptions::default())
    }

    fn by_field(text_field: &str, id_field: &str) -> ReadOptions {
        let (text_field, id_field) = (text_field.to_owned(), id_field.to_owned());
        ReadOptions { text_field, id_field, ..ReadOptions::default() }
    }

    #[test]
    fn all_columns_come_back_with_the_entities_after_them() {
        let table = "\u{feff}key,body,\"a \"\"b\"\"\",body\r\n7,\"In\r\nParis, \"\"now\"\"\",x,\n,Rome,,z\n";
        let read = documents(table, &by_field("body", "key"));
        assert_eq!(read[0].text, "In\r\nParis, \"now\"");
        let ids: Vec<&str> = read.iter().map(|document| document.id.as_str()).collect();
        assert_eq!(ids, ["7", "in:2"]);
        let entities = vec![entity(&read[0].text, "Paris", "LOC", 0.5)];
        let pairs = [(read[0].clone(), entities), (read[1].clone(), vec![])];
        let expected = "key,body,\"a \"\"b\"\"\",body,entities\n\
            7,\"In\r\nParis, \"\"now\"\"\",x,,\"[{\"\"start\"\":4,\"\"end\"\":9,\"\"label\"\":\"\"LOC\"\",\
            \"\"text\"\":\"\"Paris\"\",\"\"score\"\":0.5,\"\"sources\"\":[\"\"places\"\",\"\"tagger\"\"]}]\"\n\
            ,Rome,,z,[]\n";
        assert_eq!(write(&FORMAT, &pairs, &WriteOptions::default()), expected);
        // Again, and the entities are replaced.
        let again = documents(expected, &by_field("body", "key"));
        assert_eq!(written(&FORMAT, again).lines().next(), expected.lines().next());
        // A column of another text passes through under another name.
        let other = documents("id,text,body,text.2\n1,a,b,c\n", &by_field("body", "id"));
        let expected =
            "{\"id\":\"1\",\"text\":\"b\",\"entities\":[],\"text.3\":\"a\",\"text.2\":\"c\"}\n";
        assert_eq!(written(&jsonl::FORMAT, other), expected);
        let line = written(&jsonl::FORMAT, read);
        let expected = r#"{"id":"7","text":"In\r\nParis, \"now\"","entities":[],"key":"7","a \"b\"":"x","body.2":""}"#;
        assert_eq!(line.lines().next().unwrap(), expected);
    }

    #[test]
    fn gold_is_a_column_of_json() {
        let gold = Some(GoldOptions::default());
        let options = ReadOptions { gold, ..ReadOptions::default() };
        let table =
            "text,entities\nIn Rome,\"[[3,7,\"\"LOC\"\"]]\"\nIn Rome,[]\nIn Rome,{\nIn Rome,\n";
        let all = read(&FORMAT, table.as_bytes(), &options);
        let gold = all[0].as_ref().unwrap().gold.as_ref().unwrap();
        assert_eq!(gold[0].span.slice("In Rome"), Some("Rome"));
        assert_eq!(all[1].as_ref().unwrap().gold.as_ref().unwrap().len(), 0);
        let error = all[2].as_ref().unwrap_err().to_string();
        assert!(
            error.starts_with("in:4: record 3: invalid JSON in column 'entities': EOF"),
            "{error}"
        );
        let error = all[3].as_ref().unwrap_err().to_string();
        assert_eq!(error, "in:5: record 4: no column 'entities' with the gold");
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_record() {
        let options = ReadOptions::default();
        let ragged = "text,b\n\"one\n\nmore\",1\ntwo\nthree,3,3\nfour,4\n";
        assert_eq!(
            errors(ragged.as_bytes(), &options),
            [
                "one\n\nmore",
                "! in:5: record 2: expected 2 columns as in the first record, got 1",
                "! in:6: record 3: expected 2 columns as in the first record, got 3",
                "four"
            ]
        );
        assert_eq!(
            errors(b"text,b\nx,\xff\ny,1\n", &options),
            ["! in:2: record 1: invalid UTF-8 in column 'b'", "y"]
        );
        assert_eq!(
            errors(b"text,b\nx,1\n\"y,2\nz,3\n", &options),
            [
                "x",
                "! in:3: record 2: a quote opens a value and is not closed before the end of the input; \
                 what stands there is lost"
            ]
        );
        assert_eq!(errors(b"", &options), Vec::<String>::new());
        let windows = "text,b\r\none,1\r\n\r\n\"t\r\nwo\",2,x\r\nthree,3,3\r\nfour\r\n";
        let expected = "expected 2 columns as in the first record, got";
        assert_eq!(
            errors(windows.as_bytes(), &options),
            [
                "one".to_owned(),
                format!("! in:4: record 2: {expected} 3"),
                format!("! in:6: record 3: {expected} 3"),
                format!("! in:7: record 4: {expected} 1"),
            ]
        );
        let limited = ReadOptions { max_line_bytes: 20_000, ..ReadOptions::default() };
        let long = format!("text\nx\n\"{}", "y\n".repeat(20_000));
        let last = errors(long.as_bytes(), &limited).pop().unwrap();
        assert!(
            last.contains("in:3: record 2: expected a record of at most 20000 bytes"),
            "{last}"
        );
    }

    #[test]
    fn a_column_that_is_not_there_is_explained() {
        let help = |table: &str| {
            let error =
                read(&FORMAT, table.as_bytes(), &ReadOptions::default()).remove(0).unwrap_err();
            assert_eq!(error.message(), "no column 'text' with the text");
            error.help_text().unwrap().to_owned()
        };
        assert_eq!(help("a,b\n1,2\n"), "its columns: a, b; `--text-field` names one of them");
        assert!(
            help("a;b\n1;2\n").ends_with("`--separator` says what parts columns: it may be ';'")
        );
    }

    #[test]
    fn a_file_may_have_no_header_and_no_quotes() {
        let options = ReadOptions { no_header: true, ..by_field("2", "1") };
        let read = documents("a,\"x, y\"\nb,z\n", &options);
        assert_eq!((read[0].id.as_str(), read[0].text.as_str()), ("a", "x, y"));
        assert_eq!(written(&FORMAT, read), "a,\"x, y\",[]\nb,z,[]\n");
        let options = ReadOptions { no_header: true, no_quotes: true, ..ReadOptions::default() };
        let read = documents("\"Paris\" is\n\"far\n", &options);
        assert_eq!(read[0].text, "\"Paris\" is");
        assert_eq!(read[1].text, "\"far");
    }

    #[test]
    fn a_separator_may_be_given() {
        let options = ReadOptions { separator: Some(';'), ..ReadOptions::default() };
        assert_eq!(documents("text;n\na, b;1\n", &options)[0].text, "a, b");
        let options = ReadOptions { separator: Some('é'), ..ReadOptions::default() };
        let error = errors(b"text\n", &options).remove(0);
        assert!(error.contains("expected a separator of one byte, got 'é'"), "{error}");
    }

    #[test]
    fn a_table_is_no_sentences() {
        for table in ["id\ttext\n1\tParis\n", "text\tn\n\"a\n\nb\"\t1\n"] {
            assert!(is_table(table), "{table}");
        }
        for sentences in [
            "In\tO\nRome\tB-LOC\n",
            "In\tIN\nRome\tNN\n\nNow\tRB\n",
            "# id = 1\n1\tIn\n",
            "In\nRome\n",
            "",
        ] {
            assert!(!is_table(sentences), "{sentences}");
        }
    }

    proptest! {
        #[test]
        fn a_table_comes_back_as_it_was(
            rows in proptest::collection::vec(("[a,\"\n\r; \té]{0,9}", "[a,\"\n\r'é]{1,9}"), 1..5),
        ) {
            let mut table = csv::Writer::from_writer(Vec::new());
            table.write_record(["n,\"", "text"]).unwrap();
            rows.iter().for_each(|(n, text)| table.write_record([n, text]).unwrap());
            let table = String::from_utf8(table.into_inner().unwrap()).unwrap();
            let read = documents(&table, &ReadOptions::default());
            let texts: Vec<&str> = read.iter().map(|document| document.text.as_str()).collect();
            let expected: Vec<&str> = rows.iter().map(|(_, text)| text.as_str()).collect();
            prop_assert_eq!(texts, expected);
            let written = written(&FORMAT, read);
            let mut back = csv::Reader::from_reader(written.as_bytes());
            let back: Vec<_> = back.records().map(|row| row.unwrap()).collect();
            for (row, (n, text)) in back.iter().zip(&rows) {
                prop_assert_eq!(row, &csv::StringRecord::from(vec![n.as_str(), text, "[]"]));
            }
            prop_assert_eq!(back.len(), rows.len());
        }
    }
}
