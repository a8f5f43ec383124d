//! brat standoff: a text and, beside it, a file of annotations with the same name. A document is both.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::gold::Places;
use super::{
    Discontinuous, DocumentWriter, Documents, Format, GoldOptions, Input, Marking, Output,
    ReadOptions, WriteOptions,
};
use crate::error::{Error, ErrorKind, Location};
use crate::resource::OptionDoc;
use crate::span::{Entity, Span};
use crate::text::{Annotation, Document, OffsetUnit};

/// The format `brat`.
pub const FORMAT: Format = Format {
    name: "brat",
    doc: "brat standoff: `NAME.ann` with lines `T1<TAB>PER 0 5<TAB>Maria` beside `NAME.txt`; written into \
          a folder, two files a document. Relations, events, attributes and notes are passed over.",
    suffixes: &[ANNOTATIONS],
    extension: "jsonl",
    marking: Marking::Offsets,
    companion: Some(TEXT),
    recognises: super::nothing,
    options: &[
        OptionDoc {
            name: "discontinuous",
            value: "refuse | split, refuse",
            doc: "Read: an entity of several pieces, which more than white space parts, is an error, or \
                  each piece is an entity.",
        },
        OptionDoc {
            name: "max-document-bytes",
            value: "number, 4194304",
            doc: "Read: a longer text is an error.",
        },
    ],
    read: |input, options| Box::new(std::iter::once(document(&input, options))) as Documents,
    write: Some(|output, _: &WriteOptions| Box::new(Writer { output, written: BTreeMap::new() })),
};

const ANNOTATIONS: &str = "ann";
const TEXT: &str = "txt";

/// The document of a text or of its annotations, whichever is named. Its id is the name of both without
/// the suffix.
fn document(input: &Input, options: &ReadOptions) -> Result<Document, Error> {
    let Some(path) = input.path() else {
        let message =
            format!("{}: a document of brat is two files, which only a path names", input.name());
        return Err(Error::new(ErrorKind::Document, message).with_help("name a folder of files"));
    };
    let text_path = path.with_extension(TEXT);
    let text = text(&text_path, options.max_document_bytes)?;
    let id = path.with_extension("").display().to_string();
    let gold = match options.gold {
        None => None,
        Some(gold) => annotations(&path.with_extension(ANNOTATIONS), &text, gold)?,
    };
    Ok(Document { gold, ..Document::new(id, text) })
}

fn text(path: &Path, limit: usize) -> Result<String, Error> {
    let name = path.display().to_string();
    let size = std::fs::metadata(path).map_err(|e| Error::io("read", &name, e))?.len();
    if size > limit as u64 {
        let message = format!("expected a text of at most {limit} bytes, got {size}");
        return Err(Error::new(ErrorKind::Document, message).at(Location::file(name)));
    }
    std::fs::read_to_string(path).map_err(|e| Error::io("read", &name, e))
}

/// The entities of a file of annotations; `None` where it is not there and gold is optional.
fn annotations(
    path: &Path,
    text: &str,
    options: GoldOptions,
) -> Result<Option<Vec<Annotation>>, Error> {
    let name = path.display().to_string();
    let lines = match std::fs::read_to_string(path) {
        Ok(lines) => lines,
        Err(error) if options.is_optional && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(Error::io("read", &name, error)),
    };
    let places = Places::new(text, OffsetUnit::Char);
    let mut gold = Vec::new();
    // What begins with T is a text-bound annotation: entities and the triggers of events.
    for (number, line) in (1..).zip(lines.lines()).filter(|(_, line)| line.starts_with('T')) {
        match entity(line, text, &places, options.discontinuous) {
            Ok(pieces) => gold.extend(pieces),
            Err(message) => {
                let place = Location::line(name, number, 0);
                return Err(Error::new(ErrorKind::Document, message).at(place));
            }
        }
    }
    gold.sort_by_key(|one: &Annotation| (one.span.start, std::cmp::Reverse(one.span.end)));
    Ok(Some(gold))
}

