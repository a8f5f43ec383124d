//! Words as GLiNER's library cuts them out of running text, by the pattern `\w+(?:[-_]\w+)*|\S` of Python.

use unicode_normalization::char::is_combining_mark;

use crate::text::Span;

/// The words of `text`: runs of letters, digits and underscores, joined by single hyphens; any other character
/// that is no white space is a word of its own.
pub(super) fn words(text: &str) -> Vec<Span> {
    let mut words: Vec<Span> = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        let mut end = start + character.len_utf8();
        if is_of_word(character) {
            while let Some((at, next)) = characters.peek().copied() {
                let rest = text.get(at + next.len_utf8()..).unwrap_or("");
                let joins = next == '-' && rest.starts_with(is_of_word);
                if !joins && !is_of_word(next) {
                    break;
                }
                end = at + next.len_utf8();
                characters.next();
            }
        } else if is_space(character) {
            continue;
        }
        words.push(Span::new(start, end));
    }
    words
}

/// Whether Python's `\w` matches: a letter, a number or the underscore. Marks are neither, and signs like ⓐ
/// are no letters although Unicode counts them as alphabetic.
fn is_of_word(character: char) -> bool {
    let is_sign = matches!(
        character,
        '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f149}' | '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}'
    );
    character == '_' || (character.is_alphanumeric() && !is_combining_mark(character) && !is_sign)
}

/// Whether Python's `\s` matches: white space, and the four separators among the control characters.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|word| word.slice(text).unwrap()).collect()
    }

    /// As `re.findall(r"\w+(?:[-_]\w+)*|\S", text)` cuts them.
    #[test]
    fn words_are_cut_as_the_pattern_cuts_them() {
        let cases: &[(&str, &[&str])] = &[
            ("Smith-Jones, e-mail", &["Smith-Jones", ",", "e-mail"]),
            ("a--b -c d- _e_-f", &["a", "-", "-", "b", "-", "c", "d", "-", "_e_-f"]),
            ("U.S. $1,000", &["U", ".", "S", ".", "$", "1", ",", "000"]),
            ("Zoe\u{308} ½Ⅳ ⓐ №5", &["Zoe", "\u{308}", "½Ⅳ", "ⓐ", "№", "5"]),
            ("दिल्ली", &["द", "\u{93f}", "ल", "\u{94d}", "ल", "\u{940}"]),
            ("a\u{1f}b\u{200b}c\u{85}d\u{3000}e", &["a", "b", "\u{200b}", "c", "d", "e"]),
            ("  \n", &[]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(cut(text), *expected, "{text:?}");
        }
    }
}
