//! What became of each mention: its way through the events of the merge.

use std::collections::BTreeMap;

use crate::merge::trace::{Change, Event, Snapshot};
use crate::pipeline::Explanation;
use crate::span::{Candidate, Label, Mention, Span, order};

/// A mention and its way.
pub(super) struct Fate<'e> {
    /// What the source proposed.
    pub mention: &'e Mention,
    /// What happened to it, in order, but for its end.
    pub changes: Vec<&'e Event>,
    /// How it ended.
    pub state: State,
    /// The event that decided: the one that dropped it, or the last in which it beat another.
    pub decided: Option<&'e Event>,
}

/// How a mention ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is an entity, or part of one.
    Won,
    /// Another beat it.
    Lost,
    /// A pass did not want it.
    Dropped,
    /// It was there for others to look at.
    Helper,
}

impl State {
    /// Its name in outputs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Dropped => "dropped",
            Self::Helper => "helper",
        }
    }
}

/// Mentions that hang together by overlap.
pub(super) struct Place<'e> {
    /// From the start of the first to the end of the last.
    pub span: Span,
    /// The mentions, in the one total order.
    pub fates: Vec<Fate<'e>>,
}

/// The places of a document and what happened there; `labels` are those the engine gives.
pub(super) fn places<'e>(explanation: &'e Explanation, labels: &[Label]) -> Vec<Place<'e>> {
    let events = Events::of(&explanation.events);
    let candidates: Vec<Candidate> =
        explanation.mentions.iter().cloned().map(Candidate::from).collect();
    order::overlap_clusters(&candidates)
        .into_iter()
        .map(|range| {
            let mentions = &explanation.mentions[range];
            let start = mentions.iter().map(|m| m.span.start).min().expect("never empty");
            let end = mentions.iter().map(|m| m.span.end).max().expect("never empty");
            let fates = mentions.iter().map(|mention| events.follow(mention, labels)).collect();
            Place { span: Span::new(start, end), fates }
        })
        .collect()
}

/// The events of a merge, by the span of the candidate and by what won.
struct Events<'e> {
    by_span: BTreeMap<Span, Vec<(usize, &'e Event)>>,
    by_winner: BTreeMap<(Span, &'e Label), &'e Event>,
}

impl<'e> Events<'e> {
    fn of(events: &'e [Event]) -> Self {
        let mut by_span: BTreeMap<Span, Vec<_>> = BTreeMap::new();
        let mut by_winner = BTreeMap::new();
        for (number, event) in events.iter().enumerate() {
            by_span.entry(event.candidate.span).or_default().push((number, event));
            if let Change::Dropped { by: Some(winner) } = &event.change {
                by_winner.insert((winner.span, &winner.label), event);
            }
        }
        Self { by_span, by_winner }
    }

    fn follow(&self, mention: &'e Mention, labels: &[Label]) -> Fate<'e> {
        let mut now = (mention.span, &mention.label);
        let mut next = 0;
        let mut changes = Vec::new();
        while let Some((number, event)) = self.next(next, now, mention) {
            next = number + 1;
            match &event.change {
                Change::Dropped { by } => {
                    let state = if by.is_some() { State::Lost } else { State::Dropped };
                    return Fate { mention, changes, state, decided: Some(event) };
                }
                Change::Merged { into: after } | Change::Altered { to: after } => {
                    now = (after.span, &after.label);
                }
                Change::Added | Change::Kept | Change::Rescored { .. } => {}
            }
            changes.push(event);
        }
        let state = if labels.contains(now.1) { State::Won } else { State::Helper };
        Fate { mention, changes, state, decided: self.by_winner.get(&now).copied() }
    }

    /// The first event from number `from` on that is about the mention as it is `now`.
    fn next(
        &self,
        from: usize,
        now: (Span, &Label),
        mention: &Mention,
    ) -> Option<(usize, &'e Event)> {
        let here = self.by_span.get(&now.0)?;
        let is_it = |candidate: &Snapshot| {
            candidate.label == *now.1 && candidate.origins.contains(&mention.origin)
        };
        let later = here.partition_point(|(number, _)| *number < from);
        here[later..].iter().find(|(_, event)| is_it(&event.candidate)).copied()
    }
}
