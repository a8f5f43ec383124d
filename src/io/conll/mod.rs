//! CoNLL: one token a line in columns, a blank line after each sentence. This file knows the columns;
//! its children read and write.
//!
//! What the field writes under this name differs; all of these are read: CoNLL-2003 (columns parted
//! by spaces, `-DOCSTART-`), WNUT-17 (two columns parted by a tab, a lone tab between sentences), and
//! CoNLL-U and its kin (a token number first, `# sent_id = …` before).

mod read;
mod write;

use super::tokens::of_tags;
use super::{Documents, Format, options};
use crate::resource::OptionDoc;
use crate::span::scheme::LetterPlace;
use crate::span::{Label, Span};
use crate::text::{Document, Token};

/// The format `conll`.
pub const FORMAT: Format = Format {
    name: "conll",
    doc: "One token a line, a blank line after each sentence; columns are kept and the tag found is \
          added as the last.",
    suffixes: &["conll", "iob", "iob2", "bio", "conllu"],
    extension: "conll",
    marking: super::Marking::TokenTags,
    companion: None,
    recognises: super::nothing,
    options: &[
        OptionDoc {
            name: "token-column",
            value: "number, found",
            doc: "Read: the column of the tokens, from 1; found: the second where the first counts \
                  1, 2, 3, …, else the first.",
        },
        OptionDoc {
            name: "separator",
            value: "tab | space | comma | a character, found",
            doc: "Read: what parts the columns, which are then written parted by tabs; found: tabs where \
                  a line has one, else white space.",
        },
        OptionDoc {
            name: "tag-column",
            value: "number, found",
            doc: "Read: the column of the tags of gold, from 1; found: the last that holds nothing but tags.",
        },
        OptionDoc {
            name: "tag-suffix",
            value: "yes | no, no",
            doc: "Read: whether the letter of a tag is at its end (`PER-B`).",
        },
        options::SCHEME,
        OptionDoc {
            name: "max-document-bytes",
            value: "number, 4194304",
            doc: "Read: a longer sentence is cut in two.",
        },
        options::MAX_LINE_BYTES,
    ],
    read: |input, options| Box::new(read::Reader::new(input, options)) as Documents,
    write: Some(|output, options| Box::new(write::Writer::new(output, options))),
};

/// The field of a document whose sentence goes on in the next one, because it was cut.
const CONTINUES: &str = "continues";

/// The columns of a line: parted by tabs where it has one, else by (ASCII) white space.
pub fn columns(line: &str) -> Vec<&str> {
    if line.contains('\t') {
        line.split('\t').collect()
    } else {
        line.split_ascii_whitespace().collect()
    }
}

/// The column of this number, from 1, of a line.
fn column(line: &str, number: usize) -> Option<&str> {
    let skipped = number.checked_sub(1)?;
    if line.contains('\t') {
        line.split('\t').nth(skipped)
    } else {
        line.split_ascii_whitespace().nth(skipped)
    }
}

/// Whether a line of a file that numbers its tokens is none: several words written as one (`3-4`), or
/// a word that is not written (`5.1`).
fn is_extra(line: &str) -> bool {
    let id = column(line, 1).unwrap_or("");
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    id.split_once(['-', '.']).is_some_and(|(a, b)| number(a) && number(b))
}

/// The lines of a token, each with whether it is the token's own: to a token of a file that numbers
/// its tokens, lines beside it that are none are joined by `\n`.
fn lines(token: &Token) -> impl Iterator<Item = (&str, bool)> {
    let several = token.line.contains('\n');
    token.line.split('\n').map(move |line| (line, !several || !is_extra(line)))
}

/// The columns of each token's own line.
fn rows(tokens: &[Token]) -> Vec<Vec<&str>> {
    let own = |token| lines(token).find(|(_, own)| *own).map_or(vec![], |(line, _)| columns(line));
    tokens.iter().map(own).collect()
}

/// The last column after the first that holds nothing but tags, from 0.
fn tag_column(rows: &[Vec<&str>], letter: LetterPlace) -> Option<usize> {
    let width = rows.iter().map(Vec::len).min().unwrap_or(0);
    (1..width).rev().find(|&column| rows.iter().all(|row| letter.is_tag(row[column])))
}

/// Whether a text that is not known to be CoNLL begins as if it were: with a comment or a row that has a tag.
pub(super) fn begins_tagged(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty());
    first.is_some_and(|line| {
        read::is_comment(line) || tag_column(&[columns(line)], LetterPlace::First).is_some()
    })
}

