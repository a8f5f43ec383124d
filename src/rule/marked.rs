//! Texts with entities marked in them, as cases of rules about entities are written:
//! `[Paris](LOC) and [[New York](LOC 0.7 places) Times](ORG)`.

use crate::span::{Candidate, Label, Origin, order};
use crate::text::Span;

/// The source of what is marked without one.
const SOURCE: &str = "case";

/// The score of what is marked without one.
const SCORE: f32 = 0.5;

/// A text without its marks, and the entities.
#[derive(Debug, PartialEq)]
pub(crate) struct Marked {
    /// The text.
    pub text: String,
    /// The entities in the order of output, and whether their score is written.
    pub entities: Vec<(Candidate, bool)>,
}

impl Marked {
    /// Takes the marks out of a text.
    ///
    /// # Errors
    /// What is wrong with a mark.
    pub(crate) fn parse(marked: &str) -> Result<Self, String> {
        let mut text = String::new();
        let mut entities = Vec::new();
        let mut open = Vec::new();
        let mut rest = marked;
        while let Some(c) = rest.chars().next() {
            rest = rest.get(c.len_utf8()..).unwrap_or("");
            match c {
                '\\' if rest.starts_with(['[', ']', '\\']) => {
                    let (sign, after) = rest.split_at(1);
                    text.push_str(sign);
                    rest = after;
                }
                '[' => open.push(text.len()),
                ']' => {
                    let start =
                        open.pop().ok_or("a ] closes no [; the character is written \\]")?;
                    let inside = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
                    let (inside, after) = inside.ok_or("after ] expected (LABEL)")?;
                    rest = after;
                    entities.push(entity(inside, Span::new(start, text.len()))?);
                }
                c => text.push(c),
            }
        }
        if !open.is_empty() {
            return Err("a [ is not closed; the character is written \\[".to_owned());
        }
        entities.sort_by(|(a, _), (b, _)| order::compare(a, b));
        Ok(Self { text, entities })
    }

    /// The candidates.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        self.entities.iter().map(|(candidate, _)| candidate.clone()).collect()
    }

    /// Whether `candidates` are the entities; a score counts where it is written, to two decimals.
    pub(crate) fn agrees(&self, candidates: &[Candidate]) -> bool {
        let about = |a: f32, b: f32| (a - b).abs() < 0.005;
        let same = |(expected, scored): &(Candidate, bool), got: &Candidate| {
            expected.span == got.span
                && expected.label == got.label
                && (!scored || about(expected.score, got.score))
        };
        let mut left: Vec<&Candidate> = candidates.iter().collect();
        left.len() == self.entities.len()
            && self.entities.iter().all(|expected| {
                let found = left.iter().position(|got| same(expected, got));
                found.map(|number| left.remove(number)).is_some()
            })
    }
}

/// What stands in the brackets after a marked text: the label, a score, a source.
fn entity(inside: &str, span: Span) -> Result<(Candidate, bool), String> {
    let mut parts = inside.split_whitespace();
    let label = parts.next().ok_or("expected a label in ()")?;
    let (mut score, mut source) = (None, SOURCE);
    for part in parts {
        match part.parse::<f32>() {
            Ok(number) if (0.0..=1.0).contains(&number) => score = Some(number),
            Ok(number) => return Err(format!("the score is {number}, expected 0 to 1")),
            Err(_) => source = part,
        }
    }
    if span.is_empty() {
        return Err(format!("the {label} is empty"));
    }
    let candidate = Candidate {
        span,
        label: Label::new(label),
        score: score.unwrap_or(SCORE),
        origins: vec![Origin::new(&source.into(), "")],
        overruled: Vec::new(),
    };
    Ok((candidate, score.is_some()))
}

/// Candidates as a message shows them.
pub(crate) fn shown(candidates: &[Candidate], text: &str) -> String {
    let one = |c: &Candidate| {
        format!("{} {:?} {:.2}", c.label, c.span.slice(text).unwrap_or(""), c.score)
    };
    if candidates.is_empty() {
        return "nothing".to_owned();
    }
    candidates.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_out() {
        let marked = Marked::parse(r"In [[New York](LOC 0.7 places) Times](ORG) \[1\].").unwrap();
        assert_eq!(marked.text, "In New York Times [1].");
        let candidates = marked.candidates();
        assert_eq!(
            shown(&candidates, &marked.text),
            "ORG \"New York Times\" 0.50, LOC \"New York\" 0.70"
        );
        assert!(candidates[1].is_from("places"));
        assert!(marked.agrees(&candidates));
        let mut other = candidates.clone();
        other[0].score = 0.9;
        assert!(marked.agrees(&other));
        other[1].score = 0.6;
        assert!(!marked.agrees(&other) && !marked.agrees(&candidates[..1]));
    }

    #[test]
    fn what_is_wrong_with_a_mark_is_said() {
        for (marked, expected) in [
            ("[a", "a [ is not closed"),
            ("a]", "a ] closes no ["),
            ("[a]", "after ] expected (LABEL)"),
            ("[a]()", "expected a label"),
            ("[](X)", "the X is empty"),
            ("[a](X 2)", "the score is 2"),
        ] {
            let error = Marked::parse(marked).unwrap_err();
            assert!(error.starts_with(expected), "{marked}: {error}");
        }
    }
}
