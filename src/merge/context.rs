//! The pass `context`: cues that the user wrote about the surroundings of candidates. It chooses
//! between none; what a cue is, is `context/cue`'s business.

mod asked;
mod cue;

use std::collections::BTreeMap;

use self::asked::{Asked, Patterns};
use self::cue::Cue;
use super::check::{self, Nothing};
use super::log_odds::shift;
use super::{Effects, Incoming, Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label};

pub(super) const KIND: PassKind = PassKind {
    name: "context",
    doc: "Adds to the log-odds of a candidate what its surroundings say: the sum of `add` over all \
          [[merge.cue]] tables whose conditions all hold. Patterns are in Oniguruma's Ruby syntax; \
          one that backtracks too often does not hold.",
    options: &[
        OptionDoc {
            name: "cue",
            value: "tables",
            doc: "What the following keys are written in: [[merge.cue]].",
        },
        OptionDoc {
            name: "cue.label",
            value: "label or list of labels",
            doc: "The candidates that the cue concerns.",
        },
        OptionDoc {
            name: "cue.add",
            value: "number",
            doc: "The log-odds it adds; may be negative.",
        },
        OptionDoc {
            name: "cue.left",
            value: "pattern",
            doc: "Must match so that it ends where the candidate begins; sees 80 characters.",
        },
        OptionDoc {
            name: "cue.right",
            value: "pattern",
            doc: "Must match so that it begins where the candidate ends; sees 80 characters.",
        },
        OptionDoc {
            name: "cue.inside",
            value: "pattern",
            doc: "Must match somewhere in the candidate, of which it sees 1000 characters.",
        },
        OptionDoc {
            name: "cue.sentence",
            value: "pattern",
            doc: "Must match somewhere in the sentence (a document of given tokens is one), of which \
                  it sees 1000 characters before and after the beginning of the candidate.",
        },
        OptionDoc {
            name: "cue.left-label",
            value: "label or list of labels",
            doc: "A candidate of this label must end before this one, with nothing between but white \
                  space and at most one of , . ' \" -.",
        },
        OptionDoc {
            name: "cue.right-label",
            value: "label or list of labels",
            doc: "A candidate of this label must begin after this one, with as little between.",
        },
        OptionDoc {
            name: "cue.surface",
            value: "list of strings",
            doc: "The candidate must read like one of these, whatever the case.",
        },
    ],
    flat: false,
    rescores: true,
    build: |section, scope| {
        check::build_of_tables(section, scope, ("context", "cue"), |_: Nothing, tables, checks| {
            let mut patterns = Patterns::default();
            let cue = |(written, place)| Cue::build(written, place, &mut patterns, checks);
            Context::new(tables.into_iter().map(cue).collect(), patterns)
        })
    },
};

/// The pass.
#[derive(Debug)]
struct Context {
    cues: Vec<Cue>,
    patterns: Patterns,
    /// The numbers of the cues that are about a label.
    about: BTreeMap<Label, Vec<usize>>,
}

impl Context {
    fn new(cues: Vec<Cue>, mut patterns: Patterns) -> Self {
        patterns.finish();
        let mut about: BTreeMap<Label, Vec<usize>> = BTreeMap::new();
        for (number, cue) in cues.iter().enumerate() {
            for label in cue.labels() {
                let numbers = about.entry(label.clone()).or_default();
                // A cue may name a label twice.
                if numbers.last() != Some(&number) {
                    numbers.push(number);
                }
            }
        }
        Self { cues, patterns, about }
    }
}

impl Pass for Context {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        let text = &context.document.text;
        let edges = cue::Edges::of(&candidates);
        let mut asked = Asked::new(&self.patterns, context);
        for candidate in &mut candidates {
            let Some(about) = self.about.get(&candidate.label) else { continue };
            asked.turn_to(candidate.span);
            let holding: Vec<&Cue> = about
                .iter()
                .map(|number| &self.cues[*number])
                .filter(|cue| cue.reads(candidate, text) && cue.holds(text, &edges, &mut asked))
                .collect();
            let add: f64 = holding.iter().map(|cue| cue.add()).sum();
            if add == 0.0 {
                continue;
            }
            let score = shift(candidate.score, add);
            trace.rescored(candidate, score, || {
                let cues: Vec<String> = holding.iter().map(|cue| cue.describe()).collect();
                format!("{}: log-odds {add:+.2}", cues.join(" and "))
            });
            candidate.score = score;
        }
        candidates
    }

    fn effects(&self) -> Effects {
        Effects::SCORES
    }

    fn may_rescore(&self, _: &str, label: &Label) -> bool {
        self.about.contains_key(label)
    }

    fn looks_for(&self, label: &Label) -> bool {
        self.cues.iter().any(|cue| cue.looks_for(label))
    }

    fn idle(&self, incoming: &Incoming) -> Option<String> {
        let is_asked = |(_, label): &(_, Label)| self.about.contains_key(label);
        let none = incoming.is_complete && !incoming.pairs.iter().any(is_asked);
        none.then(|| "nothing comes to it that has the label of a cue".to_owned())
    }
}
