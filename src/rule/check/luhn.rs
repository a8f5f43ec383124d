//! Payment card numbers by the Luhn checksum (ISO/IEC 7812-1, annex B).

use super::Check;

pub(super) const CHECK: Check = Check {
    name: "luhn",
    doc: "A card number: 12 to 19 digits, with white space or hyphens between them, whose Luhn checksum holds.",
    valid,
    passes: &["4111 1111 1111 1111", "5500-0000 0000-0004", "378282246310005"],
    fails: &["4111 1111 1111 1112", "0000 0000 0000 0000", "1234", "4111x1111x1111x1111"],
};

fn valid(text: &str) -> bool {
    let mut digits = Vec::with_capacity(19);
    for c in text.chars() {
        match c.to_digit(10) {
            Some(digit) if digits.len() < 19 => digits.push(digit),
            None if (c == '-' || c.is_whitespace()) && !digits.is_empty() => {}
            _ => return false,
        }
    }
    let repeated = digits.iter().all(|d| *d == digits[0]);
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| if i % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    digits.len() >= 12 && !repeated && sum.is_multiple_of(10)
}
