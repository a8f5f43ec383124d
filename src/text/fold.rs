//! Folding that keeps its alignment: a copy of a text in which case, accents, width, apostrophes,
//! hyphens and white space no longer differ, and the way from any part of it back to the original.
//! It knows nothing of words or names.

mod character;

use std::ops::Range;

use self::character::{
    ASCII_OF_ALL, alphabets, ascii_table, fold_character, is_ideograph, is_without_width,
};
use super::Span;

/// Which differences a fold removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldOptions {
    /// Letters become lower case by Unicode's full mapping, one character at a time: `İ` becomes
    /// `i` (with a dot above, which `accents` drops), `ß` and `ẞ` become `ss`, a final `ς` becomes
    /// `σ`.
    pub case: bool,
    /// Characters are decomposed (NFD) and the combining marks of Latin, Greek and Cyrillic are
    /// dropped; `ł ø đ ð ħ ŧ ı` become their plain letters, `æ œ þ` become `ae oe th`. The vowel
    /// signs of other scripts stay.
    pub accents: bool,
    /// Full-width and half-width forms (U+FF00 to U+FFEF) become the ordinary ones.
    pub width: bool,
    /// `’ ‘ ‛ ʼ ʻ ′ ＇ ` and the backtick and acute accent become `'`; `“ ” „ ‟` become `"`.
    pub apostrophes: bool,
    /// All hyphens, dashes and the minus sign become `-`.
    pub hyphens: bool,
    /// A run of white space, line breaks included, becomes one space; soft hyphens and characters
    /// without width are dropped.
    pub white_space: bool,
}

impl FoldOptions {
    /// Removes every difference.
    pub const ALL: Self = Self {
        case: true,
        accents: true,
        width: true,
        apostrophes: true,
        hyphens: true,
        white_space: true,
    };

    /// Removes every difference but that of case.
    pub const CASED: Self = Self { case: false, ..Self::ALL };
}

impl Default for FoldOptions {
    fn default() -> Self {
        Self::ALL
    }
}

/// A folded copy of a text that remembers where each of its characters came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    text: String,
    pieces: Vec<Piece>,
}

/// A stretch of the folded text, up to the next piece, and the original bytes it stands for.
///
/// What was dropped between two characters lies between pieces, or inside one when it belongs to
/// the character before it (a combining mark).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    folded: usize,
    original: usize,
    /// The original end where the piece stands for its original only as a whole; `None` where its
    /// characters correspond one to one, each of the same length in both texts.
    whole: Option<usize>,
}

impl Folded {
    /// The folded text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The folded text, without its alignment.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The original characters that the bytes `range` of the folded text stand for; `None` where
    /// the range is empty, lies outside the folded text or cuts a character of it.
    ///
    /// The span covers whole original characters: half of an `ss` that was `ß` gives the `ß`.
    pub fn span(&self, range: Range<usize>) -> Option<Span> {
        if self.text.get(range.clone())?.is_empty() {
            return None;
        }
        let first = self.piece_at(range.start)?;
        let start = match first.whole {
            Some(_) => first.original,
            None => first.original + (range.start - first.folded),
        };
        let last = self.piece_at(range.end - 1)?;
        let end = match last.whole {
            Some(end) => end,
            None => last.original + (range.end - last.folded),
        };
        Some(Span::new(start, end))
    }

    fn piece_at(&self, folded: usize) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.folded <= folded);
        self.pieces.get(after.checked_sub(1)?)
    }
}

/// The copy of `text` without the differences that `options` names.
///
/// Folding a folded text changes nothing, and a character folds the same way in every context.
pub fn fold(text: &str, options: FoldOptions) -> Folded {
    let mut folder = Folder { out: Vec::with_capacity(text.len()), pieces: Vec::new(), options };
    let is_all = options == FoldOptions::ALL;
    let table = if is_all { ASCII_OF_ALL } else { ascii_table(options) };
    let alphabets = if is_all { alphabets() } else { &[] };
    let mut position = 0;
    while position < text.len() {
        position = folder.ascii(text, position, &table);
        let rest = text.get(position..).unwrap_or("");
        for c in rest.chars().take_while(|c| !c.is_ascii()) {
            match alphabets.get(c as usize) {
                Some(Some(folded)) => folder.single(c, *folded, position),
                _ if is_ideograph(c) => folder.single(c, c, position),
                _ => folder.character(c, position),
            }
            position += c.len_utf8();
        }
    }
    let text = String::from_utf8(folder.out).expect("only whole characters were written");
    Folded { text, pieces: folder.pieces }
}

