//! Lists of strings as patterns: an alternation in which the longest comes first, written as a trie,
//! so that what strings have in common is looked at once.

use serde::Deserialize;

use super::macros::MAX_PATTERN;
use crate::error::{Error, ErrorKind, Result};
use crate::resource::Files;

/// How a pattern names a list, up to the name.
pub(super) const GAZETTEER: &str = "@gazetteer(";

/// The most strings of a list. Tens of thousands are a gazetteer's work, whose time does not depend
/// on how many there are.
const MAX_STRINGS: usize = 20_000;

/// The longest string, in characters.
const MAX_LENGTH: usize = 1_000;

/// A list as written: strings, or files that hold them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a list of strings, or { files = […], labels = […] }")]
pub(super) enum List {
    Strings(Vec<String>),
    Files(InFiles),
}

/// Strings in files: one a line, or the first column of a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InFiles {
    files: Vec<String>,
    /// Only lines that have one of these in the second column.
    labels: Option<Vec<String>>,
}

/// A step through the strings: a character, or any white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Space,
    Char(char),
}

impl List {
    /// The list as a pattern.
    ///
    /// # Errors
    /// Where a file cannot be read, the list is empty, or it is too large.
    pub(super) fn pattern(&self, name: &str, files: &Files) -> Result<String> {
        let strings = match self {
            Self::Strings(strings) => strings.clone(),
            Self::Files(written) => written.read(files)?,
        };
        let wrong = |message: String| Err(Error::new(ErrorKind::Rule, message));
        let mut keys: Vec<Vec<Key>> = strings.iter().map(|string| keys(string)).collect();
        keys.retain(|keys| !keys.is_empty());
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            return wrong(format!("the list '{name}' is empty, expected at least one string"));
        }
        if keys.len() > MAX_STRINGS {
            let count = keys.len();
            return wrong(format!("the list '{name}' has {count} strings, at most {MAX_STRINGS}"))
                .map_err(|error| error.with_help("a source of kind 'gazetteer' holds any number"));
        }
        if let Some(long) = keys.iter().map(Vec::len).find(|length| *length > MAX_LENGTH) {
            return wrong(format!(
                "the list '{name}' has a string of {long} characters, at most {MAX_LENGTH}"
            ));
        }
        let pattern = trie(&keys);
        if pattern.len() > MAX_PATTERN {
            let bytes = pattern.len();
            return wrong(format!(
                "the list '{name}' is a pattern of {bytes} bytes, at most {MAX_PATTERN}"
            ));
        }
        Ok(pattern)
    }
}

impl InFiles {
    fn read(&self, files: &Files) -> Result<Vec<String>> {
        let mut strings = Vec::new();
        for pattern in &self.files {
            for name in files.expand(pattern)? {
                let text = files.read_text(&name)?;
                for line in text.lines().filter(|line| !line.starts_with('#')) {
                    let mut columns = line.split('\t');
                    let string = columns.next().unwrap_or("");
                    let label = columns.next().unwrap_or("").trim();
                    if self.labels.as_ref().is_none_or(|l| l.iter().any(|known| known == label)) {
                        strings.push(string.to_owned());
                    }
                }
            }
        }
        Ok(strings)
    }
}

/// The steps through a string, whose white space at the ends does not count.
fn keys(string: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    for word in string.split_whitespace() {
        if !keys.is_empty() {
            keys.push(Key::Space);
        }
        keys.extend(word.chars().map(Key::Char));
    }
    keys
}

/// The pattern of sorted, distinct, non-empty strings.
fn trie(strings: &[Vec<Key>]) -> String {
    let mut out = String::from("(?:");
    branches(strings, 0, &mut out);
    out.push(')');
    out
}

