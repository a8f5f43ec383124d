//! Words and sentences of running text: Unicode's rules (UAX #29), mended where named entities
//! suffer from them. Given tokens (CoNLL) never come here.

mod pieces;

use self::pieces::{for_each_sentence_piece, for_each_word_piece};
use super::Span;

/// Abbreviations whose full stop belongs to the word and ends no sentence, folded, sorted.
const ABBREVIATIONS: &[&str] = &[
    "adm", "approx", "apt", "ave", "bldg", "blvd", "brig", "bros", "capt", "cmdr", "co", "col",
    "corp", "cpl", "dept", "dr", "eg", "est", "etc", "ft", "gen", "gov", "hon", "hr", "ie", "inc",
    "jr", "lt", "ltd", "maj", "messrs", "mr", "mrs", "ms", "mt", "mx", "no", "op", "pres", "prof",
    "pvt", "rep", "rev", "sen", "sgt", "sr", "st", "supt", "univ", "vol", "vs",
];

/// Those that a sentence often ends with: they keep their full stop and may end a sentence.
const MAY_END_SENTENCE: &[&str] = &["co", "corp", "etc", "inc", "jr", "ltd", "no", "sr"];

/// The words of `text` in order: no white space, nothing empty, nothing left out.
///
/// Beyond UAX #29: `@name` and `#tag` are one word, so are web addresses; `Dr.`, `U.S.` and
/// `J.` keep their full stop; a possessive `'s` is a word of its own.
pub fn words(text: &str) -> Vec<Span> {
    let mut words: Vec<Span> = Vec::new();
    let mut skip_to = 0;
    for_each_word_piece(text, |start, piece| {
        if start < skip_to || piece.chars().all(char::is_whitespace) {
            return;
        }
        let end = start + piece.len();
        if let Some(address_end) = web_address(text, start, &words) {
            words.push(Span::new(start, address_end));
            skip_to = address_end;
        } else if joins_previous(text, &words, start, piece) {
            let cut = possessive(piece).map_or(end, |cut| start + cut);
            let last = words.last_mut().expect("a piece joins a previous word");
            last.end = cut;
            if cut < end {
                words.push(Span::new(cut, end));
            }
        } else if let Some(cut) = possessive(piece) {
            words.push(Span::new(start, start + cut));
            words.push(Span::new(start + cut, end));
        } else {
            words.push(Span::new(start, end));
        }
    });
    words
}

/// Whether the piece at `start` continues the word before it.
fn joins_previous(text: &str, words: &[Span], start: usize, piece: &str) -> bool {
    let Some(last) = words.last().filter(|last| last.end == start) else { return false };
    let before = last.slice(text).unwrap_or("");
    let ahead = text.get(..last.start).unwrap_or("");
    match piece {
        // The last letter of `AT&T` is no initial.
        "." => keeps_full_stop(before) && !ahead.ends_with('&'),
        _ => {
            matches!(before, "@" | "#")
                && piece.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                && !ahead.ends_with(char::is_alphanumeric)
        }
    }
}

/// Whether a full stop after `word` is part of it: an abbreviation, initials (`J`, `U.S`).
fn keeps_full_stop(word: &str) -> bool {
    is_initials(word) || is_abbreviation(word)
}

fn is_abbreviation(word: &str) -> bool {
    word.len() <= 6 && ABBREVIATIONS.binary_search(&word.to_lowercase().as_str()).is_ok()
}

/// Single letters, parted by full stops: `J`, `U.S`, `p.m`; a lone letter must be upper case.
fn is_initials(word: &str) -> bool {
    let mut letters = 0;
    for part in word.split('.') {
        let mut chars = part.chars();
        let Some(first) = chars.next() else { return false };
        if !first.is_alphabetic() || chars.next().is_some() {
            return false;
        }
        letters += 1;
        if letters == 1 && !word.contains('.') {
            return first.is_uppercase() && first != 'I';
        }
    }
    letters > 1
}

/// Where `piece` ends in a possessive, the byte at which that begins.
fn possessive(piece: &str) -> Option<usize> {
    if !piece.ends_with(['s', 'S']) {
        return None;
    }
    let cut = ["'s", "'S", "\u{2019}s", "\u{2019}S"]
        .iter()
        .find_map(|suffix| piece.strip_suffix(suffix))
        .map(str::len)?;
    (cut > 0).then_some(cut)
}

