//! Names for pieces of patterns: `{{name}}` stands for a macro or a list, `@gazetteer(name)` for a
//! list. What a list is as a pattern is `lists`' business, what the pattern means Oniguruma's.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::lists::{self, List};
use crate::error::{Error, ErrorKind, Location};
use crate::resource::{Files, Section, TomlFile};

/// What is said of a pattern that means `\b` and has something else.
pub(crate) const BACKSPACE: &str = "the pattern holds a backspace (U+0008), which \\b is in TOML's double quotes: write \
                                    patterns in single quotes";

/// A pattern may become so long, in bytes: macros that name each other twice grow without bound.
pub(super) const MAX_PATTERN: usize = 1 << 20;

/// What a macro is written as: a piece of a pattern.
type Macros = BTreeMap<Spanned<String>, Spanned<String>>;

/// The macros and lists of a source or pass, shared by all its rules.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    words: BTreeMap<String, Word>,
}

/// What a name stands for.
#[derive(Debug)]
struct Word {
    file: TomlFile,
    /// Where the name is written.
    name: Range<usize>,
    meaning: Meaning,
    /// Whether a pattern of a rule names it, or a macro that one names.
    is_named: Cell<bool>,
}

/// A macro or list, as one sees it who asks what it is good for.
#[derive(Debug)]
pub(crate) struct NamedPiece {
    pub name: String,
    pub is_list: bool,
    pub place: Location,
    /// Whether a pattern of a rule names it, be it by way of a macro.
    pub is_named: bool,
}

#[derive(Debug)]
enum Meaning {
    Macro(Spanned<String>),
    /// The list as a pattern; `None` where it is wrong, which has been reported.
    List(Option<String>),
}

/// A name inside a pattern.
#[derive(Debug, PartialEq, Eq)]
struct Reference<'p> {
    /// With its braces.
    range: Range<usize>,
    name: &'p str,
    /// Whether it stands in a character class, where no group may be put.
    in_class: bool,
    /// Whether only a list may be meant.
    list: bool,
}

impl Vocabulary {
    /// Takes `macros` and `lists` out of a section of `file` and adds them.
    pub(super) fn take(&mut self, section: &mut Section<'_>, files: &Files) -> Vec<Error> {
        let file = section.file().clone();
        let mut errors = Vec::new();
        match section.take::<Macros>("macros") {
            Ok(macros) => {
                for (name, text) in macros.into_iter().flatten() {
                    self.add(&file, &name, Meaning::Macro(text), &mut errors);
                }
            }
            Err(error) => errors.push(error),
        }
        match section.take::<BTreeMap<Spanned<String>, Spanned<List>>>("lists") {
            Ok(lists) => {
                for (name, list) in lists.into_iter().flatten() {
                    let place = || file.location(list.span());
                    let pattern = list.get_ref().pattern(name.get_ref(), files);
                    let pattern = pattern.map_err(|error| errors.push(error.at(place()))).ok();
                    self.add(&file, &name, Meaning::List(pattern), &mut errors);
                }
            }
            Err(error) => errors.push(error),
        }
        errors
    }

    fn add(
        &mut self,
        file: &TomlFile,
        name: &Spanned<String>,
        meaning: Meaning,
        errors: &mut Vec<Error>,
    ) {
        let mut report = |message: String| {
            let error = Error::new(ErrorKind::Rule, message);
            errors.push(error.at(file.location(name.span())));
        };
        let text = name.get_ref();
        if !is_name(text) {
            report(format!(
                "'{text}' is no name of a macro or list, expected a letter, then letters, digits, - and _"
            ));
        } else if let Some(first) = self.words.get(text) {
            let first = first.file.location(first.name.clone());
            report(format!("the name '{text}' is taken by {first}"));
        } else {
            let is_named = Cell::new(false);
            let word = Word { file: file.clone(), name: name.span(), meaning, is_named };
            self.words.insert(text.clone(), word);
        }
    }

    /// The pattern with all names replaced, and those of what replaces them.
    ///
    /// # Errors
    /// Every name that is unknown or stands for itself, at its place, and a pattern that grows too
    /// long.
    pub(crate) fn expand(
        &self,
        pattern: &Spanned<String>,
        file: &TomlFile,
    ) -> Result<String, Vec<Error>> {
        let mut out = String::new();
        let mut errors = Vec::new();
        self.note_names(pattern.get_ref());
        self.expand_into(&mut out, pattern, file, &mut Vec::new(), &mut errors);
        if out.len() > MAX_PATTERN {
            let message = format!(
                "the pattern is more than {MAX_PATTERN} bytes long with all names replaced"
            );
            errors.push(Error::new(ErrorKind::Rule, message).at(file.location(pattern.span())));
        }
        if out.contains('\u{8}') {
            errors.push(Error::new(ErrorKind::Rule, BACKSPACE).at(file.location(pattern.span())));
        }
        if errors.is_empty() { Ok(out) } else { Err(errors) }
    }

