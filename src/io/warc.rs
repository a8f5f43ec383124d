//! Web archives (WARC, ISO 28500), as Common Crawl publishes them: the records that hold plain text. Read only.

use std::collections::BTreeMap;
use std::io::{self, BufRead, ErrorKind as IoErrorKind, Read};

use super::gold::none_in;
use super::windows::Windows;
use super::{Documents, Format, Input, Marking, ReadOptions};
use crate::error::{Error, ErrorKind, Location};
use crate::resource::OptionDoc;
use crate::text::Document;

/// The format `warc`.
pub const FORMAT: Format = Format {
    name: "warc",
    doc: "Web archives (WARC, and the WET of Common Crawl), one document a record of plain text: `conversion`, and \
          `response` and `resource` of the type text/plain; read only.",
    suffixes: &["warc", "wet"],
    extension: "warc",
    marking: Marking::Offsets,
    companion: None,
    recognises: super::nothing,
    options: &[OptionDoc {
        name: "max-document-bytes",
        value: "number, 4194304",
        doc: "Read: a longer text is cut, at a blank line or between sentences, into documents `ID`, `ID#2`, ….",
    }],
    read: |input, options| Box::new(Reader::new(input, options)) as Documents,
    write: None,
};

/// What every record begins with.
pub(super) const START: &[u8] = b"WARC/";

/// The longest line of a header, and the longest header.
const MOST_LINE: usize = 64 << 10;
const MOST_HEADER: usize = 256 << 10;

/// The headers that become fields, under their names in lower case, with underscores.
const FIELDS: [&str; 5] = [
    "warc-record-id",
    "warc-target-uri",
    "warc-date",
    "warc-type",
    "warc-identified-content-language",
];

/// Headers by their names in lower case.
type Headers = BTreeMap<String, String>;

/// Reads one document a record that is plain text. The id is the `WARC-Target-URI`, else the `WARC-Record-ID`, else
/// `FILE:RECORD`. A damaged record is one error, and the next that can be found is read.
struct Reader {
    records: Records,
    limit: usize,
    current: Option<Current>,
    passed: BTreeMap<String, usize>,
    documents: usize,
    wants_gold: bool,
    is_done: bool,
}

/// The record whose text is being read.
struct Current {
    document: Document,
    windows: Windows,
}

impl Reader {
    fn new(input: Input, options: &ReadOptions) -> Self {
        Self {
            records: Records::new(input),
            limit: options.max_document_bytes,
            current: None,
            passed: BTreeMap::new(),
            documents: 0,
            wants_gold: options.gold.is_some_and(|gold| !gold.is_optional),
            is_done: false,
        }
    }

    fn error(&self, message: impl std::fmt::Display) -> Error {
        let message = format!("record {}: {message}", self.records.number);
        Error::new(ErrorKind::Document, message).at(Location::file(self.records.input.name()))
    }

    /// The next document; `None` at the end.
    fn document(&mut self) -> Option<Result<Document, Error>> {
        loop {
            if let Some(Current { document, windows }) = &mut self.current {
                match windows.next(&mut self.records) {
                    Ok(Some(window)) => {
                        let place = Location::file(self.records.input.name());
                        self.documents += 1;
                        return Some(window.into_document(document.clone(), place));
                    }
                    Ok(None) => self.current = None,
                    Err(error) => {
                        self.current = None;
                        return Some(Err(self.error(error)));
                    }
                }
            }
            match self.records.next() {
                Ok(Some(headers)) => match self.records.text(&headers) {
                    Ok(None) => {
                        let document = self.described(&headers);
                        self.current =
                            Some(Current { document, windows: Windows::new(self.limit) });
                    }
                    Ok(Some(why)) => *self.passed.entry(why).or_default() += 1,
                    Err(error) => return Some(Err(self.error(error))),
                },
                Ok(None) => {
                    self.report();
                    return None;
                }
                Err(error) => return Some(Err(self.error(error))),
            }
        }
    }

    /// A document without its text.
    fn described(&self, headers: &Headers) -> Document {
        let id =
            ["warc-target-uri", "warc-record-id"].into_iter().find_map(|name| headers.get(name));
        let unnamed = || format!("{}:{}", self.records.input.name(), self.records.number);
        let mut document = Document::new(id.cloned().unwrap_or_else(unnamed), "");
        for name in FIELDS {
            if let Some(value) = headers.get(name) {
                document.fields.insert(name.replace('-', "_"), value.as_str().into());
            }
        }
        document
    }