/// Where a web address begins at `start`, the byte after its end.
fn web_address(text: &str, start: usize, words: &[Span]) -> Option<usize> {
    if !matches!(text.as_bytes().get(start), Some(b'h' | b'H' | b'w' | b'W'))
        || words.last().is_some_and(|last| last.end == start)
    {
        return None;
    }
    let rest = text.get(start..)?;
    let known = ["http://", "https://", "www."];
    known.iter().find(|prefix| {
        rest.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    })?;
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let address = rest.get(..length)?.trim_end_matches(|c: char| ".,;:!?)\"'\u{201d}>".contains(c));
    (!address.is_empty()).then_some(start + address.len())
}

/// The sentences of `text` in order, trimmed of white space, none empty; every character that is
/// not white space is in one of them.
///
/// Beyond UAX #29: a blank line ends a sentence, a single line break does not; abbreviations and
/// initials do not.
pub fn sentences(text: &str) -> Vec<Span> {
    let mut sentences: Vec<Span> = Vec::new();
    let mut open = false;
    for paragraph in paragraphs(text) {
        let inside = paragraph.slice(text).unwrap_or("");
        for_each_sentence_piece(inside, |offset, piece| {
            let start = paragraph.start + offset;
            let span = Span::new(start, start + piece.len()).trim(text);
            if span.is_empty() {
                return;
            }
            match sentences.last_mut().filter(|_| open) {
                Some(last) => last.end = span.end,
                None => sentences.push(span),
            }
            open = !ends_sentence(span.slice(text).unwrap_or(""));
        });
        open = false;
    }
    sentences
}

/// Whether a piece that UAX #29 ends really ends a sentence.
pub(crate) fn ends_sentence(piece: &str) -> bool {
    let Some(stripped) = piece.strip_suffix('.') else {
        return piece.ends_with(|c: char| !c.is_alphanumeric());
    };
    let word =
        stripped.rsplit(|c: char| c.is_whitespace() || "([\"'".contains(c)).next().unwrap_or("");
    if MAY_END_SENTENCE.contains(&word.to_lowercase().as_str()) {
        return true;
    }
    let single_initial = word.chars().count() == 1 && is_initials(word);
    !(single_initial || is_abbreviation(word))
}

/// The stretches between blank lines.
fn paragraphs(text: &str) -> Vec<Span> {
    let mut paragraphs = Vec::new();
    let mut start = 0;
    let mut position = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() && position > start {
            paragraphs.push(Span::new(start, position));
            start = position + line.len();
        } else if line.trim().is_empty() {
            start = position + line.len();
        }
        position += line.len();
    }
    if start < text.len() {
        paragraphs.push(Span::new(start, text.len()));
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(spans: Vec<Span>, text: &str) -> Vec<&str> {
        spans.into_iter().map(|s| s.slice(text).unwrap()).collect()
    }

    #[test]
    fn abbreviations_are_sorted() {
        assert!(ABBREVIATIONS.is_sorted());
    }

    #[test]
    fn names_and_handles_stay_whole() {
        let text = "Dr. O'Neil of the U.S. saw @ann_b's #NYCflood, J. Smith's AT&T.";
        let expected = "Dr.|O'Neil|of|the|U.S.|saw|@ann_b|'s|#NYCflood|,|J.|Smith|'s|AT|&|T|.";
        assert_eq!(texts(words(text), text).join("|"), expected);
    }

    #[test]
    fn hyphens_part_words_and_addresses_do_not() {
        let text = "Paris-based firm (see https://a.b/c?d=e).";
        let expected = "Paris|-|based|firm|(|see|https://a.b/c?d=e|)|.";
        assert_eq!(texts(words(text), text).join("|"), expected);
    }

    #[test]
    fn scripts_without_spaces_are_segmented() {
        let text = "我住在東京";
        assert_eq!(words(text).len(), 5);
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        let text = "Mr. J. Smith went to St. Paul.  He saw Apple Inc. Then\nhe left\n\nHeadline";
        assert_eq!(
            texts(sentences(text), text),
            ["Mr. J. Smith went to St. Paul.", "He saw Apple Inc.", "Then\nhe left", "Headline"]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "\\PC{0,40}|[A-Za-z@#.' \n]{0,40}") {
            for spans in [words(&text), sentences(&text)] {
                let mut end = 0;
                for span in &spans {
                    prop_assert!(!span.is_empty() && span.start >= end);
                    prop_assert!(text.get(end..span.start).is_some_and(|gap| gap.trim().is_empty()));
                    prop_assert!(span.slice(&text).is_some());
                    end = span.end;
                }
                prop_assert!(text.get(end..).is_some_and(|rest| rest.trim().is_empty()));
            }
        }
    }
}