    /// Notes that a pattern names what it names.
    fn note_names(&self, pattern: &str) {
        for word in references(pattern).iter().filter_map(|r| self.words.get(r.name)) {
            if !word.is_named.replace(true)
                && let Meaning::Macro(text) = &word.meaning
            {
                self.note_names(text.get_ref());
            }
        }
    }

    /// All macros and lists, by name. Which of them are named is known when all rules are compiled.
    pub(crate) fn pieces(&self) -> Vec<NamedPiece> {
        let piece = |(name, word): (&String, &Word)| NamedPiece {
            name: name.clone(),
            is_list: matches!(word.meaning, Meaning::List(_)),
            place: word.file.location(word.name.clone()),
            is_named: word.is_named.get(),
        };
        self.words.iter().map(piece).collect()
    }

    /// What is wrong with macros, whether a rule names them or not.
    pub(super) fn check(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        for (name, word) in &self.words {
            if let Meaning::Macro(text) = &word.meaning {
                let (mut out, mut found) = (String::new(), Vec::new());
                self.expand_into(&mut out, text, &word.file, &mut vec![name], &mut found);
                errors.extend(found);
            }
        }
        // One that is named by several is wrong once.
        let mut seen = std::collections::BTreeSet::new();
        errors.retain(|error| seen.insert(error.to_string()));
        errors
    }

    fn expand_into<'v>(
        &'v self,
        out: &mut String,
        pattern: &'v Spanned<String>,
        file: &TomlFile,
        within: &mut Vec<&'v str>,
        errors: &mut Vec<Error>,
    ) {
        let text = pattern.get_ref();
        let mut copied = 0;
        for reference in references(text) {
            let Reference { range, name, in_class, list } = reference;
            let place = || file.location(place_in(file, pattern, part(text, range.clone())));
            out.push_str(part(text, copied..range.start));
            copied = range.end;
            let word = self.words.get_key_value(name);
            let word = word.filter(|(_, w)| !list || matches!(w.meaning, Meaning::List(_)));
            match word {
                None => errors.push(self.unknown(name, list).at(place())),
                Some((name, _)) if within.contains(&name.as_str()) => {
                    let way = [&within[..], &[name.as_str()]].concat().join(" → ");
                    let message = format!("the macro '{name}' stands for itself: {way}");
                    errors.push(Error::new(ErrorKind::Rule, message).at(place()));
                }
                Some(_) if out.len() > MAX_PATTERN || !errors.is_empty() => {}
                Some((_, Word { meaning: Meaning::List(pattern), .. })) => {
                    if in_class {
                        let message = format!("the list '{name}' stands in a character class");
                        errors.push(Error::new(ErrorKind::Rule, message).at(place()));
                    }
                    out.push_str(pattern.as_deref().unwrap_or(""));
                }
                Some((name, Word { meaning: Meaning::Macro(inner), file, .. })) => {
                    within.push(name);
                    out.push_str(if in_class { "" } else { "(?:" });
                    self.expand_into(out, inner, file, within, errors);
                    out.push_str(if in_class { "" } else { ")" });
                    within.pop();
                }
            }
        }
        out.push_str(part(text, copied..text.len()));
    }

    fn unknown(&self, name: &str, list: bool) -> Error {
        let is_list = |word: &Word| matches!(word.meaning, Meaning::List(_));
        let known = self.words.iter().filter(|(_, word)| !list || is_list(word));
        let known: Vec<&str> = known.map(|(name, _)| name.as_str()).collect();
        let error = Error::unknown(if list { "list" } else { "macro" }, name, &known);
        let made = Error::new(ErrorKind::Rule, error.message());
        match error.help_text() {
            Some(help) => made.with_help(help),
            None => made.with_help(
                "write it under [macros] or [lists], or add the file that holds it to 'files'",
            ),
        }
    }
}

/// The part of a text at char boundaries that are known.
pub(super) fn part(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or("")
}

