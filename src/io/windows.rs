//! Texts that are too long for one document, window by window: memory is bounded by the window, and no
//! sentence is cut where there is one. What a window becomes is the formats' business.

use std::io::{self, Cursor, Read};
use std::string::FromUtf8Error;

use super::Input;
use crate::error::{Error, ErrorKind, Location};
use crate::text::{Document, segment};

/// An end of a sentence is looked for in so many bytes before the end of a window.
const LOOKED_BACK: usize = 64 << 10;

/// The field of the number of a window, from 1.
const PART: &str = "part";
/// The field of the code points before a window, in the whole text.
const PART_START: &str = "part_start";

/// Cuts what it reads into windows; put together they are the whole.
pub(super) struct Windows {
    limit: usize,
    /// What was read and is in no window yet.
    buffer: Vec<u8>,
    /// Where the buffer begins, in bytes of the text.
    offset: usize,
    chars: usize,
    part: usize,
    is_done: bool,
    /// Whether a byte-order mark at the start is none of the text.
    drops_mark: bool,
}

/// A part of a text.
pub(super) struct Window {
    text: Result<String, FromUtf8Error>,
    /// Where it begins, in bytes of the whole.
    offset: usize,
    /// Where it begins, in code points of the whole.
    chars: usize,
    /// Its number, from 1.
    part: usize,
    is_whole: bool,
}

impl Windows {
    /// Windows of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        // Less than a char could never be cut off.
        let limit = limit.max(4);
        let buffer = Vec::new();
        Self { limit, buffer, offset: 0, chars: 0, part: 0, is_done: false, drops_mark: true }
    }

    /// The next window of what `source` goes on with; at least one comes, be it empty. A byte-order mark at the
    /// start of an input is dropped.
    ///
    /// # Errors
    /// Those of `source`, after which none comes.
    pub(super) fn next(&mut self, source: &mut impl Read) -> io::Result<Option<Window>> {
        if self.is_done {
            return Ok(None);
        }
        let missing = self.limit.saturating_add(1).saturating_sub(self.buffer.len());
        if let Err(error) = source.take(missing as u64).read_to_end(&mut self.buffer) {
            self.is_done = true;
            return Err(error);
        }
        if self.part == 0 && self.drops_mark && self.buffer.starts_with("\u{feff}".as_bytes()) {
            self.buffer.drain(..3);
            self.offset = 3;
        }
        self.part += 1;
        let mut bytes = std::mem::take(&mut self.buffer);
        if bytes.len() > self.limit {
            self.buffer = bytes.split_off(cut(&bytes, self.limit));
        } else {
            self.is_done = true;
        }
        let (offset, chars, part) = (self.offset, self.chars, self.part);
        self.offset += bytes.len();
        self.chars += bytes.iter().filter(|&&b| b & 0xC0 != 0x80).count();
        let is_whole = part == 1 && self.is_done;
        let text = String::from_utf8(bytes);
        Ok(Some(Window { text, offset, chars, part, is_whole }))
    }
}

impl Window {
    /// Adds its text to a document that says the rest: the whole text, or one of several documents `ID`, `ID#2`, …
    /// that say which part they are.
    ///
    /// # Errors
    /// Where it is no UTF-8; the input stands at `place`.
    pub(super) fn into_document(
        self,
        mut document: Document,
        place: Location,
    ) -> Result<Document, Error> {
        document.text = self.text.map_err(|error| {
            let byte = self.offset + error.utf8_error().valid_up_to();
            let utf16 =
                [[0xFF, 0xFE], [0xFE, 0xFF]].iter().any(|m| error.as_bytes().starts_with(m));
            let help = if utf16 {
                "the text looks like UTF-16: convert it to UTF-8"
            } else {
                "text is UTF-8: convert it, or leave it out"
            };
            let message = format!("invalid UTF-8 at byte {byte}");
            Error::new(ErrorKind::Document, message).at(place).with_help(help)
        })?;
        if self.part > 1 {
            document.id = format!("{}#{}", document.id, self.part);
        }
        if !self.is_whole {
            document.fields.insert(PART.to_owned(), self.part.into());
            document.fields.insert(PART_START.to_owned(), self.chars.into());
        }
        Ok(document)
    }
}

/// Where to cut `bytes` so that at most `limit` come before: after the last blank line in the latter half, else
/// before the sentence that would be cut, else after the last line or white space in the latter half; else
/// between two chars.
fn cut(bytes: &[u8], limit: usize) -> usize {
    let head = &bytes[..limit];
    let half = limit / 2;
    let last = |found: &dyn Fn(usize) -> bool| (half..limit).rev().find(|&i| found(i));
    let line_end = |i: usize| head[i] == b'\n';
    let blank_line =
        |i: usize| line_end(i) && (head[..i].ends_with(b"\n") || head[..i].ends_with(b"\n\r"));
    let white_space = |i: usize| head[i].is_ascii_whitespace();
    last(&blank_line)
        .map(|i| i + 1)
        .or_else(|| last_sentence(head, half))
        .or_else(|| last(&line_end).map(|i| i + 1))
        .or_else(|| {
            last(&white_space).filter(|&i| bytes[i..].get(..2) != Some(b"\r\n")).map(|i| i + 1)
        })
        .unwrap_or_else(|| {
            let char_start = |&i: &usize| bytes[i] & 0xC0 != 0x80;
            (limit - 3..=limit).rev().find(char_start).unwrap_or(limit)
        })
}

/// Where the last sentence of `head` begins, at or behind `from`; `None` where it is the only one in sight, or the
/// end of `head` is no text.
fn last_sentence(head: &[u8], from: usize) -> Option<usize> {
    let mut start = from.max(head.len().saturating_sub(LOOKED_BACK));
    start += head.get(start..)?.iter().take_while(|byte| **byte & 0xC0 == 0x80).count();
    let end = head.get(start..)?;
    let text = match std::str::from_utf8(end) {
        Ok(text) => text,
        // The last char may be cut.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(end.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    match &segment::sentences(text)[..] {
        [_, .., last] => Some(start + last.start),
        _ => None,
    }
}

/// The windows of an input that is one text.
pub(super) struct Texts {
    input: Input,
    windows: Windows,
}

impl Texts {
    pub(super) fn new(input: Input, limit: usize) -> Self {
        Self { input, windows: Windows::new(limit) }
    }
}

impl Iterator for Texts {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let window = self.windows.next(&mut self.input);
        let name = self.input.name();
        let document = match window {
            Ok(window) => window?.into_document(Document::new(name, ""), Location::file(name)),
            Err(error) => Err(Error::io("read", name, error)),
        };
        Some(document)
    }
}

/// The windows of a document that is too long.
pub(super) struct Cut {
    /// The document without its text.
    document: Document,
    text: Cursor<String>,
    windows: Windows,
}

impl Cut {
    /// Cuts a document into windows of at most `limit` bytes.
    pub(super) fn new(mut document: Document, limit: usize) -> Self {
        let text = Cursor::new(std::mem::take(&mut document.text));
        let windows = Windows { drops_mark: false, ..Windows::new(limit) };
        Self { document, text, windows }
    }
}

impl Iterator for Cut {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let window = self.windows.next(&mut self.text);
        let window = window.expect("a text in memory can be read")?;
        Some(window.into_document(self.document.clone(), Location::file(&*self.document.id)))
    }
}
