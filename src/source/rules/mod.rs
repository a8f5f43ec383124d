//! Rules: patterns that say what an entity and its surroundings look like.
//!
//! What a rule is, and how its patterns run, is [`crate::rule`]'s business.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::{Found, LoadContext, Source, SourceKind};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::{OptionDoc, Section, TomlFile};
use crate::rule::cases;
use crate::rule::compile::{Compiled, compile_all};
use crate::rule::limit::Exceeded;
use crate::rule::prefilter::Prefilter;
use crate::rule::schema::{self, Written};
use crate::rule::tokens::TokenEdges;
use crate::span::{Label, Mention, Origin};
use crate::text::Document;

/// How often a match that begins at one place may backtrack where the engine file does not say.
const RETRY_LIMIT: u32 = 1_000_000;

pub(super) const KIND: SourceKind = SourceKind {
    name: "rules",
    doc: "Regex rules (Oniguruma, Ruby syntax) with contexts, validators and cases, from TOML files.",
    options: &[
        OptionDoc {
            name: "files",
            value: "list of strings, []",
            doc: "Rule files, or globs of them: [[rule]] tables and nothing else.",
        },
        OptionDoc {
            name: "rule",
            value: "tables, []",
            doc: "Rules written into the engine file: [[source.rule]] tables, as in a rule file.",
        },
        OptionDoc {
            name: "rules",
            value: "list of strings, all",
            doc: "The ids of the rules to use; the others are left out.",
        },
        OptionDoc {
            name: "without",
            value: "list of strings, []",
            doc: "The ids of rules to leave out.",
        },
        OptionDoc {
            name: "labels",
            value: "list of strings, all",
            doc: "Only rules of these labels are used.",
        },
        OptionDoc {
            name: "score",
            value: "number, 1.0",
            doc: "A factor, 0 to 1, on the score of every rule.",
        },
        OptionDoc {
            name: "retry-limit",
            value: "number, 1000000",
            doc: "How often a match may backtrack at one place before its rule is given up with a \
                  warning; a rule also has half a second and a microsecond a byte for a document.",
        },
    ],
    load: |name, section, context| Ok(Box::new(Rules::load(name, section, context)?)),
};

/// The keys of a rules source besides `rule`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    files: Vec<Spanned<String>>,
    rules: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    without: Vec<Spanned<String>>,
    labels: Option<Vec<Spanned<String>>>,
    score: Option<Spanned<f64>>,
    retry_limit: Option<Spanned<u32>>,
}

/// A source of rules.
///
/// One rule's entities never overlap each other; those of several rules may. An entity that does not
/// begin and end at edges of the document's given tokens is left out. A match, with what its pattern
/// looks at after it, is at most 1 KiB long; a left context sees 200 characters.
#[derive(Debug)]
pub struct Rules {
    name: Arc<str>,
    rules: Vec<Compiled>,
    prefilter: Prefilter,
    factor: f32,
    retries: u32,
}

impl Rules {
    /// Builds the source from its section of an engine file (without `kind` and `name`).
    ///
    /// # Errors
    /// Everything that is wrong with the section and with any of its rule files, together.
    pub fn load(name: Arc<str>, mut section: Section<'_>, context: &LoadContext) -> Result<Self> {
        let place = section.location();
        let file = section.file().clone();
        let inline = section.take_tables("rule")?;
        let (mut written, mut errors) = schema::read_tables(inline);
        let options: Options = match section.read() {
            Ok(options) => options,
            Err(error) => {
                errors.push(error);
                return Err(Error::several(errors).expect("at least one error"));
            }
        };
        let (more, wrong) = read_files(&options.files, &file, context);
        written.extend(more);
        errors.extend(wrong);
        if written.is_empty() && errors.is_empty() {
            let message =
                format!("source '{name}' has no rule, expected 'files' or [[source.rule]]");
            errors.push(Error::new(ErrorKind::Config, message).at(place));
        }
        errors.extend(options.check(&file, &written, errors.is_empty()));
        let rules = match compile_all(written) {
            Ok(rules) => rules,
            Err(wrong) => {
                errors.extend(wrong);
                Vec::new()
            }
        };
        if let Some(error) = Error::several(errors) {
            return Err(error);
        }
        let rules: Vec<Compiled> = rules.into_iter().filter(|rule| options.keeps(rule)).collect();
        let prefilter = Prefilter::new(rules.iter().map(Compiled::patterns));
        Ok(Self {
            name,
            rules,
            prefilter,
            factor: options.score.map_or(1.0, |s| *s.get_ref() as f32),
            retries: options.retry_limit.map_or(RETRY_LIMIT, |r| *r.get_ref()),
        })
    }

