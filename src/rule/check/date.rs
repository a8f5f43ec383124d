//! Dates that the Gregorian calendar has, in ISO, European, American and English written forms.

use super::Check;

pub(super) const CHECK: Check = Check {
    name: "date",
    doc: "A date that exists: y-m-d, d/m/y, m/d/y, or with an English month name, with or without day or year.",
    valid,
    passes: &[
        "2024-02-29",
        "31/12/1999",
        "12/31/99",
        "5 March 2024",
        "Mar. 5, 2024",
        "the 1st of May",
        "Tuesday, July 4th 1776",
        "February 29",
        "September 2001",
    ],
    fails: &[
        "2023-02-29",
        "31/13/1999",
        "30 February",
        "April 31st, 2020",
        "2024",
        "1-2",
        "x 5 May",
    ],
};

/// Three letters are enough to know a month.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What a date is made of.
#[derive(Clone, Copy)]
enum Part {
    /// A number of up to two digits.
    Short(u32),
    /// A year in four digits.
    Year(u32),
    Month(u32),
}

fn valid(text: &str) -> bool {
    use Part::{Month, Short, Year};
    let Some(parts) = parts(text) else { return false };
    match parts[..] {
        [Year(y), Short(m), Short(d)] => exists(Some(y), m, d),
        [Short(a), Short(b), Year(y)] => exists(Some(y), a, b) || exists(Some(y), b, a),
        [Short(a), Short(b), Short(y)] => {
            exists(Some(2000 + y), a, b) || exists(Some(2000 + y), b, a)
        }
        [Short(d), Month(m)] | [Month(m), Short(d)] => exists(None, m, d),
        [Short(d), Month(m), Year(y)]
        | [Month(m), Short(d), Year(y)]
        | [Year(y), Month(m), Short(d)] => exists(Some(y), m, d),
        [Short(d), Month(m), Short(y)] | [Month(m), Short(d), Short(y)] => {
            exists(Some(2000 + y), m, d)
        }
        [Month(_), Year(_)] => true,
        _ => false,
    }
}

/// The parts of a written date, or `None` where something in it belongs to no date.
fn parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut after_number = false;
    for word in text.split(|c: char| " \t\r\n\u{a0},./-".contains(c)).filter(|w| !w.is_empty()) {
        let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        let (number, letters) = word.split_at_checked(digits)?;
        let letters = letters.to_lowercase();
        match number.len() {
            0 => match month(&letters) {
                Some(month) => parts.push(Part::Month(month)),
                None if is_filler(&letters) => {}
                None if after_number && is_ordinal(&letters) => {}
                None => return None,
            },
            1 | 2 if letters.is_empty() || is_ordinal(&letters) => {
                parts.push(Part::Short(number.parse().ok()?));
            }
            4 if letters.is_empty() => parts.push(Part::Year(number.parse().ok()?)),
            _ => return None,
        }
        after_number = !number.is_empty();
    }
    Some(parts)
}

/// The number of a month by its name, cut to three letters or more.
fn month(word: &str) -> Option<u32> {
    let index = MONTHS.iter().position(|name| is_cut(word, name))?;
    u32::try_from(index + 1).ok()
}

fn is_filler(word: &str) -> bool {
    matches!(word, "of" | "the") || WEEKDAYS.iter().any(|name| is_cut(word, name))
}

fn is_cut(word: &str, name: &str) -> bool {
    word.len() >= 3 && name.starts_with(word)
}

fn is_ordinal(letters: &str) -> bool {
    matches!(letters, "st" | "nd" | "rd" | "th")
}

/// Whether the calendar has the day; without a year, some year's calendar.
fn exists(year: Option<u32>, month: u32, day: u32) -> bool {
    let leap = year.is_none_or(|y| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}
