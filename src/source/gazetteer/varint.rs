//! Numbers in as few bytes as they need: seven bits a byte, the lowest first, the high bit set on all
//! but the last. Reading trusts nothing.

/// Appends `number`.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a length and that many bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The number at `at`, which moves behind it; `None` where the bytes end or it exceeds 64 bits.
#[inline]
pub(super) fn take(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    *at += 1;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut number = u64::from(first & 0x7f);
    for shift in (7..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// A length and that many bytes at `at`, which moves behind them.
#[inline]
pub(super) fn take_bytes<'b>(bytes: &'b [u8], at: &mut usize) -> Option<&'b [u8]> {
    let length = usize::try_from(take(bytes, at)?).ok()?;
    let end = at.checked_add(length)?;
    let taken = bytes.get(*at..end)?;
    *at = end;
    Some(taken)
}

/// As [`take_bytes`], of text.
#[inline]
pub(super) fn take_str<'b>(bytes: &'b [u8], at: &mut usize) -> Option<&'b str> {
    std::str::from_utf8(take_bytes(bytes, at)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_number_is_none() {
        for bytes in [&b""[..], &[0x80], &[0xff; 9], &[0xff; 11]] {
            assert_eq!(take(bytes, &mut 0), None, "{bytes:?}");
        }
        assert_eq!(take_bytes(&[2, b'a'], &mut 0), None);
        assert_eq!(take_str(&[1, 0xff], &mut 0), None);
    }

    proptest! {
        #[test]
        fn numbers_go_there_and_back(number: u64, shift in 0u32..64) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            let mut at = 0;
            prop_assert_eq!(take(&bytes, &mut at), Some(number));
            prop_assert_eq!(at, bytes.len());
        }
    }
}
