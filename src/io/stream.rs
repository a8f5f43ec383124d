//! The documents of many inputs as one stream, with what a progress bar needs to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::input::Failure;
use super::windows::Cut;
use super::{Documents, InputFile, ReadOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::text::Document;

/// Reads the documents of one input after the other; each is opened when its turn comes. An input
/// that cannot be opened is one error, and the next one is read. One behind an address that cannot be reached any
/// more ends with an error of the kind [`ErrorKind::Remote`], whatever its format makes of that.
///
/// Where no gold is asked for, no document is longer than [`ReadOptions::max_document_bytes`]: one of a format that
/// does not cut by itself is cut here, and one of a table, whose row cannot be cut, is an error.
pub struct DocumentStream {
    files: std::vec::IntoIter<InputFile>,
    options: ReadOptions,
    current: Option<Documents>,
    /// Why the current one gave nothing more.
    failure: Failure,
    cut: Option<Cut>,
    bytes_read: ByteCounter,
    total_bytes: Option<u64>,
}

impl DocumentStream {
    /// The documents of `files`, in their order.
    pub fn new(files: Vec<InputFile>, options: ReadOptions) -> Self {
        Self {
            total_bytes: files.iter().map(InputFile::size).sum(),
            files: files.into_iter(),
            options,
            current: None,
            failure: Failure::default(),
            cut: None,
            bytes_read: ByteCounter::default(),
        }
    }

    /// The documents of some of the files, or of others, read in the same way and counted together with these.
    pub fn of(&self, files: Vec<InputFile>) -> Self {
        Self { bytes_read: self.bytes_read(), ..Self::new(files, self.options.clone()) }
    }

    /// The size of all files as they lie on disk (compressed, where they are); `None` where an
    /// input has no size, such as standard input.
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// Whether a document has to be cut; one with tokens of its own is cut by its format.
    fn is_too_long(&self, document: &Document) -> bool {
        document.text.len() > self.options.max_document_bytes
            && document.tokens.is_none()
            && self.options.gold.is_none()
    }

    /// A counter of the bytes read from disk so far.
    pub fn bytes_read(&self) -> ByteCounter {
        self.bytes_read.clone()
    }
}

fn too_long(document: &Document, limit: usize) -> Error {
    let message = format!(
        "document '{}': expected a text of at most {limit} bytes in a row, got {}",
        document.id,
        document.text.len()
    );
    Error::new(ErrorKind::Document, message).with_help("`--max-document-bytes` sets the limit")
}

/// Counts bytes that are read; clones count the same.
#[derive(Debug, Clone, Default)]
pub struct ByteCounter(Arc<AtomicU64>);

impl ByteCounter {
    /// The bytes so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Iterator for DocumentStream {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Result<Document>> {
        loop {
            if let Some(window) = self.cut.as_mut().and_then(Iterator::next) {
                return Some(window);
            }
            self.cut = None;
            match self.current.as_mut().and_then(Iterator::next) {
                Some(Ok(document)) if self.is_too_long(&document) => {
                    let limit = self.options.max_document_bytes;
                    if document.row.is_some() {
                        return Some(Err(too_long(&document, limit)));
                    }
                    self.cut = Some(Cut::new(document, limit));
                    continue;
                }
                Some(Ok(document)) => return Some(Ok(document)),
                item => match (self.failure.take(), item) {
                    (Some(failure), _) => {
                        self.current = None;
                        return Some(Err(failure));
                    }
                    (None, Some(error)) => return Some(error),
                    (None, None) => {}
                },
            }
            let file = self.files.next()?;
            let opened = file.open(&self.bytes_read).and_then(|input| {
                self.failure = input.failure();
                file.recognise(input, &self.options)
            });
            match opened {
                Ok((format, input)) => self.current = Some((format.read)(input, &self.options)),
                Err(error) => {
                    self.current = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Inputs;
    use std::fs;

    #[test]
    fn an_input_that_breaks_off_gives_what_came_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl.zst");
        let lines = "{\"text\": \"Paris\"}\n".repeat(100_000);
        let whole = zstd::encode_all(lines.as_bytes(), 1).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let inputs = Inputs::expand(&[path], None);
        let mut all: Vec<_> = DocumentStream::new(inputs.files, ReadOptions::default()).collect();
        let error = all.pop().unwrap().unwrap_err().to_string();
        assert!(error.starts_with("cannot read ") && error.contains("a.jsonl.zst: "), "{error}");
        assert!(all.len() > 1000 && all.into_iter().all(|d| d.is_ok_and(|d| d.text == "Paris")));
    }

    #[test]
    fn one_bad_input_does_not_stop_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("1.txt"), "Paris").unwrap();
        fs::write(path("2.txt"), b"bad \xff").unwrap();
        fs::write(path("3.txt.gz"), "not gzip").unwrap();
        fs::write(path("4.jsonl"), "{\"text\": \"a\"}\n{\n{\"text\": \"b\"}").unwrap();
        fs::write(path("5.txt"), "").unwrap();
        fs::write(path("gone.txt"), "").unwrap();
        let inputs = Inputs::expand(&[folder.path().to_owned()], None);
        let mut stream = DocumentStream::new(inputs.files, ReadOptions::default());
        let total = stream.total_bytes().unwrap();
        fs::remove_file(path("gone.txt")).unwrap();
        let all: Vec<String> = stream
            .by_ref()
            .map(|item| item.map_or_else(|e| e.to_string(), |d| d.text))
            .map(|text| text.replace(&*folder.path().to_string_lossy(), ""))
            .collect();
        let starts = [
            "Paris",
            "/2.txt: ",
            "cannot read /3.txt.gz: ",
            "a",
            "/4.jsonl:2:",
            "b",
            "",
            "cannot read /gone.txt: ",
        ];
        assert_eq!(all.len(), starts.len(), "{all:?}");
        for (text, start) in all.iter().zip(starts) {
            assert!(text.starts_with(start), "{text}");
        }
        assert_eq!(stream.bytes_read().count(), total);
    }

    #[test]
    fn a_text_in_json_is_cut_and_a_row_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let long = "\u{feff}One is. Two are.\n\nThree.";
        let line = serde_json::json!({ "id": "a", "text": long, "n": 1 }).to_string();
        fs::write(path("a.jsonl"), format!("{line}\n{{\"id\": \"b\", \"text\": \"x\"}}\n"))
            .unwrap();
        fs::write(path("b.csv"), "text\ntoo long for one row\nx\n").unwrap();
        let read = |gold: Option<crate::io::GoldOptions>| {
            let options = ReadOptions { max_document_bytes: 12, gold, ..ReadOptions::default() };
            let files = Inputs::expand(&[folder.path().to_owned()], None).files;
            let all: Vec<Result<Document>> = DocumentStream::new(files, options).collect();
            all
        };
        let all = read(None);
        let texts: Vec<&str> =
            all.iter().map(|d| d.as_ref().map_or("!", |d| d.text.as_str())).collect();
        assert_eq!(texts, ["\u{feff}One is. ", "Two are.\n\n", "Three.", "x", "!", "x"]);
        let third = all[2].as_ref().unwrap();
        let expected = serde_json::json!({ "n": 1, "part": 3, "part_start": 19 });
        assert_eq!((third.id.as_str(), &third.fields.clone().into()), ("a#3", &expected));
        let error = all[4].as_ref().unwrap_err().to_string();
        assert!(error.ends_with("expected a text of at most 12 bytes in a row, got 20"), "{error}");
        let gold = crate::io::GoldOptions { is_optional: true, ..Default::default() };
        assert_eq!(read(Some(gold)).len(), 4, "what is judged stays whole");
    }
}
