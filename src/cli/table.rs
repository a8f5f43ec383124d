//! Aligned columns and wrapped paragraphs for terminals, with styles that do not count as width.

use std::fmt::Write;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// How wide listings are at most.
pub(super) const WIDTH: usize = 100;

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

    /// The lines of the table, each after `indent` spaces.
    pub(super) fn render(&self, indent: usize) -> String {
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
                Row::Cells(cells) => push_row(&mut text, cells, &widths),
                Row::Note(note) => text.push_str(note),
            }
            text.push('\n');
        }
        text
    }
}

/// Writes the cells, padded; nothing follows the last that holds something.
fn push_row(text: &mut String, cells: &[Cell], widths: &[usize]) {
    let used = cells.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
    for (number, (cell, width)) in cells.iter().zip(widths).take(used).enumerate() {
        let missing = width.saturating_sub(cell.text.width());
        let (before, after) = if cell.is_right { (missing, 0) } else { (0, missing) };
        text.extend(std::iter::repeat_n(' ', before));
        if !cell.text.is_empty() {
            text.push_str(&styled(&cell.text, cell.style));
        }
        if number + 1 < used {
            text.extend(std::iter::repeat_n(' ', after + 2));
        }
    }
}

/// `text` broken into lines of at most [`WIDTH`] columns, each after `indent` spaces.
pub(super) fn paragraph(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.width() > WIDTH {
            lines.push('\n');
            column = 0;
        }
        if column == 0 {
            lines.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.width();
    }
    lines.push('\n');
    lines
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
