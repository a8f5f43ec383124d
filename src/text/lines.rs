//! Lines of an input, one at a time, with their numbers; the base of everything that is read line by
//! line. Memory is bounded by the longest line that is allowed.

use std::io::{BufRead, Read};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::text::{OffsetTable, OffsetUnit};

/// Memory that stays with the reader between lines; what a longer line took is given back.
const KEPT: usize = 1 << 20;

/// Reads lines. An error concerns one line and the next one still comes, unless the input itself
/// fails.
pub(crate) struct Lines<R> {
    name: String,
    input: R,
    kind: ErrorKind,
    limit: usize,
    buffer: Vec<u8>,
    number: usize,
    /// Where the current line begins, in bytes of the (decompressed) input.
    offset: u64,
    next_offset: u64,
    done: bool,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `input`, each of at most `limit` bytes; `name` stands for the input in messages,
    /// and what is wrong with a line is an error of `kind`.
    pub(crate) fn new(name: impl Into<String>, input: R, limit: usize, kind: ErrorKind) -> Self {
        Self {
            name: name.into(),
            input,
            kind,
            limit,
            buffer: Vec::new(),
            number: 0,
            offset: 0,
            next_offset: 0,
            done: false,
        }
    }

    /// The name of the input.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The number of the line that was read last, from 1.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// The place of the line that was read last.
    pub(crate) fn location(&self) -> Location {
        Location::line(self.name(), self.number, 0)
    }

    /// The next line without its end (`\n` or `\r\n`) and, the first, without a byte-order mark.
    pub(crate) fn next_line(&mut self) -> Option<Result<&str>> {
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
                let valid = self.buffer.get(..error.valid_up_to()).unwrap_or_default();
                let column = String::from_utf8_lossy(valid).chars().count() + 1;
                let byte = self.offset + error.valid_up_to() as u64;
                let message = format!("invalid UTF-8 at byte {byte} of the input");
                let place = Location::line(self.name(), self.number, column);
                Some(Err(Error::new(self.kind, message).with_source(error).at(place)))
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
        Error::new(self.kind, message).at(self.location())
    }
}

/// What `error` says of `line`, and its column in code points, from 1: `serde_json` counts bytes, and
/// every line is its first.
pub(crate) fn json_problem(line: &str, error: &serde_json::Error) -> (String, usize) {
    let byte = error.column().saturating_sub(1);
    let column = OffsetTable::new(line, OffsetUnit::Char).from_byte(byte) + 1;
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(m, _)| m);
    // What `serde_json` says of half a surrogate pair.
    if matches!(message, "unexpected end of hex escape" | "lone leading surrogate in hex escape") {
        return (
            format!("{message}: a \\u escape is half a surrogate pair and no character"),
            column,
        );
    }
    (message.to_owned(), column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], limit: usize) -> Vec<String> {
        let mut lines = Lines::new("in", bytes, limit, ErrorKind::Document);
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
        assert_eq!(all, ["ok", "in:2:5: invalid UTF-8 at byte 7 of the input", "also ok"]);
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over() {
        let all = lines(b"12345\n123456\n1234567890123\nlast", 5);
        let error = "expected a line of at most 5 bytes, got a longer one";
        assert_eq!(all, ["12345", &format!("in:2: {error}"), &format!("in:3: {error}"), "last"]);
    }
}
