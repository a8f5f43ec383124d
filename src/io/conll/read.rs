//! CoNLL in: sentences as documents whose tokens are given.

use super::super::tokens::{EMPTY_TOKEN, check_tag};
use super::super::{GoldOptions, Input, ReadOptions};
use super::{CONTINUES, column, columns, is_extra, rows, tag_column};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::span::scheme::is_tag;
use crate::text::lines::Lines;
use crate::text::{Annotation, Document, Span, Token};

/// Reads one document a sentence: the tokens joined by single spaces.
///
/// Its id is the `sent_id` of a comment, else `FILE:NUMBER` of the sentence. What comes before the
/// first token is kept in [`Document::comments`]: comments, `-DOCSTART-`, blank lines beyond the one
/// that ends a sentence (as empty comments). Comments after the last sentence are a document without
/// tokens. A bad line spoils its sentence only.
pub(super) struct Reader {
    lines: Lines<Input>,
    limit: usize,
    token_column: Option<usize>,
    gold: Option<GoldOptions>,
    separator: Option<char>,
    layout: Option<Layout>,
    sentences: usize,
    /// Whether a sentence before had tags: then the others owe them.
    is_tagged: bool,
}

/// How the columns of an input are to be read.
#[derive(Clone, Copy)]
struct Layout {
    /// The column of the tokens, from 1.
    column: usize,
    /// Whether the first column counts the tokens.
    numbered: bool,
}

/// A sentence as it comes in.
#[derive(Default)]
struct Sentence {
    comments: Vec<String>,
    rows: Vec<String>,
    /// The number of the first row's line.
    first_line: usize,
    bytes: usize,
    error: Option<Error>,
    continues: bool,
}

impl Reader {
    pub(super) fn new(input: Input, options: &ReadOptions) -> Self {
        Self {
            lines: super::super::lines(input, options.max_line_bytes),
            limit: options.max_document_bytes,
            token_column: options.token_column,
            gold: options.gold,
            separator: options.separator,
            layout: None,
            sentences: 0,
            is_tagged: false,
        }
    }

