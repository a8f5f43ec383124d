//! Patterns of spaCy's EntityRuler (`patterns.jsonl`): names, and sequences of tokens that are plain
//! words. What a pattern matches there it must match here, so any other token is refused.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::input::{Row, wrong};
use super::{Import, Importer, Input, Sink};
use crate::error::Result;
use crate::resource::OptionDoc;
use crate::source::gazetteer::{Case, Entry};

/// The format `spacy`.
pub(super) const IMPORTER: Importer = Importer {
    name: "spacy",
    doc: "Patterns of spaCy's EntityRuler: a text, or tokens of which each is a plain `ORTH`, `TEXT` \
          (the entry matches in this casing) or `LOWER` (in any). Other tokens are rules, not names.",
    options: &[OptionDoc {
        name: "other-patterns",
        value: "refuse | skip, refuse",
        doc: "What becomes of patterns with other tokens (`OP`, `LEMMA`, `REGEX`, …): each is an error, \
              or is left out and counted.",
    }],
    is_noisy: false,
    recognises: |name, head| {
        let first = head.lines().next().unwrap_or("");
        name.ends_with(".jsonl")
            && first.starts_with('{')
            && first.contains("\"pattern\"")
            && !first.contains("\"surface\":")
    },
    open: |settings| {
        let other = settings.choice("other-patterns", &["refuse", "skip"])?;
        Ok(Box::new(Spacy { skips_other: other == "skip" }))
    },
    write: None,
};

struct Spacy {
    skips_other: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    label: String,
    pattern: Pattern,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or tokens")]
enum Pattern {
    Text(String),
    Tokens(Vec<Map<String, Value>>),
}

impl Import for Spacy {
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()> {
        input.each_line(sink, |row, sink| match row.text.trim().is_empty() {
            true => Ok(()),
            false => self.add(row, sink),
        })
    }
}

impl Spacy {
    fn add(&self, row: Row<'_>, sink: &mut Sink<'_>) -> Result<()> {
        let line: Line = row.json_object(row.text)?;
        let surface = match &line.pattern {
            Pattern::Text(text) => Ok((text.clone(), Case::Exact)),
            Pattern::Tokens(tokens) => surface_of(tokens),
        };
        let (surface, case) = match surface {
            Ok(surface) => surface,
            Err(_) if self.skips_other => {
                sink.leave_out("patterns that are rules");
                return Ok(());
            }
            Err(why) => {
                let help =
                    "--other-patterns skip leaves such patterns out; a rule can say the same";
                return Err(wrong(format!("the pattern is no name: {why}")).with_help(help));
            }
        };
        if line.label.trim().is_empty() {
            return Err(wrong("the label is empty"));
        }
        let mut entry = Entry::new(surface.trim(), sink.label(&line.label));
        entry.id = line.id.filter(|id| !id.is_empty());
        entry.case = Some(case);
        sink.add(entry)
    }
}

/// The text that a sequence of tokens stands for and its casing, or why it stands for none.
fn surface_of(tokens: &[Map<String, Value>]) -> std::result::Result<(String, Case), String> {
    let mut surface = String::new();
    let mut case = None;
    let mut joins = true;
    for (number, token) in (1..).zip(tokens) {
        let mut members = token.iter();
        let (Some((key, value)), None) = (members.next(), members.next()) else {
            return Err(format!("token {number} is not one plain word"));
        };
        let own = match key.to_ascii_uppercase().as_str() {
            "ORTH" | "TEXT" => Case::Exact,
            "LOWER" => Case::Fold,
            _ => return Err(format!("token {number} has '{key}'")),
        };
        let Value::String(word) = value else {
            return Err(format!("'{key}' of token {number} is no text"));
        };
        // What has no case fits both.
        if word.chars().any(|c| c.is_lowercase() || c.is_uppercase()) {
            if case.is_some_and(|case| case != own) {
                return Err("some of its tokens ask for a casing and some do not".to_owned());
            }
            case = Some(own);
        }
        if !joins && !joins_left(word) {
            surface.push(' ');
        }
        surface.push_str(word);
        joins = joins_right(word);
    }
    if surface.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok((surface, case.unwrap_or(Case::Fold)))
}

/// Whether English writes a token without a space before it.
fn joins_left(word: &str) -> bool {
    matches!(word, "-" | "–" | "/" | "'" | "." | "," | ":" | ";" | "!" | "?" | ")" | "]" | "%")
        || matches!(word.to_lowercase().as_str(), "'s" | "’s" | "n't" | "n’t")
}

/// Whether English writes no space after a token.
fn joins_right(word: &str) -> bool {
    matches!(word, "-" | "–" | "/" | "'" | "(" | "[" | "$" | "#" | "@")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{import, messages};
    use super::*;

    #[test]
    fn texts_and_plain_tokens_are_names() {
        let text = r##"{"label": "ORG", "pattern": "Apple", "id": "apple"}
{"label": "LOC", "pattern": [{"LOWER": "san"}, {"lower": "francisco"}]}
{"label": "ORG", "pattern": [{"ORTH": "McDonald"}, {"TEXT": "'s"}]}
{"label": "LOC", "pattern": [{"LOWER": "baden"}, {"ORTH": "-"}, {"LOWER": "baden"}], "id": ""}
"##;
        let (entries, imported) = import(&IMPORTER, &[], text);
        assert_eq!(
            entries,
            [
                "Apple ORG apple 1 case=exact",
                "san francisco LOC - 1 case=fold",
                "McDonald's ORG - 1 case=exact",
                "baden-baden LOC - 1 case=fold",
            ]
        );
        assert_eq!(imported.problem_count, 0);
    }

    #[test]
    fn patterns_that_are_rules_are_named_or_counted() {
        let text = r#"{"label": "A", "pattern": [{"LOWER": "a", "OP": "?"}]}
{"label": "A", "pattern": [{"TEXT": {"REGEX": "x"}}]}
{"label": "A", "pattern": [{"LEMMA": "go"}]}
{"label": "A", "pattern": [{"TEXT": "New"}, {"LOWER": "york"}]}
{"label": "A", "pattern": []}
{"label": "", "pattern": "x"}
{"label": "A", "pattern": 7}
"#;
        let start = |i: usize, why: &str| format!("in:{i}: the pattern is no name: {why}");
        let problems = messages(&IMPORTER, &[], text);
        assert_eq!(
            problems[..6],
            [
                start(1, "token 1 is not one plain word"),
                start(2, "'TEXT' of token 1 is no text"),
                start(3, "token 1 has 'LEMMA'"),
                start(4, "some of its tokens ask for a casing and some do not"),
                start(5, "it is empty"),
                "in:6: the label is empty".to_owned(),
            ]
        );
        assert!(
            problems[6].starts_with("in:7:28: invalid JSON: expected a text or tokens"),
            "{problems:?}"
        );
        let (_, imported) = import(&IMPORTER, &[("other-patterns", "skip")], text);
        assert_eq!(imported.left_out["patterns that are rules"], 5);
        assert_eq!(imported.problem_count, 2);
    }
}
