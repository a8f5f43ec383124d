//! What decided that something is an entity, or is not: a step of the merge with its line, else who
//! proposed it, else that nobody did. Lists of errors and of differences are grouped by it.

use std::collections::BTreeMap;

use super::explain::step::Step;
use super::explain::text::{Page, origins};
use crate::merge::trace::{Change, Event};
use crate::pipeline::{End, Engine, Explanation, Story};
use crate::span::{Origin, Span};
use crate::text::Document;

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decision {
    /// The step's number and pass (`7 optimal`); [`PROPOSED`] or [`NOT_PROPOSED`] where none did.
    pub(super) step: String,
    /// The line of the engine file that decided; empty where no step did.
    pub(super) line: String,
    /// Why, in one clause.
    pub(super) reason: String,
    /// The sources that proposed it, sorted; where none did, those that proposed what is near.
    pub(super) sources: Vec<String>,
}

/// What stands for a step where something is an entity because it was proposed.
pub(super) const PROPOSED: &str = "proposed, unopposed";

/// What stands for a step where something is no entity because no source proposed it.
pub(super) const NOT_PROPOSED: &str = "not proposed";

/// The decisions about one document.
pub(super) struct Decisions<'a> {
    page: Page<'a>,
    /// By their beginnings.
    stories: Vec<Story>,
    /// The stories that were ever about a span, by their places in the list.
    by_span: BTreeMap<Span, Vec<usize>>,
    /// The bytes of the longest proposal.
    longest: usize,
}

impl<'a> Decisions<'a> {
    /// What `explanation` tells of the document.
    pub(super) fn new(
        engine: &'a Engine,
        document: &'a Document,
        explanation: &'a Explanation,
    ) -> Self {
        let page = Page::new(engine, document, explanation);
        let stories = explanation.stories();
        let mut by_span: BTreeMap<Span, Vec<usize>> = BTreeMap::new();
        for (number, story) in stories.iter().enumerate() {
            let events = story.events.iter().map(|event| explanation.events[*event].candidate.span);
            for span in events.chain([story.proposed.span, story.last.span]) {
                let here = by_span.entry(span).or_default();
                if here.last() != Some(&number) {
                    here.push(number);
                }
            }
        }
        let longest = stories.iter().map(|story| story.proposed.span.len()).max().unwrap_or(0);
        Self { page, stories, by_span, longest }
    }

    /// What decided that `span` is an entity `label`, or is none.
    pub(super) fn about(&self, span: Span, label: &str) -> Decision {
        let is_it = |at: Span, as_label: &str| at == span && as_label == label;
        let here = self.by_span.get(&span).into_iter().flatten();
        let here = || here.clone().map(|number| &self.stories[*number]);
        let won = here().find(|story| {
            matches!(story.end, End::Won(_)) && is_it(story.last.span, story.last.label.as_str())
        });
        if let Some(story) = won {
            return self.won(story);
        }
        let events = |story: &Story| -> Vec<&'a Event> {
            story.events.iter().map(|number| &self.page.explanation.events[*number]).collect()
        };
        // Of all that it was at some time, the one that came furthest.
        let lost = here().filter_map(|story| {
            let last = events(story).into_iter().rev().find(|event| {
                let s = &event.candidate;
                let ends = matches!(
                    event.change,
                    Change::Dropped { .. } | Change::Merged { .. } | Change::Altered { .. }
                );
                ends && is_it(s.span, s.label.as_str())
            });
            last.map(|event| (story, event))
        });
        if let Some((story, event)) = lost.max_by_key(|(_, event)| event.step) {
            return self.by_step(story, event);
        }
        let helper = here().find(|s| is_it(s.last.span, s.last.label.as_str()));
        helper.map_or_else(|| self.not_proposed(span), |story| self.helper(story))
    }

    fn won(&self, story: &Story) -> Decision {
        let explanation = self.page.explanation;
        let added = || story.added.map(|number| &explanation.events[number]);
        let altered = || {
            let events = story.events.iter().rev().map(|number| &explanation.events[*number]);
            events.into_iter().find(|event| matches!(event.change, Change::Altered { .. }))
        };
        match explanation.decided(story).or_else(altered).or_else(added) {
            Some(event) => self.by_step(story, event),
            None => Decision {
                step: PROPOSED.to_owned(),
                line: String::new(),
                reason: format!("proposed by {}", origins(&story.last)),
                sources: sources(&story.last.origins),
            },
        }
    }

    fn by_step(&self, story: &Story, event: &Event) -> Decision {
        let Step { pass, line, .. } = Step::of(self.page.engine, event);
        let reason = match &event.change {
            Change::Altered { to } | Change::Merged { into: to } if !event.is_same_place(to) => {
                let became = format!("becomes '{}' {}", self.page.surface(to.span), to.label);
                format!("{became}: {}", self.page.reason(story, event))
            }
            _ => self.page.reason(story, event),
        };
        Decision { step: pass, line, reason, sources: sources(&story.last.origins) }
    }

    fn helper(&self, story: &Story) -> Decision {
        Decision {
            step: "helper label".to_owned(),
            line: String::new(),
            reason: self.page.why(story),
            sources: sources(&story.last.origins),
        }
    }

    /// Nobody proposed it: what came nearest.
    fn not_proposed(&self, span: Span) -> Decision {
        let near = |story: &&Story| story.proposed.span.overlaps(span);
        let distance = |story: &&Story| {
            let at = story.proposed.span;
            (at.start.abs_diff(span.start) + at.end.abs_diff(span.end), at)
        };
        let start = |story: &Story| story.proposed.span.start;
        let from = self.stories.partition_point(|s| start(s) + self.longest <= span.start);
        let to = self.stories.partition_point(|s| start(s) < span.end).max(from);
        let nearest = self.stories[from..to].iter().filter(near).min_by_key(distance);
        let (reason, sources) = match nearest {
            None => ("no source proposes anything here".to_owned(), Vec::new()),
            Some(Story { proposed, .. }) => {
                let by = origins(proposed);
                let what = if proposed.span == span {
                    format!("proposed as {} by {by}", proposed.label)
                } else {
                    let surface = self.page.surface(proposed.span);
                    format!("nearest is '{surface}' {} by {by}", proposed.label)
                };
                (what, sources(&proposed.origins))
            }
        };
        Decision { step: NOT_PROPOSED.to_owned(), line: String::new(), reason, sources }
    }
}

/// The names of sources, each once.
fn sources(origins: &[Origin]) -> Vec<String> {
    let mut names: Vec<String> = origins.iter().map(|origin| origin.source.to_string()).collect();
    names.sort();
    names.dedup();
    names
}
