//! gzip of many members, such as Common Crawl's with one a record: a member that is damaged is one error, and
//! the next one can be read after it.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// What a member begins with: the mark, and the only method of compression there is.
const START: [u8; 3] = [0x1F, 0x8B, 8];

/// Reads the members of `R`, one after the other. After an error of a damaged member, which is of the kind
/// [`InvalidData`](io::ErrorKind::InvalidData), the next bytes are those of the next member that can be found;
/// who ends at the first error loses nothing by that.
pub(super) struct Members<R> {
    state: State<R>,
    /// Whether a member has given nothing yet.
    is_fresh: bool,
}

enum State<R> {
    /// Before the first member.
    Start(R),
    /// Between two.
    Between(Replayed<R>),
    Inside(GzDecoder<Replayed<R>>),
    /// Behind an error, inside a damaged member.
    Damaged(Replayed<R>),
    End,
}

/// A reader with bytes before it that have been read already.
struct Replayed<R> {
    before: &'static [u8],
    rest: R,
}

impl<R: Read> Read for Replayed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.before.is_empty() { self.rest.read(bytes) } else { self.before.read(bytes) }
    }
}

impl<R: BufRead> BufRead for Replayed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.before.is_empty() { self.rest.fill_buf() } else { Ok(self.before) }
    }

    fn consume(&mut self, amount: usize) {
        if self.before.is_empty() { self.rest.consume(amount) } else { self.before.consume(amount) }
    }
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { state: State::Start(reader), is_fresh: true }
    }

    fn begin(&mut self, reader: Replayed<R>) {
        self.is_fresh = true;
        self.state = State::Inside(GzDecoder::new(reader));
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut after_damage = false;
        loop {
            match std::mem::replace(&mut self.state, State::End) {
                State::Start(rest) => self.begin(Replayed { before: &[], rest }),
                State::Between(mut reader) => {
                    if !reader.fill_buf()?.is_empty() {
                        self.begin(reader);
                    }
                }
                State::Inside(mut member) => match member.read(bytes) {
                    Ok(0) if !bytes.is_empty() => {
                        self.state = State::Between(member.into_inner());
                    }
                    Ok(count) => {
                        self.is_fresh &= count == 0;
                        self.state = State::Inside(member);
                        return Ok(count);
                    }
                    Err(error) if is_damage(&error) => {
                        self.state = State::Damaged(member.into_inner());
                        // Behind damage, what looked like a member and is none is part of the damage.
                        if !(after_damage && self.is_fresh) {
                            let message = format!("a damaged gzip member: {error}");
                            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                        }
                    }
                    Err(error) => {
                        self.state = State::Inside(member);
                        return Err(error);
                    }
                },
                State::Damaged(mut reader) => {
                    after_damage = true;
                    if seek_start(&mut reader)? {
                        self.begin(Replayed { before: &START, rest: reader.rest });
                    }
                }
                State::End => return Ok(0),
            }
        }
    }
}

fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

/// Reads up to the end of the next start of a member; whether there is one.
fn seek_start(reader: &mut impl BufRead) -> io::Result<bool> {
    let mut seen = 0;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        for (index, byte) in bytes.iter().enumerate() {
            seen = if *byte == START[seen] { seen + 1 } else { usize::from(*byte == START[0]) };
            if seen == START.len() {
                reader.consume(index + 1);
                return Ok(true);
            }
        }
        let count = bytes.len();
        reader.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// All that can be read, and how many errors came between.
    fn all(bytes: &[u8]) -> (String, usize) {
        let mut members = Members::new(bytes);
        let (mut text, mut errors) = (Vec::new(), 0);
        while members.read_to_end(&mut text).is_err() {
            errors += 1;
            assert!(errors < 100, "it ends");
        }
        (String::from_utf8_lossy(&text).into_owned(), errors)
    }

    #[test]
    fn a_damaged_member_is_one_error_and_the_next_is_read() {
        let parts = ["Paris ", "is ", "far"].map(|text| member(text.as_bytes()));
        assert_eq!(all(&parts.concat()), ("Paris is far".to_owned(), 0));
        let mut damaged = parts.clone();
        // A block of a kind that does not exist.
        damaged[1][10] = 0xFF;
        assert_eq!(all(&damaged.concat()), ("Paris far".to_owned(), 1));
        // What looks like a member inside of the damage is none.
        let mut damaged = parts.clone();
        damaged[1] = [&damaged[1][..4], &START, &START, &[0xFF; 9]].concat();
        damaged[1][3] = 0xFF;
        assert_eq!(all(&damaged.concat()), ("Paris far".to_owned(), 1));
        let mut short = parts.concat();
        short.truncate(short.len() - 3);
        assert_eq!(all(&short), ("Paris is far".to_owned(), 1), "the sum is missing");
        assert_eq!(all(b"plain text").1, 1);
        assert_eq!(all(b"").1, 1);
    }

    proptest! {
        #[test]
        fn damage_never_hides_the_members_before_and_always_ends(
            texts in proptest::collection::vec("[a-z]{1,60}", 1..6),
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let parts: Vec<Vec<u8>> = texts.iter().map(|text| member(text.as_bytes())).collect();
            let mut bytes = parts.concat();
            let places: Vec<usize> = damage.iter().map(|(at, _)| at.index(bytes.len())).collect();
            for ((_, byte), at) in damage.iter().zip(&places) {
                bytes[*at] = *byte;
            }
            let (text, errors) = all(&bytes);
            let (mut end, mut whole) = (0, String::new());
            for (part, text) in parts.iter().zip(&texts) {
                end += part.len();
                if places.iter().all(|at| *at >= end) {
                    whole.push_str(text);
                }
            }
            prop_assert!(text.starts_with(&whole), "{text} {whole}");
            if damage.is_empty() {
                prop_assert_eq!((text, errors), (texts.concat(), 0));
            }
        }
    }
}
