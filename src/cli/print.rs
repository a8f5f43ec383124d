//! Writing to standard output; colours are dropped where it is no terminal or `NO_COLOR` is set.

use std::io::Write;

use crate::error::{Error, Result};

/// Writes `text`, which may hold ANSI styles, to standard output.
///
/// # Errors
/// Where that fails; see [`super::report::is_broken_pipe`].
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::io("write", "standard output", error))
}

/// `text` as one that a terminal shows and does not obey: control characters but line feeds and tabs
/// become their pictures (U+2400…).
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{7f}' => '\u{2421}',
            c if c.is_ascii_control() => {
                char::from_u32(0x2400 + u32::from(c)).expect("every control has a picture")
            }
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// `text` on one line: [`visible`], and white space of any length is one space.
pub(super) fn on_one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The first `limit` characters of `text`, with `…` after them where there are more.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number to four decimals, as in all our outputs.
pub(super) fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_cannot_command_the_terminal() {
        assert_eq!(visible("a\u{1b}[31m\0b\r\n\u{9b}c\u{7f}"), "a␛[31m␀b␍\n\u{fffd}c␡");
        assert_eq!(on_one_line(" New\n\tYork\u{7} "), "New York␇");
    }
}
