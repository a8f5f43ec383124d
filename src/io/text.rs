//! Plain text: one file, one document; and text with entities marked in brackets, for reading.

use super::gold::none_in;
use super::windows::Texts;
use super::{DocumentWriter, Documents, Format, Input, Output, ReadOptions, WriteOptions};
use crate::error::Result;
use crate::resource::OptionDoc;
use crate::span::Entity;
use crate::text::Document;

/// The format `text`.
pub const FORMAT: Format = Format {
    name: "text",
    doc: "Plain UTF-8 text, one document a file; written with entities as `[Paris|LOC]`, to be read \
          by people.",
    suffixes: &["txt", "text", "md"],
    extension: "txt",
    marking: super::Marking::Offsets,
    companion: None,
    recognises: super::nothing,
    options: &[OptionDoc {
        name: "max-document-bytes",
        value: "number, 4194304",
        doc: "Read: a longer file is cut, at a blank line or between sentences, into documents `FILE`, `FILE#2`, ….",
    }],
    read,
    write: Some(|output, _: &WriteOptions| Box::new(Writer { output, first: true })),
};

/// Reads one document, or several where the input is longer than a document may be.
///
/// The text is kept as it is, line ends and NUL bytes too; only a UTF-8 byte-order mark at the start
/// is dropped. An empty input is an empty document. The parts of a long input carry the fields `part`
/// (from 1) and `part_start` (code points before it); put together they are the whole input.
fn read(input: Input, options: &ReadOptions) -> Documents {
    if options.gold.is_some_and(|gold| !gold.is_optional) {
        return Box::new(std::iter::once(Err(none_in(FORMAT.name, input.name()))));
    }
    Box::new(Texts::new(input, options.max_document_bytes))
}

/// Writes texts with their entities in brackets, a blank line between two documents.
///
/// An entity inside another is marked inside it; one that crosses an earlier one is not shown.
/// Brackets of the text itself are not escaped: this is for people.
struct Writer {
    output: Output,
    first: bool,
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<()> {
        let mut text = if self.first { String::new() } else { "\n".to_owned() };
        self.first = false;
        mark(&document.text, entities, &mut text);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.output.put(text.as_bytes())
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.output.finish()
    }
}

/// Appends `text` with `entities` in brackets to `marked`.
fn mark(text: &str, entities: &[Entity], marked: &mut String) {
    let mut open: Vec<&Entity> = Vec::new();
    let mut at = 0;
    for entity in entities {
        at = close(text, at, &mut open, entity.span.start, marked);
        if open.last().is_some_and(|last| last.span.end < entity.span.end) {
            continue;
        }
        marked.push_str(text.get(at..entity.span.start).unwrap_or(""));
        marked.push('[');
        at = entity.span.start;
        open.push(entity);
    }
    at = close(text, at, &mut open, text.len(), marked);
    marked.push_str(text.get(at..).unwrap_or(""));
}