/// Where `part` of a string is written, as far as escapes leave it as it is; else the whole string.
pub(super) fn place_in(file: &TomlFile, whole: &Spanned<String>, part: &str) -> Range<usize> {
    let range = whole.span();
    match file.text.get(range.clone()).and_then(|raw| raw.find(part)) {
        Some(offset) => range.start + offset..range.start + offset + part.len(),
        None => range,
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The names in a pattern, in order.
fn references(pattern: &str) -> Vec<Reference<'_>> {
    let mut found: Vec<Reference<'_>> = Vec::new();
    let mut depth = 0_usize;
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        let rest = part(pattern, at..pattern.len());
        match c {
            '\\' => drop(chars.next()),
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '{' | '@' => {
                let (open, close) = if c == '{' { ("{{", "}}") } else { (lists::GAZETTEER, ")") };
                let inside = rest.strip_prefix(open).and_then(|r| r.split_once(close));
                let Some((name, _)) = inside.filter(|(name, _)| is_name(name)) else { continue };
                let range = at..at + open.len() + name.len() + close.len();
                chars = pattern.char_indices();
                chars.by_ref().take_while(|(next, _)| *next + 1 < range.end).for_each(drop);
                found.push(Reference { range, name, in_class: depth > 0, list: c == '@' });
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vocabulary(toml: &str) -> (Vocabulary, Vec<String>) {
        let file = TomlFile::new("r.toml", toml);
        let mut vocabulary = Vocabulary::default();
        let mut section = file.parse().unwrap();
        let mut errors = vocabulary.take(&mut section, &Files::Folder(".".into()));
        errors.extend(vocabulary.check());
        (vocabulary, errors.iter().map(ToString::to_string).collect())
    }

    fn expanded(toml: &str, pattern: &str) -> Result<String, Vec<String>> {
        let (vocabulary, errors) = vocabulary(toml);
        assert!(errors.is_empty(), "{errors:?}");
        let file = TomlFile::new("p.toml", &format!("p = '{pattern}'"));
        let mut section = file.parse().unwrap();
        let pattern: Spanned<String> = section.take("p").unwrap().unwrap();
        let wrong = |errors: Vec<Error>| errors.iter().map(ToString::to_string).collect();
        vocabulary.expand(&pattern, &file).map_err(wrong)
    }

    #[test]
    fn names_stand_for_pieces() {
        let toml = "[macros]\nmonth = 'May|June'\nday = '[1-9]\\d?'\ndate = '{{day}} {{month}}'\n\
                    letters = 'a-z'\n[lists]\ntitles = ['Dr.', 'Dr. med.']\n";
        for (pattern, expected) in [
            ("on {{month}}$", "on (?:May|June)$"),
            ("{{date}}", r"(?:(?:[1-9]\d?) (?:May|June))"),
            ("[{{letters}}_]{2}", "[a-z_]{2}"),
            (r"\w{3}\{{month}}{1,2}{{2}}", r"\w{3}\{{month}}{1,2}{{2}}"),
            ("@gazetteer(titles) x", r"(?:Dr\.(?:\s+med\.)?) x"),
            ("{{titles}}", r"(?:Dr\.(?:\s+med\.)?)"),
            ("a@gazetteer b", "a@gazetteer b"),
        ] {
            assert_eq!(expanded(toml, pattern).unwrap(), expected, "{pattern}");
        }
    }

    #[test]
    fn unknown_names_are_errors_at_their_place() {
        let toml = "[macros]\nmonth = 'May'\n[lists]\nday = ['1']\n";
        assert_eq!(
            expanded(toml, "a{{mnth}} @gazetteer(month) [{{day}}]").unwrap_err(),
            ["p.toml:1:7: unknown macro 'mnth'", "p.toml:1:16: unknown list 'month'",]
        );
        assert_eq!(
            expanded(toml, "[{{day}}]").unwrap_err(),
            ["p.toml:1:7: the list 'day' stands in a character class"]
        );
    }

    #[test]
    fn what_is_wrong_with_macros_is_said_where_they_stand() {
        let (_, errors) = vocabulary(
            "[macros]\na = '{{b}}'\nb = 'x{{a}}'\nc = '{{d}}'\n1 = ''\n[lists]\na = ['x']\ne = []\n",
        );
        let expected = [
            "r.toml:5:1: '1' is no name of a macro or list",
            "r.toml:8:5: the list 'e' is empty",
            "r.toml:7:1: the name 'a' is taken by r.toml:2:1",
            "r.toml:3:7: the macro 'a' stands for itself: a → b → a",
            "r.toml:2:6: the macro 'b' stands for itself: b → a → b",
            "r.toml:4:6: unknown macro 'd'",
        ];
        for expected in expected {
            assert!(errors.iter().any(|e| e.starts_with(expected)), "{expected} in {errors:#?}");
        }
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    }

    #[test]
    fn growth_is_bounded() {
        let mut toml = "[macros]\na0 = 'xxxxxxxx'\n".to_owned();
        for i in 1..60 {
            toml.push_str(&format!("a{i} = '{{{{a{0}}}}}{{{{a{0}}}}}'\n", i - 1));
        }
        let errors = expanded(&toml, "{{a59}}").unwrap_err();
        assert!(errors.len() == 1 && errors[0].contains("more than 1048576 bytes"), "{errors:?}");
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[\\[\\]{}\\\\a@é()]{0,20}|@gazetteer\\([a)]{0,3}") {
            for reference in references(&pattern) {
                prop_assert!(pattern.get(reference.range).is_some());
            }
        }
    }
}
