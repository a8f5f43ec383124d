//! What one of several processes does of a job: `2/8` is the second of eight. The parts are disjoint and together
//! everything, and each process can tell its own without asking the others.

use std::fmt;
use std::str::FromStr;

/// One of several parts of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    number: u32,
    of: u32,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Which one, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Of how many.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether it has the thing that comes `index`th of all, from 0: things are dealt in turn.
    pub fn has(self, index: u64) -> bool {
        index % u64::from(self.of) == u64::from(self.number - 1)
    }

    /// A file's name with the part in it: `job` is `job-2-of-8`, and stays as it is where there is one part.
    pub fn name(self, stem: &str) -> String {
        match self {
            Self::WHOLE => stem.to_owned(),
            Self { number, of } => format!("{stem}-{number}-of-{of}"),
        }
    }

    /// The part of a [`Part::name`] with this stem.
    pub fn of_name(name: &str, stem: &str) -> Option<Self> {
        let rest = name.strip_prefix(stem)?;
        if rest.is_empty() {
            return Some(Self::WHOLE);
        }
        let (number, of) = rest.strip_prefix('-')?.split_once("-of-")?;
        format!("{number}/{of}").parse().ok()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let expected = || format!("expected I/N with I from 1 to N, such as 2/8, got '{written}'");
        let (number, of) = written.split_once('/').ok_or_else(expected)?;
        let parsed = number.parse().ok().zip(of.parse().ok());
        let (number, of): (u32, u32) = parsed.ok_or_else(expected)?;
        if number == 0 || number > of {
            return Err(expected());
        }
        Ok(Self { number, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_disjoint_and_together_everything() {
        let parts: Vec<Part> = (1..=3).map(|n| format!("{n}/3").parse().unwrap()).collect();
        for index in 0..20 {
            assert_eq!(parts.iter().filter(|part| part.has(index)).count(), 1);
        }
        assert!(parts[0].has(0) && parts[2].has(5));
    }

    #[test]
    fn names_tell_the_part() {
        let part: Part = "2/8".parse().unwrap();
        assert_eq!(part.name("job"), "job-2-of-8");
        assert_eq!(Part::of_name("job-2-of-8", "job"), Some(part));
        assert_eq!(Part::of_name("job", "job"), Some(Part::WHOLE));
        assert_eq!(Part::of_name("jobs", "job"), None);
        assert_eq!(Part::of_name("job-9-of-8", "job"), None);
    }

    #[test]
    fn what_is_no_part_is_told() {
        for wrong in ["0/8", "9/8", "8", "a/b", "1/0", "-1/2", "1/2/3"] {
            let error = wrong.parse::<Part>().unwrap_err();
            assert!(error.contains("expected I/N") && error.contains(wrong), "{error}");
        }
    }
}
