//! What comes over standard input has no name that says its format; here its beginning does, where that is
//! safe. What is not clearly something else is text.

use std::io::{BufRead, BufReader, Cursor, Read};

use serde_json::Value;

use super::{Format, Input, ReadOptions, arrow, conll, json, jsonl, parquet, text, warc};
use crate::error::{Error, Result};

/// At most so many bytes are looked at.
pub(super) const BYTES: u64 = 1 << 20;

/// At most so many lines that are not blank are looked at.
const LINES: usize = 100;

/// What every Parquet file begins with.
const PARQUET: &[u8] = b"PAR1";

/// The format of an input, by its beginning, and the whole input:
///
/// - `parquet`, `arrow` or `warc` where its first bytes say so;
/// - one of JSON where its first value is an object that one of these formats
///   [recognises](Format::recognises), or has a text in the field that holds it; which one, the first
///   value tells that can be of no other, as for files;
/// - `conll` where the first lines look so, see [`conll::is_tagged`];
/// - else `text`.
///
/// No more is waited for than is needed: text that begins like none of the others is known by its first line.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn sniff(mut input: Input, options: &ReadOptions) -> Result<(&'static Format, Input)> {
    let mut head = Vec::new();
    let format = format_of(&mut input, &mut head, options);
    let name = input.name().to_owned();
    let format = format.map_err(|error| Error::io("read", &name, error))?;
    Ok((format, Input::new(name, Cursor::new(head).chain(input))))
}

/// The format; what was read to find it is in `head`.
fn format_of(
    input: &mut Input,
    head: &mut Vec<u8>,
    options: &ReadOptions,
) -> std::io::Result<&'static Format> {
    let mut lines = 0;
    while lines < LINES && (head.len() as u64) < BYTES {
        let start = head.len();
        let mut rest = input.by_ref().take(BYTES - start as u64);
        if rest.read_until(b'\n', head)? == 0 {
            break;
        }
        let line = if start == 0 { unmarked(head) } else { head.get(start..).unwrap_or_default() };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        lines += 1;
        if lines == 1 {
            if head.starts_with(PARQUET) {
                return Ok(&parquet::FORMAT);
            }
            if arrow::begins_so(head) {
                return Ok(&arrow::FORMAT);
            }
            if head.starts_with(warc::START) {
                return Ok(&warc::FORMAT);
            }
            if !may_be_json(head) && !conll::begins_tagged(&beginning(head)) {
                return Ok(&text::FORMAT);
            }
        }
    }
    if may_be_json(head) {
        return Ok(of_json(head, options).unwrap_or(&text::FORMAT));
    }
    let is_conll = conll::is_tagged(&beginning(head));
    Ok(if is_conll { &conll::FORMAT } else { &text::FORMAT })
}

/// The whole lines of the head as text; nothing where they are none.
pub(super) fn beginning(head: &[u8]) -> String {
    let bytes = unmarked(head);
    let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
        // A last line that breaks off would be another line than it is.
        Some(end) if head.len() as u64 >= BYTES => bytes.get(..end).unwrap_or_default(),
        _ => bytes,
    };
    String::from_utf8(whole.to_vec()).unwrap_or_default()
}

/// The head without a byte-order mark.
fn unmarked(head: &[u8]) -> &[u8] {
    head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head)
}

/// Whether the first character is one that a document of JSON begins with.
fn may_be_json(head: &[u8]) -> bool {
    let first = unmarked(head).iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|byte| matches!(byte, b'{' | b'['))
}

