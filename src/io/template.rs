//! Words on a line: one document a line, its words parted by tabs.
//!
//! A template: copy it to a file of its own, beside this one, and put that file into the registry.
//! It is compiled and run by tests only.

use super::{DocumentWriter, Documents, Format, Input, Output, ReadOptions};
use crate::error::Result;
use crate::resource::OptionDoc;
use crate::span::Entity;
use crate::text::Document;
use crate::text::lines::Lines;

/// The format `words`.
pub(super) const FORMAT: Format = Format {
    name: "words",
    doc: "One document a line, its words parted by tabs; written without entities.",
    suffixes: &["words"],
    extension: "words",
    marking: super::Marking::TokenTags,
    companion: None,
    recognises: super::nothing,
    options: &[OptionDoc {
        name: "max-line-bytes",
        value: "number, 268435456",
        doc: "Read: a longer line is an error.",
    }],
    read: |input, options| Box::new(Reader::new(input, options)) as Documents,
    write: Some(|output, _| Box::new(Writer { output })),
};

/// Reads a line at a time: memory is bounded by the longest.
struct Reader {
    lines: Lines<Input>,
}

impl Reader {
    fn new(input: Input, options: &ReadOptions) -> Self {
        Self { lines: super::lines(input, options.max_line_bytes) }
    }
}

impl Iterator for Reader {
    type Item = Result<Document>;

    /// A line that cannot be read is one error; the next one still comes.
    fn next(&mut self) -> Option<Self::Item> {
        let id = format!("{}:{}", self.lines.name(), self.lines.number() + 1);
        let line = self.lines.next_line()?;
        Some(line.map(|line| Document::from_words(&id, line.split('\t'))))
    }
}

struct Writer {
    output: Output,
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, _: &[Entity]) -> Result<()> {
        let spans = document.token_spans().unwrap_or_default();
        let words: Vec<&str> = spans.iter().filter_map(|s| s.slice(&document.text)).collect();
        self.output.put(format!("{}\n", words.join("\t")).as_bytes())
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.output.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn what_is_written_reads_back() -> Result<()> {
        let text = "New\tYork\nParis\n";
        let read = testing::read(&FORMAT, text.as_bytes(), &ReadOptions::default());
        let documents: Vec<Document> = read.into_iter().collect::<Result<_>>()?;
        assert_eq!(documents[0].token_spans().map(|t| t.len()), Some(2));
        assert_eq!(documents[1].id, "in:2");
        let documents: Vec<_> = documents.into_iter().map(|d| (d, Vec::new())).collect();
        assert_eq!(testing::write(&FORMAT, &documents, &Default::default()), text);
        Ok(())
    }
}
