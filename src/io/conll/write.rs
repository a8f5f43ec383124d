//! CoNLL out: every line of the input with the tag found as its last column.

use super::super::tokens::{sentence_words, tagged_ranges, tags};
use super::super::{DocumentWriter, Output, TagColumn, WriteOptions};
use super::{CONTINUES, lines, rows, tag_column};
use crate::error::Result;
use crate::span::{Entity, Span, TagScheme};
use crate::text::Document;

/// Writes one sentence after the other, a blank line after each.
///
/// Documents with given tokens get their lines back, comments first, the tag after the separator that
/// the line has (a tab where it has none). Other documents are parted into sentences and words here,
/// below a comment `# newdoc id = …`; sentences that an entity spans stay together.
///
/// An entity reaches out to the edges of the words it touches; of two that share a word, the first in
/// order is written.
pub(super) struct Writer {
    output: Output,
    scheme: TagScheme,
    column: TagColumn,
    text: String,
}

impl Writer {
    pub(super) fn new(output: Output, options: &WriteOptions) -> Self {
        Self { output, scheme: options.scheme, column: options.tag_column, text: String::new() }
    }

    fn push_line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn push_row(&mut self, columns: &str, tag: &str) {
        let tab = columns.contains('\t') || !columns.trim().contains(char::is_whitespace);
        self.text.push_str(columns);
        self.text.push(if tab { '\t' } else { ' ' });
        self.push_line(tag);
    }

    fn push_given(&mut self, document: &Document, entities: &[Entity]) {
        for comment in &document.comments {
            self.push_line(comment);
        }
        let words = document.token_spans().unwrap_or_default();
        let tags = tags(self.scheme, &words, entities);
        let column = self.tag_column(document);
        for (token, tag) in document.tokens.iter().flatten().zip(&tags) {
            if token.line.is_empty() {
                self.push_word(document, token.span, tag);
            }
            for (line, own) in lines(token).filter(|(line, _)| !line.is_empty()) {
                match column {
                    Some(column) if own => self.push_line(&with_column(line, column, tag)),
                    Some(_) => self.push_line(line),
                    None => self.push_row(line, if own { tag } else { "O" }),
                }
            }
        }
        if !words.is_empty() && !document.fields.contains_key(CONTINUES) {
            self.text.push('\n');
        }
    }

    /// The column of the document's lines that the tags replace, from 0.
    fn tag_column(&self, document: &Document) -> Option<usize> {
        let TagColumn::Gold(column, letter) = self.column else { return None };
        let rows = rows(document.tokens.as_deref().unwrap_or(&[]));
        match column {
            None => tag_column(&rows, letter),
            Some(column) => rows.iter().all(|row| row.len() >= column).then(|| column - 1),
        }
    }

    fn push_word(&mut self, document: &Document, span: Span, tag: &str) {
        let word = span.slice(&document.text).unwrap_or("");
        let word: String = word.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
        self.push_row(&word, tag);
    }

    fn push_segmented(&mut self, document: &Document, entities: &[Entity]) {
        let id: String =
            document.id.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.push_line(&format!("# newdoc id = {id}"));
        let (words, mut ends) = sentence_words(&document.text);
        let ranges = tagged_ranges(&words, entities);
        for (range, _) in &ranges {
            ends[range.start..range.end - 1].fill(false);
        }
        let tags = self.scheme.encode(&ranges, words.len());
        for ((&word, tag), end) in words.iter().zip(&tags).zip(ends) {
            self.push_word(document, word, tag);
            if end {
                self.text.push('\n');
            }
        }
        if words.is_empty() {
            self.text.push('\n');
        }
    }
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<()> {
        self.text.clear();
        match document.tokens {
            Some(_) => self.push_given(document, entities),
            None => self.push_segmented(document, entities),
        }
        self.output.put(self.text.as_bytes())
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.output.finish()
    }
}