struct Folder {
    out: Vec<u8>,
    pieces: Vec<Piece>,
    options: FoldOptions,
}

impl Folder {
    /// Folds the ASCII characters from `position` on; gives the position after them.
    fn ascii(&mut self, text: &str, position: usize, table: &[u8; 128]) -> usize {
        let bytes = text.as_bytes();
        let collapse = self.options.white_space;
        let mut after_space = collapse && self.out.last() == Some(&b' ');
        let mut begun = false;
        for (i, &byte) in bytes.iter().enumerate().skip(position) {
            let Some(&folded) = table.get(usize::from(byte)) else { return i };
            let space = collapse && folded == b' ';
            if space && after_space {
                self.extend_last(i + 1);
                begun = false;
                continue;
            }
            if !begun {
                self.one_to_one(i);
                begun = true;
            }
            self.out.push(folded);
            after_space = space;
        }
        bytes.len()
    }

    /// Writes what one character at `position` becomes.
    fn single(&mut self, c: char, folded: char, position: usize) {
        let before = self.out.len();
        self.out.extend_from_slice(folded.encode_utf8(&mut [0; 4]).as_bytes());
        if self.out.len() - before == c.len_utf8() {
            self.one_to_one_at(before, position);
        } else {
            let whole = Some(position + c.len_utf8());
            self.pieces.push(Piece { folded: before, original: position, whole });
        }
    }

    /// Folds one character that is not ASCII and stands at `position`.
    fn character(&mut self, c: char, position: usize) {
        let end = position + c.len_utf8();
        if self.options.white_space {
            if c.is_whitespace() {
                if self.out.last() == Some(&b' ') {
                    self.extend_last(end);
                } else {
                    self.pieces.push(Piece {
                        folded: self.out.len(),
                        original: position,
                        whole: Some(end),
                    });
                    self.out.push(b' ');
                }
                return;
            }
            if is_without_width(c) {
                return;
            }
        }
        let before = self.out.len();
        let out = &mut self.out;
        let mut count = 0;
        fold_character(c, self.options, &mut |folded| {
            count += 1;
            out.extend_from_slice(folded.encode_utf8(&mut [0; 4]).as_bytes());
        });
        match count {
            0 => self.extend_last(end),
            1 if self.out.len() - before == c.len_utf8() => {
                self.one_to_one_at(before, position);
            }
            _ => self.pieces.push(Piece { folded: before, original: position, whole: Some(end) }),
        }
    }

    /// What is written next stands for the characters from `original` on, one to one.
    fn one_to_one(&mut self, original: usize) {
        self.one_to_one_at(self.out.len(), original);
    }

    fn one_to_one_at(&mut self, folded: usize, original: usize) {
        let continues = self.pieces.last().is_some_and(|last| {
            last.whole.is_none() && last.original + (folded - last.folded) == original
        });
        if !continues {
            self.pieces.push(Piece { folded, original, whole: None });
        }
    }

