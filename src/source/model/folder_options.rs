//! What the section `spanloom` of a `config.json` says: the head, other names of weights, and tags that
//! are no labels. A folder without one is a token classifier as `transformers` saves it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Location, Result};

/// The section; each key may be absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderOptions {
    /// The head: `kind`, and what that kind reads (see [`super::head::HEADS`]).
    #[serde(default)]
    pub head: Map<String, Value>,
    /// By the name of a weight here, its name in the file. A name that ends in `.` stands for all that
    /// begin with it.
    #[serde(default)]
    pub weights: BTreeMap<String, String>,
    /// Tags that never are part of an entity, such as those of special tokens and of continued words.
    #[serde(default)]
    pub ignored_tags: Vec<String>,
}

/// The keys of `config.json` that every architecture has.
#[derive(Deserialize)]
pub(super) struct Common {
    pub(super) model_type: String,
    #[serde(default)]
    id2label: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) spanloom: FolderOptions,
}

impl Common {
    /// Reads the text of a `config.json`; `place` names it.
    ///
    /// # Errors
    /// Where it is not JSON, or one of these keys is wrong.
    pub(super) fn parse(config: &str, place: &str) -> Result<Self> {
        parse_config(config, place)
    }

    /// The tag names in id order.
    ///
    /// # Errors
    /// Where there is none, or an id is left out.
    pub(super) fn tag_names(&self) -> Result<Vec<String>> {
        if self.id2label.is_empty() {
            let message = "no id2label: this is not a token classifier".to_owned();
            return Err(Error::new(ErrorKind::Model, message));
        }
        in_order(&self.id2label)
    }
}

/// The names of an `id2label` in the order of their ids.
///
/// # Errors
/// Where an id is left out.
pub(super) fn in_order(id2label: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let name = |id: usize| {
        let missing = || {
            let message = format!("id2label has no id {id} of {}", id2label.len());
            Error::new(ErrorKind::Model, message)
        };
        id2label.get(&id.to_string()).cloned().ok_or_else(missing)
    };
    (0..id2label.len()).map(name).collect()
}

/// Reads the text of a `config.json`; `place` names it.
///
/// # Errors
/// Where it is not JSON, or not of this type.
pub fn parse_config<T: DeserializeOwned>(config: &str, place: &str) -> Result<T> {
    serde_json::from_str(config).map_err(|e| {
        Error::new(ErrorKind::Model, format!("not a model configuration: {e}")).at(Location::line(
            place,
            e.line(),
            e.column(),
        ))
    })
}

/// The names that tensors have here, where `map` says what the file calls them (see
/// [`FolderOptions::weights`]). An exact name goes before a part of one, and a longer part before a
/// shorter; what the map does not name keeps its name, but where a mapped tensor takes it.
///
/// # Errors
/// Where a name of the map is in no file, or two tensors get one name.
pub(super) fn rename<T>(
    tensors: BTreeMap<String, T>,
    map: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, T>> {
    if map.is_empty() {
        return Ok(tensors);
    }
    let wrong = |message: String| Error::new(ErrorKind::Model, message);
    for (ours, theirs) in map {
        if ours.ends_with('.') != (theirs.ends_with('.') || theirs.is_empty()) {
            let message = format!("spanloom.weights: '{ours}' and '{theirs}' must both end in '.'");
            return Err(wrong(message));
        }
        let is_it = |name: &String| name == theirs || (is_part(theirs) && name.starts_with(theirs));
        if !tensors.keys().any(is_it) {
            let some: Vec<&str> = tensors.keys().take(5).map(String::as_str).collect();
            let message = format!("spanloom.weights: no weight of the file is called '{theirs}'");
            return Err(wrong(message).with_help(format!("it has {}, …", some.join(", "))));
        }
    }
    let mut by_length: Vec<(&String, &String)> = map.iter().collect();
    by_length.sort_by_key(|(_, theirs)| (is_part(theirs), std::cmp::Reverse(theirs.len())));
    let mapped = |name: &str| {
        by_length.iter().find_map(|(ours, theirs)| match name.strip_prefix(theirs.as_str()) {
            Some("") => Some((*ours).clone()),
            Some(rest) if is_part(theirs) => Some(format!("{ours}{rest}")),
            _ => None,
        })
    };
    let (mut renamed, mut kept) = (BTreeMap::new(), BTreeMap::new());
    for (name, tensor) in tensors {
        match mapped(&name) {
            None => {
                kept.insert(name, tensor);
            }
            Some(ours) => {
                if renamed.contains_key(&ours) {
                    return Err(wrong(format!("spanloom.weights: two weights become '{ours}'")));
                }
                renamed.insert(ours, tensor);
            }
        }
    }
    for (name, tensor) in kept {
        renamed.entry(name).or_insert(tensor);
    }
    Ok(renamed)
}

/// Whether a name of the map stands for all that begin with it.
fn is_part(name: &str) -> bool {
    name.is_empty() || name.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(names: &[&str], map: &[(&str, &str)]) -> Result<Vec<String>> {
        let tensors = names.iter().map(|n| ((*n).to_owned(), ())).collect();
        let map = map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        rename(tensors, &map).map(|tensors| tensors.into_keys().collect())
    }

    #[test]
    fn parts_and_whole_names_are_replaced() {
        let names = ["encoder.a", "encoder.out.b", "hidden2tag.bias", "trans", "other"];
        let map = [
            ("bert.", "encoder."),
            ("classifier.", "hidden2tag."),
            ("crf.transitions", "trans"),
            ("last.", "encoder.out."),
        ];
        let expected = ["bert.a", "classifier.bias", "crf.transitions", "last.b", "other"];
        assert_eq!(renamed(&names, &map).unwrap(), expected);
        assert_eq!(renamed(&["a.b"], &[("bert.", "")]).unwrap(), ["bert.a.b"]);
        // A mapped weight takes the name of one that is not.
        assert_eq!(renamed(&["x", "y"], &[("x", "y")]).unwrap(), ["x"]);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let told = |names: &[&str], map: &[(&str, &str)]| renamed(names, map).unwrap_err();
        assert!(told(&["lstm.w"], &[("lstm.", "lstn.")]).to_string().contains("'lstn.'"));
        assert!(told(&["a.w"], &[("b", "a.")]).to_string().contains("both end in '.'"));
        let twice = told(&["a.w", "b"], &[("c.", "a."), ("c.w", "b")]);
        assert!(twice.to_string().contains("two weights become 'c.w'"), "{twice}");
    }

    #[test]
    fn unknown_keys_are_errors_with_their_line() {
        let text = "{\"model_type\": \"bert\",\n\"spanloom\": {\"heads\": 1}}";
        let error = Common::parse(text, "config.json").err().unwrap();
        assert!(error.to_string().contains("heads"), "{error}");
        assert_eq!(error.location().unwrap().line, 2);
    }
}
