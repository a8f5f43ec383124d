//! Which format an input is in, where its name says so or says half of it: several formats are JSON and share its
//! suffixes, and CoNLL and tables share `.tsv`. What has no name is the business of `sniff`.

use std::io::{self, Read};
use std::path::Path;

use super::input::{Input, InputFile, InputPlace};
use super::stream::ByteCounter;
use super::{Format, conll, csv, format_of, json, jsonl, sniff, text};

/// Finds the format of an input among those that share a suffix; `None` where nothing at its beginning tells.
pub(super) type Recognise = fn(Input) -> Option<&'static Format>;

/// The format that a suffix stands for and, where several share it (JSON; CoNLL and tables parted by tabs), what
/// finds another.
pub(super) fn by_suffix(path: &Path) -> (&'static Format, Option<Recognise>) {
    let format = format_of(path).unwrap_or(&text::FORMAT);
    let recognise: Option<Recognise> = match format.name {
        name if name == jsonl::FORMAT.name => Some(json::recognise),
        name if name == csv::TSV.name => Some(sentences_in),
        _ => None,
    };
    (format, recognise)
}

/// The format of a file, by its suffix and, where several formats share that, by what it holds; `None` where the suffix
/// says nothing.
pub(super) fn of_file(path: &Path) -> Option<&'static Format> {
    format_of(path)?;
    let (format, recognise) = by_suffix(path);
    let Some(recognise) = recognise else { return Some(format) };
    let file = InputFile { place: InputPlace::File(path.to_owned()), format: Some(format) };
    // What cannot be opened is reported when its turn comes.
    let input = file.open(&ByteCounter::default()).ok();
    Some(input.and_then(recognise).unwrap_or(format))
}

/// As [`of_file`], of an input that is open, and can be read from its beginning after it.
pub(super) fn of_open(name: &str, mut input: Input) -> (&'static Format, Input) {
    let (format, recognise) = by_suffix(Path::new(name));
    let Some(recognise) = recognise else { return (format, input) };
    let mut head = Vec::new();
    let read = input.by_ref().take(sniff::BYTES).read_to_end(&mut head);
    let found = recognise(Input::new(name, io::Cursor::new(head.clone())));
    let failure = input.failure();
    let head = io::Cursor::new(head);
    // What cannot be read comes behind what could.
    let whole = match read {
        Ok(_) => Input::new(name, head.chain(input)),
        Err(error) => Input::new(name, head.chain(io::BufReader::new(Ends(Some(error))))),
    };
    (found.unwrap_or(format), whole.failing_as(failure))
}

/// Nothing but an error, and the end.
struct Ends(Option<io::Error>);

impl Read for Ends {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// CoNLL, where the beginning of an input parted by tabs is no table.
fn sentences_in(mut input: Input) -> Option<&'static Format> {
    let mut head = Vec::new();
    // What cannot be read is reported when it is read for good.
    let _ = input.by_ref().take(sniff::BYTES).read_to_end(&mut head);
    (!csv::is_table(&sniff::beginning(&head))).then_some(&conll::FORMAT)
}