    /// What a rule that was given up says about it.
    fn warning(&self, rule: &Compiled, document: &Document, exceeded: &Exceeded) -> Error {
        let message = format!(
            "rule '{}' of source '{}' was given up in document '{}': {exceeded}",
            rule.id, self.name, document.id
        );
        let written = &rule.written;
        written
            .error(written.rule.id.span(), message)
            .with_help("make the pattern less ambiguous (possessive '++', atomic '(?>…)'), or raise 'retry-limit'")
    }
}

/// The rules of the files that `names` stand for, and what is wrong with the others.
fn read_files(
    names: &[Spanned<String>],
    engine_file: &TomlFile,
    context: &LoadContext,
) -> (Vec<Written>, Vec<Error>) {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        let place = || engine_file.location(name.span());
        let files = match context.files.expand(name.get_ref()) {
            Ok(files) => files,
            Err(error) => {
                errors.push(error.at(place()));
                continue;
            }
        };
        for file in files {
            match context.files.read_text(&file) {
                Ok(text) => {
                    let file = TomlFile::new(&context.files.display(&file), &text);
                    let (read, wrong) = schema::parse(&file);
                    rules.extend(read);
                    errors.extend(wrong);
                }
                Err(error) => errors.push(error.at(place())),
            }
        }
    }
    (rules, errors)
}

impl Options {
    /// What is wrong with the options; names of rules and labels are looked up only where all
    /// rules could be read.
    fn check(&self, file: &TomlFile, rules: &[Written], look_up: bool) -> Vec<Error> {
        let mut errors = Vec::new();
        if let Some(score) = self.score.as_ref().filter(|s| !(0.0..=1.0).contains(s.get_ref())) {
            let message = format!("'score' is {}, expected 0 to 1", score.get_ref());
            errors.push(Error::new(ErrorKind::Config, message).at(file.location(score.span())));
        }
        if let Some(limit) = self.retry_limit.as_ref().filter(|l| *l.get_ref() == 0) {
            let message = "'retry-limit' is 0, expected at least 1";
            errors.push(Error::new(ErrorKind::Config, message).at(file.location(limit.span())));
        }
        if look_up {
            let ids = names(rules, |written| written.rule.id.get_ref());
            let labels = names(rules, |written| written.rule.label.get_ref());
            let listed = self.rules.iter().flatten().chain(&self.without);
            let wanted = listed.map(|id| ("rule", id, &ids));
            let wanted = wanted.chain(self.labels.iter().flatten().map(|l| ("label", l, &labels)));
            for (what, name, known) in wanted {
                if !known.contains(&name.get_ref().as_str()) {
                    let error = Error::unknown(what, name.get_ref(), known);
                    errors.push(error.at(file.location(name.span())));
                }
            }
        }
        errors
    }

    /// Whether the rule is one to use.
    fn keeps(&self, rule: &Compiled) -> bool {
        let lists = |list: &[Spanned<String>], name: &str| list.iter().any(|n| n.get_ref() == name);
        self.rules.as_ref().is_none_or(|ids| lists(ids, &rule.id))
            && !lists(&self.without, &rule.id)
            && self.labels.as_ref().is_none_or(|labels| lists(labels, rule.label.as_str()))
    }
}

/// A name of every rule, sorted, without duplicates.
fn names<'r>(rules: &'r [Written], name: impl Fn(&'r Written) -> &'r String) -> Vec<&'r str> {
    let mut names: Vec<&str> = rules.iter().map(|rule| name(rule).as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl Source for Rules {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn labels(&self) -> Vec<Label> {
        let mut labels: Vec<Label> = self.rules.iter().map(|rule| rule.label.clone()).collect();
        labels.sort();
        labels.dedup();
        labels
    }

    fn describe(&self) -> String {
        match self.rules.len() {
            1 => "rules, 1 rule".to_owned(),
            count => format!("rules, {count} rules"),
        }
    }

    fn find(&self, document: &Document) -> Result<Found> {
        let mut found = Found::default();
        let tokens = TokenEdges::of(document);
        let mut spans = Vec::new();
        let places = self.prefilter.places(&document.text);
        for (rule, places) in self.rules.iter().zip(&places).filter(|(_, p)| !p.is_empty()) {
            spans.clear();
            let text = &document.text;
            let outcome = rule.find(text, places, tokens.as_ref(), self.retries, &mut spans);
            found.mentions.extend(spans.iter().map(|span| Mention {
                span: *span,
                label: rule.label.clone(),
                score: rule.score * self.factor,
                origin: Origin::new(&self.name, rule.id.clone()),
            }));
            if let Err(exceeded) = outcome {
                found.warnings.push(self.warning(rule, document, &exceeded));
            }
        }
        Ok(found)
    }

    fn check(&self) -> Vec<Error> {
        self.rules.iter().flat_map(|rule| cases::run(rule, self.retries)).collect()
    }
}

#[cfg(test)]
mod tests;
