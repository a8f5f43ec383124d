//! The rules of a source or pass: those in its own section of the engine file, those of the files it
//! names, the macros and lists that they share, and which of them to use.

use serde::Deserialize;
use toml::Spanned;

use super::macros::Vocabulary;
use super::schema::{self, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::{Files, OptionDoc, Section, TomlFile};
use crate::text::Document;

/// The keys that whatever holds rules has, in a source or a pass.
pub(crate) const FILES: OptionDoc = OptionDoc {
    name: "files",
    value: "list of strings, []",
    doc: "Rule files, or globs of them: [[rule]] tables, and [macros] and [lists] that the rules of \
          all files share.",
};

/// See [`FILES`].
pub(crate) const MACROS: OptionDoc = OptionDoc {
    name: "macros",
    value: "table of patterns, {}",
    doc: "Names for pieces of patterns, written `{{name}}` in a pattern; also in rule files.",
};

/// See [`FILES`].
pub(crate) const LISTS: OptionDoc = OptionDoc {
    name: "lists",
    value: "table of lists, {}",
    doc: "Lists of strings, or `{ files = [\"…\"], labels = [\"…\"] }` for the first column of files, \
          written `@gazetteer(name)` in a pattern; also in rule files. At most 20000 strings.",
};

/// See [`FILES`].
pub(crate) const RULES: OptionDoc = OptionDoc {
    name: "rules",
    value: "list of strings, all",
    doc: "The ids of the rules to use; the others are left out.",
};

/// See [`FILES`].
pub(crate) const WITHOUT: OptionDoc = OptionDoc {
    name: "without",
    value: "list of strings, []",
    doc: "The ids of rules to leave out.",
};

/// See [`FILES`].
pub(crate) const RETRY_LIMIT: OptionDoc = OptionDoc {
    name: "retry-limit",
    value: "number, 1000000",
    doc: "How often a match may backtrack at one place before its rule is given up with a warning; a \
          rule also has a limit, far above what is sound, for all of a document.",
};

/// How often a match that begins at one place may backtrack where the engine file does not say.
const DEFAULT_RETRIES: u32 = 1_000_000;

/// Rules as read, with what was wrong.
#[derive(Debug, Default)]
pub(crate) struct Pack {
    /// The rules: first those of the section.
    pub rules: Vec<Written>,
    /// What their patterns may name.
    pub vocabulary: Vocabulary,
    /// What is wrong so far.
    pub errors: Vec<Error>,
}

impl Pack {
    /// Takes `rule`, `macros` and `lists` out of a section of the engine file.
    ///
    /// # Errors
    /// Where `rule` holds something else than tables.
    pub(crate) fn take(section: &mut Section<'_>, files: &Files) -> Result<Self> {
        let mut pack = Self::default();
        let (rules, errors) = schema::read_tables(section.take_tables("rule")?);
        pack.rules.extend(rules);
        pack.errors.extend(errors);
        pack.errors.extend(pack.vocabulary.take(section, files));
        Ok(pack)
    }

    /// Adds the rules of the files that `names` stand for.
    pub(crate) fn read(&mut self, names: &[Spanned<String>], engine: &TomlFile, files: &Files) {
        for name in names {
            let place = || engine.location(name.span());
            let found = match files.expand(name.get_ref()) {
                Ok(found) => found,
                Err(error) => {
                    self.errors.push(error.at(place()));
                    continue;
                }
            };
            for file in found {
                match files.read_text(&file) {
                    Ok(text) => {
                        let file = TomlFile::new(&files.display(&file), &text);
                        if let Err(error) = self.read_file(&file, files) {
                            self.errors.extend(error.into_list());
                        }
                    }
                    Err(error) => self.errors.push(error.at(place())),
                }
            }
        }
        self.errors.extend(self.vocabulary.check());
    }

    fn read_file(&mut self, file: &TomlFile, files: &Files) -> Result<()> {
        let mut section = file.parse()?;
        let rules = section.take_tables("rule")?;
        let (has_macros, has_lists) = (section.has("macros"), section.has("lists"));
        let nothing = rules.is_empty() && !has_macros && !has_lists;
        let (rules, errors) = schema::read_tables(rules);
        self.rules.extend(rules);
        self.errors.extend(errors);
        self.errors.extend(self.vocabulary.take(&mut section, files));
        section.read::<Nothing>()?;
        if nothing {
            let message = "no rule in the file, expected [[rule]] tables, [macros] or [lists]";
            return Err(Error::new(ErrorKind::Rule, message).at(file.location(0..0)));
        }
        Ok(())
    }
}

/// What a rule file holds besides rules, macros and lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Which rules to use.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Only these ids.
    pub rules: Option<Vec<Spanned<String>>>,
    /// Not these ids.
    pub without: Vec<Spanned<String>>,
    /// Only rules of these labels.
    pub labels: Option<Vec<Spanned<String>>>,
}

impl Selection {
    /// Names that no rule has.
    pub(crate) fn check(&self, rules: &[Written], engine: &TomlFile) -> Vec<Error> {
        let ids = names(rules.iter().map(|written| written.rule.id.get_ref()));
        let labels =
            names(rules.iter().filter_map(|w| w.rule.label.as_ref()).map(Spanned::get_ref));
        let listed = self.rules.iter().flatten().chain(&self.without);
        let wanted = listed.map(|id| ("rule", id, &ids));
        let wanted = wanted.chain(self.labels.iter().flatten().map(|l| ("label", l, &labels)));
        wanted
            .filter(|(_, name, known)| !known.contains(&name.get_ref().as_str()))
            .map(|(what, name, known)| {
                Error::unknown(what, name.get_ref(), known).at(engine.location(name.span()))
            })
            .collect()
    }

    /// The key that leaves out a rule of this id and label; `None` where it is one to use.
    pub(crate) fn leaves_out(&self, id: &str, label: &str) -> Option<&'static str> {
        let lists = |list: &[Spanned<String>], name: &str| list.iter().any(|n| n.get_ref() == name);
        let only = |list: &Option<Vec<Spanned<String>>>, name: &str| {
            list.as_ref().is_some_and(|list| !lists(list, name))
        };
        if only(&self.rules, id) {
            Some("rules")
        } else if lists(&self.without, id) {
            Some("without")
        } else if only(&self.labels, label) {
            Some("labels")
        } else {
            None
        }
    }
}

/// Names, sorted, without duplicates.
fn names<'r>(names: impl Iterator<Item = &'r String>) -> Vec<&'r str> {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The value of `retry-limit`.
///
/// # Errors
/// Where it is 0.
pub(crate) fn retries(limit: Option<&Spanned<u32>>, engine: &TomlFile) -> Result<u32> {
    match limit {
        None => Ok(DEFAULT_RETRIES),
        Some(limit) if *limit.get_ref() == 0 => {
            let message = "'retry-limit' is 0, expected at least 1";
            Err(Error::new(ErrorKind::Config, message).at(engine.location(limit.span())))
        }
        Some(limit) => Ok(*limit.get_ref()),
    }
}

/// The warning that `who`, which is `written` there, ran into a limit in a document.
pub(crate) fn given_up(who: &str, limit: &str, document: &Document, written: &Written) -> Error {
    let message = format!("{who} was given up in document '{}': {limit}", document.id);
    written.error(written.rule.id.span(), message).with_help(
        "make the pattern less ambiguous (possessive '++', atomic '(?>…)'), or raise 'retry-limit'",
    )
}