/// A line with another value in one of its columns, from 0.
fn with_column(line: &str, column: usize, value: &str) -> String {
    if line.contains('\t') {
        let mut columns: Vec<&str> = line.split('\t').collect();
        if let Some(place) = columns.get_mut(column) {
            *place = value;
        }
        return columns.join("\t");
    }
    let mut rest = line;
    let mut written = String::with_capacity(line.len());
    for number in 0.. {
        let gap = rest.len() - rest.trim_ascii_start().len();
        let (space, after) = rest.split_at(gap);
        let end = after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len());
        let (old, after) = after.split_at(end);
        written.push_str(space);
        if old.is_empty() {
            break;
        }
        written.push_str(if number == column { value } else { old });
        rest = after;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::{FORMAT, columns, gold};
    use super::*;
    use crate::io::ReadOptions;
    use crate::io::testing::{entity, read, write};
    use crate::span::scheme::LetterPlace;
    use proptest::prelude::*;

    fn with_scheme(scheme: TagScheme) -> WriteOptions {
        WriteOptions { scheme, ..WriteOptions::default() }
    }

    /// What comes out where each of `names` is found, as `LOC`, in the first document it is in.
    fn tagged(file: &str, names: &[&str], options: &ReadOptions) -> String {
        let documents: Vec<_> = read(&FORMAT, file.as_bytes(), options)
            .into_iter()
            .map(|document| {
                let document = document.unwrap();
                let found: Vec<_> = names.iter().filter(|n| document.text.contains(**n)).collect();
                let entities =
                    found.iter().map(|n| entity(&document.text, n, "LOC", 0.5)).collect();
                (document, entities)
            })
            .collect();
        write(&FORMAT, &documents, &WriteOptions::default())
    }

    #[test]
    fn every_line_is_kept_and_gets_one_column() {
        let cases = [
            (
                "# a\nNew\tO\nYork\tO\n\nx\tO\n\n",
                "# a\nNew\tO\tB-LOC\nYork\tO\tI-LOC\n\nx\tO\tO\n\n",
            ),
            (
                "-DOCSTART- -X- O\n\nNew NNP O\nYork  NNP O\n\n",
                "-DOCSTART- -X- O\n\nNew NNP O B-LOC\nYork  NNP O I-LOC\n\n",
            ),
            ("New\nYork\n\n\n\n\nx\n\n# end\n", "New\tB-LOC\nYork\tI-LOC\n\n\n\n\nx\tO\n\n# end\n"),
            ("\tO\nNew\tO\nYork\tO\n\n", "\tO\tO\nNew\tO\tB-LOC\nYork\tO\tI-LOC\n\n"),
            (
                "1-2\tNewYork\n1\tNew\n2\tYork\n3.1\tx\n\n",
                "1-2\tNewYork\tO\n1\tNew\tB-LOC\n2\tYork\tI-LOC\n3.1\tx\tO\n\n",
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(tagged(input, &["New York"], &ReadOptions::default()), expected);
        }
    }

    #[test]
    fn a_cut_sentence_is_written_in_one_piece() {
        let options = ReadOptions { max_document_bytes: 8, ..ReadOptions::default() };
        let file = "a\tO\nbb\tO\nccc\tO\ndddd\tO\ne\tO\n\nf\tO\n\n";
        assert!(read(&FORMAT, file.as_bytes(), &options).len() > 3);
        assert_eq!(tagged(file, &["?"], &options), file.replace("\tO", "\tO\tO"));
    }

    #[test]
    fn texts_are_parted_into_sentences_and_words() {
        let text = "In Paris. New\nYork-based Ann\n\nleft.";
        let entities = vec![entity(text, "Paris", "LOC", 1.0), entity(text, "ew\nY", "LOC", 1.0)];
        let documents =
            [(Document::new("a\nb", text), entities), (Document::new("c", " "), vec![])];
        let expected = "# newdoc id = a b\nIn\tO\nParis\tS-LOC\n.\tO\n\nNew\tB-LOC\nYork\tE-LOC\n-\tO\nbased\tO\nAnn\tO\n\nleft\tO\n.\tO\n\n# newdoc id = c\n\n";
        assert_eq!(write(&FORMAT, &documents, &with_scheme(TagScheme::Bioes)), expected);
    }

    #[test]
    fn the_tags_of_gold_are_replaced_where_that_is_asked() {
        for (file, expected) in [
            (
                "# a\n1\tNew\tB-X\t-\tbob\n2\tYork\tO\t-\t-\n\n",
                "# a\n1\tNew\tB-LOC\t-\tbob\n2\tYork\tE-LOC\t-\t-\n\n",
            ),
            ("New  NNP  O\nYork  NNP  O\n\n", "New  NNP  B-LOC\nYork  NNP  E-LOC\n\n"),
            (
                "1-2\tNewYork\t_\n1\tNew\tO\n2\tYork\tO\n\n",
                "1-2\tNewYork\t_\n1\tNew\tB-LOC\n2\tYork\tE-LOC\n\n",
            ),
            ("New\nYork\n\n", "New\tB-LOC\nYork\tE-LOC\n\n"),
        ] {
            let document =
                read(&FORMAT, file.as_bytes(), &ReadOptions::default()).remove(0).unwrap();
            let found = vec![entity(&document.text, "New York", "LOC", 0.5)];
            let tag_column = TagColumn::Gold(None, LetterPlace::First);
            let options = WriteOptions { tag_column, ..with_scheme(TagScheme::Bioes) };
            assert_eq!(write(&FORMAT, &[(document, found)], &options), expected);
        }
    }

    #[test]
    fn an_entity_over_two_sentences_holds_them_together() {
        let text = "Go to A. Then B. C";
        let documents = [(Document::new("a", text), vec![entity(text, "A. Then", "X", 1.0)])];
        let written = write(&FORMAT, &documents, &with_scheme(TagScheme::Bio));
        assert!(written.contains("B-X\n") && written.contains("Then\tI-X\n"), "{written}");
        assert!(!written.contains("\n\nThen"), "{written}");
    }

    #[test]
    fn given_words_without_lines_are_written() {
        let documents = [(Document::from_words("d", ["New", "Y k"]), vec![])];
        assert_eq!(write(&FORMAT, &documents, &WriteOptions::default()), "New\tO\nY_k\tO\n\n");
    }

    #[test]
    fn overlapping_entities_the_first_wins() {
        let document = Document::from_words("d", ["New", "York", "Times"]);
        let text = document.text.clone();
        let entities =
            vec![entity(&text, "New York", "LOC", 0.1), entity(&text, "York Times", "ORG", 0.9)];
        let written = write(&FORMAT, &[(document, entities)], &WriteOptions::default());
        assert_eq!(written, "New\tB-LOC\nYork\tI-LOC\nTimes\tO\n\n");
    }

    proptest! {
        #[test]
        fn all_lines_come_back_with_one_more_column(
            file in proptest::collection::vec("[a-c#1 ]{1,3}\t[OB]|[a-c]( [a-c]){0,2}|# [a-c]|#b|-DOCSTART- O|||\t", 0..20),
        ) {
            let file: Vec<String> = file;
            let input: String = file.iter().map(|l| format!("{l}\n")).collect();
            let written = tagged(&input, &["?"], &ReadOptions::default());
            let mut out = written.lines();
            let trimmed = input.trim_end();
            for line in trimmed.lines() {
                let written = out.next().unwrap_or("missing");
                if line.trim().is_empty() {
                    prop_assert_eq!(written, "");
                } else if written != line {
                    prop_assert_eq!(written.strip_prefix(line).map(str::trim), Some("O"));
                    prop_assert_eq!(columns(written).len(), columns(line).len() + 1);
                }
            }
            prop_assert!(out.all(str::is_empty));
        }

        #[test]
        fn tags_are_read_back(entities in proptest::collection::vec((0usize..6, 1usize..3), 0..4), scheme in 0usize..3) {
            let document = Document::from_words("d", ["a", "b", "c", "d", "e", "f", "g", "h"]);
            let words = document.token_spans().unwrap();
            let mut placed: Vec<Entity> = Vec::new();
            for (first, length) in entities {
                let mut one = entity(&document.text, "a", "X-1", 0.5);
                one.span = Span::new(words[first].start, words[first + length - 1].end);
                if placed.iter().all(|other| !other.span.overlaps(one.span)) {
                    placed.push(one);
                }
            }
            placed.sort_by_key(|e| e.span);
            let expected: Vec<_> = placed.iter().map(|e| (e.span, e.label.clone())).collect();
            let written = write(&FORMAT, &[(document, placed)], &with_scheme(TagScheme::ALL[scheme]));
            let back = read(&FORMAT, written.as_bytes(), &ReadOptions::default()).remove(0).unwrap();
            prop_assert_eq!(gold(&back, None, LetterPlace::First), expected);
        }
    }
}