    /// The lines up to the end of the next sentence; `None` at the end of the input.
    fn sentence(&mut self) -> Option<Sentence> {
        let mut sentence = Sentence::default();
        loop {
            if sentence.bytes > self.limit {
                sentence.continues = true;
                return Some(sentence);
            }
            let Some(line) = self.lines.next_line() else { break };
            sentence.bytes += 1;
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    sentence.error.get_or_insert(error);
                    continue;
                }
            };
            let blank = line.trim().is_empty();
            if blank && (!sentence.rows.is_empty() || sentence.error.is_some()) {
                return Some(sentence);
            }
            sentence.bytes += line.len();
            if blank {
                sentence.comments.push(String::new());
            } else if sentence.rows.is_empty() && is_comment(line) {
                sentence.comments.push(line.to_owned());
            } else if sentence.error.is_none() {
                sentence.rows.push(
                    self.separator.map_or_else(
                        || line.to_owned(),
                        |separator| parted_by_tabs(line, separator),
                    ),
                );
                if sentence.rows.len() == 1 {
                    sentence.first_line = self.lines.number();
                }
            }
        }
        let something = !sentence.rows.is_empty()
            || sentence.error.is_some()
            || sentence.comments.iter().any(|c| !c.is_empty());
        something.then_some(sentence)
    }

    fn document(&mut self, sentence: Sentence) -> Result<Document> {
        if !sentence.rows.is_empty() || sentence.error.is_some() {
            self.sentences += 1;
        }
        if let Some(error) = sentence.error {
            return Err(error);
        }
        let layout = self.layout(&sentence.rows);
        let given_id = sentence.comments.iter().rev().find_map(|c| sentence_id(c));
        let mut document = Document {
            id: match given_id {
                Some(id) => id.to_owned(),
                None => format!("{}:{}", self.lines.name(), self.sentences),
            },
            comments: sentence.comments,
            ..Document::default()
        };
        if sentence.continues {
            document.fields.insert(CONTINUES.to_owned(), true.into());
        }
        let mut tokens: Vec<Token> = Vec::with_capacity(sentence.rows.len());
        let mut before: Vec<String> = Vec::new();
        let mut numbers = Vec::new();
        for (i, row) in sentence.rows.into_iter().enumerate() {
            if layout.numbered && is_extra(&row) {
                match tokens.last_mut() {
                    Some(token) => token.line = format!("{}\n{row}", token.line),
                    None => before.push(row),
                }
                continue;
            }
            let word = match column(&row, layout.column) {
                Some(word) if word.trim().is_empty() => EMPTY_TOKEN,
                Some(word) => word,
                None => return Err(self.too_few(&row, layout.column, sentence.first_line + i)),
            };
            let span = append(&mut document.text, word);
            let line = if before.is_empty() {
                row
            } else {
                before.push(row);
                std::mem::take(&mut before).join("\n")
            };
            tokens.push(Token { span, line });
            numbers.push(sentence.first_line + i);
        }
        document.comments.append(&mut before);
        document.tokens = Some(tokens);
        if let Some(options) = self.gold {
            document.gold = self.gold(&document, options, &numbers)?;
        }
        Ok(document)
    }

    /// The entities that the tags of a sentence mark; `numbers` are the lines of its tokens. `None` where
    /// gold is optional and nothing in the last column looks like a tag.
    fn gold(
        &mut self,
        document: &Document,
        options: GoldOptions,
        numbers: &[usize],
    ) -> Result<Option<Vec<Annotation>>> {
        let rows = rows(document.tokens.as_deref().unwrap_or(&[]));
        let asked = options.column.map(|column| column.saturating_sub(1));
        let found = asked.or_else(|| tag_column(&rows, options.letter));
        // Where no column will do, the last is the one that was meant.
        let width = || rows.iter().map(Vec::len).min().unwrap_or(0).max(2);
        let column = found.unwrap_or_else(|| width() - 1);
        let looks_like_tags =
            || rows.iter().any(|row| row.get(column).is_some_and(|tag| options.letter.is_tag(tag)));
        if options.is_optional && !self.is_tagged && found.is_none() && !looks_like_tags() {
            return Ok(None);
        }
        self.is_tagged |= !rows.is_empty();
        for (row, line) in rows.iter().zip(numbers) {
            let message = match row.get(column).map(|tag| check_tag(tag, options.letter)) {
                Some(Ok(())) => continue,
                Some(Err(message)) => format!("column {}: {message}", column + 1),
                None => {
                    format!("expected a tag in column {}, got {} columns", column + 1, row.len())
                }
            };
            let place = Location::line(self.lines.name(), *line, 0);
            return Err(Error::new(ErrorKind::Document, message).at(place));
        }
        let gold = super::gold(document, Some(column + 1), options.letter).into_iter();
        Ok(Some(
            gold.map(|(span, label)| Annotation { span, label: label.as_str().to_owned() })
                .collect(),
        ))
    }

    /// Where the tokens of a sentence are. Unless the user said it, the first sentence of several
    /// tokens decides for the whole input.
    fn layout(&mut self, rows: &[String]) -> Layout {
        if let Some(layout) = self.layout {
            return layout;
        }
        let numbered = is_numbered(rows);
        let found = if numbered { 2 } else { 1 };
        let layout = Layout { column: self.token_column.unwrap_or(found), numbered };
        if rows.len() > 1 {
            self.layout = Some(layout);
        }
        layout
    }

    fn too_few(&self, row: &str, column: usize, line: usize) -> Error {
        let got = columns(row).len();
        let message = format!("expected the token in column {column}, got {got} columns");
        Error::new(ErrorKind::Document, message).at(Location::line(self.lines.name(), line, 0))
    }
}

impl Iterator for Reader {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        let sentence = self.sentence()?;
        Some(self.document(sentence))
    }
}

/// A line whose columns `separator` parts, as one whose columns tabs part; spaces may be several.
fn parted_by_tabs(line: &str, separator: char) -> String {
    if separator == ' ' {
        line.split(' ').filter(|column| !column.is_empty()).collect::<Vec<_>>().join("\t")
    } else {
        line.replace(separator, "\t")
    }
}

