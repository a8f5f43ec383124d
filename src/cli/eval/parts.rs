//! The parts of an engine that can be left out of its merge: sources, passes, and the rules of both that
//! did something.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use super::Case;
use crate::pipeline::{Engine, Without};
use crate::span::Origin;

/// A part of an engine.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Part {
    /// The kind of a source, `rule` or `pass`.
    pub(super) kind: &'static str,
    /// What it is called: the name of a source, or the number of a pass, from 1, and its kind; of a rule
    /// that of its source or pass, and its id after a colon.
    pub(super) name: String,
    #[serde(skip)]
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Source(Arc<str>),
    Rule(Origin),
    /// The number of a pass, from 0.
    Pass(usize),
    PassRule(PassRule),
}

/// The number of a pass, from 0, and the id of one of its rules.
type PassRule = (usize, Arc<str>);

impl Part {
    /// Whether it is a rule.
    pub(super) fn is_rule(&self) -> bool {
        matches!(self.what, What::Rule(_) | What::PassRule(_))
    }

    /// The engine without it.
    pub(super) fn without(&self) -> Without {
        let mut without = Without::NOTHING;
        self.add_to(&mut without);
        without
    }

    /// Leaves it out, too.
    pub(super) fn add_to(&self, without: &mut Without) {
        match &self.what {
            What::Source(name) => drop(without.sources.insert(name.clone())),
            What::Rule(origin) => drop(without.origins.insert(origin.clone())),
            What::Pass(number) => drop(without.steps.insert(*number)),
            What::PassRule((number, id)) => {
                without.step_rules.entry(*number).or_default().insert(id.clone());
            }
        }
    }

    /// Whether the document may come out otherwise without it.
    pub(super) fn touches(&self, case: &Case) -> bool {
        let Some(proposals) = &case.proposals else { return false };
        match &self.what {
            What::Source(name) => {
                proposals.mentions.iter().any(|mention| mention.origin.source == *name)
                    || proposals.evidence.iter().any(|evidence| evidence.source() == name)
            }
            What::Rule(origin) => {
                proposals.mentions.iter().any(|mention| mention.origin == *origin)
            }
            What::Pass(_) | What::PassRule(_) => true,
        }
    }
}

/// All parts, in the order of the engine: its sources and its passes, each with those of its rules that did
/// something in `cases`.
pub(super) fn of(engine: &Engine, cases: &[Case]) -> Vec<Part> {
    let proposals = cases.iter().filter_map(|case| case.proposals.as_ref());
    let found: BTreeSet<&Origin> =
        proposals.flat_map(|all| &all.mentions).map(|mention| &mention.origin).collect();
    let mut parts = Vec::new();
    for (source, (name, kind)) in engine.sources().iter().zip(engine.source_kinds()) {
        parts.push(of_source(name, kind));
        if source.as_rules().is_none() {
            continue;
        }
        let rules = found.iter().filter(|origin| origin.source == *name);
        parts.extend(rules.map(|origin| Part {
            kind: "rule",
            name: origin.to_string(),
            what: What::Rule((*origin).clone()),
        }));
    }
    let fired = fired(engine, cases);
    for number in 0..engine.steps().len() {
        let pass = of_pass(engine, number);
        let rules = fired.iter().filter(|(of, _)| *of == number).map(|rule| Part {
            kind: "rule",
            name: format!("{}:{}", pass.name, rule.1),
            what: What::PassRule(rule.clone()),
        });
        let rules: Vec<Part> = rules.collect();
        parts.push(pass);
        parts.extend(rules);
    }
    parts
}

/// The rules of passes that did something in `cases`. Without one that did nothing all comes out the same.
fn fired(engine: &Engine, cases: &[Case]) -> BTreeSet<PassRule> {
    let in_case = |case: &Case| -> BTreeSet<PassRule> {
        let Some(proposals) = &case.proposals else { return BTreeSet::new() };
        let story = engine.explain_without(&case.document, proposals, &Without::NOTHING);
        let events = story.events.into_iter();
        events.filter_map(|event| Some((event.step, event.rule?.id))).collect()
    };
    cases.par_iter().map(in_case).reduce(BTreeSet::new, |mut all, mut more| {
        all.append(&mut more);
        all
    })
}

fn of_source(name: &Arc<str>, kind: &'static str) -> Part {
    Part { kind, name: name.to_string(), what: What::Source(name.clone()) }
}

fn of_pass(engine: &Engine, number: usize) -> Part {
    let kind = engine.steps()[number].kind.name;
    Part { kind: "pass", name: format!("{} {kind}", number + 1), what: What::Pass(number) }
}

/// The sources of models, or the first source where there is none, then each other one, with all
/// passes: what came, and what is not there yet. Of the models together nothing came.
pub(super) fn adding_sources(engine: &Engine) -> Vec<(Option<Part>, Without)> {
    let models = engine.sources().iter().map(|source| source.gives_evidence());
    let (models, mut left): (Vec<_>, Vec<_>) =
        engine.source_kinds().zip(models).partition(|(_, is_model)| *is_model);
    let first = models.is_empty() && !left.is_empty();
    let begin = first.then(|| left.remove(0).0).map(|(name, kind)| of_source(name, kind));
    let mut left: Vec<_> = left.into_iter().map(|(source, _)| source).collect();
    let without = |left: &[(&Arc<str>, &'static str)]| Without {
        sources: left.iter().map(|(name, _)| (*name).clone()).collect(),
        ..Without::NOTHING
    };
    let mut steps = vec![(begin, without(&left))];
    while !left.is_empty() {
        let (name, kind) = left.remove(0);
        steps.push((Some(of_source(name, kind)), without(&left)));
    }
    steps
}

/// All sources and no pass, then each pass: what came, and what is not there yet.
pub(super) fn adding_passes(engine: &Engine) -> Vec<(Option<Part>, Without)> {
    let count = engine.steps().len();
    let without = |first| Without { steps: (first..count).collect(), ..Without::NOTHING };
    let added = (0..count).map(|number| (Some(of_pass(engine, number)), without(number + 1)));
    std::iter::once((None, without(0))).chain(added).collect()
}
