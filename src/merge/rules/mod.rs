//! The pass `rules`: rules that look at candidates and change them. What a rule says and where it holds
//! is the business of [`crate::rule`]; here is what it does (`apply`) and whether its cases hold.

mod apply;
mod cases;
mod shadow;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use self::apply::Run;
use super::{Pass, PassContext, PassKind, PassScope, Trace};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::{OptionDoc, Section};
use crate::rule::compile::duplicates;
use crate::rule::condition::Scope;
use crate::rule::entity::{EntityRule, compile_rule};
use crate::rule::info::RuleInfo;
use crate::rule::macros::NamedPiece;
use crate::rule::pack::{self, Pack, Selection};
use crate::rule::prefilter::Prefilter;
use crate::span::{Candidate, Label};

/// The source of what rules of this pass make, as an origin names it.
const ORIGIN: &str = "merge";

/// The most rounds.
const MAX_REPEAT: u32 = 100;

pub(super) const KIND: PassKind = PassKind {
    name: "rules",
    doc: "Rules about entities, whose keys docs/rules.md has: they add, relabel, drop, keep, extend, trim, \
          join, split and score candidates, one rule after another in the order in which they are \
          written, each at all places at once that it finds, in text order; what it has changed at one \
          place it does not change at another. Before a pass that selects they see all candidates, after \
          it they repair entities.",
    options: &[
        pack::FILES,
        OptionDoc {
            name: "rule",
            value: "tables, []",
            doc: "Rules written into the engine file: [[merge.rule]] tables, as in a rule file.",
        },
        pack::MACROS,
        pack::LISTS,
        pack::RULES,
        pack::WITHOUT,
        OptionDoc {
            name: "repeat",
            value: "integer 1 to 100, 1",
            doc: "All rules run again until nothing changes, at most so many times; where more than once \
                  is asked for and not enough, a warning says so.",
        },
        OptionDoc {
            name: "flat",
            value: "boolean, true after a pass that selects",
            doc: "A change is not made that would let two candidates overlap.",
        },
        pack::RETRY_LIMIT,
    ],
    flat: false,
    rescores: true,
    build: |section, scope| Ok(Box::new(build(section, scope)?)),
};

/// The keys of the pass besides `rule`, `macros` and `lists`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    files: Vec<Spanned<String>>,
    rules: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    without: Vec<Spanned<String>>,
    repeat: Option<Spanned<u32>>,
    flat: Option<bool>,
    retry_limit: Option<Spanned<u32>>,
}

/// The pass.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<EntityRule>,
    /// The ids of those that are left out, and the key that does it.
    left_out: Vec<(Arc<str>, &'static str)>,
    /// The macros and lists that they share.
    pieces: Vec<NamedPiece>,
    /// Where the rules about text alone can match, in the order of their patterns.
    prefilter: Prefilter,
    /// For each rule, the numbers of its patterns in the prefilter.
    texts: Vec<Range<usize>>,
    place: Location,
    repeat: u32,
    flat: bool,
    retries: u32,
    origin: Arc<str>,
}