/// Appends `word` after a space, and says where it stands.
fn append(text: &mut String, word: &str) -> Span {
    if !text.is_empty() {
        text.push(' ');
    }
    let start = text.len();
    text.push_str(word);
    Span::new(start, text.len())
}

/// Whether a line before the first token is none itself.
///
/// `#tag<TAB>O` and `#<TAB>O` are tokens, as tweets have them; `# text`, `# sent_id = 3` and
/// `#begin document` are not, and a line such as `# NN O` without tabs is a token if it ends in a tag.
pub(super) fn is_comment(line: &str) -> bool {
    if line.starts_with("-DOCSTART-") {
        return true;
    }
    let Some(rest) = line.strip_prefix('#') else { return false };
    if rest.starts_with('\t') {
        return false;
    }
    let tagged = || line.split_whitespace().skip(1).last().is_some_and(is_tag);
    rest.contains(" = ")
        || rest.starts_with("begin document")
        || rest.starts_with("end document")
        || (rest.starts_with(' ') && (line.contains('\t') || !tagged()))
}

/// The value of a comment `# sent_id = …`.
fn sentence_id(comment: &str) -> Option<&str> {
    let (key, value) = comment.strip_prefix('#')?.split_once('=')?;
    (key.trim() == "sent_id" && !value.trim().is_empty()).then_some(value.trim())
}

/// Whether the first column counts the tokens: 1, 2, 3, …, with the tokens after it.
fn is_numbered(rows: &[String]) -> bool {
    let words: Vec<Vec<&str>> =
        rows.iter().filter(|row| !is_extra(row)).map(|row| columns(row)).collect();
    let width = words.iter().map(Vec::len).min().unwrap_or(0);
    let counts = words.iter().enumerate().all(|(i, word)| word[0] == (i + 1).to_string());
    width >= 2 && counts && (width >= 3 || !words.iter().all(|word| is_tag(word[1])))
}

#[cfg(test)]
mod tests {
    use super::super::FORMAT;
    use super::*;
    use crate::io::testing::{Endless, read};

    fn parse(file: &str) -> Vec<Document> {
        let all = read(&FORMAT, file.as_bytes(), &ReadOptions::default());
        all.into_iter().map(Result::unwrap).collect()
    }

    fn texts(file: &str) -> Vec<String> {
        parse(file).into_iter().map(|d| d.text).collect()
    }

    #[test]
    fn sentences_of_the_usual_kinds_are_read() {
        let cases: &[(&str, &[&str])] = &[
            ("New\tB-LOC\nYork\tI-LOC\n\t\nIt\tO\n", &["New York", "It"]),
            ("-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\n. . O O\n", &["EU ."]),
            (
                "# sent_id = a\n# text = It is\n1\tIt\tO\t-\n2\tis\tO\t-\n\n1\tNo\tO\t-\n",
                &["It is", "No"],
            ),
            ("1\tNo\tO\n\n1\tIt\tO\n2\tis\tO\n", &["No", "It is"]),
            ("It O\r\nis O\r\n\r\nso O\r\n", &["It is", "so"]),
            ("It\nis\n", &["It is"]),
            ("1 O\n2 O\n", &["1 2"]),
            ("1984 CD O\n, , O\n", &["1984 ,"]),
            ("10 000\tO\nmen\tO\n", &["10 000 men"]),
            ("\u{feff}It\tO\n", &["It"]),
            ("", &[]),
            ("\n\n \n", &[]),
        ];
        for (file, expected) in cases {
            assert_eq!(texts(file), *expected, "{file:?}");
        }
    }

    #[test]
    fn a_hash_may_be_a_token() {
        assert_eq!(
            texts("#NYC\tO\nis\tO\n\n#\tO\n1\tO\n\n# NN O\n\n#end\n"),
            ["#NYC is", "# 1", "#", "#end"]
        );
        let documents = parse("# newdoc\n#begin document (a);\n# a = b\nx\tO\n# y\tO\n");
        assert_eq!(documents[0].comments, ["# newdoc", "#begin document (a);", "# a = b"]);
        assert_eq!(documents[0].text, "x # y");
    }

