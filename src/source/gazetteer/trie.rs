//! What searches with tolerance ask of a cursor of the index: whole strings and characters, where the
//! index knows bytes.

use super::index::Cursor;

/// Where all of `text` leads.
pub(super) fn follow<'b>(cursor: Cursor<'b>, text: &str) -> Option<Cursor<'b>> {
    text.bytes().try_fold(cursor, |cursor, byte| cursor.step(byte))
}

/// Calls `each` with every character that may follow, in order, and where it leads.
pub(super) fn each_char<'b>(cursor: Cursor<'b>, each: &mut dyn FnMut(char, Cursor<'b>)) {
    for (byte, next) in cursor.transitions() {
        match byte {
            0..0x80 => each(char::from(byte), next),
            _ => rest_of_char(&[byte], next, each),
        }
    }
}

/// [`each_char`] for the characters that begin with `bytes`, which led to `cursor`.
fn rest_of_char<'b>(bytes: &[u8], cursor: Cursor<'b>, each: &mut dyn FnMut(char, Cursor<'b>)) {
    match std::str::from_utf8(bytes).map(|text| text.chars().next()) {
        Ok(Some(c)) => each(c, cursor),
        _ if bytes.len() == 4 => {}
        _ => {
            for (byte, next) in cursor.transitions() {
                rest_of_char(&[bytes, &[byte]].concat(), next, each);
            }
        }
    }
}

/// The folded surfaces `keys`, sorted and unique, as an index holds them.
#[cfg(test)]
pub(super) fn built(keys: &[String]) -> Vec<u8> {
    let mut builder = super::index::FstBuilder::new(Vec::new()).unwrap();
    for key in keys {
        builder.insert(key.as_bytes()).unwrap();
    }
    builder.finish().unwrap().0
}