/// Writes what strings that agree in their first `depth` steps match after them; none of them ends
/// there.
fn branches(strings: &[Vec<Key>], depth: usize, out: &mut String) {
    for (number, group) in strings.chunk_by(|a, b| a[depth] == b[depth]).enumerate() {
        if number > 0 {
            out.push('|');
        }
        let mut depth = depth;
        // Strings that end here are first, because they are the shortest.
        while group[0].len() > depth && group.iter().all(|s| s[depth] == group[0][depth]) {
            push(group[0][depth], out);
            depth += 1;
        }
        let (ended, longer) = group.split_at(usize::from(group[0].len() == depth));
        if !longer.is_empty() {
            out.push_str("(?:");
            branches(longer, depth, out);
            out.push_str(if ended.is_empty() { ")" } else { ")?" });
        }
    }
}

/// Writes a step so that it stands for itself, whatever the options.
fn push(key: Key, out: &mut String) {
    match key {
        Key::Space => out.push_str(r"\s+"),
        Key::Char(c) => {
            // `<` would begin an entity, `#` a comment.
            if r".^$*+?()[]{}|\&-<#".contains(c) {
                out.push('\\');
            }
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onig::Regex;
    use proptest::prelude::*;

    fn pattern(strings: &[&str]) -> String {
        let strings = strings.iter().map(|s| (*s).to_owned()).collect();
        List::Strings(strings).pattern("l", &Files::Folder(".".into())).unwrap()
    }

    #[test]
    fn what_strings_share_is_written_once() {
        for (strings, expected) in [
            (&["Dr."][..], r"(?:Dr\.)"),
            (&["Mr", "Mrs", "Ms"], "(?:M(?:r(?:s)?|s))"),
            (&["New  York", " New York City\t"], r"(?:New\s+York(?:\s+City)?)"),
            (&["a+b", "c"], r"(?:a\+b|c)"),
            (&["a", "", "a"], "(?:a)"),
        ] {
            assert_eq!(pattern(strings), expected);
        }
    }

    #[test]
    fn a_list_too_large_says_so() {
        let files = Files::Folder(".".into());
        let many = List::Strings((0..=MAX_STRINGS).map(|i| i.to_string()).collect());
        let error = many.pattern("l", &files).unwrap_err();
        assert_eq!(error.message(), "the list 'l' has 20001 strings, at most 20000");
        let long = List::Strings(vec!["x".repeat(MAX_LENGTH + 1)]);
        assert!(long.pattern("l", &files).unwrap_err().message().contains("1001 characters"));
        assert!(List::Strings(vec![" ".into()]).pattern("l", &files).is_err());
    }

    #[test]
    fn files_give_their_first_column() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.tsv"), "# c\nDr.\tTITLE\nSir\tTITLE\tx\nParis\tLOC\n")
            .unwrap();
        let files = Files::Folder(folder.path().to_owned());
        let list = |labels: Option<Vec<String>>| {
            List::Files(InFiles { files: vec!["*.tsv".into()], labels }).pattern("l", &files)
        };
        assert_eq!(list(None).unwrap(), r"(?:Dr\.|Paris|Sir)");
        assert_eq!(list(Some(vec!["LOC".into()])).unwrap(), "(?:Paris)");
        let missing = List::Files(InFiles { files: vec!["no.tsv".into()], labels: None });
        assert!(missing.pattern("l", &files).is_err());
    }

    proptest! {
        #[test]
        fn the_trie_matches_the_longest_string_of_the_list(
            strings in proptest::collection::vec("[ab.*\\] é<#-]{1,6}", 1..12),
            text in "[ab.*\\] é<#-]{0,16}",
        ) {
            let words = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
            let strings: Vec<String> =
                strings.iter().map(|s| words(s)).filter(|s| !s.is_empty()).collect();
            prop_assume!(!strings.is_empty());
            let text = words(&text);
            let list: Vec<&str> = strings.iter().map(String::as_str).collect();
            let regex = Regex::new(&pattern(&list)).unwrap();
            for (at, _) in text.char_indices() {
                let here = text.get(at..).unwrap();
                let expected = list.iter().filter(|s| here.starts_with(**s)).map(|s| s.len()).max();
                let got = regex.match_with_options(
                    here, 0, onig::SearchOptions::SEARCH_OPTION_NONE, None,
                );
                prop_assert_eq!(got, expected, "{:?} in {:?}", &list, here);
            }
        }
    }
}
