//! Rows of text that is no prose: tables, forms, lists. No name goes on from one row to the next, while
//! in prose one may go on over a line break.

/// The most characters of the name of a field, before its colon.
const LONGEST_FIELD: usize = 24;

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Cells with a tab or a bar between them, or an item of a list: `- `, `3. `.
    Row,
    /// A field of a form: `Name: `. Prose may begin so, too.
    Field,
    Other,
}

/// The bytes of the line breaks that part rows, in order: those beside a row of a table or an item of a
/// list, and those between two fields of a form.
pub fn row_breaks(text: &str) -> Vec<usize> {
    let mut breaks = Vec::new();
    let mut end = 0;
    let mut before = Line::Other;
    for line in text.split('\n') {
        let kind = kind(line.trim());
        let parts =
            matches!((before, kind), (Line::Row, _) | (_, Line::Row) | (Line::Field, Line::Field));
        // The break before this line is the last byte so far; there is none before the first.
        if parts && end > 0 {
            breaks.push(end - 1);
        }
        end += line.len() + 1;
        before = kind;
    }
    breaks
}

fn kind(line: &str) -> Line {
    if line.contains(['\t', '|']) || is_item(line) {
        Line::Row
    } else if is_field(line) {
        Line::Field
    } else {
        Line::Other
    }
}

/// Whether a line begins with a bullet or a number, and white space.
fn is_item(line: &str) -> bool {
    let Some((mark, _)) = line.split_once(char::is_whitespace) else { return false };
    let is_number = || {
        let digits = mark.trim_end_matches(['.', ')']);
        digits.len() < mark.len() && digits.len() < 4 && digits.bytes().all(|b| b.is_ascii_digit())
    };
    matches!(mark, "-" | "*" | "+" | "•" | "–") || is_number()
}

/// Whether a line begins with at most three words and a colon.
fn is_field(line: &str) -> bool {
    let Some((name, rest)) = line.split_once(':') else { return false };
    (rest.is_empty() || rest.starts_with(char::is_whitespace))
        && name.chars().count() <= LONGEST_FIELD
        && name.starts_with(char::is_alphabetic)
        && name.split_whitespace().count() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `/` for the line breaks that part rows.
    fn marked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for at in row_breaks(text) {
            assert_eq!(bytes[at], b'\n');
            bytes[at] = b'/';
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn rows_are_parted_and_prose_is_not() {
        assert_eq!(
            marked("Chair: Mrs. May\nMinutes: Mr. Park"),
            "Chair: Mrs. May/Minutes: Mr. Park"
        );
        assert_eq!(marked("Turkey | Ankara\nChad | N'Djamena"), "Turkey | Ankara/Chad | N'Djamena");
        assert_eq!(marked("Shopping\n- turkey\n\n2. New\tYork"), "Shopping/- turkey//2. New\tYork");
        assert_eq!(
            marked("He flew to New\nYork: he was late"),
            "He flew to New\nYork: he was late"
        );
        assert_eq!(
            marked("He flew to New\nYork in May.\r\nIt was"),
            "He flew to New\nYork in May.\r\nIt was"
        );
        assert_eq!(marked("\n\nParis\n"), "\n\nParis\n");
    }
}