    /// Says what was passed over; it is a warning where nothing else was there.
    fn report(&self) {
        let total: usize = self.passed.values().sum();
        let kinds: Vec<String> =
            self.passed.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let (name, kinds) = (self.records.input.name(), kinds.join(", "));
        match (total, self.documents) {
            (0, _) => {}
            (_, 0) => {
                tracing::warn!("{name}: no record is plain text; {total} passed over: {kinds}")
            }
            _ => tracing::info!("{name}: {total} records passed over: {kinds}"),
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        if self.wants_gold {
            self.is_done = true;
            return Some(Err(none_in(FORMAT.name, self.records.input.name())));
        }
        let document = self.document();
        self.is_done = document.is_none() || self.records.is_broken;
        document
    }
}

/// The records of an archive; read, the content of the one that is open.
struct Records {
    input: Input,
    /// Of the record that is open, from 1.
    number: usize,
    /// What is left of its content, in bytes.
    left: u64,
    /// Whether the next line may be none of a record, because one was damaged.
    is_seeking: bool,
    /// Whether something was read since the last error of the input.
    has_moved: bool,
    /// Whether the input gives nothing any more.
    is_broken: bool,
}

impl Read for Records {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let count = match self.input.read(&mut bytes[..most]) {
            Ok(count) => count,
            Err(error) => return Err(self.failed(error)),
        };
        if count == 0 {
            let left = std::mem::take(&mut self.left);
            return Err(damage(format!("the content breaks off {left} bytes before its end")));
        }
        self.has_moved = true;
        self.left -= count as u64;
        Ok(count)
    }
}

impl Records {
    fn new(input: Input) -> Self {
        Self { input, number: 0, left: 0, is_seeking: false, has_moved: true, is_broken: false }
    }

    /// Takes an error of the input: behind damage of what is compressed, the next record may still come.
    fn failed(&mut self, error: io::Error) -> io::Error {
        let is_passing = error.kind() == IoErrorKind::InvalidData && self.has_moved;
        self.is_broken |= !is_passing && error.kind() != IoErrorKind::Interrupted;
        (self.left, self.is_seeking, self.has_moved) = (0, true, false);
        error
    }

    /// The headers of the next record; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Headers>> {
        self.skip_content()?;
        let mut line = Vec::new();
        loop {
            if !self.line(&mut line)? {
                return Ok(None);
            }
            if line.starts_with(START) {
                break;
            }
            if !line.is_empty() && !std::mem::replace(&mut self.is_seeking, true) {
                self.number += 1;
                let got = String::from_utf8_lossy(&line).chars().take(40).collect::<String>();
                return Err(damage(format!("expected 'WARC/1.0', got {got:?}")));
            }
        }
        self.is_seeking = false;
        self.number += 1;
        let headers = self.headers()?;
        match headers.get("content-length").map(|length| length.parse()) {
            Some(Ok(length)) => self.left = length,
            found => {
                self.is_seeking = true;
                let got =
                    found.map_or("none".to_owned(), |_| format!("{:?}", headers["content-length"]));
                return Err(damage(format!(
                    "expected a number in the header Content-Length, got {got}"
                )));
            }
        }
        Ok(Some(headers))
    }

    fn skip_content(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(|_| ())
    }

    /// Reads a line without its end; whether there was one. Of one that is too long, only the beginning is kept.
    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        let mut is_any = false;
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) => return Err(self.failed(error)),
            };
            if bytes.is_empty() {
                return Ok(is_any);
            }
            (is_any, self.has_moved) = (true, true);
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(bytes.len(), |end| end + 1);
            let room = MOST_LINE.saturating_sub(line.len()).min(end.unwrap_or(bytes.len()));
            line.extend_from_slice(&bytes[..room]);
            self.input.consume(count);
            if end.is_some() {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(true);
            }
        }
    }

    /// Headers up to the blank line after them.
    fn headers(&mut self) -> io::Result<Headers> {
        let mut headers = Headers::new();
        let (mut line, mut size, mut last) = (Vec::new(), 0, String::new());
        while self.line(&mut line)? {
            if line.is_empty() {
                return Ok(headers);
            }
            size += line.len();
            if size > MOST_HEADER {
                self.is_seeking = true;
                return Err(damage(format!("expected headers of at most {MOST_HEADER} bytes")));
            }
            let text = String::from_utf8_lossy(&line);
            if text.starts_with([' ', '\t']) {
                // A header that goes on.
                if let Some(value) = headers.get_mut(&last) {
                    value.push(' ');
                    value.push_str(text.trim());
                }
            } else if let Some((name, value)) = text.split_once(':') {
                last = name.trim().to_lowercase();
                headers.insert(last.clone(), value.trim().to_owned());
            } else {
                self.is_seeking = true;
                let got = text.chars().take(40).collect::<String>();
                return Err(damage(format!("expected a header 'Name: value', got {got:?}")));
            }
        }
        self.is_seeking = true;
        Err(damage("the headers break off".to_owned()))
    }

    /// Goes to the text of the record that is open; where it holds none, why it is passed over.
    fn text(&mut self, headers: &Headers) -> io::Result<Option<String>> {
        let kind = headers.get("warc-type").map_or("untyped", String::as_str).to_lowercase();
        let content_type =
            |headers: &Headers| headers.get("content-type").map(|t| t.to_lowercase());
        let is_plain = |found: &Option<String>| {
            found.as_ref().is_some_and(|found| found.trim_start().starts_with("text/plain"))
        };
        let own = content_type(headers);
        let is_text = match kind.as_str() {
            "conversion" => own.is_none() || is_plain(&own),
            "resource" => is_plain(&own),
            "response" if own.as_ref().is_some_and(|own| own.starts_with("application/http")) => {
                let http = self.http_headers()?;
                let is_encoded = ["content-encoding", "transfer-encoding"].iter().any(|name| {
                    http.get(*name).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
                });
                is_plain(&content_type(&http)) && !is_encoded
            }
            "response" => is_plain(&own),
            _ => false,
        };
        Ok((!is_text).then_some(kind))
    }

    /// The headers of an answer over HTTP that the content of the open record begins with.
    fn http_headers(&mut self) -> io::Result<Headers> {
        let mut headers = Headers::new();
        let mut head = Vec::new();
        let mut byte = [0];
        // Up to the blank line, byte by byte: what comes after it is the text.
        while head.len() < MOST_HEADER && self.left > 0 {
            self.read_exact(&mut byte)?;
            head.push(byte[0]);
            if head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n") {
                break;
            }
        }
        for line in String::from_utf8_lossy(&head).lines() {
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
            }
        }
        Ok(headers)
    }
}