/// Whether a text is CoNLL with tags beyond doubt: all its lines are blank, comments or rows; the two rows
/// or more are equally wide and have one column of nothing but tags, one of them `O`; and it begins with
/// `-DOCSTART-`, or tabs or three columns say that the rows are none of prose.
pub(super) fn is_tagged(text: &str) -> bool {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let rows: Vec<Vec<&str>> =
        lines().filter(|line| !read::is_comment(line)).map(columns).collect();
    let Some(column) = tag_column(&rows, LetterPlace::First).filter(|_| rows.len() > 1) else {
        return false;
    };
    let width = rows[0].len();
    let is_whole_tag = |tag: &str| tag == "O" || tag.len() > 2;
    rows.iter().all(|row| row.len() == width && is_whole_tag(row[column]))
        && rows.iter().any(|row| row[column] == "O")
        && (width > 2
            || lines().next().is_some_and(|line| line.starts_with("-DOCSTART-"))
            || lines().all(|line| read::is_comment(line) || line.contains('\t')))
}

/// The entities that the tags of a column of the input mark, by
/// [`decode`](crate::span::scheme::decode); a tag `B-O` is outside. `column` counts from 1;
/// `None` is the last column after the first that holds nothing but tags, which have their letter at
/// `letter`.
///
/// Empty where the document has no tokens or no such column.
pub fn gold(document: &Document, column: Option<usize>, letter: LetterPlace) -> Vec<(Span, Label)> {
    let tokens = document.tokens.as_deref().unwrap_or(&[]);
    let Some(tags) = tags(document, column, letter) else { return Vec::new() };
    of_tags(&tags, letter, tokens)
}

/// The tags of a column of the input, one a token. `column` counts from 1; `None` is the last column
/// after the first that holds nothing but tags, which have their letter at `letter`. `None` where the
/// document has no tokens or no such column.
pub fn tags(document: &Document, column: Option<usize>, letter: LetterPlace) -> Option<Vec<&str>> {
    let rows = rows(document.tokens.as_deref()?);
    let width = rows.iter().map(Vec::len).min().unwrap_or(0);
    let column = match column {
        Some(column) => (1..=width).contains(&column).then(|| column - 1),
        None => tag_column(&rows, letter),
    }?;
    Some(rows.iter().map(|row| row[column]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::read;
    use crate::io::{GoldOptions, ReadOptions};

    fn gold_of(file: &str) -> Vec<String> {
        read(&FORMAT, file.as_bytes(), &ReadOptions::default())
            .into_iter()
            .map(Result::unwrap)
            .flat_map(|d| {
                let entities = gold(&d, None, LetterPlace::First).into_iter();
                let shown =
                    move |(s, l): (Span, Label)| format!("{} {l}", s.slice(&d.text).unwrap());
                entities.map(shown).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn tags_of_every_scheme_and_column_are_read() {
        let expected = ["New York LOC", "Ann PER"];
        let files = [
            "New\tB-LOC\nYork\tI-LOC\nAnn\tB-PER\nO\tO\n",
            "New NNP B-NP B-LOC\nYork NNP I-NP I-LOC\nAnn NNP B-NP B-PER\n",
            "New\tB-LOC\nYork\tE-LOC\n\nAnn\tS-PER\n",
            "New\tB-LOC\nYork\tL-LOC\n\nAnn\tU-PER\n",
            "1\tNew\tI-LOC\t-\t-\n2\tYork\tI-LOC\t-\tbob\n3\tAnn\tI-PER\t-\t-\n",
        ];
        for file in files {
            assert_eq!(gold_of(file), expected, "{file}");
        }
        assert!(gold_of("New NNP\nYork NNP\n").is_empty());
    }

    #[test]
    fn tags_may_have_their_letter_at_the_end() {
        let letter = LetterPlace::Last;
        let options = GoldOptions { letter, ..GoldOptions::default() };
        let options = ReadOptions { gold: Some(options), ..ReadOptions::default() };
        let file = "New AI LOC-B\nYork NN LOC-I\nis VB O\nAnn NN PER-S\nor OR O-B\n";
        let document = read(&FORMAT, file.as_bytes(), &options).pop().unwrap().unwrap();
        assert_eq!(tags(&document, None, letter).unwrap()[..2], ["LOC-B", "LOC-I"]);
        let gold = document.gold.as_ref().unwrap().iter();
        let shown = gold.map(|one| (one.span.slice(&document.text).unwrap(), one.label.as_str()));
        assert_eq!(shown.collect::<Vec<_>>(), [("New York", "LOC"), ("Ann", "PER")]);
        let wrong = read(&FORMAT, "New B-LOC\nis O\n".as_bytes(), &options).pop().unwrap();
        let error = wrong.unwrap_err().to_string();
        assert!(error.contains("expected a tag such as O or PER-B, got 'B-LOC'"), "{error}");
    }

    #[test]
    fn a_column_that_is_not_there_gives_nothing() {
        let document = Document::from_words("d", ["New", "York"]);
        for column in [Some(0), Some(7), None] {
            assert!(gold(&document, column, LetterPlace::First).is_empty());
        }
        assert!(gold(&Document::new("d", "x"), None, LetterPlace::First).is_empty());
    }
}