    #[test]
    fn ids_come_from_comments_or_numbers() {
        let documents = parse("a\tO\n\n# sent_id = s-2\nb\tO\n\n\n# c\nc\tO\n# x\tO\n\n# end\n");
        let ids: Vec<_> = documents.iter().map(|d| d.id.as_str()).collect();
        assert_eq!(ids, ["in:1", "s-2", "in:3", "in:3"]);
        assert_eq!(documents[2].comments, ["", "# c"]);
        assert_eq!(documents[3].comments, ["# end"]);
        assert_eq!(documents[3].tokens, Some(vec![]));
    }

    #[test]
    fn an_empty_token_has_a_stand_in() {
        let documents = parse("a\tO\n\tO\n\u{a0}\tO\nb\tO\n");
        assert_eq!(documents[0].text, "a \u{fffd} \u{fffd} b");
        assert_eq!(documents[0].tokens.as_ref().unwrap()[1].line, "\tO");
    }

    #[test]
    fn lines_that_are_no_words_go_with_a_word() {
        let documents = parse("1-2\tdon't\t_\n1\tdo\tO\n2\tn't\tO\n2.1\tgo\tO\n3\tgo\tO\n");
        assert_eq!(documents[0].text, "do n't go");
        let lines: Vec<_> =
            documents[0].tokens.as_ref().unwrap().iter().map(|t| t.line.as_str()).collect();
        assert_eq!(lines, ["1-2\tdon't\t_\n1\tdo\tO", "2\tn't\tO\n2.1\tgo\tO", "3\tgo\tO"]);
    }

    #[test]
    fn the_token_column_can_be_given() {
        let options = ReadOptions { token_column: Some(3), ..ReadOptions::default() };
        let all = read(&FORMAT, b"a b c\nd e f\n\na b\n\nx y z\n", &options);
        assert_eq!(all[0].as_ref().unwrap().text, "c f");
        let error = all[1].as_ref().unwrap_err().to_string();
        assert_eq!(error, "in:4: expected the token in column 3, got 2 columns");
        assert_eq!(all[2].as_ref().unwrap().text, "z");
    }

    #[test]
    fn gold_is_read_where_it_is_asked_for_and_owed_then() {
        let gold = |file: &str, column| {
            let gold = Some(GoldOptions { column, ..GoldOptions::default() });
            let options = ReadOptions { gold, ..ReadOptions::default() };
            let shown = |document: Result<Document>| match document {
                Ok(Document { gold: Some(gold), text, .. }) => {
                    let one =
                        |a: &Annotation| format!("{} {}", a.span.slice(&text).unwrap(), a.label);
                    gold.iter().map(one).collect::<Vec<_>>().join(", ")
                }
                Ok(_) => "none".to_owned(),
                Err(error) => error.to_string(),
            };
            let all = read(&FORMAT, file.as_bytes(), &options).into_iter();
            all.map(shown).collect::<Vec<_>>()
        };
        let file = "# a\n1\tNew\tB-LOC\tO\n2\tYork\tI-LOC\tO\n\n1\tIt\tO\tB-X\n";
        assert_eq!(gold(file, Some(3)), ["New York LOC", ""]);
        assert_eq!(gold(file, None), ["", "It X"]);
        assert_eq!(
            gold("It O\nis VBZ\n\nIt\nis\n\nin B-X\n", None),
            [
                "in:2: column 2: expected a tag such as O or B-PER, got 'VBZ'",
                "in:4: expected a tag in column 2, got 1 columns",
                "in X",
            ]
        );
        assert_eq!(gold("It O\n", Some(5)), ["in:1: expected a tag in column 5, got 2 columns"]);
        assert_eq!(parse("New\tB-LOC\n")[0].gold, None);
    }