fn damage(message: String) -> io::Error {
    io::Error::new(IoErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::GoldOptions;
    use crate::io::compression::Compression;
    use crate::io::testing::{Endless, read};
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn record(kind: &str, headers: &str, content: &str) -> String {
        let length = content.len();
        format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\n{headers}Content-Length: {length}\r\n\r\n{content}\r\n\r\n"
        )
    }

    fn wet(uri: &str, text: &str) -> String {
        let headers = format!("WARC-Target-URI: {uri}\r\nContent-Type: text/plain\r\n");
        record("conversion", &headers, text)
    }

    fn shown(read: Vec<Result<Document, Error>>) -> Vec<String> {
        let one = |read: Result<Document, Error>| match read {
            Ok(document) => format!("{} {}", document.id, document.text),
            Err(error) => format!("! {error}"),
        };
        read.into_iter().map(one).collect()
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        shown(read(&FORMAT, bytes, &ReadOptions::default()))
    }

    #[test]
    fn records_of_plain_text_are_documents_and_others_are_passed_over() {
        let http = "application/http; msgtype=response";
        let answer = |kind: &str| {
            let headers = format!("WARC-Record-ID: <urn:uuid:{kind}>\r\nContent-Type: {http}\r\n");
            let content = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\nIn Rome\r\n\r\n");
            record("response", &headers, &content)
        };
        let archive = [
            record("warcinfo", "Content-Type: application/warc-fields\r\n", "isPartOf: CC\r\n"),
            wet("https://a.example/", "WARC/1.0 is\nno header here\n"),
            record("request", "", "GET / HTTP/1.1\r\n\r\n"),
            answer("text/html"),
            answer("text/plain; charset=utf-8"),
            record("conversion", "WARC-Record-ID:\r\n <urn:uuid:b>\r\n", "é"),
            record("conversion", "", ""),
        ];
        assert_eq!(
            texts(archive.concat().as_bytes()),
            [
                "https://a.example/ WARC/1.0 is\nno header here\n",
                "<urn:uuid:text/plain; charset=utf-8> In Rome\r\n\r\n",
                " <urn:uuid:b> é",
                "in:7 ",
            ]
        );
    }

    #[test]
    fn headers_of_interest_become_fields() {
        let headers = "WARC-Target-URI: u\r\nWARC-Date: 2024-05-01T00:00:00Z\r\n\
            WARC-Identified-Content-Language: eng\r\nWARC-Block-Digest: sha1:X\r\n";
        let all =
            read(&FORMAT, record("conversion", headers, "x").as_bytes(), &ReadOptions::default());
        let fields = all[0].as_ref().unwrap().fields.clone();
        let expected = serde_json::json!({
            "warc_target_uri": "u", "warc_date": "2024-05-01T00:00:00Z", "warc_type": "conversion",
            "warc_identified_content_language": "eng",
        });
        assert_eq!(serde_json::Value::from(fields), expected);
    }

    #[test]
    fn a_damaged_record_is_one_error_and_the_next_is_read() {
        let length = |length: &str| {
            format!(
                "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: {length}\r\n\r\nx\r\n\r\n"
            )
        };
        let archive = [
            wet("a", "one"),
            length("many"),
            wet("b", "two"),
            "noise\nmore noise\n".to_owned(),
            wet("c", "three"),
            "WARC/1.0\r\nno header\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n".to_owned(),
            wet("d", "four"),
            length("99999"),
        ];
        assert_eq!(
            texts(archive.concat().as_bytes()),
            [
                "a one",
                "! in: record 2: expected a number in the header Content-Length, got \"many\"",
                "b two",
                "! in: record 4: expected 'WARC/1.0', got \"noise\"",
                "c three",
                "! in: record 6: expected a header 'Name: value', got \"no header\"",
                "d four",
                "! in: record 8: the content breaks off 99994 bytes before its end",
            ]
        );
        assert_eq!(
            texts(&[wet("a", "x").as_bytes(), b"WARC/1.0\r\nContent-Type: "].concat()),
            ["a x", "! in: record 2: the headers break off"]
        );
        let bad = wet("a", "\u{1}\u{1}").replace("\u{1}\u{1}", "??").into_bytes();
        let bad: Vec<u8> = bad.iter().map(|b| if *b == b'?' { 0xFF } else { *b }).collect();
        let all = texts(&[bad, wet("b", "y").into_bytes()].concat());
        assert_eq!(all, ["! in: invalid UTF-8 at byte 0", "b y"]);
    }

    #[test]
    fn a_damaged_member_of_gzip_is_one_error_and_the_next_record_is_read() {
        let member = |text: String| {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let mut members = ["a", "b", "c"].map(|id| member(wet(id, "text")));
        members[1][10] = 0xFF;
        let bytes = std::io::Cursor::new(members.concat());
        let reader = Compression::Gzip.reader(bytes).unwrap();
        let read = (FORMAT.read)(Input::new("in", reader), &ReadOptions::default());
        let all = shown(read.collect());
        assert_eq!((&*all[0], &*all[2], all.len()), ("a text", "c text", 3));
        assert!(all[1].starts_with("! in: record 1: a damaged gzip member: "), "{}", all[1]);
    }

    #[test]
    fn a_long_record_comes_in_windows_and_an_endless_one_is_bounded() {
        let options = ReadOptions { max_document_bytes: 8, ..ReadOptions::default() };
        let archive = [wet("a", "One is.\n\nTwo"), wet("b", "x")].concat();
        let all = read(&FORMAT, archive.as_bytes(), &options);
        let starts = |at: usize| all[at].as_ref().unwrap().fields.get("part_start").cloned();
        assert_eq!((starts(0), starts(1), starts(2)), (Some(0.into()), Some(8.into()), None));
        assert_eq!(shown(all), ["a One is.\n", "a#2 \nTwo", "b x"]);
        for endless in ["WARC/1.0\r\n", "x", "WARC/1.0\r\nContent-Length: 9\r\n", "\r\n"] {
            let input = io::BufReader::new(Endless::of(endless).take(1 << 20));
            let read = (FORMAT.read)(Input::new("in", input), &ReadOptions::default());
            assert!(read.count() < (1 << 20), "{endless}");
        }
    }

    #[test]
    fn an_archive_holds_no_gold() {
        let ask = |is_optional| {
            let gold = Some(GoldOptions { is_optional, ..GoldOptions::default() });
            let options = ReadOptions { gold, ..ReadOptions::default() };
            shown(read(&FORMAT, wet("a", "x").as_bytes(), &options))
        };
        assert_eq!(ask(false), ["! in: the format 'warc' holds no gold"]);
        assert_eq!(ask(true), ["a x"]);
    }

    proptest! {
        #[test]
        fn whatever_the_texts_are_they_come_back(
            all in proptest::collection::vec("[a-zé\\r\\n:/ ]{0,30}|WARC/1.0\\r\\n", 1..6),
        ) {
            let archive: String = all.iter().map(|text| wet("a", text)).collect();
            let expected: Vec<String> = all.iter().map(|text| format!("a {text}")).collect();
            prop_assert_eq!(texts(archive.as_bytes()), expected);
        }

        #[test]
        fn damage_never_hides_the_records_before_and_always_ends(
            cut in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut archive = ["one", "two", "three"].map(|text| wet("a", text)).concat().into_bytes();
            let at = cut.index(archive.len());
            archive[at] = byte;
            let whole = at / wet("a", "one").len();
            let all = texts(&archive);
            for (found, expected) in all.iter().zip(["a one", "a two"]).take(whole) {
                prop_assert_eq!(found, expected);
            }
        }
    }
}
