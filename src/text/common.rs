//! The words that a language uses whatever it talks about: a list, and the question whether a text is
//! made of nothing else.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::fold::{FoldOptions, fold};

/// The words that occur in a language whatever the topic, in lower case: their casing must speak for
/// a name before they are taken for one.
#[derive(Debug, Default)]
pub struct CommonWords(Option<HashSet<String, RandomState>>);

impl CommonWords {
    /// Adds the words of a list: one a line, blank lines and lines that begin with `#` skipped.
    pub fn add(&mut self, list: &str) {
        let words = self.0.get_or_insert_default();
        let lines = list.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        words.extend(lines.map(|word| fold(word, FoldOptions::ALL).into_text()));
    }

    /// Whether there is a list at all.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a folded word is on a list.
    pub fn contains(&self, word: &str) -> bool {
        self.0.as_ref().is_some_and(|words| words.contains(word))
    }

    /// Whether all words of a text are common; never where no list is given.
    pub fn are_all_of(&self, text: &str) -> bool {
        self.is_given() && self.are_all(fold(text, FoldOptions::ALL).text())
    }

    /// Whether all words of a folded surface are common; never where no list is given.
    pub fn are_all(&self, key: &str) -> bool {
        self.is_given()
            && words(key).all(|word| {
                self.contains(word) || word.strip_suffix("'s").is_some_and(|w| self.contains(w))
            })
    }
}

/// The words of a text whose apostrophes are folded, parted at everything else that is no letter or
/// digit.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_common_words_are_told_from_others() {
        let mut common = CommonWords::default();
        assert!(!common.are_all_of("china"));
        common.add("# a list\nchina\n\nfine\n");
        assert!(common.are_all_of("Fine  CHINA") && common.are_all_of("china's"));
        assert!(!common.are_all_of("fine york"));
    }
}
