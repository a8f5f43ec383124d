//! International bank account numbers (ISO 13616): the country's length and the mod-97 checksum.

use super::Check;

pub(super) const CHECK: Check = Check {
    name: "iban",
    doc: "An IBAN: a known country code, that country's length, and a mod-97 checksum that holds.",
    valid,
    passes: &[
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "fr1420041010050500013m02606",
    ],
    fails: &[
        "DE89 3704 0044 0532 0130 01",
        "DE89 3704 0044 0532 0130",
        "ZZ89 3704 0044 0532 0130 00",
        "GB29-NWBK-6016-1331-9268-19",
    ],
};

/// Country codes and the length of their numbers, sorted.
#[rustfmt::skip]
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22),
    ("BH", 22), ("BI", 27), ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24),
    ("DE", 22), ("DJ", 27), ("DK", 18), ("DO", 28), ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18),
    ("FK", 18), ("FO", 18), ("FR", 27), ("GB", 22), ("GE", 22), ("GI", 23), ("GL", 18), ("GR", 27),
    ("GT", 28), ("HR", 21), ("HU", 28), ("IE", 22), ("IL", 23), ("IQ", 23), ("IS", 26), ("IT", 27),
    ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28), ("LC", 32), ("LI", 21), ("LT", 20), ("LU", 20),
    ("LV", 21), ("LY", 25), ("MC", 27), ("MD", 24), ("ME", 22), ("MK", 19), ("MN", 20), ("MR", 27),
    ("MT", 31), ("MU", 30), ("NI", 28), ("NL", 18), ("NO", 15), ("OM", 23), ("PK", 24), ("PL", 28),
    ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22), ("RU", 33), ("SA", 24), ("SC", 31),
    ("SD", 18), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("SO", 23), ("ST", 25), ("SV", 28),
    ("TL", 23), ("TN", 24), ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20), ("YE", 30),
];

fn valid(text: &str) -> bool {
    let compact: String =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    if !compact.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let Some((country, rest)) = compact.split_at_checked(2) else { return false };
    let Ok(found) = LENGTHS.binary_search_by_key(&country, |(code, _)| *code) else { return false };
    let Some((checksum, account)) = rest.split_at_checked(2) else { return false };
    compact.len() == LENGTHS[found].1
        && checksum.bytes().all(|b| b.is_ascii_digit())
        && remainder(account.chars().chain(country.chars()).chain(checksum.chars())) == 1
}

/// The number that the characters spell (A = 10, …, Z = 35), modulo 97.
fn remainder(chars: impl Iterator<Item = char>) -> u32 {
    chars.filter_map(|c| c.to_digit(36)).fold(0, |rest, value| {
        let shift = if value < 10 { 10 } else { 100 };
        (rest * shift + value) % 97
    })
}

#[cfg(test)]
mod tests {
    use super::LENGTHS;

    #[test]
    fn countries_are_sorted() {
        assert!(LENGTHS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