/// Closes the entities that end at `until` or before; gives how far `text` is copied from `at` on.
fn close(
    text: &str,
    mut at: usize,
    open: &mut Vec<&Entity>,
    until: usize,
    marked: &mut String,
) -> usize {
    while let Some(last) = open.pop_if(|last| last.span.end <= until) {
        marked.push_str(text.get(at..last.span.end).unwrap_or(""));
        marked.push('|');
        marked.push_str(last.label.as_str());
        marked.push(']');
        at = last.span.end;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::{Endless, entity, read, write};
    use proptest::prelude::*;

    fn options(max_document_bytes: usize) -> ReadOptions {
        ReadOptions { max_document_bytes, ..ReadOptions::default() }
    }

    fn parts(bytes: &[u8], limit: usize) -> Vec<Document> {
        read(&FORMAT, bytes, &options(limit)).into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn a_file_is_a_document_as_it_stands() {
        let text = "Łódź\r\n\0\tis \u{feff}far\n";
        let documents = parts(text.as_bytes(), 99);
        assert_eq!(documents, [Document::new("in", text)]);
        assert_eq!(parts(b"\xEF\xBB\xBFParis", 99), [Document::new("in", "Paris")]);
        assert_eq!(parts(b"", 99), [Document::new("in", "")]);
    }

    #[test]
    fn a_long_text_is_cut_where_a_reader_would() {
        let texts = |text: &str, limit| -> Vec<String> {
            parts(text.as_bytes(), limit).into_iter().map(|d| d.text).collect()
        };
        assert_eq!(texts("aa\n\nbb\ncc dd", 9), ["aa\n\nbb\n", "cc dd"]);
        assert_eq!(texts("aaaa\n\nbb\ncc", 9), ["aaaa\n\n", "bb\ncc"]);
        assert_eq!(texts("aaaa\r\n\r\nbb\ncc", 11), ["aaaa\r\n\r\n", "bb\ncc"]);
        assert_eq!(texts("aaaa bbbb cccc", 9), ["aaaa ", "bbbb cccc"]);
        assert_eq!(texts("It is so it is. Now\ngo on.", 20), ["It is so it is. ", "Now\ngo on."]);
        assert_eq!(texts("Ää. Öö. Üü ü", 15), ["Ää. Öö. ", "Üü ü"]);
        assert_eq!(texts("éééé", 5), ["éé", "éé"]);
        assert_eq!(texts("\n\naaaaaaaaaaaa", 8), ["\n\naaaaaa", "aaaaaa"]);
    }

    #[test]
    fn parts_say_where_they_begin() {
        let documents = parts("é é é é".as_bytes(), 6);
        let seen: Vec<_> = documents
            .iter()
            .map(|d| (d.id.as_str(), d.fields["part"].as_u64(), d.fields["part_start"].as_u64()))
            .collect();
        assert_eq!(seen, [("in", Some(1), Some(0)), ("in#2", Some(2), Some(4))]);
    }

    #[test]
    fn invalid_utf8_is_reported_by_file_and_byte() {
        let all = read(&FORMAT, b"\xEF\xBB\xBFok \xC3(", &options(99));
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].as_ref().unwrap_err().to_string(), "in: invalid UTF-8 at byte 6");
        let all = read(&FORMAT, b"\xFF\xFEP\0", &options(99));
        let help = all[0].as_ref().unwrap_err().help_text().unwrap().to_owned();
        assert!(help.contains("UTF-16"));
        let all = read(&FORMAT, b"aaaa \xFFbbb\ncccc\n", &options(5));
        let texts: Vec<_> =
            all.iter().map(|d| d.as_ref().map_or("?", |d| d.text.as_str())).collect();
        assert_eq!(texts, ["aaaa ", "?", "cccc\n"]);
    }

    #[test]
    fn an_endless_input_comes_in_bounded_parts() {
        for endless in [Endless::of("Paris is far.\n"), Endless::of("x"), Endless::of("\0")] {
            let input = Input::new("endless", std::io::BufReader::new(endless));
            for document in (FORMAT.read)(input, &options(1000)).take(1000) {
                let length = document.unwrap().text.len();
                assert!(length > 499 && length <= 1000);
            }
        }
    }

    #[test]
    fn entities_are_marked_nested_ones_inside() {
        let text = "The New York Times of Łódź [sic]";
        let entities = [
            entity(text, "New York Times", "ORG", 0.9),
            entity(text, "New York", "LOC", 0.9),
            entity(text, "Times of", "MISC", 0.9),
            entity(text, "Łódź", "LOC", 0.9),
        ];
        let documents =
            [(Document::new("a", text), entities.to_vec()), (Document::new("b", "x\n"), vec![])];
        let expected = "The [[New York|LOC] Times|ORG] of [Łódź|LOC] [sic]\n\nx\n";
        assert_eq!(write(&FORMAT, &documents, &WriteOptions::default()), expected);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_by_cutting(text in "[a é😀\r\n]{0,80}", limit in 4usize..40) {
            let documents = parts(text.as_bytes(), limit);
            let mut whole = String::new();
            for document in &documents {
                prop_assert!(document.text.len() <= limit);
                let start = document.fields.get("part_start").map_or(0, |v| v.as_u64().unwrap() as usize);
                prop_assert_eq!(start, whole.chars().count());
                whole.push_str(&document.text);
            }
            prop_assert_eq!(whole, text);
        }
    }
}
