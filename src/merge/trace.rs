//! What happened to each candidate, step by step, for `explain`. Off unless asked for, except for
//! warnings.

use std::sync::Arc;

use crate::error::{Error, Location};
use crate::rule::log::RuleLog;
use crate::span::{Candidate, Label, Origin, Span};

/// A candidate as the trace remembers it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Where.
    pub span: Span,
    /// What.
    pub label: Label,
    /// Its score at that moment.
    pub score: f32,
    /// Who proposed it.
    pub origins: Vec<Origin>,
}

impl From<&Candidate> for Snapshot {
    fn from(candidate: &Candidate) -> Self {
        Self {
            span: candidate.span,
            label: candidate.label.clone(),
            score: candidate.score,
            origins: candidate.origins.clone(),
        }
    }
}

/// What a pass did to a candidate.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Its score became another.
    Rescored {
        /// The score after.
        to: f32,
    },
    /// It became part of another candidate.
    Merged {
        /// The candidate that took it in, as it was afterwards.
        into: Snapshot,
    },
    /// Its span or label became another.
    Altered {
        /// The candidate afterwards.
        to: Snapshot,
    },
    /// It was made by the pass.
    Added,
    /// It stayed as it is, and nothing later in the pass may drop it.
    Kept,
    /// It was dropped.
    Dropped {
        /// The candidate that beat it, where one did.
        by: Option<Snapshot>,
    },
}

/// The rule that did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByRule {
    /// Its id in the pass.
    pub id: Arc<str>,
    /// Which change of the pass in this document it was: what a rule does at one place may be
    /// told in several events (a join of three candidates in three).
    pub change: usize,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The pass, by its position in the merge (0-based).
    pub step: usize,
    /// The candidate before.
    pub candidate: Snapshot,
    /// What was done.
    pub change: Change,
    /// Why, with the numbers compared: one clause, lower case.
    pub reason: String,
    /// The line that decided, where it is another than that of the pass (a rule, a cue, a row of a table).
    pub place: Option<Location>,
    /// The rule that did it, where one did.
    pub rule: Option<ByRule>,
}

impl Event {
    /// Whether it left `after` where the candidate was, under the same label.
    pub fn is_same_place(&self, after: &Snapshot) -> bool {
        self.candidate.span == after.span && self.candidate.label == after.label
    }

    /// The candidate as the event left it; as it was where it was dropped.
    pub fn left(&self) -> Snapshot {
        match &self.change {
            Change::Merged { into: after } | Change::Altered { to: after } => after.clone(),
            Change::Rescored { to } => Snapshot { score: *to, ..self.candidate.clone() },
            Change::Added | Change::Kept | Change::Dropped { .. } => self.candidate.clone(),
        }
    }
}

/// Why a pass did something.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    text: String,
    place: Option<Location>,
    rule: Option<ByRule>,
}

impl Reason {
    /// The same reason, decided by the line at `place`.
    #[must_use]
    pub fn at(mut self, place: Location) -> Self {
        self.place = Some(place);
        self
    }

    /// The same reason, which is that a rule did it.
    #[must_use]
    pub fn by(mut self, rule: ByRule) -> Self {
        self.rule = Some(rule);
        self
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self { text, place: None, rule: None }
    }
}

/// The story of one document's merge. A trace that is off records no event and builds no strings;
/// warnings it takes all the same.
#[derive(Debug, Default)]
pub struct Trace {
    on: bool,
    step: usize,
    events: Vec<Event>,
    warnings: Vec<Error>,
    /// A log for each pass so far, where rules are logged.
    logs: Vec<RuleLog>,
    logs_rules: bool,
    no_log: RuleLog,
}

impl Trace {
    /// A trace that records.
    pub fn recording() -> Self {
        Self { on: true, ..Self::default() }
    }

    /// A trace that records, also how the rules of each pass fared.
    pub fn logging_rules() -> Self {
        Self { on: true, logs_rules: true, ..Self::default() }
    }

    /// A trace that records nothing but warnings.
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether it records.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Says which pass the following events belong to.
    pub fn enter(&mut self, step: usize) {
        self.step = step;
        if self.logs_rules {
            self.logs.resize_with(step + 1, RuleLog::recording);
        }
    }

    /// Where the pass notes how its rules fare; off unless asked for.
    pub fn rule_log(&mut self) -> &mut RuleLog {
        self.logs.get_mut(self.step).unwrap_or(&mut self.no_log)
    }

    /// The log of each pass, by its position in the merge, which is then gone from the trace; empty
    /// unless asked for.
    pub fn take_rule_logs(&mut self) -> Vec<RuleLog> {
        std::mem::take(&mut self.logs)
    }

    /// Records that `candidate` was dropped, `by` another where one won; `reason` is only called
    /// when the trace is on.
    pub fn dropped<R: Into<Reason>>(
        &mut self,
        candidate: &Candidate,
        by: Option<&Candidate>,
        reason: impl FnOnce() -> R,
    ) {
        self.record(candidate, || Change::Dropped { by: by.map(Snapshot::from) }, reason);
    }

    /// Records that the pass made `candidate`.
    pub fn added<R: Into<Reason>>(&mut self, candidate: &Candidate, reason: impl FnOnce() -> R) {
        self.record(candidate, || Change::Added, reason);
    }

    /// Records that `candidate` was protected.
    pub fn kept<R: Into<Reason>>(&mut self, candidate: &Candidate, reason: impl FnOnce() -> R) {
        self.record(candidate, || Change::Kept, reason);
    }

    /// Takes what went wrong in a pass without spoiling the rest, whether the trace is on or off.
    pub fn warn(&mut self, warning: Error) {
        self.warnings.push(warning);
    }

    /// The warnings so far, which are then gone from the trace.
    pub fn take_warnings(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.warnings)
    }

    /// Records that `candidate` is about to get the score `to`.
    pub fn rescored<R: Into<Reason>>(
        &mut self,
        candidate: &Candidate,
        to: f32,
        reason: impl FnOnce() -> R,
    ) {
        self.record(candidate, || Change::Rescored { to }, reason);
    }

    /// Records that `candidate` went into `into`, which is given as it is afterwards.
    pub fn merged<R: Into<Reason>>(
        &mut self,
        candidate: &Candidate,
        into: &Candidate,
        reason: impl FnOnce() -> R,
    ) {
        self.record(candidate, || Change::Merged { into: into.into() }, reason);
    }

    /// Records that `candidate` became `to`, with another span or label.
    pub fn altered<R: Into<Reason>>(
        &mut self,
        candidate: &Candidate,
        to: &Candidate,
        reason: impl FnOnce() -> R,
    ) {
        self.record(candidate, || Change::Altered { to: to.into() }, reason);
    }

    /// Everything recorded, in the order it happened.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Everything recorded, by value.
    pub fn into_events(self) -> Vec<Event> {
        self.events
    }

    fn record<R: Into<Reason>>(
        &mut self,
        candidate: &Candidate,
        change: impl FnOnce() -> Change,
        reason: impl FnOnce() -> R,
    ) {
        if self.on {
            let reason: Reason = reason().into();
            let event = Event {
                step: self.step,
                candidate: candidate.into(),
                change: change(),
                reason: reason.text,
                place: reason.place,
                rule: reason.rule,
            };
            self.events.push(event);
        }
    }
}