    #[test]
    fn columns_may_be_parted_by_anything() {
        for (separator, file) in [
            (',', "New,B-LOC\nYork,I-LOC\n"),
            ('|', "New|NNP|B-LOC\nYork|NNP|I-LOC\n"),
            (' ', "New B-LOC\nYork  I-LOC\n"),
            ('\t', "New\tB-LOC\nYork\tI-LOC\n"),
        ] {
            let options = ReadOptions {
                separator: Some(separator),
                gold: Some(GoldOptions::default()),
                ..ReadOptions::default()
            };
            let document = read(&FORMAT, file.as_bytes(), &options).remove(0).unwrap();
            let gold = document.gold.unwrap();
            assert_eq!((document.text.as_str(), gold.len()), ("New York", 1), "{file}");
            assert_eq!((gold[0].span, gold[0].label.as_str()), (Span::new(0, 8), "LOC"));
        }
    }

    #[test]
    fn gold_may_be_optional_but_not_in_half_of_a_file() {
        let gold = Some(GoldOptions { is_optional: true, ..GoldOptions::default() });
        let options = ReadOptions { gold, ..ReadOptions::default() };
        let shown = |file: &str| {
            let all = read(&FORMAT, file.as_bytes(), &options).into_iter();
            let one = |d: Result<Document>| match d {
                Ok(document) => format!("{:?}", document.gold.map(|gold| gold.len())),
                Err(error) => error.to_string(),
            };
            all.map(one).collect::<Vec<_>>()
        };
        assert_eq!(shown("It\nis\n\nso\n"), ["None", "None"]);
        assert_eq!(shown("It PRP\nis VBZ\n\nso\n"), ["None", "None"]);
        let expected = "in:4: expected a tag in column 2, got 1 columns";
        assert_eq!(shown("It O\nis B-X\n\nso\n"), ["Some(1)", expected]);
        let expected = "in:2: column 2: expected a tag such as O or B-PER, got 'x'";
        assert_eq!(shown("It B-X\nis x\n"), [expected]);
    }

    #[test]
    fn several_labels_of_one_token_are_refused_and_labels_of_outside_are_none() {
        let gold = Some(GoldOptions::default());
        let options = ReadOptions { gold, ..ReadOptions::default() };
        let all = read(&FORMAT, b"It\tO\n\nA\tB-X,B-Y\n\nB\tB-O\nC\tB-a,b\n", &options);
        let error = all[1].as_ref().unwrap_err().to_string();
        assert_eq!(error, "in:3: column 2: expected one label a token, got several: 'B-X,B-Y'");
        let gold = all[2].as_ref().unwrap().gold.as_ref().unwrap();
        assert_eq!((gold.len(), gold[0].label.as_str()), (1, "a,b"));
    }

    #[test]
    fn a_bad_line_spoils_its_sentence_only() {
        let all = read(&FORMAT, b"a\tO\n\nb\tO\n\xff\tO\nc\tO\n\nd\tO\n", &ReadOptions::default());
        let shown = all.iter().map(|d| match d {
            Ok(document) => document.text.clone(),
            Err(error) => error.to_string(),
        });
        let shown: Vec<_> = shown.collect();
        assert_eq!(shown, ["a", "in:4:1: invalid UTF-8 at byte 9 of the input", "d"]);
    }

    #[test]
    fn an_endless_bad_sentence_does_not_hang() {
        let bad = b"\xff\n".repeat(101);
        let endless = std::io::Read::chain(std::io::Cursor::new(bad), Endless::of("word\tO\n"));
        let input = Input::new("endless", std::io::BufReader::new(endless));
        let options = ReadOptions { max_document_bytes: 100, ..ReadOptions::default() };
        let all: Vec<_> = (FORMAT.read)(input, &options).take(3).map(|d| d.is_ok()).collect();
        assert_eq!(all, [false, true, true]);
    }

    #[test]
    fn endless_sentences_and_blank_lines_are_cut() {
        let options = ReadOptions { max_document_bytes: 100, ..ReadOptions::default() };
        for text in ["word\tO\n", "\n", "# comment\n", "word\tO\n\n"] {
            let input = Input::new("endless", std::io::BufReader::new(Endless::of(text)));
            for document in (FORMAT.read)(input, &options).take(1000) {
                let document = document.unwrap();
                let comments: usize = document.comments.iter().map(|c| c.len() + 1).sum();
                assert!(document.text.len() + comments <= 110);
            }
        }
    }
}