/// The entity of a line `T1<TAB>LABEL START END[;START END…]<TAB>TEXT`.
fn entity(
    line: &str,
    text: &str,
    places: &Places<'_>,
    discontinuous: Discontinuous,
) -> Result<Vec<Annotation>, String> {
    let mut columns = line.splitn(3, '\t');
    let (_, place, said) = (columns.next(), columns.next(), columns.next());
    let (label, offsets) = place.and_then(|place| place.split_once(' ')).ok_or_else(|| {
        format!(
            "expected a label and offsets in the second column, such as PER 0 5, got '{}'",
            place.unwrap_or("")
        )
    })?;
    let mut pieces: Vec<Span> = Vec::new();
    for piece in offsets.split(';') {
        let number = |text: &str| text.parse::<u64>().ok().map(Value::from);
        let (start, end) = piece
            .split_once(' ')
            .and_then(|(start, end)| Some((number(start)?, number(end)?)))
            .ok_or_else(|| format!("expected two offsets such as 0 5, got '{piece}'"))?;
        let span = places.span(("start", &start), ("end", &end))?;
        let between = |last: &&mut Span| {
            let gap = (last.end <= span.start).then(|| text.get(last.end..span.start)).flatten();
            gap.is_some_and(|gap| gap.trim().is_empty())
        };
        match pieces.last_mut().filter(between) {
            Some(last) => last.end = span.end,
            None => pieces.push(span),
        }
    }
    if let ([span], Some(said)) = (&pieces[..], said) {
        places.check(*span, said)?;
    }
    if pieces.len() > 1 && discontinuous == Discontinuous::Refuse {
        return Err(format!(
            "the entity has {} pieces, {offsets}, and is no span of the text; `--discontinuous split` makes \
             each an entity",
            pieces.len()
        ));
    }
    Ok(pieces.into_iter().map(|span| Annotation { span, label: label.to_owned() }).collect())
}

/// Writes two files a document, named by its id: the last part of a path, without the suffix `.txt`, and
/// with `_` for what file names had better not hold. The name of a second such document ends in `-2`.
struct Writer {
    output: Output,
    /// How often each name was written.
    written: BTreeMap<String, usize>,
}

impl Writer {
    fn name(&mut self, id: &str) -> String {
        let last = id.rsplit(['/', '\\']).next().unwrap_or(id);
        let last = last.strip_suffix(".txt").unwrap_or(last);
        let proper = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let name: String = last.chars().map(proper).collect();
        let name = name.trim_start_matches('.');
        let name = if name.is_empty() { "document" } else { name };
        loop {
            let count = self.written.entry(name.to_lowercase()).or_default();
            *count += 1;
            let numbered = if *count == 1 { name.to_owned() } else { format!("{name}-{count}") };
            // A document may itself be called what a second one would be.
            if *count == 1 || !self.written.contains_key(&numbered.to_lowercase()) {
                self.written.entry(numbered.to_lowercase()).or_insert(1);
                return numbered;
            }
        }
    }
}

