//! Why is something *not* an entity? Which source could have proposed it and did not, or what became of
//! the proposal, followed to its end and to the end of what beat it.

use std::sync::Arc;

use super::build::Engine;
use super::explain::Explanation;
use super::story::{End, Story};
use crate::error::{Error, ErrorKind, Result};
use crate::merge::trace::{Change, Snapshot};
use crate::source::Refusal;
use crate::span::{Entity, Label, Span};
use crate::text::Document;

/// Why a document does not have an entity on a span, or that it has one.
#[derive(Debug)]
pub struct WhyNot {
    /// Where it was asked for.
    pub span: Span,
    /// As what it was asked for; `None` for any label.
    pub label: Option<Label>,
    /// The entity that was asked for, where it is there.
    pub entity: Option<Entity>,
    /// What was proposed there and is no entity there, and what became of it.
    pub removed: Vec<Removed>,
    /// The sources that did not propose it, in their order, and why not.
    pub silent: Vec<Silent>,
    /// The given token that the span cuts, which no entity does.
    pub cut_token: Option<Span>,
    /// The entities that are there instead: those that overlap the span.
    pub instead: Vec<Entity>,
    /// The sources of the engine file that do not run, and were not asked.
    pub disabled: Vec<Arc<str>>,
    /// The story of the whole document, which the numbers in the stories are about.
    pub explanation: Explanation,
}

/// A proposal that came to nothing.
#[derive(Debug)]
pub struct Removed {
    /// What became of it.
    pub story: Story,
    /// What beat it, and what beat that, to one that was not beaten by another.
    pub beaten_by: Vec<Story>,
}

/// A source that did not propose what was asked for.
#[derive(Debug)]
pub struct Silent {
    /// Its name.
    pub source: Arc<str>,
    /// What it had that comes close, and what stood against it.
    pub refusals: Vec<Refusal>,
}

impl Engine {
    /// Why `span` is no entity of the document, as `label` or as any.
    ///
    /// # Errors
    /// Where the span does not lie in the text, the engine knows no such label, or a source failed as a
    /// whole.
    pub fn why_not(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Result<WhyNot> {
        if span.is_empty() || span.slice(&document.text).is_none() {
            let message = format!(
                "bytes {span} are no part of document '{}', which has {} bytes",
                document.id,
                document.text.len()
            );
            return Err(Error::new(ErrorKind::Document, message));
        }
        if let Some(label) = label {
            self.check_label(label)?;
        }
        let explanation = self.explain(document)?;
        let is_it = |s: Span, l: &Label| s == span && label.is_none_or(|label| label == l);
        let entity = explanation.entities.iter().find(|e| is_it(e.span, &e.label)).cloned();
        let mut silent = Vec::new();
        for source in &self.sources {
            let has_proposed = explanation
                .mentions
                .iter()
                .any(|m| m.origin.source == *source.name() && is_it(m.span, &m.label));
            if has_proposed {
                continue;
            }
            let refusals = source.why_not(document, span, label)?;
            if !refusals.is_empty() {
                silent.push(Silent { source: source.name().clone(), refusals });
            }
        }
        let stories = explanation.stories();
        let asked_for = |story: &&Story| {
            let came_by = |s: &Snapshot| is_it(s.span, &s.label);
            let stayed = matches!(story.end, End::Won(_)) && came_by(&story.last);
            let way = story.events.iter().map(|number| &explanation.events[*number].candidate);
            !stayed && way.chain([&story.proposed, &story.last]).any(came_by)
        };
        let removed = stories
            .iter()
            .filter(asked_for)
            .map(|story| Removed {
                story: story.clone(),
                beaten_by: beaten_by(&explanation, &stories, story),
            })
            .collect();
        let instead = explanation.entities.iter().filter(|e| e.span.overlaps(span));
        let instead = instead.filter(|e| Some(*e) != entity.as_ref()).cloned().collect();
        let cut_token = document.token_spans().and_then(|tokens| {
            let cuts = |edge: usize, t: &Span| t.start < edge && edge < t.end;
            tokens.into_iter().find(|t| cuts(span.start, t) || cuts(span.end, t))
        });
        Ok(WhyNot {
            span,
            label: label.cloned(),
            entity,
            removed,
            silent,
            cut_token,
            instead,
            disabled: self.disabled().to_vec(),
            explanation,
        })
    }

    /// All labels that may occur in the engine, sorted: those that it gives, and those that sources
    /// propose for the merge to look at.
    pub fn known_labels(&self) -> Vec<Label> {
        let proposed = self.sources.iter().flat_map(|source| source.labels());
        let mut known: Vec<Label> =
            self.labels.iter().chain(&self.helper_labels).cloned().chain(proposed).collect();
        known.sort();
        known.dedup();
        known
    }

    fn check_label(&self, label: &Label) -> Result<()> {
        let known = self.known_labels();
        if known.contains(label) {
            return Ok(());
        }
        Err(self.unknown_label(label.as_str()))
    }

    /// That a label is none that may occur in the engine; with what would make it occur, where that is known.
    pub fn unknown_label(&self, name: &str) -> Error {
        let known = self.known_labels();
        let names: Vec<&str> = known.iter().map(Label::as_str).collect();
        let error = Error::unknown("label", name, &names);
        let gives = |(_, labels): &&(_, Vec<Label>)| labels.iter().any(|l| l.as_str() == name);
        match self.on_demand().iter().find(gives) {
            Some((source, _)) => error.with_help(format!(
                "the source '{source}', which is switched off, gives it: `--with {source}`; known: {}",
                names.join(", ")
            )),
            None => error,
        }
    }
}

/// What beat a story, what beat that one in turn, and so on. Whatever beats another is dropped later
/// than that, so this ends.
fn beaten_by(explanation: &Explanation, stories: &[Story], story: &Story) -> Vec<Story> {
    let mut chain: Vec<Story> = Vec::new();
    let mut now = story;
    let mut dropped_at = None;
    while now.end == End::Lost && now.events.last().copied() > dropped_at {
        dropped_at = now.events.last().copied();
        let Some(Change::Dropped { by: Some(by) }) =
            dropped_at.map(|number| &explanation.events[number].change)
        else {
            break;
        };
        let Some(winner) = stories.iter().find(|story| explanation.was(story, by)) else { break };
        chain.push(winner.clone());
        now = winner;
    }
    chain
}
