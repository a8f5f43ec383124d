//! Parquet of tokens and tags, as the Python package `datasets` of Hugging Face writes it, the names of the tags
//! in the file's metadata. Any Parquet is read by `parquet`, whose columns these are too.

mod write;

use super::table::read::METADATA;
use super::{Documents, Format, Marking, options, parquet};

/// The format `tokens-parquet`.
pub const FORMAT: Format = Format {
    name: "tokens-parquet",
    doc: "Parquet of Hugging Face `datasets` for token classification: columns `id`, `text`, `tokens` (lists of \
          strings) and `ner_tags` (lists of numbers whose names are in the file); other columns are not written.",
    suffixes: &[],
    extension: "parquet",
    marking: Marking::TokenTags,
    companion: None,
    recognises: super::nothing,
    options: &[options::TEXT_COLUMN, options::ID_COLUMN, options::FILE_TAG_NAMES, options::SCHEME],
    read: |input, options| Box::new(parquet::reader(input, options)) as Documents,
    write: Some(|output, options| Box::new(write::Writer::new(output, options))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::{entity, read, write_bytes};
    use crate::io::{GoldOptions, ReadOptions, TagColumn, WriteOptions};
    use crate::text::Document;

    fn read_gold(bytes: &[u8]) -> Vec<String> {
        let gold = Some(GoldOptions::default());
        let all = read(&FORMAT, bytes, &ReadOptions { gold, ..ReadOptions::default() });
        let shown = |document: crate::Result<Document>| match document {
            Ok(document) => {
                let gold = document.gold.unwrap();
                let one = |a: &crate::text::Annotation| {
                    format!("{} {}", a.span.slice(&document.text).unwrap(), a.label)
                };
                let gold: Vec<String> = gold.iter().map(one).collect();
                format!("{}: {} | {}", document.id, document.text, gold.join(", "))
            }
            Err(error) => error.to_string(),
        };
        all.into_iter().map(shown).collect()
    }

    #[test]
    fn what_datasets_wrote_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/");
        for (file, expected) in [
            (
                "class-labels.parquet",
                &["in:1: Ann left New York | Ann PER, New York LOC", "in:2: it |"][..],
            ),
            ("tag-names.parquet", &["a: Ann left | Ann PER", "b: it |"]),
            (
                "no-names.parquet",
                &["in: row 1: token 1: the tag is the number 1, and nothing says its name; \
              `--tag-names` does: multinerd, wikineural, names parted by commas, or a file"],
            ),
        ] {
            let bytes = std::fs::read(format!("{folder}{file}")).unwrap();
            let got: Vec<String> =
                read_gold(&bytes).iter().map(|line| line.trim_end().to_owned()).collect();
            assert_eq!(got, expected, "{file}");
        }
    }

    #[test]
    fn a_text_is_kept_beside_its_tokens() {
        let text = "Ann's in  New York.";
        let document = (Document::new("x", text), vec![entity(text, "New York", "LOC", 1.0)]);
        let bytes = write_bytes(&FORMAT, &[document], &WriteOptions::default());
        assert_eq!(read_gold(&bytes), ["x: Ann's in  New York. | New York LOC"]);
        let options = ReadOptions::default();
        let tokens = read(&FORMAT, &bytes, &options).remove(0).unwrap().tokens.unwrap();
        let words: Vec<&str> = tokens.iter().map(|t| t.span.slice(text).unwrap()).collect();
        assert_eq!(words, ["Ann", "'s", "in", "New", "York", "."]);
    }

    #[test]
    fn names_that_are_given_keep_their_numbers() {
        let document = Document::from_words("x", ["Ann", "left"]);
        let entities = vec![entity("Ann left", "Ann", "PER", 1.0)];
        let names = ["O", "B-LOC", "B-PER"].map(str::to_owned);
        let options = WriteOptions {
            tag_names: Some(names.into()),
            tag_column: TagColumn::New,
            ..WriteOptions::default()
        };
        let bytes = write_bytes(&FORMAT, &[(document, entities)], &options);
        assert_eq!(read_gold(&bytes), ["x: Ann left | Ann PER"]);
        let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(holds(r#"["O","B-LOC","B-PER"]"#));
    }

    #[test]
    fn what_is_no_parquet_is_an_error() {
        for bytes in [&b""[..], b"PAR1", b"no parquet at all, but long enough to look at"] {
            let all = read_gold(bytes);
            assert_eq!(all.len(), 1);
            assert!(all[0].starts_with("in: not Parquet: "), "{}", all[0]);
        }
    }
}
