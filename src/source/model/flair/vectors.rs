//! Files of word vectors: GloVe's text, word2vec's text and binary format, and a matrix of safetensors beside a
//! list of words. The file is mapped, and a vector is read where it stands; only where each word is stands in
//! memory, at 24 bytes a word.

use std::hash::{DefaultHasher, Hasher};

use serde_json::Value;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::{FileBytes, Files};

/// Vectors of words.
pub struct Vectors {
    bytes: FileBytes,
    /// The words, where they are in a file of their own.
    vocabulary: Option<FileBytes>,
    /// By the hash of the word; of equal words the first stands first.
    index: Vec<Entry>,
    /// Where the vector stands that words have that are not there; it is 0 everywhere otherwise.
    unknown: Option<usize>,
    width: usize,
    format: Format,
    /// What to call the file.
    place: String,
}

/// Where a word stands, and its vector.
#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    /// The first byte of the word.
    word: usize,
    /// The first byte of the vector.
    vector: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// A word and its numbers a line.
    Text,
    /// Numbers of 32 bits, little-endian.
    Binary,
}

impl Vectors {
    /// Opens the file `name`. What ends in `.safetensors` holds one matrix of 32-bit numbers, a row for each line
    /// of the file `vocabulary`, and maybe one more for words that it does not have; what ends in `.bin` is
    /// word2vec's binary format; all else is text, with or without word2vec's first line.
    ///
    /// # Errors
    /// Where a file is missing or damaged, with its line where it has lines.
    pub fn open(files: &Files, name: &str, vocabulary: Option<&str>) -> Result<Self> {
        let bytes = files.map(name)?;
        let place = files.display(name);
        let vocabulary = match vocabulary {
            Some(name) => Some((files.map(name)?, files.display(name))),
            None => None,
        };
        let mut unknown = None;
        let (index, width, format) = match (&vocabulary, name.rsplit_once('.')) {
            (Some((words, of_words)), Some((_, "safetensors"))) => {
                let (index, width, behind) = matrix(&bytes, &place, words, of_words)?;
                unknown = behind;
                (index, width, Format::Binary)
            }
            (None, Some((_, "safetensors"))) => {
                let message = "a matrix of vectors needs the file of its words, vocabulary";
                return Err(Error::new(ErrorKind::Model, message).at(Location::file(place)));
            }
            (Some((_, of_words)), _) => {
                let message = format!("{place} holds its words itself, and takes no vocabulary");
                return Err(Error::new(ErrorKind::Model, message).at(Location::file(of_words)));
            }
            (None, Some((_, "bin"))) => {
                let (index, width) = binary(&bytes, &place)?;
                (index, width, Format::Binary)
            }
            _ => {
                let (index, width) = text(&bytes, &place)?;
                (index, width, Format::Text)
            }
        };
        let vocabulary = vocabulary.map(|(words, _)| words);
        let mut vectors = Self { bytes, vocabulary, index, unknown, width, format, place };
        // Stable: of two equal words the first is found.
        vectors.index.sort_by_key(|entry| entry.hash);
        Ok(vectors)
    }

    /// How many numbers a vector has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many words there are.
    pub fn words(&self) -> usize {
        self.index.len()
    }

    /// The vector of a word; `None` where the file does not have it.
    ///
    /// # Errors
    /// Where what stands there is no vector of numbers.
    pub fn get(&self, word: &str) -> Result<Option<Vec<f32>>> {
        let hash = hash(word.as_bytes());
        let first = self.index.partition_point(|entry| entry.hash < hash);
        let alike = self.index[first..].iter().take_while(|entry| entry.hash == hash);
        let words: &[u8] = self.vocabulary.as_deref().unwrap_or(&self.bytes);
        let is_it = |entry: &&Entry| {
            let rest = words.get(entry.word..).unwrap_or_default();
            let end = rest.get(word.len());
            rest.starts_with(word.as_bytes()) && end.is_none_or(|b| b.is_ascii_whitespace())
        };
        alike.into_iter().find(is_it).map(|entry| self.read(word, entry.vector)).transpose()
    }

    /// The vector of words that the file does not have.
    ///
    /// # Errors
    /// As [`Vectors::get`].
    pub fn unknown(&self) -> Result<Vec<f32>> {
        let zeros = || Ok(vec![0.0; self.width]);
        self.unknown.map_or_else(zeros, |at| self.read("what is not known", at))
    }

    fn read(&self, word: &str, at: usize) -> Result<Vec<f32>> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let numbers: Option<Vec<f32>> = match self.format {
            Format::Binary => rest.get(..4 * self.width).map(|bytes| {
                let number = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                bytes.chunks_exact(4).map(number).collect()
            }),
            Format::Text => {
                let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
                let line = std::str::from_utf8(line).unwrap_or_default();
                line.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
            }
        };
        numbers.filter(|numbers| numbers.len() == self.width).ok_or_else(|| {
            let message =
                format!("what stands for '{word}' is no vector of {} numbers", self.width);
            Error::new(ErrorKind::Model, message).at(Location::file(&self.place))
        })
    }
}

fn hash(word: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(word);
    hasher.finish()
}

type Index = (Vec<Entry>, usize);

