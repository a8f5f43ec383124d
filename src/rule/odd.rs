//! The characters beyond ASCII that match ASCII letters where case is ignored: ſ matches s, the
//! Kelvin sign k, ß matches ss, ligatures match their letters. Patterns are read as if there were
//! none; near one of them, the reading proves nothing.

/// The characters whose case folding holds an ASCII letter.
const ODD: [char; 21] = [
    'ß', 'ẞ', 'ſ', '\u{212a}', 'İ', 'ŉ', 'ǰ', 'ẖ', 'ẗ', 'ẘ', 'ẙ', 'ẚ', 'ẛ', 'ﬀ', 'ﬁ', 'ﬂ', 'ﬃ',
    'ﬄ', 'ﬅ', 'ﬆ', 'ı',
];

/// Where in `text` there are such characters, in order.
pub(super) fn places(text: &str) -> Vec<usize> {
    if text.is_ascii() {
        return Vec::new();
    }
    let is_odd = |(place, c): (usize, char)| (!c.is_ascii() && ODD.contains(&c)).then_some(place);
    text.char_indices().filter_map(is_odd).collect()
}

/// Whether there is such a character in `text`.
pub(super) fn is_in(text: &str) -> bool {
    !text.is_ascii() && text.contains(|c: char| !c.is_ascii() && ODD.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use onig::Regex;

    #[test]
    fn no_other_character_matches_ascii_letters() {
        let letters =
            Regex::new("(?i)(?:[a-z]|aʾ|[htwyj]\\W|ʼn|i̇|ss|ff|fi|fl|ffi|ffl|st)").unwrap();
        for c in ('\u{80}'..=char::MAX).filter(|c| !ODD.contains(c)) {
            assert!(letters.find(&c.to_string()).is_none(), "{c} {:x}", c as u32);
        }
    }

    #[test]
    fn they_are_found() {
        assert_eq!(places("a ß é ſ"), [2, 8]);
        assert!(is_in("a ß") && !is_in("a é"));
        assert!(places("abc").is_empty() && places("é").is_empty());
    }
}
