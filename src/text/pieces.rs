//! The stretches of a text between word boundaries: where a match may begin, and a hash of what stands
//! there.

use super::boundary::is_boundary;

/// A stretch of text with no word boundary inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The first byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
    /// Of the bytes; the same in every text and on every machine, for it is kept in files.
    pub(crate) hash: u64,
    /// The hash with all its bits [`mixed`].
    pub(crate) key: u64,
}

/// The pieces of a text, in order.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    Pieces::new(text).collect()
}

/// The pieces of a text, less single spaces.
pub(crate) struct Pieces<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Pieces<'t> {
    /// The pieces of `text`.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, position: 0 }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    #[inline]
    fn next(&mut self) -> Option<Piece> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.position) == Some(&b' ') {
            self.position += 1;
        }
        let start = self.position;
        let mut before = *bytes.get(start)?;
        let mut hash = add_to_hash(0, before);
        let mut end = start + 1;
        while let Some(&byte) = bytes.get(end) {
            let is_inside = match (before.is_ascii(), byte.is_ascii()) {
                (true, true) => before.is_ascii_alphanumeric() && byte.is_ascii_alphanumeric(),
                // The rest of a character, or of a word.
                _ => !self.text.is_char_boundary(end) || !is_boundary(self.text, end),
            };
            if !is_inside {
                break;
            }
            hash = add_to_hash(hash, byte);
            before = byte;
            end += 1;
        }
        self.position = end;
        Some(Piece { start, end, hash, key: mixed(hash) })
    }
}

/// A hash of which every bit depends on all of another; kept in files too.
#[inline]
pub(crate) fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ hash >> 29
}

fn add_to_hash(hash: u64, byte: u8) -> u64 {
    (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95)
}
