//! International standard book numbers (ISO 2108): the check digit of the thirteen.
//!
//! A template: copy it to a file of its own, beside this one, and put that file into the registry.
//! It is compiled and run by tests only.

use super::Check;

pub(super) const CHECK: Check = Check {
    name: "isbn",
    doc: "An ISBN of thirteen digits whose check digit is right.",
    valid,
    passes: &["978-3-16-148410-0"],
    fails: &["978-3-16-148410-1"],
};

fn valid(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let weighted =
        digits.iter().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight);
    digits.len() == 13 && weighted.sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_examples_hold() {
        assert!(CHECK.passes.iter().all(|text| (CHECK.valid)(text)), "{CHECK:?}");
        assert!(CHECK.fails.iter().all(|text| !(CHECK.valid)(text)), "{CHECK:?}");
    }
}