    /// The last folded character stands for everything up to the original byte `end`.
    fn extend_last(&mut self, end: usize) {
        let Some(last) = self.pieces.last_mut() else { return };
        if last.whole.is_some() {
            last.whole = Some(end);
            return;
        }
        let is_start = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
        let start = self.out.iter().rposition(is_start).expect("a piece holds a character");
        let original = last.original + (start - last.folded);
        if last.folded == start {
            last.whole = Some(end);
        } else {
            self.pieces.push(Piece { folded: start, original, whole: Some(end) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(text: &str) -> String {
        fold(text, FoldOptions::ALL).into_text()
    }

    #[test]
    fn each_difference_is_removed() {
        let cases = [
            ("São PAULO", "sao paulo"),
            ("Cafe\u{301}", "cafe"),
            ("İstanbul DİYARBAKIR Iğdır", "istanbul diyarbakir igdir"),
            ("Straße STRASSE GROẞ", "strasse strasse gross"),
            ("Łódź Ærø Đà Nẵng Œuvre", "lodz aero da nang oeuvre"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("Ｔｏｋｙｏ　１", "tokyo 1"),
            ("ｶﾞ", "カ\u{3099}"),
            ("ガ", "カ\u{3099}"),
            (
                "O’Neil O‘Neil OʼNeil O＇Neil O`Neil O´Neil",
                "o'neil o'neil o'neil o'neil o'neil o'neil",
            ),
            ("a‐b‑c–d—e−f", "a-b-c-d-e-f"),
            ("New\r\n \u{a0}\u{200b}\tYork", "new york"),
            ("Par\u{ad}is\u{200b}", "paris"),
            ("कि", "कि"),
            ("", ""),
            ("\u{301}\u{200b}", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(folded(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_asked_for_stays() {
        let none = FoldOptions {
            case: false,
            accents: false,
            width: false,
            apostrophes: false,
            hyphens: false,
            white_space: false,
        };
        let text = "É  ’—\u{ad}Ａ\u{301}\n";
        assert_eq!(fold(text, none).into_text(), text);
        assert_eq!(fold("Ærø’S  É", FoldOptions::CASED).text(), "AEro'S E");
    }

    #[test]
    fn a_found_range_gives_the_original_text() {
        let cases = [
            ("to New \n York.", "new york", "New \n York"),
            ("a cafe\u{301}!", "cafe", "cafe\u{301}"),
            ("Straße", "stras", "Straß"),
            ("x Par\u{ad}is\u{200b} y", "paris", "Par\u{ad}is"),
            ("in Ærø.", "aero", "Ærø"),
            ("Ｔｏｋｙｏ", "kyo", "ｋｙｏ"),
            ("Москва́", "москва", "Москва́"),
        ];
        for (text, found, expected) in cases {
            let folded = fold(text, FoldOptions::ALL);
            let start = folded.text().find(found).unwrap();
            let span = folded.span(start..start + found.len()).unwrap();
            assert_eq!(span.slice(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn ranges_that_are_none_have_no_span() {
        let folded = fold("aя", FoldOptions::ALL);
        assert_eq!(folded.span(0..0), None);
        assert_eq!(folded.span(0..2), None);
        assert_eq!(folded.span(1..9), None);
        assert_eq!(folded.span(0..3), Some(Span::new(0, 3)));
    }

    #[test]
    fn every_character_folds_once_and_for_all() {
        for c in '\0'..=char::MAX {
            for options in [FoldOptions::ALL, FoldOptions::CASED] {
                let once = fold(&c.to_string(), options).into_text();
                assert_eq!(fold(&once, options).text(), once, "{c:?}");
            }
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let tricky =
            "[a-cA-C ß\u{300}\u{301}İıÆœłé\u{ad}\u{200b}\u{a0}\n\t'’—ｶﾞＡ각가か\u{3099}я]{0,30}";
        prop_oneof![tricky.prop_map(String::from), any::<String>()]
    }

    proptest! {
        #[test]
        fn alignment_goes_there_and_back(text in texts(), a in 0usize..60, b in 0usize..60) {
            let whole = fold(&text, FoldOptions::ALL);
            let edges: Vec<usize> = (0..=whole.text().len())
                .filter(|&i| whole.text().is_char_boundary(i))
                .collect();
            let (a, b) = (edges[a % edges.len()], edges[b % edges.len()]);
            let range = a.min(b)..a.max(b);
            let Some(span) = whole.span(range.clone()) else {
                prop_assert!(range.is_empty());
                return Ok(());
            };
            let slice = span.slice(&text);
            prop_assert!(slice.is_some_and(|s| !s.is_empty()));
            let again = fold(slice.unwrap(), FoldOptions::ALL).into_text();
            let expected = whole.text().get(range).unwrap();
            prop_assert!(again.contains(expected), "{:?} in {:?}", expected, again);
            // Edges that lie inside one original character take in the rest of it: at most the
            // three jamo of a Hangul syllable, less one, at either side.
            prop_assert!(again.chars().count() <= expected.chars().count() + 4);
        }

        #[test]
        fn spans_of_neighbours_are_in_order(text in texts()) {
            let folded = fold(&text, FoldOptions::ALL);
            let mut previous = Span::new(0, 0);
            for (i, c) in folded.text().char_indices() {
                let span = folded.span(i..i + c.len_utf8()).unwrap();
                prop_assert!(span == previous || span.start >= previous.end);
                previous = span;
            }
        }

        #[test]
        fn folding_twice_is_folding_once(text in texts()) {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn plain_text_is_lower_cased_with_single_spaces(text in "[ -_a-~\n]{0,60}") {
            let mut expected = String::new();
            for c in text.to_lowercase().replace('\n', " ").chars() {
                if c != ' ' || !expected.ends_with(' ') {
                    expected.push(c);
                }
            }
            prop_assert_eq!(folded(&text), expected);
        }
    }
}
