//! What became of each proposal: its way through the events of the merge, from who proposed it to how
//! it ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::explain::Explanation;
use crate::merge::trace::{Change, Event, Snapshot};
use crate::span::{Candidate, Entity, Label, Span, order};

/// A proposal and its way through the merge.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// What was proposed, by a source or by a pass.
    pub proposed: Snapshot,
    /// The event that made it, where a pass did: its number in [`Explanation::events`].
    pub added: Option<usize>,
    /// The events that were about it, in order, its end included: numbers in [`Explanation::events`].
    pub events: Vec<usize>,
    /// The events in which it beat another, in order: numbers in [`Explanation::events`].
    pub beat: Vec<usize>,
    /// What it was in the end, or when it was dropped.
    pub last: Snapshot,
    /// How it ended.
    pub end: End,
}

/// How a proposal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is an entity or a part of one: its number in [`Explanation::entities`].
    Won(usize),
    /// Another beat it.
    Lost,
    /// A pass did not want it.
    Dropped,
    /// It was there for others to look at: its label is not one that the engine gives.
    Helper,
}

impl End {
    /// Its name in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Won(_) => "won",
            Self::Lost => "lost",
            Self::Dropped => "dropped",
            Self::Helper => "helper",
        }
    }
}

/// What a rule of the merge made, changed or took away, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleResult {
    /// The pass of the rule, by its position in the merge (0-based).
    pub step: usize,
    /// The rule's id.
    pub rule: Arc<str>,
    /// Whether the rule spoke against it: dropped it, or made its score lower.
    pub is_against: bool,
    /// What the rule left: the entity as it was afterwards, or, where the rule dropped it, before.
    pub left: Snapshot,
    /// What that was in the end, or when it was dropped.
    pub last: Snapshot,
    /// How it ended.
    pub end: End,
}

/// Proposals that hang together by overlap, theirs or of what they became.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// From the first to the last byte that one of them was ever about.
    pub span: Span,
    /// What was proposed there, by the beginning of what they were about, then in the one total order.
    pub stories: Vec<Story>,
}

impl Explanation {
    /// What became of every proposal, in the one total order of the proposals.
    pub fn stories(&self) -> Vec<Story> {
        let index = Index::of(self);
        let proposed = self.mentions.iter().cloned().map(Candidate::from);
        let mut stories: Vec<Story> =
            proposed.map(|c| index.follow(Snapshot::from(&c), None)).collect();
        for (number, event) in self.events.iter().enumerate() {
            if event.change == Change::Added {
                stories.push(index.follow(event.candidate.clone(), Some(number)));
            }
        }
        let mut ordered: Vec<(Candidate, Story)> =
            stories.into_iter().map(|story| (story.proposed.clone().into(), story)).collect();
        ordered.sort_by(|(a, one), (b, other)| {
            order::compare(a, b).then_with(|| one.added.cmp(&other.added))
        });
        ordered.into_iter().map(|(_, story)| story).collect()
    }