impl DocumentWriter for Writer {
    fn write(&mut self, document: &Document, entities: &[Entity]) -> Result<(), Error> {
        let name = self.name(&document.id);
        let mut lines = String::new();
        let places = Places::new(&document.text, OffsetUnit::Char);
        for (number, entity) in entities.iter().enumerate() {
            let pieces: Vec<String> = lines_of(entity.span, &document.text)
                .into_iter()
                .map(|s| format!("{} {}", places.offset(s.start), places.offset(s.end)))
                .collect();
            let label = entity.label.as_str();
            if label.contains(char::is_whitespace) {
                let message = format!(
                    "document '{}': a label of brat holds no white space, got '{label}'",
                    document.id
                );
                return Err(Error::new(ErrorKind::Document, message)
                    .with_help("`--map` of `spanloom convert` renames labels"));
            }
            let text = entity.text(&document.text).split(['\n', '\r', '\t']);
            let text = text.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
            lines.push_str(&format!("T{}\t{label} {}\t{text}\n", number + 1, pieces.join(";")));
        }
        for (suffix, content) in [(TEXT, &document.text), (ANNOTATIONS, &lines)] {
            let mut file = self.output.file(&format!("{name}.{suffix}"))?;
            file.put(content.as_bytes())?;
            file.finish()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        self.output.finish()
    }
}

/// The pieces of a span on the lines it runs over, as brat wants them.
fn lines_of(span: Span, text: &str) -> Vec<Span> {
    let inside = span.slice(text).unwrap_or("");
    let mut pieces = Vec::new();
    let mut start = span.start;
    for line in inside.split_inclusive(['\n', '\r']) {
        let piece = Span::new(start, start + line.len()).trim(text);
        if !piece.is_empty() {
            pieces.push(piece);
        }
        start += line.len();
    }
    // White space at the edges belongs to the entity.
    match pieces.as_mut_slice() {
        [] => return vec![span],
        [only] => *only = span,
        [first, .., last] => (first.start, last.end) = (span.start, span.end),
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::entity;
    use crate::io::{DocumentStream, Inputs};
    use proptest::prelude::*;

    fn write(folder: &Path, documents: &[(Document, Vec<Entity>)]) {
        let output = Output::folder(folder).unwrap();
        let mut writer = FORMAT.write.unwrap()(output, &WriteOptions::default());
        for (document, entities) in documents {
            writer.write(document, entities).unwrap();
        }
        writer.finish().unwrap();
    }

    fn read(folder: &Path, gold: GoldOptions) -> Vec<Result<Document, Error>> {
        let inputs = Inputs::expand(&[folder.to_owned()], None);
        let options = ReadOptions { gold: Some(gold), ..ReadOptions::default() };
        DocumentStream::new(inputs.files, options).collect()
    }

    fn annotated(lines: &str, discontinuous: Discontinuous) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "😀 Ann Lee\nand Bo left").unwrap();
        std::fs::write(folder.path().join("a.ann"), lines).unwrap();
        let options = GoldOptions { discontinuous, ..GoldOptions::default() };
        let mut all = read(folder.path(), options);
        assert_eq!(all.len(), 1, "the text goes with its annotations");
        match all.remove(0) {
            Ok(document) => {
                let shown = |a: &Annotation| {
                    format!("{:?} {}", a.span.slice(&document.text).unwrap(), a.label)
                };
                document.gold.unwrap().iter().map(shown).collect::<Vec<_>>().join(", ")
            }
            Err(error) => error.to_string().replace(&folder.path().display().to_string(), ""),
        }
    }

    #[test]
    fn annotations_are_read_and_what_is_wrong_names_its_line() {
        let good = "T1\tPER 2 9\tAnn Lee\nR1\tknows Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\tyes\n";
        assert_eq!(annotated(good, Discontinuous::Refuse), "\"Ann Lee\" PER");
        for (line, expected) in [
            ("T1", "expected a label and offsets in the second column, such as PER 0 5, got ''"),
            (
                "T1\tPER",
                "expected a label and offsets in the second column, such as PER 0 5, got 'PER'",
            ),
            ("T1\tPER 2 x\tAnn", "expected two offsets such as 0 5, got '2 x'"),
            ("T1\tPER 2 99\tAnn", "'end' is 99, expected a place in the text, which ends at 21"),
            (
                "T1\tPER 2 5\tBob",
                "its text is \"Bob\", but \"Ann\" stands there (offsets count chars)",
            ),
        ] {
            let got = annotated(&format!("{good}{line}\n"), Discontinuous::Refuse);
            assert_eq!(got, format!("/a.ann:4: {expected}"));
        }
    }

