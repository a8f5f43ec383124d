//! The word and sentence boundaries of UAX #29, fast where a text is ASCII: there a boundary is found from a few
//! bytes. Where a character beyond ASCII has a say, `unicode-segmentation` finds it. After a boundary nothing
//! depends on what came before, so that the two take turns.

use unicode_segmentation::UnicodeSegmentation;

/// Calls `piece` with all pieces between word boundaries that are more than spaces and line ends, and where each
/// begins.
pub(super) fn for_each_word_piece<'t>(text: &'t str, mut piece: impl FnMut(usize, &'t str)) {
    let bytes = text.as_bytes();
    let mut start = 0;
    while let Some(&first) = bytes.get(start) {
        let end = word_end(bytes, start).unwrap_or_else(|| {
            let rest = text.get(start..).unwrap_or("");
            start + rest.split_word_bounds().next().map_or(rest.len(), str::len)
        });
        if !matches!(first, b' ' | b'\n' | b'\r') || !is_blank(&bytes[start..end]) {
            piece(start, text.get(start..end).unwrap_or(""));
        }
        start = end;
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' ' | b'\n' | b'\r'))
}

/// The word boundary after the one at `start`; `None` where a character beyond ASCII decides about it.
fn word_end(bytes: &[u8], start: usize) -> Option<usize> {
    let first = bytes[start];
    if !is_wordy(first) {
        let next = |end: usize| bytes.get(end).copied().unwrap_or(0);
        return match first {
            // WB3, WB3a: also marks part from line ends.
            b'\r' if next(start + 1) == b'\n' => Some(start + 2),
            b'\r' | b'\n' | 0xb | 0xc => Some(start + 1),
            // WB3d
            b' ' => {
                let spaces = bytes[start..].iter().take_while(|byte| **byte == b' ').count();
                next(start + spaces).is_ascii().then_some(start + spaces)
            }
            _ => (first.is_ascii() && next(start + 1).is_ascii()).then_some(start + 1),
        };
    }
    let mut end = start + 1;
    loop {
        let Some(&byte) = bytes.get(end) else { return Some(end) };
        // WB5, WB8 to WB10, WB13a, WB13b
        if is_wordy(byte) {
            end += 1;
            continue;
        }
        if !byte.is_ascii() {
            return None;
        }
        let before = bytes[end - 1];
        // WB6, WB7; WB11, WB12
        let joins: fn(&u8) -> bool = match byte {
            b':' | b'.' | b'\'' if before.is_ascii_alphabetic() => u8::is_ascii_alphabetic,
            b',' | b';' | b'.' | b'\'' if before.is_ascii_digit() => u8::is_ascii_digit,
            _ => return Some(end),
        };
        match bytes.get(end + 1) {
            Some(after) if joins(after) => end += 2,
            Some(after) if !after.is_ascii() => return None,
            _ => return Some(end),
        }
    }
}

/// The letters, digits and the underscore.
fn is_wordy(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Calls `piece` with all pieces between sentence boundaries, and where each begins.
pub(super) fn for_each_sentence_piece<'t>(text: &'t str, mut piece: impl FnMut(usize, &'t str)) {
    let bytes = text.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let end = sentence_end(bytes, start).unwrap_or_else(|| {
            let rest = text.get(start..).unwrap_or("");
            start + rest.split_sentence_bounds().next().map_or(rest.len(), str::len)
        });
        piece(start, text.get(start..end).unwrap_or(""));
        start = end;
    }
}

/// What a byte is to the rules of sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Upper,
    Lower,
    Digit,
    Space,
    LineEnd,
    FullStop,
    Terminator,
    Close,
    Continue,
    Other,
    Beyond,
}