fn build(mut section: Section<'_>, scope: &PassScope<'_>) -> Result<Rules> {
    let place = section.location();
    let file = section.file().clone();
    let mut pack = Pack::take(&mut section, scope.files)?;
    let options: Options = match section.read() {
        Ok(options) => options,
        Err(error) => {
            pack.errors.push(error);
            return Err(Error::several(pack.errors).expect("at least one error"));
        }
    };
    pack.read(&options.files, &file, scope.files);
    let Pack { rules: written, vocabulary, mut errors } = pack;
    let is_sound = errors.is_empty();
    let mut report = |message: String, at: Location| {
        errors.push(Error::new(ErrorKind::Config, message).at(at));
    };
    if written.is_empty() && is_sound {
        let message = "pass 'rules' has no rule, expected 'files' or [[merge.rule]]";
        report(message.to_owned(), place.clone());
    }
    let repeat = options.repeat.as_ref().map_or(1, |repeat| *repeat.get_ref());
    if let Some(wrong) = options.repeat.as_ref().filter(|_| !(1..=MAX_REPEAT).contains(&repeat)) {
        let message = format!("'repeat' is {repeat}, expected 1 to {MAX_REPEAT}");
        report(message, file.location(wrong.span()));
    }
    let retries = pack::retries(options.retry_limit.as_ref(), &file)
        .map_err(|error| errors.push(error))
        .unwrap_or_default();
    let Options { rules, without, flat, .. } = options;
    let selection = Selection { rules, without, labels: None };
    if errors.is_empty() {
        errors.extend(selection.check(&written, &file));
    }
    errors.extend(duplicates(&written));
    let names = Scope { sources: scope.sources, labels: scope.labels, vocabulary: &vocabulary };
    let (mut rules, mut left_out) = (Vec::new(), Vec::new());
    for one in written {
        match compile_rule(one, &names) {
            Ok(rule) => match selection.leaves_out(&rule.id, "") {
                None => rules.push(rule),
                Some(key) => left_out.push((rule.id, key)),
            },
            Err(wrong) => errors.extend(wrong),
        }
    }
    if let Some(error) = Error::several(errors) {
        return Err(error);
    }
    let mut count = 0;
    let texts = rules.iter().map(|rule| {
        let first = count;
        count += rule.text_patterns().len();
        first..count
    });
    let texts = texts.collect();
    let prefilter = Prefilter::new(rules.iter().flat_map(EntityRule::text_patterns));
    let flat = flat.unwrap_or(scope.flat);
    let pieces = vocabulary.pieces();
    Ok(Rules {
        rules,
        left_out,
        pieces,
        prefilter,
        texts,
        place,
        repeat,
        flat,
        retries,
        origin: ORIGIN.into(),
    })
}

impl Rules {
    /// Its rules in the order in which they run.
    pub(crate) fn compiled(&self) -> &[EntityRule] {
        &self.rules
    }

    /// The ids of the rules that are left out, and the key that does it.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.left_out.iter().map(|(id, key)| (&**id, *key))
    }

    /// The macros and lists of its rules.
    pub(crate) fn pieces(&self) -> &[NamedPiece] {
        &self.pieces
    }

    /// [`Pass::apply`], as if the rules with the ids `left_out` were not there.
    pub(crate) fn apply_without(
        &self,
        left_out: &BTreeSet<Arc<str>>,
        candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        let start = trace.rule_log().start();
        let mut run = Run::new(self, context, candidates, self.flat);
        trace.rule_log().stop_shared(start);
        let running = || {
            let all = self.rules.iter().enumerate();
            all.filter(|(_, rule)| !left_out.contains(&rule.id)).map(|(number, _)| number)
        };
        for round in 1..=self.repeat {
            if !run.round(running(), trace) {
                break;
            }
            if round == self.repeat
                && self.repeat > 1
                && run.clone().round(running(), &mut Trace::off())
            {
                let message = format!(
                    "the rules still change something in document '{}' after {round} rounds",
                    context.document.id
                );
                trace.warn(Error::new(ErrorKind::Rule, message).at(self.place.clone()));
            }
        }
        run.finish(trace)
    }
}

impl Pass for Rules {
    fn apply(
        &self,
        candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        self.apply_without(&BTreeSet::new(), candidates, context, trace)
    }

    fn looks_for(&self, label: &Label) -> bool {
        self.rules.iter().any(|rule| rule.looks_for(label))
    }

    fn as_rules(&self) -> Option<&Rules> {
        Some(self)
    }

    fn looks_back(&self) -> bool {
        self.rules.iter().any(EntityRule::looks_back)
    }

    fn rules(&self) -> Vec<RuleInfo> {
        self.rules.iter().map(RuleInfo::from).collect()
    }

    fn check(&self) -> Vec<Error> {
        (0..self.rules.len()).flat_map(|number| cases::run(self, number)).collect()
    }
}