    #[test]
    fn pieces_that_only_white_space_parts_are_one_entity() {
        let line = "T1\tPER 2 9;10 13\tAnn Lee and\n";
        assert_eq!(annotated(line, Discontinuous::Refuse), "\"Ann Lee\\nand\" PER");
        let line = "T1\tPER 2 5;14 16\tAnn Bo\n";
        let error = annotated(line, Discontinuous::Refuse);
        assert!(error.starts_with("/a.ann:1: the entity has 2 pieces, 2 5;14 16, and"), "{error}");
        assert_eq!(annotated(line, Discontinuous::Split), "\"Ann\" PER, \"Bo\" PER");
    }

    #[test]
    fn documents_get_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let ids = ["x/a.txt", "y/a.txt", "a-2", "A", "c d:1", "..", ""];
        let documents = ids.map(|id| (Document::new(id, id), vec![]));
        write(&path, &documents);
        let mut names: Vec<String> = std::fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".ann"))
            .collect();
        names.sort();
        let expected = [
            "A-3.ann",
            "a-2-2.ann",
            "a-2.ann",
            "a.ann",
            "c_d_1.ann",
            "document-2.ann",
            "document.ann",
        ];
        assert_eq!(names, expected);
        assert!(Output::folder(&path).is_err(), "a folder with files in it is refused");
    }

    #[test]
    fn a_text_alone_has_no_gold_and_standard_output_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "Ann").unwrap();
        let inputs = Inputs::expand(&[folder.path().to_owned()], Some(&FORMAT));
        let gold = GoldOptions { is_optional: true, ..GoldOptions::default() };
        let options = ReadOptions { gold: Some(gold), ..ReadOptions::default() };
        let all: Vec<Document> =
            DocumentStream::new(inputs.files, options).map(Result::unwrap).collect();
        assert_eq!((all.len(), all[0].gold.as_ref()), (1, None));
        let mut writer = FORMAT.write.unwrap()(Output::stdout().unwrap(), &WriteOptions::default());
        let error = writer.write(&all[0], &[]).unwrap_err().to_string();
        assert!(error.contains("a folder"), "{error}");
        let point = vec![entity("Ann", "Ann", "Point of Interest", 1.0)];
        let error = writer.write(&all[0], &point).unwrap_err().to_string();
        let expected = "a label of brat holds no white space, got 'Point of Interest'";
        assert!(error.ends_with(expected), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_written_is_read_back(
            texts in proptest::collection::vec("[a-c é😀\t\r\n]{1,20}", 1..4),
            places in proptest::collection::vec((0usize..20, 1usize..9), 0..4),
        ) {
            let documents: Vec<(Document, Vec<Entity>)> = texts.iter().map(|text| {
                let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
                let place = |at: usize| starts.get(at).copied().unwrap_or(text.len());
                let mut spans: Vec<Span> = places.iter()
                    .map(|(start, length)| Span::new(place(*start), place(start + length)).trim(text))
                    .filter(|span| !span.is_empty())
                    .collect();
                spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
                let entities = spans.into_iter().map(|span| {
                    Entity { span, ..entity(text, span.slice(text).unwrap(), "PER", 1.0) }
                });
                (Document::new("d", text.as_str()), entities.collect())
            }).collect();
            let folder = tempfile::tempdir().unwrap();
            write(&folder.path().join("out"), &documents);
            let back = read(&folder.path().join("out"), GoldOptions::default());
            let mut back: Vec<(String, Vec<Span>)> = back.into_iter().map(Result::unwrap)
                .map(|d| (d.text, d.gold.unwrap().into_iter().map(|a| a.span).collect()))
                .collect();
            let mut expected: Vec<(String, Vec<Span>)> = documents.into_iter()
                .map(|(d, entities)| (d.text, entities.into_iter().map(|e| e.span).collect()))
                .collect();
            back.sort();
            expected.sort();
            prop_assert_eq!(back, expected);
        }
    }
}
