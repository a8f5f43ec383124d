//! How a text is cased.

/// The casing of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Capitals only.
    Upper,
    /// Every word begins with a capital.
    Title,
    /// No capitals.
    Lower,
    /// Anything else with letters.
    Mixed,
    /// No letters that have a case.
    None,
}

/// All shapes, and what they are.
pub static SHAPES: &[(Shape, &str)] = &[
    (Shape::Upper, "No lower-case letter, at least one capital: `NATO`, `U.S.`, `X`."),
    (
        Shape::Title,
        "Every run of letters is a capital and then lower-case letters; those of up to three letters \
         that are neither first nor last may be in lower case: `New York`, `O'Neil`, `Bank of Rome`.",
    ),
    (Shape::Lower, "No capital, at least one lower-case letter: `paris`, `4th street`."),
    (Shape::Mixed, "Anything else that has capitals and lower-case letters: `iPhone`, `McDonald`."),
    (Shape::None, "No letter that has a case: `42`, `東京`."),
];

impl Shape {
    /// Its name in a rule.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upper => "upper",
            Self::Title => "title",
            Self::Lower => "lower",
            Self::Mixed => "mixed",
            Self::None => "none",
        }
    }

    /// The shape of a text.
    pub fn of(text: &str) -> Self {
        let (upper, lower) = (text.contains(char::is_uppercase), text.contains(char::is_lowercase));
        match (upper, lower) {
            (false, false) => Self::None,
            (true, false) => Self::Upper,
            (false, true) => Self::Lower,
            (true, true) if is_title(text) => Self::Title,
            (true, true) => Self::Mixed,
        }
    }
}

fn is_title(text: &str) -> bool {
    let runs: Vec<&str> =
        text.split(|c: char| !c.is_alphabetic()).filter(|run| !run.is_empty()).collect();
    let last = runs.len().saturating_sub(1);
    runs.iter().enumerate().all(|(number, run)| {
        let mut letters = run.chars();
        let first = letters.next();
        let rest = letters.all(|c| !c.is_uppercase());
        let is_small = number > 0 && number < last && run.chars().count() <= 3;
        // A possessive or a contraction: `Rome's`.
        let is_suffix = number > 0 && matches!(*run, "s" | "t" | "ll" | "re" | "ve" | "d");
        rest && (is_small || is_suffix || first.is_some_and(|c| !c.is_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_hold() {
        for (text, shape) in [
            ("NATO", Shape::Upper),
            ("U.S.", Shape::Upper),
            ("X", Shape::Upper),
            ("New York", Shape::Title),
            ("O'Neil", Shape::Title),
            ("Bank of Rome", Shape::Title),
            ("Rome's", Shape::Title),
            ("the Rome", Shape::Mixed),
            ("paris", Shape::Lower),
            ("4th street", Shape::Lower),
            ("iPhone", Shape::Mixed),
            ("McDonald", Shape::Mixed),
            ("Bank with Money", Shape::Mixed),
            ("42", Shape::None),
            ("東京", Shape::None),
            ("", Shape::None),
        ] {
            assert_eq!(Shape::of(text), shape, "{text}");
        }
    }

    #[test]
    fn names_are_unique_and_documented() {
        let mut names: Vec<&str> = SHAPES.iter().map(|(shape, _)| shape.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SHAPES.len());
        assert!(SHAPES.iter().all(|(_, doc)| doc.ends_with('.')));
    }
}
