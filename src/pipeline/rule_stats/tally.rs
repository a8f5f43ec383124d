//! The counting itself: one document after another into a tally, and one tally into another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::build::Engine;
use super::super::explain::{Explanation, RuleLogs};
use super::super::story::{End, Story};
use super::{Judged, Numbers};
use crate::error::Error;
use crate::merge::trace::Snapshot;
use crate::span::{Label, Span};
use crate::text::Document;

/// What is counted of one rule; see [`super::RuleRow`].
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) fired: u64,
    pub(super) won: u64,
    pub(super) lost: u64,
    pub(super) dropped: u64,
    pub(super) helper: u64,
    pub(super) conflicted: u64,
    pub(super) given_up: u64,
    pub(super) warning: Option<Error>,
    pub(super) time: Duration,
    /// By the label that was right or wrong: which labels gold has is known at the end only.
    pub(super) judged: BTreeMap<Label, Judged>,
    pub(super) won_judged: BTreeMap<Label, Judged>,
}

/// What is counted over documents.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Of every rule.
    pub(super) rows: Vec<Counts>,
    /// The shared time of every source and pass.
    pub(super) shared: Vec<Duration>,
    /// The labels of gold.
    pub(super) gold: BTreeMap<String, u64>,
}

/// Something that a rule did, and what became of it.
struct Done<'a> {
    left: &'a Snapshot,
    last: &'a Snapshot,
    end: End,
    is_against: bool,
}

impl Tally {
    pub(super) fn new(rules: usize, holders: usize) -> Self {
        Self {
            rows: std::iter::repeat_with(Counts::default).take(rules).collect(),
            shared: vec![Duration::ZERO; holders],
            gold: BTreeMap::new(),
        }
    }

    /// Counts what the rules did in a document.
    pub(super) fn add(
        &mut self,
        numbers: &Numbers,
        engine: &Engine,
        document: &Document,
        explanation: &Explanation,
    ) {
        for annotation in document.gold.iter().flatten() {
            *self.gold.entry(annotation.label.clone()).or_default() += 1;
        }
        let gold = document.gold.as_ref().map(|gold| {
            gold.iter().map(|one| (one.span, one.label.as_str())).collect::<BTreeSet<_>>()
        });
        let stories = explanation.stories();
        let proposals = Proposals::new(&stories, engine.labels());
        let mut count = |row: usize, done: &Done<'_>| {
            let conflicted = proposals.conflict_with(done.left);
            self.rows[row].add(done, conflicted, gold.as_ref());
        };
        for story in stories.iter().filter(|story| story.added.is_none()) {
            let Some(origin) = story.proposed.origins.first() else { continue };
            if let Some(row) = numbers.by_origin.get(origin) {
                let Story { proposed: left, last, end, .. } = story;
                count(*row, &Done { left, last, end: *end, is_against: false });
            }
        }
        for result in explanation.rule_results() {
            if let Some(row) = numbers.by_step.get(&(result.step, result.rule.clone())) {
                let (end, is_against) = (result.end, result.is_against);
                count(*row, &Done { left: &result.left, last: &result.last, end, is_against });
            }
        }
    }

    /// Adds times, and which rules were given up.
    pub(super) fn add_logs(&mut self, numbers: &Numbers, logs: RuleLogs) {
        let firsts = numbers.sources.iter().chain(&numbers.steps);
        let sources = numbers.sources.len();
        let holders = (0..sources).zip(logs.sources).chain((sources..).zip(logs.steps));
        for ((holder, log), first) in holders.zip(firsts) {
            self.shared[holder] += log.shared();
            for (number, time) in log.times().iter().enumerate() {
                self.rows[first + number].time += *time;
            }
            for (number, warning) in log.into_given_up() {
                let row = &mut self.rows[first + number];
                row.given_up += 1;
                row.warning.get_or_insert(warning);
            }
        }
    }

    /// Adds what was counted over later documents.
    pub(super) fn merge(&mut self, later: Self) {
        for (row, more) in self.rows.iter_mut().zip(later.rows) {
            row.merge(more);
        }
        for (time, more) in self.shared.iter_mut().zip(later.shared) {
            *time += more;
        }
        for (label, count) in later.gold {
            *self.gold.entry(label).or_default() += count;
        }
    }
}

impl Counts {
    fn add(&mut self, done: &Done<'_>, conflicted: bool, gold: Option<&BTreeSet<(Span, &str)>>) {
        self.fired += 1;
        self.conflicted += u64::from(conflicted);
        *match done.end {
            End::Won(_) => &mut self.won,
            End::Lost => &mut self.lost,
            End::Dropped => &mut self.dropped,
            End::Helper => &mut self.helper,
        } += 1;
        let Some(gold) = gold else { return };
        let is_gold = |one: &Snapshot| gold.contains(&(one.span, one.label.as_str()));
        judge(&mut self.judged, &done.left.label, is_gold(done.left) != done.is_against);
        if let End::Won(_) = done.end {
            judge(&mut self.won_judged, &done.last.label, is_gold(done.last));
        }
    }

    fn merge(&mut self, later: Self) {
        self.fired += later.fired;
        self.won += later.won;
        self.lost += later.lost;
        self.dropped += later.dropped;
        self.helper += later.helper;
        self.conflicted += later.conflicted;
        self.given_up += later.given_up;
        self.warning = self.warning.take().or(later.warning);
        self.time += later.time;
        let pairs = [(&mut self.judged, later.judged), (&mut self.won_judged, later.won_judged)];
        for (here, more) in pairs {
            for (label, judged) in more {
                let sum = here.entry(label).or_default();
                (sum.right, sum.wrong) = (sum.right + judged.right, sum.wrong + judged.wrong);
            }
        }
    }
}

fn judge(by_label: &mut BTreeMap<Label, Judged>, label: &Label, is_right: bool) {
    let judged = by_label.entry(label.clone()).or_default();
    if is_right {
        judged.right += 1;
    } else {
        judged.wrong += 1;
    }
}

/// Everything that was proposed for a document, to be asked for conflicts.
struct Proposals<'a> {
    /// In the one total order: by their beginning.
    stories: &'a [Story],
    /// How far the proposals up to each of them reach.
    reach: Vec<usize>,
    labels: &'a [Label],
}

impl<'a> Proposals<'a> {
    fn new(stories: &'a [Story], labels: &'a [Label]) -> Self {
        let mut end = 0;
        let reach = stories.iter().map(|story| {
            end = end.max(story.proposed.span.end);
            end
        });
        Self { stories, reach: reach.collect(), labels }
    }

    /// Whether another origin proposed another span or label where `one` is.
    fn conflict_with(&self, one: &Snapshot) -> bool {
        if !self.labels.contains(&one.label) {
            return false;
        }
        let ends = self.stories.partition_point(|story| story.proposed.span.start < one.span.end);
        let near = (0..ends).rev().take_while(|number| self.reach[*number] > one.span.start);
        near.map(|number| &self.stories[number].proposed).any(|other| {
            other.span.overlaps(one.span)
                && (other.span, &other.label) != (one.span, &one.label)
                && self.labels.contains(&other.label)
                && !other.origins.iter().any(|origin| one.origins.contains(origin))
        })
    }
}
