//! The directory of a ZIP archive whose entries are stored as they are, as PyTorch writes them: names
//! and where their bytes lie. Nothing is unpacked. (APPNOTE.TXT 6.3, PKWARE.)

use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes that end the archive: the record itself and the longest comment.
const LONGEST_END: usize = 22 + 0xffff;

/// What stands in a 32-bit field whose value is in the 64-bit record.
const ELSEWHERE: u64 = 0xffff_ffff;

/// Where the bytes of each entry lie in `archive`.
///
/// # Errors
/// What is wrong with the archive, in words.
pub(super) fn entries(archive: &[u8]) -> Result<BTreeMap<String, Range<usize>>, String> {
    let tail = archive.len().saturating_sub(LONGEST_END);
    let end = (tail..archive.len())
        .rev()
        .find(|at| archive[*at..].starts_with(b"PK\x05\x06"))
        .ok_or("the archive has no end")?;
    let mut count = number(archive, end + 10, 2)?;
    let mut at = number(archive, end + 16, 4)?;
    let locator = end.checked_sub(20).filter(|at| archive[*at..].starts_with(b"PK\x06\x07"));
    if let Some(locator) = locator {
        let wide = index(number(archive, locator + 8, 8)?)?;
        if !archive.get(wide..).is_some_and(|bytes| bytes.starts_with(b"PK\x06\x06")) {
            return Err("the archive's 64-bit end is not there".to_owned());
        }
        count = number(archive, wide + 32, 8)?;
        at = number(archive, wide + 48, 8)?;
    }
    let mut at = index(at)?;
    let mut found = BTreeMap::new();
    for _ in 0..count {
        let (name, range, next) = entry(archive, at)?;
        found.insert(name, range);
        at = next;
    }
    Ok(found)
}

/// The entry whose central header is at `at`, and where the next header is.
fn entry(archive: &[u8], at: usize) -> Result<(String, Range<usize>, usize), String> {
    if !archive.get(at..).is_some_and(|bytes| bytes.starts_with(b"PK\x01\x02")) {
        return Err("the archive's directory ends early".to_owned());
    }
    let field = |offset, width| number(archive, at + offset, width);
    let length = |offset| field(offset, 2).and_then(index);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let name_bytes = slice(archive, at + 46, name)?;
    let text = String::from_utf8_lossy(name_bytes).into_owned();
    if field(10, 2)? != 0 {
        return Err(format!("entry '{text}' is compressed, which PyTorch does not do"));
    }
    let extra_bytes = slice(archive, at + 46 + name, extra)?;
    let wide = wide_numbers(extra_bytes);
    let mut wide = wide.iter().copied();
    let mut real =
        |value: u64| if value == ELSEWHERE { wide.next().ok_or("cut") } else { Ok(value) };
    let size = real(field(24, 4)?)?;
    let _packed = real(field(20, 4)?)?;
    let local = index(real(field(42, 4)?)?)?;
    let header = |offset: usize| {
        let at = local.checked_add(offset).ok_or("a place is beyond the archive")?;
        number(archive, at, 2).and_then(index)
    };
    let start = local + 30 + header(26)? + header(28)?;
    let size = index(size)?;
    slice(archive, start, size)?;
    Ok((text, start..start + size, at + 46 + name + extra + comment))
}

/// The numbers of the 64-bit record among the extra fields of an entry.
fn wide_numbers(mut extra: &[u8]) -> Vec<u64> {
    while let [a, b, c, d, rest @ ..] = extra {
        let length = usize::from(u16::from_le_bytes([*c, *d])).min(rest.len());
        let (field, after) = rest.split_at(length);
        if u16::from_le_bytes([*a, *b]) == 1 {
            return field.chunks_exact(8).filter_map(|n| number(n, 0, 8).ok()).collect();
        }
        extra = after;
    }
    Vec::new()
}

/// The number of `width` bytes at `at`.
fn number(bytes: &[u8], at: usize, width: usize) -> Result<u64, String> {
    let bytes = slice(bytes, at, width)?;
    Ok(bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

fn slice(bytes: &[u8], at: usize, length: usize) -> Result<&[u8], String> {
    let end = at.checked_add(length);
    end.and_then(|end| bytes.get(at..end)).ok_or_else(|| "the archive is cut off".to_owned())
}

fn index(number: u64) -> Result<usize, String> {
    // No place is beyond this, and sums of a few do not overflow.
    const MOST: u64 = 1 << 48;
    let fits = usize::try_from(number).ok().filter(|_| number < MOST);
    fits.ok_or_else(|| "a place is beyond the archive".to_owned())
}
