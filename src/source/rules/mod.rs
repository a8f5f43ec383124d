//! Rules: patterns that say what an entity and its surroundings look like.
//!
//! What a rule is, and how its patterns run, is [`crate::rule`]'s business.

mod why_not;

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::{Found, LoadContext, Refusal, Source, SourceKind};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::{OptionDoc, Section};
use crate::rule::cases;
use crate::rule::compile::{Compiled, compile_all};
use crate::rule::info::RuleInfo;
use crate::rule::limit::Exceeded;
use crate::rule::log::RuleLog;
use crate::rule::macros::NamedPiece;
use crate::rule::pack::{self, Pack, Selection};
use crate::rule::prefilter::Prefilter;
use crate::rule::tokens::TokenEdges;
use crate::span::{Label, Mention, Origin};
use crate::text::{Document, Readings, Span};

pub(super) const KIND: SourceKind = SourceKind {
    name: "rules",
    doc: "Regex rules (Oniguruma, Ruby syntax) with contexts, validators and cases, from TOML files; \
          docs/rules.md has their keys.",
    options: &[
        pack::FILES,
        OptionDoc {
            name: "rule",
            value: "tables, []",
            doc: "Rules written into the engine file: [[source.rule]] tables, as in a rule file.",
        },
        pack::MACROS,
        pack::LISTS,
        pack::RULES,
        pack::WITHOUT,
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
        pack::RETRY_LIMIT,
    ],
    load: |name, section, context| Ok(Box::new(Rules::load(name, section, context)?)),
};

/// The keys of a rules source besides `rule`, `macros` and `lists`.
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
    /// Rules that are left out, and the key that does it.
    left_out: Vec<(Compiled, &'static str)>,
    /// The macros and lists that they share.
    pieces: Vec<NamedPiece>,
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
        let mut pack = Pack::take(&mut section, &context.files)?;
        let options: Options = match section.read() {
            Ok(options) => options,
            Err(error) => {
                pack.errors.push(error);
                return Err(Error::several(pack.errors).expect("at least one error"));
            }
        };
        pack.read(&options.files, &file, &context.files);
        let Pack { rules: written, vocabulary, mut errors } = pack;
        if written.is_empty() && errors.is_empty() {
            let message =
                format!("source '{name}' has no rule, expected 'files' or [[source.rule]]");
            errors.push(Error::new(ErrorKind::Config, message).at(place));
        }
        if let Some(score) = options.score.as_ref().filter(|s| !(0.0..=1.0).contains(s.get_ref())) {
            let message = format!("'score' is {}, expected 0 to 1", score.get_ref());
            errors.push(Error::new(ErrorKind::Config, message).at(file.location(score.span())));
        }
        let retries = pack::retries(options.retry_limit.as_ref(), &file)
            .map_err(|error| errors.push(error))
            .unwrap_or_default();
        let Options { rules, without, labels, .. } = options;
        let selection = Selection { rules, without, labels };
        if errors.is_empty() {
            errors.extend(selection.check(&written, &file));
        }
        let rules = match compile_all(written, &vocabulary) {
            Ok(rules) => rules,
            Err(wrong) => {
                errors.extend(wrong);
                Vec::new()
            }
        };
        if let Some(error) = Error::several(errors) {
            return Err(error);
        }
        let (mut used, mut left_out) = (Vec::new(), Vec::new());
        for rule in rules {
            match selection.leaves_out(&rule.id, rule.label.as_str()) {
                None => used.push(rule),
                Some(key) => left_out.push((rule, key)),
            }
        }
        let prefilter = Prefilter::new(used.iter().map(Compiled::patterns));
        let factor = options.score.map_or(1.0, |s| *s.get_ref() as f32);
        let pieces = vocabulary.pieces();
        Ok(Self { name, rules: used, left_out, pieces, prefilter, factor, retries })
    }

    /// Its rules, in order.
    pub(crate) fn compiled(&self) -> &[Compiled] {
        &self.rules
    }

    /// The ids of the rules that are left out, and the key that does it.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.left_out.iter().map(|(rule, key)| (&*rule.id, *key))
    }

    /// The macros and lists of its rules.
    pub(crate) fn pieces(&self) -> &[NamedPiece] {
        &self.pieces
    }

    /// The score of what a rule finds.
    pub(crate) fn score_of(&self, rule: &Compiled) -> f32 {
        rule.score * self.factor
    }

    /// What a rule that was given up says about it.
    fn warning(&self, rule: &Compiled, document: &Document, exceeded: &Exceeded) -> Error {
        let who = format!("rule '{}' of source '{}'", rule.id, self.name);
        pack::given_up(&who, &exceeded.to_string(), document, &rule.written)
    }
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

    fn rules(&self) -> Vec<RuleInfo> {
        self.rules.iter().map(RuleInfo::from).collect()
    }

    fn describe(&self) -> String {
        match self.rules.len() {
            1 => "rules, 1 rule".to_owned(),
            count => format!("rules, {count} rules"),
        }
    }

    fn find(&self, document: &Document) -> Result<Found> {
        self.find_beside(document, &Readings::default(), &mut RuleLog::off())
    }

    fn find_beside(
        &self,
        document: &Document,
        _readings: &Readings,
        log: &mut RuleLog,
    ) -> Result<Found> {
        let mut found = Found::default();
        let start = log.start();
        let tokens = TokenEdges::of(document);
        let mut spans = Vec::new();
        let places = self.prefilter.places(&document.text);
        log.stop_shared(start);
        let rules = self.rules.iter().zip(&places).enumerate();
        for (number, (rule, places)) in rules.filter(|(_, (_, places))| !places.is_empty()) {
            spans.clear();
            let text = &document.text;
            let start = log.start();
            let outcome = rule.find(text, places, tokens.as_ref(), self.retries, &mut spans);
            log.stop_rule(number, start);
            found.mentions.extend(spans.iter().map(|span| Mention {
                span: *span,
                label: rule.label.clone(),
                score: self.score_of(rule),
                origin: Origin::new(&self.name, rule.id.clone()),
            }));
            if let Err(exceeded) = outcome {
                let warning = self.warning(rule, document, &exceeded);
                found.warnings.extend(log.give_up(number, warning));
            }
        }
        Ok(found)
    }

    fn why_not(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Result<Vec<Refusal>> {
        Ok(self.refusals(document, span, label))
    }

    fn as_rules(&self) -> Option<&Rules> {
        Some(self)
    }

    fn check(&self) -> Vec<Error> {
        self.rules.iter().flat_map(|rule| cases::run(rule, self.retries)).collect()
    }
}

#[cfg(test)]
mod tests;
