//! The names of tags that an input writes as numbers: lists that corpora have by convention, and those that
//! a user gives.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::tokens::check_tag;
use crate::error::{Error, ErrorKind, Location};
use crate::span::scheme::LetterPlace;

/// Lists of names that need not be given, each under the name of its corpus.
pub const BUILT_IN: &[(&str, &[&str])] = &[("multinerd", MULTINERD), ("wikineural", WIKINEURAL)];

/// The tags of MultiNERD in the order of the card of its publisher,
/// <https://huggingface.co/datasets/Babelscape/multinerd>. The copy `tner/multinerd` numbers them otherwise
/// (LOC before ORG, PLANT before MYTH, and two labels more): its `label.json` can be given as a file.
const MULTINERD: &[&str] = &[
    "O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-ANIM", "I-ANIM", "B-BIO",
    "I-BIO", "B-CEL", "I-CEL", "B-DIS", "I-DIS", "B-EVE", "I-EVE", "B-FOOD", "I-FOOD", "B-INST",
    "I-INST", "B-MEDIA", "I-MEDIA", "B-MYTH", "I-MYTH", "B-PLANT", "I-PLANT", "B-TIME", "I-TIME",
    "B-VEHI", "I-VEHI",
];

/// The tags of WikiNEuRal in the order of the card of its publisher,
/// <https://huggingface.co/datasets/Babelscape/wikineural>.
const WIKINEURAL: &[&str] =
    &["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"];

/// Reads what a user gives: the name of a built-in list, names parted by commas, or a file with one name
/// a line, a JSON list, or a JSON object of names and numbers.
///
/// # Errors
/// Where the file cannot be read, or a name is no tag.
pub fn load(given: &str) -> Result<Arc<[String]>, Error> {
    if let Some((_, names)) = BUILT_IN.iter().find(|(name, _)| *name == given) {
        return Ok(names.iter().map(|name| (*name).to_owned()).collect());
    }
    let (names, place): (Vec<String>, _) = if given.contains(',')
        || check_tag(given, LetterPlace::First).is_ok()
    {
        (given.split(',').map(|name| name.trim().to_owned()).collect(), None)
    } else if Path::new(given).is_file() {
        let text = std::fs::read_to_string(given).map_err(|e| Error::io("read", given, e))?;
        let in_file = |message| Error::new(ErrorKind::Document, message).at(Location::file(given));
        (parse(&text).map_err(in_file)?, Some(Location::file(given)))
    } else {
        let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(Error::unknown("list of tag names", given, &known).with_help(format!(
            "known: {}; else names parted by commas, or a file",
            known.join(", ")
        )));
    };
    for (number, name) in names.iter().enumerate() {
        if let Err(message) = check_tag(name, LetterPlace::First) {
            let error =
                Error::new(ErrorKind::Document, format!("name {number} of the tags: {message}"));
            return Err(place.into_iter().fold(error, Error::at));
        }
    }
    Ok(names.into())
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => {
            let mut numbered = Vec::with_capacity(map.len());
            for (key, value) in &map {
                // Names of numbers, as `label2id` has them, or numbers of names, as `id2label` has.
                let (name, number) = match (value.as_u64(), value.as_str()) {
                    (Some(number), _) => (key.as_str(), Some(number)),
                    (_, Some(name)) => (name, key.parse().ok()),
                    _ => (key.as_str(), None),
                };
                let number = number.ok_or_else(|| format!("'{key}' has no number"))?;
                numbered.push((number, name.to_owned()));
            }
            numbered.sort();
            let gap = (0..).zip(&numbered).find(|(expected, (number, _))| expected != number);
            match gap {
                Some((expected, _)) => Err(format!("no name has the number {expected}")),
                None => Ok(numbered.into_iter().map(|(_, name)| name).collect()),
            }
        }
        Ok(list @ Value::Array(_)) => super::tokens::strings("names", &list),
        _ => Ok(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()),
    }
}

/// The name of a number.
///
/// # Errors
/// Where there are no names, or fewer.
pub(super) fn name(names: Option<&[String]>, number: i64) -> Result<String, String> {
    let Some(names) = names else {
        let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "the tag is the number {number}, and nothing says its name; `--tag-names` does: {}, names \
             parted by commas, or a file",
            known.join(", ")
        ));
    };
    let name = usize::try_from(number).ok().and_then(|number| names.get(number));
    name.cloned().ok_or_else(|| {
        format!("the tag is the number {number}, expected one from 0 to {}", names.len().max(1) - 1)
    })
}

/// The numbers of names.
///
/// # Errors
/// Where one is not among `names`.
pub(super) fn numbers(names: &[String], tags: &[String]) -> Result<Vec<i64>, String> {
    let number = |tag: &String| {
        let place = names.iter().position(|name| name == tag);
        let place = place.and_then(|place| i64::try_from(place).ok());
        place.ok_or_else(|| {
            format!("the tag '{tag}' is not among the names of tags: {}", names.join(", "))
        })
    };
    tags.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_built_in_in_a_list_and_in_files() {
        assert_eq!(load("multinerd").unwrap().len(), 31);
        assert_eq!(load("wikineural").unwrap()[8], "I-MISC");
        assert_eq!(*load("O,B-X, I-X").unwrap(), ["O", "B-X", "I-X"]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names");
        let path = path.to_str().unwrap();
        for text in [
            "O\nB-X\n",
            "[\"O\", \"B-X\"]",
            "{\"B-X\": 1, \"O\": 0}",
            "{\"0\": \"O\", \"1\": \"B-X\"}",
        ] {
            std::fs::write(path, text).unwrap();
            assert_eq!(*load(path).unwrap(), ["O", "B-X"], "{text}");
        }
        for (text, expected) in [
            ("{\"O\": 0, \"B-X\": 2}", ": no name has the number 1"),
            ("O\nword\n", ": name 1 of the tags: expected a tag such as O or B-PER, got 'word'"),
        ] {
            std::fs::write(path, text).unwrap();
            assert_eq!(load(path).unwrap_err().to_string(), format!("{path}{expected}"));
        }
        let error = load("multinerds").unwrap_err();
        assert_eq!(error.to_string(), "unknown list of tag names 'multinerds'");
    }

    #[test]
    fn numbers_without_names_are_explained() {
        let error = name(None, 3).unwrap_err();
        assert!(error.starts_with("the tag is the number 3, and nothing says its name"), "{error}");
        let names = ["O".to_owned(), "B-X".to_owned()];
        assert_eq!(name(Some(&names), 1).unwrap(), "B-X");
        let error = name(Some(&names), 2).unwrap_err();
        assert_eq!(error, "the tag is the number 2, expected one from 0 to 1");
        assert!(name(Some(&names), -1).is_err());
        assert_eq!(numbers(&names, &["B-X".to_owned()]).unwrap(), [1]);
        assert!(numbers(&names, &["B-Y".to_owned()]).is_err());
    }
}
