//! Aligned columns and wrapped paragraphs for terminals, with styles that do not count as width.

use std::fmt::Write;

use anstyle::Style;
use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthStr;

/// How wide listings are at most.
pub(super) const WIDTH: usize = 100;

/// The end of a row stands beside the rest where it has so many columns there.
const LEAST: usize = 24;

/// Elsewhere it stands under it, so many columns further right.
const UNDER: usize = 6;

/// The style of headings and names.
pub(super) const STRONG: Style = Style::new().bold();

/// The style of what may be passed over.
pub(super) const FAINT: Style = Style::new().dimmed();

/// A piece of text in one style, without line feeds.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
    is_right: bool,
}

impl Cell {
    /// A cell that holds nothing.
    pub(super) const EMPTY: Cell =
        Cell { text: String::new(), style: Style::new(), is_right: false };

    /// A cell of a text and a style.
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, is_right: false }
    }

    /// A cell that stands at the right of its column, as numbers do.
    pub(super) fn right(text: impl Into<String>, style: Style) -> Self {
        Self { is_right: true, ..Self::new(text, style) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Style::new())
    }
}

/// `text` in `style`.
pub(super) fn styled(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// Rows of cells, and lines between them that stand for themselves.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<Cell>),
    Note(String),
}

impl Table {
    /// A table with a heading over each column.
    pub(super) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let mut table = Self::default();
        table.row(headings.map(|heading| Cell::new(heading, FAINT)));
        table
    }

    /// Adds a row; the last cell of a row takes what room it needs.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row::Cells(cells.into_iter().collect()));
    }

    /// Adds a line under the last row.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.rows.push(Row::Note(note.into()));
    }

    /// The lines of the table, each after `indent` spaces. On a terminal, what is too long for it at the end of a row goes on
    /// under it.
    pub(super) fn render(&self, indent: usize) -> String {
        self.within(terminal_width().unwrap_or(usize::MAX), indent)
    }

    fn within(&self, width: usize, indent: usize) -> String {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            let (_, padded) = cells.split_last().unwrap_or((&Cell::EMPTY, &[]));
            for (width, cell) in widths.iter_mut().zip(padded) {
                *width = (*width).max(cell.text.width());
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            write!(text, "{:indent$}", "").expect("a string takes everything");
            match row {
                Row::Cells(cells) => push_row(&mut text, cells, &widths, (width, indent)),
                Row::Note(note) => text.push_str(note),
            }
            text.push('\n');
        }
        text
    }
}

/// Writes the cells, padded; nothing follows the last that holds something, which is broken into lines where a row of
/// `width` columns has no room for it.
fn push_row(text: &mut String, cells: &[Cell], widths: &[usize], (width, indent): (usize, usize)) {
    let mut start = indent;
    let used = cells.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
    for (number, (cell, column)) in cells.iter().zip(widths).take(used).enumerate() {
        let missing = column.saturating_sub(cell.text.width());
        let (before, after) = if cell.is_right { (missing, 0) } else { (0, missing) };
        let spaces = |count| std::iter::repeat_n(' ', count);
        let is_last = number + 1 == used;
        if is_last && !cell.is_right && start.saturating_add(cell.text.width()) > width {
            let is_beside = width.saturating_sub(start) >= LEAST;
            let place = if is_beside { start } else { indent + UNDER };
            for (line, part) in wrapped(&cell.text, width.saturating_sub(place)).iter().enumerate()
            {
                if line > 0 || !is_beside {
                    text.truncate(text.trim_end_matches(' ').len());
                    text.push('\n');
                    text.extend(spaces(place));
                }
                text.push_str(&styled(part, cell.style));
            }
            return;
        }
        text.extend(spaces(before));
        if !cell.text.is_empty() {
            text.push_str(&styled(&cell.text, cell.style));
        }
        if !is_last {
            text.extend(spaces(after + 2));
        }
        start += column + 2;
    }
}

/// The columns that standard output has, where it is a terminal.
fn terminal_width() -> Option<usize> {
    let (Width(columns), _) = terminal_size_of(std::io::stdout())?;
    Some(columns.into())
}

/// `text` broken between words into lines of at most `width` columns, where its words are no longer than that.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `text` broken into lines of at most [`WIDTH`] columns, or those of a narrower terminal, each after `indent` spaces.
pub(super) fn paragraph(text: &str, indent: usize) -> String {
    let width = terminal_width().map_or(WIDTH, |columns| columns.min(WIDTH));
    let lines = wrapped(text, width.saturating_sub(indent));
    let indented = lines.iter().map(|line| format!("{:indent$}{line}", ""));
    format!("{}\n", indented.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_whatever_their_width_and_style() {
        let mut table = Table::new(["name", "why"]);
        table.row([Cell::new("東京", STRONG), "long enough to stick out".into()]);
        table.note("  note");
        table.row(["ab".into(), Cell::default()]);
        let plain = anstream::adapter::strip_str(&table.render(1)).to_string();
        assert_eq!(plain, " name  why\n 東京  long enough to stick out\n   note\n ab\n");
    }

    #[test]
    fn what_is_too_long_for_a_terminal_goes_on_under_it() {
        let mut table = Table::new(["name", "why"]);
        table.row([Cell::new("ab", STRONG), "one two three four five six seven".into()]);
        table.row(["a name of many words".into(), "short".into()]);
        let plain = |width| anstream::adapter::strip_str(&table.within(width, 2)).to_string();
        let start = " ".repeat(24);
        assert_eq!(
            plain(50),
            format!(
                "  name{:18}why\n  ab{:20}one two three four five\n{start}six seven\n  a name of many words  short\n",
                "", ""
            )
        );
        assert_eq!(
            plain(30),
            format!(
                "  name{:18}why\n  ab\n        one two three four\n        five six seven\n  a name of many words  short\n",
                ""
            )
        );
    }

    #[test]
    fn numbers_stand_at_the_right() {
        let mut table = Table::default();
        for (name, count, last) in [("a", "1", "7"), ("b", "100", ""), ("c", "", "x")] {
            let count = Cell::right(count, Style::new());
            table.row([name.into(), count, last.into()]);
        }
        let plain = anstream::adapter::strip_str(&table.render(0)).to_string();
        assert_eq!(plain, "a    1  7\nb  100\nc       x\n");
    }

    #[test]
    fn paragraphs_are_wrapped_and_indented() {
        let text = paragraph(&"word ".repeat(40), 4);
        assert!(text.lines().all(|line| line.starts_with("    word") && line.len() <= WIDTH));
        assert_eq!(text.matches("word").count(), 40);
    }
}