fn role(byte: u8) -> Role {
    match byte {
        b'A'..=b'Z' => Role::Upper,
        b'a'..=b'z' => Role::Lower,
        b'0'..=b'9' => Role::Digit,
        b' ' | b'\t' | 0xb | 0xc => Role::Space,
        b'\n' | b'\r' => Role::LineEnd,
        b'.' => Role::FullStop,
        b'!' | b'?' => Role::Terminator,
        b'"' | b'\'' | b'(' | b')' | b'[' | b']' | b'{' | b'}' => Role::Close,
        b',' | b'-' | b':' | b';' => Role::Continue,
        0x80.. => Role::Beyond,
        _ => Role::Other,
    }
}

/// The sentence boundary after the one at `start`; `None` where a character beyond ASCII decides about it.
fn sentence_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let Some(&byte) = bytes.get(at) else { return Some(at) };
        match role(byte) {
            // SB3, SB4
            Role::LineEnd => return Some(after_line_end(bytes, at)),
            Role::Beyond => return None,
            Role::FullStop | Role::Terminator => match after_terminator(bytes, start, at)? {
                Step::Break(end) => return Some(end),
                Step::On(next) => at = next,
            },
            _ => at += 1,
        }
    }
}

/// Where the sentence goes after a terminator.
enum Step {
    /// It ends there.
    Break(usize),
    /// It goes on from there.
    On(usize),
}

/// What comes of the terminator at `at` in a sentence that begins at `start`: SB6 to SB11.
fn after_terminator(bytes: &[u8], start: usize, at: usize) -> Option<Step> {
    let role_at = |place: usize| bytes.get(place).map(|byte| role(*byte));
    let is_full_stop = bytes[at] == b'.';
    let mut next = at + 1;
    if is_full_stop {
        let follows_letter = at > start && bytes[at - 1].is_ascii_alphabetic();
        match role_at(next) {
            Some(Role::Digit) => return Some(Step::On(next)),
            Some(Role::Upper) if follows_letter => return Some(Step::On(next)),
            _ => {}
        }
    }
    while role_at(next) == Some(Role::Close) {
        next += 1;
    }
    while role_at(next) == Some(Role::Space) {
        next += 1;
    }
    match role_at(next) {
        None => return Some(Step::Break(next)),
        Some(Role::Beyond) => return None,
        Some(Role::LineEnd) => return Some(Step::Break(after_line_end(bytes, next))),
        Some(Role::Continue | Role::FullStop | Role::Terminator) => return Some(Step::On(next)),
        _ => {}
    }
    if is_full_stop {
        let decides = |role: &Role| {
            !matches!(role, Role::Digit | Role::Space | Role::Close | Role::Continue | Role::Other)
        };
        match bytes[next..].iter().map(|byte| role(*byte)).find(decides) {
            Some(Role::Lower) => return Some(Step::On(next)),
            Some(Role::Beyond) => return None,
            _ => {}
        }
    }
    Some(Step::Break(next))
}

/// The place after a line end, CR LF being one.
fn after_line_end(bytes: &[u8], at: usize) -> usize {
    at + if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What decides about boundaries, and what stands beside it: letters, marks, signs that join, flags.
    const CHARACTERS: &str = "[a-cA-C0-2_.,:;'\"!?()\\[{} \t\r\n\u{b}@#\u{0}-]{0,16}|[aB1 .?!'\n,éÉßا中\u{301}\u{ad}\u{200d}\u{a0}’“”…🇩🇪👍א\u{85}\u{2029}:_]{0,16}|\\PC{0,16}";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn words_part_as_unicode_parts_them(text in CHARACTERS) {
            let mut pieces = Vec::new();
            for_each_word_piece(&text, |start, piece| pieces.push((start, piece)));
            let slow = text.split_word_bound_indices().filter(|(_, p)| !is_blank(p.as_bytes()));
            prop_assert_eq!(pieces, slow.collect::<Vec<_>>());
        }

        #[test]
        fn sentences_part_as_unicode_parts_them(text in CHARACTERS) {
            let mut pieces = Vec::new();
            for_each_sentence_piece(&text, |start, piece| pieces.push((start, piece)));
            prop_assert_eq!(pieces, text.split_sentence_bound_indices().collect::<Vec<_>>());
        }
    }
}
