//! The pass `coherence`: one sense a document. What was named in full before is meant by its short form
//! later, an acronym by its expansion, and a surface by the label that most of its mentions have. What is
//! meant is `coherence/sense`'s business.

mod acronym;
mod sense;

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use self::sense::{Sense, Senses};
use super::check::{self, Checks, LOG_ODDS, SCORE};
use super::concern::{self, Concern};
use super::log_odds::shift;
use super::{Effects, Pass, PassContext, PassKind, Trace};
use crate::error::{Error, ErrorKind};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label, Span, order};

pub(super) const KIND: PassKind = PassKind {
    name: "coherence",
    doc: "One sense a document: adds to the log-odds of candidates that agree with what the document says \
          elsewhere, and proposes mentions where it is asked to. Words are compared as they are written. \
          Makes new spans (`propose`).",
    options: &[
        OptionDoc {
            name: "short-forms",
            value: "list of labels, []",
            doc: "Labels whose names may be shortened to their last word once they were named in full: \
                  Angela Merkel, then Merkel.",
        },
        OptionDoc {
            name: "acronyms",
            value: "list of labels, []",
            doc: "Labels whose names may be followed by an acronym of their words in brackets, or follow \
                  one in brackets, which from then on means them: World Health Organization (WHO).",
        },
        OptionDoc {
            name: "majority",
            value: "list of labels, []",
            doc: "Labels that compete for a surface, whatever its case and accents: the one whose \
                  candidates have the highest sum of scores in the document is its sense, where there are \
                  several mentions and no tie.",
        },
        OptionDoc {
            name: "add",
            value: "number, 1.0",
            doc: "The log-odds added to a candidate that has the label of its sense, once.",
        },
        OptionDoc {
            name: "propose",
            value: "none | unlabelled | all, \"none\"",
            doc: "Whether later mentions that nobody proposed become candidates: none; those that overlap \
                  no candidate; those that overlap no candidate of the label.",
        },
        OptionDoc {
            name: "factor",
            value: "number 0 to 1, 0.9",
            doc: "The score of such a mention, as a part of the score of what it repeats.",
        },
        OptionDoc {
            name: "min",
            value: "number 0 to 1, 0.5",
            doc: "Candidates that score less give no sense to others.",
        },
        OptionDoc {
            name: "min-length",
            value: "whole number, 3",
            doc: "A short form or acronym has at least so many characters.",
        },
        OptionDoc {
            name: "window",
            value: "whole number, 0",
            doc: "How many bytes after its full name a short form or acronym may stand; 0 is any number.",
        },
        OptionDoc {
            name: "max-proposals",
            value: "whole number, 1000",
            doc: "How many mentions are proposed in a document at most, the first ones.",
        },
        concern::SOURCES,
        concern::LABELS,
    ],
    flat: false,
    rescores: true,
    build: |section, scope| {
        let place = section.location();
        check::build(section, scope, |options: Options, checks| {
            let pass = build(options, checks);
            if pass.short_forms.is_empty() && pass.acronyms.is_empty() && pass.majority.is_empty() {
                let message = "pass 'coherence' has no label, expected 'short-forms', 'acronyms' or \
                               'majority'";
                checks.report_placed(Error::new(ErrorKind::Config, message).at(place));
            }
            pass
        })
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    #[serde(default)]
    short_forms: Vec<Spanned<String>>,
    #[serde(default)]
    acronyms: Vec<Spanned<String>>,
    #[serde(default)]
    majority: Vec<Spanned<String>>,
    add: Option<Spanned<f64>>,
    #[serde(default)]
    propose: Propose,
    factor: Option<Spanned<f64>>,
    min: Option<Spanned<f64>>,
    min_length: Option<usize>,
    window: Option<usize>,
    max_proposals: Option<usize>,
    sources: Option<Vec<Spanned<String>>>,
    labels: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Propose {
    #[default]
    None,
    Unlabelled,
    All,
}

/// The pass.
#[derive(Debug)]
struct Coherence {
    short_forms: Vec<Label>,
    acronyms: Vec<Label>,
    majority: Vec<Label>,
    add: f64,
    propose: Propose,
    factor: f64,
    min: f32,
    min_length: usize,
    window: usize,
    max_proposals: usize,
    concern: Concern,
}

fn build(options: Options, checks: &mut Checks<'_>) -> Coherence {
    let mut labels = |names: &[Spanned<String>]| {
        names.iter().map(|name| checks.label(name.get_ref(), name.span())).collect()
    };
    let (short_forms, acronyms, majority) =
        (labels(&options.short_forms), labels(&options.acronyms), labels(&options.majority));
    Coherence {
        short_forms,
        acronyms,
        majority,
        add: checks.number_or("add", options.add.as_ref(), LOG_ODDS, 1.0),
        propose: options.propose,
        factor: checks.number_or("factor", options.factor.as_ref(), SCORE, 0.9),
        min: checks.number_or("min", options.min.as_ref(), SCORE, 0.5) as f32,
        min_length: options.min_length.unwrap_or(3),
        window: match options.window {
            None | Some(0) => usize::MAX,
            Some(bytes) => bytes,
        },
        max_proposals: options.max_proposals.unwrap_or(1000),
        concern: checks.concern(options.sources.as_deref(), options.labels.as_deref()),
    }
}

impl Pass for Coherence {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        candidates.sort_by(order::compare);
        let senses = Senses::of(self, &candidates, context);
        if senses.is_empty() {
            return candidates;
        }
        let proposals = match self.propose {
            Propose::None => Vec::new(),
            _ => self.proposals(&senses, &candidates, context),
        };
        let text = &context.document.text;
        for candidate in candidates.iter_mut().filter(|c| self.concern.takes(c)) {
            let Some(sense) = senses.of_candidate(candidate, text, self.window) else { continue };
            let score = shift(candidate.score, self.add);
            if score != candidate.score {
                trace.rescored(candidate, score, || {
                    format!("{}: log-odds {:+.2}", sense.why(text), self.add)
                });
                candidate.score = score;
            }
        }
        for (proposal, why) in proposals {
            trace.added(&proposal, || why);
            candidates.push(proposal);
        }
        candidates
    }

    fn may_rescore(&self, source: &str, label: &Label) -> bool {
        self.concern.takes_pair(source, label)
    }

    fn looks_for(&self, label: &Label) -> bool {
        self.majority.contains(label)
    }

    fn effects(&self) -> Effects {
        let proposes = self.propose != Propose::None;
        Effects { spans: proposes, pairs: proposes, scores: true }
    }
}

impl Coherence {
    /// The mentions that nobody proposed, each with why it is one, in the order of the text.
    fn proposals(
        &self,
        senses: &Senses,
        candidates: &[Candidate],
        context: &PassContext<'_>,
    ) -> Vec<(Candidate, String)> {
        let text = &context.document.text;
        let taken = Taken::of(candidates);
        let mut found: BTreeMap<(Span, Label), (Candidate, String)> = BTreeMap::new();
        senses.for_each_occurrence(context, self.window, |span, sense: &Sense| {
            let is_free = match self.propose {
                Propose::All => !taken.any(span, Some(&sense.label)),
                _ => !taken.any(span, None),
            };
            if !is_free {
                return;
            }
            let score = (f64::from(sense.score) * self.factor) as f32;
            let proposal = Candidate {
                span,
                label: sense.label.clone(),
                score,
                origins: sense.origins.clone(),
                overruled: Vec::new(),
            };
            let key = (span, sense.label.clone());
            let is_better = found.get(&key).is_none_or(|(other, _)| {
                other
                    .score
                    .total_cmp(&score)
                    .then_with(|| sense.origins.cmp(&other.origins))
                    .is_lt()
            });
            if is_better {
                found.insert(key, (proposal, sense.why(text)));
            }
        });
        found.into_values().take(self.max_proposals).collect()
    }
}

/// Where candidates are.
struct Taken<'a> {
    candidates: &'a [Candidate],
    /// The last end among the first so many candidates.
    last_ends: Vec<usize>,
}

impl<'a> Taken<'a> {
    /// Where `candidates`, sorted, are.
    fn of(candidates: &'a [Candidate]) -> Self {
        let last_end = |end: &mut usize, candidate: &Candidate| {
            *end = (*end).max(candidate.span.end);
            Some(*end)
        };
        Self { candidates, last_ends: candidates.iter().scan(0, last_end).collect() }
    }

    /// Whether a candidate, of this label where one is given, overlaps `span`.
    fn any(&self, span: Span, label: Option<&Label>) -> bool {
        let until = self.candidates.partition_point(|c| c.span.start < span.end);
        (0..until).rev().take_while(|&i| self.last_ends[i] > span.start).any(|i| {
            let candidate = &self.candidates[i];
            candidate.span.overlaps(span) && label.is_none_or(|label| *label == candidate.label)
        })
    }
}