/// The format of the JSON that the head begins with; `None` where it is no document of JSON.
fn of_json(head: &[u8], options: &ReadOptions) -> Option<&'static Format> {
    let input = || Input::new("", BufReader::new(Cursor::new(head.to_vec())));
    let Some(first) = json::first_value(input()) else {
        // Much text begins with a bracket, and little with a brace.
        if unmarked(head).trim_ascii_start().starts_with(b"{\"") {
            tracing::warn!(
                "the input begins like a JSON object and is none, so it is read as text; `--input-format jsonl` says what is wrong"
            );
        }
        return None;
    };
    let has_text = first.get(&options.text_field).is_some_and(Value::is_string);
    match json::recognise(input()) {
        // Of a first value that says nothing, a later one may.
        Some(format) if has_text || (format.recognises)(&first) => Some(format),
        _ if has_text => Some(&jsonl::FORMAT),
        _ => {
            if first.is_object() {
                let field = &options.text_field;
                tracing::warn!(
                    "the input begins with a JSON object that has no text in '{field}', and is read as text"
                );
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::Endless;

    fn sniffed(text: &str) -> &'static str {
        let input = Input::new("stdin", Cursor::new(text.as_bytes().to_vec()));
        let (format, mut input) = sniff(input, &ReadOptions::default()).unwrap();
        let mut whole = String::new();
        input.read_to_string(&mut whole).unwrap();
        assert_eq!(whole, text, "nothing is lost");
        format.name
    }

    #[test]
    fn what_is_clear_is_recognised() {
        let spacy = "{\"text\":\"Rome\",\"ents\":[{\"start\":0,\"end\":4,\"label\":\"LOC\"}]}";
        for (text, expected) in [
            ("{\"text\":\"Rome\"}\n{\"text\":\"Paris\"}\n", "jsonl"),
            ("\u{feff}\n {\"text\":\"Rome\"}", "jsonl"),
            // A later line that is wrong is an error of its line, not a text.
            ("{\"text\":\"Rome\"}\n{oops\n", "jsonl"),
            ("{\"tokens\":[\"Rome\"],\"ner_tags\":[\"B-LOC\"]}\n", "tokens-jsonl"),
            (spacy, "spacy"),
            (&format!("[{spacy}]"), "spacy"),
            (&format!("{{\"text\":\"none\"}}\n{spacy}\n"), "spacy"),
            ("[\n{\"text\":\"Rome\"},\n{\"text\":\"Paris\"}]", "jsonl"),
            ("In\tO\nRome\tB-LOC\n\t\n\nNow\tO\n", "conll"),
            ("-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\n. . O O\n", "conll"),
            ("-DOCSTART- O\n\nIn O\nRome B-LOC\n", "conll"),
            ("# sent_id = 1\n# text = In Rome\n1\tIn\tO\n2\tRome\tB-LOC\n", "conll"),
            ("PAR1\u{0}", "parquet"),
            ("ARROW1\u{0}\u{0}", "arrow"),
            ("WARC/1.0\r\nWARC-Type: warcinfo\r\n", "warc"),
        ] {
            assert_eq!(sniffed(text), expected, "{text}");
        }
    }

    #[test]
    fn text_stays_text() {
        for text in [
            "",
            "\n",
            "Paris is calm.\n",
            "[1] Paris is calm.\n",
            "[[Paris]] is a city.\n",
            "{Paris} is a city.\n",
            "{\n  \"text\": \"a file of settings\"\n}\n",
            "{\"name\":\"a program\",\"version\":1}\n",
            "[1, 2]\n",
            "{\"text\":7}\n",
            "{\"text\":\"Rome\"} is an object.\n",
            "name\tcity\nAnn\tRome\n",
            "group\tO\n",
            "vitamin B-12\nvitamin O\n",
            "vitamin\tB-12\nvitamin\tB-6\n",
            "Ann took O\nto Rome\n",
            "# A heading = here\n\nParis\n",
            "# A heading\n",
            "In\tO\nRome\tB-LOC\nand so on\n",
        ] {
            assert_eq!(sniffed(text), "text", "{text}");
        }
    }

    #[test]
    fn no_more_is_read_than_is_needed() {
        let name = |line: &'static str| {
            let endless = BufReader::new(Endless::of(line));
            sniff(Input::new("stdin", endless), &ReadOptions::default()).unwrap().0.name
        };
        assert_eq!(name("Paris is calm.\n"), "text");
        assert_eq!(name("word\tO\n"), "conll");
        assert_eq!(name("x"), "text", "one line without an end");
        assert_eq!(name("{\"text\": "), "text");
    }
}
