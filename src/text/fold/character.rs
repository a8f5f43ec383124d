//! What single characters fold to. It knows no positions: `fold` keeps the alignment.

use std::sync::OnceLock;

use unicode_normalization::char::{decompose_canonical, decompose_compatible};

use super::FoldOptions;

/// [`ascii_table`] of [`FoldOptions::ALL`].
pub(super) static ASCII_OF_ALL: [u8; 128] = ascii_table(FoldOptions::ALL);

/// What each ASCII byte becomes by itself.
pub(super) const fn ascii_table(options: FoldOptions) -> [u8; 128] {
    let mut table = [0; 128];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'A'..=b'Z' if options.case => byte.to_ascii_lowercase(),
            b'`' if options.apostrophes => b'\'',
            b'\t'..=b'\r' if options.white_space => b' ',
            _ => byte,
        };
        byte += 1;
    }
    table
}

/// The Latin, Greek, Cyrillic and Armenian letters, by number, that [`FoldOptions::ALL`] turns into
/// one character: a table is several times faster than looking them up in Unicode's data.
pub(super) fn alphabets() -> &'static [Option<char>] {
    static TABLE: OnceLock<Vec<Option<char>>> = OnceLock::new();
    TABLE.get_or_init(|| ('\0'..'\u{590}').map(fold_letter).collect())
}

/// What [`FoldOptions::ALL`] turns a letter into, where that is one character.
fn fold_letter(c: char) -> Option<char> {
    let (mut first, mut count) = (None, 0);
    fold_character(c, FoldOptions::ALL, &mut |folded| {
        first.get_or_insert(folded);
        count += 1;
    });
    first.filter(|_| count == 1 && c.is_alphabetic())
}

/// The unified ideographs of the first block, none of which any fold changes.
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}')
}

/// Gives what a character that is neither white space nor without width becomes.
pub(super) fn fold_character(c: char, options: FoldOptions, emit: &mut impl FnMut(char)) {
    match c {
        // Its compatibility decomposition begins with a space, which it is not.
        '\u{ffe3}' if options.width => emit('\u{af}'),
        '\u{ff00}'..='\u{ffef}' if options.width => {
            decompose_compatible(c, |c| fold_case(c, options, emit));
        }
        _ => fold_case(c, options, emit),
    }
}

fn fold_case(c: char, options: FoldOptions, emit: &mut impl FnMut(char)) {
    if !options.case {
        return fold_accents(c, options, emit);
    }
    for c in c.to_lowercase() {
        match c {
            'ß' => {
                emit('s');
                emit('s');
            }
            'ς' => emit('σ'),
            _ => fold_accents(c, options, emit),
        }
    }
}

fn fold_accents(c: char, options: FoldOptions, emit: &mut impl FnMut(char)) {
    if !options.accents {
        return emit(fold_punctuation(c, options));
    }
    decompose_canonical(c, |c| {
        if is_accent(c) {
            return;
        }
        match plain_letters(c) {
            Some(letters) => letters.chars().for_each(&mut *emit),
            None => emit(fold_punctuation(c, options)),
        }
    });
}

fn fold_punctuation(c: char, options: FoldOptions) -> char {
    match c {
        '’' | '‘' | '‛' | 'ʼ' | 'ʻ' | '′' | '＇' | '`' | '´' if options.apostrophes => {
            '\''
        }
        '“' | '”' | '„' | '‟' if options.apostrophes => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
            if options.hyphens =>
        {
            '-'
        }
        _ => c,
    }
}

/// Letters with a stroke or joined letters, which have no canonical decomposition.
fn plain_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ł' => "l",
        'Ł' => "L",
        'ø' => "o",
        'Ø' => "O",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'ħ' => "h",
        'Ħ' => "H",
        'ŧ' => "t",
        'Ŧ' => "T",
        'ı' => "i",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'þ' => "th",
        'Þ' => "TH",
        _ => return None,
    })
}

/// Combining marks that are accents; those that spell (Indic vowels, kana voicing) are not.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Soft hyphen, zero-width characters, direction marks and variation selectors.
pub(super) fn is_without_width(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::super::fold;
    use super::*;

    #[test]
    fn the_short_ways_lead_where_the_long_one_does() {
        for c in '\0'..='\u{ffff}' {
            let mut slow = String::new();
            fold_character(c, FoldOptions::ALL, &mut |folded| slow.push(folded));
            if c.is_alphabetic() || is_ideograph(c) {
                assert_eq!(fold(&c.to_string(), FoldOptions::ALL).text(), slow, "{c:?}");
            }
        }
    }
}
