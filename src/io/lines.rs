//! Lines of an input, one at a time, with their numbers; the base of the line-oriented formats.

use std::io::{BufRead, Read};

use super::Input;
use crate::error::{Error, ErrorKind, Location, Result};

/// Memory that stays with the reader between lines; what a longer line took is given back.
const KEPT: usize = 1 << 20;

/// Reads lines. An error concerns one line and the next one still comes, unless the input itself
/// fails.
pub(super) struct Lines {
    input: Input,
    limit: usize,
    buffer: Vec<u8>,
    number: usize,
    /// Where the current line begins, in bytes of the (decompressed) input.
    offset: u64,
    next_offset: u64,
    done: bool,
}

impl Lines {
    /// The lines of `input`, each of at most `limit` bytes.
    pub(super) fn new(input: Input, limit: usize) -> Self {
        Self { input, limit, buffer: Vec::new(), number: 0, offset: 0, next_offset: 0, done: false }
    }

    /// The name of the input.
    pub(super) fn name(&self) -> &str {
        self.input.name()
    }

    /// The number of the line that was read last, from 1.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// The place of the line that was read last.
    pub(super) fn location(&self) -> Location {
        Location::line(self.name(), self.number, 0)
    }

    /// The next line without its end (`\n` or `\r\n`) and, the first, without a byte-order mark.
    pub(super) fn next_line(&mut self) -> Option<Result<&str>> {
        if self.done {
            return None;
        }
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        self.offset = self.next_offset;
        let limit = (self.limit as u64).saturating_add(1);
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
        self.next_offset += self.buffer.len() as u64;
        match read {
            Ok(0) => {
                self.done = true;
                return None;
            }
            Ok(_) => self.number += 1,
            Err(error) => {
                self.done = true;
                return Some(Err(Error::io("read", self.name(), error)));
            }
        }
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
        } else if self.buffer.len() > self.limit {
            return Some(Err(self.skip_rest()));
        }
        match std::str::from_utf8(&self.buffer) {
            Ok(line) if self.number == 1 => Some(Ok(line.strip_prefix('\u{feff}').unwrap_or(line))),
            Ok(line) => Some(Ok(line)),
            Err(error) => {
                let byte = self.offset + error.valid_up_to() as u64;
                let message = format!("invalid UTF-8 at byte {byte} of the input");
                let error = Error::new(ErrorKind::Document, message).with_source(error);
                Some(Err(error.at(self.location())))
            }
        }
    }

    /// Passes over the rest of a line that is too long.
    fn skip_rest(&mut self) -> Error {
        match self.input.skip_until(b'\n') {
            Ok(skipped) => self.next_offset += skipped as u64,
            Err(error) => {
                self.done = true;
                return Error::io("read", self.name(), error);
            }
        }
        let message = format!("expected a line of at most {} bytes, got a longer one", self.limit);
        Error::new(ErrorKind::Document, message).at(self.location())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], limit: usize) -> Vec<String> {
        let input = Input::new("in", std::io::Cursor::new(bytes.to_vec()));
        let mut lines = Lines::new(input, limit);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line() {
            all.push(line.map_or_else(|e| e.to_string(), str::to_owned));
        }
        all
    }

    #[test]
    fn ends_and_byte_order_mark_are_taken_off() {
        assert_eq!(
            lines("\u{feff}a\r\n\u{feff}b\n\nc\r".as_bytes(), 99),
            ["a", "\u{feff}b", "", "c\r"]
        );
        assert!(lines(b"", 99).is_empty());
    }

    #[test]
    fn a_bad_line_does_not_hide_the_next() {
        let all = lines(b"ok\nbad \xff here\nalso ok\n", 99);
        assert_eq!(all, ["ok", "in:2: invalid UTF-8 at byte 7 of the input", "also ok"]);
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over() {
        let all = lines(b"12345\n123456\n1234567890123\nlast", 5);
        let error = "expected a line of at most 5 bytes, got a longer one";
        assert_eq!(all, ["12345", &format!("in:2: {error}"), &format!("in:3: {error}"), "last"]);
    }
}