    /// What the rules of the merge did, in the order it happened: one for every entity that a rule made,
    /// changed, protected or dropped. What a rule splits is as many as its parts, what it joins one; a
    /// change of a score and another of the same entity by one rule at one place are one.
    pub fn rule_results(&self) -> Vec<RuleResult> {
        let index = Index::of(self);
        let mut results: Vec<(usize, RuleResult)> = Vec::new();
        for (number, event) in self.events.iter().enumerate() {
            let Some(by) = &event.rule else { continue };
            let left = event.left();
            let is_told = |(change, other): &&(usize, RuleResult)| {
                *change == by.change
                    && other.step == event.step
                    && (other.left.span, &other.left.label) == (left.span, &left.label)
            };
            // Events of one change follow each other.
            let told = results.iter().rev().take_while(|(change, _)| *change == by.change);
            if told.into_iter().any(|one| is_told(&one)) {
                continue;
            }
            let (is_against, last, end) = match &event.change {
                Change::Dropped { .. } => (true, left.clone(), End::Dropped),
                change => {
                    let lower =
                        matches!(change, Change::Rescored { to } if *to < event.candidate.score);
                    let story = index.follow(left.clone(), Some(number));
                    (lower, story.last, story.end)
                }
            };
            let (step, rule) = (event.step, by.id.clone());
            results.push((by.change, RuleResult { step, rule, is_against, left, last, end }));
        }
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// The places of the document at which something was proposed, in the order of the text. Places do
    /// not overlap, and every story is in one.
    pub fn places(&self) -> Vec<Place> {
        let mut stories: Vec<(Span, Story)> =
            self.stories().into_iter().map(|story| (self.extent(&story), story)).collect();
        // Stable: at one place, stories stay in their order.
        stories.sort_by_key(|(extent, _)| extent.start);
        let mut places: Vec<Place> = Vec::new();
        for (extent, story) in stories {
            match places.last_mut().filter(|place| extent.start < place.span.end) {
                Some(place) => {
                    place.span.end = place.span.end.max(extent.end);
                    place.stories.push(story);
                }
                None => places.push(Place { span: extent, stories: vec![story] }),
            }
        }
        places
    }

    /// From the first to the last byte that a story was ever about.
    fn extent(&self, story: &Story) -> Span {
        let on_its_way = story.events.iter().map(|number| &self.events[*number].candidate);
        let spans = on_its_way.chain([&story.last]).map(|snapshot| snapshot.span);
        spans.fold(story.proposed.span, |all, span| {
            Span::new(all.start.min(span.start), all.end.max(span.end))
        })
    }

    /// The event that decided a story: the one that ended it, or the last in which it beat another;
    /// `None` where nothing stood against it.
    pub fn decided(&self, story: &Story) -> Option<&Event> {
        match story.end {
            End::Lost | End::Dropped => story.events.last().map(|number| &self.events[*number]),
            End::Won(_) => story.beat.last().map(|number| &self.events[*number]),
            End::Helper => None,
        }
    }

    /// Whether the proposal was this candidate at some time.
    pub fn was(&self, story: &Story, snapshot: &Snapshot) -> bool {
        let on_its_way = story.events.iter().map(|number| &self.events[*number].candidate);
        on_its_way.chain([&story.proposed, &story.last]).any(|one| is_same(one, snapshot))
    }
}

/// Whether two candidates are one at different times: the same span and label, and an origin in common.
fn is_same(a: &Snapshot, b: &Snapshot) -> bool {
    a.span == b.span && a.label == b.label && a.origins.iter().any(|o| b.origins.contains(o))
}

/// The events of a merge by the span of the candidate and of what beat it, and its entities.
struct Index<'e> {
    explanation: &'e Explanation,
    by_span: BTreeMap<Span, Vec<usize>>,
    by_winner: BTreeMap<Span, Vec<usize>>,
    entities: BTreeMap<(Span, &'e Label), usize>,
}

impl<'e> Index<'e> {
    fn of(explanation: &'e Explanation) -> Self {
        let mut by_span: BTreeMap<Span, Vec<usize>> = BTreeMap::new();
        let mut by_winner: BTreeMap<Span, Vec<usize>> = BTreeMap::new();
        for (number, event) in explanation.events.iter().enumerate() {
            by_span.entry(event.candidate.span).or_default().push(number);
            if let Change::Dropped { by: Some(winner) } = &event.change {
                by_winner.entry(winner.span).or_default().push(number);
            }
        }
        let number = |(number, e): (usize, &'e Entity)| ((e.span, &e.label), number);
        let entities = explanation.entities.iter().enumerate().map(number).collect();
        Self { explanation, by_span, by_winner, entities }
    }

    fn follow(&self, proposed: Snapshot, added: Option<usize>) -> Story {
        let mut last = proposed.clone();
        let mut events = Vec::new();
        let mut beat = self.beaten_by(&proposed);
        let mut next = added.map_or(0, |number| number + 1);
        let mut end = None;
        while let Some(number) = self.next(next, &last, &proposed) {
            next = number + 1;
            events.push(number);
            let event = &self.explanation.events[number];
            last.score = event.candidate.score;
            last.origins.clone_from(&event.candidate.origins);
            match &event.change {
                Change::Dropped { by } => {
                    end = Some(if by.is_some() { End::Lost } else { End::Dropped });
                    break;
                }
                Change::Merged { into: after } | Change::Altered { to: after } => {
                    last = after.clone();
                    beat.extend(self.beaten_by(&last));
                }
                Change::Rescored { to } => last.score = *to,
                Change::Added | Change::Kept => {}
            }
        }
        let entity = || self.entities.get(&(last.span, &last.label)).copied();
        let end = end.unwrap_or_else(|| entity().map_or(End::Helper, End::Won));
        beat.sort_unstable();
        beat.dedup();
        Story { proposed, added, events, beat, last, end }
    }

    /// The events in which this candidate beat another.
    fn beaten_by(&self, winner: &Snapshot) -> Vec<usize> {
        let here = self.by_winner.get(&winner.span).into_iter().flatten().copied();
        let is_it = |number: &usize| match &self.explanation.events[*number].change {
            Change::Dropped { by: Some(by) } => is_same(by, winner),
            _ => false,
        };
        here.filter(is_it).collect()
    }

    /// The first event from number `from` on that is about the proposal as it is `now`.
    fn next(&self, from: usize, now: &Snapshot, proposed: &Snapshot) -> Option<usize> {
        let here = self.by_span.get(&now.span)?;
        let is_it = |number: &&usize| {
            let event = &self.explanation.events[**number];
            event.change != Change::Added
                && event.candidate.label == now.label
                && event.candidate.origins.iter().any(|o| proposed.origins.contains(o))
        };
        let later = here.partition_point(|number| *number < from);
        here[later..].iter().find(is_it).copied()
    }
}

impl From<Snapshot> for Candidate {
    fn from(snapshot: Snapshot) -> Self {
        let Snapshot { span, label, score, origins } = snapshot;
        Self { span, label, score, origins, overruled: Vec::new() }
    }
}
