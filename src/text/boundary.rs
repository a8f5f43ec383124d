//! Where a match may begin and end: between characters that do not belong to one word. It knows
//! single positions, not what a sentence or a name is (that is `segment`'s work).

use unicode_normalization::char::is_combining_mark;

/// Whether a match may begin or end at the byte `at` of `text`, which is on a char boundary.
///
/// There is no boundary between two letters, digits or marks, but for the scripts that are written
/// without spaces; `_`, `#` and `@` are none of them. A mark never parts from what it stands on.
pub(crate) fn is_boundary(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    if let (Some(before), Some(after)) =
        (at.checked_sub(1).and_then(|i| bytes.get(i)), bytes.get(at))
        && before.is_ascii()
        && after.is_ascii()
    {
        return !(before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric());
    }
    let before = text.get(..at).and_then(|t| t.chars().next_back());
    let after = text.get(at..).and_then(|t| t.chars().next());
    match (before, after) {
        (Some(before), Some(after)) => is_between(before, after),
        _ => true,
    }
}

fn is_between(before: char, after: char) -> bool {
    if is_combining_mark(after) {
        return false;
    }
    !(is_word(before) && is_word(after)) || is_unspaced(before) || is_unspaced(after)
}

/// Letters, digits and the marks on them: what words are made of.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{19e0}'..='\u{19ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FoldOptions, fold};

    fn pieces(text: &str) -> Vec<&str> {
        let mut pieces = Vec::new();
        let mut start = 0;
        for at in (1..=text.len()).filter(|&i| text.is_char_boundary(i)) {
            if is_boundary(text, at) {
                pieces.push(text.get(start..at).unwrap());
                start = at;
            }
        }
        pieces
    }

    #[test]
    fn words_hold_together_and_scripts_without_spaces_do_not() {
        assert_eq!(pieces("#paris_9a's"), ["#", "paris", "_", "9a", "'", "s"]);
        assert_eq!(pieces("мир कि"), ["мир", " ", "कि"]);
        assert_eq!(pieces("東京abcカ\u{3099}"), ["東", "京", "abc", "カ\u{3099}"]);
    }

    #[test]
    fn no_boundary_lies_inside_what_was_one_character() {
        for c in '\0'..=char::MAX {
            let folded = fold(&c.to_string(), FoldOptions::ALL).into_text();
            assert!(pieces(&folded).len() <= 1, "{c:?}");
        }
    }
}
