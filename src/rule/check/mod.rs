//! Validators that a rule names with `check`: does what the pattern matched hold up (a checksum, a
//! calendar)? Finding the text is the pattern's work.
//!
//! A new validator is a new file here and one entry in [`CHECKS`].

mod date;
mod email;
mod iban;
mod ipv4;
mod ipv6;
mod luhn;
#[cfg(test)]
mod template;

use std::fmt;

use crate::error::{Error, Result};

/// A validator: tells whether the text of an entity is what it looks like.
pub struct Check {
    /// The value of `check` in a rule.
    pub name: &'static str,
    /// What it accepts, in one sentence.
    pub doc: &'static str,
    /// Whether the text passes.
    pub valid: fn(&str) -> bool,
    /// Texts that pass.
    pub passes: &'static [&'static str],
    /// Texts that fail.
    pub fails: &'static [&'static str],
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// All validators, sorted by name.
pub static CHECKS: &[Check] =
    &[date::CHECK, email::CHECK, iban::CHECK, ipv4::CHECK, ipv6::CHECK, luhn::CHECK];

/// The validator of this name.
///
/// # Errors
/// Where there is none; the error lists those there are.
pub fn check(name: &str) -> Result<&'static Check> {
    CHECKS.iter().find(|c| c.name == name).ok_or_else(|| {
        let known: Vec<&str> = CHECKS.iter().map(|c| c.name).collect();
        Error::unknown("check", name, &known)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_sorted_and_unique_and_documented() {
        assert!(CHECKS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for check in CHECKS {
            assert!(check.doc.ends_with('.') && check.doc.len() > 20, "{}", check.name);
        }
    }

    #[test]
    fn examples_hold() {
        for check in CHECKS {
            assert!(!check.passes.is_empty() && !check.fails.is_empty(), "{}", check.name);
            for text in check.passes {
                assert!((check.valid)(text), "{} must accept '{text}'", check.name);
            }
            for text in check.fails.iter().chain(&["", " ", "\0"]) {
                assert!(!(check.valid)(text), "{} must refuse '{text}'", check.name);
            }
        }
    }

    #[test]
    fn an_unknown_check_lists_the_known() {
        let error = check("lhun").unwrap_err();
        assert_eq!(error.help_text(), Some("known: date, email, iban, ipv4, ipv6, luhn"));
        assert_eq!(check("luhn").unwrap().name, "luhn");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}|[0-9A-Z:./ @-]{0,40}") {
            for check in CHECKS {
                let _ = (check.valid)(&text);
            }
        }
    }
}