/// A word and its numbers a line, with spaces between.
fn text(bytes: &[u8], place: &str) -> Result<Index> {
    let mut index = Vec::new();
    let mut width = None;
    let mut start = 0;
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let at = start;
        start += line.len() + 1;
        let line = line.trim_ascii_end();
        if line.is_empty() {
            continue;
        }
        let fields = line.split(|b| *b == b' ').count() - 1;
        if number == 0 && is_header(line) {
            continue;
        }
        let expected = *width.get_or_insert(fields);
        if fields < expected || fields == 0 {
            let message = format!("{fields} numbers behind a word, expected {}", expected.max(1));
            let place = Location::line(place, number + 1, 1);
            return Err(Error::new(ErrorKind::Model, message).at(place));
        }
        // What more there is belongs to the word.
        let end = spaces(line).nth(fields - expected).unwrap_or(line.len());
        index.push(Entry { hash: hash(&line[..end]), word: at, vector: at + end + 1 });
    }
    match width {
        Some(width) => Ok((index, width)),
        None => {
            let error = Error::new(ErrorKind::Model, "no word with a vector");
            Err(error.at(Location::file(place)))
        }
    }
}

fn spaces(line: &[u8]) -> impl Iterator<Item = usize> + '_ {
    line.iter().enumerate().filter(|(_, b)| **b == b' ').map(|(at, _)| at)
}

/// Whether a line is word2vec's first: how many words there are, and how many numbers each has.
fn is_header(line: &[u8]) -> bool {
    let whole = |field: &[u8]| !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    line.split(|b| *b == b' ').count() == 2 && line.split(|b| *b == b' ').all(whole)
}

/// word2vec's binary format: a line with how many words there are and how many numbers each has; then each word,
/// a space, and its numbers.
fn binary(bytes: &[u8], place: &str) -> Result<Index> {
    let wrong = |message: String| Error::new(ErrorKind::Model, message).at(Location::file(place));
    let header = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let mut fields = std::str::from_utf8(header).unwrap_or_default().split_ascii_whitespace();
    let mut field = || fields.next()?.parse::<usize>().ok();
    let (Some(words), Some(width @ 1..)) = (field(), field()) else {
        return Err(wrong("no vectors of word2vec: the first line is not two numbers".to_owned()));
    };
    let mut at = header.len() + 1;
    let mut index = Vec::new();
    for number in 0..words {
        while bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
        let word = bytes.get(at..).unwrap_or_default().split(|b| *b == b' ').next();
        let word = word.unwrap_or_default();
        let vector = at + word.len() + 1;
        let end = width.checked_mul(4).and_then(|size| vector.checked_add(size));
        let Some(end) = end.filter(|end| *end <= bytes.len()) else {
            return Err(wrong(format!("cut off at word {} of {words}", number + 1)));
        };
        index.push(Entry { hash: hash(word), word: at, vector });
        at = end;
    }
    Ok((index, width))
}

/// The one matrix of a file of safetensors, the lines of a file of words, and where the row behind those of the
/// words is.
fn matrix(
    bytes: &[u8],
    place: &str,
    words: &[u8],
    of_words: &str,
) -> Result<(Vec<Entry>, usize, Option<usize>)> {
    let wrong = |message: String| Error::new(ErrorKind::Model, message).at(Location::file(place));
    let (rows, width, first) = header(bytes)
        .ok_or_else(|| wrong("no safetensors with one matrix of 32-bit numbers".to_owned()))?;
    let end = rows.checked_mul(width).and_then(|n| n.checked_mul(4)?.checked_add(first));
    if end.is_none_or(|end| end > bytes.len()) {
        return Err(wrong("cut off before the end of the matrix".to_owned()));
    }
    let mut index = Vec::new();
    let mut at = 0;
    for word in words.strip_suffix(b"\n").unwrap_or(words).split(|b| *b == b'\n') {
        let vector = first + 4 * width * index.len();
        index.push(Entry { hash: hash(word), word: at, vector });
        at += word.len() + 1;
    }
    if index.len() != rows && index.len() + 1 != rows {
        let message = format!("{} words, but {place} has {rows} rows", index.len());
        return Err(Error::new(ErrorKind::Model, message).at(Location::file(of_words)));
    }
    let unknown = (index.len() < rows).then_some(first + 4 * width * index.len());
    Ok((index, width, unknown))
}

/// The rows and columns of the one tensor, and its first byte.
fn header(bytes: &[u8]) -> Option<(usize, usize, usize)> {
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let start = 8usize.checked_add(usize::try_from(length).ok()?)?;
    let header: Value = serde_json::from_slice(bytes.get(8..start)?).ok()?;
    let mut tensors = header.as_object()?.iter().filter(|(name, _)| *name != "__metadata__");
    let (_, tensor) = tensors.next()?;
    if tensors.next().is_some() || tensor.get("dtype")? != "F32" {
        return None;
    }
    let numbers = |key: &str| -> Option<Vec<usize>> {
        let numbers = tensor.get(key)?.as_array()?.iter();
        numbers.map(|n| usize::try_from(n.as_u64()?).ok()).collect()
    };
    match (&numbers("shape")?[..], &numbers("data_offsets")?[..]) {
        ([rows, width], [first, _]) if *width > 0 => {
            Some((*rows, *width, start.checked_add(*first)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
